//! Sessions at a service that nobody waits for or holds any more, until they are given back.

use std::sync::LazyLock;
use std::time::Duration;

use tokio::sync::watch;

/// How long giving a session back may take, and the farewell to our tabs in somebody else's.
pub(super) const GIVE_BACK: Duration = Duration::from_secs(5);

/// How many there are. Of the whole process, since whoever asked for one may be gone.
static LEFT: LazyLock<watch::Sender<usize>> = LazyLock::new(|| watch::Sender::new(0));

/// One of them, for as long as this lives.
#[derive(Debug)]
pub(super) struct Left(());

impl Left {
    pub(super) fn one_more() -> Self {
        LEFT.send_modify(|left| *left += 1);
        Self(())
    }
}

impl Drop for Left {
    fn drop(&mut self) {
        LEFT.send_modify(|left| *left -= 1);
    }
}

/// Waits until no session of a WebDriver service is left behind: neither one that was being begun
/// for somebody who stopped waiting for it, nor one of a browser that was dropped. Before a program
/// ends, since what gives them back ends with it. It takes a few seconds at most.
pub async fn sessions_given_back() {
    let mut left = LEFT.subscribe();
    let _ = tokio::time::timeout(GIVE_BACK, left.wait_for(|left| *left == 0)).await;
}
