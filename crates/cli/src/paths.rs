//! Where the program keeps what is the user's: settings, and what it remembers.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use directories::ProjectDirs;
use lenore::{Error, ErrorKind, Result};

/// The directory of the settings, such as `~/.config/lenore`.
pub(crate) fn config_dir() -> Result<PathBuf> {
    Ok(directories()?.config_dir().to_owned())
}

/// The directory of profiles and the log, such as `~/.local/share/lenore`.
pub(crate) fn data_dir() -> Result<PathBuf> {
    Ok(directories()?.data_local_dir().to_owned())
}

/// The file of lines that were typed into chats.
pub(crate) fn history() -> Result<PathBuf> {
    Ok(data_dir()?.join("history"))
}

fn directories() -> Result<ProjectDirs> {
    ProjectDirs::from("", "", "lenore").ok_or_else(|| {
        Error::new(ErrorKind::InvalidRequest, "there is no home directory; set HOME to one")
    })
}

/// Makes a directory that only its user may look into; one that is there already stays as it is.
pub(crate) fn make_private(directory: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

/// The largest text file of the user's that is read whole, in bytes.
const MAX_TEXT: u64 = 64_000_000;

/// Reads a text file whole, where it is a file or a pipe, and ends.
pub(crate) fn read_text(path: &Path) -> io::Result<String> {
    let other = |why: &'static str| Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    let found = std::fs::metadata(path)?;
    #[cfg(unix)]
    let is_pipe = std::os::unix::fs::FileTypeExt::is_fifo(&found.file_type());
    #[cfg(not(unix))]
    let is_pipe = false;
    if found.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if !found.is_file() && !is_pipe {
        return other("it is no file");
    }
    let mut text = String::new();
    std::fs::File::open(path)?.take(MAX_TEXT + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_TEXT { other("it is too long") } else { Ok(text) }
}

/// An error for bad input, which says what is wrong with it.
pub(crate) fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidRequest, message.into())
}
