//! A spinner while something is waited for, and stderr beside it.

use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::printable::coloured;
use super::words::folded;
use super::{live, out, window};

/// The one place that draws on stderr, so that a line said meanwhile does not land in a spinner.
static SPINNERS: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// Who puts what is said above a line that is being typed.
pub(crate) type Above = dyn Fn(String) + Send + Sync;

static ABOVE: Mutex<Option<Arc<Above>>> = Mutex::new(None);

/// While a line is typed, what goes to the terminal goes above it; `None` once it is typed.
pub(crate) fn say_above(above: Option<Arc<Above>>) {
    *ABOVE.lock().unwrap_or_else(PoisonError::into_inner) = above;
}

/// A spinner with the time that has passed, where stderr is a terminal. It goes with the value.
#[derive(Debug)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// No spinner.
    pub(super) fn none() -> Self {
        Self(ProgressBar::hidden())
    }

    pub(crate) fn start(message: &str) -> Self {
        if !console::user_attended_stderr() {
            return Self::none();
        }
        let bar = SPINNERS.add(ProgressBar::new_spinner().with_message(message.to_owned()));
        if let Ok(style) =
            ProgressStyle::with_template("{spinner:.cyan} {msg} {elapsed:.dim}{prefix}")
        {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(100));
        Self(bar)
    }

    pub(crate) fn say(&self, message: &str) {
        self.0.set_message(message.to_owned());
    }

    /// Shows something after the time, for a while.
    pub(super) fn set_footer(&self, text: Option<&str>) {
        self.0.set_prefix(text.map(|text| format!("  {text}")).unwrap_or_default());
    }

    pub(crate) fn hide(&self) {
        self.0.finish_and_clear();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.hide();
    }
}

/// Writes to stdout while no spinner stands in the line: both may be the same terminal.
pub(super) fn without<T>(write: impl FnOnce() -> T) -> T {
    SPINNERS.suspend(write)
}

/// Stderr for lines that are remarks: they end between words.
pub(crate) fn remarks() -> impl Write {
    struct Remarks;
    impl Write for Remarks {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.write_all(bytes).map(|()| bytes.len())
        }

        fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
            stderr().write_all(folded(&String::from_utf8_lossy(bytes), window()).as_bytes())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    Remarks
}

/// Stderr, between two pictures of the spinner.
pub(crate) fn stderr() -> Stderr {
    Stderr
}

/// See [`stderr`].
#[derive(Debug)]
pub(crate) struct Stderr;

impl Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if !io::stderr().is_terminal() {
            return SPINNERS.suspend(|| io::stderr().write_all(bytes));
        }
        // Whoever's words they are: the terminal sees colours, and obeys nothing.
        let text = String::from_utf8_lossy(bytes);
        let text = coloured(&text);
        let above = ABOVE.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(above) = above {
            above(text.into_owned());
            return Ok(());
        }
        SPINNERS.suspend(|| {
            live::aside(|| {
                // What cannot be told on stdout is told here all the same.
                let _ = out::end_line();
                io::stderr().write_all(text.as_bytes())
            })
        })
    }

    fn write_fmt(&mut self, text: std::fmt::Arguments<'_>) -> io::Result<()> {
        self.write_all(text.to_string().as_bytes())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
