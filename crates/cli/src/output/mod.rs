//! What the user sees: the answer on stdout, everything else on stderr.

mod canvas;
mod json;
mod live;
mod markdown;
mod out;
mod plain;
mod printable;
mod progress;
mod result;
mod row;
mod terminal;
#[cfg(test)]
mod tests;
mod theme;
pub(crate) mod tty;
mod words;

use std::io::{self, IsTerminal, Write, stdout};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use lenore::{Error, Event};
use serde::Serialize;

pub(crate) use self::json::{json_line, object};
use self::plain::Plain;
pub(crate) use self::printable::{coloured, one_line, printable};
pub(crate) use self::progress::{Progress, remarks, say_above, stderr};
pub(crate) use self::result::{ended, print, print_bytes, print_foreign, print_usage};
use self::terminal::Screen;
use self::tty::Quiet;
use self::words::fitted;

/// How often it is looked whether the window has another size.
const LOOK: Duration = Duration::from_millis(100);

/// Prints one answer.
#[derive(Debug)]
pub(crate) struct Output {
    form: Form,
    progress: Progress,
    /// What stands below the answer for a while.
    footer: Option<String>,
    /// While the answer is drawn, what is typed is not.
    quiet: Option<Quiet>,
}

#[derive(Debug)]
enum Form {
    /// One JSON object a line.
    Json,
    /// As it is.
    Plain(Plain),
    /// Markdown on a terminal: what was written can be drawn anew.
    Terminal(Box<Screen>),
}

impl Output {
    /// Chooses the form by what stdout is. On a terminal markdown is drawn, unless it is to be
    /// `plain`.
    pub(crate) fn new(json: bool, no_stream: bool, plain: Option<bool>) -> Self {
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let is_drawn = stdout().is_terminal() && !no_stream && !is_dumb && plain != Some(true);
        let form = match (json, is_drawn) {
            (true, _) => Form::Json,
            (false, true) => Form::Terminal(Box::new(Screen::on_stdout())),
            (false, false) => Form::Plain(Plain::new()),
        };
        Self { form, progress: Progress::none(), footer: None, quiet: None }
    }

    /// Shows that an answer is waited for, to which files are sent before.
    pub(crate) fn sending(&mut self, files: &[PathBuf]) {
        let size = |file: &PathBuf| std::fs::metadata(file).map_or(0, |found| found.len());
        let size = indicatif::DecimalBytes(files.iter().map(size).sum());
        let what = match files {
            [] => "waiting for the answer".to_owned(),
            [file] => {
                let name = file.file_name().unwrap_or_default().to_string_lossy();
                format!("sending {} ({size})", one_line(&name))
            }
            files => format!("sending {} files ({size})", files.len()),
        };
        // What is typed, Ctrl-C too, would stand in the line that shows it as well.
        self.quiet = Quiet::begin();
        self.progress = Progress::start(&what);
    }

    /// Draws what could not be drawn when it came, as soon as there is time for it, and all there
    /// is when the window has another size. To be awaited beside the next event, again and again.
    pub(crate) async fn settle(&mut self) {
        let Form::Terminal(screen) = &mut self.form else { return std::future::pending().await };
        loop {
            tokio::time::sleep(LOOK).await;
            if screen.is_behind() && screen.catch_up().is_ok() {
                return;
            }
        }
    }

    /// Shows a line below the answer for a while, or beside the spinner before there is one.
    pub(crate) fn footer(&mut self, text: Option<&str>) -> io::Result<()> {
        self.footer = text.map(one_line);
        self.progress.set_footer(self.footer.as_deref());
        self.show_footer()
    }

    fn show_footer(&mut self) -> io::Result<()> {
        match &mut self.form {
            Form::Terminal(screen) if !screen.is_empty() => screen.footer(self.footer.as_deref()),
            _ => Ok(()),
        }
    }

