//! What can go wrong with a browser.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

/// The result of anything done with a browser.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something could not be done with a browser. Messages hold no page content.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: Cow<'static, str>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What went wrong, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An option makes no sense: an address that does not parse, a profile path that is a file.
    InvalidOption,
    /// No browser program was found.
    NotFound,
    /// The browser's program did not start, or is not a browser.
    Launch,
    /// Another process owns the profile.
    ProfileInUse {
        /// Its process id, where it is known.
        pid: Option<u32>,
    },
    /// The browser or the page is gone.
    Closed,
    /// The page's process crashed.
    Crashed,
    /// The document changed while a script ran in it.
    Navigated,
    /// A page could not be loaded: DNS, TLS, a connection, a proxy.
    Network,
    /// A deadline passed.
    Timeout,
    /// A script of ours threw in the page.
    Script,
    /// The browser refused a command.
    Protocol,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner { kind, message: message.into(), source: None }))
    }

    pub(crate) fn with_source(
        mut self,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        self.0.source = Some(source.into());
        self
    }

    pub(crate) fn closed() -> Self {
        Self::new(ErrorKind::Closed, "the browser is gone")
    }

    pub(crate) fn timeout(what: &str, wait: std::time::Duration) -> Self {
        Self::new(ErrorKind::Timeout, format!("{what} took longer than {wait:?}"))
    }

    /// What went wrong, for programs.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("message", &self.0.message)
            .field("source", &self.0.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}
