//! How conversations are told apart without keeping what was said.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};

use crate::{Message, Role};

/// Hashes conversations under keys that no other process has, and that no hash tells of a text.
#[derive(Debug, Default)]
pub struct ConversationHasher([RandomState; 2]);

/// What stands for a conversation: 128 bits, of use to its [`ConversationHasher`] alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConversationHash([u64; 2]);

impl ConversationHasher {
    /// The hash of a conversation at some place, such as a bot's name. `answer` is one more message
    /// of the assistant's. White space around a text is not told apart: clients trim it.
    pub fn hash(
        &self,
        place: impl Hash,
        messages: &[Message],
        answer: Option<&str>,
    ) -> ConversationHash {
        ConversationHash(self.0.each_ref().map(|key| {
            let mut hasher = key.build_hasher();
            place.hash(&mut hasher);
            for message in messages {
                (message.role, message.content.trim()).hash(&mut hasher);
            }
            if let Some(answer) = answer {
                (Role::Assistant, answer.trim()).hash(&mut hasher);
            }
            hasher.finish()
        }))
    }

    /// How many messages the conversation had when it was last answered; `None` where it never
    /// was, or nothing is new since.
    pub fn answered(messages: &[Message]) -> Option<usize> {
        let length = messages.iter().rposition(|message| message.role == Role::Assistant)? + 1;
        (length < messages.len()).then_some(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_borders_and_places_count_and_space_around_does_not() {
        let hasher = ConversationHasher::default();
        let said = [Message::user("ab"), Message::user("c"), Message::assistant("x")];
        let hash = hasher.hash("bot", &said, None);
        assert_eq!(hasher.hash("bot", &said[..2], Some(" x\n")), hash);
        let shifted = [Message::user("a"), Message::user("bc"), Message::assistant("x")];
        assert_ne!(hasher.hash("bot", &shifted, None), hash);
        let turned = [Message::user("ab"), Message::assistant("c"), Message::assistant("x")];
        assert_ne!(hasher.hash("bot", &turned, None), hash);
        assert_ne!(hasher.hash("other", &said, None), hash);
        assert_ne!(ConversationHasher::default().hash("bot", &said, None), hash);
    }

    #[test]
    fn what_is_new_comes_after_the_last_answer() {
        let said = [Message::user("a"), Message::assistant("b"), Message::user("c")];
        assert_eq!(ConversationHasher::answered(&said), Some(2));
        assert_eq!(ConversationHasher::answered(&said[..2]), None);
        assert_eq!(ConversationHasher::answered(&said[..1]), None);
    }
}
