//! Who owns a profile, and what is left of it.

use super::*;
use crate::own;

#[test]
fn a_profile_has_one_owner_and_its_lock_goes_with_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let profile = Profile::Directory(dir.path().join("deep/profile"));
    let owned = OwnedProfile::open(&profile).expect("free");
    let path = owned.path().to_owned();
    let error = OwnedProfile::open(&profile).expect_err("taken");
    assert_eq!(error.kind(), ErrorKind::ProfileInUse { pid: Some(std::process::id()) });
    drop(owned);
    assert!(!path.join(LOCK_FILE).exists());
    OwnedProfile::open(&profile).expect("free again");
}

#[test]
fn others_read_who_owns_it_and_what_that_one_announces() {
    let dir = tempfile::tempdir().expect("a directory");
    let owned = OwnedProfile::open(&Profile::Directory(dir.path().into())).expect("free");
    let pid = std::process::id();
    assert_eq!(Profile::owner(dir.path()), Some(Owner { pid, announced: None }));
    owned.announce("here I am").expect("written");
    let owner = Profile::owner(dir.path()).expect("owned");
    assert_eq!(owner, Owner { pid, announced: Some("here I am".into()) });
    let again = OwnedProfile::open(&Profile::Owned(owned.clone())).expect("ours already");
    drop(owned);
    assert!(Profile::owner(dir.path()).is_some());
    drop(again);
    assert_eq!(Profile::owner(dir.path()), None);
}

#[cfg(unix)]
#[test]
fn the_lock_is_the_users_alone() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().expect("a directory");
    let _owned = OwnedProfile::open(&Profile::Directory(dir.path().into())).expect("free");
    let mode = fs::metadata(dir.path().join(LOCK_FILE)).expect("made").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[cfg(unix)]
#[test]
fn a_new_profile_is_the_users_alone() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("profile");
    let _owned = OwnedProfile::open(&Profile::Directory(path.clone())).expect("free");
    let mode = fs::metadata(path).expect("made").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

