//! The process's own directory for clients' files. A killed process cannot remove its own, so the
//! next one to start does.

use std::fs::{self, File};
use std::io;
use std::path::Path;
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
        remove_abandoned(&std::env::temp_dir());
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
        let directory = private(PREFIX).tempdir()?;
        let lock = File::create(directory.path().join(LOCK_FILE))?;
        lock.try_lock()?;
        Ok(known.insert(Arc::new(Room { _lock: lock, directory })).clone())
    }
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
    let is_abandoned = match File::open(path.join(LOCK_FILE)) {
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
