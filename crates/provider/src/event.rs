//! What comes back while a bot answers, and how it folds into a text.

use serde::{Deserialize, Serialize};

/// A step of an answer.
///
/// A stream of events that ends well ends with exactly one [`Event::Finished`]. One that ends
/// otherwise ends with an [`Error`](crate::Error).
///
/// Its JSON is an object with the variant's name in snake case as `type` and the fields beside it;
/// a text alone is `text`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// The site has taken the question and the answer has its place.
    Started {
        /// The chat, in the form that [`ChatRequest::chat`](crate::ChatRequest::chat) takes.
        chat: String,
        /// The site's name of the answer's message.
        message: String,
        /// The bot that answers, as the site names it.
        bot: String,
    },
    /// Text to append.
    #[serde(with = "text")]
    Delta(String),
    /// The site rewrote its answer: keep the beginning, then append.
    Replace {
        /// How many characters (Unicode scalar values) of the text so far stay.
        keep: usize,
        /// What follows them.
        text: String,
    },
    /// A passing notice such as "Thinking…". Never part of the answer.
    #[serde(with = "text")]
    Status(String),
    /// What the bot thinks aloud, apart from its answer, to append to its thoughts so far. Never
    /// part of the answer.
    #[serde(with = "text")]
    Thought(String),
    /// A file that the bot made.
    Attachment {
        /// The file's name.
        name: String,
        /// Where the site keeps it.
        url: String,
    },
    /// A reply that the site suggests.
    #[serde(with = "text")]
    Suggestion(String),
    /// The name that the site gave to the chat.
    #[serde(with = "text")]
    Title(String),
    /// What the answer cost, in the site's compute points.
    Cost {
        /// Points.
        points: u64,
    },
    /// The end; nothing follows.
    Finished {
        /// Why it ended.
        reason: FinishReason,
    },
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FinishReason {
    /// The site said that the answer is complete.
    Complete,
    /// The answer reached the longest that the service gives.
    Length,
}

impl FinishReason {
    /// The reason's name in machine-readable output, in snake case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Length => "length",
        }
    }
}

/// A text alone, as the JSON object `{"text": …}`.
mod text {
    use std::borrow::Cow;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Text<'a> {
        text: Cow<'a, str>,
    }

    pub(super) fn serialize<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
        Text { text: text.into() }.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
        Text::deserialize(from).map(|found| found.text.into_owned())
    }
}

/// The text that a sequence of [`Event`]s adds up to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transcript {
    text: String,
}

impl Transcript {
    /// Takes one event. Those that carry no text change nothing.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::Delta(text) => self.text.push_str(text),
            Event::Replace { keep, text } => {
                if let Some((at, _)) = self.text.char_indices().nth(*keep) {
                    self.text.truncate(at);
                }
                self.text.push_str(text);
            }
            _ => {}
        }
    }

    /// The text so far.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text, owned.
    pub fn into_text(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fold(events: &[Event]) -> String {
        let mut transcript = Transcript::default();
        events.iter().for_each(|event| transcript.apply(event));
        transcript.into_text()
    }

    #[test]
    fn deltas_append_and_a_replace_keeps_characters_not_bytes() {
        let events = [
            Event::Status("Thinking…".into()),
            Event::Thought("A word with a diaeresis.".into()),
            Event::Delta("na".into()),
            Event::Delta("ïve 🙂 text".into()),
            Event::Replace { keep: 6, text: "🙃".into() },
        ];
        assert_eq!(fold(&events), "naïve 🙃");
    }

    #[test]
    fn every_event_reads_back_from_its_json() {
        let events = [
            Event::Started { chat: "c".into(), message: "1".into(), bot: "b".into() },
            Event::Delta("\u{1f642}\n".into()),
            Event::Replace { keep: 3, text: "x".into() },
            Event::Status("Thinking…".into()),
            Event::Thought("Let me see".into()),
            Event::Attachment { name: "a".into(), url: "u".into() },
            Event::Suggestion("Why?".into()),
            Event::Title("t".into()),
            Event::Cost { points: 3 },
            Event::Finished { reason: FinishReason::Length },
        ];
        for event in events {
            let json = serde_json::to_string(&event).expect("plain data");
            assert_eq!(serde_json::from_str::<Event>(&json).expect(&json), event);
        }
        let delta = serde_json::to_value(Event::Delta("x".into())).expect("plain data");
        assert_eq!(delta, serde_json::json!({ "type": "delta", "text": "x" }));
    }

    #[test]
    fn a_replace_may_shrink_to_nothing_or_keep_all() {
        let whole = Event::Delta("abc".into());
        assert_eq!(fold(&[whole.clone(), Event::Replace { keep: 0, text: String::new() }]), "");
        assert_eq!(fold(&[whole, Event::Replace { keep: 3, text: "d".into() }]), "abcd");
    }
}
