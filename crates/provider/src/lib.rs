//! The words of Lenore: what a program asks of a chat provider, and what comes back.
//!
//! A [`Provider`] turns a [`ChatRequest`] into a [`Completion`], a stream of [`Event`]s. Folding
//! the events ([`Transcript`]) gives exactly the text that the site holds for the answer. This
//! crate does no I/O and knows no site, no browser and no HTTP server; those are built on it.

mod completion;
mod conversation;
mod error;
mod event;
mod health;
mod message;
mod provider;
mod request;

pub use completion::Completion;
pub use conversation::{ConversationHash, ConversationHasher};
pub use error::{Error, ErrorKind, Result};
pub use event::{Event, FinishReason, Transcript};
pub use health::{BrowserState, Health};
pub use message::{Message, Role};
pub use provider::{Model, Provider};
pub use request::{ChatRequest, Earlier, Hold, split_temporary};
