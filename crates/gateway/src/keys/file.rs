//! The file of keys: JSON, for its owner alone, with a hash of each key and its limits.

use std::fs::{self, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lenore_provider::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::ids;

/// What every key of ours begins with, so that a leaked one is known for what it is.
const PREFIX: &str = "lenore-";

/// How long to wait for another process that changes the file.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a key may do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Questions a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u32>,
    /// Questions at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrent: Option<u32>,
    /// The models that may be asked; a `*` at the end stands for any rest. Empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<String>,
}

/// A key as the file has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRecord {
    /// What its owner calls it.
    pub name: String,
    /// SHA-256 of the key, in hexadecimal digits.
    pub sha256: String,
    /// When it was made, in seconds since 1970.
    pub created: u64,
    /// What it may do.
    #[serde(flatten)]
    pub limits: Limits,
}

/// The file, and what is in it.
#[derive(Debug)]
pub struct KeyFile {
    path: PathBuf,
    content: Content,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Content {
    keys: Vec<KeyRecord>,
}

impl KeyFile {
    /// Reads a file; one that does not exist has no keys.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] where it cannot be read, is no file of keys, or can be written
    /// by other users.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        check_owner(&path)?;
        let content = match fs::read(&path) {
            Ok(bytes) => {
                let content: Content = serde_json::from_slice(&bytes).map_err(|error| {
                    let path = path.display();
                    invalid(format!("{path} is no file of keys: {error}"))
                })?;
                content.keys.iter().try_for_each(|key| check_limits(&key.limits))?;
                content
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Content::default(),
            Err(error) => return Err(failed("read", &path, error)),
        };
        Ok(Self { path, content })
    }

    /// The keys, oldest first.
    pub fn keys(&self) -> &[KeyRecord] {
        &self.content.keys
    }

    /// Makes a key and returns it. This is the only time that it can be seen.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] where the name is taken or the file cannot be written.
    pub fn add(&mut self, name: &str, limits: Limits) -> Result<String> {
        if name.is_empty() || name.chars().any(char::is_control) {
            return Err(invalid("a key needs a name, of one line".to_owned()));
        }
        let _lock = self.lock()?;
        if self.content.keys.iter().any(|key| key.name == name) {
            return Err(invalid(format!(
                "there is a key called {name:?} already; revoke it first"
            )));
        }
        check_limits(&limits)?;
        let key = format!("{PREFIX}{}", ids::random_hex::<32>());
        self.content.keys.push(KeyRecord {
            name: name.to_owned(),
            sha256: ids::hex(&hash(&key)),
            created: ids::now(),
            limits,
        });
        self.save()?;
        Ok(key)
    }

    /// Takes a key away, by its name. A server that runs notices within a second.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] where there is none or the file cannot be written.
    pub fn revoke(&mut self, name: &str) -> Result<()> {
        let _lock = self.lock()?;
        let before = self.content.keys.len();
        self.content.keys.retain(|key| key.name != name);
        if self.content.keys.len() == before {
            return Err(invalid(format!(
                "there is no key called {name:?}; see `lenore keys list`"
            )));
        }
        self.save()
    }

    /// Keeps other processes from changing the file until what is returned is dropped, and reads
    /// what they have made of it.
    fn lock(&mut self) -> Result<fs::File> {
        let lock = || {
            let directory = self.directory();
            make_private(directory)?;
            // Beside it: the file itself is replaced.
            let mut options = fs::File::options();
            options.create(true).truncate(false).write(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let mut name = self.path.file_name().unwrap_or_default().to_owned();
            name.push(".lock");
            let lock = options.open(directory.join(name))?;
            // Who has it holds it for a moment only.
            let end = Instant::now() + PATIENCE;
            loop {
                match lock.try_lock() {
                    Ok(()) => return Ok(lock),
                    Err(TryLockError::Error(error)) => return Err(error),
                    Err(TryLockError::WouldBlock) if Instant::now() > end => {
                        return Err(io::Error::other("another process keeps it locked"));
                    }
                    Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(10)),
                }
            }
        };
        let lock = lock().map_err(|error: io::Error| failed("locked", &self.path, error))?;
        self.content = Self::open(&self.path)?.content;
        Ok(lock)
    }

    fn directory(&self) -> &Path {
        let directory = self.path.parent().filter(|parent| !parent.as_os_str().is_empty());
        directory.unwrap_or(Path::new("."))
    }

    /// Puts a new file in the place of the old one, so that no reader sees half of it.
    fn save(&self) -> Result<()> {
        let write = || {
            // Made for its owner alone.
            let mut file = tempfile::NamedTempFile::new_in(self.directory())?;
            serde_json::to_writer_pretty(&mut file, &self.content)?;
            file.write_all(b"\n")?;
            file.as_file().sync_all()?;
            file.persist(&self.path).map_err(|error| error.error)?;
            Ok(())
        };
        write().map_err(|error: std::io::Error| failed("written", &self.path, error))
    }
}

fn check_limits(limits: &Limits) -> Result<()> {
    if limits.requests_per_minute == Some(0) || limits.concurrent == Some(0) {
        return Err(invalid("a limit of none would allow nothing; leave it out".to_owned()));
    }
    Ok(())
}

/// The hash by which a key is known.
pub(super) fn hash(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidRequest, message)
}

fn failed(what: &str, path: &Path, error: std::io::Error) -> Error {
    let message = format!("the file of keys {} cannot be {what}: {error}", path.display());
    invalid(message).with_source(error)
}

