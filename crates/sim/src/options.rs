//! How a local site is started.

use std::time::Duration;

use crate::drift::Drift;
use crate::edition::Edition;
use crate::habits::Habit;

/// What can be chosen when a [`Sim`](crate::Sim) starts.
///
/// ```
/// let options = lenore_sim::Options::default().port(8765).seed(7);
/// assert_eq!(options.port, 8765);
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Options {
    /// The page's port on 127.0.0.1; 0 takes any free one.
    pub port: u16,
    /// Decides the texts of the answers: same seed, bot and prompt, same answer.
    pub seed: u64,
    /// How many answers of one account can run at once; beyond that, `concurrent_messages`.
    pub concurrent: Option<usize>,
    /// How many questions one account can ask in how long; beyond that, `rate_limit_exceeded`.
    pub rate: Option<(usize, Duration)>,
    /// Which site is imitated.
    pub edition: Edition,
    /// What is otherwise than in the edition.
    pub habits: Vec<Habit>,
    /// What befalls which facts of the site.
    pub drift: Vec<Drift>,
    /// The session cookie (`p-b`) that is signed in from the start, and that every signing in
    /// gives: one browser can be signed in at many sites of this machine, whose ports share
    /// cookies.
    pub session: Option<String>,
}

impl Options {
    /// Sets the page's port; 0 takes any free one.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Chooses the site that is imitated.
    #[must_use]
    pub fn edition(mut self, edition: Edition) -> Self {
        self.edition = edition;
        self
    }

    /// Asks for one habit more.
    #[must_use]
    pub fn habit(mut self, habit: Habit) -> Self {
        self.habits.push(habit);
        self
    }

    /// Has something befall a fact of the site.
    #[must_use]
    pub fn drift(mut self, drift: Drift) -> Self {
        self.drift.push(drift);
        self
    }

    /// Chooses the session cookie, which is signed in from the start.
    #[must_use]
    pub fn session(mut self, token: impl Into<String>) -> Self {
        self.session = Some(token.into());
        self
    }

    /// Limits how many answers of one account can run at once.
    #[must_use]
    pub fn concurrent(mut self, answers: usize) -> Self {
        self.concurrent = Some(answers);
        self
    }

    /// Limits how many questions one account can ask in a while.
    #[must_use]
    pub fn rate(mut self, questions: usize, window: Duration) -> Self {
        self.rate = Some((questions, window));
        self
    }

    /// Sets the seed of the answers' texts.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }
}
