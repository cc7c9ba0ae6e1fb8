//! A [`Provider`](lenore_provider::Provider) across the processes of one user.
//!
//! One process has what answers need (a browser, a profile, a connection) and [`serve`]s it; others
//! of the same user on the same machine use it as a [`Remote`], which is a `Provider` like any.
//! They talk over a Unix socket in a directory of the user's, whose system tells each side who the
//! other is; another user's connection is closed at once. Where there are no such sockets they talk
//! over TCP on the loopback address, and whoever connects must show a [`Token`], which the user's
//! processes share by a file that nobody else can read.
//!
//! # The protocol
//! Lines of JSON; a connection carries one exchange. The client sends two lines, at once:
//! ```text
//! {"token":"<64 hex digits>","version":1}
//! "about" | "health" | {"complete":<ChatRequest>}
//! ```
//! Over a Unix socket the token is empty. The first is short, and comes within two seconds, so
//! that a stranger can make the server hold only a little. The answer to
//! `about` and `health` is a line; that to `complete` is an empty line, which says that the
//! question is taken, and a line for each event as it comes. An error is a line too, `{"type":
//! "error", …}`, and the last one. Between events an empty line every few seconds says that the
//! server is alive.
//!
//! A client leaves by closing its end, or by dying: the server drops the
//! [`Completion`](lenore_provider::Completion) then, which stops the answer.

mod door;
mod remote;
mod server;
mod token;
mod wire;

pub use door::{Address, Listener};
pub use remote::Remote;
pub use server::serve;
pub use token::Token;
