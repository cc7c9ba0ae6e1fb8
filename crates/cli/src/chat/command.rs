//! What can be said to the chat itself.

use strsim::jaro_winkler;

/// A line that was typed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Input {
    /// For the bot.
    Prompt(String),
    /// For the chat, with what follows the name.
    Command(Command, String),
    /// For the chat, but it is not understood; a name that is near, where there is one.
    Unknown(String, Option<&'static str>),
    Nothing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    Help,
    Model,
    New,
    Retry,
    Stop,
    File,
    Copy,
    Save,
    Load,
    Title,
    Quit,
}

/// A command's name, what follows it, and what it does.
pub(super) struct Entry {
    pub(super) name: &'static str,
    pub(super) argument: &'static str,
    pub(super) help: &'static str,
    pub(super) command: Command,
}

const fn entry(
    name: &'static str,
    argument: &'static str,
    help: &'static str,
    command: Command,
) -> Entry {
    Entry { name, argument, help, command }
}

pub(super) const COMMANDS: &[Entry] = &[
    entry("/help", "", "show this", Command::Help),
    entry("/model", "NAME", "ask another bot, which is told the conversation", Command::Model),
    entry("/new", "", "begin a new chat", Command::New),
    entry("/retry", "", "ask the last question again", Command::Retry),
    entry("/stop", "", "stop the answer while it comes; Ctrl-C and Esc do too", Command::Stop),
    entry("/file", "PATH", "send a file with the next question; - for none", Command::File),
    entry("/copy", "", "put the last answer on the clipboard", Command::Copy),
    entry("/save", "FILE", "write the conversation to a file of Markdown", Command::Save),
    entry("/load", "FILE", "go on, in a new chat, from a conversation saved so", Command::Load),
    entry("/title", "", "show the chat's title and its code", Command::Title),
    entry("/quit", "", "leave; Ctrl-D does too", Command::Quit),
];

/// Names that others use for the same.
const ALIASES: &[(&str, Command)] =
    &[("/exit", Command::Quit), ("/q", Command::Quit), ("/?", Command::Help)];

/// Reads a line. What begins with a slash is a command, unless another slash follows in its first
/// word, as in a path; two slashes at the beginning stand for one that is meant.
pub(super) fn read(line: &str) -> Input {
    let text = line.trim_end();
    if text.trim().is_empty() {
        return Input::Nothing;
    }
    let word = text.split_whitespace().next().unwrap_or_default();
    if !text.starts_with('/') || word == "/" {
        return Input::Prompt(text.to_owned());
    }
    if word[1..].contains('/') {
        return Input::Prompt(
            text.strip_prefix('/').filter(|it| it.starts_with('/')).unwrap_or(text).to_owned(),
        );
    }
    let rest = text[word.len()..].trim().to_owned();
    let known = COMMANDS.iter().map(|entry| (entry.name, entry.command));
    let found = known.chain(ALIASES.iter().copied()).find(|(name, _)| *name == word);
    match found {
        Some((_, command)) => Input::Command(command, rest),
        None => Input::Unknown(word.to_owned(), nearest(word)),
    }
}

fn nearest(word: &str) -> Option<&'static str> {
    let near = |entry: &Entry| (jaro_winkler(word, entry.name), entry.name);
    let best = COMMANDS.iter().map(near).max_by(|one, other| one.0.total_cmp(&other.0));
    best.filter(|(near, _)| *near > 0.75).map(|(_, name)| name)
}

/// All commands, for a person.
pub(super) fn help() -> String {
    let width = 14;
    let line = |entry: &Entry| {
        let usage = format!("{} {}", entry.name, entry.argument);
        format!("  {usage:width$}{}\n", entry.help)
    };
    let commands: String = COMMANDS.iter().map(line).collect();
    format!(
        "{commands}\n  A number alone sends that suggestion; // sends a line that begins with a slash.\n  \
         Alt-Enter, or a backslash at the end of a line, begins a new one.\n  \
         Tab completes commands, bots and paths."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_told_from_prompts() {
        let prompt = |text: &str| Input::Prompt(text.into());
        assert_eq!(read("hello "), prompt("hello"));
        assert_eq!(read("/etc/passwd: what is it?"), prompt("/etc/passwd: what is it?"));
        assert_eq!(read("//help is a word"), prompt("/help is a word"));
        assert_eq!(read("/ is a slash"), prompt("/ is a slash"));
        assert_eq!(read("  two\nlines\n"), prompt("  two\nlines"));
        assert_eq!(read("/model  gpt-4 "), Input::Command(Command::Model, "gpt-4".into()));
        assert_eq!(read("/exit"), Input::Command(Command::Quit, String::new()));
        assert_eq!(read("  \n"), Input::Nothing);
    }

    #[test]
    fn a_slip_gets_a_suggestion() {
        for (typed, meant) in [("/modle x", "/model"), ("/hlep", "/help"), ("/cpy", "/copy")] {
            assert!(
                matches!(read(typed), Input::Unknown(_, Some(name)) if name == meant),
                "{typed}"
            );
        }
        assert!(matches!(read("/zzz"), Input::Unknown(_, None)));
    }
}
