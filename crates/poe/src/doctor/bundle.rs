//! The bundle: a directory that can be shown to others.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::Diagnosis;

/// How many bundles one second may bring.
const A_SECOND: usize = 100;

impl Diagnosis {
    /// Writes a new directory `lenore-doctor-<date>-<time>` (UTC) into `parent`, for its user
    /// alone, and returns its path. It holds `report.txt` with the given text, and what was
    /// gathered of the page: `page.html`, its structure with all words blanked; `screenshot.png`,
    /// in which nothing can be read; `tap.jsonl`, kinds and sizes of what the tap told.
    ///
    /// # Errors
    /// The directory or a file cannot be written.
    pub fn write_bundle(&self, parent: &Path, report: &str) -> io::Result<PathBuf> {
        let directory = make(parent, &name(SystemTime::now()))?;
        match self.write_into(&directory, report) {
            Ok(()) => Ok(directory),
            Err(error) => {
                // Half a bundle would be taken for a whole one.
                let _ = fs::remove_dir_all(&directory);
                Err(error)
            }
        }
    }

    fn write_into(&self, directory: &Path, report: &str) -> io::Result<()> {
        let write = |name: &str, bytes: &[u8]| private(&directory.join(name))?.write_all(bytes);
        write("report.txt", report.as_bytes())?;
        if let Some(page) = &self.evidence.page {
            write("page.html", page.as_bytes())?;
        }
        if let Some(screenshot) = &self.evidence.screenshot {
            write("screenshot.png", screenshot)?;
        }
        if !self.evidence.tap.is_empty() {
            write("tap.jsonl", (self.evidence.tap.join("\n") + "\n").as_bytes())?;
        }
        Ok(())
    }
}

/// Makes a directory that was not there.
fn make(parent: &Path, name: &str) -> io::Result<PathBuf> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(parent)?;
    builder.recursive(false);
    for number in 1..A_SECOND {
        let name = if number == 1 { name.to_owned() } else { format!("{name}-{number}") };
        let path = parent.join(name);
        match builder.create(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => return made.map(|()| path),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Opens a new file for its user alone.
fn private(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// `lenore-doctor-2025-01-31-235959`.
fn name(now: SystemTime) -> String {
    let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let (year, month, day) = date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("lenore-doctor-{year}-{month:02}-{day:02}-{hour:02}{minute:02}{second:02}")
}

/// The date of a day, by its number since 1970-01-01.
fn date(mut day: u64) -> (u64, u64, u64) {
    let is_leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let mut year = 1970;
    while day >= 365 + u64::from(is_leap(year)) {
        day -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + u64::from(is_leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if day < length {
            break;
        }
        day -= length;
        month += 1;
    }
    (year, month, day + 1)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_name_says_when() {
        let name = |seconds| name(UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(name(0), "lenore-doctor-1970-01-01-000000");
        assert_eq!(name(951_782_399), "lenore-doctor-2000-02-28-235959");
        assert_eq!(name(951_868_799), "lenore-doctor-2000-02-29-235959");
        assert_eq!(name(1_767_225_599), "lenore-doctor-2025-12-31-235959");
    }

    #[test]
    fn no_bundle_is_written_over() {
        let parent = tempfile::tempdir().expect("a directory");
        let parent = parent.path().join("deep");
        assert_eq!(make(&parent, "a").expect("made"), parent.join("a"));
        assert_eq!(make(&parent, "a").expect("made"), parent.join("a-2"));
    }
}
