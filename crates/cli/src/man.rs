//! `lenore man`: the manual pages.

use std::io::{self, Write, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Command, CommandFactory, ValueHint};
use clap_mangen::Man;
use roff::{Roff, bold, roman};

use crate::args::Args;
use crate::output::{note, report};

/// The exit codes and what each says; the numbers are those of [`lenore::ErrorKind`].
const EXIT: [(&str, &str); 13] = [
    ("0", "The answer is complete, or whoever read it had seen enough."),
    ("1", "The answer came, but could not be printed, written or copied."),
    ("2", "The request or an option is not understood."),
    ("3", "The model is not known."),
    ("4", "Nobody is signed in, or a human check stands in the way."),
    (
        "5",
        "A limit: the allowance is used up, it was too fast, or the bot is not for this account.",
    ),
    ("6", "The prompt is too long, or a file is refused."),
    ("7", "The bot or the site failed in its own words."),
    ("8", "The site has changed: an element was not found."),
    ("9", "The answer was lost, or it came too late."),
    ("10", "The network, or a proxy."),
    ("11", "The browser, or another process uses the profile."),
    ("130", "Stopped by Ctrl-C; 143 by SIGTERM, 129 by SIGHUP."),
];

/// `lenore man`
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    lenore man | man -l -                  read it now\n  \
    lenore man --dir ~/.local/share/man/man1")]
pub(crate) struct ManArgs {
    /// Write a page for each command into a directory
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    dir: Option<PathBuf>,
}

pub(crate) fn run(args: &ManArgs) -> ExitCode {
    let mut command = Args::command();
    command.build();
    let done = match &args.dir {
        None => page(&command).and_then(|page| match stdout().write_all(&page) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other,
        }),
        Some(directory) => std::fs::create_dir_all(directory)
            .and_then(|()| write_all(&command, directory))
            .map(|count| note(&format!("{count} pages are in {}", directory.display()))),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&format!("the manual cannot be written: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Writes the page of a command and of all below it, and returns how many they are.
fn write_all(command: &Command, directory: &Path) -> io::Result<usize> {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name());
    std::fs::write(directory.join(format!("{name}.1")), page(command)?)?;
    let shown = |command: &&Command| command.get_name() != "help" && !command.is_hide_set();
    let mut count = 1;
    for command in command.get_subcommands().filter(shown) {
        count += write_all(command, directory)?;
    }
    Ok(count)
}

fn page(command: &Command) -> io::Result<Vec<u8>> {
    let man = Man::new(command.clone());
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    examples(command).to_writer(&mut page)?;
    let mut exit = Roff::new();
    exit.control("SH", ["EXIT STATUS"]);
    for (code, meaning) in EXIT {
        exit.control("TP", []);
        exit.text([bold(code)]);
        exit.text([roman(meaning)]);
    }
    exit.to_writer(&mut page)?;
    Ok(page)
}

/// What the help says at its end, line by line.
fn examples(command: &Command) -> Roff {
    let mut section = Roff::new();
    if let Some(help) = command.get_after_help() {
        let help = help.to_string();
        section.control("SH", ["EXAMPLES"]);
        section.control("nf", []);
        let lines = help.strip_prefix("Examples:\n").unwrap_or(&help).lines();
        for line in lines {
            section.text([roman(line)]);
        }
        section.control("fi", []);
    }
    section
}

#[cfg(test)]
mod tests {
    use lenore::ErrorKind;

    use super::*;

    #[test]
    fn every_error_has_its_exit_code_in_the_manual() {
        let kinds = [
            ErrorKind::InvalidRequest,
            ErrorKind::UnsupportedModel,
            ErrorKind::NotSignedIn,
            ErrorKind::Quota,
            ErrorKind::TooLong,
            ErrorKind::Bot,
            ErrorKind::SiteChanged,
            ErrorKind::AnswerLost,
            ErrorKind::Network,
            ErrorKind::Browser,
            ErrorKind::Cancelled,
        ];
        for kind in kinds {
            let code = kind.exit_code().to_string();
            assert!(EXIT.iter().any(|(listed, _)| *listed == code), "{kind}: {code}");
        }
    }
}
