//! How long clients are waited for.

use std::time::Duration;

/// How long a server waits for its clients, and they for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// A client may take so long for the head of a request, from its first byte; a new connection
    /// from its beginning.
    pub head: Duration,
    /// A connection may be idle for so long between two requests; not for less than `head`.
    pub idle: Duration,
    /// The body of a request may take so long.
    pub body: Duration,
    /// A client may take nothing of what waits for it for so long.
    pub stall: Duration,
    /// A stream without news has a sign of life so often, so that its client does not think us
    /// dead.
    pub heartbeat: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(5),
            idle: Duration::from_secs(15),
            body: Duration::from_secs(30),
            stall: Duration::from_secs(120),
            heartbeat: Duration::from_secs(15),
        }
    }
}
