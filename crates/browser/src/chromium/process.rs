//! A Chromium process of ours: its start, and its end with nothing left behind.

use std::ffi::OsString;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use super::cdp::Connection;
use super::{command_line, frames};
use crate::child::{Group, LastWords};
use crate::profile::{self, OwnedProfile};
use crate::{
    Error, ErrorKind, Isolation, LaunchOptions, Proxy, Result, environment, find_chromium,
};

/// How long a browser that was told to end may take before it is killed. It writes its cookies
/// meanwhile; 40–120 ms were seen.
const GRACE: Duration = Duration::from_secs(3);

/// A running browser. Dropping it waits for its end, and kills it if that takes too long; the
/// connection must be closed before, since that is what tells the browser to end.
#[derive(Debug)]
pub(super) struct Process {
    group: Group,
    last_words: LastWords,
    /// After the group: fields drop in order, and the profile is let go of last.
    profile: Arc<OwnedProfile>,
    frames_are_ours: bool,
}

impl Process {
    /// Starts the program, behind a proxy that may stand before that of the options, and connects
    /// to it.
    pub(super) async fn start(
        options: &LaunchOptions,
        proxy: Option<&Proxy>,
    ) -> Result<(Self, Connection)> {
        let program = match &options.binary {
            Some(program) => program.clone(),
            None => find_chromium(options.headless)?,
        };
        let is_headless_only = frames::can_be_ours(&program);
        let frames_are_ours = is_headless_only && options.isolation != Isolation::Sites;
        let profile = OwnedProfile::open(&options.profile)?;
        let mut command = Command::new(&program);
        command
            .args(command_line::arguments(options, proxy, profile.path()))
            .args(isolation_switches(options, frames_are_ours))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        environment::set(&mut command);
        let refused = |error: std::io::Error| {
            let message = format!("the browser {} cannot be started: {error}", program.display());
            Error::new(ErrorKind::Launch, message).with_source(error)
        };
        #[cfg(unix)]
        let (child, connection) = spawn_with_pipe(&mut command).map_err(refused)?;
        #[cfg(not(unix))]
        let child = command.spawn().map_err(refused)?;
        let process = Self::new(child, profile, frames_are_ours);
        #[cfg(not(unix))]
        let connection = connect_by_port(process.profile.path(), options.wait).await?;
        Ok((process, connection))
    }

    fn new(mut child: Child, profile: Arc<OwnedProfile>, frames_are_ours: bool) -> Self {
        let last_words = LastWords::default();
        if let Some(stderr) = child.stderr.take() {
            last_words.listen_to(stderr);
        }
        profile.used_by(Some(child.id()));
        let group = Group::led_by(child);
        Self { group, last_words, profile, frames_are_ours }
    }

    /// Whether its tabs wait for our word before they draw.
    pub(super) fn frames_are_ours(&self) -> bool {
        self.frames_are_ours
    }

    /// The error of a browser that could not be spoken to after its start.
    pub(super) fn why_it_did_not_start(mut self, error: Error) -> Error {
        let ended = self.group.wait_for_exit(Duration::from_millis(500));
        // A second Chromium on a profile hands its work to the first one and leaves.
        if ended && let Some(pid) = profile::browser_at_work(self.profile.path()) {
            return profile::in_use(self.profile.path(), Some(pid));
        }
        let words = self.last_words.text();
        if let Some(message) = no_display(&words) {
            return Error::new(ErrorKind::Launch, message).with_source(error);
        }
        let what = if ended { "ended at once" } else { "does not answer" };
        let message = format!(
            "the browser {what}; check that the program is a Chromium or Chrome. It said: {}",
            self.last_words.last_line()
        );
        Error::new(ErrorKind::Launch, message).with_source(error)
    }
}

