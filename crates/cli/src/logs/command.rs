//! `lenore logs`: list, show, search, export, delete.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write, stdin};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, UNIX_EPOCH};

use clap::{Subcommand, ValueEnum, ValueHint};
use lenore::{Error, ErrorKind, Result};

use super::export::{json, markdown};
use super::failure::Failure;
use super::search::{Place, Words};
use super::store::Which;
use super::{COMPLETE, Exchange, Store, local_time};
use crate::output::{note, one_line, print as print_own, print_foreign as print, report, stderr};
use crate::paths::{history, invalid};
use crate::values::{exchange, number};
use crate::whole_file::Pending;

/// `lenore logs`
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "Examples:\n  \
    lenore logs                            the newest exchanges\n  \
    lenore logs show                       the newest one, whole\n  \
    lenore logs search raven desk          those with all of the words\n  \
    lenore logs export -o all.md           everything, to read elsewhere\n  \
    lenore logs delete --before 2026-01-01\n\n\
    The log is a file for your eyes only. `log = false` in the settings' file turns it off, \
    --no-log for once.")]
pub(crate) struct LogsArgs {
    #[command(subcommand)]
    what: Option<What>,

    #[command(flatten)]
    list: ListArgs,
}

/// `lenore logs list`
#[derive(Clone, Debug, clap::Args)]
struct ListArgs {
    /// How many, at most
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20, value_parser = number::<u32>)]
    count: u32,

    /// Print one JSON object a line, with the whole exchange
    #[arg(long)]
    json: bool,
}

/// What to do with the log.
#[derive(Debug, Subcommand)]
enum What {
    /// List the newest exchanges
    List(ListArgs),
    /// Print an exchange, or all of a chat
    Show {
        /// The exchange's number; the newest where none is given
        #[arg(value_parser = exchange)]
        id: Option<i64>,

        /// All exchanges of a chat, by its code
        #[arg(long, value_name = "CODE", conflicts_with = "id")]
        chat: Option<String>,

        /// Print one JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Find exchanges by the words in them
    Search {
        /// The words, all of which must be there; a part of a word will do
        #[arg(required = true)]
        words: Vec<String>,

        #[command(flatten)]
        list: ListArgs,
    },
    /// Print the whole log, oldest first
    Export {
        /// The form
        #[arg(long, value_enum, default_value_t = Form::Md)]
        format: Form,

        /// Write into a file
        #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        output: Option<PathBuf>,
    },
    /// Delete exchanges, for good
    #[command(group = clap::ArgGroup::new("which").required(true))]
    Delete {
        /// The exchange's number
        #[arg(group = "which", value_parser = exchange)]
        id: Option<i64>,

        /// Everything, and the lines that were typed into chats
        #[arg(long, group = "which")]
        all: bool,

        /// Everything before this day, written as 2026-01-31
        #[arg(long, group = "which", value_name = "DATE")]
        before: Option<String>,

        /// Do not ask
        #[arg(short, long)]
        yes: bool,
    },
    /// Print where the log is
    Path,
}

/// A form of the exported log.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Form {
    /// Markdown
    Md,
    /// An array of objects
    Json,
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::new(ErrorKind::InvalidRequest, failure.to_string())
    }
}

pub(crate) fn run(args: LogsArgs) -> ExitCode {
    match dispatch(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error.to_string());
            ExitCode::from(error.kind().exit_code())
        }
    }
}

fn dispatch(args: LogsArgs) -> Result<()> {
    let what = args.what.unwrap_or(What::List(args.list));
    if matches!(what, What::Path) {
        print(&Store::path()?.display().to_string());
        return Ok(());
    }
    let store = match what {
        What::Delete { .. } => Store::existing_to_write()?,
        _ => Store::existing()?,
    };
    if let What::Delete { all: true, yes, .. } = what {
        return delete_all(store.as_ref(), yes);
    }
    let Some(store) = store else {
        note("nothing has been logged yet");
        return Ok(());
    };
    match what {
        What::Path => {}
        What::List(list) => show_list(&store.newest(list.count)?, list.json),
        What::Search { words, list } => {
            let words = Words::new(&words);
            let found = store.search(&words, list.count)?;
            if found.is_empty() && !list.json {
                note("nothing found");
            }
            show_found(&found, &words, list.json);
        }
        What::Show { id, chat, json } => show(&chosen(&store, id, chat)?, json),
        What::Export { format, output } => export(&store.all()?, format, output.as_deref())?,
        What::Delete { id, before, yes, .. } => delete(&store, id, before, yes)?,
    }
    Ok(())
}

fn show_list(exchanges: &[Exchange], as_json: bool) {
    let show = |exchange: &Exchange| print(&head(exchange, &one_line(&exchange.prompt)));
    let mut all = exchanges.iter();
    // Who has seen enough wants no more.
    let _ = if as_json { all.map(json).all(|line| print(&line)) } else { all.all(show) };
}

/// What a search has found: each with the place where the words stand.
fn show_found(exchanges: &[Exchange], words: &Words, as_json: bool) {
    if as_json {
        return show_list(exchanges, as_json);
    }
    for exchange in exchanges {
        let (prompt, answer) = (one_line(&exchange.prompt), one_line(&exchange.answer));
        let text = words.place(&prompt, &answer).map_or(prompt, |place| marked(&place));
        // What others wrote is harmless by now; the colours are ours.
        if !print_own(&head(exchange, &text)) {
            return;
        }
    }
}

