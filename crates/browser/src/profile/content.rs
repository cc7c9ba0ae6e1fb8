//! What is in a directory that is named as a profile.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use super::{LOCK_FILE, refused};
use crate::{Error, ErrorKind, Result};

/// What a browser, or a start of ours, writes into a profile first.
const MARKS: &[&str] = &[
    LOCK_FILE,
    // Chromium.
    "Default",
    "DevToolsActivePort",
    "First Run",
    "Local State",
    "SingletonLock",
    // Firefox.
    ".parentlock",
    "compatibility.ini",
    "prefs.js",
    "times.json",
    "user.js",
];

/// A disk's own, where the directory is the whole of it.
const OF_THE_DISK: &str = "lost+found";

/// Refuses a directory that holds other files and no profile: somebody has named it by mistake, and
/// a browser's hundred files would land among theirs.
pub(super) fn check_content(path: &Path) -> Result<()> {
    let entries = fs::read_dir(path).map_err(|error| refused(path, error))?;
    let names: Vec<OsString> = entries.flatten().map(|entry| entry.file_name()).collect();
    let is_mark = |name: &OsString| MARKS.iter().any(|mark| name == mark);
    if names.iter().all(|name| name == OF_THE_DISK) || names.iter().any(is_mark) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::InvalidOption,
        format!(
            "{} holds files, but no browser's profile; name a directory that is empty or not \
             there yet",
            path.display()
        ),
    ))
}
