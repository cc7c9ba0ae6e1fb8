//! Why the log cannot be used, and what can be done about it.

use std::path::{Path, PathBuf};
use std::{fmt, io};

use rusqlite::ErrorCode;

use super::Store;

pub(super) type Result<T, E = Failure> = std::result::Result<T, E>;

/// Why the log cannot be used. It holds nothing of what is in the log.
#[derive(Debug)]
pub(crate) enum Failure {
    /// There is no place for the file.
    Place(lenore::Error),
    /// The file or its directory cannot be used.
    File(PathBuf, io::Error),
    /// The database fails.
    Database(rusqlite::Error),
    /// The file was made by an older program, and cannot be brought up to date.
    Older,
    /// The file was made by a newer program.
    Newer,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Place(error) => error.fmt(f),
            _ if self.is_full() => {
                f.write_str("the disk is full")?;
                if let Ok(path) = Store::path() {
                    write!(f, " that the log {} is on", path.display())?;
                }
                f.write_str("; it can be read, and is written again once there is room")
            }
            Self::File(path, error) => write!(f, "{} cannot be used: {error}", path.display()),
            Self::Database(error) => {
                f.write_str("the log's database ")?;
                if let Ok(path) = Store::path() {
                    write!(f, "{} ", path.display())?;
                }
                write!(f, "fails: {error}")?;
                match error.sqlite_error_code() {
                    Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => f.write_str(
                        "; move the file away, and the next exchange begins a new one (--no-log \
                         keeps none)",
                    ),
                    _ => Ok(()),
                }
            }
            Self::Older => f.write_str(
                "the log was written by an older lenore, and cannot be read before it can be \
                 written",
            ),
            Self::Newer => f.write_str(
                "the log was written by a newer lenore; use that one, or move the file away",
            ),
        }
    }
}

impl Failure {
    /// Whether the file may still be read: there is no right, no way or no room to write it.
    pub(super) fn leaves_reading(&self) -> bool {
        match self {
            Self::File(_, error) => matches!(
                error.kind(),
                io::ErrorKind::ReadOnlyFilesystem
                    | io::ErrorKind::PermissionDenied
                    | io::ErrorKind::StorageFull
                    | io::ErrorKind::QuotaExceeded
            ),
            Self::Database(error) => matches!(
                error.sqlite_error_code(),
                Some(
                    ErrorCode::ReadOnly
                        | ErrorCode::CannotOpen
                        | ErrorCode::PermissionDenied
                        | ErrorCode::DiskFull
                        | ErrorCode::SystemIoFailure
                )
            ),
            _ => false,
        }
    }

    /// Whether the disk is full. The database tells of some cases only that something failed.
    fn is_full(&self) -> bool {
        match self {
            Self::File(_, error) => {
                matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
            }
            Self::Database(error) => match error.sqlite_error_code() {
                Some(ErrorCode::DiskFull) => true,
                Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen) => {
                    Store::path().is_ok_and(|path| has_no_room(&path))
                }
                _ => false,
            },
            _ => false,
        }
    }
}

/// Less room than the files beside the database need.
#[cfg(unix)]
fn has_no_room(path: &Path) -> bool {
    const NEEDED: u64 = 64 * 1024;
    let directory = path.parent().unwrap_or(path);
    rustix::fs::statvfs(directory).is_ok_and(|disk| disk.f_bavail * disk.f_frsize < NEEDED)
}

#[cfg(not(unix))]
fn has_no_room(_: &Path) -> bool {
    false
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}
