//! Where the program keeps what is the user's: settings, and what it remembers.

use std::io;
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

/// An error for bad input, which says what is wrong with it.
pub(crate) fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidRequest, message.into())
}
