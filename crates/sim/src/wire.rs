//! The JSON shapes of the site's replies and socket entries, as its habits have them.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::{Value, json};

use crate::bots::{self, Bot};
use crate::habits::{Author, End, FollowUps, Habits, Ids, Padding, Shape, UniqueIds};
use crate::world::{Attachment, Chat, Message};

pub(crate) use node::Node;

mod node;

/// Subscriptions that are of no chat in particular.
const OF_NO_CHAT: &[&str] =
    &["messageCreated", "chatAddedV2", "messageReadByViewer", "viewerStateUpdated"];

/// An entry of the update socket, as JSON, and the chat that it tells of.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) chat: Option<u64>,
    pub(crate) text: String,
}

impl Entry {
    /// An entry for everybody.
    pub(crate) fn plain(text: &str) -> Entry {
        Entry { chat: None, text: text.to_owned() }
    }
}

/// A global id: the type and the number, as one opaque word.
pub(crate) fn global_id(kind: &str, number: u64) -> String {
    STANDARD.encode(format!("{kind}:{number:013}"))
}

/// How this site writes things down.
pub(crate) struct Wire {
    pub(crate) habits: Habits,
}

impl Wire {
    pub(crate) fn is_new(&self) -> bool {
        self.habits.shape == Shape::Y2025
    }

    /// The number of a message, a chat or a job.
    pub(crate) fn id(&self, number: u64) -> Value {
        match self.habits.ids {
            Ids::Number => number.into(),
            Ids::Text => number.to_string().into(),
        }
    }

    /// A message in replies and pages. It borrows: texts of millions of characters pass here with
    /// every update.
    pub(crate) fn message<'a>(&self, message: &'a Message) -> Node<'a> {
        node::node(self, message)
    }

    /// A message on the socket, which need not tell of an end.
    pub(crate) fn update<'a>(&self, message: &'a Message) -> Node<'a> {
        let mut node = self.message(message);
        if self.habits.end == End::Job && message.is_answer() && message.is_complete() {
            node.state = "incomplete";
        }
        node
    }

    /// What stands as `author` for the author that the database has.
    pub(crate) fn author(&self, author: &str) -> Option<String> {
        let Some(bot) = bots::find_by_code(author) else {
            return Some(author.to_owned());
        };
        match self.habits.author {
            Author::Code => Some(author.to_owned()),
            Author::Nickname => Some(bot.nickname()),
            Author::Handle => Some(bot.handle.to_owned()),
            Author::Null => None,
            Author::Unrelated => Some(bot.unrelated_name()),
        }
    }

    /// A chat without its messages.
    pub(crate) fn chat(&self, chat: &Chat) -> Value {
        let mut value = json!({
            "__typename": "Chat",
            "id": global_id("Chat", chat.id),
            "chatId": self.id(chat.id),
            "chatCode": chat.code,
            "title": chat.title,
            "defaultBotObject": self.bot(chat.bot),
        });
        if self.is_new() {
            let job = chat.running.map(|running| self.job(job_of(running.message), "running"));
            let more = json!({
                "chatNonce": chat.nonce,
                "activeJobs": job.into_iter().collect::<Vec<_>>(),
                "membersCount": 2,
                "hasMultipleUsers": false,
                "shouldBotAutoRespond": self.habits.responds == crate::habits::Responds::Yes,
                "isDeleted": false,
                "lastInteractionTime":
                    chat.messages.last().map(|message| message.created_us.to_string()),
            });
            join(&mut value, more);
        }
        value
    }

    /// A chat with its messages, as `ChatPageQuery` gives it.
    pub(crate) fn chat_page(&self, of: &Chat) -> Value {
        let edge = |each: &Message| {
            json!({
                "id": global_id("MessageEdge", each.id),
                "cursor": each.id.to_string(),
                "node": self.message(each),
            })
        };
        let edges: Vec<Value> = of.messages.iter().map(edge).collect();
        let mut page = self.chat(of);
        page["messagesConnection"] =
            json!({ "edges": edges, "pageInfo": { "hasPreviousPage": false } });
        page
    }

    /// A bot as the pages know it.
    pub(crate) fn bot(&self, bot: &Bot) -> Value {
        let nickname = match self.habits.author {
            Author::Code => bot.author.to_owned(),
            _ => bot.nickname(),
        };
        let mut value = json!({
            "__typename": "Bot",
            "handle": bot.handle,
            "displayName": bot.handle,
            "nickname": nickname,
            "description": bot.about,
        });
        if self.is_new() {
            let more = json!({
                "id": global_id("Bot", bot.number()),
                "botId": self.id(bot.number()),
                "messageTimeoutSecs": 600,
                "canUserAccessBot": true,
                "noAccessMessage": null,
                "isDown": false,
                "deletionState": "not_deleted",
                "uploadFileSizeLimit": 52_428_800,
            });
            join(&mut value, more);
        }
        value
    }

    /// A bot, in short, as messages have it.
    pub(crate) fn bot_in_short(&self, bot: &Bot) -> Value {
        let mut value = self.bot(bot);
        if let Some(fields) = value.as_object_mut() {
            const SHORT: &[&str] = &["id", "botId", "handle", "displayName", "nickname"];
            fields.retain(|name, _| SHORT.contains(&name.as_str()));
        }
        value
    }

    /// A job that makes an answer.
    pub(crate) fn job(&self, job: u64, state: &str) -> Value {
        let mut value = json!({ "jobId": self.id(job), "state": state });
        if self.is_new() {
            value["id"] = global_id("Job", job).into();
        }
        value
    }

    /// One entry of a socket frame: an update of one subscription.
    pub(crate) fn entry(&self, subscription: &str, chat: u64, data: impl Serialize) -> Entry {
        let bare = self.habits.unique_ids == UniqueIds::Bare && OF_NO_CHAT.contains(&subscription);
        let unique_id =
            if bare { subscription.to_owned() } else { format!("{subscription}:{chat}") };
        let data = BTreeMap::from([(subscription, data)]);
        let payload = Payload { subscription_name: subscription, unique_id, data };
        let padding = (self.habits.padding == Padding::Yes).then(padding);
        let text = text(&Whole { message_type: "subscriptionUpdate", payload, padding });
        Entry { chat: Some(chat), text }
    }

    /// Whether suggestions stand in the message.
    pub(crate) fn suggests_inside(&self) -> bool {
        self.habits.follow_ups == FollowUps::Inside
    }
}