    /// Prints what an event brings.
    pub(crate) fn event(&mut self, event: &Event) -> io::Result<()> {
        match event {
            Event::Status(status) => self.progress.say(&one_line(status)),
            Event::Started { .. } => self.progress.say("waiting for the answer"),
            _ => {}
        }
        if matches!(event, Event::Delta(_) | Event::Replace { .. }) {
            self.progress.hide();
        }
        // Who reads JSON reads of it there.
        if let (Event::Attachment { name, url }, false) = (event, matches!(self.form, Form::Json)) {
            note(&format!("a file: {} ({})", one_line(name), one_line(url)));
        }
        match &mut self.form {
            Form::Json => json(event),
            Form::Terminal(screen) => screen.event(event).and_then(|()| self.show_footer()),
            Form::Plain(plain) => plain.event(event),
        }
    }

    /// The end of an answer that is complete.
    pub(crate) fn end(mut self) -> ExitCode {
        self.progress.hide();
        let ended = match &mut self.form {
            Form::Json => Ok(()),
            Form::Plain(plain) => plain.end(),
            Form::Terminal(screen) => screen.end(),
        };
        match ended {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                report(&format!("the answer cannot be printed: {error}"));
                ExitCode::FAILURE
            }
            _ => ExitCode::SUCCESS,
        }
    }

    /// The end of an answer that was stopped.
    pub(crate) fn stop(mut self) {
        self.progress.hide();
        if let Form::Terminal(screen) = &mut self.form {
            // What cannot be shown any more is not missed.
            let _ = screen.end();
        }
        note("stopped");
    }

    /// Says what went wrong, and ends with the exit code for it.
    pub(crate) fn fail(mut self, error: &Error) -> ExitCode {
        self.progress.hide();
        match &mut self.form {
            Form::Json => {
                tell_event(error);
            }
            Form::Plain(plain) if !plain.is_empty() => {
                let _ = out::write(b"\n");
            }
            Form::Terminal(screen) => {
                let _ = screen.end();
            }
            Form::Plain(_) => {}
        }
        report(&error.to_string());
        if let Some(wait) = error.retry_after() {
            note(&format!("ask again in {} s", wait.as_secs_f64().ceil()));
        }
        ExitCode::from(error.kind().exit_code())
    }
}

/// The last line of the output that has an object for every event: an error that came before the
/// question.
pub(crate) fn tell_event(error: &Error) {
    // Nobody may be left to read it; the exit code tells too.
    let _ = json(error);
}

/// One object on a line. The names are a contract: see docs/cli.md.
fn json(item: &impl Serialize) -> io::Result<()> {
    let line = json_line(item)? + "\n";
    progress::without(|| out::write_own(&line))
}

/// Ends a line on stdout that ours have not ended, or leaves one free.
pub(crate) fn next_line() {
    // Nobody may be left to read it.
    let _ = out::write(b"\n");
}

/// Writes on stdout without a line's end.
pub(crate) fn write(text: &str) {
    // Nobody may be left to read it.
    let _ = out::write_own(text);
}

/// An error, on stderr.
pub(crate) fn report(message: &str) {
    let message = fitted(message, "error: ".len(), window());
    say(&format!("{} {message}", console::style("error:").red().bold().for_stderr()));
}

/// A remark, on stderr.
pub(crate) fn note(message: &str) {
    say(&console::style(fitted(message, 0, window())).dim().for_stderr().to_string());
}

/// A text for stdout's window after what stands before it; its further lines begin below it.
pub(crate) fn hanging(before: &str, text: &str) -> String {
    let indent = row::cells(before);
    let window = console::Term::stdout().size_checked().map(|size| usize::from(size.1));
    let width = window.and_then(|width| width.checked_sub(indent)).filter(|width| *width > 0);
    format!("{before}{}", fitted(text, 0, width).replace('\n', &format!("\n{:indent$}", "")))
}

/// The width of the window that stderr is in, if it is in one.
fn window() -> Option<usize> {
    let size = console::Term::stderr().size_checked().filter(|_| io::stderr().is_terminal())?;
    Some(usize::from(size.1)).filter(|width| *width > 0)
}

/// A line on stderr, as it is.
pub(crate) fn say(line: &str) {
    // Where stderr is closed, nobody is left to tell.
    let _ = writeln!(progress::stderr(), "{line}");
}
