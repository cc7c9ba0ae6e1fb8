//! `lenore chat`: a conversation, line by line.

mod command;
mod commands;
mod editor;
mod extras;
mod helper;
mod keys;
mod question;
mod transcript;
mod type_ahead;

use std::collections::VecDeque;
use std::io::{IsTerminal, stdin, stdout};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueHint;
use lenore::{Message, Poe, Result};

use self::command::{Command, Input, read};
use self::editor::{Editor, Line};
use self::extras::{Extras, Listening};
use self::question::Question;
use crate::args::Shared;
use crate::chat_code::code_of;
use crate::interrupt::{INTERRUPTED, Signals};
use crate::logs::{Place, known_chat, last_chat};
use crate::models::asked_before;
use crate::output::tty::{self, Quiet};
use crate::output::{next_line, note, one_line, report, write};
use crate::paths::{self, invalid, make_private};
use crate::prompt;
use crate::provider::Source;

/// `lenore chat`
#[derive(Debug, clap::Args)]
#[command(after_help = "In the chat, /help lists what can be said to it. Ctrl-C stops an answer, \
    Ctrl-D leaves.\n\n\
    Examples:\n  \
    lenore chat -m gpt-4\n  \
    lenore chat --system \"Answer in one sentence\"\n  \
    lenore chat -c                          go on in the last chat\n\n\
    It needs a terminal; in a script, `lenore ask -c` goes on in the last chat.")]
pub(crate) struct ChatArgs {
    /// The model: a name or alias of `lenore models`, or `poe/<Handle>` for any bot of the site
    #[arg(short, long, value_name = "NAME", value_hint = ValueHint::Other)]
    model: Option<String>,

    /// Instructions that come before the first question of each chat
    #[arg(long, value_name = "TEXT")]
    system: Option<String>,

    /// Instructions from roles/NAME.md in your config directory
    #[arg(long, value_name = "NAME", conflicts_with = "system", value_hint = ValueHint::Other)]
    role: Option<String>,

    /// Go on in the chat that was asked in last, by this profile's log
    #[arg(short = 'c', long = "continue", conflicts_with = "chat")]
    last: bool,

    /// Go on in a chat, by its address or the code at its end
    #[arg(long, value_name = "CODE", value_hint = ValueHint::Other)]
    chat: Option<String>,
}

/// The conversation, and what it is held with.
struct Chat {
    shared: Shared,
    source: Source,
    editor: Editor,
    signals: Signals,
    model: String,
    system: Option<String>,
    /// The chat on the site, once it has begun.
    code: Option<String>,
    turns: Vec<Message>,
    /// How many of the turns the chat on the site does not know.
    untold: usize,
    /// What goes along with the next question.
    files: Vec<PathBuf>,
    last: Option<Question>,
    extras: Extras,
    /// Whether this bot tells anything after its answers.
    has_extras: bool,
    listening: Option<Listening>,
    /// The lines that were typed ahead, in their order.
    waiting: VecDeque<String>,
    /// What stands in the next line already.
    begun: String,
    /// Whether an answer was stopped, which may take the site a moment.
    stopped: bool,
}

/// What Ctrl-C does not do.
const HOW_TO_LEAVE: &str = "Ctrl-D or /quit leaves";

/// Whether the conversation goes on.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    GoOn,
    Leave(u8),
}

pub(crate) async fn run(shared: Shared, args: ChatArgs) -> ExitCode {
    let mut chat = match open(shared, args).await {
        Ok(chat) => chat,
        Err(error) => {
            report(&error.to_string());
            return ExitCode::from(error.kind().exit_code());
        }
    };
    // Between the lines, too.
    let quiet = Quiet::begin();
    let code = chat.converse().await;
    // A line editor that is cut short leaves the terminal to us.
    tty::recover();
    drop(quiet);
    if code != 0 {
        // The line that was being typed stays as it is.
        next_line();
    }
    if let Some(listening) = chat.listening.take() {
        listening.end().await;
    }
    tokio::select! {
        () = chat.source.close() => ExitCode::from(code),
        code = chat.signals.next() => ExitCode::from(code),
    }
}

