//! Poe as a [`Provider`](lenore_provider::Provider): the user's own account, through the user's
//! own browser, at a person's pace.
//!
//! A request opens the bot's page, types the prompt and presses send. What the page then receives
//! on its socket is read by a [tap](lenore_browser::Tap) and becomes the events of a
//! [`Completion`](lenore_provider::Completion). Nothing is asked of the site that the page does
//! not ask by itself.
//!
//! What is known of the site, and drifts, is data: [`Site`].

mod account;
mod arrive;
mod ask;
mod attach;
mod builder;
mod caller;
mod compose;
mod context;
mod conversations;
pub mod decode;
mod delete;
mod doctor;
mod error;
mod follow;
mod listener;
mod models;
mod pace;
mod pipe;
mod poe;
mod prompt;
mod proxy;
mod saved_session;
mod session;
mod sign_in;
mod site;
mod source;
mod tabs;
mod watch;
mod webdriver;

pub use account::Account;
pub use builder::PoeBuilder;
pub use doctor::{Check, Diagnosis, Examination, Outcome, Progress};
pub use lenore_browser::{Owner, Program, Proxy, abandon_profiles, can_show_window};
pub use poe::Poe;
pub use prompt::format_prompt;
pub use saved_session::SavedSession;
pub use site::{
    AccountFacts, Fact, Failure, Mending, MessageFacts, Routes, Selectors, Site, States, Wire,
};
pub use webdriver::WebDriver;
