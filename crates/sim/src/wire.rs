//! The JSON shapes of the site's replies and socket entries.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::{Value, json};

use crate::world::{Attachment, Chat, Message};

/// A global id: the type and the number, as one opaque word.
pub(crate) fn global_id(kind: &str, number: u64) -> String {
    STANDARD.encode(format!("{kind}:{number:013}"))
}

/// A message, as `node` in replies and as `messageAdded` on the socket.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Node<'a> {
    #[serde(rename = "__typename")]
    typename: &'static str,
    id: String,
    message_id: u64,
    creation_time: u64,
    author: &'a str,
    state: &'a str,
    message_state_text: Option<&'a str>,
    text: &'a str,
    content_type: &'static str,
    source_type: Option<&'static str>,
    client_nonce: Option<&'a str>,
    attachments: Vec<Value>,
    followup_actions: Vec<Value>,
    suggested_replies: &'a [String],
}

/// The node of a message. It borrows: texts of millions of characters pass here
/// with every update.
pub(crate) fn message(message: &Message) -> Node<'_> {
    let follow_up = |text: &String| json!({ "bodyText": text, "__typename": "SuggestedReply" });
    Node {
        typename: "Message",
        id: global_id("Message", message.id),
        message_id: message.id,
        creation_time: message.created_us,
        author: &message.author,
        state: &message.state,
        message_state_text: message.state_text.as_deref(),
        text: &message.text,
        content_type: "text_markdown",
        source_type: (message.author == "human").then_some("chat_input"),
        client_nonce: message.nonce.as_deref(),
        attachments: message.attachments.iter().map(attachment).collect(),
        followup_actions: message.suggestions.iter().map(follow_up).collect(),
        suggested_replies: &message.suggestions,
    }
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

/// A chat without its messages.
pub(crate) fn chat(chat: &Chat) -> Value {
    json!({
        "__typename": "Chat",
        "id": global_id("Chat", chat.id),
        "chatId": chat.id,
        "chatCode": chat.code,
        "title": chat.title,
        "defaultBotObject": bot(chat.bot),
    })
}

/// A chat with its messages, as `ChatPageQuery` gives it.
pub(crate) fn chat_page(of: &Chat) -> Value {
    let edges: Vec<Value> = of
        .messages
        .iter()
        .map(|each| json!({ "cursor": each.id.to_string(), "node": message(each) }))
        .collect();
    let mut page = chat(of);
    page["messagesConnection"] =
        json!({ "edges": edges, "pageInfo": { "hasPreviousPage": false } });
    page
}

/// A bot as the pages know it.
pub(crate) fn bot(bot: &crate::bots::Bot) -> Value {
    json!({
        "__typename": "Bot",
        "handle": bot.handle,
        "displayName": bot.handle,
        "nickname": bot.author,
        "description": bot.about,
    })
}

/// One entry of a socket frame: an update of one subscription.
pub(crate) fn entry(subscription: &str, chat: u64, data: impl Serialize) -> String {
    let payload = Payload {
        subscription_name: subscription,
        unique_id: format!("{subscription}:{chat}"),
        data: BTreeMap::from([(subscription, data)]),
    };
    text(&Entry { message_type: "subscriptionUpdate", payload })
}

/// A frame of entries.
pub(crate) fn frame(entries: &[String], min_seq: u64) -> String {
    text(&Frame { messages: entries, min_seq })
}

#[derive(Serialize)]
struct Entry<'a, T> {
    message_type: &'static str,
    payload: Payload<'a, T>,
}

#[derive(Serialize)]
struct Payload<'a, T> {
    subscription_name: &'a str,
    unique_id: String,
    data: BTreeMap<&'a str, T>,
}

#[derive(Serialize)]
struct Frame<'a> {
    messages: &'a [String],
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
pub(crate) fn without_text(entry: &str) -> String {
    let mut entry: Value = serde_json::from_str(entry).unwrap_or_default();
    let node = entry.pointer_mut("/payload/data/messageAdded").and_then(Value::as_object_mut);
    node.and_then(|node| node.remove("text")).map_or_else(String::new, |_| entry.to_string())
}
