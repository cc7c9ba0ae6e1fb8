//! The lock of a profile: which process owns it, and what that one announces.

use std::fs::{self, File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::time::Duration;

use super::{Owner, in_use, refused};
use crate::Result;
use crate::own::open_regular;

/// The file in a profile that its owner keeps locked and writes its process id into.
pub const LOCK_FILE: &str = "lenore.lock";

/// How much of a lock is read, in bytes.
const LONGEST: u64 = 4096;

/// Locks a directory for this process.
pub(super) fn lock(path: &Path) -> Result<File> {
    let file = path.join(LOCK_FILE);
    let mut options = File::options();
    options.create(true).truncate(false).read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    for patience in 0..100 {
        let mut lock = open_regular(&file, &mut options).map_err(|error| refused(path, error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                // Somebody may only look who the owner is, or be just becoming it.
                let is_owned = matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock));
                let owner = read_owner(&mut lock).filter(|_| is_owned).map(|owner| owner.pid);
                if owner.is_some() || patience > 10 {
                    return Err(in_use(path, owner));
                }
                drop(lock);
                std::thread::sleep(Duration::from_millis(5));
                continue;
            }
            Err(TryLockError::Error(error)) => return Err(refused(path, error)),
        }
        // The owner may have removed the file between our opening and locking it.
        if is_same_file(&lock, &file) {
            // It may be left from a time when others could read it.
            #[cfg(unix)]
            lock.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))
                .map_err(|error| refused(path, error))?;
            write_owner(&lock, None).map_err(|error| refused(path, error))?;
            return Ok(lock);
        }
    }
    Err(in_use(path, None))
}

/// Writes the process id, and on a second line what it announces.
pub(super) fn write_owner(mut lock: &File, announced: Option<&str>) -> std::io::Result<()> {
    let mut text = format!("{}\n", std::process::id());
    text.extend(announced.map(|line| format!("{line}\n")));
    // Who reads meanwhile sees the old or the new text, or none.
    lock.set_len(0)?;
    lock.rewind()?;
    lock.write_all(text.as_bytes())
}

/// What another process has written there.
pub(super) fn read_owner(lock: &mut File) -> Option<Owner> {
    let mut text = String::new();
    lock.take(LONGEST).read_to_string(&mut text).ok()?;
    let mut lines = text.lines();
    let pid = lines.next()?.parse().ok()?;
    Some(Owner { pid, announced: lines.next().map(str::to_owned) })
}

#[cfg(unix)]
fn is_same_file(open: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (open.metadata(), fs::metadata(path)) {
        (Ok(open), Ok(there)) => (open.dev(), open.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

#[cfg(not(unix))]
fn is_same_file(_: &File, path: &Path) -> bool {
    // An open file cannot be removed here, so the path still means the one that is locked.
    path.exists()
}
