//! A message, as `node` in replies and as `messageAdded` on the socket.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Wire, attachment, global_id};
use crate::bots;
use crate::world::Message;

/// What is said of a message. The text is borrowed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Node<'a> {
    id: String,
    message_id: Value,
    creation_time: u64,
    author: Option<String>,
    pub(super) state: &'a str,
    message_state_text: Option<&'a str>,
    text: &'a str,
    content_type: &'static str,
    source_type: Option<&'static str>,
    client_nonce: Option<&'a str>,
    attachments: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    followup_actions: Option<Vec<Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suggested_replies: Option<&'a [String]>,
    /// What the shape of 2025 has besides, or that of 2023.
    #[serde(flatten)]
    more: Map<String, Value>,
}

pub(super) fn node<'a>(wire: &Wire, message: &'a Message) -> Node<'a> {
    let follow_up = |text: &String| json!({ "bodyText": text, "__typename": "SuggestedReply" });
    let inside = wire.suggests_inside();
    let nonce = message.nonce.as_deref();
    Node {
        id: global_id("Message", message.id),
        message_id: wire.id(message.id),
        creation_time: message.created_us,
        author: wire.author(&message.author),
        state: &message.state,
        message_state_text: message.state_text.as_deref(),
        text: if message.is_deleted { "" } else { &message.text },
        content_type: "text_markdown",
        source_type: (wire.is_new() || message.author == "human").then_some("chat_input"),
        client_nonce: if wire.is_new() { nonce.or(Some("")) } else { nonce },
        attachments: message.attachments.iter().map(attachment).collect(),
        followup_actions: inside.then(|| message.suggestions.iter().map(follow_up).collect()),
        suggested_replies: (inside && !wire.is_new()).then_some(&message.suggestions),
        more: if wire.is_new() { new(wire, message) } else { old() },
    }
}

fn old() -> Map<String, Value> {
    Map::from_iter([("__typename".to_owned(), json!("Message"))])
}

fn new(wire: &Wire, message: &Message) -> Map<String, Value> {
    let bot = bots::find_by_code(&message.author).map(|bot| wire.bot_in_short(bot));
    // Its state says nothing of the end.
    let job = message.job.map(|job| {
        let mut job = wire.job(job, "running");
        job["creator"] = Value::Null;
        job
    });
    let more = json!({
        "messageCode": format!("m{:x}", message.id),
        "responsibleJob": job,
        "bot": bot,
        "authorUser": null,
        "parameters": null,
        "isEdited": message.is_edited,
        "isDeleted": message.is_deleted,
    });
    match more {
        Value::Object(more) => more,
        _ => Map::new(),
    }
}
