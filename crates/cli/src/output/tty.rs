//! The terminal's modes: changed while an answer is drawn, and put back whatever happens.

use std::io::{self, IsTerminal, Write, stdout};
use std::sync::{Mutex, Once, PoisonError};

/// What the terminal was like before it was touched; nothing while it is as it was.
static BEFORE: Mutex<Option<modes::Modes>> = Mutex::new(None);

/// What is typed is not shown while this lives, since it would stand in the middle of an answer.
/// It waits for whoever reads the terminal next.
#[derive(Debug)]
pub(crate) struct Quiet(());

impl Quiet {
    /// Only on a terminal, and only in its foreground.
    pub(crate) fn begin() -> Option<Self> {
        remember().then(|| {
            modes::silence();
            Self(())
        })
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        restore();
    }
}

/// Keeps what the terminal is like now, so that [`restore`] can bring it back.
pub(crate) fn remember() -> bool {
    static PANICS: Once = Once::new();
    PANICS.call_once(|| {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            recover();
            hook(info);
        }));
    });
    let mut before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner);
    if before.is_none() {
        *before = modes::current();
    }
    before.is_some()
}

/// Brings the terminal's modes back to what they were.
pub(crate) fn restore() {
    if let Some(before) = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take() {
        modes::set(&before);
    }
}

/// Leaves a terminal that may have been left in the middle of something fit for a shell: modes,
/// colours, cursor, and how it tells of pasted text.
pub(crate) fn recover() {
    let was_touched = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).is_some();
    restore();
    if was_touched && stdout().is_terminal() {
        // A terminal that is gone needs nothing.
        let _ =
            io::stdout().write_all(b"\x1b[0m\x1b[?25h\x1b[?2004l").and_then(|()| stdout().flush());
    }
}

#[cfg(unix)]
mod modes {
    use std::io::{IsTerminal, stdout};

    use rustix::process::getpgrp;
    use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};

    pub(super) type Modes = Termios;

    /// `None` where stdout is no terminal, or belongs to another program for the time being:
    /// whoever changes it then is stopped.
    pub(super) fn current() -> Option<Modes> {
        let is_ours = stdout().is_terminal() && tcgetpgrp(stdout()).is_ok_and(|it| it == getpgrp());
        if is_ours { tcgetattr(stdout()).ok() } else { None }
    }

    pub(super) fn silence() {
        if let Some(mut modes) = current() {
            modes.local_modes -= LocalModes::ECHO | LocalModes::ICANON;
            let _ = tcsetattr(stdout(), OptionalActions::Now, &modes);
        }
    }

    pub(super) fn set(modes: &Modes) {
        if current().is_some() {
            let _ = tcsetattr(stdout(), OptionalActions::Now, modes);
        }
    }
}

#[cfg(not(unix))]
mod modes {
    #[derive(Debug)]
    pub(super) struct Modes;

    pub(super) fn current() -> Option<Modes> {
        None
    }

    pub(super) fn silence() {}

    pub(super) fn set(_: &Modes) {}
}
