//! Which chat holds which conversation, so that its next turn goes there.
//!
//! Clients of chat APIs send the whole conversation with each turn. Where its beginning is one
//! that was answered here, only what is new need be typed, in the chat that has the rest. No text
//! is kept, only a hash under a key of this process.

use std::collections::VecDeque;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::{Mutex, PoisonError};

use lenore_provider::{Message, Role};

/// How many conversations are known at once; the one that rested longest is forgotten.
const KNOWN: usize = 1000;

/// The conversations that can go on.
#[derive(Debug, Default)]
pub(crate) struct Conversations {
    keys: [RandomState; 2],
    known: Mutex<VecDeque<(Hashed, Chat)>>,
}

/// A conversation's hash.
type Hashed = [u64; 2];

/// A conversation that goes on.
#[derive(Debug)]
pub(crate) struct Continuation {
    hashed: Hashed,
    pub(crate) chat: Chat,
    /// How many of its messages the chat has.
    pub(crate) length: usize,
}

/// Where a conversation stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chat {
    /// The chat's code.
    pub(crate) code: String,
    /// `messageId` of the answer that the conversation ends with.
    pub(crate) answer: String,
}

impl Conversations {
    /// The chat that has all messages up to the last answer. It is taken: the chat goes on, and
    /// another branch of the same beginning needs a chat of its own.
    pub(crate) fn take(&self, bot: &str, messages: &[Message]) -> Option<Continuation> {
        let length = messages.iter().rposition(|message| message.role == Role::Assistant)? + 1;
        if length == messages.len() {
            return None;
        }
        let hashed = self.hash(bot, &messages[..length], None);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let at = known.iter().rposition(|(there, _)| *there == hashed)?;
        known.remove(at).map(|(hashed, chat)| Continuation { hashed, chat, length })
    }

    /// Takes back a conversation that has not gone on after all.
    pub(crate) fn put_back(&self, Continuation { hashed, chat, .. }: Continuation) {
        self.keep(hashed, chat);
    }

    /// Remembers which chat holds a conversation and its newest answer.
    pub(crate) fn remember(&self, bot: &str, messages: &[Message], answer: &str, chat: Chat) {
        self.keep(self.hash(bot, messages, Some(answer)), chat);
    }

    fn keep(&self, hashed: Hashed, chat: Chat) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.push_back((hashed, chat));
        if known.len() > KNOWN {
            known.pop_front();
        }
    }

    /// White space around a text is not told apart: clients trim it.
    fn hash(&self, bot: &str, messages: &[Message], answer: Option<&str>) -> Hashed {
        self.keys.each_ref().map(|key| {
            let mut hasher = key.build_hasher();
            bot.hash(&mut hasher);
            for message in messages {
                (message.role, message.content.trim()).hash(&mut hasher);
            }
            if let Some(answer) = answer {
                (Role::Assistant, answer.trim()).hash(&mut hasher);
            }
            hasher.finish()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chat(code: &str) -> Chat {
        Chat { code: code.into(), answer: "7".into() }
    }

    fn conversation(texts: &[&str]) -> Vec<Message> {
        let roles = [Role::User, Role::Assistant].into_iter().cycle();
        roles.zip(texts).map(|(role, text)| Message::new(role, *text)).collect()
    }

    #[test]
    fn the_next_turn_finds_its_chat_once() {
        let known = Conversations::default();
        known.remember("GPT-4", &conversation(&["Hi"]), "Hello.\n", chat("a"));
        let next = conversation(&["Hi", "Hello.", "Why?"]);
        let found = known.take("GPT-4", &next).expect("known");
        assert_eq!((&found.chat, found.length), (&chat("a"), 2));
        assert!(known.take("GPT-4", &next).is_none(), "a second branch");
        known.put_back(found);
        assert!(known.take("GPT-4", &next).is_some());
    }

    #[test]
    fn what_differs_is_another_conversation() {
        let known = Conversations::default();
        known.remember("GPT-4", &conversation(&["Hi"]), "Hello.", chat("a"));
        for other in [&["Hi!", "Hello.", "Why?"], &["Hi", "Hullo.", "Why?"]] {
            assert!(known.take("GPT-4", &conversation(other)).is_none());
        }
        let next = conversation(&["Hi", "Hello.", "Why?"]);
        assert!(known.take("Claude", &next).is_none());
        assert!(known.take("GPT-4", &next[..2]).is_none(), "nothing is new");
        assert!(known.take("GPT-4", &next[..1]).is_none());
        let mut instructed = vec![Message::system("Be brief.")];
        instructed.extend(next);
        assert!(known.take("GPT-4", &instructed).is_none());
    }

    #[test]
    fn roles_and_borders_of_texts_count() {
        let known = Conversations::default();
        known.remember("b", &[Message::user("ab"), Message::user("c")], "x", chat("a"));
        let shifted =
            [Message::user("a"), Message::user("bc"), Message::assistant("x"), Message::user("y")];
        assert!(known.take("b", &shifted).is_none());
    }

    #[test]
    fn the_oldest_is_forgotten() {
        let known = Conversations::default();
        for n in 0..=KNOWN {
            known.remember("b", &conversation(&[&n.to_string()]), "x", chat("a"));
        }
        assert!(known.take("b", &conversation(&["0", "x", "y"])).is_none());
        assert!(known.take("b", &conversation(&["1", "x", "y"])).is_some());
    }
}
