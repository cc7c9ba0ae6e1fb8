//! How a provider is doing.

use serde::{Deserialize, Serialize};

/// What a [`Provider`](crate::Provider) knows of itself at a moment.
///
/// A number that has no meaning for a provider (one without a browser has no pages) is zero.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// Why a question could not be answered now, for a person; `None` where nothing is known to
    /// stand in the way.
    pub fault: Option<String>,
    /// Whether the user is signed in; `None` where that has not been seen yet.
    pub signed_in: Option<bool>,
    /// The browser; `None` where the provider has none.
    pub browser: Option<BrowserState>,
    /// Answers under way.
    pub running: usize,
    /// Questions that wait for their turn.
    pub waiting: usize,
    /// How many answers can be under way at once; `None` where there is no bound.
    pub limit: Option<usize>,
    /// How many questions can wait at once; `None` where there is no bound.
    pub queue: Option<usize>,
    /// Pages that are open.
    pub pages: usize,
    /// How often the browser was started again because it was lost.
    pub restarts: u64,
}

/// Whether the browser of a provider is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BrowserState {
    /// It is open.
    Open,
    /// Nobody needs it, or it is just being opened; the next question has it opened.
    Closed,
    /// It ended, or does not answer any more, though nobody closed it.
    Lost,
}