async fn open(shared: Shared, args: ChatArgs) -> Result<Chat> {
    if !stdin().is_terminal() || !stdout().is_terminal() {
        return Err(invalid(
            "a chat needs a terminal to type and to read on; in a script, `lenore ask` takes the \
             prompt from its arguments and stdin, and `lenore ask -c` goes on in the last chat",
        ));
    }
    let (system, wanted) = match &args.role {
        Some(name) => prompt::role(name).map(|(text, model)| (Some(text), model))?,
        None => (args.system.clone(), None),
    };
    let source = Source::open(shared.clone()).await?;
    let provider = source.provider().as_ref();
    let found = match (&args.chat, args.last) {
        (Some(chat), _) => Some(known_chat(&code_of(chat, provider.url())?)),
        (None, true) => Some(last_chat(&Place::of(&shared, provider))?),
        (None, false) => None,
    };
    let model = match (&args.model, &found) {
        (Some(model), Some(found)) if args.last => {
            found.agreed(shared.resolve(Some(model)), provider)?
        }
        (Some(model), _) => shared.resolve(Some(model)),
        (None, Some(found)) => found.model.clone(),
        (None, None) => shared.resolve(wanted.as_deref()),
    };
    // Other programs of the user ask through our browser meanwhile, or we through theirs.
    let poe = source.share().await?;
    let mut bots: Vec<_> = provider.models().into_iter().map(|model| model.name).collect();
    bots.extend(shared.aliases.keys().cloned());
    bots.extend(asked_before(&Place::of(&shared, provider)));
    bots.push("poe/".into());
    if let Some(poe) = poe {
        warm_up(poe, model.clone());
    }
    let keeps = !shared.no_log && shared.log != Some(false);
    let history = if keeps { history() } else { None };
    let editor = Editor::start(bots, history, console::colors_enabled())?;
    let mut chat = Chat {
        shared,
        source,
        editor,
        signals: Signals::listen(),
        model,
        system,
        code: None,
        turns: Vec::new(),
        untold: 0,
        files: Vec::new(),
        last: None,
        extras: Extras::default(),
        has_extras: true,
        listening: None,
        waiting: VecDeque::new(),
        begun: String::new(),
        stopped: false,
    };
    if let Some(found) = found {
        chat.resume(found);
    }
    Ok(chat)
}

/// Opens the browser while the first question is typed.
fn warm_up(poe: Poe, model: String) {
    tokio::spawn(async move {
        if let Err(error) = poe.warm_up(&model, 1).await {
            // The question will say so.
            tracing::debug!(%error, "the browser is not ready ahead of the first question");
        }
    });
}

/// Where lines are kept; nowhere, where there is no place for them.
fn history() -> Option<PathBuf> {
    let file = paths::history().ok()?;
    make_private(file.parent()?).ok()?;
    Some(file)
}

/// Waits for a signal to leave. Ctrl-C is none here: to the line editor it is a key, and what comes
/// as a signal was meant for an answer that has just ended.
async fn asked_to_leave(signals: &mut Signals) -> u8 {
    loop {
        match signals.next().await {
            INTERRUPTED => note(HOW_TO_LEAVE),
            code => return code,
        }
    }
}

/// The next line: one that was typed ahead, or one that is typed now.
async fn line_of(
    editor: &mut Editor,
    waiting: &mut VecDeque<String>,
    begun: &mut String,
    prompt: (String, String),
) -> Line {
    let Some(text) = waiting.pop_front() else {
        return editor.line(prompt, std::mem::take(begun)).await;
    };
    let shown: Vec<_> = text.lines().map(one_line).collect();
    write(&format!("{}{}\n", prompt.1, shown.join("\n")));
    editor.remember(text.clone());
    Line::Text(text)
}

impl Chat {
    /// Talks until the user leaves, and returns the exit code.
    async fn converse(&mut self) -> u8 {
        let mut interrupted = false;
        loop {
            let prompt = self.prompt();
            let line = tokio::select! {
                line = line_of(&mut self.editor, &mut self.waiting, &mut self.begun, prompt) => line,
                code = asked_to_leave(&mut self.signals) => {
                    self.editor.settle().await;
                    return code;
                }
            };
            let text = match line {
                Line::Text(text) => text,
                Line::Interrupted => {
                    if interrupted {
                        note(HOW_TO_LEAVE);
                    }
                    interrupted = true;
                    continue;
                }
                Line::End => return 0,
            };
            interrupted = false;
            let next = match read(&text) {
                Input::Nothing => Next::GoOn,
                Input::Command(Command::Quit, _) => return 0,
                Input::Command(command, argument) => self.command(command, &argument).await,
                Input::Unknown(word, near) => {
                    let near = near.map_or(";".into(), |near| format!("; did you mean {near}?"));
                    let word = one_line(&word);
                    note(&format!("there is no {word}{near} /help lists what there is"));
                    Next::GoOn
                }
                Input::Prompt(text) => self.prompt_for_bot(&text).await,
            };
            if let Next::Leave(code) = next {
                return code;
            }
        }
    }

    /// What stands before a line, and the same in colours.
    fn prompt(&self) -> (String, String) {
        let model = one_line(self.bot());
        let files = match self.files.len() {
            0 => String::new(),
            1 => " +1 file".into(),
            count => format!(" +{count} files"),
        };
        let raw = format!("{model}{files} › ");
        let styled = format!(
            "{}{} {} ",
            console::style(&model).cyan().bold(),
            console::style(&files).dim(),
            console::style("›").cyan()
        );
        (raw, styled)
    }

    /// The bot's name, as the user calls it.
    fn bot(&self) -> &str {
        if self.model.is_empty() { self.source.provider().default_model() } else { &self.model }
    }
}
