//! Answers that are stopped: by the number of the message, or all of a chat.

use std::sync::Arc;

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::{errors, number, reply};
use crate::log::Seen;
use crate::site::Site;
use crate::wire;
use crate::world::Account;

/// `StopMessage_messageCancel_Mutation`
pub(super) fn message(site: &Arc<Site>, account: &Arc<Account>, variables: &Value) -> Response {
    let Some(message) = number(&variables["messageId"]) else {
        return Json(errors("messageId is missing")).into_response();
    };
    let text_length = number(&variables["textLength"]).unwrap_or_default();
    site.log.add(Some(&account.email), Seen::Stop { message, text_length });
    cancel(site, account, message);
    let id = wire::global_id("Message", message);
    let cancelled = json!({ "id": id, "messageId": site.wire.id(message) });
    reply(site, "StopMessage_messageCancel_Mutation", json!({ "messageCancel": cancelled }))
}

/// `cancelViewerActiveJobs_cancelViewerActiveJobs_Mutation`
pub(super) fn jobs(site: &Arc<Site>, account: &Arc<Account>, variables: &Value) -> Response {
    let running = number(&variables["chatId"]).and_then(|id| {
        let world = site.world();
        let chat = world.chat(id).filter(|chat| chat.owner == account.number)?;
        let message = chat.running?.message;
        let text = &chat.message(message)?.text;
        Some((message, text.encode_utf16().count() as u64))
    });
    if let Some((message, text_length)) = running {
        site.log.add(Some(&account.email), Seen::Stop { message, text_length });
        cancel(site, account, message);
    }
    let operation = "cancelViewerActiveJobs_cancelViewerActiveJobs_Mutation";
    reply(site, operation, json!({ "cancelViewerActiveJobs": { "status": "success" } }))
}

/// Stops an answer, if it runs, and tells the sockets so.
pub(crate) fn cancel(site: &Arc<Site>, account: &Arc<Account>, message: u64) {
    let stopped = {
        let mut world = site.world();
        let chat =
            world.chats_of(account.number).find(|chat| chat.runs(message)).map(|chat| chat.id);
        chat.and_then(|chat| world.chat_mut(chat)).and_then(|chat| {
            chat.running.take_if(|running| !running.ignores_stop)?;
            let (id, code) = (chat.id, chat.code.clone());
            let message = chat.message_mut(message)?;
            message.state = "cancelled".to_owned();
            Some((id, code, message.clone()))
        })
    };
    let Some((chat, code, stopped)) = stopped else { return };
    let mut entries = vec![site.wire.entry("messageCancelled", chat, site.wire.update(&stopped))];
    if site.wire.is_new() {
        entries.push(site.wire.entry("messageAdded", chat, site.wire.update(&stopped)));
        let job = site.wire.job(wire::job_of(message), "cancelled");
        entries.push(site.wire.entry("jobUpdated", chat, job));
    }
    site.tell_now(account, entries);
    site.log.add(
        Some(&account.email),
        Seen::Answer { chat: code, message, text: stopped.text, state: stopped.state },
    );
}
