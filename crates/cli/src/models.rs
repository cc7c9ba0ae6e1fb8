//! `lenore models`: the names that are known here.

use std::collections::BTreeSet;
use std::process::ExitCode;

use lenore::{Account, Error, ErrorKind, Model, Poe, Provider, Result, Site};
use serde_json::json;

use crate::args::Shared;
use crate::interrupt::Interrupt;
use crate::logs::{Place, Store};
use crate::official;
use crate::output::{Progress, note, object, print_foreign as print, report};
use crate::provider::Which;

/// `lenore models`
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    lenore models\n  \
    lenore models --account                also those that the site's page names to the account\n  \
    lenore models --json | jq -r .name\n  \
    lenore --provider poe-api models       those of the official API\n\n\
    Names of your own stand in the settings' file, under [aliases]: opus = \"poe/Claude-3-Opus\". \
    Bots that this profile was asked before, by its log, are listed as poe/<Handle>. What a model \
    costs is what its last answer in the log did.")]
pub(crate) struct ModelsArgs {
    /// Also look at the site's page, signed in, for the bots that it names to the account
    #[arg(long)]
    account: bool,

    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

/// A name, and what is known of it.
struct Row {
    name: String,
    /// The bot behind it; `None` where there is none.
    bot: Option<String>,
    source: Source,
    /// The model that an alias stands for.
    alias_of: Option<String>,
    is_default: bool,
    /// What its last answer cost.
    points: Option<i64>,
}

/// Where a name is known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// The table of names, or the official API.
    Table,
    /// The user's own.
    Settings,
    /// What was asked before.
    Log,
    /// The site's page.
    Account,
}

impl Source {
    fn as_str(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Settings => "settings",
            Self::Log => "log",
            Self::Account => "account",
        }
    }
}

pub(crate) async fn run(shared: Shared, args: &ModelsArgs) -> ExitCode {
    let mut interrupt = Interrupt::listen();
    let rows = tokio::select! {
        rows = rows(&shared, args) => rows,
        code = interrupt.wait() => return ExitCode::from(code),
    };
    let rows = match rows {
        Ok(rows) => rows,
        Err(error) => {
            report(&error.to_string());
            return ExitCode::from(error.kind().exit_code());
        }
    };
    let widest = |text: fn(&Row) -> &str| rows.iter().map(|row| text(row).len()).max().unwrap_or(0);
    let widths = (widest(|row| &row.name), widest(Row::bot));
    for row in &rows {
        let line = if args.json { row.json() } else { row.line(widths) };
        if !print(&line) {
            return ExitCode::SUCCESS;
        }
    }
    if !args.json && shared.provider != Some(Which::PoeApi) {
        note("any other bot of the site: poe/<Handle>, such as poe/Claude-3-Opus");
    }
    ExitCode::SUCCESS
}

/// The handles that were asked before at a place, as models. A log that cannot be read has none.
pub(crate) fn asked_before(place: &Place) -> Vec<String> {
    let log = Store::existing().ok().flatten();
    log.and_then(|log| log.handles(place).ok()).unwrap_or_default()
}

/// The models that were asked last at a place, the newest first. A log that cannot be read has none.
pub(crate) fn recently_asked(place: &Place) -> Vec<String> {
    let log = Store::existing().ok().flatten();
    log.and_then(|log| log.recent_models(place).ok()).unwrap_or_default()
}

async fn rows(shared: &Shared, args: &ModelsArgs) -> Result<Vec<Row>> {
    if shared.provider == Some(Which::PoeApi) {
        let api = official::open(shared)?;
        let models = api.refresh_models().await?;
        return Ok(table(shared, &models, api.default_model()));
    }
    // The table needs no profile, and no browser is started for it.
    let mut site = Site::load(shared.site_file.as_deref())?;
    if let Some(url) = &shared.site {
        site.set_url(url)?;
    }
    let poe = Poe::builder().site(site).temporary_profile().build()?;
    let mut rows = table(shared, &poe.models(), poe.default_model());
    // A bot with a name of its own is listed by that.
    let mut listed: BTreeSet<String> = rows
        .iter()
        .filter(|row| row.source == Source::Table || row.name.contains('/'))
        .filter_map(|row| row.bot.clone())
        .collect();
    let named = if args.account { of_account(shared).await?.bots } else { Vec::new() };
    let named = named.into_iter().map(|handle| (format!("poe/{handle}"), Source::Account));
    let asked = asked_before(&Place::of(shared, &poe)).into_iter().map(|name| (name, Source::Log));
    for (name, source) in asked.chain(named) {
        let handle = name.strip_prefix("poe/").unwrap_or(&name).to_owned();
        if listed.insert(handle.clone()) {
            let points = cost(&name);
            let bot = Some(handle);
            rows.push(Row { name, bot, source, alias_of: None, is_default: false, points });
        }
    }
    Ok(rows)
}

