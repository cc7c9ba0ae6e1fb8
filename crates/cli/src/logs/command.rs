//! `lenore logs`: list, show, search, export, delete.

use std::io::{IsTerminal, Write, stdin, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, UNIX_EPOCH};

use clap::{Subcommand, ValueEnum, ValueHint};
use lenore::{Error, ErrorKind, Result};

use super::export::{json, markdown};
use super::store::{Failure, Which};
use super::{COMPLETE, Exchange, Store, local_time};
use crate::output::{note, one_line, printable, report, stderr};
use crate::paths::invalid;
use crate::whole_file::Pending;

/// `lenore logs`
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "Examples:\n  \
    lenore logs                            the newest exchanges\n  \
    lenore logs show                       the newest one, whole\n  \
    lenore logs search raven 'desk*'       those with all of the words\n  \
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
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
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
        /// The words, all of which must be there; `raven*` finds ravens too
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
        #[arg(group = "which")]
        id: Option<i64>,

        /// Everything
        #[arg(long, group = "which")]
        all: bool,

        /// What is older than a day, as 2026-01-31
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
        return print(&Store::path()?.display().to_string());
    }
    let Some(store) = Store::existing()? else {
        note("nothing has been logged yet");
        return Ok(());
    };
    match what {
        What::Path => Ok(()),
        What::List(list) => show_list(&store.newest(list.count)?, list.json),
        What::Search { words, list } => {
            let found = store.search(&words, list.count)?;
            if found.is_empty() && !list.json {
                note("nothing found");
            }
            show_list(&found, list.json)
        }
        What::Show { id, chat, json } => show(&chosen(&store, id, chat)?, json),
        What::Export { format, output } => export(&store.all()?, format, output.as_deref()),
        What::Delete { id, all, before, yes } => delete(&store, id, all, before, yes),
    }
}

/// The reader may leave at any time, which is no failure.
fn print(text: &str) -> Result<()> {
    let printed = if stdout().is_terminal() {
        // What a bot wrote must not move the cursor or set colours.
        writeln!(stdout(), "{}", printable(text))
    } else {
        writeln!(stdout(), "{text}")
    };
    match printed {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(invalid(format!("the log cannot be printed: {error}")))
        }
        _ => Ok(()),
    }
}

fn show_list(exchanges: &[Exchange], as_json: bool) -> Result<()> {
    let width = console::Term::stdout().size_checked().map(|(_, columns)| usize::from(columns));
    for exchange in exchanges {
        let line = if as_json { json(exchange) } else { line(exchange, width) };
        print(&line)?;
    }
    Ok(())
}

fn line(exchange: &Exchange, width: Option<usize>) -> String {
    let Exchange { id, model, prompt, end, .. } = exchange;
    let end = if end == COMPLETE { String::new() } else { format!("[{end}] ") };
    let time = local_time(asked(exchange));
    let line = format!("{id:>5}  {time}  {model:16}  {end}{}", one_line(prompt));
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

fn show(exchanges: &[Exchange], as_json: bool) -> Result<()> {
    let form = if as_json { json } else { markdown };
    let shown: Vec<_> = exchanges.iter().map(form).collect();
    print(shown.join("\n").trim_end())
}

fn export(exchanges: &[Exchange], form: Form, output: Option<&Path>) -> Result<()> {
    let text = match form {
        Form::Md => exchanges.iter().map(markdown).collect::<Vec<_>>().join("\n"),
        Form::Json => {
            let objects: Vec<_> = exchanges.iter().map(json).collect();
            format!("[{}]\n", objects.join(",\n"))
        }
    };
    let Some(path) = output else { return print(text.trim_end()) };
    Pending::new(path)?.write(&text)?;
    note(&format!("{} exchanges are in {}", exchanges.len(), path.display()));
    Ok(())
}

fn delete(
    store: &Store,
    id: Option<i64>,
    all: bool,
    before: Option<String>,
    yes: bool,
) -> Result<()> {
    let (which, question) = match (id, before) {
        (Some(id), _) => (Which::One(id), format!("delete exchange {id}?")),
        (None, Some(date)) => {
            let question = format!("delete everything before {date}?");
            (Which::Before(moment(store, &date)?), question)
        }
        (None, None) => {
            debug_assert!(all, "one of the three is required");
            (Which::All, "delete the whole log?".into())
        }
    };
    // One exchange was named; for more, the hand may have slipped.
    if !yes && !matches!(which, Which::One(_)) && !confirmed(&question)? {
        return Ok(());
    }
    let deleted = store.delete(&which)?;
    if deleted == 0 && id.is_some() {
        return Err(invalid("there is no such exchange; `lenore logs` lists the newest"));
    }
    note(&format!("deleted: {deleted}"));
    Ok(())
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

/// Asks on the terminal. Where there is none, nobody can say yes.
pub(crate) fn confirmed(question: &str) -> Result<bool> {
    if !stdin().is_terminal() {
        return Err(invalid(format!("{question} Nobody is here to be asked; say --yes")));
    }
    let _ = write!(stderr(), "{question} [y/N] ");
    let mut answer = String::new();
    let read = stdin().read_line(&mut answer);
    let agreed = read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes");
    if !agreed {
        note("nothing is deleted");
    }
    Ok(agreed)
}
