//! `lenore keys`: who may ask the server.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Subcommand, ValueHint};
use lenore::Result;
use lenore_gateway::{KeyFile, KeyRecord, Limits};
use serde_json::json;

use crate::args::Shared;
use crate::output::{note, object, print_foreign as print, report};
use crate::paths::config_dir;

/// `lenore keys`
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    lenore keys add laptop\n  \
    lenore keys add phone --per-minute 6 --concurrent 1 --model 'gpt-*'\n  \
    lenore keys list\n  \
    lenore keys revoke phone\n\n\
    A server that runs follows the file: what is added or revoked counts \
    within a second.")]
pub(crate) struct KeysArgs {
    /// The file of keys [default: keys.json in your config directory]
    #[arg(long, global = true, value_name = "FILE", env = "LENORE_KEYS_FILE")]
    #[arg(value_hint = ValueHint::FilePath)]
    keys_file: Option<PathBuf>,

    #[command(subcommand)]
    command: KeysCommand,
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Make a key; it is printed once and kept as a hash
    Add {
        /// What to call it
        name: String,

        /// Questions a minute
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        per_minute: Option<u32>,

        /// Questions at once
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        concurrent: Option<u32>,

        /// A model that it may ask, `…*` for all that begin so; repeatable [default: all]
        #[arg(long, value_name = "NAME")]
        model: Vec<String>,
    },
    /// List the keys and what they may do
    List {
        /// Print one JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Take a key away
    Revoke {
        /// What it is called
        name: String,
    },
}

pub(crate) fn run(shared: Shared, args: KeysArgs) -> ExitCode {
    let keys_file = args.keys_file.or(shared.serve.keys_file);
    match obey(KeysArgs { keys_file, ..args }) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error.to_string());
            ExitCode::from(error.kind().exit_code())
        }
    }
}

/// Where keys are kept, unless another file is named.
pub(crate) fn default_file() -> Result<PathBuf> {
    Ok(config_dir()?.join("keys.json"))
}

fn obey(KeysArgs { keys_file, command }: KeysArgs) -> Result<()> {
    let mut file = KeyFile::open(keys_file.map_or_else(default_file, Ok)?)?;
    match command {
        KeysCommand::Add { name, per_minute, concurrent, model } => {
            let limits = Limits { requests_per_minute: per_minute, concurrent, models: model };
            print(&file.add(&name, limits)?);
            note("this is the only time that it is shown");
        }
        KeysCommand::List { json } => {
            for key in file.keys() {
                print(&if json { as_json(key) } else { as_line(key) });
            }
            if file.keys().is_empty() && !json {
                note("there are no keys; `lenore keys add NAME` makes one");
            }
        }
        KeysCommand::Revoke { name } => file.revoke(&name)?,
    }
    Ok(())
}

fn as_json(KeyRecord { name, created, limits, .. }: &KeyRecord) -> String {
    object(&json!({
        "name": name,
        "created": created,
        "requests_per_minute": limits.requests_per_minute,
        "concurrent": limits.concurrent,
        "models": limits.models,
    }))
}

fn as_line(KeyRecord { name, limits, .. }: &KeyRecord) -> String {
    let told = [
        limits.requests_per_minute.map(|count| format!("{count} a minute")),
        limits.concurrent.map(|count| format!("{count} at once")),
        (!limits.models.is_empty()).then(|| format!("only {}", limits.models.join(", "))),
    ];
    let told: Vec<_> = told.into_iter().flatten().collect();
    format!("{name}  {}", if told.is_empty() { "no limits".to_owned() } else { told.join("; ") })
}
