//! What of the site's facts is needed to understand an answer.

use std::borrow::Cow;
use std::sync::Arc;

use lenore_provider::ErrorKind;
use regex_lite::Regex;

use crate::Site;
use crate::site::{Failure, States};

/// The words by which an answer is understood.
#[derive(Clone, Debug)]
pub struct WireFacts {
    /// The texts that are notices while an answer grows.
    pub(super) placeholders: Arc<[Regex]>,
    pub(super) states: Arc<States>,
    refusals: Arc<[Failure]>,
    success: Arc<[String]>,
    /// The handles of bots that are known.
    pub(super) bots: Arc<[String]>,
}

impl WireFacts {
    /// Those of a site. Its patterns have been checked before; one that does not parse matches
    /// nothing.
    pub fn of(site: &Site) -> Self {
        let patterns = site.placeholders.iter().filter_map(|pattern| Regex::new(pattern).ok());
        Self {
            placeholders: patterns.collect(),
            states: Arc::new(site.states.clone()),
            refusals: site.refusals.clone().into(),
            success: site.wire.success.clone().into(),
            bots: site.models.values().cloned().collect(),
        }
    }

    /// Whether a reply's status says that the question is taken.
    pub(super) fn is_success(&self, status: &str) -> bool {
        self.success.iter().any(|known| known == status)
    }

    /// What a reply's status says against a question or a file.
    pub(super) fn refusal(&self, status: &str) -> Option<(ErrorKind, Cow<'static, str>)> {
        let known = self.refusals.iter().find(|known| known.matches(status))?;
        Some((known.kind, known.advice.clone().into()))
    }

    /// Whether a text is a passing notice.
    pub(super) fn is_notice(&self, text: &str) -> bool {
        text.len() < 100 && self.placeholders.iter().any(|known| known.is_match(text))
    }
}
