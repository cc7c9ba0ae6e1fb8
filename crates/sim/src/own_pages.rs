//! What Poe does not have: the inbox that codes are mailed to, and the log.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use crate::facts;
use crate::log::Seen;
use crate::site::Site;
use crate::world::{Mail, now_us};

const INBOX: &str = include_str!("../page/inbox.html");

/// `GET /sim/inbox`: all mails, for people.
pub(crate) async fn inbox(State(site): State<Arc<Site>>) -> Response {
    let mails = site.world().mails.clone();
    let list: String = mails.iter().rev().map(letter).collect();
    let list = if list.is_empty() {
        "<p class=\"empty\">No mail yet. Ask for a code on <a href=\"/login?redirect_url=%2F\">the login page</a>; \
         it arrives here at once.</p>"
            .to_owned()
    } else {
        list
    };
    Html(INBOX.replace("{{mails}}", &list)).into_response()
}

/// `GET /sim/inbox.json?email=…`: the newest code of an address, for programs.
pub(crate) async fn inbox_json(
    State(site): State<Arc<Site>>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let email = query.get("email").map(String::as_str).unwrap_or_default();
    let code = site.world().newest_code(email).map(str::to_owned);
    Json(json!({ "email": email, "code": code })).into_response()
}

/// `GET /sim/log?since=N`: one JSON object a line.
pub(crate) async fn log(
    State(site): State<Arc<Site>>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let since = query.get("since").and_then(|since| since.parse().ok()).unwrap_or(0);
    let lines: String = site
        .log
        .all()
        .iter()
        .filter(|entry| entry.n >= since)
        .filter_map(|entry| serde_json::to_string(entry).ok())
        .map(|line| line + "\n")
        .collect();
    ([(header::CONTENT_TYPE, "application/x-ndjson; charset=utf-8")], lines).into_response()
}

/// `GET /sim/facts.json`: every fact that the site offers, and what can befall it.
pub(crate) async fn facts_json(State(site): State<Arc<Site>>) -> Response {
    let options = site.options.clone();
    let all = tokio::task::spawn_blocking(move || facts::of(options.edition, &options.habits));
    match all.await {
        Ok(all) => Json(all).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// What a page tells of the frames that it got.
#[derive(Deserialize)]
struct Heard {
    frames: u64,
    entries: u64,
    missing: u64,
}

/// `POST /sim/frames`: a page's own count of the frames on its socket.
pub(crate) async fn frames(
    State(site): State<Arc<Site>>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let Ok(Heard { frames, entries, missing }) = serde_json::from_slice(&body) else {
        return StatusCode::BAD_REQUEST;
    };
    let account = site.account(&headers);
    let email = account.as_ref().map(|account| account.email.as_str());
    site.log.add(email, Seen::Frames { frames, entries, missing });
    StatusCode::NO_CONTENT
}

fn letter(mail: &Mail) -> String {
    let seconds = now_us().saturating_sub(mail.sent_us) / 1_000_000;
    let when = match seconds {
        0..60 => "just now".to_owned(),
        60..3600 => format!("{} min ago", seconds / 60),
        _ => format!("{} h ago", seconds / 3600),
    };
    format!(
        "<article><header><b>Poe</b><span>to {}</span><time>{when}</time></header>\
         <p>Your login code is</p><output>{}</output></article>",
        escape(&mail.to),
        mail.code
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}
