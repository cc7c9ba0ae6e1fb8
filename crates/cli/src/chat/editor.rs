//! The line editor, in a thread of its own, since it blocks.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use lenore::{Error, ErrorKind, Result};
use rustyline::completion::FilenameCompleter;
use rustyline::error::ReadlineError;
use rustyline::history::DefaultHistory;
use rustyline::{
    Cmd, CompletionType, Config, EventHandler, ExternalPrinter, KeyCode, KeyEvent, Modifiers,
};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::watch;

use super::helper::{self, Assistant, Enter, joined};
use crate::output::{coloured, say_above};

type Inner = rustyline::Editor<Assistant, DefaultHistory>;

/// What an empty line shows at first.
const GREETING: &str = "ask something, or /help";

/// How many lines are remembered.
const REMEMBERED: usize = 2000;

/// How long the editor may take to begin with a line.
const SETTLED: Duration = Duration::from_secs(1);

/// What came of a line.
#[derive(Debug)]
pub(super) enum Line {
    Text(String),
    /// Ctrl-C
    Interrupted,
    /// Ctrl-D, or the terminal is gone.
    End,
}

/// What the editor's thread is to do.
enum Request {
    Read(Wanted),
    /// Keeps a line that was not typed there.
    Remember(String),
}

/// A line that is wanted.
struct Wanted {
    /// The prompt, and the same in colours.
    prompt: (String, String),
    /// What stands in the line already.
    begun: String,
}

/// Asks for lines.
pub(super) struct Editor {
    requests: mpsc::Sender<Request>,
    lines: UnboundedReceiver<Line>,
    printer: Printer,
    /// How many lines were asked for, and at which of them the editor is.
    asked: usize,
    at: watch::Receiver<usize>,
}

/// Writes above the line that is being typed.
#[derive(Clone)]
pub(super) struct Printer(Arc<Mutex<Box<dyn ExternalPrinter + Send>>>);

impl Printer {
    pub(super) fn print(&self, text: String) {
        let mut printer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // What cannot be shown any more is not missed.
        let _ = printer.print(coloured(&text).into_owned());
    }
}

impl Editor {
    /// `history` is where lines are kept for the next time, if they are.
    pub(super) fn start(
        bots: Vec<String>,
        history: Option<PathBuf>,
        colours: bool,
    ) -> Result<Self> {
        let (at, is_at) = watch::channel(0);
        let at = Arc::new(at);
        let mut editor = build(bots, colours, at.clone()).map_err(unusable)?;
        let printer = editor.create_external_printer().map_err(unusable)?;
        let printer = Printer(Arc::new(Mutex::new(Box::new(printer))));
        if let Some(history) = &history {
            // There is none at first; and without it a chat is still a chat.
            let _ = editor.load_history(history);
        }
        let (asks, requests) = mpsc::channel();
        let (sender, lines) = unbounded_channel();
        thread::Builder::new()
            .name("line editor".into())
            .spawn(move || {
                for request in requests {
                    let wanted = match request {
                        Request::Read(wanted) => wanted,
                        Request::Remember(text) => {
                            remember(&mut editor, &text, history.as_ref());
                            continue;
                        }
                    };
                    let number = editor.helper_mut().map_or(0, |assistant| {
                        assistant.wanted += 1;
                        assistant.wanted
                    });
                    let line = read(&mut editor, &wanted, history.as_ref());
                    // Also where it could not begin.
                    at.send_replace(number);
                    if sender.send(line).is_err() {
                        return;
                    }
                }
            })
            .map_err(|error| unusable(error.into()))?;
        Ok(Self { requests: asks, lines, printer, asked: 0, at: is_at })
    }

    /// Waits until the editor does not change the terminal any more, where the line that it was
    /// asked for is given up.
    pub(super) async fn settle(&mut self) {
        let is_there = self.at.wait_for(|at| *at >= self.asked);
        // It does not take longer, or never comes to it.
        let _ = tokio::time::timeout(SETTLED, is_there).await;
    }

    pub(super) fn printer(&self) -> &Printer {
        &self.printer
    }

    /// The next line, after a prompt; what is `begun` stands in it already.
    pub(super) async fn line(&mut self, prompt: (String, String), begun: String) -> Line {
        // What is said meanwhile must not stand in the line.
        let printer = self.printer.clone();
        say_above(Some(Arc::new(move |text| printer.print(text))));
        let _typed = Typed;
        self.asked += 1;
        if self.requests.send(Request::Read(Wanted { prompt, begun })).is_err() {
            return Line::End;
        }
        self.lines.recv().await.unwrap_or(Line::End)
    }
}

impl Editor {
    /// Keeps a line for the arrow keys.
    pub(super) fn remember(&self, text: String) {
        // Without the editor, the next line ends the conversation.
        let _ = self.requests.send(Request::Remember(text));
    }
}

/// The line is typed, or given up, once this is dropped.
struct Typed;

impl Drop for Typed {
    fn drop(&mut self) {
        say_above(None);
    }
}

fn build(
    bots: Vec<String>,
    colours: bool,
    at: Arc<watch::Sender<usize>>,
) -> rustyline::Result<Inner> {
    let config = Config::builder()
        .max_history_size(REMEMBERED)?
        .history_ignore_dups(true)?
        .completion_type(CompletionType::List)
        .tab_stop(4)
        .build();
    let mut editor = Inner::with_config(config)?;
    let greeting = Arc::new(Mutex::new(Some(GREETING)));
    let paths = FilenameCompleter::new();
    editor.set_helper(Some(Assistant { bots, paths, colours, greeting, at, wanted: 0 }));
    editor.bind_sequence(KeyEvent(KeyCode::Enter, Modifiers::ALT), Cmd::Newline);
    // Enter that was pressed between two lines comes as Ctrl-J.
    for enter in [KeyEvent(KeyCode::Enter, Modifiers::NONE), KeyEvent::ctrl('J')] {
        editor.bind_sequence(enter, EventHandler::Conditional(Box::new(Enter)));
    }
    #[cfg(unix)]
    editor.bind_sequence(KeyEvent::ctrl('Z'), EventHandler::Conditional(Box::new(helper::Suspend)));
    Ok(editor)
}

fn read(editor: &mut Inner, wanted: &Wanted, history: Option<&PathBuf>) -> Line {
    let (raw, styled) = &wanted.prompt;
    let line = editor.readline_with_initial(&(raw, styled), (&wanted.begun, ""));
    match line {
        Ok(text) => {
            let text = joined(&text);
            if let Some(assistant) = editor.helper() {
                assistant.greeting.lock().unwrap_or_else(PoisonError::into_inner).take();
            }
            remember(editor, &text, history);
            Line::Text(text)
        }
        Err(ReadlineError::Interrupted) => Line::Interrupted,
        Err(ReadlineError::Eof) => Line::End,
        Err(error) => {
            tracing::debug!(%error, "the terminal cannot be read");
            Line::End
        }
    }
}

fn remember(editor: &mut Inner, text: &str, history: Option<&PathBuf>) {
    // Who deletes it while we run does not want it back.
    if history.is_some_and(|history| !history.exists()) {
        let _ = editor.clear_history();
    }
    let is_new = !text.trim().is_empty() && editor.add_history_entry(text).unwrap_or(false);
    if let Some(history) = history.filter(|_| is_new)
        && let Err(error) = editor.append_history(history)
    {
        tracing::debug!(%error, "the line is not kept for the next time");
    }
}

fn unusable(error: ReadlineError) -> Error {
    Error::new(
        ErrorKind::InvalidRequest,
        "this terminal cannot be used for a chat; `lenore ask` works anywhere",
    )
    .with_source(error)
}
