//! The calls that a page makes: one endpoint, told apart by `queryName`.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::log::Seen;
use crate::site::Site;
use crate::world::Account;
use crate::{login, pages, send, wire};

/// A call's body.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Call {
    pub(crate) query_name: String,
    #[serde(default)]
    pub(crate) variables: Value,
}

/// `GET /api/settings`
pub(crate) async fn settings(State(site): State<Arc<Site>>, headers: HeaderMap) -> Response {
    let account = site.account(&headers);
    site.log.add(account.as_ref().map(|account| account.email.as_str()), Seen::Settings);
    Json(pages::settings(&site, account.as_deref())).into_response()
}

/// `POST /api/gql_POST`
pub(crate) async fn call(
    State(site): State<Arc<Site>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    match serde_json::from_slice::<Call>(&body) {
        Ok(call) => dispatch(&site, &headers, call).await,
        Err(error) => {
            (StatusCode::BAD_REQUEST, Json(errors(&format!("the call cannot be read: {error}"))))
                .into_response()
        }
    }
}

/// Does what a call asks for.
pub(crate) async fn dispatch(site: &Arc<Site>, headers: &HeaderMap, call: Call) -> Response {
    let variables = &call.variables;
    match call.query_name.as_str() {
        "SendVerificationCodeMutation" | "SendVerificationCodeForLoginMutation" => {
            return login::send_code(site, variables);
        }
        "LoginWithVerificationCodeMutation" | "SignupWithVerificationCodeMutation" => {
            return login::with_code(site, variables);
        }
        _ => {}
    }
    let Some((token, account)) = site.session(headers) else {
        return unauthorised();
    };
    match call.query_name.as_str() {
        "SendMessageMutation" => send::message(site, &account, headers, call.variables).await,
        "StopMessage_messageCancel_Mutation" => stop(site, &account, variables),
        "SendChatBreakMutation" => chat_break(site, &account, variables),
        "ChatPageQuery" => chat_page(site, &account, variables),
        "ChatHistoryListQuery" => data(json!({ "chats": pages::chats(site, &account) })),
        "DeleteChatMutation" => delete_chat(site, &account, variables),
        "LogoutMutation" => login::out(site, &account, &token),
        other => {
            tracing::warn!(name = other, "an unknown call");
            Json(errors(&format!("unknown query: {other}"))).into_response()
        }
    }
}

pub(crate) fn data(data: Value) -> Response {
    Json(json!({ "data": data })).into_response()
}

pub(crate) fn errors(message: &str) -> Value {
    json!({ "data": null, "errors": [{ "message": message }] })
}

pub(crate) fn unauthorised() -> Response {
    (StatusCode::UNAUTHORIZED, Json(errors("You are not signed in."))).into_response()
}

/// A number that clients write as a number or as a string.
pub(crate) fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// Whether the request names the account's channel, as every mutation on a chat must.
pub(crate) fn names_channel(headers: &HeaderMap, account: &Account) -> bool {
    headers
        .get("poe-tchannel")
        .is_some_and(|value| value.as_bytes() == account.channel.name.as_bytes())
}

fn stop(site: &Arc<Site>, account: &Account, variables: &Value) -> Response {
    let Some(message) = number(&variables["messageId"]) else {
        return Json(errors("messageId is missing")).into_response();
    };
    let text_length = number(&variables["textLength"]).unwrap_or_default();
    site.log.add(Some(&account.email), Seen::Stop { message, text_length });
    cancel(site, account, message);
    data(
        json!({ "messageCancel": { "id": wire::global_id("Message", message), "messageId": message } }),
    )
}

/// Stops an answer, if it runs, and tells the sockets so.
pub(crate) fn cancel(site: &Site, account: &Account, message: u64) {
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
    if let Some((chat, code, stopped)) = stopped {
        let node = wire::message(&stopped);
        account.channel.publish(&[wire::entry("messageCancelled", chat, node)]);
        site.log.add(
            Some(&account.email),
            Seen::Answer { chat: code, message, text: stopped.text, state: stopped.state },
        );
    }
}

fn chat_break(site: &Arc<Site>, account: &Account, variables: &Value) -> Response {
    let added = number(&variables["chatId"]).and_then(|id| {
        let mut world = site.world();
        let code = world.chat(id).filter(|chat| chat.owner == account.number)?.code.clone();
        let message = world.add(id, "chat_break", "", "complete")?;
        message.nonce = variables["clientNonce"].as_str().map(str::to_owned);
        let node = json!(wire::message(message));
        Some((id, code, node))
    });
    let Some((chat, code, node)) = added else {
        return Json(errors("no such chat")).into_response();
    };
    site.log.add(Some(&account.email), Seen::ChatBreak { chat: code });
    account.channel.publish(&[wire::entry("messageAdded", chat, node.clone())]);
    data(json!({ "messageBreakEdgeCreate": { "status": "success", "message": { "node": node } } }))
}

fn chat_page(site: &Arc<Site>, account: &Account, variables: &Value) -> Response {
    let code = variables["chatCode"].as_str().unwrap_or_default();
    site.log.add(Some(&account.email), Seen::ChatQuery { chat_code: code.to_owned() });
    let page = site.world().chat_of(account.number, code).map(wire::chat_page);
    data(json!({ "chatOfCode": page }))
}

fn delete_chat(site: &Arc<Site>, account: &Account, variables: &Value) -> Response {
    let deleted =
        number(&variables["chatId"]).and_then(|id| site.world().delete_chat(account.number, id));
    let Some(chat) = deleted else {
        return Json(errors("no such chat")).into_response();
    };
    site.log.add(Some(&account.email), Seen::Delete { chat: chat.code });
    data(json!({ "chatDelete": { "status": "success" } }))
}
