//! `lenore login`: the profile is signed in once, by its user.

use std::cell::{Cell, RefCell};
use std::io::{BufRead, IsTerminal, Write, stdin};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::ValueHint;
use lenore::{Error, ErrorKind, Poe, Provider, Result, can_show_window};

use crate::account;
use crate::args::Shared;
use crate::interrupt::Interrupt;
use crate::output::{Progress, note, one_line, report, stderr};
use crate::paths::invalid;
use crate::shared_options;
use crate::whole_file::Pending;

/// Nobody is hurried; a window that is forgotten closes in the end.
const BY_HAND: Duration = Duration::from_secs(30 * 60);
/// How many codes can be typed on a terminal.
const TRIES: usize = 3;

/// `lenore login`
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    lenore login                           sign in in a window, without haste\n  \
    lenore login --email you@example.org   sign in without a window\n  \
    lenore --profile work login            sign in another account\n  \
    lenore login --check                   only look; ends with 4 where nobody is signed in\n  \
    lenore login --export session.json     write the session, for --cookies")]
pub(crate) struct LoginArgs {
    /// Only say whether the profile is signed in
    #[arg(long, conflicts_with = "email")]
    check: bool,

    /// Sign in without a window: the site mails a code to this address, which you then type here
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    email: Option<String>,

    /// Write the session that the profile is signed in with into a file, for `--cookies`: whoever
    /// has it is signed in as you
    #[arg(long, value_name = "FILE", conflicts_with = "check", value_hint = ValueHint::FilePath)]
    export: Option<PathBuf>,
}

/// An e-mail address, as far as that can be told without the site.
fn address(typed: &str) -> std::result::Result<String, &'static str> {
    let typed = typed.trim();
    let is_address = typed.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty() && !host.is_empty() && !typed.contains(char::is_whitespace)
    });
    if is_address { Ok(typed.to_owned()) } else { Err("that is no e-mail address") }
}

pub(crate) async fn run(shared: Shared, args: LoginArgs) -> ExitCode {
    let mut interrupt = Interrupt::listen();
    let poe = may_sign_in(&shared, &args).and_then(|()| shared.builder()?.build());
    let poe = match poe {
        Ok(poe) => poe,
        Err(error) => return failed(&error),
    };
    let code = tokio::select! {
        done = sign_in_and_export(&poe, &args) => match done {
            Ok(words) => {
                note(&words);
                ExitCode::SUCCESS
            }
            Err(error) => failed(&held_by(&poe, &args, error)),
        },
        code = interrupt.wait() => ExitCode::from(code),
    };
    poe.close().await;
    code
}

fn failed(error: &Error) -> ExitCode {
    report(&error.to_string());
    ExitCode::from(error.kind().exit_code())
}

/// Says what to do where another program has the profile and so cannot be signed in beside it.
fn held_by(poe: &Poe, args: &LoginArgs, error: Error) -> Error {
    let owner = poe.user_data_dir().and_then(Poe::owner);
    let signs_in = !args.check && args.export.is_none();
    match owner.filter(|_| signs_in && error.kind() == ErrorKind::ProfileInUse) {
        Some(owner) => Error::new(
            ErrorKind::ProfileInUse,
            format!(
                "{} has the profile and its browser; end it, sign in, and start it again",
                program(owner.pid)
            ),
        )
        .with_source(error),
        None => error,
    }
}

/// A process, by what it does where that can be told.
fn program(pid: u32) -> String {
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let line = String::from_utf8_lossy(&line);
    let words = line.trim_end_matches('\0').split('\0');
    let read = shared_options::command().try_get_matches_from(words).ok();
    match read.as_ref().and_then(|read| read.subcommand_name()) {
        Some(command) => format!("`lenore {command}` (process {pid})"),
        None => format!("process {pid}"),
    }
}

/// A sign-in must not end with what was signed in.
fn may_sign_in(shared: &Shared, args: &LoginArgs) -> Result<()> {
    let ends = shared.webdriver.is_some() && shared.webdriver_session.is_none();
    if ends && !args.check && args.export.is_none() {
        return Err(invalid(
            "a session of a WebDriver ends with this program, and its sign-in with it; sign a \
             profile in without --webdriver, and take that with --export FILE",
        ));
    }
    Ok(())
}

async fn sign_in_and_export(poe: &Poe, args: &LoginArgs) -> Result<String> {
    let Some(path) = &args.export else { return sign_in(poe, args).await };
    let file = Pending::private(path)?;
    if args.email.is_some() {
        sign_in(poe, args).await?;
    }
    let progress = Progress::start("looking at the site");
    let session = poe.export_session().await?;
    drop(progress);
    file.write(&session.to_json())?;
    Ok(format!(
        "{} is written; whoever has this file is signed in as you. To revoke it, sign out of all \
         devices in your account's settings at {}",
        path.display(),
        poe.url()
    ))
}

