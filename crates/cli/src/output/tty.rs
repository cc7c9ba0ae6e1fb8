//! The terminal's modes: changed while an answer is drawn or a conversation held, and put back
//! whatever happens.

use std::io::{self, IsTerminal, Write, stdout};
use std::sync::{Condvar, Mutex, Once, PoisonError};
#[cfg(unix)]
use std::time::Duration;

use tokio::task::JoinHandle;

use super::live;

/// What the terminal was like before it was touched; nothing while it is as it was.
static BEFORE: Mutex<Option<modes::Modes>> = Mutex::new(None);

/// The program goes on after it was stopped.
static BACK: Condvar = Condvar::new();

/// What is typed is not shown while this lives, since it would stand in the middle of an answer.
/// It waits, key by key, for whoever reads the terminal next: a terminal that collects lines makes
/// something else of Ctrl-D.
#[derive(Debug)]
pub(crate) struct Quiet {
    /// Listens for the shell that brings us back after Ctrl-Z.
    back: Option<JoinHandle<()>>,
}

impl Quiet {
    /// Only on a terminal, only in its foreground, and once: who wants it within another one has
    /// it already.
    pub(crate) fn begin() -> Option<Self> {
        remember().then(|| {
            modes::silence();
            Self { back: modes::when_back(come_back) }
        })
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        if let Some(back) = &self.back {
            back.abort();
        }
        restore();
    }
}

/// The shell has had the terminal meanwhile: its modes are the shell's, and its lines stand below
/// ours.
fn come_back() {
    let before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner);
    if before.is_some() {
        modes::silence();
        live::leave_current();
    }
    BACK.notify_all();
}

/// Stops the program until its shell brings it back, as Ctrl-Z does. The shell has the terminal
/// meanwhile as it was at first; afterwards it is as whoever reads it has made it.
#[cfg(unix)]
pub(crate) fn suspend() {
    let before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner);
    let (Some(first), Some(now)) = (&*before, modes::current()) else { return };
    modes::set(first);
    tell_of_pastes(false);
    let _ = rustix::process::kill_current_process_group(rustix::process::Signal::TSTP);
    // Another thread may be the one that takes the signal, in its own time. A program that no
    // shell looks after is not stopped at all.
    let (_before, _) = BACK
        .wait_timeout(before, Duration::from_millis(500))
        .unwrap_or_else(PoisonError::into_inner);
    modes::set(&now);
    tell_of_pastes(true);
}

/// Whether the terminal marks the text that is pasted, as whoever reads lines wants it.
#[cfg(unix)]
pub(crate) fn tell_of_pastes(does: bool) {
    let told: &[u8] = if does { b"\x1b[?2004h" } else { b"\x1b[?2004l" };
    // A terminal that is gone needs nothing.
    let _ = stdout().write_all(told).and_then(|()| stdout().flush());
}

/// Keeps what the terminal is like now, so that [`restore`] can bring it back. `false` where there
/// is nothing to keep, or it is kept already.
fn remember() -> bool {
    static PANICS: Once = Once::new();
    PANICS.call_once(|| {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            recover();
            hook(info);
        }));
    });
    let mut before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner);
    if before.is_some() {
        return false;
    }
    *before = modes::current();
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

    use rustix::process::{Signal, getpgrp};
    use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};
    use tokio::runtime::Handle;
    use tokio::signal::unix::{SignalKind, signal};
    use tokio::task::JoinHandle;

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

    /// Does something each time that the program goes on after it was stopped.
    pub(super) fn when_back(act: fn()) -> Option<JoinHandle<()>> {
        let runtime = Handle::try_current().ok()?;
        let mut signals = signal(SignalKind::from_raw(Signal::CONT.as_raw())).ok()?;
        Some(runtime.spawn(async move {
            while signals.recv().await.is_some() {
                act();
            }
        }))
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

    pub(super) fn when_back(_: fn()) -> Option<tokio::task::JoinHandle<()>> {
        None
    }

    pub(super) fn set(_: &Modes) {}
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::Read;

    use portable_pty::{CommandBuilder, PtySize, native_pty_system};

    use super::*;

    /// Tells the process that the next test starts that it is the one to panic.
    const CHILD: &str = "LENORE_TEST_PANIC";

    /// Not a test of its own: an answer is being drawn, and the program has a mistake.
    #[test]
    fn panics_in_the_middle_of_an_answer() {
        if std::env::var_os(CHILD).is_none() {
            return;
        }
        // What would put the terminal right by being dropped may never be.
        std::mem::forget(Quiet::begin().expect("a terminal"));
        print!("\x1b[?25l\x1b[31mhalf an answer");
        stdout().flush().expect("a terminal");
        panic!("nevermore");
    }

    #[test]
    fn a_panic_leaves_the_terminal_as_it_was() {
        let pair = native_pty_system().openpty(PtySize::default()).expect("a terminal");
        let modes = || format!("{:?}", pair.master.get_termios().expect("a terminal has modes"));
        let before = modes();
        let mut command = CommandBuilder::new(std::env::current_exe().expect("this program"));
        let test = "output::tty::tests::panics_in_the_middle_of_an_answer";
        command.args(["--exact", "--nocapture", test]);
        command.env(CHILD, "1");
        let mut child = pair.slave.spawn_command(command).expect("it starts");
        let mut reader = pair.master.try_clone_reader().expect("readable");
        let reading = std::thread::spawn(move || {
            let (mut all, mut buffer) = (Vec::new(), [0; 4096]);
            // A terminal without a program fails to be read.
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                all.extend_from_slice(&buffer[..count]);
            }
            String::from_utf8_lossy(&all).into_owned()
        });
        assert!(!child.wait().expect("it ends").success());
        assert_eq!(modes(), before);
        drop(pair.slave);
        let shown = reading.join().expect("no panic");
        let (_, after) = shown.split_once("half an answer").expect("it is drawn");
        assert!(after.starts_with("\x1b[0m\x1b[?25h"), "{after:?}");
        assert!(after.contains("nevermore"), "{after:?}");
    }
}
