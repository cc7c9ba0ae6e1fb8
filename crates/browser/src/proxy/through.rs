//! What pages behind a proxy need to know of it.

use super::{Credentials, Failures, Proxy, Relay};
use crate::reasons::network_error;
use crate::{Error, ErrorKind, Result};

/// What there is to say to a proxy, and of it.
#[derive(Clone, Debug)]
pub(crate) struct Through {
    pub(crate) credentials: Option<Credentials>,
    failures: Failures,
}

impl Through {
    pub(crate) fn new(proxy: &Proxy, relay: Option<&Relay>) -> Self {
        Self {
            credentials: proxy.credentials().cloned(),
            failures: relay.map(Relay::failures).cloned().unwrap_or_default(),
        }
    }

    /// Whether the answer came from the site. What a proxy says instead is a page like any other,
    /// but for its status: 407, and for plain-text sites with some proxies 401 for a wrong
    /// password, with a relay 502.
    ///
    /// # Errors
    /// [`ErrorKind::Network`] where it did not.
    pub(crate) fn check(&self, url: &str, status: u16) -> Result<()> {
        let is_plain = !url.starts_with("https:");
        match status {
            407 => Err(network_error("HTTP 407, PROXY_AUTH")),
            401 if is_plain => Err(network_error("HTTP 401, PROXY_AUTH")),
            502 if is_plain => self.failures.of(url).map_or(Ok(()), Err),
            _ => Ok(()),
        }
    }

    /// The error of a page that could not be loaded, with the relay's own reason where it has one.
    pub(crate) fn explain(&self, error: Error, url: &str) -> Error {
        let known = self.failures.of(url).filter(|_| error.kind() == ErrorKind::Network);
        known.unwrap_or(error)
    }
}
