//! What the tests of the program share: the local site, a profile that is signed in there, and
//! the program itself.

#![allow(dead_code, unused_imports, reason = "no test file uses all of it")]

mod program;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lenore::Poe;
use lenore_sim::{Edition, LogEntry, Options, Seen, Sim};
use tokio::process::Command;

pub(crate) use self::program::{Ended, Home, Program, lenore};

/// The options of a site: the edition that `LENORE_SIM_EDITION` names, else that of 2023.
pub(crate) fn site() -> Options {
    let edition = std::env::var("LENORE_SIM_EDITION");
    Options::default()
        .edition(edition.map_or(Edition::Y2023, |word| word.parse().expect("an edition")))
}

/// No wait of a test is longer.
pub(crate) const WAIT: Duration = Duration::from_secs(30);

/// What a browser may take to notice that the program was killed.
const NOTICE: Duration = Duration::from_secs(2);

pub(crate) const EMAIL: &str = "edgar@example.org";

/// The site, and a directory with a profile for it.
pub(crate) struct World {
    pub(crate) sim: Sim,
    pub(crate) directory: tempfile::TempDir,
}

impl World {
    /// Signed in, by the library, which then has let go of the profile.
    pub(crate) async fn new() -> Self {
        let world = Self::signed_out().await;
        let poe = world.poe();
        let code = async { Ok(world.sim.inbox(EMAIL).expect("a code was mailed")) };
        in_time("signing in", poe.sign_in_with_code(EMAIL, code)).await.expect("signed in");
        in_time("closing", poe.close()).await;
        world
    }

    /// Not signed in.
    pub(crate) async fn signed_out() -> Self {
        let sim = Sim::start(site()).await.expect("a free port");
        let directory = tempfile::tempdir().expect("a directory");
        Self { sim, directory }
    }

    /// Where the profile is, once somebody has made it.
    pub(crate) fn profile(&self) -> PathBuf {
        self.directory.path().join("profile")
    }

    /// The library on the same profile.
    pub(crate) fn poe(&self) -> Poe {
        let builder = Poe::builder().url(self.sim.url()).user_data_dir(self.profile());
        builder.build().expect("valid options")
    }

    /// The program with this site and this profile.
    pub(crate) fn lenore(&self, command: &str) -> Command {
        let mut lenore = lenore(&[command, "--site", self.sim.url(), "--user-data-dir"]);
        lenore.arg(self.profile());
        lenore
    }

    /// `lenore serve`, once it listens, and its address.
    pub(crate) async fn serving(&self, options: &[&str]) -> (Program, String) {
        let mut command = self.lenore("serve");
        command.args(["--listen", "127.0.0.1:0"]).args(options);
        let mut program = Program::start(command);
        let url = program.line().await;
        let address = url.strip_prefix("http://").expect("an address").to_owned();
        (program, address)
    }

    /// `lenore ask`, to its end.
    pub(crate) async fn ask<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Ended {
        let mut command = self.lenore("ask");
        command.args(arguments);
        Program::start(command).end().await
    }

    /// Waits until the site has seen something.
    pub(crate) async fn seen(&self, what: &str, wanted: impl Fn(&Seen) -> bool) -> LogEntry {
        let found = self.sim.wait_for(|entry| wanted(&entry.what), WAIT).await;
        found.unwrap_or_else(|| panic!("the site has not seen {what}: {:#?}", self.sim.log()))
    }

    pub(crate) async fn asked(&self) {
        self.seen("a question", |seen| matches!(seen, Seen::Send { .. })).await;
    }

    pub(crate) async fn stopped(&self) {
        self.seen("a stop", |seen| matches!(seen, Seen::Stop { .. })).await;
    }

    /// How often the site was asked to stop an answer.
    pub(crate) fn stops(&self) -> usize {
        let is_stop = |entry: &LogEntry| matches!(entry.what, Seen::Stop { .. });
        self.sim.log().iter().filter(|entry| is_stop(entry)).count()
    }

    /// The final text that the site holds for the newest answer that ended.
    pub(crate) fn site_text(&self) -> String {
        let text = |entry: &LogEntry| match &entry.what {
            Seen::Answer { text, .. } => Some(text.clone()),
            _ => None,
        };
        self.sim.log().iter().rev().find_map(text).expect("an answer ended")
    }

    /// The prompts that the site has taken or refused, in order.
    pub(crate) fn prompts(&self) -> Vec<String> {
        let prompt = |entry: LogEntry| match entry.what {
            Seen::Send { query, .. } => Some(query),
            _ => None,
        };
        self.sim.log().into_iter().filter_map(prompt).collect()
    }

    /// Nothing may be left of a program that has ended in order.
    pub(crate) fn assert_tidy(&self) {
        assert_eq!(processes_of(&self.profile()), Vec::<String>::new());
        assert!(!self.profile().join("lenore.lock").exists(), "the lock is left");
    }

    /// Waits for the browser of a program that could not end it. There is no event to wait for:
    /// the processes are nobody's children any more.
    pub(crate) async fn browser_gone(&self) {
        let begin = Instant::now();
        loop {
            let left = processes_of(&self.profile());
            if left.is_empty() {
                return;
            }
            assert!(begin.elapsed() < NOTICE, "after {NOTICE:?} there are still {left:#?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Checks that nothing is left, and ends the site.
    pub(crate) async fn end(self) {
        self.assert_tidy();
        self.sim.stop().await;
    }
}

/// What a future yields, which it must do in time.
pub(crate) async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    let result = tokio::time::timeout(WAIT, future).await;
    result.unwrap_or_else(|_| panic!("{what} takes longer than {WAIT:?}"))
}

/// The processes whose command line names a directory.
pub(crate) fn processes_of(directory: &Path) -> Vec<String> {
    let needle = directory.to_str().expect("a plain name");
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let commands = entries.flatten().filter_map(|entry| {
        let command = std::fs::read(entry.path().join("cmdline")).ok()?;
        let command = String::from_utf8_lossy(&command).replace('\0', " ");
        command.contains(needle).then_some(command)
    });
    commands.collect()
}
