//! What a command prints on stdout beside answers, and whether it got there.

use std::io::{self, IsTerminal, Write, stdout};
use std::process::ExitCode;
use std::sync::OnceLock;

use super::{printable, report};

/// Why something could not be printed: the first time that it happened.
static LOST: OnceLock<io::Error> = OnceLock::new();

/// Prints a line. Whether it got there is told once, by [`ended`]; here only whether it is worth
/// while to go on.
pub(crate) fn print(line: &str) -> bool {
    print_bytes(format!("{line}\n").as_bytes())
}

/// Prints a line that others wrote: on a terminal it must not move the cursor or set colours.
pub(crate) fn print_foreign(line: &str) -> bool {
    if stdout().is_terminal() { print(&printable(line)) } else { print(line) }
}

/// Prints bytes as they are. See [`print()`].
pub(crate) fn print_bytes(bytes: &[u8]) -> bool {
    let mut out = stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => LOST.get().is_none(),
        Err(error) => {
            lost(error);
            false
        }
    }
}

/// Something could not be printed.
pub(crate) fn lost(error: io::Error) {
    // The first says why.
    let _ = LOST.set(error);
}

/// The exit code of a command, which is no success where its output is lost. Whoever stops reading
/// has seen enough.
pub(crate) fn ended(code: ExitCode) -> ExitCode {
    match LOST.get().filter(|error| error.kind() != io::ErrorKind::BrokenPipe) {
        None => code,
        Some(error) => {
            report(&format!("the output cannot be written: {error}"));
            if code == ExitCode::SUCCESS { ExitCode::FAILURE } else { code }
        }
    }
}
