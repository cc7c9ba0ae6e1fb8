//! An answer as it is: into a pipe or a file, or onto a terminal, which breaks its lines itself.

use std::fs::File;
use std::io::{self, IsTerminal, Seek, SeekFrom, stdout};

use lenore::{Event, Transcript};

use super::{note, out};

/// What stands on a terminal between an answer and what it became.
const REWRITTEN: &str = "── the site has rewritten its answer; it follows anew ──";

/// After so many times the answer is not written anew before its end.
const MAX_RESTARTS: usize = 1;

/// What has been written of the answer. The cursor is never moved.
///
/// A file is mended where the site rewrites its answer. What went into a pipe cannot be taken
/// back: then the whole text follows once more at the end, and stderr says so. On a terminal it
/// follows at once, the first time.
#[derive(Debug)]
pub(super) struct Plain {
    shown: Transcript,
    /// How much of it is out, in bytes, while that is still a beginning of it.
    written: usize,
    /// Whether what is out is no beginning of the text any more.
    spoilt: bool,
    is_terminal: bool,
    restarts: usize,
}

impl Plain {
    pub(super) fn new() -> Self {
        let is_terminal = stdout().is_terminal();
        Self { shown: Transcript::default(), written: 0, spoilt: false, is_terminal, restarts: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.written == 0
    }

    pub(super) fn event(&mut self, event: &Event) -> io::Result<()> {
        if let Event::Replace { keep, .. } = event {
            let text = self.shown.text();
            let kept = text.char_indices().nth(*keep).map_or(text.len(), |(at, _)| at);
            self.take_back_to(kept)?;
        }
        self.shown.apply(event);
        if self.spoilt {
            return Ok(());
        }
        self.write(&self.shown.text()[self.written..])?;
        self.written = self.shown.text().len();
        Ok(())
    }

    /// Writes what is still missing at the end.
    pub(super) fn end(&self) -> io::Result<()> {
        if self.spoilt {
            if self.is_terminal {
                self.begin_anew()?;
            } else {
                self.write("\n\n")?;
            }
            self.write(self.shown.text())?;
        }
        self.write("\n")
    }

    fn write(&self, text: &str) -> io::Result<()> {
        if self.is_terminal { out::write_piece(text) } else { out::write(text.as_bytes()) }
    }

    fn begin_anew(&self) -> io::Result<()> {
        out::end_line()?;
        self.write(&format!("\n{REWRITTEN}\n\n"))
    }

    fn take_back_to(&mut self, kept: usize) -> io::Result<()> {
        if self.spoilt || kept >= self.written {
            return Ok(());
        }
        if self.is_terminal {
            self.restarts += 1;
            self.written = 0;
            self.spoilt = self.restarts > MAX_RESTARTS;
            return if self.spoilt { Ok(()) } else { self.begin_anew() };
        }
        if let Some(mut file) = stdout_as_file() {
            let excess = u64::try_from(self.written - kept).map_err(io::Error::other)?;
            if let Some(end) = file.stream_position()?.checked_sub(excess) {
                file.set_len(end)?;
                file.seek(SeekFrom::Start(end))?;
                self.written = kept;
                return Ok(());
            }
        }
        note(
            "the site has rewritten its answer, and what went into a pipe stays there; the whole \
             text follows at the end. --no-stream prints that alone",
        );
        self.spoilt = true;
        Ok(())
    }
}

/// Stdout as a file that is ours alone; `None` for a pipe, or where stderr goes into it too.
#[cfg(unix)]
fn stdout_as_file() -> Option<File> {
    use std::os::fd::AsFd;
    use std::os::unix::fs::MetadataExt;

    let file = File::from(stdout().as_fd().try_clone_to_owned().ok()?);
    let errors = File::from(io::stderr().as_fd().try_clone_to_owned().ok()?);
    let (found, other) = (file.metadata().ok()?, errors.metadata().ok()?);
    let shared = (found.dev(), found.ino()) == (other.dev(), other.ino());
    (found.is_file() && !shared).then_some(file)
}

#[cfg(not(unix))]
fn stdout_as_file() -> Option<File> {
    None
}
