//! `lenore config`: the settings, and where each comes from.

use std::path::Path;
use std::process::{Command, ExitCode};

use clap::{ArgMatches, Subcommand};
use lenore::{Poe, Provider, Proxy, Result, Site};
use serde_json::{Value, json};

use super::{Origin, Origins, file};
use crate::args::Shared;
use crate::output::{note, object, print_foreign as print, report};
use crate::paths::{invalid, make_private};
use crate::profiles;

/// `lenore config`
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    lenore config                          each setting, and where it is set\n  \
    lenore --profile work config           what would hold with an option\n  \
    lenore config edit                     open the file in $VISUAL or $EDITOR\n\n\
    An option counts for more than a variable of the environment, that for more than the file. \
    The file's keys are the names in the first column.")]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    what: Option<What>,

    /// Print one JSON object a line for every setting
    #[arg(long)]
    json: bool,
}

/// What to do with the settings.
#[derive(Debug, Subcommand)]
enum What {
    /// Print where the settings' file is, or would be
    Path,
    /// Open the settings' file in your editor
    Edit,
}

pub(crate) fn run(given: Shared, matches: &ArgMatches, args: &ConfigArgs) -> ExitCode {
    let done = match args.what {
        None => show(given, matches, args.json),
        Some(What::Path) => file::path(&given).map(|path| {
            print(&path.display().to_string());
        }),
        Some(What::Edit) => file::path(&given).and_then(|path| edit(&path)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error.to_string());
            ExitCode::from(error.kind().exit_code())
        }
    }
}

/// The width of the values' column, which a long one breaks.
const VALUE: usize = 40;

fn show(given: Shared, matches: &ArgMatches, as_json: bool) -> Result<()> {
    let path = file::path(&given)?;
    let found = file::read(&given)?;
    let origins = Origins { matches, file: &found };
    let shared = origins.merge(given)?;
    let settings = file::settings(&shared);
    let inherited = inherited_proxy(&shared)?;
    let width = settings.keys().map(String::len).max().unwrap_or_default();
    for (name, value) in &settings {
        let said = file::names(&shared, name);
        let (value, origin) = match &inherited {
            Some((proxy, variable)) if name == "proxy" => {
                (json!(proxy.server()), (*variable).to_owned())
            }
            _ if said => (masked(name, value), told(origins.of(name), name)),
            _ => (usual(name, &shared), told(origins.of(name), name)),
        };
        let line = if as_json {
            object(&json!({ "key": name, "value": value, "origin": origin }))
        } else {
            format!("{name:width$}  {:VALUE$}  {origin}", plain(&value))
        };
        if !print(&line) {
            return Ok(());
        }
    }
    if !as_json {
        let there = if path.exists() { "" } else { " (there is none yet)" };
        note(&format!("the file is {}{there}", path.display()));
    }
    Ok(())
}

/// The proxy that the environment names for every program, and the variable that does, where it
/// counts: for a browser of our own, and where no other is named.
fn inherited_proxy(shared: &Shared) -> Result<Option<(Proxy, &'static str)>> {
    if shared.proxy.is_some() || shared.cdp.is_some() || shared.webdriver.is_some() {
        return Ok(None);
    }
    let site = || Site::load(shared.site_file.as_deref()).ok().map(|site| site.url);
    let Some(url) = shared.site.clone().or_else(site) else { return Ok(None) };
    Proxy::from_env(&url, shared.proxy_bypass.as_deref())
        .map_err(|error| invalid(error.to_string()))
}

fn told(origin: Origin, name: &str) -> String {
    let option = if name == "log" { "no_log" } else { name };
    match origin {
        Origin::Default => "default".into(),
        Origin::File => "file".into(),
        Origin::Environment => format!("LENORE_{}", option.to_uppercase()),
        Origin::CommandLine => format!("--{}", option.replace('_', "-")),
    }
}