/// The account, as the site's page tells of it.
async fn of_account(shared: &Shared) -> Result<Account> {
    let poe = shared.clone().builder()?.build()?;
    let progress = Progress::start("looking at the site");
    let account = poe.account().await;
    drop(progress);
    poe.close().await;
    let signed_out = || {
        Error::new(
            ErrorKind::NotSignedIn,
            "nobody is signed in, so the page names no bots; `lenore login` signs in",
        )
    };
    let account = account?.ok_or_else(signed_out)?;
    if account.bots.is_empty() {
        note("the site's page names no bots, as far as it is known where it would");
    }
    Ok(account)
}

/// What the last answer of a model cost. A log that cannot be read only leaves that out.
fn cost(model: &str) -> Option<i64> {
    let log = Store::existing().ok().flatten();
    log.and_then(|log| log.cost(model).ok()).flatten()
}

/// The names with a bot behind them, those of the user among them.
fn table(shared: &Shared, models: &[Model], usual: &str) -> Vec<Row> {
    let default = match shared.resolve(None) {
        name if name.is_empty() => usual.to_owned(),
        name => name,
    };
    let bot = |name: &str| {
        let known = models.iter().find(|model| model.name == name).map(|model| model.bot.clone());
        known.or_else(|| name.split_once('/').map(|(_, handle)| handle.to_owned()))
    };
    let row = |name: &str, model: &str, alias_of: Option<&str>| Row {
        name: name.to_owned(),
        bot: bot(model),
        source: if alias_of.is_some() { Source::Settings } else { Source::Table },
        alias_of: alias_of.map(str::to_owned),
        is_default: alias_of.is_none() && model == default,
        points: cost(model),
    };
    // A name of the user's own stands before one of the table.
    let is_hidden =
        |name: &str| shared.aliases.contains_key(name) && shared.resolve(Some(name)) != name;
    let known = models.iter().filter(|model| !is_hidden(&model.name));
    let known = known.map(|Model { name, .. }| row(name, name, None));
    let own = shared.aliases.keys().filter(|name| is_hidden(name));
    let own = own.map(|name| {
        let model = shared.resolve(Some(name));
        row(name, &model, Some(&model))
    });
    let mut rows: Vec<_> = known.chain(own).collect();
    if !default.is_empty() && !rows.iter().any(|row| row.is_default) {
        let default = row(&default, &default, None);
        rows.push(Row { source: Source::Settings, ..default });
    }
    rows
}

impl Row {
    fn bot(&self) -> &str {
        self.bot.as_deref().unwrap_or("-")
    }

    fn json(&self) -> String {
        object(&json!({
            "name": self.name,
            "bot": self.bot,
            "source": self.source.as_str(),
            "default": self.is_default,
            "alias_of": self.alias_of,
            "points": self.points,
        }))
    }

    fn line(&self, (name, bot): (usize, usize)) -> String {
        let default = if self.is_default { "  (default)" } else { "" };
        let is_nothing = if self.bot.is_none() { ", which is no model" } else { "" };
        let alias = self.alias_of.as_ref().map(|model| format!("  (alias of {model}{is_nothing})"));
        let points = self.points.map(|points| format!("  {points} points"));
        let line = format!("{:name$}  {:bot$}{default}", self.name, self.bot());
        let line = line + &alias.unwrap_or_default() + &points.unwrap_or_default();
        line.trim_end().to_owned()
    }
}
