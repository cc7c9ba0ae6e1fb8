//! The tabs of ours in a browser, so that none is left in one that goes on without us.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::watch;
use tokio::time::timeout;

use super::cdp::Connection;
use super::cdp::protocol::{CloseTarget, DiscoverTargets, TargetFilter, TargetInfo};
use super::left::Record;
use crate::{Error, ErrorKind, Result};

/// How long the farewell to them may take.
const FAREWELL: Duration = Duration::from_secs(5);

/// The connection to a browser, and the tabs that it was asked for.
#[derive(Debug)]
pub(super) struct Tabs {
    connection: Arc<Connection>,
    open: Mutex<Open>,
    /// How many are being opened.
    opening: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct Open {
    /// Those that are not known to be closed.
    tabs: HashMap<String, Windows>,
    /// Where they are written down, in a browser that goes on without us.
    record: Option<Record>,
}

/// One that is being opened, as long as this lives.
#[derive(Debug)]
pub(super) struct Opening(Arc<Tabs>);

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
    /// Of a browser, which may go on without us.
    pub(super) fn of(connection: Arc<Connection>, is_ours: bool) -> Arc<Self> {
        let record = if is_ours { None } else { Record::begin().ok() };
        let open = Mutex::new(Open { tabs: HashMap::new(), record });
        let tabs = Arc::new(Self { connection, open, opening: watch::Sender::new(0) });
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
        let Some(windows) = open.tabs.get_mut(opener).filter(|windows| **windows != Windows::Left)
        else {
            return;
        };
        if std::mem::replace(windows, Windows::Told) == Windows::Closed {
            tracing::warn!("a page opened a window, which was closed");
        }
        drop(open);
        self.connection.post(None, &CloseTarget::new(&target.target_id));
    }

    /// Announces one.
    pub(super) fn open(self: &Arc<Self>) -> Opening {
        self.opening.send_modify(|opening| *opening += 1);
        Opening(self.clone())
    }

    /// Closes all that are left, those that are just being opened included.
    pub(super) async fn close(self: &Arc<Self>) {
        let closed = async {
            let mut opening = self.opening.subscribe();
            let _ = opening.wait_for(|opening| *opening == 0).await;
            let targets: Vec<_> = self.lock().tabs.keys().cloned().collect();
            let tabs = targets.into_iter().map(|target| Tab { tabs: self.clone(), target });
            let closing = tabs.map(|tab| async move { tab.close(FAREWELL).await });
            join_all(closing).await;
        };
        if timeout(FAREWELL, closed).await.is_err() {
            tracing::warn!("the browser does not close our tabs");
        }
    }

    fn forget(&self, target: &str) {
        let mut open = self.lock();
        open.tabs.remove(target);
        open.write();
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    fn write(&mut self) {
        if let Some(record) = &mut self.record {
            record.write(self.tabs.keys());
        }
    }
}

impl Opening {
    /// The address with which it begins.
    pub(super) fn address(&self) -> String {
        let open = self.0.lock();
        open.record.as_ref().map_or_else(|| "about:blank".to_owned(), Record::address)
    }

    /// Remembers it, once it is there.
    pub(super) fn is(&self, target: String) -> Tab {
        let mut open = self.0.lock();
        open.tabs.insert(target.clone(), Windows::default());
        open.write();
        Tab { tabs: self.0.clone(), target }
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        self.0.opening.send_modify(|opening| *opening -= 1);
    }
}

impl Tab {
    pub(super) fn target(&self) -> &str {
        &self.target
    }

    /// Leaves the windows that it opens from now on.
    pub(super) fn leave_windows(&self) {
        if let Some(windows) = self.tabs.lock().tabs.get_mut(&self.target) {
            *windows = Windows::Left;
        }
    }

    pub(super) async fn close(&self, wait: Duration) -> Result<()> {
        let close = CloseTarget::new(&self.target);
        let closed = self.tabs.connection.call(None, &close, wait).await;
        // Refused where it is gone already.
        let is_gone =
            |error: &Error| matches!(error.kind(), ErrorKind::Protocol | ErrorKind::Closed);
        if closed.as_ref().err().is_none_or(is_gone) {
            self.tabs.forget(&self.target);
        }
        closed.map(drop)
    }

    /// Closes it without waiting for that. It is remembered until it is known to be closed.
    pub(super) fn abandon(self: &Arc<Self>) {
        let tab = self.clone();
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(async move { tab.close(FAREWELL).await })),
            Err(_) => self.tabs.connection.post(None, &CloseTarget::new(&self.target)),
        }
    }
}
