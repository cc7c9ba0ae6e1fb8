//! Which chat holds which conversation, so that its next turn goes there.
//!
//! Clients of chat APIs send the whole conversation with each turn. Where its beginning is one
//! that was answered here, only what is new need be typed, in the chat that has the rest. No text
//! is kept, only a hash under a key of this process.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lenore_provider::{ConversationHash, ConversationHasher, Earlier, Message};
use tokio::sync::watch;

/// How many chats are known at once; the one that rested longest is forgotten.
const KNOWN: usize = 1000;

/// The chats that can go on, each at its end.
#[derive(Debug, Default)]
pub(crate) struct Conversations {
    hasher: ConversationHasher,
    known: Mutex<VecDeque<Known>>,
}

/// A chat that can go on.
#[derive(Debug)]
pub(crate) struct Known {
    bot: String,
    /// The conversation that it holds; `None` where it holds more than was told here.
    hashed: Option<ConversationHash>,
    pub(crate) chat: Chat,
    /// Ends once the last answer of the chat has been stopped; `None` where it was complete.
    stopping: Option<watch::Receiver<()>>,
}

impl Known {
    /// Waits until the chat's last answer has been stopped, where it is being stopped.
    pub(crate) async fn until_stopped(&self) {
        if let Some(mut stopping) = self.stopping.clone() {
            while stopping.changed().await.is_ok() {}
        }
    }
}

/// Held while the last answer of a chat is being stopped.
#[derive(Debug)]
pub(crate) struct Stopping(#[expect(dead_code, reason = "held")] watch::Sender<()>);

/// A conversation that goes on.
#[derive(Debug)]
pub(crate) struct Continuation {
    pub(crate) known: Known,
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
        let length = ConversationHasher::answered(messages)?;
        let hashed = self.hasher.hash(bot, &messages[..length], None);
        let known = self.take_first(|known| known.hashed == Some(hashed))?;
        Some(Continuation { known, length })
    }

    /// The same by the place of that answer, as the caller knows it.
    pub(crate) fn take_at(&self, bot: &str, place: &Earlier) -> Option<Continuation> {
        let is_it = |known: &Known| {
            let Chat { code, answer } = &known.chat;
            known.bot == bot && *code == place.chat && *answer == place.message
        };
        let known = self.take_first(is_it)?;
        Some(Continuation { known, length: place.length })
    }

    /// Takes back a conversation that has not gone on after all.
    pub(crate) fn put_back(&self, continuation: Continuation) {
        self.keep(continuation.known);
    }

    /// Remembers which chat holds a conversation and its newest answer.
    pub(crate) fn remember(&self, bot: &str, messages: &[Message], answer: &str, chat: Chat) {
        let hashed = Some(self.hasher.hash(bot, messages, Some(answer)));
        self.keep(Known { bot: bot.to_owned(), hashed, chat, stopping: None });
    }

    /// Remembers where a chat ends that holds more than was told here.
    pub(crate) fn remember_end(&self, bot: &str, chat: Chat) {
        self.keep(Known { bot: bot.to_owned(), hashed: None, chat, stopping: None });
    }

    /// Remembers the chat of an answer that is being stopped, by what has come of it where the
    /// conversation is known. Whoever goes on there waits until what is returned is dropped.
    pub(crate) fn remember_stopped(
        &self,
        bot: &str,
        said: Option<(&[Message], &str)>,
        chat: Chat,
    ) -> Stopping {
        let (stopping, stopped) = watch::channel(());
        let hashed = said.map(|(messages, text)| self.hasher.hash(bot, messages, Some(text)));
        self.keep(Known { bot: bot.to_owned(), hashed, chat, stopping: Some(stopped) });
        Stopping(stopping)
    }

    /// A chat has one end, so that what was known of it before is void.
    fn keep(&self, newest: Known) {
        let mut known = self.known();
        known.retain(|old| old.chat.code != newest.chat.code);
        known.push_back(newest);
        if known.len() > KNOWN {
            known.pop_front();
        }
    }

    fn take_first(&self, is_it: impl Fn(&Known) -> bool) -> Option<Known> {
        let mut known = self.known();
        let at = known.iter().rposition(is_it)?;
        known.remove(at)
    }

    fn known(&self) -> MutexGuard<'_, VecDeque<Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use lenore_provider::Role;

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
        assert_eq!((&found.known.chat, found.length), (&chat("a"), 2));
        assert!(known.take("GPT-4", &next).is_none(), "a second branch");
        known.put_back(found);
        assert!(known.take("GPT-4", &next).is_some());
    }

    #[test]
    fn who_knows_the_place_of_the_answer_needs_no_words() {
        let known = Conversations::default();
        let place = |chat: &str, message: &str| Earlier {
            chat: chat.into(),
            message: message.into(),
            length: 2,
        };
        known.remember("GPT-4", &conversation(&["Hi"]), "Hello.", chat("a"));
        assert!(known.take_at("Claude", &place("a", "7")).is_none(), "another bot");
        assert!(known.take_at("GPT-4", &place("b", "7")).is_none(), "another chat");
        assert!(known.take_at("GPT-4", &place("a", "6")).is_none(), "not its end");
        let found = known.take_at("GPT-4", &place("a", "7")).expect("known");
        assert_eq!((&found.known.chat, found.length), (&chat("a"), 2));
        // Both ways lead to one chat, which goes on once.
        let next = conversation(&["Hi", "Hello.", "Why?"]);
        assert!(known.take("GPT-4", &next).is_none());
        assert!(known.take_at("GPT-4", &place("a", "7")).is_none());
        known.put_back(found);
        assert!(known.take("GPT-4", &next).is_some());

        // What was asked in a chat that somebody named is found by its place alone, and what the
        // chat ended with before is no end any more.
        known.remember("GPT-4", &conversation(&["Hi"]), "Hello.", chat("a"));
        known.remember_end("GPT-4", Chat { code: "a".into(), answer: "9".into() });
        assert!(known.take("GPT-4", &next).is_none());
        assert!(known.take_at("GPT-4", &place("a", "7")).is_none());
        assert!(known.take_at("GPT-4", &place("a", "9")).is_some());
    }

    #[tokio::test]
    async fn who_goes_on_from_a_stopped_answer_waits_until_it_has_stopped() {
        let known = Conversations::default();
        let said = conversation(&["Hi"]);
        let stopping = known.remember_stopped("GPT-4", Some((&said, "Hel")), chat("a"));
        let next = conversation(&["Hi", "Hel", "Go on"]);
        let found = known.take("GPT-4", &next).expect("known by what has come");
        assert!(found.known.until_stopped().now_or_never().is_none(), "it runs");
        drop(stopping);
        assert!(found.known.until_stopped().now_or_never().is_some());
        // Where the chat was named, its place alone leads to it.
        drop(known.remember_stopped("GPT-4", None, chat("b")));
        let place = Earlier { chat: "b".into(), message: "7".into(), length: 2 };
        assert!(known.take_at("GPT-4", &place).is_some());
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
    fn the_oldest_is_forgotten() {
        let known = Conversations::default();
        for n in 0..=KNOWN {
            let n = n.to_string();
            known.remember("b", &conversation(&[&n]), "x", chat(&n));
        }
        assert!(known.take("b", &conversation(&["0", "x", "y"])).is_none());
        assert!(known.take("b", &conversation(&["1", "x", "y"])).is_some());
    }
}
