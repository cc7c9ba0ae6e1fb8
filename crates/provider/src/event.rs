//! What comes back while a bot answers, and how it folds into a text.

/// A step of an answer.
///
/// A stream of events that ends well ends with exactly one [`Event::Finished`]. One that ends
/// otherwise ends with an [`Error`](crate::Error).
#[derive(Clone, Debug, PartialEq)]
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
    Delta(String),
    /// The site rewrote its answer: keep the beginning, then append.
    Replace {
        /// How many characters (Unicode scalar values) of the text so far stay.
        keep: usize,
        /// What follows them.
        text: String,
    },
    /// A passing notice such as "Thinking…". Never part of the answer.
    Status(String),
    /// A file that the bot made.
    Attachment {
        /// The file's name.
        name: String,
        /// Where the site keeps it.
        url: String,
    },
    /// A reply that the site suggests.
    Suggestion(String),
    /// The name that the site gave to the chat.
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FinishReason {
    /// The site said that the answer is complete.
    Complete,
}

impl FinishReason {
    /// The reason's name in machine-readable output, in snake case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
        }
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
            Event::Delta("na".into()),
            Event::Delta("ïve 🙂 text".into()),
            Event::Replace { keep: 6, text: "🙃".into() },
        ];
        assert_eq!(fold(&events), "naïve 🙃");
    }

    #[test]
    fn a_replace_may_shrink_to_nothing_or_keep_all() {
        let whole = Event::Delta("abc".into());
        assert_eq!(fold(&[whole.clone(), Event::Replace { keep: 0, text: String::new() }]), "");
        assert_eq!(fold(&[whole, Event::Replace { keep: 3, text: "d".into() }]), "abcd");
    }
}
