//! What a command prints on stdout beside answers, and whether it got there.

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::OnceLock;

use clap::builder::StyledStr;

use super::progress::stderr;
use super::{out, report};

/// Why something could not be printed: the first time that it happened.
static LOST: OnceLock<io::Error> = OnceLock::new();

/// Prints a line of ours, with its colours. Whether it got there is told once, by [`ended`]; here
/// only whether it is worth while to go on.
pub(crate) fn print(line: &str) -> bool {
    went_out(out::write_own(&format!("{line}\n")))
}

/// Prints a line that others wrote: on a terminal it must not move the cursor or set colours.
pub(crate) fn print_foreign(line: &str) -> bool {
    went_out(out::write_foreign(&format!("{line}\n")))
}

/// Prints help, or what is wrong with a command line, whose words may be anybody's.
pub(crate) fn print_usage(usage: &StyledStr, is_error: bool) {
    let colours =
        if is_error { console::colors_enabled_stderr() } else { console::colors_enabled() };
    let text = if colours { usage.ansi().to_string() } else { usage.to_string() };
    if is_error {
        // Where stderr is closed, nobody is left to tell.
        let _ = stderr().write_all(text.as_bytes());
    } else {
        went_out(out::write_own(&text));
    }
}

/// Prints bytes as they are. See [`print()`].
pub(crate) fn print_bytes(bytes: &[u8]) -> bool {
    went_out(out::write(bytes))
}

fn went_out(written: io::Result<()>) -> bool {
    match written {
        Ok(()) => LOST.get().is_none(),
        Err(error) => {
            lost(error);
            false
        }
    }
}

/// Something could not be printed.
fn lost(error: io::Error) {
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
