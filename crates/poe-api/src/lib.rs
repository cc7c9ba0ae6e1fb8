//! Poe's official HTTP API as a [`Provider`](lenore_provider::Provider).
//!
//! It needs a key instead of a browser: `POE_API_KEY`, or [`PoeApiBuilder::key`]. The service is
//! the chat completions API of OpenAI, streamed, with the bots' handles as models.
//!
//! ```no_run
//! use lenore_poe_api::PoeApi;
//! use lenore_provider::{ChatRequest, Message, Provider, Result};
//!
//! # async fn ask() -> Result<()> {
//! let api = PoeApi::builder().build()?;
//! let request = ChatRequest::new("poe-api/GPT-4", vec![Message::user("Say hello")]);
//! println!("{}", api.create_completion(request).text().await?);
//! println!("{} points are left", api.balance().await?);
//! # Ok(())
//! # }
//! ```
//!
//! What differs from the site: no chat is kept, so there is no
//! [`Event::Started`](lenore_provider::Event::Started) and none can be continued; the whole
//! conversation is sent each time, in its roles. What a bot thinks aloud apart from its answer
//! (`reasoning_content`) comes as [`Event::Thought`](lenore_provider::Event::Thought), and is no part
//! of the answer.
//!
//! The HTTP client is `reqwest`, with `eventsource-stream`. The client crates for OpenAI's API were
//! passed over: of a failed request they tell neither the status of every error nor `Retry-After`,
//! they refuse words that they do not know, and their errors quote the answer.

mod answer;
mod api;
mod body;
mod builder;
mod chunk;
mod failure;

pub use api::PoeApi;
pub use builder::PoeApiBuilder;
