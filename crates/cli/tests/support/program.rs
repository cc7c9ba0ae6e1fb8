//! The program as a child process: what goes in, what comes out, how it ends.

use std::path::PathBuf;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::task::JoinHandle;

use super::in_time;

/// The program, with nothing of the user's own in its environment and nothing on stdin.
pub(crate) fn lenore(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lenore"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.kill_on_drop(true);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("LENORE_") {
            command.env_remove(name);
        }
    }
    for name in ["DISPLAY", "WAYLAND_DISPLAY", "CLICOLOR_FORCE", "RUST_BACKTRACE"] {
        command.env_remove(name);
    }
    // Nothing is read from the directories of whoever runs the tests, or written there.
    for name in ["XDG_CONFIG_HOME", "XDG_DATA_HOME"] {
        command.env(name, "/nonexistent/lenore");
    }
    command.env("LENORE_NO_LOG", "1");
    command
}

/// A user's directories, with nothing in them at first.
pub(crate) struct Home(tempfile::TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    /// The program of this user, who keeps a log.
    pub(crate) fn lenore(&self, arguments: &[&str]) -> Command {
        let mut command = lenore(arguments);
        self.adopt(&mut command);
        command
    }

    /// Makes a program this user's.
    pub(crate) fn adopt(&self, command: &mut Command) {
        command.env("HOME", self.0.path());
        command.env("XDG_CONFIG_HOME", self.path("config"));
        command.env("XDG_DATA_HOME", self.path("data"));
        command.env_remove("LENORE_NO_LOG");
    }

    /// Runs the program to its end.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Ended {
        Program::start(self.lenore(arguments)).end().await
    }

    /// A path in the home.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    /// Writes a file into the settings' directory.
    pub(crate) fn set(&self, file: &str, text: &str) -> PathBuf {
        let path = self.path("config/lenore").join(file);
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("made");
        std::fs::write(&path, text).expect("written");
        path
    }
}

/// A program that runs.
pub(crate) struct Program {
    child: Child,
    stdout: Option<BufReader<ChildStdout>>,
    /// Read only for what it says on the way; the rest is for the end.
    stderr: Option<BufReader<ChildStderr>>,
    said: String,
    writing: Option<JoinHandle<()>>,
}

impl Program {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.spawn().expect("the program starts");
        let stdout = child.stdout.take().map(BufReader::new);
        let stderr = child.stderr.take().map(BufReader::new);
        Self { child, stdout, stderr, said: String::new(), writing: None }
    }

    /// With something on stdin, and its end after that.
    pub(crate) fn start_with(mut command: Command, input: impl Into<Vec<u8>>) -> Self {
        let mut program = Self::start({
            command.stdin(Stdio::piped());
            command
        });
        program.input(input);
        program
    }

    /// Writes to stdin and closes it. A program that does not read it to its end may do so.
    pub(crate) fn input(&mut self, input: impl Into<Vec<u8>>) {
        let mut stdin = self.child.stdin.take().expect("stdin is a pipe");
        let input = input.into();
        self.writing = Some(tokio::spawn(async move {
            let _ = stdin.write_all(&input).await;
        }));
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    #[cfg(unix)]
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = i32::try_from(self.pid()).ok().and_then(rustix::process::Pid::from_raw);
        rustix::process::kill_process(pid.expect("a process"), signal).expect("it runs");
    }

    /// The next line on stdout, without its end.
    pub(crate) async fn line(&mut self) -> String {
        let stdout = self.stdout.as_mut().expect("stdout is a pipe");
        let mut line = String::new();
        in_time("a line on stdout", stdout.read_line(&mut line)).await.expect("UTF-8");
        assert!(line.ends_with('\n'), "stdout ended with {line:?}");
        line.trim_end_matches('\n').to_owned()
    }

    /// The next bytes on stdout, so many.
    pub(crate) async fn bytes(&mut self, count: usize) -> Vec<u8> {
        let stdout = self.stdout.as_mut().expect("stdout is a pipe");
        let mut bytes = vec![0; count];
        in_time("text on stdout", stdout.read_exact(&mut bytes)).await.expect("so many bytes");
        bytes
    }

    /// Nobody reads stdout any more.
    pub(crate) fn close_stdout(&mut self) {
        drop(self.stdout.take());
    }

    /// Waits until stderr says something.
    pub(crate) async fn says(&mut self, words: &str) {
        let stderr = self.stderr.as_mut().expect("stderr is a pipe");
        while !self.said.contains(words) {
            let bytes = in_time(words, stderr.fill_buf()).await.expect("readable").to_vec();
            assert!(!bytes.is_empty(), "stderr ended without {words:?}: {}", self.said);
            stderr.consume(bytes.len());
            self.said.push_str(&String::from_utf8_lossy(&bytes));
        }
    }

    /// Waits for the end and for all that is said until then.
    pub(crate) async fn end(mut self) -> Ended {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let (mut stdout, mut stderr) = (self.stdout.take(), self.stderr.take());
        let read_out = async {
            if let Some(stdout) = &mut stdout {
                stdout.read_to_end(&mut out).await.expect("readable");
            }
        };
        let read_err = async {
            if let Some(stderr) = &mut stderr {
                stderr.read_to_end(&mut err).await.expect("readable");
            }
        };
        let all = async { tokio::join!(self.child.wait(), read_out, read_err).0 };
        let status = in_time("the program's end", all).await.expect("its status");
        if let Some(writing) = self.writing {
            in_time("writing to stdin", writing).await.expect("no panic");
        }
        self.said.push_str(&String::from_utf8(err).expect("stderr is text"));
        let stdout = String::from_utf8(out).expect("stdout is text");
        Ended { code: status.code(), stdout, stderr: self.said }
    }
}

/// A program that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// None where a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// Checks the exit code.
    #[track_caller]
    pub(crate) fn with_code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    /// What stderr says, but for the warning that every run as root brings.
    pub(crate) fn remarks(&self) -> Vec<&str> {
        let is_usual = |line: &&str| !line.trim_start().starts_with("WARN running as root");
        self.stderr.lines().filter(is_usual).collect()
    }

    /// The one line that says what went wrong.
    #[track_caller]
    pub(crate) fn error(&self) -> &str {
        let errors: Vec<_> =
            self.stderr.lines().filter_map(|line| line.strip_prefix("error: ")).collect();
        assert!(errors.len() == 1 && !errors[0].is_empty(), "{self:#?}");
        errors[0]
    }
}
