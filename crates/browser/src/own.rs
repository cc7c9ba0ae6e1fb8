//! Files and directories that are this user's alone, where other users of the machine can write too.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// The directory for what this user throws away, made where it is not there yet.
///
/// Its name is known beforehand, so that somebody else may have made it first: then there is none.
///
/// # Errors
/// Another user's, one that others may write to, or no directory at all is there.
pub(crate) fn temporary_room() -> io::Result<PathBuf> {
    room_in(&std::env::temp_dir())
}

#[cfg(unix)]
pub(crate) fn room_in(parent: &Path) -> io::Result<PathBuf> {
    use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
    let user = rustix::process::geteuid().as_raw();
    let room = parent.join(format!("lenore-{user}"));
    match fs::DirBuilder::new().mode(0o700).create(&room) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let found = fs::symlink_metadata(&room)?;
    let is_ours = found.is_dir() && found.uid() == user && found.permissions().mode() & 0o077 == 0;
    if is_ours { Ok(room) } else { Err(io::ErrorKind::PermissionDenied.into()) }
}

#[cfg(not(unix))]
pub(crate) fn room_in(parent: &Path) -> io::Result<PathBuf> {
    // Each user has a directory for such files.
    let room = parent.join("lenore");
    fs::create_dir_all(&room)?;
    Ok(room)
}

/// Opens a regular file, and nothing that only looks like one: neither a link to somewhere else,
/// nor a pipe that would be waited for.
pub(crate) fn open_regular(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;

        use rustix::fs::OFlags;
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        options.custom_flags(i32::try_from(flags.bits()).map_err(io::Error::other)?);
    }
    let file = options.open(path)?;
    if !file.metadata()?.is_file() {
        let message = format!("{} is no regular file", path.display());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    Ok(file)
}
