//! Directories that this process has made for profiles, and that hold nothing to keep yet.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::lock::lock;
use super::{Profile, browser_at_work, firefox_at_work, remove_directory};

static MADE: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn made() -> MutexGuard<'static, Vec<PathBuf>> {
    MADE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes note of a directory that was made just now.
pub(super) fn note(path: &Path) {
    made().push(path.to_owned());
}

impl Profile {
    /// Says that a directory holds something to keep now, such as a sign-in.
    pub fn keep(directory: &Path) {
        if let Ok(path) = directory.canonicalize() {
            made().retain(|known| *known != path);
        }
    }

    /// Removes a directory that this process has made for a profile, unless it is to be
    /// [kept](Self::keep), or is in use. One that was there before is never removed.
    pub fn remove_unkept(directory: &Path) {
        let Ok(path) = directory.canonicalize() else { return };
        if !made().contains(&path) {
            return;
        }
        // Whoever has begun to use it goes on.
        let Ok(_lock) = lock(&path) else { return };
        if browser_at_work(&path).is_none() && firefox_at_work(&path).is_none() {
            Self::keep(&path);
            remove_directory(path);
        }
    }
}
