//! A terminal that breaks lines anew when its window gets narrower, as most do: tmux. Skipped
//! without it.

#![cfg(unix)]

mod support;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use support::{WAIT, World};
use tokio::process::Command;

/// A server of our own, with one window.
struct Tmux {
    socket: PathBuf,
}

impl Tmux {
    async fn start(world: &World, program: &Command, size: (u16, u16)) -> Option<Self> {
        let settings = world.directory.path().join("tmux.conf");
        std::fs::write(&settings, "set -g remain-on-exit on\n").expect("written");
        let tmux = Self { socket: world.directory.path().join("tmux") };
        let mut command = tmux.command(&["-f", settings.to_str()?, "new-session", "-d"]);
        command.args(["-x", &size.0.to_string(), "-y", &size.1.to_string(), "--"]);
        command.args(["sh", "-c", "\"$@\"; tmux -S \"$0\" wait-for -S ended"]).arg(&tmux.socket);
        command.arg(program.as_std().get_program()).args(program.as_std().get_args());
        for (name, value) in program.as_std().get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.env("LENORE_LOG", "error").env("LANG", "C.UTF-8").env_remove("XTERM_VERSION");
        match command.status().await {
            Ok(status) => assert!(status.success(), "tmux does not start"),
            Err(_) => {
                eprintln!("skipped: tmux is not installed");
                return None;
            }
        }
        Some(tmux)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("tmux");
        command.arg("-S").arg(&self.socket).args(arguments);
        command
    }

    async fn resize(&self, cols: u16, rows: u16) {
        let (cols, rows) = (cols.to_string(), rows.to_string());
        let mut command = self.command(&["resize-window", "-x", &cols, "-y", &rows]);
        assert!(command.status().await.expect("tmux").success());
    }

    /// What has left the screen, and what is on it.
    async fn text(&self) -> String {
        let output = self.command(&["capture-pane", "-p", "-S", "-"]).output().await.expect("tmux");
        String::from_utf8(output.stdout).expect("text")
    }

    /// Waits until it shows something. tmux tells nobody of that, so it is asked.
    async fn shows(&self, words: &str) {
        let begin = Instant::now();
        while !self.text().await.contains(words) {
            assert!(begin.elapsed() < WAIT, "no {words:?}:\n{}", self.text().await);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until the program has ended, which its shell tells: what the screen says of it may be
    /// lost with the lines below the cursor.
    async fn ended(&self) {
        let mut command = self.command(&["wait-for", "ended"]);
        let Ok(told) = tokio::time::timeout(WAIT, command.kill_on_drop(true).status()).await else {
            panic!("it does not end:\n{}", self.text().await);
        };
        assert!(told.expect("tmux").success());
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        let mut command = std::process::Command::new("tmux");
        let _ = command.arg("-S").arg(&self.socket).arg("kill-server").status();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_that_gets_narrower_leaves_no_garbage() {
    let world = World::new().await;
    let words: Vec<String> = (0..160).map(|number| format!("w{number}.")).collect();
    let prompt = format!("{} [[sim: echo, chunks=160, gap=20]]", words.join(" "));
    let mut ask = world.lenore("ask");
    ask.arg(&prompt);
    let Some(tmux) = Tmux::start(&world, &ask, (80, 30)).await else { return };
    tmux.shows("w40.").await;
    tmux.resize(47, 30).await;
    tmux.shows("w80.").await;
    tmux.resize(33, 40).await;
    tmux.shows("w120.").await;
    tmux.resize(90, 30).await;
    tmux.ended().await;
    let shown = tmux.text().await;
    let found: Vec<_> =
        shown.split_whitespace().filter(|word| words.iter().any(|it| it == word)).collect();
    assert_eq!(found, words, "{shown}");
    drop(tmux);
    // Its server takes a moment to go.
    world.browser_gone().await;
    world.end().await;
}
