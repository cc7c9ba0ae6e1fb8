//! The frames of tabs that nobody sees: as few as the page can bear.
//!
//! The headless program takes every tab for visible and draws it at each change, which costs more
//! than all else where many answers stream at once. Told to wait for our word, it draws nothing.
//! A page that waits for animation frames still gets them, without anything being drawn: at a
//! screen's pace while something is awaited of it, and slowly in between.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use super::cdp::Connection;
use super::cdp::protocol::BeginFrame;
use crate::ErrorKind;

/// Without these switches a tab cannot be opened that waits for our word.
pub(super) const SWITCHES: &[&str] =
    &["--enable-begin-frame-control", "--run-all-compositor-stages-before-draw"];

/// Between two frames while something is awaited of the page.
const AWAITED: Duration = Duration::from_millis(16);
/// Between two frames else.
const UNAWAITED: Duration = Duration::from_millis(500);
/// How long a frame may take.
const FRAME: Duration = Duration::from_secs(5);

/// Whether a program can wait for our word. Full browsers cannot.
pub(super) fn can_be_ours(program: &Path) -> bool {
    let name = program.file_name().unwrap_or_default().to_string_lossy();
    name.contains("headless-shell") || name.contains("headless_shell")
}

/// The turn to have a frame: the browser's graphics process gives up where frames of several tabs
/// that are just being set up overlap.
pub(super) type Turn = Arc<tokio::sync::Mutex<()>>;

/// Gives a tab its frames, until it is dropped.
#[derive(Debug)]
pub(super) struct Frames {
    /// How many wait for something of the page.
    waiting: Arc<watch::Sender<usize>>,
    task: tokio::task::AbortHandle,
}

/// One who waits for something of the page.
#[derive(Debug)]
pub(super) struct Waiting(Arc<watch::Sender<usize>>);

impl Frames {
    pub(super) fn begin(connection: Arc<Connection>, session: String, turn: Turn) -> Self {
        let waiting = Arc::new(watch::Sender::new(0_usize));
        let mut awaited = waiting.subscribe();
        let task = tokio::spawn(async move {
            loop {
                let frame = BeginFrame::new(true);
                let turn = turn.lock().await;
                match connection.call(Some(&session), &frame, FRAME).await {
                    Err(error) if error.kind() == ErrorKind::Closed => return,
                    _ => drop(turn),
                }
                tokio::time::sleep(AWAITED).await;
                let _ = timeout(UNAWAITED, awaited.wait_for(|waiting| *waiting > 0)).await;
            }
        });
        Self { waiting, task: task.abort_handle() }
    }

    /// Frames come at a screen's pace, as long as this lives.
    pub(super) fn awaited(&self) -> Waiting {
        self.waiting.send_modify(|waiting| *waiting += 1);
        Waiting(self.waiting.clone())
    }
}

impl Drop for Frames {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.send_modify(|waiting| *waiting -= 1);
    }
}
