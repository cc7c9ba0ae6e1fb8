//! The directory in which a browser keeps a user's session, and who owns it.

mod at_work;
mod content;
mod lock;
mod made;

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tempfile::TempDir;

use crate::own::{open_regular, temporary_room};
use crate::{Error, ErrorKind, Result};

pub use lock::LOCK_FILE;

pub(crate) use at_work::{MARK, browser_at_work, firefox_at_work};

use at_work::program_of;

use at_work::{ends_as_leftover, is_ours};
use content::check_content;
use lock::{lock, read_owner, write_owner};

/// How the names of throw-away profiles begin.
const TEMPORARY_PREFIX: &str = "lenore-profile-";

/// Which profile a browser runs on.
#[derive(Clone, Debug, Default)]
pub enum Profile {
    /// A new, empty one that is removed with the browser.
    #[default]
    Temporary,
    /// A directory that stays. It is made, for its user alone, where it does not exist.
    Directory(PathBuf),
    /// One that this process owns already, and goes on owning between two browsers.
    Owned(Arc<OwnedProfile>),
}

/// Who owns a profile, as its lock tells.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Owner {
    /// The process.
    pub pid: u32,
    /// What it [announces](OwnedProfile::announce) to other processes of the user.
    pub announced: Option<String>,
}

impl Profile {
    /// What must be free on a profile's disk, in bytes. A new profile takes about half of it.
    pub const LEAST_SPACE: u64 = 20_000_000;

    /// What is free on the disk that the profile is on, or will be, in bytes; `None` where that
    /// cannot be told.
    pub fn free_space(&self) -> Option<u64> {
        #[cfg(unix)]
        {
            let room = std::path::absolute(self.room()).ok()?;
            let there = room.ancestors().find(|directory| directory.exists())?;
            let found = rustix::fs::statvfs(there).ok()?;
            // A file system that is no disk, as /proc, has no size.
            (found.f_blocks > 0).then_some(())?;
            Some(found.f_bavail.saturating_mul(found.f_frsize))
        }
        #[cfg(not(unix))]
        None
    }

    /// The directory that it is, or is made in.
    fn room(&self) -> PathBuf {
        match self {
            Self::Temporary => std::env::temp_dir(),
            Self::Directory(path) => path.clone(),
            Self::Owned(owned) => owned.path.clone(),
        }
    }

    /// The process that owns the profile in a directory, if any does.
    pub fn owner(directory: &Path) -> Option<Owner> {
        let mut lock = open_to_read(&directory.join(LOCK_FILE)).ok()?;
        match lock.try_lock_shared() {
            Err(TryLockError::WouldBlock) => read_owner(&mut lock),
            _ => None,
        }
    }

    /// The process of a browser that is at work on the profile in a directory, and that nobody has
    /// started here: only its user can end it.
    pub fn foreign_browser(directory: &Path) -> Option<u32> {
        let at_work = browser_at_work(directory).or_else(|| firefox_at_work(directory));
        at_work.filter(|pid| !is_ours(*pid) && Self::owner(directory).is_none())
    }

    /// Whether a browser could be started on it now. The directory is not made for that.
    ///
    /// # Errors
    /// [`ErrorKind::ProfileInUse`], [`ErrorKind::InvalidOption`] for a directory that is no profile,
    /// [`ErrorKind::Launch`] for one that cannot be written.
    pub fn check(&self) -> Result<()> {
        match self {
            Self::Directory(path) if path.exists() => {
                check_content(path)?;
                let owned = OwnedProfile::holding(path.clone(), lock(path)?, None);
                let other = browser_at_work(path).filter(|pid| !is_ours(*pid));
                drop(owned);
                other.map_or(Ok(()), |pid| Err(in_use(path, Some(pid))))
            }
            _ => Ok(()),
        }
    }
}

/// A profile that this process owns until the value is dropped.
#[derive(Debug)]
pub struct OwnedProfile {
    path: PathBuf,
    /// Locked as long as it is open; the system lets go of it whatever ends this process.
    lock: Option<File>,
    temporary: Option<TempDir>,
    /// The group of processes that is at work on it; zero for none.
    group: AtomicU32,
}

