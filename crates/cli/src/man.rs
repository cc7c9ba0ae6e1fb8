//! `lenore man`: the manual pages.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Command, ValueHint};
use clap_mangen::Man;
use roff::{Roff, bold, roman};

use crate::output::{note, print_bytes, report};
use crate::shared_options;

/// The exit codes and what each says; the numbers are those of [`lenore::ErrorKind`].
const EXIT: [(&str, &str); 13] = [
    ("0", "The answer is complete, or whoever read it had seen enough."),
    (
        "1",
        "The output could not be written: the answer came, but could not be printed, written or copied; or what another command tells could not be printed.",
    ),
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
    ("130", "Stopped by Ctrl-C, or on the site; 143 by SIGTERM, 129 by SIGHUP, 131 by SIGQUIT."),
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
    let mut command = shared_options::command();
    command.build();
    let done = match &args.dir {
        None => page(&command).map(|page| {
            print_bytes(&page);
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

/// What the help says at its end: examples line by line, and what else there is to know.
fn examples(command: &Command) -> Roff {
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let paragraphs = help.split("\n\n").map(|paragraph| paragraph.trim_end_matches('\n'));
    let (mut examples, mut notes) = (Roff::new(), Roff::new());
    for paragraph in paragraphs.filter(|paragraph| !paragraph.is_empty()) {
        if let Some(lines) = paragraph.strip_prefix("Examples:\n") {
            examples.control("SH", ["EXAMPLES"]);
            as_they_are(&mut examples, lines.lines());
        } else if !paragraph.starts_with(EXIT_CODES) {
            match notes == Roff::new() {
                true => notes.control("SH", ["NOTES"]),
                false => notes.control("PP", []),
            };
            let (text, table): (Vec<_>, Vec<_>) =
                paragraph.lines().partition(|line| !line.starts_with(' '));
            notes.text([roman(text.join(" "))]);
            if !table.is_empty() {
                as_they_are(&mut notes, table.into_iter());
            }
        }
    }
    examples.extend([notes]);
    examples
}

/// How the help begins to tell the exit codes, which have a section of their own.
const EXIT_CODES: &str = "Exit codes:";

/// Lines that are not filled.
fn as_they_are<'a>(section: &mut Roff, lines: impl Iterator<Item = &'a str>) {
    section.control("nf", []);
    for line in lines {
        section.text([roman(line)]);
    }
    section.control("fi", []);
}

#[cfg(test)]
mod tests {
    use lenore::ErrorKind;

    use super::*;

    #[test]
    fn only_examples_are_examples_and_the_rest_is_filled() {
        let mut command = shared_options::command();
        command.build();
        let text =
            |command: &Command| String::from_utf8(page(command).expect("made")).expect("text");
        let whole = text(&command);
        assert_eq!(whole.matches("Exit codes").count(), 0, "they have a section of their own");
        for command in command.get_subcommands().filter(|it| it.get_name() != "help") {
            let page = text(command);
            let examples = page.split_once(".SH EXAMPLES").expect("each has some").1;
            let (examples, rest) = examples.split_once(".fi").expect("they end");
            for line in examples.lines().skip(1).filter(|line| !line.starts_with('.')) {
                assert!(line.starts_with("  ") && line.len() < 120, "{line}");
            }
            assert!(!rest.starts_with("\n.nf"), "{rest}");
        }
        let models = text(command.find_subcommand("models").expect("a command"));
        assert!(models.contains(".SH NOTES\nNames of your own"), "{models}");
    }

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
