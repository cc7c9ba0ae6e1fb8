//! A geckodriver of ours, and with it a Firefox: their start, and their end with nothing left
//! behind.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use crate::child::{Group, LOOK, LastWords};
use crate::profile::{self, OwnedProfile};
use crate::{Error, ErrorKind, LaunchOptions, Result, environment, find_firefox, find_geckodriver};

/// What starts the driver, and with it the browser: as soon as its input closes, for whatever
/// reason, `kill -9` of this process included, the whole group ends.
#[cfg(unix)]
const SUPERVISE: &str = "exec 3<&0\n\
    \"$@\" 3<&- </dev/null &\n\
    driver=$!\n\
    { read -r _ <&3; kill -s KILL 0; } >/dev/null 2>&1 &\n\
    wait \"$driver\"";

/// How often another port is tried, where somebody else has taken the one that was free.
const PORTS: usize = 5;

/// Where Firefox writes the port of its older remote protocol. One that is left from a killed
/// Firefox would be taken for the new one's.
const LEFT_OVER: &str = "MarionetteActivePort";

/// A running driver. Dropping it ends it, and its browser with it.
#[derive(Debug)]
pub(super) struct Geckodriver {
    group: Group,
    last_words: LastWords,
    port: u16,
    program: PathBuf,
    browser: PathBuf,
    /// After the group: fields drop in order, and the profile is let go of last.
    profile: Arc<OwnedProfile>,
}

impl Geckodriver {
    pub(super) async fn start(options: &LaunchOptions) -> Result<Self> {
        let end = Instant::now() + options.wait;
        let program = match &options.driver {
            Some(program) => program.clone(),
            None => find_geckodriver()?,
        };
        let browser = match &options.binary {
            Some(program) => program.clone(),
            None => find_firefox()?,
        };
        let profile = OwnedProfile::open(&options.profile)?;
        let _ = std::fs::remove_file(profile.path().join(LEFT_OVER));
        for _ in 0..PORTS {
            let port = free_port()?;
            let (group, last_words) = spawn(&program, port)?;
            profile.used_by(Some(group.leader()));
            let mut driver = Self {
                group,
                last_words,
                port,
                program: program.clone(),
                browser: browser.clone(),
                profile: profile.clone(),
            };
            if driver.listens(end).await? {
                return Ok(driver);
            }
        }
        Err(Error::new(ErrorKind::Launch, "no free port was found for a geckodriver"))
    }

    /// Its address.
    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The browser that it is to start.
    pub(super) fn browser(&self) -> &Path {
        &self.browser
    }

    /// The directory of the profile that the browser is to run on.
    pub(super) fn profile(&self) -> &Path {
        self.profile.path()
    }

    /// The error of a browser that it could not start.
    pub(super) fn why_it_did_not_start(&self, error: Error) -> Error {
        let at_work = profile::firefox_at_work(self.profile.path());
        // Not the one that is just being started.
        if let Some(pid) = at_work.filter(|pid| !self.group.has(*pid)) {
            return profile::in_use(self.profile.path(), Some(pid));
        }
        error
    }

    /// Whether it listens; `false` where somebody else has taken its port.
    async fn listens(&mut self, end: Instant) -> Result<bool> {
        loop {
            let has_exited = self.group.has_exited();
            if has_exited {
                self.last_words.wait_for_end();
            }
            let words = self.last_words.text();
            if words.contains("Listening on") && !has_exited {
                return Ok(true);
            }
            if has_exited && words.contains("in use") {
                return Ok(false);
            }
            if has_exited || Instant::now() >= end {
                let what = if has_exited { "ended at once" } else { "does not listen" };
                let message = format!(
                    "the driver {} {what}; check that it is a geckodriver. It said: {}",
                    self.program.display(),
                    self.last_words.last_line()
                );
                return Err(Error::new(ErrorKind::Launch, message));
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

impl Drop for Geckodriver {
    fn drop(&mut self) {
        self.group.end();
        self.profile.used_by(None);
    }
}

fn spawn(program: &Path, port: u16) -> Result<(Group, LastWords)> {
    let mut command = command(program);
    environment::set(&mut command);
    command
        .args(["--host", "127.0.0.1", "--websocket-port", "0", "--port"])
        .arg(port.to_string())
        // Nothing of the browser's own goes out to its maker.
        .env("MOZ_CRASHREPORTER_DISABLE", "1")
        .env("MOZ_DATA_REPORTING", "0")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    #[cfg(unix)]
    // A group of its own: Ctrl-C in a terminal is for us, who then end the browser in order.
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.spawn().map_err(|error| {
        let message = format!("the driver {} cannot be started: {error}", program.display());
        Error::new(ErrorKind::Launch, message).with_source(error)
    })?;
    let last_words = LastWords::default();
    if let Some(stdout) = child.stdout.take() {
        last_words.listen_to(stdout);
    }
    if let Some(stderr) = child.stderr.take() {
        last_words.listen_to(stderr);
    }
    Ok((Group::led_by(child), last_words))
}

#[cfg(unix)]
fn command(program: &Path) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", SUPERVISE, "sh"]).arg(program);
    command
}

#[cfg(not(unix))]
fn command(program: &Path) -> Command {
    Command::new(program)
}

/// A port that is free now. The driver answers only to the name that holds its own port, so that
/// it cannot choose one by itself.
fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
    listener.map(|address| address.port()).map_err(|error| {
        Error::new(ErrorKind::Launch, "no port is free on this machine").with_source(error)
    })
}
