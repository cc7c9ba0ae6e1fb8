//! The entries that go ahead of an answer's text, in the order of the site.

use serde_json::{Value, json};

use crate::habits::Entries;
use crate::wire::{Entry, Wire, global_id, job_of};
use crate::world::{Chat, Exchange, Message};

/// What the site tells of a question.
#[derive(Clone, Copy)]
pub(crate) struct Told {
    /// Whether the question itself is repeated.
    pub(crate) echo: bool,
    /// Whether that names the chat's address.
    pub(crate) address: bool,
}

/// What is said of a question that was taken.
pub(crate) fn question(wire: &Wire, chat: &Chat, exchange: Exchange, told: Told) -> Vec<Entry> {
    let all = wire.habits.entries == Entries::All;
    let mut entries = Vec::new();
    let Some(question) = chat.message(exchange.question) else {
        return entries;
    };
    if told.echo {
        if all {
            entries.push(created(wire, chat, question));
        }
        let mut node = json!(wire.update(question));
        if told.address {
            node["chatCode"] = json!(chat.code);
        }
        entries.push(wire.entry("messageAdded", chat.id, node));
    }
    if !all {
        return entries;
    }
    if chat.title.is_none() {
        entries.push(wire.entry("chatAddedV2", chat.id, wire.chat(chat)));
    }
    if let Some(answer) = exchange.answer {
        let mut job = wire.job(job_of(answer), "not_started");
        job["clientNonce"] = json!(question.nonce);
        entries.push(wire.entry("jobStarted", chat.id, job.clone()));
        entries.push(wire.entry("jobUpdated", chat.id, job));
    }
    entries
}

/// What is said before the first word of an answer.
pub(crate) fn answer(wire: &Wire, chat: &Chat, answer: &Message) -> Vec<Entry> {
    let id = global_id("Chat", chat.id);
    let member = json!({
        "chat": { "id": id, "chatId": wire.id(chat.id) },
        "member": { "bot": wire.bot_in_short(chat.bot) },
    });
    let read = json!({ "id": id, "chatId": wire.id(chat.id) });
    vec![
        created(wire, chat, answer),
        wire.entry("chatMemberAddedWithContext", chat.id, member),
        wire.entry("messageAdded", chat.id, wire.update(answer)),
        wire.entry("messageRead", chat.id, read.clone()),
        wire.entry("messageReadByViewer", chat.id, read),
    ]
}

/// What is said of somebody's points after an answer.
pub(crate) fn points(wire: &Wire, chat: u64) -> Entry {
    let points = json!({
        "messagePointBalance": 2900,
        "dailyMessagePointsAvailable": true,
        "subscriptionPointBalance": 0,
        "messagePointResetTime": "1767225600000000",
        "allChatDefaultPointPriceThresholdPerMessage": null,
    });
    wire.entry("viewerStateUpdated", chat, json!({ "id": "viewer", "messagePointInfo": points }))
}

fn created(wire: &Wire, chat: &Chat, message: &Message) -> Entry {
    let told = json!({
        "id": global_id("Message", message.id),
        "messageId": wire.id(message.id),
        "author": wire.author(&message.author),
        "chat": { "id": global_id("Chat", chat.id), "chatId": wire.id(chat.id) },
    });
    wire.entry("messageCreated", chat.id, told)
}

/// What is said of replies that are suggested.
pub(crate) fn follow_ups(wire: &Wire, message: &Message) -> Value {
    let action = |text: &String| json!({ "bodyText": text, "sendText": text, "titleText": null });
    json!({
        "id": global_id("Message", message.id),
        "messageId": wire.id(message.id),
        "followupActions": message.suggestions.iter().map(action).collect::<Vec<_>>(),
    })
}
