//! Your Poe subscription as a stream, through your own browser.
//!
//! A program asks; a real browser, signed in as the user, opens the bot's page, types the prompt
//! and presses send; what the page receives comes back as a stream, exact to the character.
//!
//! ```no_run
//! use lenore::{ChatRequest, Event, Message, Poe, Provider, Result};
//!
//! #[tokio::main]
//! async fn main() -> Result<()> {
//!     let poe = Poe::builder().build()?;
//!     let request = ChatRequest::new("gpt-4", vec![Message::user("Say hello")]);
//!     let mut completion = poe.create_completion(request);
//!     while let Some(event) = completion.next().await {
//!         if let Event::Delta(text) = event? {
//!             print!("{text}");
//!         }
//!     }
//!     poe.close().await;
//!     Ok(())
//! }
//! ```
//!
//! The profile must be signed in once: `lenore login`, or [`Poe::sign_in_by_hand`].
//!
//! A site may rewrite what it has sent. Who cannot show that takes the whole text at the end, by
//! [`Completion::text`] or with [`ChatRequest::stream`] off; who can handles [`Event::Replace`],
//! or folds the events into a [`Transcript`].
//!
//! [`PoeApi`] is the same over Poe's official HTTP API, with a key in place of the browser.
//!
//! Lenore is not affiliated with Poe or Quora.

pub use lenore_poe::{
    Account, AccountFacts, Check, Diagnosis, Examination, Fact, Mending, Outcome, Owner, Poe,
    PoeBuilder, Program, Progress, Proxy, Routes, SavedSession, Selectors, Site, WebDriver,
    abandon_profiles, can_show_window, format_prompt,
};
pub use lenore_poe_api::{PoeApi, PoeApiBuilder};
pub use lenore_provider::{
    BrowserState, ChatRequest, Completion, Earlier, Error, ErrorKind, Event, FinishReason, Health,
    Message, Model, Provider, Result, Role, Transcript, split_temporary,
};
