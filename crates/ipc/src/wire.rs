//! The lines that go over a connection.

use std::time::Duration;

use lenore_provider::{ChatRequest, Health, Model, Provider};
use serde::{Deserialize, Serialize};
use tokio_util::codec::LinesCodec;

/// Changes when an old client and a new server would no longer understand each other.
pub(crate) const VERSION: u32 = 1;

/// The longest first line, in bytes. Whoever sends it has not shown a token yet.
pub(crate) const GREETING: usize = 256;
/// The longest line, in bytes. A prompt may be several megabytes long.
pub(crate) const LINE: usize = 64 << 20;

/// How often a server that has nothing to tell says that it is alive.
pub(crate) const BEAT: Duration = Duration::from_secs(5);
/// How long a client bears to hear nothing at all.
pub(crate) const SILENCE: Duration = Duration::from_secs(30);

/// The first line of a client.
#[derive(Serialize, Deserialize)]
pub(crate) struct Greeting {
    pub(crate) token: String,
    pub(crate) version: u32,
}

/// The second line of a client.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ask {
    /// What the provider is.
    About,
    /// How it is doing.
    Health,
    /// A question to a bot.
    Complete(Box<ChatRequest>),
}

/// Everything of a provider that is told at once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct About {
    pub(crate) name: String,
    pub(crate) url: String,
    pub(crate) working: bool,
    pub(crate) needs_auth: bool,
    pub(crate) supports_stream: bool,
    pub(crate) default_model: String,
    /// The name and the bot of each.
    models: Vec<(String, String)>,
    pub(crate) health: Health,
}

impl About {
    pub(crate) fn of(provider: &dyn Provider) -> Self {
        let models = provider.models().into_iter().map(|Model { name, bot }| (name, bot));
        Self {
            name: provider.name().into(),
            url: provider.url().into(),
            working: provider.working(),
            needs_auth: provider.needs_auth(),
            supports_stream: provider.supports_stream(),
            default_model: provider.default_model().into(),
            models: models.collect(),
            health: provider.health(),
        }
    }

    pub(crate) fn models(&self) -> Vec<Model> {
        let models = self.models.iter().cloned();
        models.map(|(name, bot)| Model { name, bot }).collect()
    }
}

/// Lines of any length that is allowed.
pub(crate) fn lines() -> LinesCodec {
    LinesCodec::new_with_max_length(LINE)
}

/// How long a question's place is waited for, once nobody listens to its answer any more: a site
/// takes its time to stop.
pub(crate) const STOPPING: Duration = Duration::from_secs(60);

/// A value as a line of JSON, without its end.
pub(crate) fn line(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("plain data has a JSON form")
}
