//! The tabs of ours in a browser, so that none is left in one that goes on without us.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;

use super::cdp::Connection;
use super::cdp::protocol::{CloseTarget, DiscoverTargets, TargetFilter, TargetInfo};
use crate::Result;

/// How long the farewell to them may take.
const FAREWELL: Duration = Duration::from_secs(5);

/// The connection to a browser, and the tabs that it was asked for.
#[derive(Debug)]
pub(super) struct Tabs {
    connection: Arc<Connection>,
    open: Mutex<HashMap<String, Windows>>,
}

/// What becomes of the windows that a tab opens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Windows {
    #[default]
    Closed,
    /// One was closed, and that was said.
    Told,
    Left,
}

/// One of them. Dropping it does not close it.
#[derive(Debug)]
pub(super) struct Tab {
    tabs: Arc<Tabs>,
    target: String,
}

impl Tabs {
    pub(super) fn of(connection: Arc<Connection>) -> Arc<Self> {
        let tabs = Arc::new(Self { connection, open: Mutex::default() });
        let mut came = tabs.connection.targets();
        let filter = [TargetFilter { kind: "page" }];
        tabs.connection.post(None, &DiscoverTargets::new(true, filter));
        let these = Arc::downgrade(&tabs);
        tokio::spawn(async move {
            while let Some(target) = came.recv().await {
                let Some(tabs) = these.upgrade() else { return };
                tabs.close_window(&target);
            }
        });
        tabs
    }

    /// Closes a window that a tab of ours has opened.
    fn close_window(&self, target: &TargetInfo) {
        let Some(opener) = &target.opener_id else { return };
        let mut open = self.lock();
        let Some(windows) = open.get_mut(opener).filter(|windows| **windows != Windows::Left)
        else {
            return;
        };
        if std::mem::replace(windows, Windows::Told) == Windows::Closed {
            tracing::warn!("a page opened a window, which was closed");
        }
        drop(open);
        self.connection.post(None, &CloseTarget::new(&target.target_id));
    }

    /// Remembers one.
    pub(super) fn add(self: &Arc<Self>, target: String) -> Tab {
        self.lock().insert(target.clone(), Windows::default());
        Tab { tabs: self.clone(), target }
    }

    /// Closes all that are left.
    pub(super) async fn close(&self) {
        let targets = std::mem::take(&mut *self.lock());
        let closing = targets.keys().map(|target| async move {
            let _ = self.connection.call(None, &CloseTarget::new(target), FAREWELL).await;
        });
        join_all(closing).await;
    }

    /// The same without waiting for it.
    pub(super) fn abandon(&self) {
        for (target, _) in self.lock().drain() {
            self.connection.post(None, &CloseTarget::new(&target));
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Windows>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tab {
    pub(super) fn target(&self) -> &str {
        &self.target
    }

    /// Leaves the windows that it opens from now on.
    pub(super) fn leave_windows(&self) {
        if let Some(windows) = self.tabs.lock().get_mut(&self.target) {
            *windows = Windows::Left;
        }
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