/// What somebody else has put where a lock is expected.
#[cfg(unix)]
fn instead_of_a_lock(directory: &Path, kind: &str) {
    let lock = directory.join(LOCK_FILE);
    match kind {
        "pipe" => {
            let made = std::process::Command::new("mkfifo").arg(&lock).status();
            assert!(made.is_ok_and(|status| status.success()));
        }
        "link" => {
            let victim = directory.join("victim");
            fs::write(&victim, "precious").expect("written");
            std::os::unix::fs::symlink(victim, &lock).expect("made");
        }
        _ => fs::create_dir(&lock).expect("made"),
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_browser_that_was_not_started_here_is_named_at_once() {
    let dir = tempfile::tempdir().expect("a directory");
    // It looks like one, and is at work as Chromium says that it is.
    let program = dir.path().join("chromium");
    std::os::unix::fs::symlink("/bin/sleep", &program).expect("made");
    let mut child = std::process::Command::new(&program).arg("60").spawn().expect("it runs");
    // The system tells the command line a moment after the program has begun.
    let command = format!("/proc/{}/cmdline", child.id());
    let begun = || fs::read_to_string(&command).is_ok_and(|line| line.contains("60"));
    assert!((0..1000).any(|_| begun() || (std::thread::sleep(Duration::from_millis(5)), false).1));
    let profile = dir.path().join("profile");
    fs::create_dir(&profile).expect("made");
    let host = fs::read_to_string("/proc/sys/kernel/hostname").expect("named");
    let target = format!("{}-{}", host.trim(), child.id());
    std::os::unix::fs::symlink(target, profile.join("SingletonLock")).expect("made");
    let error = OwnedProfile::open(&Profile::Directory(profile.clone())).expect_err("in use");
    let foreign = Profile::foreign_browser(&profile);
    child.kill().expect("it ran");
    child.wait().expect("it ended");
    assert_eq!(error.kind(), ErrorKind::ProfileInUse { pid: Some(child.id()) });
    assert!(error.to_string().starts_with("chromium (process "), "{error}");
    assert_eq!(foreign, Some(child.id()));
    assert_eq!(Profile::foreign_browser(&profile), None);
}

#[cfg(unix)]
#[test]
fn what_is_no_lock_is_neither_waited_for_nor_followed() {
    for kind in ["pipe", "link", "directory"] {
        let (told, heard) = std::sync::mpsc::channel();
        let dir = tempfile::tempdir().expect("a directory");
        instead_of_a_lock(dir.path(), kind);
        let path = dir.path().to_owned();
        std::thread::spawn(move || {
            let profile = Profile::Directory(path.clone());
            let error = OwnedProfile::open(&profile).expect_err("no lock");
            let owner = Profile::owner(&path);
            remove_abandoned(path.parent().expect("a parent"));
            told.send((error.kind(), owner)).expect("somebody waits");
        });
        let (error, owner) = heard.recv_timeout(Duration::from_secs(20)).expect("at once");
        assert_eq!((error, owner), (ErrorKind::InvalidOption, None), "{kind}");
        if kind == "link" {
            assert_eq!(fs::read_to_string(dir.path().join("victim")).expect("there"), "precious");
        }
    }
}

#[cfg(unix)]
#[test]
fn what_others_leave_among_the_temporary_files_is_not_looked_into() {
    let room = tempfile::tempdir().expect("a directory");
    let theirs = room.path().join(format!("{TEMPORARY_PREFIX}theirs"));
    fs::create_dir(&theirs).expect("made");
    instead_of_a_lock(&theirs, "pipe");
    let (told, heard) = std::sync::mpsc::channel();
    let path = room.path().to_owned();
    std::thread::spawn(move || {
        remove_abandoned(&path);
        told.send(()).expect("somebody waits");
    });
    heard.recv_timeout(Duration::from_secs(20)).expect("at once");
    assert!(theirs.exists());
}

#[cfg(unix)]
#[test]
fn the_place_for_temporary_profiles_is_the_users_alone() {
    use std::os::unix::fs::PermissionsExt;
    let parent = tempfile::tempdir().expect("a directory");
    let room = own::room_in(parent.path()).expect("made");
    let mode = fs::metadata(&room).expect("made").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    assert_eq!(own::room_in(parent.path()).expect("there"), room);
    fs::set_permissions(&room, fs::Permissions::from_mode(0o777)).expect("ours");
    own::room_in(parent.path()).expect_err("others may write to it");
    fs::remove_dir(&room).expect("empty");
    std::os::unix::fs::symlink(parent.path(), &room).expect("made");
    own::room_in(parent.path()).expect_err("a link leads elsewhere");
}

#[test]
fn a_temporary_profile_is_removed() {
    let owned = OwnedProfile::open(&Profile::Temporary).expect("made");
    let path = owned.path().to_owned();
    fs::write(path.join("Cookies"), "x").expect("written");
    drop(owned);
    assert!(!path.exists());
}

#[test]
fn an_abandoned_temporary_profile_is_removed_by_the_next_start() {
    let other = tempfile::tempdir().expect("a directory");
    let next = || drop(OwnedProfile::open(&Profile::Directory(other.path().into())).expect("free"));
    let room = temporary_room().expect("a place of our own");
    let path = private(TEMPORARY_PREFIX).tempdir_in(room).expect("made").keep();
    let lock = File::create(path.join(LOCK_FILE)).expect("made");
    next();
    assert!(path.exists(), "a young one may be just being made");
    let long_ago = std::time::SystemTime::now() - Duration::from_secs(60);
    lock.set_modified(long_ago).expect("our own file");
    drop(lock);
    next();
    assert!(!path.exists());
}

#[cfg(target_os = "linux")]
#[test]
fn what_is_no_disk_is_not_full() {
    assert_eq!(Profile::Directory("/proc/lenore".into()).free_space(), None);
}

#[test]
fn a_file_is_no_profile() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let error = OwnedProfile::open(&Profile::Directory(file.path().to_owned()))
        .expect_err("not a directory");
    assert_eq!(error.kind(), ErrorKind::InvalidOption);
}

#[test]
fn a_directory_is_removed_only_where_it_was_made_here_and_holds_nothing_to_keep() {
    let dir = tempfile::tempdir().expect("a directory");
    let open = |path: &Path| OwnedProfile::open(&Profile::Directory(path.into())).expect("free");
    let new = dir.path().join("deep/new");
    let owned = open(&new);
    fs::write(new.join("Local State"), "{}").expect("written");
    drop(owned);
    // Two browsers one after the other.
    let owned = open(&new);
    Profile::remove_unkept(&new);
    assert!(new.exists(), "it is in use");
    drop(owned);
    let kept = dir.path().join("kept");
    drop(open(&kept));
    Profile::keep(&kept);
    let old = dir.path().join("old");
    fs::create_dir(&old).expect("made");
    drop(open(&old));
    let failed = dir.path().join("failed");
    drop(open(&failed));
    for path in [&new, &kept, &old, &failed] {
        Profile::remove_unkept(path);
    }
    assert!(kept.exists() && old.exists());
    assert!(!new.exists() && !failed.exists());
}

#[test]
fn other_files_are_left_alone() {
    let dir = tempfile::tempdir().expect("a directory");
    let profile = Profile::Directory(dir.path().into());
    fs::create_dir(dir.path().join("lost+found")).expect("made");
    drop(OwnedProfile::open(&profile).expect("as good as empty"));
    fs::write(dir.path().join("thesis.md"), "Once upon").expect("written");
    for error in [OwnedProfile::open(&profile).map(drop), profile.check()] {
        assert_eq!(error.expect_err("not a profile").kind(), ErrorKind::InvalidOption);
    }
    assert_eq!(fs::read_dir(dir.path()).expect("readable").count(), 2, "nothing is added");
    fs::write(dir.path().join("Local State"), "{}").expect("written");
    drop(OwnedProfile::open(&profile).expect("a profile with a file of somebody's"));
}

#[test]
fn a_disk_that_takes_nothing_is_no_mistake_of_the_users() {
    use std::io::ErrorKind as Io;
    for machine in [Io::PermissionDenied, Io::ReadOnlyFilesystem, Io::StorageFull] {
        let error = refused(Path::new("/profile"), machine.into());
        assert_eq!(error.kind(), ErrorKind::Launch, "{machine:?}");
        assert!(error.to_string().contains("; see to it"), "{error}");
    }
    let error = refused(Path::new("/profile"), Io::NotADirectory.into());
    assert_eq!(error.kind(), ErrorKind::InvalidOption);
}
