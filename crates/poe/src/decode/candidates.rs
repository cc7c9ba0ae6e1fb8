//! Bots' messages of which it is not known yet whether they are the answer.

use std::collections::BTreeMap;

use super::answer_text::{AnswerText, Missing};
use super::exchange::MessageId;
use super::tap_message::MessageUpdate;

/// The number of messages that are kept. More would be other chats'.
const MAX_CANDIDATES: usize = 256;

/// Messages that may turn out to be the answer, as they are now; the oldest first.
#[derive(Debug, Default)]
pub(super) struct Candidates(BTreeMap<(MessageId, Option<String>), Candidate>);

#[derive(Debug, Default)]
struct Candidate {
    text: AnswerText,
    /// The last update, for everything but the text.
    last: MessageUpdate,
}

impl Candidates {
    /// Takes an update of a bot's message in any chat.
    ///
    /// # Errors
    /// Something of the message's text is missing.
    pub(super) fn keep(&mut self, update: &MessageUpdate) -> Result<(), Missing> {
        if update.keep.is_none() {
            return Ok(());
        }
        let key = (MessageId::new(&update.id), update.chat.clone());
        let candidate = self.0.entry(key).or_default();
        candidate.text.update(update, false, |_| false)?;
        let last = std::mem::replace(&mut candidate.last, update.clone());
        let now = &mut candidate.last;
        now.chat = now.chat.take().or(last.chat);
        now.author = now.author.take().or(last.author);
        now.state = now.state.take().or(last.state);
        now.job = now.job.take().or(last.job);
        now.handle = now.handle.take().or(last.handle);
        if self.0.len() > MAX_CANDIDATES {
            tracing::debug!("too many messages of other chats; the oldest is not followed");
            self.0.pop_first();
        }
        Ok(())
    }

    /// The last update of each.
    pub(super) fn iter(&self) -> impl Iterator<Item = &MessageUpdate> {
        self.0.values().map(|candidate| &candidate.last)
    }

    /// All of them, each as one update from the beginning of its text; none is left.
    pub(super) fn take_all(&mut self) -> impl Iterator<Item = MessageUpdate> + use<> {
        std::mem::take(&mut self.0).into_values().map(|Candidate { text, last }| MessageUpdate {
            keep: Some(0),
            text: text.shown().to_owned(),
            ..last
        })
    }

    /// Forgets all of them.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
