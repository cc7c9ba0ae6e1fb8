//! Which answer a conversation goes on from, in the forms in which clients send it back.
//!
//! A provider knows its answers by what the bot wrote. A client has them as it was told them: calls
//! as their parts, JSON without its fence, a mended answer without the first try, and, where a
//! stream was rewritten, all that came. No text is kept, only a hash under a key of this process.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lenore_provider::{ConversationHash, ConversationHasher, Earlier, Message};

use crate::links::Place;

/// As many forms are known; the oldest are forgotten.
const MOST: usize = 2_000;

/// The points at which conversations can go on.
#[derive(Debug, Default)]
pub(crate) struct Points {
    hasher: ConversationHasher,
    known: Mutex<VecDeque<Point>>,
}

#[derive(Debug)]
struct Point {
    hashed: ConversationHash,
    chat: String,
    message: String,
}

impl Points {
    /// The answer that the last messages follow, where it is known. Whether its chat has not gone
    /// on since is the provider's to know.
    pub(crate) fn find(&self, place: &Place, messages: &[Message]) -> Option<Earlier> {
        let length = ConversationHasher::answered(messages)?;
        let hashed = self.hasher.hash(place, &messages[..length], None);
        let known = self.known();
        let Point { chat, message, .. } = known.iter().rfind(|point| point.hashed == hashed)?;
        Some(Earlier { chat: chat.clone(), message: message.clone(), length })
    }

    /// A conversation stands at this message of a chat, with an answer that has any of these forms.
    pub(crate) fn add<'a>(
        &self,
        place: &Place,
        messages: &[Message],
        forms: impl IntoIterator<Item = &'a str>,
        (chat, message): (&str, &str),
    ) {
        let hashed = forms.into_iter().map(|form| self.hasher.hash(place, messages, Some(form)));
        let mut hashed: Vec<_> = hashed.collect();
        hashed.dedup();
        let mut known = self.known();
        // A chat goes on at its end alone.
        known.retain(|old| old.chat != chat);
        known.extend(hashed.into_iter().map(|hashed| Point {
            hashed,
            chat: chat.to_owned(),
            message: message.to_owned(),
        }));
        let too_many = known.len().saturating_sub(MOST);
        known.drain(..too_many);
    }

    fn known(&self) -> MutexGuard<'_, VecDeque<Point>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use lenore_provider::Role;

    use super::*;

    fn place(owner: &str, model: &str) -> Place {
        Place { owner: Some(owner.into()), provider: "web".into(), model: model.into() }
    }

    fn conversation(texts: &[&str]) -> Vec<Message> {
        let roles = [Role::User, Role::Assistant].into_iter().cycle();
        roles.zip(texts).map(|(role, text)| Message::new(role, *text)).collect()
    }

    #[test]
    fn each_form_of_an_answer_leads_to_it() {
        let points = Points::default();
        let at = place("ada", "raven");
        points.add(&at, &conversation(&["Hi"]), ["Hello.", "Hullo.\n\nHello."], ("c", "7"));
        for form in ["Hello.", "Hullo.\n\nHello.\n"] {
            let found = points.find(&at, &conversation(&["Hi", form, "Why?"])).expect("known");
            assert_eq!((&*found.chat, &*found.message, found.length), ("c", "7", 2));
        }
        let next = conversation(&["Hi", "Hello.", "Why?"]);
        assert!(points.find(&place("bob", "raven"), &next).is_none(), "another caller");
        assert!(points.find(&place("ada", "crow"), &next).is_none(), "another model");
        let nothing_new: &[&str] = &["Hi", "Hello."];
        for other in [&["Ho", "Hello.", "Why?"], &["Hi", "Hello!", "Why?"], nothing_new, &["Hi"]] {
            assert!(points.find(&at, &conversation(other)).is_none(), "{other:?}");
        }
    }

    #[test]
    fn a_chat_is_known_by_its_last_answer_alone() {
        let points = Points::default();
        let at = place("ada", "raven");
        points.add(&at, &conversation(&["Hi"]), ["Hello."], ("c", "7"));
        points.add(&at, &conversation(&["Hi", "Hello.", "Why?"]), ["So."], ("c", "9"));
        assert!(points.find(&at, &conversation(&["Hi", "Hello.", "How?"])).is_none());
        let next = conversation(&["Hi", "Hello.", "Why?", "So.", "Ah."]);
        assert_eq!(points.find(&at, &next).map(|found| found.message), Some("9".to_owned()));
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let points = Points::default();
        let at = place("ada", "raven");
        for n in 0..=MOST {
            let n = n.to_string();
            points.add(&at, &conversation(&[&n]), ["x"], (&n, "7"));
        }
        assert!(points.find(&at, &conversation(&["0", "x", "y"])).is_none());
        assert!(points.find(&at, &conversation(&["1", "x", "y"])).is_some());
    }
}