/// Makes a directory for us alone, where there is none.
fn make_private(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

/// Who may write the file, or put another in its place, may make keys. Where it is a link, that is
/// who may do so there, too.
#[cfg(unix)]
fn check_owner(path: &Path) -> Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    const STICKY: u32 = 0o1000;
    let look = |path: &Path| match fs::metadata(path) {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("read", path, error)),
    };
    let check = |path: &Path, mode: &str, is_open: bool, owner: u32| {
        let path = path.display();
        // The administrator can do whatever we can.
        if owner != 0 && owner != rustix::process::geteuid().as_raw() {
            return Err(invalid(format!(
                "{path} belongs to another user ({owner}), who could make keys; take a file of \
                 your own, in a directory of your own"
            )));
        }
        if is_open {
            return Err(invalid(format!("other users can write {path}; run: chmod {mode} {path}")));
        }
        Ok(())
    };
    let Some(found) = look(path)? else { return Ok(()) };
    if !found.is_file() {
        return Err(invalid(format!("{} is no file", path.display())));
    }
    check(path, "600", found.permissions().mode() & 0o022 != 0, found.uid())?;
    let real = fs::canonicalize(path).map_err(|error| failed("read", path, error))?;
    for directory in [path.parent(), real.parent()].into_iter().flatten() {
        let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
        let Some(found) = look(directory)? else { continue };
        let mode = found.permissions().mode();
        // In a sticky one nobody replaces what is ours.
        check(directory, "go-w", mode & 0o022 != 0 && mode & STICKY == 0, found.uid())?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn check_owner(_: &Path) -> Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_shown_once_and_kept_as_a_hash() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("new").join("keys.json");
        let limits = Limits { requests_per_minute: Some(3), ..Limits::default() };
        let mut file = KeyFile::open(&path).expect("none yet");
        let key = file.add("laptop", limits.clone()).expect("added");
        assert!(file.add("laptop", Limits::default()).is_err(), "the name is taken");
        let text = fs::read_to_string(&path).expect("written");
        assert!(!text.contains(&key), "{text}");
        let file = KeyFile::open(&path).expect("readable");
        assert_eq!(file.keys()[0].sha256, ids::hex(&hash(&key)));
        assert_eq!(file.keys()[0].limits, limits);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(&path).expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
            fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).expect("ours");
            let error = KeyFile::open(&path).expect_err("others could add a key");
            assert!(error.to_string().contains("chmod 600"), "{error}");
        }
    }

    #[test]
    #[cfg(unix)]
    fn a_file_that_others_could_replace_is_refused() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let directory = tempfile::tempdir().expect("a directory");
        let (inner, path) = (directory.path().join("new"), directory.path().join("new/keys.json"));
        let set = |path: &Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("ours");
        };
        KeyFile::open(&path).expect("none yet").add("a", Limits::default()).expect("added");
        let mode = fs::metadata(&inner).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "the directory is for its owner alone");
        let link = directory.path().join("link.json");
        symlink(&path, &link).expect("a link");
        set(&inner, 0o777);
        for path in [&path, &link] {
            let error = KeyFile::open(path).expect_err("others could replace it");
            assert!(error.to_string().contains("chmod go-w"), "{error}");
        }
        set(&inner, 0o1777);
        KeyFile::open(&path).expect("nobody can replace it there");
        set(&inner, 0o755);
        KeyFile::open(&link).expect("ours");
        let pipe = directory.path().join("new/pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::from_raw_mode(0o600))
            .expect("a pipe");
        let error = KeyFile::open(&pipe).expect_err("it would wait for ever");
        assert!(error.to_string().contains("is no file"), "{error}");
        // Only the administrator can give a file away.
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(&path, Some(65534), None).expect("given away");
            let error = KeyFile::open(&path).expect_err("another's");
            assert!(error.to_string().contains("another user (65534)"), "{error}");
            std::os::unix::fs::chown(&path, Some(0), None).expect("taken back");
            std::os::unix::fs::chown(&inner, Some(65534), None).expect("given away");
            let error = KeyFile::open(&path).expect_err("another's directory");
            assert!(error.to_string().contains("another user (65534)"), "{error}");
        }
    }

    #[test]
    fn a_key_can_be_taken_away_once() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut file = KeyFile::open(directory.path().join("keys.json")).expect("none yet");
        file.add("a", Limits::default()).expect("added");
        file.revoke("a").expect("there");
        assert!(file.revoke("a").is_err());
        assert!(file.keys().is_empty());
    }

    #[test]
    fn what_two_change_at_once_is_changed_twice() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("keys.json");
        let open = || KeyFile::open(&path).expect("readable");
        open().add("leaked", Limits::default()).expect("added");
        // Both have read the file before either changes it.
        let (mut one, mut two) = (open(), open());
        one.revoke("leaked").expect("there");
        two.add("new", Limits::default()).expect("added");
        let names: Vec<_> = open().keys().iter().map(|key| key.name.clone()).collect();
        assert_eq!(names, ["new"], "what was revoked stays so");
        assert!(one.add("new", Limits::default()).is_err(), "the name is taken");
    }

    #[test]
    fn a_limit_of_none_is_refused_wherever_it_comes_from() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("keys.json");
        for limit in ["requests_per_minute", "concurrent"] {
            let key = format!(r#"{{"name":"a","sha256":"","created":0,"{limit}":0}}"#);
            fs::write(&path, format!(r#"{{"keys":[{key}]}}"#)).expect("ours");
            let error = KeyFile::open(&path).expect_err("it allows nothing");
            assert!(error.to_string().contains("leave it out"), "{error}");
        }
    }

    #[test]
    fn what_is_no_file_of_keys_is_said_to_be_none() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("keys.json");
        fs::write(&path, "[]").expect("ours");
        let error = KeyFile::open(&path).expect_err("no keys");
        assert!(error.to_string().contains("no file of keys"), "{error}");
    }
}
