//! `lenore models`: the names that are known here.

use std::io::{Write, stdout};
use std::process::ExitCode;

use lenore::{Model, Poe, Provider, Result, Site};
use serde_json::json;

use crate::args::Shared;
use crate::logs::Store;
use crate::output::{note, report};

/// `lenore models`
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    lenore models\n  \
    lenore models --json | jq -r .name\n\n\
    Names of your own stand in the settings' file, under [aliases]: opus = \"poe/Claude-3-Opus\". \
    What a model costs is what its last answer in the log did.")]
pub(crate) struct ModelsArgs {
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

/// A name, and what is known of it.
struct Row {
    name: String,
    bot: String,
    /// The model that an alias stands for.
    alias_of: Option<String>,
    is_default: bool,
    /// What its last answer cost.
    points: Option<i64>,
}

pub(crate) fn run(shared: &Shared, args: &ModelsArgs) -> ExitCode {
    let rows = match rows(shared) {
        Ok(rows) => rows,
        Err(error) => {
            report(&error.to_string());
            return ExitCode::from(error.kind().exit_code());
        }
    };
    let widest = |text: fn(&Row) -> &str| rows.iter().map(|row| text(row).len()).max().unwrap_or(0);
    let widths = (widest(|row| &row.name), widest(|row| &row.bot));
    let mut out = stdout().lock();
    for row in &rows {
        let line = if args.json { row.json() } else { row.line(widths) };
        if writeln!(out, "{line}").is_err() {
            return ExitCode::SUCCESS;
        }
    }
    if !args.json {
        note("any other bot of the site: poe/<Handle>, such as poe/Claude-3-Opus");
    }
    ExitCode::SUCCESS
}

fn rows(shared: &Shared) -> Result<Vec<Row>> {
    // The table needs no profile, and no browser is started for it.
    let site = Site::load(shared.site_file.as_deref())?;
    let poe = Poe::builder().site(site).temporary_profile().build()?;
    let default = match shared.resolve(None) {
        name if name.is_empty() => poe.default_model().to_owned(),
        name => name,
    };
    // A log that cannot be read only leaves the costs out.
    let log = Store::existing().ok().flatten();
    let cost = |model: &str| log.as_ref().and_then(|log| log.cost(model).ok()).flatten();
    let models = poe.models();
    let bot = |name: &str| {
        let known = models.iter().find(|model| model.name == name).map(|model| model.bot.clone());
        known.unwrap_or_else(|| name.strip_prefix("poe/").unwrap_or(name).to_owned())
    };
    let row = |name: &str, model: &str, alias_of: Option<&str>| Row {
        name: name.to_owned(),
        bot: bot(model),
        alias_of: alias_of.map(str::to_owned),
        is_default: alias_of.is_none() && model == default,
        points: cost(model),
    };
    let known = models.iter().map(|Model { name, .. }| row(name, name, None));
    let aliases = shared.aliases.iter().map(|(name, model)| row(name, model, Some(model)));
    let mut rows: Vec<_> = known.chain(aliases).collect();
    if !models.iter().any(|model| model.name == default) {
        rows.push(row(&default, &default, None));
    }
    Ok(rows)
}

impl Row {
    fn json(&self) -> String {
        json!({
            "name": self.name,
            "bot": self.bot,
            "default": self.is_default,
            "alias_of": self.alias_of,
            "points": self.points,
        })
        .to_string()
    }

    fn line(&self, (name, bot): (usize, usize)) -> String {
        let default = if self.is_default { "  (default)" } else { "" };
        let alias = self.alias_of.as_ref().map(|model| format!("  (alias of {model})"));
        let points = self.points.map(|points| format!("  {points} points"));
        let line = format!("{:name$}  {:bot$}{default}", self.name, self.bot);
        let line = line + &alias.unwrap_or_default() + &points.unwrap_or_default();
        line.trim_end().to_owned()
    }
}