/// The profiles that this process owns.
static OWNED: Mutex<Vec<Weak<OwnedProfile>>> = Mutex::new(Vec::new());

/// For a process that is about to end at once, and drops nothing: removes its locks, and its
/// throw-away profiles with the browsers on them. Other browsers end by themselves.
pub fn abandon_profiles() {
    let owned = std::mem::take(&mut *OWNED.lock().unwrap_or_else(PoisonError::into_inner));
    owned.iter().filter_map(Weak::upgrade).for_each(|profile| profile.abandon());
}

impl OwnedProfile {
    /// Takes ownership of a profile. Nobody else can, as long as the value lives.
    ///
    /// # Errors
    /// [`ErrorKind::ProfileInUse`], [`ErrorKind::InvalidOption`] for a directory that is no profile,
    /// [`ErrorKind::Launch`] for one that cannot be written, or whose disk is full.
    pub fn open(profile: &Profile) -> Result<Arc<Self>> {
        if let Ok(room) = temporary_room() {
            remove_abandoned(&room);
        }
        check_space(profile)?;
        let (path, temporary) = match profile {
            Profile::Temporary => {
                // With a name that nobody knows, if its usual place is somebody else's.
                let room = temporary_room().unwrap_or_else(|_| std::env::temp_dir());
                let dir = private(TEMPORARY_PREFIX)
                    .tempdir_in(room)
                    .map_err(|error| refused(&std::env::temp_dir(), error))?;
                (dir.path().to_owned(), Some(dir))
            }
            Profile::Directory(path) => {
                let is_new = make_private(path).map_err(|error| refused(path, error))?;
                let path = fs::canonicalize(path).map_err(|error| refused(path, error))?;
                if is_new {
                    made::note(&path);
                } else {
                    check_content(&path)?;
                }
                (path, None)
            }
            Profile::Owned(owned) => return Ok(owned.clone()),
        };
        let owned = Arc::new(Self::of(path, temporary)?);
        let mut all = OWNED.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|profile| profile.strong_count() > 0);
        all.push(Arc::downgrade(&owned));
        Ok(owned)
    }

    /// Tells other processes of the user something, through the lock: [`Profile::owner`] reads it.
    /// Nobody else can read the lock.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidOption`] where the lock cannot be written.
    pub fn announce(&self, text: &str) -> Result<()> {
        let Some(lock) = &self.lock else { return Ok(()) };
        write_owner(lock, Some(text)).map_err(|error| refused(&self.path, error))
    }

    fn of(path: PathBuf, temporary: Option<TempDir>) -> Result<Self> {
        let lock = lock(&path)?;
        if let Some(pid) = browser_at_work(&path)
            && !ends_as_leftover(pid)
        {
            return Err(in_use(&path, Some(pid)));
        }
        Ok(Self::holding(path, lock, temporary))
    }

    fn holding(path: PathBuf, lock: File, temporary: Option<TempDir>) -> Self {
        Self { path, lock: Some(lock), temporary, group: AtomicU32::new(0) }
    }

    /// Takes note of the leader of the processes that are at work on it; `None` once they are gone.
    pub(crate) fn used_by(&self, group: Option<u32>) {
        self.group.store(group.unwrap_or(0), Ordering::Relaxed);
    }

    fn abandon(&self) {
        if self.temporary.is_some() {
            // What is thrown away need not end in order, and a browser would go on writing there.
            #[cfg(unix)]
            if let Ok(group @ 1..) = i32::try_from(self.group.load(Ordering::Relaxed))
                && let Some(group) = rustix::process::Pid::from_raw(group)
            {
                use rustix::process::{Signal, kill_process_group};
                let _ = kill_process_group(group, Signal::KILL);
            }
            remove_directory(self.path.clone());
        } else {
            let _ = fs::remove_file(self.path.join(LOCK_FILE));
        }
    }

    /// Its directory.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for OwnedProfile {
    fn drop(&mut self) {
        // Removed while it is still locked, so that nobody else's lock can be meant.
        if let Some(lock) = self.lock.take() {
            let _ = fs::remove_file(self.path.join(LOCK_FILE));
            drop(lock);
        }
        if let Some(dir) = self.temporary.take() {
            remove_directory(dir.keep());
        }
    }
}

