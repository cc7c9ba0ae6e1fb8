//! The process's own directory for clients' files. A killed process cannot remove its own, so the
//! next one to start does.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tempfile::{Builder, TempDir};

/// What the directories are called, so that those of processes that are gone can be found.
const PREFIX: &str = "lenore-files-";

/// The file in it that is locked while its process lives.
const LOCK_FILE: &str = "lock";

/// A younger directory may be just being made, and not locked yet.
const YOUNG: Duration = Duration::from_secs(10);

/// A directory that is made when it is first needed.
#[derive(Debug, Default)]
pub(crate) struct Scratch(Mutex<Option<Arc<Room>>>);

/// The directory. It goes when the last that needs it does.
#[derive(Debug)]
struct Room {
    _lock: File,
    directory: TempDir,
}

/// A directory in it.
#[derive(Debug)]
pub(crate) struct Place {
    directory: TempDir,
    _room: Arc<Room>,
}

impl Place {
    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }
}

impl Scratch {
    /// Removes what processes that are gone have left.
    pub(crate) fn new() -> Self {
        if let Ok(parent) = own_parent(&std::env::temp_dir()) {
            remove_abandoned(&parent);
        }
        Self::default()
    }

    /// A new directory for this user alone.
    pub(crate) fn place(&self) -> io::Result<Place> {
        let room = self.room()?;
        let directory = private("").tempdir_in(room.directory.path())?;
        Ok(Place { directory, _room: room })
    }

    fn room(&self) -> io::Result<Arc<Room>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Somebody may have tidied up what is old.
        if let Some(room) = known.as_ref().filter(|room| room.directory.path().exists()) {
            return Ok(room.clone());
        }
        let temporary = std::env::temp_dir();
        // With a name that nobody knows, if its usual place is somebody else's.
        let parent = own_parent(&temporary).unwrap_or(temporary);
        let directory = private(PREFIX).tempdir_in(parent)?;
        let lock = File::create(directory.path().join(LOCK_FILE))?;
        lock.try_lock()?;
        Ok(known.insert(Arc::new(Room { _lock: lock, directory })).clone())
    }
}

/// The directory for this user's temporary files, made where it is not there yet. Its name is known
/// beforehand: one that another user has made, or may write to, is none.
#[cfg(unix)]
fn own_parent(temporary: &Path) -> io::Result<PathBuf> {
    use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
    let user = rustix::process::geteuid().as_raw();
    let parent = temporary.join(format!("lenore-{user}"));
    match fs::DirBuilder::new().mode(0o700).create(&parent) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let found = fs::symlink_metadata(&parent)?;
    let is_ours = found.is_dir() && found.uid() == user && found.permissions().mode() & 0o077 == 0;
    if is_ours { Ok(parent) } else { Err(io::ErrorKind::PermissionDenied.into()) }
}

#[cfg(not(unix))]
fn own_parent(temporary: &Path) -> io::Result<PathBuf> {
    // Each user has a directory for such files.
    let parent = temporary.join("lenore");
    fs::create_dir_all(&parent)?;
    Ok(parent)
}

/// Opens a lock: neither a link to somewhere else, nor a pipe that would be waited for.
fn open_lock(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;

        use rustix::fs::OFlags;
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        options.custom_flags(i32::try_from(flags.bits()).map_err(io::Error::other)?);
    }
    let lock = options.open(path)?;
    if lock.metadata()?.is_file() { Ok(lock) } else { Err(io::ErrorKind::InvalidInput.into()) }
}

fn private(prefix: &str) -> Builder<'_, 'static> {
    let mut builder = Builder::new();
    builder.prefix(prefix);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    builder
}

fn remove_abandoned(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_directory && entry.file_name().to_string_lossy().starts_with(PREFIX) {
            let _ = remove_if_abandoned(&entry.path());
        }
    }
}

fn remove_if_abandoned(path: &Path) -> io::Result<()> {
    let is_old = |found: fs::Metadata| {
        Ok::<_, io::Error>(found.modified()?.elapsed().is_ok_and(|age| age > YOUNG))
    };
    // Its process may have been killed before it made the lock.
    let is_abandoned = match open_lock(&path.join(LOCK_FILE)) {
        Ok(lock) => is_old(lock.metadata()?)? && lock.try_lock().is_ok(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => is_old(fs::metadata(path)?)?,
        Err(error) => return Err(error),
    };
    if is_abandoned { fs::remove_dir_all(path) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn what_a_killed_process_left_is_removed_by_the_next() {
        let parent = tempfile::tempdir().expect("a directory");
        let leave = |name: &str, age: u64| {
            let path = parent.path().join(name);
            fs::create_dir(&path).expect("made");
            fs::write(path.join("secret.txt"), "x").expect("written");
            let lock = File::create(path.join(LOCK_FILE)).expect("made");
            lock.set_modified(SystemTime::now() - Duration::from_secs(age)).expect("ours");
            (path, lock)
        };
        let (abandoned, _) = leave("lenore-files-a", 60);
        let (alive, lock) = leave("lenore-files-b", 60);
        lock.try_lock().expect("free");
        let (young, _) = leave("lenore-files-c", 0);
        let (other, _) = leave("lenore-profile-d", 60);
        remove_abandoned(parent.path());
        assert!(!abandoned.exists());
        assert!(alive.exists() && young.exists() && other.exists());
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_lock_is_not_waited_for_and_what_is_not_ours_is_not_used() {
        let temporary = tempfile::tempdir().expect("a directory");
        let parent = own_parent(temporary.path()).expect("made");
        let theirs = parent.join("lenore-files-theirs");
        fs::create_dir(&theirs).expect("made");
        let made = std::process::Command::new("mkfifo").arg(theirs.join(LOCK_FILE)).status();
        assert!(made.is_ok_and(|status| status.success()));
        let (told, heard) = std::sync::mpsc::channel();
        let path = parent.clone();
        std::thread::spawn(move || {
            remove_abandoned(&path);
            told.send(()).expect("somebody waits");
        });
        heard.recv_timeout(Duration::from_secs(20)).expect("at once");
        assert!(theirs.exists());
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        fs::set_permissions(&parent, open).expect("ours");
        own_parent(temporary.path()).expect_err("others may write to it");
    }

    #[test]
    fn a_directory_is_locked_while_it_is_needed_and_goes_with_it() {
        let scratch = Scratch::default();
        let (one, two) = (scratch.place().expect("made"), scratch.place().expect("made"));
        let room = one.path().parent().expect("a room").to_owned();
        assert_eq!(two.path().parent(), Some(&*room));
        let name = room.file_name().and_then(|name| name.to_str()).expect("a name");
        assert!(name.starts_with(PREFIX), "{name}");
        let lock = File::open(room.join(LOCK_FILE)).expect("there");
        lock.try_lock().expect_err("locked");
        drop((one, scratch));
        assert!(room.exists(), "it is needed still");
        drop(two);
        assert!(!room.exists());
    }
}
