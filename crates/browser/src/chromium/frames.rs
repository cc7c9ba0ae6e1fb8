//! The frames of tabs that nobody sees: as few as the page can bear.
//!
//! The headless program takes every tab for visible and draws it at each change, which costs more
//! than all else where many answers stream at once. Told to wait for our word, it draws nothing.
//! A page that waits for animation frames still gets them, without anything being drawn: at a
//! screen's pace while something is awaited of it, and slower and slower after that.

use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, OwnedMutexGuard, watch};
use tokio::time::{sleep, timeout};

use super::cdp::Connection;
use super::cdp::protocol::BeginFrame;
use crate::ErrorKind;

/// Without these switches a tab cannot be opened that waits for our word.
pub(super) const SWITCHES: &[&str] =
    &["--enable-begin-frame-control", "--run-all-compositor-stages-before-draw"];

/// Between two frames while something is awaited of the page.
const AWAITED: Duration = Duration::from_millis(16);
/// Between two frames at the most, when nothing was awaited for long. Each is work for the page.
const UNAWAITED: Duration = Duration::from_secs(2);
/// How long a frame may hold up those of other tabs. On a busy machine one takes a second, and
/// those that overlap may cost the browser.
const TURN: Duration = Duration::from_secs(5);
/// How long a frame may take. A tab that takes longer hangs, and gets none any more.
const FRAME: Duration = Duration::from_secs(60);

/// Whether a program can wait for our word. Full browsers cannot.
pub(super) fn can_be_ours(program: &Path) -> bool {
    let name = program.file_name().unwrap_or_default().to_string_lossy();
    name.contains("headless-shell") || name.contains("headless_shell")
}

/// The turn of a browser's tabs to have a frame: its graphics process gives up where frames of tabs
/// that are just being set up overlap.
pub(super) type Turn = Arc<Mutex<()>>;

/// Gives a tab its frames, until it is dropped.
#[derive(Debug)]
pub(super) struct Frames {
    /// How many wait for something of the page.
    waiting: Arc<watch::Sender<usize>>,
    /// While it is held by anyone else, no frame is under way.
    free: Arc<Mutex<()>>,
    turn: Turn,
}

/// No frame of a tab is under way, nor one of others that are in turn, as long as this lives.
/// A tab must not be closed else: the graphics process breaks down over that, and the browser gives
/// up after a few times.
pub(super) type Free = (OwnedMutexGuard<()>, OwnedMutexGuard<()>);

/// One who waits for something of the page.
#[derive(Debug)]
pub(super) struct Waiting(Arc<watch::Sender<usize>>);

impl Frames {
    pub(super) fn begin(connection: Arc<Connection>, session: String, turn: Turn) -> Self {
        let waiting = Arc::new(watch::Sender::new(0_usize));
        let free = Arc::new(Mutex::new(()));
        let (mut awaited, is_free, turns) = (waiting.subscribe(), free.clone(), turn.clone());
        tokio::spawn(async move {
            let mut pause = AWAITED;
            // Each frame is waited for, whatever becomes of the tab meanwhile.
            while awaited.has_changed().is_ok() {
                let free = is_free.lock().await;
                let turn = turns.lock().await;
                let begin = BeginFrame::new(true);
                let mut frame = pin!(connection.call(Some(&session), &begin, FRAME));
                let in_turn = timeout(TURN, &mut frame).await;
                drop(turn);
                let frame = match in_turn {
                    Ok(frame) => frame,
                    Err(_) => frame.await,
                };
                match frame.map_err(|error| error.kind()) {
                    Err(ErrorKind::Closed | ErrorKind::Crashed) => return,
                    // It is under way for ever, and a second one would be one too many.
                    Err(ErrorKind::Timeout) => {
                        let _ = awaited.wait_for(|_| false).await;
                        return;
                    }
                    _ => drop(free),
                }
                sleep(AWAITED).await;
                let is_awaited = awaited.wait_for(|waiting| *waiting > 0);
                pause = match timeout(pause, is_awaited).await {
                    Ok(_) => AWAITED,
                    Err(_) => UNAWAITED.min(2 * pause),
                };
            }
        });
        Self { waiting, free, turn }
    }

    /// Waits until no frame of the tab is under way, and keeps it so, in turn with other tabs.
    pub(super) fn free(&self) -> impl Future<Output = Free> + Send + use<> {
        let (free, turn) = (self.free.clone(), self.turn.clone());
        async move { (free.lock_owned().await, turn.lock_owned().await) }
    }

    /// Frames come at a screen's pace, as long as this lives.
    pub(super) fn awaited(&self) -> Waiting {
        self.waiting.send_modify(|waiting| *waiting += 1);
        Waiting(self.waiting.clone())
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.send_modify(|waiting| *waiting -= 1);
    }
}