/// Removes a directory in which processes that are just ending may still write.
fn remove_directory(path: PathBuf) {
    for _ in 0..20 {
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                std::thread::sleep(Duration::from_millis(25));
            }
            _ => return,
        }
    }
    tracing::warn!(path = %path.display(), "a temporary profile could not be removed");
}

/// Removes throw-away profiles whose owners were killed before they could.
fn remove_abandoned(room: &Path) {
    let Ok(entries) = fs::read_dir(room) else { return };
    for entry in entries.flatten() {
        if !entry.file_name().to_string_lossy().starts_with(TEMPORARY_PREFIX) {
            continue;
        }
        let Ok(lock) = open_to_read(&entry.path().join(LOCK_FILE)) else { continue };
        // A young one may be just being made, and not locked yet.
        let age = lock.metadata().and_then(|found| found.modified()).map(|time| time.elapsed());
        let is_old = matches!(age, Ok(Ok(age)) if age > Duration::from_secs(10));
        if is_old && lock.try_lock().is_ok() && browser_at_work(&entry.path()).is_none() {
            remove_directory(entry.path());
        }
    }
}

fn open_to_read(path: &Path) -> std::io::Result<File> {
    open_regular(path, File::options().read(true))
}

/// What makes directories for their user alone.
fn private(prefix: &str) -> tempfile::Builder<'_, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    builder
}

/// Makes a directory for its user alone, where it does not exist. Whether it was made.
fn make_private(path: &Path) -> std::io::Result<bool> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
        builder.mode(0o700);
        let found = fs::metadata(path).ok().filter(fs::Metadata::is_dir);
        let user = rustix::process::geteuid();
        // The system's administrator may look after another's.
        if found.as_ref().is_some_and(|found| found.uid() != user.as_raw()) && !user.is_root() {
            let message = "it belongs to another user of this machine";
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, message));
        }
        if found.is_some_and(|found| found.permissions().mode() & 0o077 != 0) {
            tracing::warn!(
                path = %path.display(),
                "others on this machine can look into the profile; chmod 700 keeps them out"
            );
        }
    }
    let made = match (builder.create(path), path.parent()) {
        (Err(error), Some(parent)) if error.kind() == std::io::ErrorKind::NotFound => {
            builder.recursive(true).create(parent)?;
            builder.recursive(false).create(path)
        }
        (made, _) => made,
    };
    match made {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && path.is_dir() => {
            Ok(false)
        }
        made => made.map(|()| true),
    }
}

/// A browser on a full disk starts, and then fails in ways that nobody understands.
fn check_space(profile: &Profile) -> Result<()> {
    match profile.free_space() {
        Some(free) if free < Profile::LEAST_SPACE => Err(Error::new(
            ErrorKind::Launch,
            format!(
                "the disk of the profile {} is full ({} MB free); make room on it, or name another \
                 directory with --user-data-dir",
                profile.room().display(),
                free / 1_000_000
            ),
        )),
        _ => Ok(()),
    }
}

pub(crate) fn in_use(path: &Path, pid: Option<u32>) -> Error {
    let owner = match (pid, pid.and_then(program_of)) {
        (Some(pid), Some(program)) => format!("{program} (process {pid})"),
        (Some(pid), None) => format!("process {pid}"),
        (None, _) => "another process".to_owned(),
    };
    Error::new(
        ErrorKind::ProfileInUse { pid },
        format!(
            "{owner} is using the profile {}; wait for it, end it, or use another profile \
             (--profile NAME)",
            path.display()
        ),
    )
}

fn refused(path: &Path, error: std::io::Error) -> Error {
    use std::io::ErrorKind as Io;
    let message = format!("the profile directory {} cannot be used: {error}", path.display());
    match error.kind() {
        // What was asked for makes sense; it is the machine that does not let us.
        Io::PermissionDenied | Io::ReadOnlyFilesystem | Io::StorageFull | Io::QuotaExceeded => {
            let advice = "see to it that files can be written there, or name another directory \
                          with --user-data-dir";
            Error::new(ErrorKind::Launch, format!("{message}; {advice}"))
        }
        _ => Error::new(ErrorKind::InvalidOption, message),
    }
    .with_source(error)
}

#[cfg(test)]
mod tests;
