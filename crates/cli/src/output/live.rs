//! The one canvas of the terminal, and what is said beside it.

use std::io::{self, IsTerminal, stderr};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::canvas::{Canvas, Size};
use super::markdown::Block;
use super::out;
use super::row::Row;

/// A canvas with the terminal that it is drawn on.
pub(super) struct Live {
    canvas: Arc<Mutex<Canvas>>,
    measure: Box<dyn Fn() -> Size + Send>,
    write: Box<Write>,
    /// How many lines there are above the cursor, where the terminal tells.
    above: fn() -> Option<usize>,
}

/// Puts text on the terminal.
type Write = dyn FnMut(&str) -> io::Result<()> + Send;

/// The canvas on stdout, where there is one.
static CURRENT: Mutex<Weak<Mutex<Canvas>>> = Mutex::new(Weak::new());

/// On the terminal that stdout is.
pub(super) fn on_stdout() -> Live {
    let live =
        Live { above: tmux_above, ..Live::new(measure_stdout, out::write_drawn, does_reflow()) };
    *lock(&CURRENT) = Arc::downgrade(&live.canvas);
    live
}

/// Does something to stderr while nothing that is drawn anew stands in its way.
pub(super) fn aside<T>(act: impl FnOnce() -> T) -> T {
    let current = lock(&CURRENT).upgrade();
    let Some(canvas) = current.filter(|_| stderr().is_terminal()) else { return act() };
    let mut canvas = lock(&canvas);
    let size = measure_stdout();
    // Whoever cannot be told on stdout is told on stderr all the same.
    let _ = out::write_drawn(&canvas.lift(size));
    let result = act();
    let _ = out::write_drawn(&canvas.settle(size));
    result
}

/// Leaves what is drawn on stdout where it is.
pub(super) fn leave_current() {
    if let Some(canvas) = lock(&CURRENT).upgrade() {
        lock(&canvas).leave();
    }
}

impl Live {
    pub(super) fn new(
        measure: impl Fn() -> Size + Send + 'static,
        write: impl FnMut(&str) -> io::Result<()> + Send + 'static,
        reflows: bool,
    ) -> Self {
        let canvas = Arc::new(Mutex::new(Canvas::new(measure(), reflows)));
        let (measure, write) = (Box::new(measure), Box::new(write));
        Self { canvas, measure, write, above: || None }
    }

    pub(super) fn measure(&self) -> Size {
        (self.measure)()
    }

    pub(super) fn is_resized(&self) -> bool {
        self.has_other_width(self.measure())
    }

    /// The size of the window as far as it can be drawn on, after its width has changed.
    pub(super) fn within_the_window(&self, size: Size) -> Size {
        let height = (self.above)().map_or(size.height, |above| size.height.min(above + 1));
        Size { height, ..size }
    }

    /// Whether what stands on the screen was drawn at another width.
    pub(super) fn has_other_width(&self, size: Size) -> bool {
        size.width != lock(&self.canvas).size().width
    }

    pub(super) fn draw(
        &mut self,
        size: Size,
        blocks: Vec<Block>,
        open: Vec<Row>,
    ) -> io::Result<()> {
        let mut canvas = lock(&self.canvas);
        let text = canvas.draw(size, blocks, open);
        if text.is_empty() { Ok(()) } else { (self.write)(&text) }
    }

    /// The finished blocks that can be drawn anew, the newest first.
    pub(super) fn within_reach(&self, size: Size) -> Vec<Block> {
        lock(&self.canvas).within_reach(size).cloned().collect()
    }

    pub(super) fn reopen(&self, at: usize) {
        lock(&self.canvas).reopen(at);
    }

    pub(super) fn leave(&self) {
        lock(&self.canvas).leave();
    }
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What a panic left is still better than nothing on the screen.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn measure_stdout() -> Size {
    let (height, width) = console::Term::stdout().size_checked().unwrap_or_default();
    let or = |size: u16, usual: usize| if size == 0 { usual } else { usize::from(size) };
    Size { height: or(height, 24), width: or(width, 80) }
}

/// The line of the cursor in tmux. Where it breaks lines anew, it moves as many off the window,
/// whether there is room below or not.
fn tmux_above() -> Option<usize> {
    let pane = std::env::var_os("TMUX_PANE")?;
    let is_here =
        std::env::var("TERM").is_ok_and(|it| it.starts_with("tmux") || it.starts_with("screen"));
    let asked = is_here.then(|| {
        let mut tmux = Command::new("tmux");
        tmux.args(["display-message", "-p", "-t"]).arg(pane).arg("#{cursor_y}");
        tmux.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()
    });
    String::from_utf8(asked??.stdout).ok()?.trim().parse().ok()
}

/// Whether the terminal breaks lines anew when its window gets narrower. Most do.
fn does_reflow() -> bool {
    let is_set = |name| std::env::var_os(name).is_some();
    let term = std::env::var("TERM").unwrap_or_default();
    !(is_set("XTERM_VERSION") || is_set("STY") || term == "linux")
}
