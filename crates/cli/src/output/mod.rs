//! What the user sees: the answer on stdout, everything else on stderr.

mod plain;
mod progress;
mod terminal;

use std::io::{self, IsTerminal, Write, stdout};
use std::process::ExitCode;

use lenore::{Error, Event};
use serde::Serialize;

use self::plain::Plain;
pub(crate) use self::progress::{Progress, stderr};
use self::terminal::Screen;

/// Prints one answer.
#[derive(Debug)]
pub(crate) struct Output {
    form: Form,
    progress: Progress,
}

#[derive(Debug)]
enum Form {
    /// One JSON object a line.
    Json,
    /// Into a pipe or a file.
    Plain(Plain),
    /// Onto a terminal: what was written can be drawn anew.
    Terminal(Screen),
}

impl Output {
    /// Chooses the form by what stdout is.
    pub(crate) fn new(json: bool, no_stream: bool) -> Self {
        let form = if json {
            Form::Json
        } else if stdout().is_terminal() && !no_stream {
            Form::Terminal(Screen::default())
        } else {
            Form::Plain(Plain::default())
        };
        Self { form, progress: Progress::none() }
    }

    /// Shows that an answer is waited for.
    pub(crate) fn wait(&mut self) {
        self.progress = Progress::start("waiting for the answer");
    }

    /// Prints what an event brings.
    pub(crate) fn event(&mut self, event: &Event) -> io::Result<()> {
        if let Event::Status(status) = event {
            self.progress.say(status);
        }
        if matches!(event, Event::Delta(_) | Event::Replace { .. }) {
            self.progress.hide();
        }
        match &mut self.form {
            Form::Json => json(event),
            Form::Terminal(screen) => screen.event(event),
            Form::Plain(plain) => plain.event(event),
        }
    }

    /// The end of an answer that is complete.
    pub(crate) fn end(self) -> ExitCode {
        self.progress.hide();
        let ended = match &self.form {
            Form::Json => Ok(()),
            Form::Plain(plain) => plain.end(),
            Form::Terminal(_) => line(""),
        };
        match ended {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                report(&format!("the answer cannot be printed: {error}"));
                ExitCode::FAILURE
            }
            _ => ExitCode::SUCCESS,
        }
    }

    /// Says what went wrong, and ends with the exit code for it.
    pub(crate) fn fail(&self, error: &Error) -> ExitCode {
        self.progress.hide();
        match &self.form {
            Form::Json => {
                // Nobody may be left to read it; the exit code tells too.
                let _ = json(error);
            }
            Form::Plain(plain) if !plain.is_empty() => {
                let _ = line("");
            }
            Form::Terminal(screen) if !screen.is_empty() => {
                let _ = line("");
            }
            _ => {}
        }
        report(&error.to_string());
        if let Some(wait) = error.retry_after() {
            note(&format!("ask again in {} s", wait.as_secs_f64().ceil()));
        }
        ExitCode::from(error.kind().exit_code())
    }
}

/// One object on a line. The names are a contract: see docs/cli.md.
fn json(item: &impl Serialize) -> io::Result<()> {
    line(&serde_json::to_string(item)?)
}

fn line(text: &str) -> io::Result<()> {
    let mut out = stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

/// An error, on stderr.
pub(crate) fn report(message: &str) {
    say(&format!("{} {message}", console::style("error:").red().bold().for_stderr()));
}

/// A remark, on stderr.
pub(crate) fn note(message: &str) {
    say(&console::style(message).dim().for_stderr().to_string());
}

fn say(line: &str) {
    // Where stderr is closed, nobody is left to tell.
    let _ = writeln!(progress::stderr(), "{line}");
}