/// The number of the job that makes an answer.
pub(crate) fn job_of(answer: u64) -> u64 {
    answer + 1_000_000_000
}

/// An uploaded file.
pub(crate) fn attachment(attachment: &Attachment) -> Value {
    json!({
        "__typename": "MessageAttachment",
        "id": attachment.id,
        "attachmentId": attachment.id,
        "name": attachment.name,
        "mimeType": attachment.media_type,
        "file": { "size": attachment.size, "mimeType": attachment.media_type },
    })
}

/// Adds the fields of an object to another one.
pub(crate) fn join(value: &mut Value, more: Value) {
    if let (Value::Object(fields), Value::Object(more)) = (value, more) {
        fields.extend(more);
    }
}

fn padding() -> String {
    (0..fastrand::usize(3..40)).map(|_| fastrand::alphanumeric()).collect()
}

/// A frame of entries.
pub(crate) fn frame(entries: &[&str], min_seq: u64) -> String {
    text(&Frame { messages: entries, min_seq })
}

#[derive(Serialize)]
struct Whole<'a, T> {
    message_type: &'static str,
    payload: Payload<'a, T>,
    #[serde(rename = "_", skip_serializing_if = "Option::is_none")]
    padding: Option<String>,
}

#[derive(Serialize)]
struct Payload<'a, T> {
    subscription_name: &'a str,
    unique_id: String,
    data: BTreeMap<&'a str, T>,
}

#[derive(Serialize)]
struct Frame<'a> {
    messages: &'a [&'a str],
    min_seq: u64,
}

fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("plain strings and numbers always serialise")
}

/// The frame that makes a client read everything again.
pub(crate) const MISSED_MESSAGES: &str = r#"{"error":"missed_messages"}"#;

/// The entry that makes a client ask for the channel again.
pub(crate) const REFETCH_CHANNEL: &str = r#"{"message_type":"refetchChannel"}"#;

/// The entry at which the page loads itself again.
pub(crate) const RELOAD: &str = r#"{"message_type":"reloadPage"}"#;

/// An entry of a message, without its text.
pub(crate) fn without_text(entry: &Entry) -> Option<Entry> {
    let mut value: Value = serde_json::from_str(&entry.text).ok()?;
    let node = value.pointer_mut("/payload/data/messageAdded").and_then(Value::as_object_mut);
    node?.remove("text")?;
    Some(Entry { chat: entry.chat, text: value.to_string() })
}
