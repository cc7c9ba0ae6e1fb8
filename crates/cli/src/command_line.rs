//! The command line with the environment's variables, as they are read.

use std::ffi::OsStr;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgMatches, Command, Error};

use crate::output::{self, one_line};
use crate::paths::invalid;
use crate::shared_options;

/// What is said there. An empty variable says nothing.
///
/// # Errors
/// What is not understood, or the help that was asked for.
pub(crate) fn read() -> Result<ArgMatches, Error> {
    let mut command = without_variables(shared_options::command(), OsStr::is_empty);
    let error = match command.try_get_matches_from_mut(std::env::args_os()) {
        Ok(matches) => return Ok(matches),
        Err(error) => error,
    };
    let again = match error.kind() {
        // Help lists all variables.
        ErrorKind::DisplayHelp
        | ErrorKind::DisplayVersion
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => shared_options::command(),
        // Its usage must not name options that only the environment gives.
        _ => without_variables(shared_options::command(), |_| true),
    };
    match again.try_get_matches() {
        Err(error) => Err(error),
        // What is wrong stands in the environment.
        Ok(_) => Err(of_variable(error, &command)),
    }
}

/// Tells what [`read`] brought in place of matches.
pub(crate) fn tell(mut error: Error) -> ExitCode {
    if error.use_stderr() && wants_events() {
        let told = error.to_string();
        let first = told.split("\n\n").next().unwrap_or_default();
        output::tell_event(&invalid(one_line(first.trim_start_matches("error: "))));
    }
    let words: Vec<_> = error.context().map(|(kind, value)| (kind, printed(value))).collect();
    for (kind, word) in words {
        error.insert(kind, word);
    }
    output::print_usage(&error.render(), error.use_stderr());
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

/// A word of the command line as it can be shown.
fn printed(value: &ContextValue) -> ContextValue {
    match value {
        ContextValue::String(word) => ContextValue::String(one_line(word)),
        ContextValue::Strings(words) => {
            ContextValue::Strings(words.iter().map(|word| one_line(word)).collect())
        }
        value => value.clone(),
    }
}

/// Whether a command that is not understood is one whose errors are objects too.
fn wants_events() -> bool {
    let words: Vec<_> = std::env::args_os().skip(1).take_while(|word| word != "--").collect();
    let at = |wanted: &str| words.iter().position(|word| word == wanted);
    at("ask").is_some_and(|ask| at("--json").is_some_and(|json| json > ask))
}

/// The command without the variables that hold such a value.
fn without_variables(command: Command, is_such: fn(&OsStr) -> bool) -> Command {
    let command = command.mut_args(|argument| {
        let value = argument.get_env().and_then(std::env::var_os);
        match value {
            Some(value) if is_such(&value) => argument.env(None::<&'static str>),
            _ => argument,
        }
    });
    command.mut_subcommands(|command| without_variables(command, is_such))
}

/// Names the variable in place of the option that it stands for.
fn of_variable(mut error: Error, command: &Command) -> Error {
    let variable = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(option)) => variable(command, option),
        _ => None,
    };
    if let Some(variable) = variable {
        error.insert(ContextKind::InvalidArg, ContextValue::String(variable));
    }
    error
}

/// The variable that stands for an option.
fn variable(command: &Command, option: &str) -> Option<String> {
    let own = command.get_arguments().find(|argument| argument.to_string() == option);
    let name = own.and_then(|argument| argument.get_env());
    let name = name.map(|name| name.to_string_lossy().into_owned());
    name.or_else(|| command.get_subcommands().find_map(|command| variable(command, option)))
}
