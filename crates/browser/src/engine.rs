//! What an engine must do for a [`Page`], so that the page's vocabulary is written
//! once for all of them.

use std::path::PathBuf;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::Value;

use crate::{Error, ErrorKind, Navigation, Page, Result, Tap};

/// How long a browser may take for each step of opening a tab, though nobody waits as long: a tab
/// that comes late must be closed.
pub(crate) const LATE: Duration = Duration::from_secs(120);

/// One tab, as its engine drives it. Each call ends by its deadline.
pub(crate) trait PageEngine: Send + Sync {
    /// Loads an address and returns when its document is there, or it is known that none comes.
    fn navigate<'a>(&'a self, url: &'a str, wait: Duration) -> BoxFuture<'a, Result<Navigation>>;

    /// Evaluates an expression, awaits the promise that it may be, and returns its JSON value.
    fn evaluate<'a>(&'a self, expression: &'a str, wait: Duration) -> BoxFuture<'a, Result<Value>>;

    /// Chooses files for the file input that an expression evaluates to.
    fn set_files<'a>(
        &'a self,
        input: &'a str,
        files: &'a [PathBuf],
        wait: Duration,
    ) -> BoxFuture<'a, Result<()>>;

    /// A picture of what is visible, as PNG.
    fn screenshot(&self, wait: Duration) -> BoxFuture<'_, Result<Vec<u8>>>;

    /// Leaves the windows that the page opens from now on, which are closed else.
    fn leave_windows(&self);

    /// Whether the tab is still there, as far as is known.
    fn is_open(&self) -> bool;

    /// Closes the tab.
    fn close(&self, wait: Duration) -> BoxFuture<'_, Result<()>>;

    /// Closes the tab without waiting for it; for paths on which nothing can be awaited.
    fn abandon(&self);
}

/// Whether a tab can still be spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PageState {
    Open,
    Crashed,
    Closed,
}

impl PageState {
    pub(crate) fn error(self) -> Error {
        match self {
            Self::Crashed => Error::new(ErrorKind::Crashed, "the page's process crashed"),
            Self::Open | Self::Closed => Error::new(ErrorKind::Closed, "the page is gone"),
        }
    }
}

/// Waits for a tab, which is opened in a task of its own: whoever stops waiting for it leaves none
/// behind, since a page that nobody takes is closed.
pub(crate) async fn opened(
    wait: Duration,
    opening: impl Future<Output = Result<(Page, Tap)>> + Send + 'static,
) -> Result<(Page, Tap)> {
    match tokio::time::timeout(wait, tokio::spawn(opening)).await {
        Ok(opened) => opened.unwrap_or_else(|_| Err(Error::closed())),
        Err(_) => Err(Error::timeout("opening a tab", wait)),
    }
}
