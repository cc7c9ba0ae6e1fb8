//! The reply to a question that was taken.

use axum::response::Response;
use serde_json::{Value, json};

use crate::gql::reply;
use crate::habits::BotMessage;
use crate::quirks::Quirks;
use crate::site::Site;
use crate::wire::{self, join};
use crate::world::Exchange;

/// Says yes: the chat, the question, and as much of the answer as the site tells.
pub(super) fn accepted(site: &Site, exchange: Exchange, quirks: &Quirks) -> Option<Response> {
    let world = site.world();
    let chat = world.chat(exchange.chat)?;
    let edge = |id: u64| {
        let message = chat.message(id)?;
        Some(json!({
            "id": wire::global_id("MessageEdge", id),
            "cursor": id.to_string(),
            "node": site.wire.message(message),
        }))
    };
    let mut told = json!({
        "status": "success",
        "statusMessage": if site.wire.is_new() { json!("") } else { Value::Null },
        "chat": site.wire.chat(chat),
        "message": edge(exchange.question)?,
    });
    match site.habits().bot_message {
        BotMessage::Node => told["botMessage"] = json!(exchange.answer.and_then(edge)),
        BotMessage::Null => told["botMessage"] = Value::Null,
        BotMessage::Absent => {}
    }
    if site.wire.is_new() {
        let job = exchange.answer.map(|answer| site.wire.job(wire::job_of(answer), "not_started"));
        join(&mut told, json!({ "failedUrls": [], "job": job, "viewer": {} }));
    }
    quirks.reply(&mut told);
    Some(reply(site, "SendMessageMutation", json!({ "messageEdgeCreate": told })))
}
