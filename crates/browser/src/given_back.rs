//! What is somebody else's and was dropped rather than given back in order: sessions at a service,
//! and browsers with tabs of ours.

use std::sync::LazyLock;
use std::time::Duration;

use tokio::sync::watch;

/// How long giving a session back may take, and the farewell to our tabs in somebody else's.
pub(crate) const GIVE_BACK: Duration = Duration::from_secs(5);

/// How many there are. Of the whole process, since whoever asked for one may be gone.
static LEFT: LazyLock<watch::Sender<usize>> = LazyLock::new(|| watch::Sender::new(0));

/// One of them, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Left(());

impl Left {
    pub(crate) fn one_more() -> Self {
        LEFT.send_modify(|left| *left += 1);
        Self(())
    }
}

impl Drop for Left {
    fn drop(&mut self) {
        LEFT.send_modify(|left| *left -= 1);
    }
}

/// Waits until nothing is left behind: no session of a WebDriver service, neither one that was being
/// begun for somebody who stopped waiting for it nor one of a browser that was dropped, and no tab
/// in a browser that was attached to and dropped. Before a program ends, since what gives them back
/// ends with it. It takes a few seconds at most.
pub async fn sessions_given_back() {
    let mut left = LEFT.subscribe();
    let _ = tokio::time::timeout(GIVE_BACK, left.wait_for(|left| *left == 0)).await;
}
