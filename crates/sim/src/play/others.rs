//! What else is on the channel: another chat of the account, older messages, noise.

use serde_json::json;

use super::Player;
use crate::bots;
use crate::wire::global_id;
use crate::world::Exchange;

/// Entries that a client must survive: what they mean, nobody knows.
pub(super) const NOISE: &[&str] = &[
    "this is not JSON",
    "{\"message_type\":",
    "null",
    "[]",
    "{\"message_type\":\"somethingNew\",\"payload\":{\"a\":[1,2,3]}}",
    "{\"message_type\":\"subscriptionUpdate\"}",
    "{\"message_type\":\"subscriptionUpdate\",\"payload\":{\"subscription_name\":\"messageAdded\",\"unique_id\":\"messageAdded:\",\"data\":{\"messageAdded\":null}}}",
    "{\"message_type\":\"subscriptionUpdate\",\"payload\":{\"subscription_name\":\"viewerStateUpdated\",\"unique_id\":\"viewerStateUpdated:0\",\"data\":{\"viewerStateUpdated\":{\"id\":\"x\"}}}}",
    "{\"message_type\":\"subscriptionUpdate\",\"payload\":{\"subscription_name\":\"brandNewThing\",\"unique_id\":\"brandNewThing\",\"data\":{\"brandNewThing\":7}}}",
];

/// Whole frames of the same kind.
pub(super) const NOISY_FRAMES: &[&str] =
    &["ping", "{}", "{\"messages\":7}", "{\"messages\":[],\"min_seq\":0}", "[1]"];

/// Another chat of the account that is answered at the same time.
pub(super) struct Other {
    chat: u64,
    answer: u64,
}

impl Player {
    pub(super) fn stale(&mut self) -> Option<()> {
        let Exchange { chat, question, .. } = self.exchange;
        let world = self.site.world();
        let messages = &world.chat(chat)?.messages;
        let older = messages.iter().rev().filter(|message| message.id < question);
        let wire = &self.site.wire;
        let again = |message| wire.entry("messageAdded", chat, wire.update(message));
        self.waiting.extend(older.take(2).map(again));
        Some(())
    }

    /// The question is edited, and something older than it is deleted.
    pub(super) fn edit(&mut self) -> Option<()> {
        let Exchange { chat, question, .. } = self.exchange;
        let entries = {
            let wire = &self.site.wire;
            let mut world = self.site.world();
            let chat = world.chat_mut(chat)?;
            let message = chat.message_mut(question)?;
            message.is_edited = true;
            let edited = wire.entry("messageEdited", self.exchange.chat, wire.update(message));
            let mut older = chat.messages.iter_mut().rev();
            let older = older.find(|message| message.id < question && !message.is_deleted)?;
            older.is_deleted = true;
            let id = global_id("Message", older.id);
            let gone = json!({ "id": id, "messageId": wire.id(older.id), "isDeleted": true });
            [edited, wire.entry("messageDeletedV2", self.exchange.chat, gone)]
        };
        self.waiting.extend(entries);
        self.flush();
        Some(())
    }

    /// Another tab's question, then its answer, part by part.
    pub(super) fn another_chat(&mut self, part: usize, last: bool) -> Option<()> {
        const WORDS: &[&str] =
            &["Meanwhile", "in", "another", "tab,", "somebody", "asked", "something", "else."];
        let other = match self.other.take() {
            Some(other) => other,
            None => self.open_another_chat()?,
        };
        let word = WORDS[part % WORDS.len()];
        let text = if part == 0 { word.to_owned() } else { format!(" {word}") };
        let entry = {
            let mut world = self.site.world();
            let chat = world.chat_mut(other.chat)?;
            let message = chat.message_mut(other.answer)?;
            message.text.push_str(&text);
            if last {
                message.state = "complete".to_owned();
                chat.running = None;
            }
            let answer = chat.message_mut(other.answer)?;
            self.site.wire.entry("messageAdded", other.chat, self.site.wire.update(answer))
        };
        self.waiting.push(entry);
        self.other = Some(other);
        Some(())
    }

    fn open_another_chat(&mut self) -> Option<Other> {
        let bot = bots::find(bots::DEFAULT).unwrap_or(self.bot);
        let mut world = self.site.world();
        let chat = world.open_chat(self.account.number, bot).id;
        world.chat_mut(chat)?.title = Some("Another tab".to_owned());
        let nonce = world.word(16);
        let question = world.add(chat, "human", "A question from another tab", "complete")?;
        question.nonce = Some(nonce);
        let wire = &self.site.wire;
        let echo = wire.entry("messageAdded", chat, wire.update(question));
        let answer = world.add(chat, bot.author, "", "incomplete")?.id;
        self.waiting.push(echo);
        Some(Other { chat, answer })
    }
}
