//! What can be read once alone: stdin, pipes, files that the system makes up. Nothing of it is
//! trusted to end.

use std::fs::{File, Metadata};
use std::io::{self, Read, stdin};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use lenore::{Error, ErrorKind, Result};

use super::content_type::Extension;
use super::files::refused;
use crate::output::note;

/// The longest prompt, in bytes. No bot of the site takes as much.
pub(crate) const MAX_PROMPT: usize = 8_000_000;
/// The largest file, in bytes: the site takes pictures of that size, and other files of less.
const MAX_FILE: u64 = 150_000_000;
/// How much of a file tells its type, in bytes.
const BEGINNING: u64 = 64 * 1024;
/// How long a pipe may stay silent before it is said that it is waited for.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a named pipe is waited for that nobody writes into.
#[cfg(unix)]
const WRITER_TIMEOUT: Duration = Duration::from_secs(60);

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A file with a size.
    File,
    /// A file that the system makes up as it is read, as below /proc. Its size is told as none.
    Virtual,
    Pipe,
}

/// Finds out what there is, and refuses what has no end: devices, sockets, directories.
pub(super) fn kind_of(path: &Path, found: &Metadata) -> Result<Kind> {
    if found.is_file() {
        return Ok(if found.len() > 0 { Kind::File } else { Kind::Virtual });
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        let kind = found.file_type();
        if kind.is_fifo() {
            return Ok(Kind::Pipe);
        }
        if kind.is_socket() {
            return Err(refused(path, "it is a socket"));
        }
    }
    Err(refused(path, "it is a device, which may have no end; write what it brings into a file"))
}

/// Opens what can be read once. Nothing waits for it yet.
pub(super) fn open(path: &Path) -> Result<Box<dyn Read>> {
    let cannot = |error: io::Error| refused(path, &error.to_string());
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
        options.custom_flags(i32::try_from(flags.bits()).unwrap_or_default());
    }
    let file = options.open(path).map_err(cannot)?;
    // Whoever owns the directory may have put something else there meanwhile.
    let kind = kind_of(path, &file.metadata().map_err(cannot)?)?;
    #[cfg(unix)]
    if kind == Kind::Pipe {
        return Ok(Box::new(pipe::Pipe::new(file, path)));
    }
    let _ = kind;
    Ok(Box::new(file))
}

#[cfg(unix)]
mod pipe {
    use std::fs::File;
    use std::io::{self, Read};
    use std::path::{Path, PathBuf};

    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    use super::{PATIENCE, WRITER_TIMEOUT};
    use crate::output::{note, one_line};

    /// A pipe that is waited for: for its first writer a while, for a writer that is there as long
    /// as it takes.
    pub(super) struct Pipe {
        file: File,
        path: PathBuf,
        has_begun: bool,
        is_told: bool,
    }

    impl Pipe {
        pub(super) fn new(file: File, path: &Path) -> Self {
            Self { file, path: path.to_owned(), has_begun: false, is_told: false }
        }

        /// Waits until there is something to read, or the last writer has left. Whether that is
        /// so in time.
        fn wait(&mut self, longest: Option<std::time::Duration>) -> io::Result<bool> {
            let is_ready = |wait: Option<std::time::Duration>| {
                let wait = wait.and_then(|wait| Timespec::try_from(wait).ok());
                let mut fds = [PollFd::new(&self.file, PollFlags::IN)];
                Ok::<_, io::Error>(poll(&mut fds, wait.as_ref())? > 0)
            };
            if !self.is_told {
                if is_ready(Some(PATIENCE))? {
                    return Ok(true);
                }
                let name = one_line(&self.path.to_string_lossy());
                note(&format!("waiting for {name}, which is a pipe, to bring something or to end"));
                self.is_told = true;
            }
            is_ready(longest)
        }
    }

    impl Read for Pipe {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            loop {
                match self.file.read(buffer) {
                    Ok(0) if !self.has_begun && !buffer.is_empty() => {
                        self.has_begun = self.wait(Some(WRITER_TIMEOUT))?;
                        if !self.has_begun {
                            let message = "nobody writes into this pipe";
                            return Err(io::Error::new(io::ErrorKind::TimedOut, message));
                        }
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        self.wait(None)?;
                        self.has_begun = true;
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    read => {
                        self.has_begun = true;
                        return read;
                    }
                }
            }
        }
    }
}

