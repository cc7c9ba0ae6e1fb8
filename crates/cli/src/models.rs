//! `lenore models`: the names that are known here.

use std::io::{Write, stdout};
use std::process::ExitCode;

use lenore::{Model, Poe, Provider, Site};
use serde_json::json;

use crate::args::{ModelsArgs, Shared};
use crate::output::{note, report};

pub(crate) fn run(shared: Shared, args: ModelsArgs) -> ExitCode {
    // The table needs no profile, and no browser is started for it.
    let site = Site::load(shared.site_file.as_deref());
    let poe = match site.and_then(|site| Poe::builder().site(site).temporary_profile().build()) {
        Ok(poe) => poe,
        Err(error) => {
            report(&error.to_string());
            return ExitCode::from(error.kind().exit_code());
        }
    };
    let models = poe.models();
    let width = models.iter().map(|model| model.name.len()).max().unwrap_or_default();
    let is_default = |model: &Model| model.name == poe.default_model();
    let mut out = stdout().lock();
    for model in &models {
        let Model { name, bot } = model;
        let line = if args.json {
            json!({ "name": name, "bot": bot, "default": is_default(model) }).to_string()
        } else {
            let mark = if is_default(model) { "  (default)" } else { "" };
            format!("{name:width$}  {bot}{mark}")
        };
        if writeln!(out, "{line}").is_err() {
            return ExitCode::SUCCESS;
        }
    }
    if !args.json {
        note("any other bot of the site: poe/<Handle>, such as poe/Claude-3-Opus");
    }
    ExitCode::SUCCESS
}