async fn sign_in(poe: &Poe, args: &LoginArgs) -> Result<String> {
    let profile = poe.user_data_dir();
    if args.check && profile.is_some_and(|profile| !profile.exists()) {
        return Err(signed_out(profile));
    }
    let progress = Progress::start("looking at the site");
    let name = match (poe.account().await?, &args.email) {
        (Some(account), Some(email)) => {
            not_anothers(profile, account.name.as_deref(), email)?;
            account.name
        }
        (Some(account), None) => account.name,
        (None, _) if args.check => {
            if let Some(profile) = profile {
                account::forget(profile);
            }
            return Err(signed_out(profile));
        }
        (None, Some(email)) => {
            with_code(poe, progress, email).await?;
            Some(email.clone())
        }
        (None, None) => {
            if profile.is_some() && !can_show_window() {
                return Err(no_window());
            }
            note("not signed in yet; a window opens to sign in, and closes by itself then");
            progress.say("waiting for you to sign in in the window");
            poe.sign_in_by_hand(BY_HAND).await?;
            progress.say("looking at the site");
            // They are signed in, whether the page tells who they are or not.
            poe.account().await.ok().flatten().and_then(|account| account.name)
        }
    };
    let remembered = || profile.and_then(account::remembered);
    let Some(name) = name.map(|name| one_line(&name)).or_else(remembered) else {
        return Ok("signed in".into());
    };
    if let Some(profile) = profile {
        account::remember(profile, &name);
    }
    Ok(format!("signed in as {name}"))
}

fn signed_out(profile: Option<&Path>) -> Error {
    let way = if profile.is_none() || can_show_window() {
        "`lenore login` opens a window for it"
    } else {
        "`lenore login --email ADDRESS` signs in without a window, of which there is none here"
    };
    Error::new(ErrorKind::NotSignedIn, format!("not signed in; {way}"))
}

/// What to do where no window can be shown.
fn no_window() -> Error {
    Error::new(
        ErrorKind::Browser,
        "not signed in, and there is no display to show a window on. There are other ways: `lenore \
         login --email ADDRESS` types the mailed code here; `ssh -X` shows the window on your desk; \
         a profile directory that was signed in elsewhere can be copied; or --cdp uses a Chrome \
         that runs already",
    )
}

/// Refuses an address that is not the one that the profile is signed in with, where the site tells.
fn not_anothers(profile: Option<&Path>, name: Option<&str>, email: &str) -> Result<()> {
    let Some(other) = name.filter(|name| address(name).is_ok()) else { return Ok(()) };
    if other.eq_ignore_ascii_case(email) {
        return Ok(());
    }
    let other = one_line(other);
    Err(invalid(match profile {
        Some(_) => format!(
            "this profile is signed in as {other}, and keeps one account; use another profile for \
             {email} with --profile NAME, or forget this session with `lenore logout` first"
        ),
        None => format!("that browser is signed in as {other}; sign out in its window first"),
    }))
}

/// Signs in with the code that the site mails. On a terminal a wrong one can be typed anew.
async fn with_code(poe: &Poe, progress: Progress, email: &str) -> Result<()> {
    let spinner = RefCell::new(Some(progress));
    let tries = Cell::new(if stdin().is_terminal() { TRIES } else { 1 });
    let (spinner, tries) = (&spinner, &tries);
    let code = |refused: Option<Error>| async move {
        spinner.take();
        match refused {
            Some(refused) if tries.get() == 0 => return Err(refused),
            Some(refused) => note(&refused.to_string()),
            None => {}
        }
        tries.set(tries.get() - 1);
        let code = typed_code(email).await?;
        spinner.replace(Some(Progress::start("signing in")));
        Ok(code)
    };
    poe.sign_in_with_codes(email, code).await
}

/// Asks the terminal for the code that the site has mailed.
async fn typed_code(email: &str) -> Result<String> {
    let _ = write!(stderr(), "the site has mailed a code to {email}; type it here: ");
    let line = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        stdin().lock().read_line(&mut line).map(|_| line)
    });
    let line = line.await;
    // Only a terminal shows the end of the line, and only where somebody typed it.
    if !stdin().is_terminal() || !matches!(&line, Ok(Ok(line)) if line.ends_with('\n')) {
        let _ = writeln!(stderr());
    }
    match line {
        Ok(Ok(line)) if !line.trim().is_empty() => Ok(line.trim().to_owned()),
        _ => Err(Error::new(ErrorKind::NotSignedIn, "no code was typed")),
    }
}
