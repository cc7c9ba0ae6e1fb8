//! What the bot of a chat was told of instructions, tools and formats, so that it is told once.
//!
//! No text is kept, only a hash under a key of this process.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lenore_provider::{ConversationHash, ConversationHasher, Message};

use crate::links::Place;

/// So many chats are known; the oldest are forgotten, and told again.
const MOST: usize = 10_000;

/// What was told last, by chat.
#[derive(Debug, Default)]
pub(crate) struct Told {
    hasher: ConversationHasher,
    known: Mutex<VecDeque<(String, ConversationHash)>>,
}

impl Told {
    /// What stands for these texts.
    pub(crate) fn hash(&self, place: &Place, texts: &[Message]) -> ConversationHash {
        self.hasher.hash(place, texts, None)
    }

    /// Whether this is what was told last in the chat.
    pub(crate) fn has(&self, chat: &str, told: ConversationHash) -> bool {
        self.known().iter().any(|(known, last)| known == chat && *last == told)
    }

    /// It was told in the chat.
    pub(crate) fn add(&self, chat: &str, told: ConversationHash) {
        let mut known = self.known();
        known.retain(|(old, _)| old != chat);
        if known.len() == MOST {
            known.pop_front();
        }
        known.push_back((chat.to_owned(), told));
    }

    fn known(&self) -> MutexGuard<'_, VecDeque<(String, ConversationHash)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_last_counts() {
        let told = Told::default();
        let place = Place { owner: None, provider: "web".into(), model: "a".into() };
        let [one, two] =
            ["Be brief.", "Be long."].map(|text| told.hash(&place, &[Message::system(text)]));
        told.add("c", one);
        assert!(told.has("c", one) && !told.has("c", two) && !told.has("d", one));
        told.add("c", two);
        assert!(told.has("c", two) && !told.has("c", one));
    }
}
