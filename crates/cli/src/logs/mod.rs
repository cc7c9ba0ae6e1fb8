//! The log: what was asked and answered, in a file of the user's own.

mod command;
mod export;
mod failure;
mod recording;
mod schema;
mod search;
mod store;

use std::fmt::Display;

use lenore::{Program, Provider, Result};
use serde::{Deserialize, Serialize};

pub(crate) use self::command::{LogsArgs, agreed, confirmed, run};
pub(crate) use self::recording::{Recorded, Recording};
pub(crate) use self::store::{LastChat, Store, local_time};
use crate::args::Shared;
use crate::paths::invalid;
use crate::profiles;

/// How an exchange ended whose answer is complete.
pub(crate) const COMPLETE: &str = "complete";

/// Whose chats these are: a chat of another account cannot be continued.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// The provider's name.
    pub(crate) provider: String,
    /// The site's address.
    pub(crate) site: String,
    /// The profile's name or directory, or the address of the browser.
    pub(crate) profile: String,
}

impl Place {
    /// Where a provider with these settings asks.
    pub(crate) fn of(shared: &Shared, provider: &dyn Provider) -> Self {
        let text = |text: &dyn Display| text.to_string();
        // A profile of Firefox is another account's, whatever its name.
        let named = |name: &str| match shared.program() {
            Program::Chromium => name.to_owned(),
            Program::Firefox => format!("{name} (firefox)"),
        };
        let profile = match shared {
            Shared { profile: Some(name), .. } => named(name),
            Shared { user_data_dir: Some(directory), .. } => {
                let absolute = std::path::absolute(directory).unwrap_or(directory.clone());
                text(&absolute.display())
            }
            // An address may hold a secret, which the log need not know.
            Shared { cdp: Some(_), .. } => "cdp".into(),
            Shared { webdriver: Some(_), .. } => "webdriver".into(),
            _ => named(profiles::DEFAULT),
        };
        Self { provider: provider.name().into(), site: provider.url().into(), profile }
    }
}

/// The chat that was last asked in, at a place.
///
/// # Errors
/// [`lenore::ErrorKind::InvalidRequest`] where the log has none.
pub(crate) fn last_chat(place: &Place) -> Result<LastChat> {
    let found = Store::existing()?.map(|store| store.last_chat(place)).transpose()?.flatten();
    found.ok_or_else(|| {
        invalid(format!(
            "the log has no chat of the profile {} yet; ask without --continue, or name a chat with \
             --chat",
            place.profile
        ))
    })
}

impl LastChat {
    /// The model to ask in this chat, which belongs to its bot.
    ///
    /// # Errors
    /// [`lenore::ErrorKind::InvalidRequest`] where it is another bot's, by the log.
    pub(crate) fn agreed(&self, model: String, provider: &dyn Provider) -> Result<String> {
        let models = provider.models();
        let bot = |name: &str| {
            let known = models.iter().find(|model| model.name == name);
            let handle = || name.split_once('/').map(|(_, handle)| handle.to_owned());
            known.map(|model| model.bot.clone()).or_else(handle).unwrap_or_else(|| name.to_owned())
        };
        let (own, other) = (bot(&self.model), bot(&model));
        if own.is_empty() || own == other {
            return Ok(model);
        }
        Err(invalid(format!(
            "the last chat was with {own}; leave out -m to go on with it, or -c to begin a new one"
        )))
    }
}

/// A chat by its code, with what the log knows of it. A log that cannot be read is no obstacle.
pub(crate) fn known_chat(code: &str) -> LastChat {
    let log = Store::existing().ok().flatten();
    let known = log.and_then(|store| store.chat(code).ok().flatten());
    known.unwrap_or_else(|| LastChat { chat: code.to_owned(), model: String::new(), title: None })
}

/// A question and its answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Exchange {
    /// Its number in the log; zero before it is there.
    pub(crate) id: i64,
    /// When it was asked, in milliseconds since 1970 (UTC).
    pub(crate) time: i64,
    /// See [`Place`].
    pub(crate) provider: String,
    /// See [`Place`].
    pub(crate) site: String,
    /// See [`Place`].
    pub(crate) profile: String,
    /// The model as it was asked for, by its own name.
    pub(crate) model: String,
    /// The bot that answered, as the site names it.
    pub(crate) bot: Option<String>,
    /// The chat's code.
    pub(crate) chat: Option<String>,
    /// The chat's title.
    pub(crate) title: Option<String>,
    /// The instructions that came before the prompt.
    pub(crate) system: Option<String>,
    /// The new turn.
    pub(crate) prompt: String,
    /// The names of the files that went along.
    pub(crate) files: Vec<String>,
    /// What came of the answer.
    pub(crate) answer: String,
    /// How long it took, in milliseconds.
    pub(crate) duration: i64,
    /// How long the first text took, in milliseconds.
    pub(crate) first: Option<i64>,
    /// What it cost, in points.
    pub(crate) points: Option<i64>,
    /// `complete`, or the kind of the error that ended it.
    pub(crate) end: String,
    /// The files that the bot made.
    pub(crate) made: Vec<Made>,
}

/// A file that a bot made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Made {
    pub(crate) name: String,
    /// Where the site keeps it.
    pub(crate) url: String,
}
