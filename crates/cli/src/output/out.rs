//! The one way to stdout. On a terminal nothing of what others wrote is obeyed there.

use std::io::{self, IsTerminal, Write, stdout};
use std::sync::atomic::{AtomicBool, Ordering};

use super::printable::{coloured, printable};

/// Whether a text of the answer stands on the terminal in a line that has not ended.
static IS_AMID_LINE: AtomicBool = AtomicBool::new(false);

/// Writes a text that others wrote.
pub(super) fn write_foreign(text: &str) -> io::Result<()> {
    if stdout().is_terminal() { write(printable(text).as_bytes()) } else { write(text.as_bytes()) }
}

/// Writes a text of ours, whose colours stay.
pub(super) fn write_own(text: &str) -> io::Result<()> {
    if stdout().is_terminal() { write(coloured(text).as_bytes()) } else { write(text.as_bytes()) }
}

/// Writes what the canvas draws: it moves the cursor, and holds texts of others by their symbols
/// alone.
pub(super) fn write_drawn(picture: &str) -> io::Result<()> {
    write(picture.as_bytes())
}

/// Writes a piece of an answer onto a terminal, where what is said beside it gets a line of its own.
pub(super) fn write_piece(text: &str) -> io::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    write_foreign(text)?;
    IS_AMID_LINE.store(!text.ends_with('\n'), Ordering::Relaxed);
    Ok(())
}

/// Ends the line that a piece of an answer stands in.
pub(super) fn end_line() -> io::Result<()> {
    if IS_AMID_LINE.swap(false, Ordering::Relaxed) { write(b"\n") } else { Ok(()) }
}

/// Writes bytes as they are.
pub(super) fn write(bytes: &[u8]) -> io::Result<()> {
    let mut out = stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}