fn marked(Place { before, found, after, is_answer }: &Place) -> String {
    let whose = if *is_answer { "answer: " } else { "" };
    format!("{whose}{before}{}{after}", console::style(found).bold())
}

/// A line for an exchange with a text of it, as wide as the window.
fn head(exchange: &Exchange, text: &str) -> String {
    let Exchange { id, model, end, .. } = exchange;
    let width = console::Term::stdout().size_checked().map(|(_, columns)| usize::from(columns));
    let end = if end == COMPLETE { String::new() } else { format!("[{}] ", one_line(end)) };
    let time = local_time(asked(exchange));
    let line = format!("{id:>5}  {time}  {:16}  {end}{text}", one_line(model));
    match width {
        Some(width) => console::truncate_str(&line, width, "…").into_owned(),
        None => line,
    }
}

/// When it was asked.
pub(super) fn asked(exchange: &Exchange) -> std::time::SystemTime {
    UNIX_EPOCH + Duration::from_millis(u64::try_from(exchange.time).unwrap_or_default())
}

fn chosen(store: &Store, id: Option<i64>, chat: Option<String>) -> Result<Vec<Exchange>> {
    let found = match (id, &chat) {
        (Some(id), _) => store.get(id)?.into_iter().collect(),
        (None, Some(chat)) => store.exchanges(chat)?,
        (None, None) => store.newest(1)?,
    };
    if found.is_empty() {
        return Err(invalid("there is no such exchange; `lenore logs` lists the newest"));
    }
    Ok(found)
}

fn show(exchanges: &[Exchange], as_json: bool) {
    let form = if as_json { json } else { markdown };
    let shown: Vec<_> = exchanges.iter().map(form).collect();
    print(shown.join("\n").trim_end());
}

fn export(exchanges: &[Exchange], form: Form, output: Option<&Path>) -> Result<()> {
    let text = match form {
        Form::Md => exchanges.iter().map(markdown).collect::<Vec<_>>().join("\n"),
        Form::Json => {
            let objects: Vec<_> = exchanges.iter().map(json).collect();
            format!("[{}]\n", objects.join(",\n"))
        }
    };
    let Some(path) = output.filter(|path| path.as_os_str() != "-") else {
        print(text.trim_end());
        return Ok(());
    };
    Pending::new(path)?.write(&text)?;
    note(&format!("{} exchanges are in {}", exchanges.len(), path.display()));
    Ok(())
}

fn delete(store: &Store, id: Option<i64>, before: Option<String>, yes: bool) -> Result<()> {
    let which = match (id, before) {
        (Some(id), _) => Which::One(id),
        (None, date) => {
            let date = date.unwrap_or_default();
            let which = Which::Before(moment(store, &date)?);
            // One exchange was named; for more, the hand may have slipped.
            if !yes && !confirmed(&format!("delete everything before {date}?"))? {
                return Ok(());
            }
            which
        }
    };
    let deleted = store.delete(&which)?;
    if deleted == 0 && id.is_some() {
        return Err(invalid("there is no such exchange; `lenore logs` lists the newest"));
    }
    note(&format!("deleted: {deleted}"));
    Ok(())
}

/// The log, and what else is kept of what was asked.
fn delete_all(store: Option<&Store>, yes: bool) -> Result<()> {
    let lines = history()?;
    if store.is_none() && !lines.exists() {
        note("nothing has been logged yet");
        return Ok(());
    }
    if !yes && !confirmed("delete the whole log, and the lines that were typed into chats?")? {
        return Ok(());
    }
    let deleted = store.map(|store| store.delete(&Which::All)).transpose()?.unwrap_or_default();
    match wipe(&lines) {
        Ok(()) => note(&format!("deleted: {deleted}, and the lines that were typed into chats")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            note(&format!("deleted: {deleted}"))
        }
        Err(error) => {
            let lines = lines.display();
            return Err(invalid(format!(
                "deleted: {deleted}; but {lines} cannot be deleted: {error}"
            )));
        }
    }
    Ok(())
}

/// Removes a file after its text is overwritten.
fn wipe(path: &Path) -> io::Result<()> {
    let mut file = File::options().write(true).open(path)?;
    let length = file.metadata()?.len();
    io::copy(&mut io::repeat(0).take(length), &mut file)?;
    file.sync_all()?;
    std::fs::remove_file(path)
}

fn moment(store: &Store, date: &str) -> Result<i64> {
    // The database understands more than dates, such as a bare number as a day long ago.
    let is_date = regex_lite::Regex::new(r"^\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2})?$")
        .is_ok_and(|date_form| date_form.is_match(date));
    let moment = if is_date { store.moment(date)? } else { None };
    moment.ok_or_else(|| {
        invalid(format!("{date:?} is no date; write it as 2026-01-31, or \"2026-01-31 18:00\""))
    })
}

/// Asks on the terminal before something is deleted. Where there is none, nobody can say yes.
pub(crate) fn confirmed(question: &str) -> Result<bool> {
    agreed(question, "nothing is deleted")
}

/// Asks on the terminal; `otherwise` is said after a no.
pub(crate) fn agreed(question: &str, otherwise: &str) -> Result<bool> {
    if !stdin().is_terminal() {
        return Err(invalid(format!("{question} Nobody is here to be asked; say --yes")));
    }
    let _ = write!(stderr(), "{question} [y/N] ");
    let mut answer = String::new();
    let read = stdin().read_line(&mut answer);
    let agreed = read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes");
    if !agreed {
        note(otherwise);
    }
    Ok(agreed)
}
