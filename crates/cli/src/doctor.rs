//! `lenore doctor`: each step of the way to an answer, looked at on its own.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use console::Style;
use lenore::{Check, Diagnosis, ErrorKind, Examination, Outcome, Result};
use serde_json::json;

use crate::args::Shared;
use crate::interrupt::Interrupt;
use crate::output::{self, Progress, note, object, report};
use crate::whole_file::Pending;

mod mending;

/// `lenore doctor`
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    lenore doctor\n  \
    lenore doctor --ask                    also put a question, which costs a message\n  \
    lenore doctor --bundle --output /tmp   write what was found, to attach to a report\n  \
    lenore doctor --ask --mend             find what has moved on the site, and mend the site file\n  \
    lenore doctor --record shape.jsonl     record how the site behaves, without a word of yours\n  \
    lenore doctor --json | jq -r 'select(.outcome == \"failed\").finding'")]
pub(crate) struct DoctorArgs {
    /// Also ask the default bot a short question, which costs a message
    #[arg(long)]
    ask: bool,

    /// Write the bundle even where nothing fails: what was found, to show to others
    #[arg(long)]
    bundle: bool,

    /// Where the bundle's directory is put [default: the current directory]
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,

    /// Write what has changed on the site into the site file, after asking
    #[arg(long)]
    mend: bool,

    /// Write it without asking
    #[arg(long, requires = "mend")]
    yes: bool,

    /// Ask a question, which costs a message, and write the shape of all that the page sends,
    /// receives and shows: names, types, states, times; no text and no identity
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    record: Option<PathBuf>,

    /// Print one JSON object a line for every check
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(shared: Shared, args: DoctorArgs) -> ExitCode {
    let mut interrupt = Interrupt::listen();
    let site_file = shared.site_file.clone();
    let recording = match args.record.as_deref().map(Pending::new).transpose() {
        Ok(recording) => recording,
        Err(error) => {
            report(&error.to_string());
            return ExitCode::from(error.kind().exit_code());
        }
    };
    let poe = match shared.builder().and_then(|builder| builder.build()) {
        Ok(poe) => poe,
        Err(error) => {
            report(&error.to_string());
            return ExitCode::from(error.kind().exit_code());
        }
    };
    let examination = Examination {
        ask: args.ask || args.record.is_some(),
        evidence: args.bundle,
        mend: args.mend,
        record: args.record.is_some(),
    };
    let mut progress = None;
    let tell = |told: lenore::Progress<'_>| match told {
        lenore::Progress::Begins(name) => progress = Some(Progress::start(&title(name))),
        lenore::Progress::Done(check) => {
            progress = None;
            print(check, args.json);
        }
        _ => {}
    };
    let diagnosis = tokio::select! {
        diagnosis = poe.examine(examination, tell) => Ok(diagnosis),
        code = interrupt.wait() => Err(ExitCode::from(code)),
    };
    poe.close().await;
    let diagnosis = match diagnosis {
        Ok(diagnosis) => diagnosis,
        Err(code) => return code,
    };
    let written = recording.map_or(Ok(()), |file| record(&diagnosis, &args, file));
    let mended = written.and_then(|()| mend(&diagnosis, &args, site_file.as_deref()));
    match mended {
        Ok(None) => conclude(&diagnosis, &args),
        Ok(Some(code)) => code,
        Err(error) => {
            report(&error.to_string());
            ExitCode::from(error.kind().exit_code())
        }
    }
}

/// Writes the recording.
fn record(diagnosis: &Diagnosis, args: &DoctorArgs, file: Pending) -> Result<()> {
    file.write(&(diagnosis.recording().join("\n") + "\n"))?;
    let path = args.record.as_deref().unwrap_or(Path::new(""));
    note(&format!(
        "the recording is in {}: names, types, states and times of what the page sent, received \
         and showed. It holds nothing that you or a bot wrote, no cookie and no number; you can \
         read it before you attach it to a report",
        path.display()
    ));
    Ok(())
}