/// The switches by which frames of other sites get processes of their own, which the headless-only
/// program gives none by itself.
fn isolation_switches(options: &LaunchOptions, frames_are_ours: bool) -> Vec<OsString> {
    let of_frames = if frames_are_ours { frames::SWITCHES } else { &[] };
    let isolation = match &options.isolation {
        Isolation::Sites => Some(OsString::from("--site-per-process")),
        Isolation::Origins(origins) => {
            Some(format!("--isolate-origins={}", origins.join(",")).into())
        }
        Isolation::Browser => None,
    };
    of_frames.iter().map(OsString::from).chain(isolation).collect()
}

/// What is to be said of a program that has found no display for its window.
fn no_display(words: &str) -> Option<String> {
    let is_missing = ["Missing X server", "cannot open display", "Failed to connect to Wayland"];
    if !is_missing.iter().any(|says| words.contains(says)) {
        return None;
    }
    let name = |variable: &str| {
        let value = std::env::var(variable).ok().filter(|value| !value.is_empty())?;
        Some(format!("{variable}={value}"))
    };
    let display = name("WAYLAND_DISPLAY").or_else(|| name("DISPLAY"));
    Some(format!(
        "the browser's window cannot be shown: no display answers at {}; correct that, or run \
         without a window (without --headed; `lenore login --email` needs none either)",
        display.as_deref().unwrap_or("DISPLAY, which is not set")
    ))
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.group.wait_for_exit(GRACE) {
            tracing::warn!("the browser did not end by itself and was killed");
        }
        // Also where it has ended: a helper of it may not have noticed yet.
        self.group.end();
        self.profile.used_by(None);
    }
}

/// Starts the program with DevTools on a pair of pipes: it reads commands from descriptor 3 and
/// writes to 4. When our ends close, for whatever reason, it ends itself.
#[cfg(unix)]
fn spawn_with_pipe(command: &mut Command) -> std::io::Result<(Child, Connection)> {
    use std::os::unix::process::CommandExt;

    use command_fds::{CommandFdExt, FdMapping};

    let (commands_in, commands_out) = std::io::pipe()?;
    let (answers_in, answers_out) = std::io::pipe()?;
    command
        .fd_mappings(vec![
            FdMapping { parent_fd: commands_in.into(), child_fd: 3 },
            FdMapping { parent_fd: answers_out.into(), child_fd: 4 },
        ])
        .map_err(std::io::Error::other)?
        // A group of its own: Ctrl-C in a terminal is for us, who then end the browser in order.
        .process_group(0);
    let child = command.spawn()?;
    // The command holds the browser's ends of the pipes; with them open here, none would close.
    *command = Command::new("");
    let connection = super::cdp::over_pipe(commands_out, answers_in)?;
    Ok((child, connection))
}

/// Connects by the port that the browser writes into its profile.
#[cfg(not(unix))]
async fn connect_by_port(profile: &std::path::Path, wait: Duration) -> Result<Connection> {
    let file = profile.join("DevToolsActivePort");
    let end = std::time::Instant::now() + wait;
    loop {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        if let Some((port, path)) = text.split_once('\n')
            && !path.is_empty()
        {
            return super::cdp::over_web_socket(
                &format!("ws://127.0.0.1:{port}{}", path.trim()),
                wait,
            )
            .await;
        }
        if std::time::Instant::now() >= end {
            return Err(Error::timeout("the browser's start", wait));
        }
        tokio::time::sleep(crate::child::LOOK).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_display_that_is_not_there_is_told_as_such() {
        let said = "[1:1:ERROR:dbus/bus.cc:405] Failed to connect to the bus\n\
                    [1:1:ERROR:ui/ozone/platform/x11/ozone_platform_x11.cc:249] Missing X server \
                    or $DISPLAY\n[1:1:ERROR:dbus/bus.cc:405] Failed to connect to the bus";
        assert!(no_display(said).is_some_and(|message| message.contains("--headed")));
        assert_eq!(no_display("Failed to connect to the bus"), None);
    }
}
