//! Which of the shared options the help of each command lists: those that mean something there.

use clap::{Command, CommandFactory};

use crate::args::Args;

/// The options of a browser that the program starts.
const LAUNCH: &[&str] = &["headed", "browser", "browser_binary", "browser_driver", "browser_arg"];
/// Those that name a profile.
const PROFILE: &[&str] = &["profile", "user_data_dir"];
/// Those of the way to the site, with browsers of all kinds.
const SITE: &[&str] = &[
    "site",
    "site_file",
    "proxy",
    "proxy_bypass",
    "cdp",
    "webdriver",
    "webdriver_session",
    "webdriver_capabilities",
    "chats_per_session",
    "cookies",
    "timeout",
];
/// Those of questions.
const QUESTION: &[&str] = &["provider", "poe_api_url", "no_log", "max_chats", "patience"];

/// The command line, where the help of each command has what it uses. Other shared options are
/// understood all the same.
pub(crate) fn command() -> Command {
    let command = Args::command();
    let shared: Vec<_> =
        command.get_arguments().filter(|argument| argument.is_global_set()).cloned().collect();
    command.mut_subcommands(|subcommand| {
        let used = used_by(subcommand.get_name());
        let is_used = |id: &str| id == "help" || id == "verbose" || used.contains(&id);
        // What a command has itself takes the place of what it would get from above.
        let unused = shared.iter().filter(|argument| !is_used(argument.get_id().as_str()));
        subcommand.args(unused.map(|argument| argument.clone().hide(true)))
    })
}

fn used_by(command: &str) -> Vec<&'static str> {
    let groups: &[&[&str]] = match command {
        "ask" | "chat" => &[&["config", "plain"], PROFILE, QUESTION, SITE, LAUNCH],
        "serve" | "mcp" => &[&["config"], PROFILE, QUESTION, SITE, LAUNCH],
        "models" => &[&["config", "provider", "poe_api_url"], PROFILE, SITE, LAUNCH],
        "login" | "doctor" => &[&["config"], PROFILE, SITE, LAUNCH],
        "demo" => &[&["config", "plain"], LAUNCH],
        "logout" | "profiles" => &[&["config", "browser"], PROFILE],
        "config" => &[&["config", "plain"], PROFILE, QUESTION, SITE, LAUNCH],
        "keys" => &[&["config"]],
        // The log, the local site, completions and the manual depend on none of them.
        _ => &[],
    };
    groups.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_one_of_an_option_and_every_option_is_used_somewhere() {
        let command = Args::command();
        let shared = command.get_arguments().filter(|argument| argument.is_global_set());
        let ids: Vec<_> = shared.map(|argument| argument.get_id().as_str().to_owned()).collect();
        for used in [LAUNCH, PROFILE, SITE, QUESTION].concat() {
            assert!(ids.iter().any(|id| id == used), "{used}");
        }
        let asked = used_by("ask");
        for id in ids.iter().filter(|id| !["help", "verbose"].contains(&id.as_str())) {
            assert!(asked.contains(&id.as_str()), "{id}");
        }
    }
}
