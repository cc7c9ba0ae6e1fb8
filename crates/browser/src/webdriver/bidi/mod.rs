//! WebDriver BiDi: its connection and its messages.
//!
//! <https://w3c.github.io/webdriver-bidi/> is the source of every name in here.

mod connection;
mod protocol;
mod router;

pub(super) use connection::{Connection, Of};
pub(super) use protocol::{
    AuthRequired, Challenged, ContextCreated, CookieFound, Cookies, Evaluated, Event, Nothing,
    Picture, PromptOpened, Realms, ScriptAdded, Subscribed, TargetCrashed,
};
pub(super) use router::Subscription;