/// What holds where nobody says anything.
fn usual(name: &str, shared: &Shared) -> Value {
    let path = |path: Result<std::path::PathBuf>| path.ok().map(|path| json!(path));
    let is_ours = shared.cdp.is_none() && shared.webdriver.is_none();
    let value = match name {
        "model" => {
            let poe = Poe::builder().temporary_profile().build();
            poe.ok().map(|poe| json!(poe.default_model()))
        }
        "profile" if is_ours && shared.user_data_dir.is_none() => Some(json!(profiles::DEFAULT)),
        "user_data_dir" if is_ours => {
            let name = shared.profile.as_deref().unwrap_or(profiles::DEFAULT);
            path(profiles::directory(name, shared.program()))
        }
        "browser" if is_ours => Some(json!("chromium")),
        "site" => Site::load(shared.site_file.as_deref()).ok().map(|site| json!(site.url)),
        "provider" => Some(json!("poe")),
        "log" => Some(json!(true)),
        "plain" | "headed" => Some(json!(false)),
        "timeout" => Some(json!(Shared::TIMEOUT)),
        "max_chats" => Some(json!(Shared::MAX_CHATS)),
        "patience" => Some(json!(Shared::PATIENCE)),
        "chats_per_session" if !is_ours => Some(json!(Shared::CHATS_PER_SESSION)),
        _ => None,
    };
    value.unwrap_or(Value::Null)
}

/// A value without the secrets that an address may hold.
fn masked(name: &str, value: &Value) -> Value {
    let is_address = matches!(name, "proxy" | "cdp" | "webdriver" | "site");
    match value {
        Value::String(text) => Value::String(without_secrets(text, is_address)),
        Value::Array(items) => items.iter().map(|item| masked(name, item)).collect(),
        // A service's own capabilities can be its user's key.
        Value::Object(entries) if name == "webdriver_capabilities" => {
            let shown =
                |key: &str| matches!(key, "browserName" | "browserVersion" | "platformName");
            let entry = |(key, value): (&String, &Value)| {
                let value = if shown(key) { value.clone() } else { json!("***") };
                (key.clone(), value)
            };
            entries.iter().map(entry).collect()
        }
        other => other.clone(),
    }
}

/// An address without its user, password and query.
fn without_secrets(text: &str, is_address: bool) -> String {
    let begin = match text.find("://") {
        Some(at) => at + "://".len(),
        None if is_address => 0,
        None => return text.to_owned(),
    };
    let (scheme, rest) = text.split_at(begin);
    let (rest, query) = rest.split_once('?').map_or((rest, ""), |(rest, _)| (rest, "?***"));
    let host = rest.rsplit_once('@').map_or(rest.to_owned(), |(_, host)| format!("***@{host}"));
    format!("{scheme}{host}{query}")
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => "-".into(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "-".into(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(" "),
        Value::Object(entries) if entries.is_empty() => "-".into(),
        Value::Object(entries) => {
            let pairs = entries.iter().map(|(name, value)| format!("{name} = {}", plain(value)));
            pairs.collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

/// What a new file says.
const TEMPLATE: &str = "# Settings of lenore. `lenore config` lists them all, with their values.\n\
    # model = \"gpt-4\"\n# profile = \"work\"\n# log = false\n\n# [aliases]\n# opus = \
    \"poe/Claude-3-Opus\"\n";

fn edit(path: &Path) -> Result<()> {
    let refused = |what: &str, error: std::io::Error| {
        invalid(format!("{} cannot be {what}: {error}", path.display()))
    };
    if !path.exists() {
        let made = path.parent().map_or(Ok(()), make_private);
        made.and_then(|()| std::fs::write(path, TEMPLATE))
            .map_err(|error| refused("made", error))?;
    }
    let editor = ["VISUAL", "EDITOR"].into_iter().find_map(|name| std::env::var(name).ok());
    let editor = editor.filter(|editor| !editor.trim().is_empty()).unwrap_or_else(|| "vi".into());
    // An editor may be named with its options.
    let mut words = editor.split_whitespace();
    let mut command = Command::new(words.next().unwrap_or_default());
    let status = command.args(words).arg(path).status();
    let status = status.map_err(|error| refused(&format!("opened with {editor:?}"), error))?;
    if !status.success() {
        return Err(invalid(format!("{editor:?} ended with {status}")));
    }
    file::read(&Shared { config: Some(path.to_owned()), ..Shared::default() }).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_addresses_are_not_shown() {
        let cases = [
            ("http://ann:s3cret@proxy.example:3128", true, "http://***@proxy.example:3128"),
            ("ann:s3cret@proxy.example:3128", true, "***@proxy.example:3128"),
            ("http://ann:s3@cret@proxy.example", true, "http://***@proxy.example"),
            ("wss://cloud.example/x?token=s3cret", true, "wss://cloud.example/x?***"),
            ("--proxy-server=http://a:s3cret@h", false, "--proxy-server=http://***@h"),
            ("/home/ann@work", false, "/home/ann@work"),
        ];
        for (text, is_address, expected) in cases {
            assert_eq!(without_secrets(text, is_address), expected);
        }
    }
}
