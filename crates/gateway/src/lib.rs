//! OpenAI- and Anthropic-compatible HTTP over any [`Provider`](lenore_provider::Provider).
//!
//! ```no_run
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use lenore_gateway::Gateway;
//! use lenore_provider::Provider;
//!
//! # async fn run(provider: Arc<dyn Provider>) -> std::io::Result<()> {
//! let gateway = Gateway::builder(provider).build().map_err(std::io::Error::other)?;
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
//! let shutdown = std::future::pending();
//! gateway.serve(listener, shutdown, Duration::from_secs(30)).await
//! # }
//! ```
//!
//! The way of a request: `doors` lets it in, a dialect (`chat`, `completions`, `responses`,
//! `messages`) reads it into a `Question`, `respond` asks, `Answer` turns the provider's events
//! into parts, `Fold` decides what can be sent, and the dialect's `Encoder` tells it. `Points` knows
//! the answer again when its conversation goes on.

mod answer;
mod body;
mod chat;
mod completions;
mod connection;
mod content;
mod doors;
mod failure;
mod fields;
mod files;
mod fold;
mod gateway;
mod health;
mod ids;
mod keys;
mod known;
mod limits;
mod links;
mod mark;
mod messages;
mod metrics;
mod models;
mod open_files;
mod openapi;
mod page;
mod paths;
mod patience;
mod peer;
mod places;
mod points;
mod question;
mod recent;
mod refusal;
mod remote;
mod respond;
mod responses;
mod schema;
mod scratch;
mod serve;
mod side;
mod sse;
mod tokens;
mod told;
mod tools;
mod wire;

pub use gateway::{Gateway, GatewayBuilder};
pub use keys::{KeyFile, KeyRecord, Limits};
pub use patience::Patience;
