//! What the site says instead of yes, and replies that get lost.

use std::io;
use std::time::{Duration, SystemTime};

use axum::Json;
use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use futures_util::stream;
use serde_json::json;

use crate::gql::{errors, reply};
use crate::pages;
use crate::scenario::Scenario;
use crate::site::Site;

/// What becomes of the reply to a question that was taken.
pub(super) fn instead(site: &Site, scenario: &Scenario, reply: Response) -> Response {
    if scenario.lost_reply {
        return Body::from_stream(stream::once(async { broken() })).into_response();
    }
    if scenario.cut_reply {
        return Body::from_stream(stream::unfold(0, cut)).into_response();
    }
    match refused_outside(site, scenario) {
        Some((_, refusal)) => refusal,
        None => reply,
    }
}

/// The server gives up: the connection is closed with what was written of the reply so far.
fn broken() -> io::Result<Bytes> {
    Err(io::Error::other("lost on purpose"))
}

/// The beginning of a reply, and no more.
async fn cut(part: u8) -> Option<(io::Result<Bytes>, u8)> {
    const UNTIL_WRITTEN: Duration = Duration::from_millis(50);
    if part == 0 {
        return Some((Ok(Bytes::from_static(b"{\"data\":{\"messageEdgeCreate\":")), 1));
    }
    tokio::time::sleep(UNTIL_WRITTEN).await;
    Some((broken(), 2))
}

/// Refusals that are not a `status`: HTTP errors, GraphQL errors, an HTML page, a human check.
pub(super) fn refused_outside(site: &Site, scenario: &Scenario) -> Option<(String, Response)> {
    if scenario.challenge {
        return Some(("challenge".to_owned(), pages::challenge()));
    }
    if scenario.html {
        let page = "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head>\
                    <body><center><h1>502 Bad Gateway</h1></center></body></html>";
        return Some(("html".to_owned(), (StatusCode::BAD_GATEWAY, Html(page)).into_response()));
    }
    if let Some(code) = scenario.http {
        let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let words = status.canonical_reason().unwrap_or("Error");
        let mut response = (status, Json(errors(words))).into_response();
        if let Some(seconds) = scenario.retry_after.or((code == 429).then_some(30)) {
            let value = if scenario.retry_date { date_in(seconds) } else { seconds.into() };
            response.headers_mut().insert(header::RETRY_AFTER, value);
        }
        return Some((format!("http_{code}"), response));
    }
    let reply = if site.wire.is_new() {
        let mut reply = errors("Server Error");
        reply["extensions"] = json!({ "is_final": true });
        reply
    } else {
        errors("Server error: the message could not be created.")
    };
    scenario.errors.then(|| ("errors".to_owned(), Json(reply).into_response()))
}

/// The date in so many seconds, as headers have it.
fn date_in(seconds: u64) -> HeaderValue {
    let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(seconds));
    HeaderValue::from_str(&date).expect("a date is plain ASCII")
}

/// A refusal in the reply's `status`.
pub(super) struct Refusal {
    pub(super) status: String,
    pub(super) message: Option<String>,
}

impl Refusal {
    pub(super) fn new(status: &str) -> Refusal {
        Refusal { status: status.to_owned(), message: None }
    }

    pub(super) fn reply(self, site: &Site) -> Response {
        let words = self.message.unwrap_or_else(|| {
            match self.status.as_str() {
                "reached_limit" => "You've reached your daily free message limit for this bot.",
                "rate_limit_exceeded" => {
                    "You are sending messages too quickly. Please wait a moment."
                }
                "concurrent_messages" => "Please wait until the current answer is finished.",
                "too_many_tokens" => "Your message is too long. Please shorten it and try again.",
                "no_access" => "Subscribe to get access to this bot.",
                "unsupported_file_type" => "This type of file is not supported.",
                "file_too_large" => "This file is too large.",
                _ => "Something went wrong. Please try again.",
            }
            .to_owned()
        });
        let told = json!({ "messageEdgeCreate": {
            "status": self.status,
            "statusMessage": words,
            "chat": null,
            "message": null,
            "botMessage": null,
        } });
        reply(site, "SendMessageMutation", told)
    }
}
