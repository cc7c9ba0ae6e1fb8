//! The calls that a page makes: one endpoint, told apart by `queryName`.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::drift::{Drifts, How, LATE};
use crate::log::Seen;
use crate::site::Site;
use crate::world::Account;
use crate::{login, operations, pages, send};

pub(crate) mod stop;

/// A call's body.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Call {
    #[serde(default)]
    pub(crate) query_name: Option<String>,
    #[serde(default)]
    pub(crate) variables: Value,
}

/// What the page of a site that drifts says beside what everybody sees.
#[derive(Deserialize)]
struct Truth {
    operation: String,
    variables: Value,
    channel: String,
}

impl Call {
    /// Reads a call and its headers.
    pub(crate) fn read(
        body: &[u8],
        mut headers: HeaderMap,
    ) -> serde_json::Result<(Call, HeaderMap)> {
        let body: Value = serde_json::from_slice(body)?;
        let Some(truth) = Drifts::said(&body["_"]) else {
            return Ok((serde_json::from_value(body)?, headers));
        };
        let Truth { operation, variables, channel } = serde_json::from_value(truth)?;
        if let Ok(channel) = HeaderValue::from_str(&channel) {
            headers.insert("poe-tchannel", channel);
        }
        Ok((Call { query_name: Some(operation), variables }, headers))
    }
}

/// `GET /api/settings`
pub(crate) async fn settings(State(site): State<Arc<Site>>, headers: HeaderMap) -> Response {
    let account = site.account(&headers);
    site.log.add(account.as_ref().map(|account| account.email.as_str()), Seen::Settings);
    let channel = channel_of(&headers);
    let settings = pages::settings(&site, account.as_deref(), channel, None);
    Json(site.drifts.reply("settings", settings)).into_response()
}

/// `POST /api/gql_POST`
pub(crate) async fn call(
    State(site): State<Arc<Site>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    match Call::read(&body, headers) {
        Ok((call, headers)) => dispatch(&site, &headers, call).await,
        Err(error) => {
            (StatusCode::BAD_REQUEST, Json(errors(&format!("the call cannot be read: {error}"))))
                .into_response()
        }
    }
}

/// Which operation a call is of: its name stands in the body or in a header.
pub(crate) fn operation(headers: &HeaderMap, call: &Call) -> Option<&'static str> {
    let header = headers.get("poe-queryname").and_then(|name| name.to_str().ok());
    operations::find(call.query_name.as_deref().or(header)?)
}

/// Does what a call asks for.
pub(crate) async fn dispatch(site: &Arc<Site>, headers: &HeaderMap, call: Call) -> Response {
    let Some(operation) = operation(headers, &call) else {
        tracing::warn!(name = call.query_name, "an unknown call");
        return Json(errors("unknown query")).into_response();
    };
    let reply = answer(site, headers, call, operation).await;
    if site.drifts.how("call", operation) == Some(How::Late) {
        tokio::time::sleep(LATE).await;
    }
    reply
}

async fn answer(
    site: &Arc<Site>,
    headers: &HeaderMap,
    call: Call,
    operation: &'static str,
) -> Response {
    let variables = &call.variables;
    match operation {
        "SendVerificationCodeMutation" => return login::send_code(site, variables),
        "LoginWithVerificationCodeMutation" => return login::with_code(site, variables),
        _ => {}
    }
    let Some((token, account)) = site.session(headers) else {
        return unauthorised();
    };
    match operation {
        "SendMessageMutation" => send::message(site, &account, headers, call.variables).await,
        "StopMessage_messageCancel_Mutation" => stop::message(site, &account, variables),
        "cancelViewerActiveJobs_cancelViewerActiveJobs_Mutation" => {
            stop::jobs(site, &account, variables)
        }
        "SendChatBreakMutation" => chat_break(site, &account, variables),
        "ChatPageQuery" => chat_page(site, &account, headers, variables),
        "ChatHistoryListQuery" => {
            reply(site, operation, json!({ "chats": pages::chats(site, &account) }))
        }
        "DeleteChatMutation" => delete_chat(site, &account, variables),
        "LogoutMutation" => login::out(site, &account, &token),
        // Others change nothing that anybody could see.
        _ => reply(site, operation, json!({ "viewer": { "uid": account.number } })),
    }
}

/// The reply to a call.
pub(crate) fn reply(site: &Site, operation: &str, data: Value) -> Response {
    let mut reply = json!({ "data": data });
    if site.wire.is_new() {
        reply["extensions"] = json!({ "hi": 1 });
    }
    Json(site.drifts.reply(&format!("reply:{operation}"), reply)).into_response()
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
    channel_of(headers).is_some_and(|name| account.channels.find(name).is_some())
}

/// The channel that a request names.
pub(crate) fn channel_of(headers: &HeaderMap) -> Option<&str> {
    headers.get("poe-tchannel")?.to_str().ok()
}

fn chat_break(site: &Arc<Site>, account: &Arc<Account>, variables: &Value) -> Response {
    let added = number(&variables["chatId"]).and_then(|id| {
        let mut world = site.world();
        let code = world.chat(id).filter(|chat| chat.owner == account.number)?.code.clone();
        let message = world.add(id, "chat_break", "", "complete")?;
        message.nonce = variables["clientNonce"].as_str().map(str::to_owned);
        let node = json!(site.wire.message(message));
        Some((id, code, node))
    });
    let Some((chat, code, node)) = added else {
        return Json(errors("no such chat")).into_response();
    };
    site.log.add(Some(&account.email), Seen::ChatBreak { chat: code });
    site.tell_now(account, vec![site.wire.entry("messageAdded", chat, node.clone())]);
    reply(
        site,
        "SendChatBreakMutation",
        json!({ "messageBreakEdgeCreate": { "status": "success", "message": { "node": node } } }),
    )
}

fn chat_page(
    site: &Arc<Site>,
    account: &Account,
    headers: &HeaderMap,
    variables: &Value,
) -> Response {
    let code = variables["chatCode"].as_str().unwrap_or_default();
    site.log.add(Some(&account.email), Seen::ChatQuery { chat_code: code.to_owned() });
    let page = site.world().chat_of(account.number, code).map(|chat| {
        account.channels.follow(channel_of(headers), chat.id);
        site.wire.chat_page(chat)
    });
    reply(site, "ChatPageQuery", json!({ "chatOfCode": page, "viewer": { "uid": account.number } }))
}

fn delete_chat(site: &Arc<Site>, account: &Account, variables: &Value) -> Response {
    let deleted =
        number(&variables["chatId"]).and_then(|id| site.world().delete_chat(account.number, id));
    let Some(chat) = deleted else {
        return Json(errors("no such chat")).into_response();
    };
    site.log.add(Some(&account.email), Seen::Delete { chat: chat.code });
    reply(site, "DeleteChatMutation", json!({ "chatDelete": { "status": "success" } }))
}
