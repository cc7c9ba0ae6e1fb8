//! A terminal that breaks lines anew when its window gets narrower, as most do: tmux. Skipped
//! without it.

#![cfg(unix)]

mod support;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use support::{WAIT, World};
use tokio::process::Command;

/// How often an exact screen may be tried: what is being written while the window changes, the
/// terminal may put elsewhere than it says.
const TRIES: usize = 3;

/// A server of our own, with one window.
struct Tmux {
    socket: PathBuf,
}

impl Tmux {
    /// A window that shows some lines already, and then a program.
    async fn start(
        world: &World,
        program: &Command,
        size: (u16, u16),
        lines: usize,
    ) -> Option<Self> {
        let settings = world.directory.path().join("tmux.conf");
        std::fs::write(&settings, "set -g remain-on-exit on\n").expect("written");
        let tmux = Self { socket: world.directory.path().join("tmux") };
        let mut command = tmux.command(&["-f", settings.to_str()?, "new-session", "-d"]);
        command.args(["-x", &size.0.to_string(), "-y", &size.1.to_string(), "--"]);
        let script =
            format!("yes before | head -n {lines}; \"$@\"; tmux -S \"$0\" wait-for -S ended");
        command.args(["sh", "-c", &script]).arg(&tmux.socket);
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

/// What the window shows after an answer of many words, whose window changed meanwhile.
async fn words_shown(lines: usize) -> Option<(Vec<String>, Vec<String>, String)> {
    let world = World::new().await;
    let words: Vec<String> = (0..160).map(|number| format!("w{number}.")).collect();
    let prompt = format!("{} [[sim: echo, chunks=30, gap=150]]", words.join(" "));
    let mut ask = world.lenore("ask");
    ask.arg(&prompt);
    let tmux = Tmux::start(&world, &ask, (80, 30), lines).await?;
    tmux.shows("w40.").await;
    tmux.resize(47, 30).await;
    tmux.shows("w80.").await;
    tmux.resize(33, 40).await;
    tmux.shows("w120.").await;
    tmux.resize(90, 30).await;
    tmux.ended().await;
    let shown = tmux.text().await;
    let found = shown.split_whitespace().filter(|word| words.iter().any(|it| it == word));
    let found = found.map(str::to_owned).collect();
    drop(tmux);
    // Its server takes a moment to go.
    world.browser_gone().await;
    world.end().await;
    Some((words, found, shown))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_that_gets_narrower_leaves_no_garbage() {
    for more in (0..TRIES).rev() {
        let Some((words, found, shown)) = words_shown(30).await else { return };
        assert_eq!(shown.matches("before").count(), 30, "what stood there stays: {shown}");
        if found == words {
            return;
        }
        assert!(more > 0, "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_window_loses_at_its_top_may_come_twice_but_is_not_lost() {
    // tmux moves lines off a window that is not full.
    let Some((words, found, shown)) = words_shown(0).await else { return };
    let number = |word: &String| words.iter().position(|it| it == word).expect("one of them");
    let found: Vec<_> = found.iter().map(number).collect();
    let is_near = found.windows(2).all(|pair| pair[1] <= pair[0] + 1 && pair[0] < pair[1] + 40);
    assert!(is_near && found.first() == Some(&0) && found.last() == Some(&159), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn quick_changes_of_the_window_lose_nothing_of_plain_text() {
    let world = World::new().await;
    let lines: Vec<String> = (0..60)
        .map(|number| {
            format!("{number}. Ravens remember the faces of those who were kind to them.")
        })
        .collect();
    let prompt = format!("{}\n\n[[sim: echo, chunks=60, gap=60]]", lines.join("\n"));
    let mut ask = world.lenore("ask");
    ask.args(["--plain", &prompt]);
    let Some(tmux) = Tmux::start(&world, &ask, (80, 30), 10).await else { return };
    tmux.shows("0. Ravens").await;
    for round in 0..50_u16 {
        tmux.resize(30 + (round * 37) % 70, 10 + round % 25).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tmux.ended().await;
    let joined = tmux.command(&["capture-pane", "-p", "-J", "-S", "-"]).output().await;
    let shown = String::from_utf8(joined.expect("tmux").stdout).expect("text");
    let found: Vec<_> =
        shown.lines().map(str::trim_end).filter(|it| it.contains("Ravens")).collect();
    assert_eq!(found, lines, "{shown}");
    drop(tmux);
    world.browser_gone().await;
    world.end().await;
}

/// The lines that a window shows of a table, whose window changed meanwhile, and those that are due.
async fn table_shown() -> Option<(Vec<String>, [&'static str; 8], String)> {
    let prompt = "| Bird | Span | A long column with many words in it |\n|---|---|---|\n\
        | raven | 130 cm | It is a bird that is black and clever |\n\
        | crow | 95 cm | It is smaller, and caws in the morning |\n\
        | rook | 90 cm | It lives in large flocks in the fields |\n\n\
        After the table comes a line.\n\nAnd after that another one.\n\n\
        Then more words that go on and on until the end is near, and then comes the last.\n\n\
        [[sim: echo, chunks=40, gap=150]]";
    let expected = [
        "Bird  │ Span   │ A long column with many words in it",
        "──────┼────────┼───────────────────────────────────────",
        "raven │ 130 cm │ It is a bird that is black and clever",
        "crow  │ 95 cm  │ It is smaller, and caws in the morning",
        "rook  │ 90 cm  │ It lives in large flocks in the fields",
        "After the table comes a line.",
        "And after that another one.",
        "Then more words that go on and on until the end is near, and then comes the last.",
    ];
    let world = World::new().await;
    let mut ask = world.lenore("ask");
    ask.arg(prompt);
    let tmux = Tmux::start(&world, &ask, (90, 30), 30).await?;
    tmux.shows("95 cm").await;
    tmux.resize(60, 30).await;
    tmux.shows("rook").await;
    tmux.resize(40, 30).await;
    // The table is finished by now.
    tmux.shows("Then more").await;
    tmux.resize(100, 30).await;
    tmux.ended().await;
    let shown = tmux.text().await;
    assert_eq!(shown.matches("before").count(), 30, "what stood there stays: {shown}");
    let lines = shown.lines().map(str::trim_end).filter(|line| !line.is_empty());
    let lines = lines.skip_while(|line| *line == "before").take(expected.len());
    let lines = lines.map(str::to_owned).collect();
    drop(tmux);
    world.browser_gone().await;
    world.end().await;
    Some((lines, expected, shown))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_keeps_its_rows_whatever_the_window_does() {
    for more in (0..TRIES).rev() {
        let Some((lines, expected, shown)) = table_shown().await else { return };
        if lines == expected {
            return;
        }
        assert!(more > 0, "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_copied_in_tmux_is_its_newest_buffer() {
    let world = World::new().await;
    let mut ask = world.lenore("ask");
    ask.args(["--copy", "Hi [[sim: say=Nevermore.]]"]);
    let Some(tmux) = Tmux::start(&world, &ask, (80, 20), 0).await else { return };
    tmux.ended().await;
    let shown = tmux.text().await;
    assert!(shown.contains("copied by tmux"), "{shown}");
    let buffer = tmux.command(&["show-buffer"]).output().await.expect("tmux");
    assert_eq!(String::from_utf8(buffer.stdout).expect("text"), "Nevermore.");
    drop(tmux);
    world.browser_gone().await;
    world.end().await;
}
