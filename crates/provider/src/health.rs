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
    /// Answers under way.
    pub running: usize,
    /// Questions that wait for their turn.
    pub waiting: usize,
    /// How many answers can be under way at once; `None` where there is no bound.
    pub limit: Option<usize>,
    /// Pages that are open.
    pub pages: usize,
    /// How often the browser was started again because it was lost.
    pub restarts: u64,
}
