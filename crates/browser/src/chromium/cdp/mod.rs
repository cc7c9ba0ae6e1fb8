//! The Chrome DevTools Protocol (CDP): its wire, its connection, and the commands that are used.
//!
//! <https://chromedevtools.github.io/devtools-protocol/> is the source of every name in here.

mod connection;
pub(crate) mod protocol;
mod router;
mod transport;

pub(crate) use connection::Connection;
pub(crate) use router::{SessionEvent, Subscription};
#[cfg(unix)]
pub(crate) use transport::over_pipe;
pub(crate) use transport::over_web_socket;
