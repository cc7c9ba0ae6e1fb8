//! The machine: the browser's program, the profile, the space for it.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use lenore_browser::{
    LaunchOptions, Owner, Profile, Program, find_chromium, find_firefox, find_geckodriver,
};
use lenore_provider::ErrorKind;

use super::{Examiner, Looked, Seen, Trouble};
use crate::context::Context;
use crate::source::Source;

/// How long a look at the machine may take; a network's file system can be slow.
const LOOK: Duration = Duration::from_secs(10);

/// With less free space than this there soon will be too little, in bytes.
const LITTLE: u64 = 200_000_000;

impl Examiner<'_> {
    /// Whether a browser of ours can be started here, or a WebDriver gives one; another's machine
    /// is none of our business.
    pub(super) async fn machine(&mut self) -> bool {
        let poe = self.poe;
        let options = match poe.session.source() {
            Source::Launch(options) => options,
            Source::WebDriver(options) => {
                return self.check("webdriver", options.wait + LOOK, service(poe)).await.is_some();
            }
            Source::Attach(_) => return true,
        };
        let profile = options.profile.clone();
        let room = profile.clone();
        let has_programs = match options.program {
            Program::Chromium => self.check("browser_program", LOOK, program(options)).await,
            Program::Firefox => {
                let program = self.check("browser_program", LOOK, program(options)).await;
                let driver = self.check("browser_driver", LOOK, driver(options)).await;
                program.and(driver)
            }
        };
        // On a full disk the profile cannot even be looked at.
        has_programs.is_some()
            && self.check("disk_space", LOOK, blocking(move || space(&room))).await.is_some()
            && self.check("profile", LOOK, blocking(move || usable(&profile))).await == Some(true)
    }
}

/// Work that waits for a disk, away from the tasks that must not.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Looked<T> + Send + 'static,
) -> Looked<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| {
        let finding = format!("the check itself failed: {error}");
        Err(Trouble { kind: ErrorKind::Browser, finding, advice: None })
    })
}

/// Whether the service answers, and gives a session of a browser.
async fn service(poe: &Context) -> Looked {
    poe.session.open_browser().await?;
    let version = poe.session.version().await;
    Ok(Seen::ok(match version {
        Some(version) => format!("the service answers with a session of {version}"),
        None => "the session that is named answers".to_owned(),
    }))
}

async fn program(options: &LaunchOptions) -> Looked {
    let program = match (&options.binary, options.program) {
        (Some(program), _) => program.clone(),
        (None, Program::Chromium) => find_chromium(options.headless)?,
        (None, Program::Firefox) => find_firefox()?,
    };
    let what = match options.program {
        Program::Chromium => "a Chromium or Chrome",
        Program::Firefox => "a Firefox",
    };
    version(&program, what, "--browser-binary").await
}

async fn driver(options: &LaunchOptions) -> Looked {
    let program = match &options.driver {
        Some(program) => program.clone(),
        None => find_geckodriver()?,
    };
    version(&program, "a geckodriver", "--browser-driver").await
}

/// What a program says that it is.
async fn version(program: &Path, what: &str, option: &str) -> Looked {
    let name = program.display();
    // Elsewhere it is a window that opens.
    if !cfg!(unix) {
        return Ok(Seen::ok(name.to_string()));
    }
    let asked = tokio::process::Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await;
    let told = asked.map_err(|error| {
        Trouble::new(
            ErrorKind::Browser,
            format!("{name} cannot be started: {error}"),
            format!("install {what}, or name its program with {option}"),
        )
    })?;
    let words = String::from_utf8_lossy(&told.stdout);
    let version = words.lines().next().unwrap_or_default().trim();
    if !told.status.success() || version.is_empty() {
        return Ok(Seen::warning(
            format!("{name} does not tell its version"),
            format!("check that the program is {what}"),
        ));
    }
    Ok(Seen::ok(format!("{name}, {version}")))
}

/// Whether the profile is fit for a browser, and free for one.
fn usable(profile: &Profile) -> Looked<bool> {
    let path = match profile {
        Profile::Directory(path) => path.as_path(),
        Profile::Owned(owned) => owned.path(),
        _ => return Ok(Seen::with(true, "a throw-away one")),
    };
    let name = path.display();
    match profile.check() {
        Err(error) => {
            let own = Some(std::process::id());
            if error.kind() == (lenore_browser::ErrorKind::ProfileInUse { pid: own }) {
                return Ok(Seen::with(true, format!("{name}, in use by this very process")));
            }
            match Profile::owner(path) {
                // Questions go through its browser, so that nothing is wrong.
                Some(Owner { pid, announced: Some(_), .. }) => Ok(Seen {
                    value: false,
                    finding: format!("process {pid} has it, and others ask through its browser"),
                    warning: Some("to look at the rest too, end that process first".to_owned()),
                }),
                _ => Err(error.into()),
            }
        }
        Ok(()) if !path.exists() => Ok(Seen::with(true, format!("{name}, which will be made"))),
        Ok(()) if is_open_to_others(path) => Ok(Seen {
            value: true,
            finding: format!("others on this machine can look into {name}"),
            warning: Some(format!("chmod 700 {name}")),
        }),
        Ok(()) => Ok(Seen::with(true, name.to_string())),
    }
}

#[cfg(unix)]
fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|found| found.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open_to_others(_: &Path) -> bool {
    false
}

/// Whether the profile has room to grow.
fn space(profile: &Profile) -> Looked {
    match profile.free_space() {
        Some(free) => enough(free),
        None => Ok(Seen::warning(
            "it cannot be told how much is free",
            "see to it that some hundred megabytes are",
        )),
    }
}

/// Whether so many bytes will do.
fn enough(free: u64) -> Looked {
    let finding = format!("{} MB free", free / 1_000_000);
    let advice = "make room on the profile's disk, or name another directory with --user-data-dir";
    if free < Profile::LEAST_SPACE {
        let finding = format!("the profile's disk is full ({finding})");
        return Err(Trouble::new(ErrorKind::Browser, finding, advice));
    }
    if free < LITTLE {
        return Ok(Seen::warning(format!("only {finding}"), advice));
    }
    Ok(Seen::ok(finding))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_in_time() {
        let failed = enough(19_000_000).err().map(|trouble| (trouble.kind, trouble.finding));
        let finding = "the profile's disk is full (19 MB free)".to_owned();
        assert_eq!(failed, Some((ErrorKind::Browser, finding)));
        assert!(enough(21_000_000).is_ok_and(|seen| seen.warning.is_some()));
        assert!(enough(30_000_000_000).is_ok_and(|seen| seen.warning.is_none()));
    }

    #[cfg(unix)]
    #[test]
    fn a_directory_that_will_be_made_is_on_a_disk_already() {
        let directory = tempfile::tempdir().expect("a directory");
        let profile = Profile::Directory(directory.path().join("not/there/yet"));
        assert!(profile.free_space().is_some());
        assert!(space(&profile).is_ok());
        assert!(!directory.path().join("not").exists());
    }
}
