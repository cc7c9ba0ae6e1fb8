//! Help while a line is typed: completion, hints and colours.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

use rustyline::completion::{Completer, FilenameCompleter, Pair};
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::validate::Validator;
use rustyline::{Cmd, Context, Event, EventContext, Helper, RepeatCount, Result};
use tokio::sync::watch;

use super::command::{COMMANDS, Entry};
#[cfg(unix)]
use crate::output::tty;

/// What the line editor knows.
pub(super) struct Assistant {
    /// The names of the bots.
    pub(super) bots: Vec<String>,
    pub(super) paths: FilenameCompleter,
    pub(super) colours: bool,
    /// What an empty line shows.
    pub(super) greeting: Arc<Mutex<Option<&'static str>>>,
    /// Which line the editor is at, once it has made the terminal its own.
    pub(super) at: Arc<watch::Sender<usize>>,
    /// Which line it was asked for.
    pub(super) wanted: usize,
}

impl Completer for Assistant {
    type Candidate = Pair;

    fn complete(&self, line: &str, pos: usize, ctx: &Context<'_>) -> Result<(usize, Vec<Pair>)> {
        let typed = &line[..pos];
        let Some((name, argument)) = typed.split_once(char::is_whitespace) else {
            let matching = COMMANDS
                .iter()
                .filter(|entry| typed.starts_with('/') && entry.name.starts_with(typed));
            let pair = |entry: &Entry| {
                let blank = if entry.argument.is_empty() { "" } else { " " };
                Pair { display: entry.name.into(), replacement: format!("{}{blank}", entry.name) }
            };
            return Ok((0, matching.map(pair).collect()));
        };
        match name {
            "/model" => {
                let start = pos - argument.trim_start().len();
                let matching = self.bots.iter().filter(|bot| bot.starts_with(&typed[start..]));
                let pair = |bot: &String| Pair { display: bot.clone(), replacement: bot.clone() };
                Ok((start, matching.map(pair).collect()))
            }
            "/file" | "/save" | "/load" => self.paths.complete(line, pos, ctx),
            _ => Ok((pos, Vec::new())),
        }
    }
}

impl Hinter for Assistant {
    type Hint = String;

    fn hint(&self, line: &str, pos: usize, _: &Context<'_>) -> Option<String> {
        // Nothing is drawn before the terminal is ready for it.
        self.at.send_if_modified(|at| std::mem::replace(at, self.wanted) != self.wanted);
        if line.is_empty() {
            let greeting = self.greeting.lock().unwrap_or_else(PoisonError::into_inner);
            return greeting.map(str::to_owned);
        }
        if pos < line.len() || !line.starts_with('/') || line.len() < 2 {
            return None;
        }
        if let Some(entry) = COMMANDS.iter().find(|entry| entry.name == line.trim_end()) {
            let blank = if line.ends_with(' ') { "" } else { " " };
            return (!entry.argument.is_empty()).then(|| format!("{blank}{}", entry.argument));
        }
        let mut matching = COMMANDS.iter().filter(|entry| entry.name.starts_with(line));
        let only = matching.next().filter(|_| matching.next().is_none())?;
        Some(only.name[line.len()..].to_owned())
    }
}

impl Highlighter for Assistant {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        let word = line.split_whitespace().next().unwrap_or_default();
        if self.colours && COMMANDS.iter().any(|entry| entry.name == word) {
            return Cow::Owned(format!("\x1b[36m{word}\x1b[0m{}", &line[word.len()..]));
        }
        Cow::Borrowed(line)
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        Cow::Owned(format!("\x1b[2m{hint}\x1b[0m"))
    }

    fn highlight_char(&self, line: &str, _: usize, _: CmdKind) -> bool {
        line.starts_with('/')
    }
}

impl Validator for Assistant {}

impl Helper for Assistant {}

/// Enter after a backslash begins a new line.
pub(super) struct Enter;

/// Stands between such a backslash and its line break and cannot be seen, so that they are told
/// from those of a text that is pasted.
const JOINER: &str = "\u{2060}\n";

impl rustyline::ConditionalEventHandler for Enter {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, ctx: &EventContext<'_>) -> Option<Cmd> {
        let is_continued = ctx.pos() == ctx.line().len() && ctx.line().ends_with('\\');
        is_continued.then(|| Cmd::Insert(1, JOINER.into()))
    }
}

/// Ctrl-Z gives the shell its terminal as it was before the conversation.
#[cfg(unix)]
pub(super) struct Suspend;

#[cfg(unix)]
impl rustyline::ConditionalEventHandler for Suspend {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, _: &EventContext<'_>) -> Option<Cmd> {
        tty::suspend();
        Some(Cmd::Repaint)
    }
}

/// The lines as they are meant: without the backslashes that only joined them.
pub(super) fn joined(text: &str) -> String {
    text.replace(&format!("\\{JOINER}"), "\n")
}
