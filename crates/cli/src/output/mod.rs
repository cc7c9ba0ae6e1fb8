//! What the user sees: the answer on stdout, everything else on stderr.

mod json;
mod plain;
mod terminal;

use std::io::{self, IsTerminal, Write, stderr, stdout};
use std::process::ExitCode;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use lenore::{Error, Event};

use self::plain::Plain;
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
        Self { form, progress: Progress::start("waiting for the answer") }
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
            Form::Json => line(&json::event(event).to_string()),
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
                let _ = line(&json::error(error).to_string());
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

fn line(text: &str) -> io::Result<()> {
    let mut out = stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

/// An error, on stderr.
pub(crate) fn report(message: &str) {
    let _ = writeln!(stderr(), "{} {message}", console::style("error:").red().bold().for_stderr());
}

/// A remark, on stderr.
pub(crate) fn note(message: &str) {
    let _ = writeln!(stderr(), "{}", console::style(message).dim().for_stderr());
}

/// A spinner with the time that has passed, where stderr is a terminal. It goes with the value.
#[derive(Debug)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    pub(crate) fn start(message: &str) -> Self {
        if !console::user_attended_stderr() {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::new_spinner().with_message(message.to_owned());
        if let Ok(style) = ProgressStyle::with_template("{spinner:.cyan} {msg} {elapsed:.dim}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(100));
        Self(bar)
    }

    pub(crate) fn say(&self, message: &str) {
        self.0.set_message(message.to_owned());
    }

    pub(crate) fn hide(&self) {
        self.0.finish_and_clear();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.hide();
    }
}
