//! What `tap.js` emits.

use serde::Deserialize;

/// One message of the tap. Unknown ones, and those that do not parse, are ignored.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "k", rename_all = "snake_case")]
#[non_exhaustive]
pub enum TapMessage {
    /// The page has sent its question.
    Sent {
        /// `clientNonce`, by which the site and we know it again.
        nonce: Option<String>,
        /// The bot that the page asked, as the page names it.
        bot: Option<String>,
        /// The handle of the chat's bot, where the page had read of it before.
        handle: Option<String>,
        /// The name under which that bot's messages come.
        nickname: Option<String>,
    },
    /// The reply to the page's question.
    Reply(Box<Reply>),
    /// A message as it is now: on the socket, or read again by the page.
    Message(Box<MessageUpdate>),
    /// The page has read all messages of a chat again.
    Read(ChatInfo),
    /// The page has read of the chat that its question has opened.
    Chat(ChatInfo),
    /// The page has moved to the address of that chat.
    Opened {
        /// `chatCode`.
        code: String,
    },
    /// The work on an answer has begun or ended.
    Job {
        /// `chatId`, where it was told.
        chat: Option<String>,
        /// `jobId`.
        id: String,
        /// Its state.
        state: Option<String>,
        /// Whether it carries the `clientNonce` of this document's question.
        #[serde(default)]
        own: bool,
        /// `clientNonce` of the question, where it carries one.
        nonce: Option<String>,
    },
    /// A message was deleted.
    Deleted {
        /// `chatId`, where it was told.
        chat: Option<String>,
        /// `messageId`.
        id: String,
    },
    /// An answer was stopped.
    Cancelled {
        /// `chatId`.
        chat: String,
        /// `messageId`, where it was told.
        id: Option<String>,
    },
    /// The chat was named.
    Title {
        /// `chatId`.
        chat: String,
        /// Its name.
        title: String,
    },
    /// What the chat's running job has cost.
    Cost {
        /// `chatId`.
        chat: String,
        /// Compute points.
        points: u64,
    },
    /// The page sends files that go with the question to come.
    Uploading,
    /// The site has taken them, or refused.
    Upload {
        /// The HTTP status; 0 where no answer came.
        http: u16,
        /// Whether the site has them.
        taken: bool,
        /// The site's word for it, where it says one.
        status: Option<String>,
        /// The site's words for a person.
        words: Option<String>,
    },
    /// Updates may have been missed.
    Gap {
        /// What happened, for the log.
        why: String,
    },
    /// The page's socket has opened, or failed to. No part of an answer.
    Socket {
        /// Whether it has opened.
        open: bool,
    },
    /// The tap itself failed at something; for the log.
    Trouble {
        /// The exception.
        what: String,
    },
}

impl TapMessage {
    /// The number of the chat that it is of, where that was told.
    pub(crate) fn chat(&self) -> Option<&str> {
        match self {
            Self::Reply(reply) => reply.chat.as_deref(),
            Self::Message(update) => update.chat.as_deref(),
            Self::Read(info) | Self::Chat(info) => info.chat.as_deref(),
            Self::Job { chat, .. } | Self::Deleted { chat, .. } => chat.as_deref(),
            Self::Cancelled { chat, .. } | Self::Title { chat, .. } | Self::Cost { chat, .. } => {
                Some(chat)
            }
            _ => None,
        }
    }
}

/// What the site says of a chat.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct ChatInfo {
    /// `chatId`.
    pub chat: Option<String>,
    /// `chatCode`, by which the chat has an address.
    pub code: Option<String>,
    /// The handle of the chat's bot.
    pub handle: Option<String>,
    /// The name under which that bot's messages come.
    pub nickname: Option<String>,
}

/// The reply to the page's question.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Reply {
    /// `clientNonce` of the question.
    pub nonce: Option<String>,
    /// The HTTP status; 0 where no answer came.
    #[serde(default)]
    pub http: u16,
    /// `Retry-After`, in seconds.
    pub retry: Option<f64>,
    /// Whether it was a page instead of data.
    #[serde(default)]
    pub page: bool,
    /// `success`, or why not; absent where there is no data at all.
    pub status: Option<String>,
    /// The site's words for a person.
    pub words: Option<String>,
    /// `chatId`.
    pub chat: Option<String>,
    /// `chatCode`, by which the chat has an address.
    pub code: Option<String>,
    /// The chat's name, where it has one yet.
    pub title: Option<String>,
    /// The handle of the chat's bot.
    pub handle: Option<String>,
    /// The name under which that bot's messages come.
    pub nickname: Option<String>,
    /// `messageId` of the question.
    pub question: Option<String>,
    /// `messageId` of the answer.
    pub answer: Option<String>,
    /// `jobId` of the work on the answer.
    pub job: Option<String>,
    /// Whether the site says that no bot answers in this chat by itself.
    #[serde(default)]
    pub silent: bool,
}

/// A message, as the change from what was last told of it in this document.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct MessageUpdate {
    /// `chatId`, where it was told.
    pub chat: Option<String>,
    /// `messageId`. Newer messages have greater ones.
    pub id: String,
    /// The name that it comes under: for a bot, its inner name.
    pub author: Option<String>,
    /// Whether a person wrote it.
    #[serde(default)]
    pub human: bool,
    /// Whether it is no message at all, such as a break of the context.
    #[serde(default)]
    pub pause: bool,
    /// The handle of the bot that wrote it, where the site names it.
    pub handle: Option<String>,
    /// `jobId` of the work that wrote it.
    pub job: Option<String>,
    /// Whether it is deleted.
    #[serde(default)]
    pub deleted: bool,
    /// `incomplete`, `complete`, …; absent where the update does not speak of it.
    pub state: Option<String>,
    /// `messageStateText`: the site's words on the state.
    pub reason: Option<String>,
    /// Whether it carries the `clientNonce` of this document's question.
    #[serde(default)]
    pub own: bool,
    /// `clientNonce` of a person's message.
    pub nonce: Option<String>,
    /// How much of the text last told stays, in UTF-16 code units; absent where the update brings
    /// no text and the text may have changed since.
    pub keep: Option<usize>,
    /// What follows.
    pub text: String,
    /// Suggested replies.
    #[serde(default)]
    pub suggestions: Vec<String>,
    /// Files.
    #[serde(default)]
    pub attachments: Vec<File>,
}

/// A file of a message.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct File {
    /// Its name.
    pub name: String,
    /// Its address.
    pub url: String,
}
