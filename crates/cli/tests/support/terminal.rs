//! A terminal without a window: keys go in, and the program under test draws its screen.

#![allow(dead_code, reason = "no test file uses all of it")]

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use tokio::process::Command;
use tokio::sync::watch;

use super::support::WAIT;

/// Lines that have left the screen are kept, so many.
const SCROLLBACK: usize = 5000;

/// How long a program draws nothing once it has drawn all there is.
const REST: Duration = Duration::from_millis(150);

/// A program that runs on a terminal.
pub(crate) struct Terminal {
    master: Box<dyn MasterPty + Send>,
    keyboard: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    seen: Arc<Mutex<Seen>>,
    changes: watch::Receiver<usize>,
    /// See [`Terminal::modes`], before the program began.
    pub(crate) first_modes: String,
    reading: Option<JoinHandle<()>>,
}

struct Seen {
    parser: vt100::Parser,
    /// All that was written.
    bytes: Vec<u8>,
}

impl Terminal {
    /// Starts a program on a terminal of a size, with its environment.
    pub(crate) fn start(command: &Command, rows: u16, cols: u16) -> Self {
        Self::start_with(command, rows, cols, &[])
    }

    /// The same, where some variables that change the looks stay.
    pub(crate) fn start_with(command: &Command, rows: u16, cols: u16, keep: &[&str]) -> Self {
        let size = PtySize { rows, cols, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a terminal");
        let first_modes = modes(pair.master.as_ref());
        let child = pair.slave.spawn_command(builder(command, keep)).expect("the program starts");
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().expect("readable");
        let keyboard = pair.master.take_writer().expect("writable");
        let parser = vt100::Parser::new(nonzero(rows), nonzero(cols), SCROLLBACK);
        let seen = Arc::new(Mutex::new(Seen { parser, bytes: Vec::new() }));
        let (changed, changes) = watch::channel(0);
        let shared = seen.clone();
        let reading = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // A terminal without a program fails to be read.
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                let mut seen = shared.lock().expect("no panic");
                seen.parser.process(&buffer[..count]);
                seen.bytes.extend_from_slice(&buffer[..count]);
                changed.send_modify(|count| *count += 1);
            }
        });
        Self {
            master: pair.master,
            keyboard,
            child,
            seen,
            changes,
            first_modes,
            reading: Some(reading),
        }
    }

    /// Types.
    pub(crate) fn keys(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).expect("the terminal takes keys");
        self.keyboard.flush().expect("the terminal takes keys");
    }

    pub(crate) fn resize(&mut self, rows: u16, cols: u16) {
        self.seen().parser.set_size(nonzero(rows), nonzero(cols));
        let size = PtySize { rows, cols, pixel_width: 0, pixel_height: 0 };
        self.master.resize(size).expect("any size will do");
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().expect("no panic")
    }

    /// What stands on the screen, without what is free at its lower end.
    pub(crate) fn screen(&self) -> String {
        let text = self.seen().parser.screen().contents();
        text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim_end().to_owned()
    }

    /// What has left the screen at its upper end, and the screen.
    pub(crate) fn everything(&self) -> String {
        let mut seen = self.seen();
        let screen = seen.parser.screen_mut();
        let (rows, cols) = screen.size();
        let rows = usize::from(rows.get());
        let mut lines: Vec<String> = Vec::new();
        let length = screen.scrollback_len();
        let mut offset = length;
        while offset > 0 {
            screen.set_scrollback(offset);
            let count = rows.min(offset);
            lines.extend(screen.rows(0, cols.get()).take(count));
            offset -= count;
        }
        screen.set_scrollback(0);
        lines.extend(screen.rows(0, cols.get()));
        lines
            .iter()
            .map(|line| line.trim_end())
            .collect::<Vec<_>>()
            .join("\n")
            .trim_end()
            .to_owned()
    }

    /// All that was written to the terminal.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.seen().bytes.clone()
    }

    /// Looks at the screen with its colours.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&vt100::Screen) -> T) -> T {
        look(self.seen().parser.screen())
    }

    /// Waits until the screen shows something.
    pub(crate) async fn shows(&mut self, words: &str) {
        self.until(words, |screen| screen.contains(words)).await;
    }

    /// Waits until the program has drawn nothing for a while, so that all of it is shown.
    pub(crate) async fn is_at_rest(&mut self) {
        while tokio::time::timeout(REST, self.changes.changed()).await.is_ok() {}
    }

    /// Waits until the line of the cursor is this, from its beginning to the cursor.
    pub(crate) async fn waits_at(&mut self, line: &str) {
        let deadline = tokio::time::timeout(WAIT, async {
            loop {
                let is_there = self.look(|screen| {
                    let (row, col) = screen.cursor_position();
                    let found = screen.contents_between(row, 0, row, col);
                    found.trim_end() == line.trim_end()
                });
                if is_there {
                    return;
                }
                self.changes.changed().await.expect("the program runs");
            }
        });
        let in_time = deadline.await.is_ok();
        assert!(in_time, "the cursor does not wait at {line:?}:\n{}", self.screen());
    }

    /// Waits until a line that was typed is answered: another prompt stands below it.
    pub(crate) async fn shows_last(&mut self, line: &str, prompt: &str) {
        let typed = format!("{prompt} {line}");
        let typed = typed.trim_end();
        self.until(&format!("a prompt after {line:?}"), |screen| {
            let joined = screen.replace('\n', "");
            let at = joined.rfind(typed);
            at.is_some_and(|at| joined[at + typed.len()..].ends_with(prompt))
        })
        .await;
    }

    /// The modes of the terminal: whether it shows what is typed, and all that.
    pub(crate) fn modes(&self) -> String {
        modes(self.master.as_ref())
    }

    /// Shows what is typed again, and waits for whole lines, as a shell does when it has the
    /// terminal.
    pub(crate) fn show_what_is_typed(&self) {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let path = self.master.tty_name().expect("a terminal has a name");
        let terminal = std::fs::File::open(path).expect("it is ours");
        let mut modes = tcgetattr(&terminal).expect("a terminal has modes");
        modes.local_modes |= LocalModes::ECHO | LocalModes::ICANON;
        tcsetattr(&terminal, OptionalActions::Now, &modes).expect("it is ours");
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = i32::try_from(self.pid()).ok().and_then(rustix::process::Pid::from_raw);
        rustix::process::kill_process(pid.expect("a process"), signal).expect("it runs");
    }

    /// Waits until the screen is as it should be.
    pub(crate) async fn until(&mut self, what: &str, is: impl Fn(&str) -> bool) {
        let waiting = async {
            while !is(&self.screen()) {
                if self.changes.changed().await.is_err() {
                    return is(&self.screen());
                }
            }
            true
        };
        let found = tokio::time::timeout(WAIT, waiting).await;
        assert!(matches!(found, Ok(true)), "the screen does not show {what:?}:\n{}", self.screen());
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.process_id().expect("it runs")
    }

    /// Waits for the program's end, and for all that it writes until then. Its exit code.
    pub(crate) async fn end(&mut self) -> u32 {
        let begin = tokio::time::Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("its status") {
                break status;
            }
            assert!(begin.elapsed() < WAIT, "the program does not end:\n{}", self.screen());
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        if let Some(reading) = self.reading.take() {
            let read = tokio::task::spawn_blocking(move || reading.join());
            tokio::time::timeout(WAIT, read)
                .await
                .expect("in time")
                .expect("no panic")
                .expect("no panic");
        }
        status.exit_code()
    }

    /// Compares the screen with a file in `screens`. `UPDATE_SCREENS=1` writes the file instead.
    pub(crate) fn assert_screen(&self, name: &str) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/screens").join(name);
        let screen = self.screen() + "\n";
        if std::env::var_os("UPDATE_SCREENS").is_some() {
            std::fs::write(&path, &screen).expect("written");
        }
        let expected = std::fs::read_to_string(&path).expect("UPDATE_SCREENS=1 makes it");
        assert_eq!(screen, expected, "the screen is not as in {}:\n{screen}", path.display());
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn modes(terminal: &(dyn MasterPty + Send)) -> String {
    let modes = terminal.get_termios().expect("a terminal has modes");
    format!("{:?} {:?} {:?}", modes.input_flags, modes.output_flags, modes.local_flags)
}

fn nonzero(size: u16) -> NonZeroU16 {
    NonZeroU16::new(size).expect("a size")
}

/// The same program, arguments and environment.
fn builder(command: &Command, keep: &[&str]) -> CommandBuilder {
    let command = command.as_std();
    let mut builder = CommandBuilder::new(command.get_program());
    builder.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => builder.env(name, value),
            None => builder.env_remove(name),
        }
    }
    let looks = ["NO_COLOR", "CLICOLOR", "STY", "TMUX", "LC_ALL", "LC_CTYPE"];
    for name in looks.iter().filter(|name| !keep.contains(name)) {
        builder.env_remove(name);
    }
    if !keep.contains(&"TERM") {
        builder.env("TERM", "xterm-256color");
    }
    builder.env("LANG", "C.UTF-8");
    // This terminal does not break lines anew when it is resized.
    builder.env("XTERM_VERSION", "XTerm(390)");
    // What root is warned of is no matter of most tests.
    if !command.get_envs().any(|(name, value)| name == "LENORE_LOG" && value.is_some()) {
        builder.env("LENORE_LOG", "error");
    }
    builder.cwd(command.get_current_dir().unwrap_or(Path::new("/")));
    builder
}
