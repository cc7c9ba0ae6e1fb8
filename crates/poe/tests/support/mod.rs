//! What the tests of the provider share: the local site, and a provider that is signed in there.

#![allow(dead_code, reason = "no test file uses all of it")]

pub(crate) mod processes;

use std::path::Path;
use std::time::Duration;

use lenore_poe::{Poe, PoeBuilder};
use lenore_provider::{ChatRequest, Error, Event, Message, Provider, Transcript};
use lenore_sim::{Edition, LogEntry, Options, Seen, Sim};

/// No wait of a test is longer.
pub(crate) const WAIT: Duration = Duration::from_secs(30);

const EMAIL: &str = "edgar@example.org";

/// The options of a site: the edition that `LENORE_SIM_EDITION` names, else that of 2023.
pub(crate) fn site() -> Options {
    let edition = std::env::var("LENORE_SIM_EDITION");
    Options::default()
        .edition(edition.map_or(Edition::Y2023, |word| word.parse().expect("an edition")))
}

/// The site, a profile, and a provider on both.
pub(crate) struct World {
    pub(crate) sim: Sim,
    pub(crate) poe: Poe,
    pub(crate) profile: tempfile::TempDir,
}

impl World {
    /// Signed in.
    pub(crate) async fn new() -> Self {
        Self::with(|builder| builder).await
    }

    /// Signed in, with further options.
    pub(crate) async fn with(options: impl FnOnce(PoeBuilder) -> PoeBuilder) -> Self {
        let world = Self::signed_out(options).await;
        world.sign_in(&world.poe).await;
        world
    }

    /// Not signed in.
    pub(crate) async fn signed_out(options: impl FnOnce(PoeBuilder) -> PoeBuilder) -> Self {
        Self::at(site(), options).await
    }

    /// Not signed in, at a site with options of its own.
    pub(crate) async fn at(site: Options, options: impl FnOnce(PoeBuilder) -> PoeBuilder) -> Self {
        let sim = Sim::start(site).await.expect("a free port");
        let profile = tempfile::tempdir().expect("a directory");
        let builder =
            Poe::builder().url(sim.url()).user_data_dir(profile.path()).patience(Duration::ZERO);
        let poe = options(builder).build().expect("valid options");
        Self { sim, poe, profile }
    }

    pub(crate) async fn sign_in(&self, poe: &Poe) {
        let code = async { Ok(self.sim.inbox(EMAIL).expect("a code was mailed")) };
        poe.sign_in_with_code(EMAIL, code).await.expect("signed in");
    }

    /// Asks GPT-4 and folds the events.
    pub(crate) async fn ask(&self, prompt: &str) -> Answer {
        ask(&self.poe, ChatRequest::new("gpt-4", vec![Message::user(prompt)])).await
    }

    /// The final text that the site holds for the newest answer.
    pub(crate) fn site_text(&self) -> String {
        let is_answer = |entry: &LogEntry| match &entry.what {
            Seen::Answer { text, .. } => Some(text.clone()),
            _ => None,
        };
        self.sim.log().iter().rev().find_map(is_answer).expect("an answer ended")
    }

    /// The prompts that the site has taken or refused, in order.
    pub(crate) fn prompts(&self) -> Vec<String> {
        let prompt = |entry: LogEntry| match entry.what {
            Seen::Send { query, .. } => Some(query),
            _ => None,
        };
        self.sim.log().into_iter().filter_map(prompt).collect()
    }

    /// Ends everything and checks that nothing is left.
    pub(crate) async fn end(self) {
        self.poe.close().await;
        assert_eq!(processes_of(self.profile.path()), Vec::<String>::new());
        assert!(!self.profile.path().join("lenore.lock").exists());
        self.sim.stop().await;
    }
}

/// What came of a question.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) events: Vec<Event>,
    pub(crate) text: String,
    pub(crate) error: Option<Error>,
}

impl Answer {
    /// The text of an answer that ended well.
    pub(crate) fn complete(&self) -> &str {
        assert!(self.error.is_none(), "{:?}", self.error);
        assert!(matches!(self.events.last(), Some(Event::Finished { .. })));
        &self.text
    }

    /// The code of the chat, where it was told.
    pub(crate) fn chat(&self) -> Option<&str> {
        self.events.iter().find_map(|event| match event {
            Event::Started { chat, .. } => Some(&**chat),
            _ => None,
        })
    }

    pub(crate) fn failed(self) -> Error {
        self.error.unwrap_or_else(|| panic!("it should have failed: {:?}", self.text))
    }
}

/// Asks and folds the events.
pub(crate) async fn ask(poe: &Poe, request: ChatRequest) -> Answer {
    ask_and_see(poe, request, |_| ()).await
}

/// The same, and shows each event as it comes.
pub(crate) async fn ask_and_see(
    poe: &Poe,
    request: ChatRequest,
    mut see: impl FnMut(&Event),
) -> Answer {
    let mut completion = poe.create_completion(request);
    let (mut events, mut text, mut error) = (Vec::new(), Transcript::default(), None);
    while let Some(event) = completion.next().await {
        match event {
            Ok(event) => {
                see(&event);
                text.apply(&event);
                events.push(event);
            }
            Err(failure) => error = Some(failure),
        }
    }
    Answer { events, text: text.into_text(), error }
}

/// The processes whose command line names a directory.
pub(crate) fn processes_of(directory: &Path) -> Vec<String> {
    let needle = directory.to_str().expect("a plain name");
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let commands = entries.flatten().filter_map(|entry| {
        let command = std::fs::read(entry.path().join("cmdline")).ok()?;
        let command = String::from_utf8_lossy(&command).replace('\0', " ");
        command.contains(needle).then_some(command)
    });
    commands.collect()
}