/// What comes on stdin. Where there is a prompt already, and nothing comes, whoever waits is told
/// for what.
pub(super) fn stdin_with_a_word(is_more: bool) -> impl Read {
    struct Waited(bool);
    impl Read for Waited {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if !std::mem::take(&mut self.0) {
                return stdin().read(buffer);
            }
            let (comes, waits) = mpsc::channel::<()>();
            let hint = thread::spawn(move || {
                if waits.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                    note(
                        "waiting for stdin, which is a pipe, to bring the rest of the prompt or \
                         to end; `< /dev/null` says that there is none",
                    );
                }
            });
            let read = stdin().read(buffer);
            drop(comes);
            // It has ended, or is about to.
            let _ = hint.join();
            read
        }
    }
    Waited(is_more)
}

/// Reads the text of a prompt to its end, which may be too far.
pub(super) fn prompt_text(source: impl Read) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(MAX_PROMPT).unwrap_or(u64::MAX);
    let read = source.take(limit + 1).read_to_end(&mut bytes);
    read.map_err(|error| {
        Error::new(ErrorKind::InvalidRequest, format!("stdin cannot be read: {error}"))
            .with_source(error)
    })?;
    fits_a_prompt(bytes.len())?;
    Ok(bytes)
}

/// Refuses a prompt that no bot takes.
///
/// # Errors
/// [`ErrorKind::TooLong`].
pub(super) fn fits_a_prompt(bytes: usize) -> Result<()> {
    if bytes <= MAX_PROMPT {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::TooLong,
        format!(
            "the prompt is longer than {} MB, which no bot takes; shorten it, or send a part of it \
             as a file with -a",
            MAX_PROMPT / 1_000_000
        ),
    ))
}

/// What was read once.
#[derive(Debug)]
pub(super) enum Once {
    /// A short text.
    Text(String),
    /// Anything else, in a file of ours.
    File(PathBuf),
}

/// Files of ours, for what has none of its own: they are there as long as this is.
#[derive(Debug, Default)]
pub(crate) struct Copies(Option<tempfile::TempDir>);

impl Copies {
    /// Reads a source to its end, `name`d in errors. A text up to `inline` bytes is kept as such,
    /// all else goes into a file of the type that is said, or that its content shows.
    pub(super) fn take(
        &mut self,
        mut source: impl Read,
        name: &Path,
        inline: u64,
        said: Option<&Extension>,
    ) -> Result<Once> {
        let cannot = |error: io::Error| match error.kind() {
            // Nothing that is a file by its looks makes its reader wait.
            io::ErrorKind::WouldBlock => refused(name, "it has no end"),
            _ => refused(name, &error.to_string()),
        };
        let mut begin = Vec::new();
        source.by_ref().take(BEGINNING.max(inline) + 1).read_to_end(&mut begin).map_err(cannot)?;
        if u64::try_from(begin.len()).unwrap_or(u64::MAX) <= inline {
            match String::from_utf8(begin) {
                Ok(text) if !text.contains('\0') => return Ok(Once::Text(text)),
                Ok(text) => begin = text.into_bytes(),
                Err(error) => begin = error.into_bytes(),
            }
        }
        let found = said.cloned().or_else(|| Extension::of(&begin)).ok_or_else(|| {
            refused(name, "nothing tells what it is; say so with --attach-type, such as png")
        })?;
        // Written at the end alone, so that whoever stops the reading leaves nothing behind.
        let mut bytes = begin;
        source.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(cannot)?;
        if bytes.len() as u64 > MAX_FILE {
            let limit = MAX_FILE / 1_000_000;
            return Err(refused(name, &format!("it is larger than {limit} MB, the site's limit")));
        }
        let path = self.path(name, &found).map_err(cannot)?;
        std::fs::write(&path, bytes).map_err(cannot)?;
        Ok(Once::File(path))
    }

    /// A free name for a file, as the site will show it.
    fn path(&mut self, name: &Path, extension: &Extension) -> io::Result<PathBuf> {
        let directory = match &mut self.0 {
            Some(directory) => directory,
            none => none.insert(tempfile::Builder::new().prefix("lenore-").tempdir()?),
        };
        let stem = name.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        // The number of a pipe says nothing.
        let is_name = stem.chars().any(|c| c.is_alphabetic());
        let stem = if is_name { stem } else { "stdin" };
        let extension = extension.as_str();
        let first = directory.path().join(format!("{stem}.{extension}"));
        let further =
            (2..).map(|count| directory.path().join(format!("{stem}-{count}.{extension}")));
        let free = std::iter::once(first).chain(further).find(|path| !path.exists());
        free.ok_or_else(|| io::Error::from(io::ErrorKind::AlreadyExists))
    }
}
