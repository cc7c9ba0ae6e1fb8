//! A real browser for programs: start one or attach to one, open pages, drive them, and tap what
//! they receive.
//!
//! This crate knows no chat site. A caller brings a [preload script](PageOptions::preload) that
//! runs before the page's own scripts; what that script emits arrives, numbered, in the [`Tap`].
//! Every wait has a deadline, and no path out leaves a process, a temporary profile or a lock.

mod browser;
mod child;
mod chromium;
mod commands;
mod cookie;
mod core_dumps;
mod engine;
mod environment;
mod error;
mod find;
mod given_back;
mod navigation;
mod own;
mod page;
mod profile;
mod proxy;
mod reasons;
mod socket;
mod tap;
mod webdriver;

pub use browser::{Browser, Isolation, LaunchOptions, PageOptions, Program, WebDriverOptions};
pub use cookie::{Cookie, SessionCookie};
pub use core_dumps::forbid_core_dumps;
pub use error::{Error, ErrorKind, Result};
pub use find::{can_show_window, find_chromium, find_firefox, find_geckodriver};
pub use given_back::sessions_given_back;
pub use navigation::{Navigation, Shows};
pub use page::Page;
pub use profile::{LOCK_FILE, OwnedProfile, Owner, Profile, abandon_profiles};
pub use proxy::Proxy;
pub use tap::{Tap, TapEvent};