/// Shows what mends the facts, and writes it where that is wanted; a code where that ends it all.
fn mend(
    diagnosis: &Diagnosis,
    args: &DoctorArgs,
    site_file: Option<&Path>,
) -> Result<Option<ExitCode>> {
    let mendings = diagnosis.mendings();
    if mendings.is_empty() {
        if args.mend && diagnosis.failure().is_none() {
            note("nothing needs mending");
        }
        return Ok(None);
    }
    let path = mending::file(site_file)?;
    let shown = mending::shown(mendings);
    note(&format!("the site has changed; in {} this mends it:", path.display()));
    if args.json {
        output::say(&shown);
    } else {
        output::print(&format!("\n{shown}"));
    }
    if !args.mend {
        note("`lenore doctor --mend` writes it, with all that is in that file kept");
        return Ok(None);
    }
    if mending::write(&path, mendings, args.yes)? {
        return Ok(None);
    }
    Ok(Some(ExitCode::from(ErrorKind::SiteChanged.exit_code())))
}

/// Writes the bundle, where there is a need for one, and ends with the first failure's exit code.
fn conclude(diagnosis: &Diagnosis, args: &DoctorArgs) -> ExitCode {
    let failure = diagnosis.failure();
    // That another process has the profile is all that there is to show.
    let shows = failure.is_some_and(|kind| kind != ErrorKind::ProfileInUse);
    if shows || args.bundle {
        let parent = args.output.as_deref().unwrap_or(Path::new("."));
        match diagnosis.write_bundle(parent, &text(diagnosis)) {
            Ok(bundle) => note(&format!(
                "what was found is in {}, to be shown to whoever can help. It holds nothing that \
                 you or a bot wrote, no title, no e-mail address, no cookie: only the page's structure",
                bundle.display()
            )),
            Err(error) => {
                let place = parent.display();
                report(&format!(
                    "the bundle of what was found cannot be written into {place}: {error}; name \
                     another directory with --output DIR"
                ));
                return ExitCode::from(failure.map_or(1, |kind| kind.exit_code()));
            }
        }
    }
    failure.map_or(ExitCode::SUCCESS, |kind| ExitCode::from(kind.exit_code()))
}

fn print(check: &Check, as_json: bool) {
    let lines = if as_json {
        object(&json!({
            "check": check.name,
            "outcome": check.outcome.as_str(),
            "finding": check.finding,
            "advice": check.advice,
        }))
    } else {
        lines(check, |mark, colour| colour.apply_to(mark).to_string())
    };
    output::print(&lines);
}

/// A line with the finding, and one with the advice where there is any.
fn lines(check: &Check, coloured: impl Fn(&'static str, Style) -> String) -> String {
    let (mark, colour) = match check.outcome {
        Outcome::Ok => ("✓", Style::new().green()),
        Outcome::Warning => ("!", Style::new().yellow()),
        Outcome::Skipped => ("–", Style::new().dim()),
        _ => ("✗", Style::new().red().bold()),
    };
    let mut text =
        format!("{} {:15}  {}", coloured(mark, colour), title(check.name), check.finding);
    if let Some(advice) = &check.advice {
        text.push_str(&format!("\n{:19}{} {advice}", "", coloured("→", Style::new().dim())));
    }
    text
}

fn title(name: &str) -> String {
    name.replace('_', " ")
}

/// The report: the versions, and what was printed.
fn text(diagnosis: &Diagnosis) -> String {
    let mut text = format!(
        "lenore   {}\nbrowser  {}\nsystem   {}\n\n",
        env!("CARGO_PKG_VERSION"),
        diagnosis.browser().unwrap_or("not known"),
        system()
    );
    for check in diagnosis.checks() {
        text.push_str(&lines(check, |mark, _| mark.to_owned()));
        text.push('\n');
    }
    // The way to a home directory names its owner.
    match std::env::home_dir().as_deref().and_then(Path::to_str) {
        Some(home) if home.len() > 1 => text.replace(home, "~"),
        _ => text,
    }
}

/// The operating system, as it calls itself.
fn system() -> String {
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    let name = name.map_or(std::env::consts::OS, |name| name.trim_matches('"'));
    format!("{name} ({})", std::env::consts::ARCH)
}
