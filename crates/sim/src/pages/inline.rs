//! The data inside a document: what it offers to everybody, and what the app itself needs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::drift::{How, LATE, another_name};
use crate::habits::Inline;
use crate::operations::{OPERATIONS, headers, spelled, variables};
use crate::routes::ROUTES;
use crate::site::Site;

/// `pageProps` of a document.
pub(super) fn offered(site: &Site, data: &Value) -> Value {
    site.drifts.offered(in_place(site, data))
}

/// The page's data, in the place that the habits choose.
pub(super) fn in_place(site: &Site, data: &Value) -> Value {
    match site.habits().inline {
        Inline::Props => data.clone(),
        Inline::None => {
            let mut data = data.clone();
            if let Some(chat) = data.get_mut("chat") {
                *chat = Value::Null;
            }
            data
        }
        Inline::Deep => deep(data),
    }
}

fn deep(data: &Value) -> Value {
    let mut query = Map::new();
    let of_a_chat = [("viewer", "viewer"), ("chat", "chatOfCode")];
    for (name, told) in of_a_chat {
        if let Some(value) = data.get(name).filter(|value| !value.is_null()) {
            query.insert(told.to_owned(), value.clone());
        }
    }
    if data["chat"].is_null() {
        query.insert("bot".to_owned(), data["bot"].clone());
    }
    json!({ "data": { "mainQuery": query }, "loggedIn": !data["viewer"].is_null() })
}

/// What the app needs, encoded so that nobody takes it for the site's data.
pub(super) fn of_the_app(site: &Site, data: &Value) -> String {
    let habits: Map<String, Value> =
        site.habits().words().into_iter().map(|(name, word)| (name, word.into())).collect();
    let drifts = &site.drifts;
    let named = |name: &&str| {
        let wire = match drifts.how("call", name) {
            Some(How::Renamed) => another_name(name).into(),
            Some(How::Missing | How::Null) => Value::Null,
            Some(How::OtherType) => json!(7),
            _ => spelled(name, site.habits().operations).into(),
        };
        ((*name).to_owned(), wire)
    };
    let operations: Map<String, Value> = OPERATIONS.iter().map(named).collect();
    let routes: Map<String, Value> =
        ROUTES.iter().map(|(route, _)| ((*route).to_owned(), site.route(route).into())).collect();
    let headers: Map<String, Value> = headers(site.habits())
        .map(|name| {
            let sent = match drifts.how("header", name) {
                Some(How::Renamed) => another_name(name).into(),
                Some(How::Missing) => Value::Null,
                _ => name.into(),
            };
            (name.to_owned(), sent)
        })
        .collect();
    let once_more: Vec<&str> = OPERATIONS
        .iter()
        .copied()
        .filter(|name| drifts.how("call", name) == Some(How::Doubled))
        .collect();
    // Data of some size are not written twice.
    let is_offered = site.habits().inline == Inline::Props && drifts.is_empty();
    let app = json!({
        "habits": habits,
        "operations": operations,
        "callsOnceMore": once_more,
        "variables": variables(&site.habits().words()),
        "routes": routes,
        "headers": headers,
        "build": site.assets.build,
        "parts": site.parts,
        "isDrifted": !drifts.is_empty(),
        "requestDrifts": drifts.of_requests(),
        "late": LATE.as_millis() as u64,
        "data": (!is_offered).then_some(data),
    });
    STANDARD.encode(app.to_string())
}
