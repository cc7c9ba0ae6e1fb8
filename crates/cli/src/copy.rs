//! The clipboard: by the desk's own program, or by the terminal.

use std::env::var_os;
use std::io::{IsTerminal, Write, stderr};
use std::process::{Command, Stdio};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use lenore::Result;

use crate::paths::invalid;

/// What a terminal may refuse to take, in bytes of the text.
const TERMINAL_LIMIT: usize = 74_994;

/// tmux keeps it as its newest buffer, and hands it on to the terminal that it is in. What programs
/// send to the terminal themselves it drops, unless it is told otherwise.
const TMUX: &[&str] = &["tmux", "load-buffer", "-w", "-"];

/// Puts a text on the clipboard, and says by what means.
///
/// # Errors
/// [`lenore::ErrorKind::InvalidRequest`] where there is no way to a clipboard.
pub(crate) fn to_clipboard(text: &str) -> Result<String> {
    // Far from the desk, its programs would copy to where nobody sits.
    let is_remote = var_os("SSH_CONNECTION").is_some();
    let desk = if is_remote { Vec::new() } else { programs() };
    let tmux = var_os("TMUX").map(|_| TMUX);
    if let Some(program) = desk.into_iter().chain(tmux).find(|program| hand_over(program, text)) {
        return Ok(format!("copied by {}", program[0]));
    }
    if by_terminal(text) {
        return Ok("the terminal was asked to copy it".into());
    }
    if let Some(program) = programs().into_iter().find(|program| hand_over(program, text)) {
        return Ok(format!("copied by {}", program[0]));
    }
    Err(invalid(
        "there is no way to a clipboard; install wl-copy, xclip or xsel, or use a terminal that \
         takes it",
    ))
}

/// The programs that may know the clipboard, with their arguments.
fn programs() -> Vec<&'static [&'static str]> {
    let mut programs: Vec<&[&str]> = Vec::new();
    if cfg!(target_os = "macos") {
        programs.push(&["pbcopy"]);
    }
    if cfg!(windows) || var_os("WSL_DISTRO_NAME").is_some() {
        programs.push(&["clip.exe"]);
    }
    if var_os("WAYLAND_DISPLAY").is_some() {
        programs.push(&["wl-copy"]);
    }
    if var_os("DISPLAY").is_some() {
        programs.push(&["xclip", "-selection", "clipboard"]);
        programs.push(&["xsel", "--clipboard", "--input"]);
    }
    programs
}

/// Gives the text to a program; false where there is none or it fails.
fn hand_over(program: &[&str], text: &str) -> bool {
    let child = Command::new(program[0])
        .args(&program[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut child) = child else { return false };
    // Closed at once after writing, so that the program sees the end.
    let written = child.stdin.take().map(|mut stdin| stdin.write_all(text.as_bytes()));
    let ended = child.wait().is_ok_and(|status| status.success());
    ended && matches!(written, Some(Ok(())))
}

/// Asks the terminal to copy (OSC 52); it may be set not to, and never says so.
fn by_terminal(text: &str) -> bool {
    let is_dumb = var_os("TERM").is_none_or(|term| term == "dumb");
    if !stderr().is_terminal() || is_dumb || text.len() > TERMINAL_LIMIT {
        return false;
    }
    let sequence = format!("\x1b]52;c;{}\x07", BASE64_STANDARD.encode(text));
    let mut out = stderr().lock();
    out.write_all(sequence.as_bytes()).and_then(|()| out.flush()).is_ok()
}
