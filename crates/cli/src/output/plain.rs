//! An answer into a pipe or a file.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write, stdout};

use lenore::{Event, Transcript};

use super::note;

/// What has been written of the answer.
///
/// A file is mended where the site rewrites its answer. What went into a pipe cannot be taken
/// back: then the whole text follows once more at the end, and stderr says so.
#[derive(Debug, Default)]
pub(super) struct Plain {
    shown: Transcript,
    /// How much of it is out, in bytes, while that is still a beginning of it.
    written: usize,
    /// Whether what is out is no beginning of the text any more.
    spoilt: bool,
}

impl Plain {
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
        let mut out = stdout().lock();
        out.write_all(&self.shown.text().as_bytes()[self.written..])?;
        self.written = self.shown.text().len();
        out.flush()
    }

    /// Writes what is still missing at the end.
    pub(super) fn end(&self) -> io::Result<()> {
        let mut out = stdout().lock();
        if self.spoilt {
            write!(out, "\n\n{}", self.shown.text())?;
        }
        out.write_all(b"\n")?;
        out.flush()
    }

    fn take_back_to(&mut self, kept: usize) -> io::Result<()> {
        if self.spoilt || kept >= self.written {
            return Ok(());
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
