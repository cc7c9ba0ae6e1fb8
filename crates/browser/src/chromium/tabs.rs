//! The tabs of ours in a browser, so that none is left in one that goes on without us.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;

use super::cdp::Connection;
use super::cdp::protocol::CloseTarget;
use crate::Result;

/// How long the farewell to them may take.
const FAREWELL: Duration = Duration::from_secs(5);

/// The connection to a browser, and the tabs that it was asked for.
#[derive(Debug)]
pub(super) struct Tabs {
    connection: Arc<Connection>,
    open: Mutex<HashSet<String>>,
}

/// One of them. Dropping it does not close it.
#[derive(Debug)]
pub(super) struct Tab {
    tabs: Arc<Tabs>,
    target: String,
}

impl Tabs {
    pub(super) fn of(connection: Arc<Connection>) -> Arc<Self> {
        Arc::new(Self { connection, open: Mutex::default() })
    }

    /// Remembers one.
    pub(super) fn add(self: &Arc<Self>, target: String) -> Tab {
        self.lock().insert(target.clone());
        Tab { tabs: self.clone(), target }
    }

    /// Closes all that are left.
    pub(super) async fn close(&self) {
        let targets = std::mem::take(&mut *self.lock());
        let closing = targets.iter().map(|target| async move {
            let _ = self.connection.call(None, &CloseTarget::new(target), FAREWELL).await;
        });
        join_all(closing).await;
    }

    /// The same without waiting for it.
    pub(super) fn abandon(&self) {
        for target in self.lock().drain() {
            self.connection.post(None, &CloseTarget::new(&target));
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<String>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tab {
    pub(super) fn target(&self) -> &str {
        &self.target
    }

    pub(super) async fn close(&self, wait: Duration) -> Result<()> {
        let close = CloseTarget::new(&self.target);
        self.tabs.connection.call(None, &close, wait).await?;
        self.tabs.lock().remove(&self.target);
        Ok(())
    }

    /// Closes it without waiting for that.
    pub(super) fn abandon(&self) {
        self.tabs.connection.post(None, &CloseTarget::new(&self.target));
        self.tabs.lock().remove(&self.target);
    }
}
