//! A file that is written once its text is complete.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use lenore::Result;
use tempfile::NamedTempFile;

use crate::paths::invalid;

/// A file that is still to be written. What is there by now stays until then.
#[derive(Debug)]
pub(crate) struct Pending {
    path: PathBuf,
    /// Whether it is for its user alone.
    is_private: bool,
    /// Whether another file takes its place; a device or a pipe is written to.
    is_file: bool,
}

impl Pending {
    /// Finds out whether the file can be written, before there is anything to write.
    pub(crate) fn new(path: &Path) -> Result<Self> {
        let refused = |error| invalid(format!("{} cannot be written: {error}", path.display()));
        #[cfg(unix)]
        no_link_of_others(path).map_err(refused)?;
        // A link stays a link.
        let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let is_file = fs::metadata(path).map_or(true, |found| found.is_file());
        if is_file {
            substitute(path, false).map_err(refused)?;
        } else {
            File::options().write(true).open(path).map_err(refused)?;
        }
        Ok(Self { path: path.clone(), is_private: false, is_file })
    }

    /// The same for a secret: nobody else can read the file, not even for a moment, whoever could
    /// read the one whose place it takes.
    pub(crate) fn private(path: &Path) -> Result<Self> {
        let pending = Self::new(path)?;
        if !pending.is_file {
            return Err(invalid(format!("{} is no file; a secret needs one", path.display())));
        }
        Ok(Self { is_private: true, ..pending })
    }

    /// Writes the text, and nothing else.
    pub(crate) fn write(self, text: &str) -> Result<()> {
        let path = &self.path;
        let written = if self.is_file {
            substitute(path, self.is_private).and_then(|mut new| {
                new.write_all(text.as_bytes())?;
                new.as_file().sync_all()?;
                new.persist(path).map(drop).map_err(|error| error.error)
            })
        } else {
            let file = File::options().write(true).open(path);
            file.and_then(|mut file| file.write_all(text.as_bytes()))
        };
        written.map_err(|error| invalid(format!("{} cannot be written: {error}", path.display())))
    }
}

/// Refuses a path that leads over a link of another user's, who could have it point anywhere; and
/// another's pipe or device at its end. What the system's own user made is trusted.
#[cfg(unix)]
fn no_link_of_others(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    let own = rustix::process::geteuid().as_raw();
    let refused = |place: &Path, what: &str| {
        let place = place.display();
        let message = format!("{place} is {what} of another user's; name another place");
        Err(io::Error::new(io::ErrorKind::PermissionDenied, message))
    };
    let path = std::path::absolute(path)?;
    for place in path.ancestors() {
        // What is not there yet is nobody's.
        let Ok(found) = fs::symlink_metadata(place) else { continue };
        let is_others = found.uid() != own && found.uid() != 0;
        if is_others && found.is_symlink() {
            return refused(place, "a link");
        }
        if is_others && place == path && !found.is_file() && !found.is_dir() {
            return refused(place, "a pipe or device");
        }
    }
    Ok(())
}

/// A new file beside another one, which can take its place: with its rights, or for its user alone.
fn substitute(path: &Path, is_private: bool) -> io::Result<NamedTempFile> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".lenore-");
    if is_private {
        return builder.tempfile_in(directory);
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let new = builder.tempfile_in(directory)?;
    if let Ok(found) = fs::metadata(path) {
        new.as_file().set_permissions(found.permissions())?;
    }
    Ok(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_stays_until_all_is_written() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("answer.txt");
        fs::write(&path, "old").expect("written");
        drop(Pending::new(&path).expect("writable"));
        assert_eq!(fs::read_to_string(&path).expect("readable"), "old");
        Pending::new(&path).expect("writable").write("new 🐦").expect("written");
        assert_eq!(fs::read_to_string(&path).expect("readable"), "new 🐦");
        assert_eq!(fs::read_dir(directory.path()).expect("readable").count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_secret_is_its_users_alone() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("session.json");
        fs::write(&path, "old").expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("our own file");
        Pending::private(&path).expect("writable").write("new").expect("written");
        assert_eq!(fs::read_to_string(&path).expect("readable"), "new");
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        let beside = substitute(&path, true).expect("made");
        assert_eq!(beside.as_file().metadata().expect("there").permissions().mode() & 0o777, 0o600);
        assert!(Pending::private(Path::new("/dev/null")).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn links_of_others_are_not_followed() {
        use std::os::unix::fs::{lchown, symlink};
        const SOMEBODY: u32 = 54_321;
        if !rustix::process::geteuid().is_root() {
            eprintln!("skipped: only root can make a link that is another user's");
            return;
        }
        let directory = tempfile::tempdir().expect("a directory");
        let at = |name: &str| directory.path().join(name);
        fs::write(at("secret"), "old").expect("written");
        symlink(at("secret"), at("link")).expect("made");
        symlink(directory.path(), at("way")).expect("made");
        for name in ["link", "way"] {
            lchown(at(name), Some(SOMEBODY), None).expect("root may");
        }
        let pipe = at("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RWXU).expect("made");
        lchown(&pipe, Some(SOMEBODY), None).expect("root may");
        for name in ["link", "way/new", "pipe"] {
            for pending in [Pending::new(&at(name)), Pending::private(&at(name))] {
                let error = pending.expect_err(name);
                assert!(error.to_string().contains("of another user's"), "{error}");
            }
        }
        assert_eq!(fs::read_to_string(at("secret")).expect("readable"), "old");
    }

    #[cfg(unix)]
    #[test]
    fn rights_and_links_stay_as_they_are() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().expect("a directory");
        let (path, link) = (directory.path().join("answer.txt"), directory.path().join("link"));
        fs::write(&path, "old").expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("our own file");
        std::os::unix::fs::symlink(&path, &link).expect("made");
        Pending::new(&link).expect("writable").write("new").expect("written");
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(&path).expect("readable"), "new");
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o640);
        Pending::new(Path::new("/dev/null")).expect("writable").write("x").expect("a device");
        assert!(Pending::new(&directory.path().join("no/such/place")).is_err());
        assert!(Pending::new(directory.path()).is_err());
    }
}
