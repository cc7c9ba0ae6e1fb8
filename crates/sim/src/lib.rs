//! A local site that behaves like Poe, faults included.
//!
//! It serves the pages, the GraphQL-like endpoints and the update socket that a
//! chat client meets on poe.com, on 127.0.0.1 only, so that a client can be
//! tried without an account and tested without a network. What an answer does
//! (its length, its pace, the faults on its way) is asked for in the prompt
//! itself: see `docs/sim.md` for the scenario words.
//!
//! The parts, from the wire inwards:
//! - `server` binds the two ports and owns the tasks; [`Sim`] is its handle
//! - `pages`, `assets`, `parts`, `class_names`: what a browser loads
//! - `gql`, `login`, `upload`, `send`: what the page calls
//! - `socket`, `channels`, `channel`: what the page listens to
//! - `edition`, `habits`: which site it is; `wire`, `operations` write things down accordingly
//! - `play` performs a `script`, which `scenario`, `prose` and `cuts` make up; `quirks` gives
//!   what it says an odd shape
//! - `world` is the database: accounts, sessions, chats, messages
//! - `log` remembers what the site saw

mod assets;
mod bots;
mod channel;
mod channels;
mod class_names;
mod cuts;
mod drift;
mod edition;
mod facts;
mod gql;
mod habits;
mod log;
mod login;
mod operations;
mod options;
mod own_pages;
mod pages;
mod parts;
mod play;
mod prose;
mod quirks;
mod routes;
mod scenario;
mod script;
mod send;
mod server;
mod site;
mod socket;
mod upload;
mod variants;
mod wire;
mod world;

pub use drift::{Drift, How, UnknownDrift};
pub use edition::{Edition, UnknownEdition};
pub use facts::{Fact, facts};
pub use habits::{Habit, UnknownHabit};
pub use log::{LogEntry, Seen};
pub use options::Options;
pub use server::Sim;
