//! One case: what drifts, what is asked, and what came of it.

use std::fmt;
use std::time::Duration;

use lenore_provider::ErrorKind;
use lenore_sim::{Drift, Edition, Fact};

/// The longest time that a case may take.
pub(crate) const LONGEST: Duration = Duration::from_secs(10);

/// What drifts, and in which situation a question is asked.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) edition: Edition,
    pub(crate) drifts: Vec<Drift>,
    /// Whether updates are lost on the way, so that the chat must be read again.
    pub(crate) rereads: bool,
}

/// What came of a case.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    /// The answer is the site's, to the character.
    Exact,
    /// An error, of this kind and with these words.
    Named(ErrorKind, String),
    /// Another text, or an end without one.
    Wrong(String),
    /// No end in time.
    Late(Duration),
    /// The site has taken the question so often.
    Repeated(usize),
}

/// Whether a fact plays a part when a question is asked, or its chat is read again.
pub(crate) fn is_asked(fact: &Fact) -> bool {
    matches!(&*fact.scene, "ask" | "reread")
}

impl Case {
    pub(crate) fn new(edition: Edition, scene: &str, drifts: Vec<Drift>) -> Self {
        Self { edition, drifts, rereads: scene == "reread" }
    }

    /// The directives of the question for the local site.
    pub(crate) fn directives(&self) -> &'static str {
        match self.rereads {
            true => "[[sim: length=300, chunks=10, gap=60, drop-socket=5]]",
            false => "[[sim: length=300, chunks=8, gap=40]]",
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.edition)?;
        self.drifts.iter().try_for_each(|drift| write!(out, " {drift}"))
    }
}

impl Outcome {
    /// Whether it is one that no drift excuses.
    pub(crate) fn is_bad(&self) -> bool {
        !matches!(self, Self::Exact | Self::Named(..))
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact => write!(out, "exact"),
            Self::Named(kind, words) => write!(out, "{kind}: {words}"),
            Self::Wrong(what) => write!(out, "WRONG: {what}"),
            Self::Late(time) => write!(out, "LATE: {time:.1?}"),
            Self::Repeated(count) => write!(out, "SENT {count} TIMES"),
        }
    }
}
