//! What a program asks for.

use std::any::Any;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Message;

/// One question to a bot, with everything that belongs to it.
///
/// ```
/// use lenore_provider::{ChatRequest, Message};
///
/// let request = ChatRequest::new("gpt-4", vec![Message::user("Say hello")]);
/// assert!(request.stream);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatRequest {
    /// The model's name. Empty means the provider's default.
    pub model: String,
    /// The conversation, oldest first; the last message is the one to answer.
    pub messages: Vec<Message>,
    /// Whether the answer comes as it grows (`true`) or in one piece when it is complete.
    pub stream: bool,
    /// Files that are uploaded with the prompt.
    pub attachments: Vec<PathBuf>,
    /// The chat to continue, as [`Event::Started`](crate::Event::Started) named it; `None` opens
    /// a new one.
    pub chat: Option<String>,
    /// Whether a conversation that the provider itself had may go on in its chat, where the
    /// messages before the last are exactly that conversation. Else they are sent as one prompt.
    pub resume: bool,
    /// An answer in the conversation whose place the caller knows, so that it can go on there even
    /// where the messages have that answer in another form. Counts only with `resume`; where the
    /// provider does not know that place as the end of a chat, the messages are sent as one prompt.
    #[serde(default)]
    pub earlier: Option<Earlier>,
    /// Whether the chat is deleted once its answer has ended. It is never one that goes on then; a
    /// `chat` that is named is refused with this. Providers that keep no chats need do nothing.
    #[serde(default)]
    pub temporary: bool,
    /// The longest silence of the site that is borne before the answer is given up. `None` means
    /// the provider's default. It does not bound the answer's length.
    pub timeout: Option<Duration>,
    /// The longest time that the whole exchange may take; `None` for no such bound.
    pub deadline: Option<Duration>,
    /// How long to go on listening for the title, the suggested replies and the cost after the
    /// answer is complete. They often come late or never, so the default is zero.
    pub linger: Duration,
    /// What is kept until the question's place is free again, which may be after its
    /// [`Completion`](crate::Completion) was dropped: a site takes its time to stop.
    #[serde(skip)]
    pub hold: Hold,
}

impl ChatRequest {
    /// A streamed request in a new chat, without attachments.
    pub fn new(model: impl Into<String>, messages: Vec<Message>) -> Self {
        Self {
            model: model.into(),
            messages,
            stream: true,
            attachments: Vec::new(),
            chat: None,
            resume: true,
            earlier: None,
            temporary: false,
            timeout: None,
            deadline: None,
            linger: Duration::ZERO,
            hold: Hold::default(),
        }
    }
}

/// What stands behind a model's name where the chat is to be [`temporary`](ChatRequest::temporary).
const TEMPORARY: &str = ":temporary";

/// A model's name without the suffix `:temporary`, and whether it had one.
///
/// ```
/// assert_eq!(lenore_provider::split_temporary("gpt-4:temporary"), ("gpt-4", true));
/// assert_eq!(lenore_provider::split_temporary("gpt-4"), ("gpt-4", false));
/// ```
pub fn split_temporary(model: &str) -> (&str, bool) {
    model.strip_suffix(TEMPORARY).map_or((model, false), |model| (model, true))
}

/// Something of the caller's that a provider keeps for as long as a question takes one of its
/// places, such as a permit. All are equal: it is no part of the question.
#[derive(Clone, Default)]
pub struct Hold(Option<Arc<dyn Any + Send + Sync>>);

impl Hold {
    /// Keeps this until the last clone is dropped.
    pub fn new(kept: Arc<dyn Any + Send + Sync>) -> Self {
        Self(Some(kept))
    }

    /// Whether there is nothing to keep.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.0.is_some() { "Hold(something)" } else { "Hold(nothing)" };
        f.write_str(name)
    }
}

impl PartialEq for Hold {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Hold {}

/// An earlier answer of a conversation, by its place on the site.
///
/// Clients of chat APIs send an answer back as they understood it: a tool call as its parts, a text
/// that was rewritten as it came. Whoever translates for them knows which answer it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Earlier {
    /// The chat, as [`Event::Started`](crate::Event::Started) named it.
    pub chat: String,
    /// The answer's message, as the same event named it.
    pub message: String,
    /// How many of the request's messages the chat has: all up to that answer.
    pub length: usize,
}
