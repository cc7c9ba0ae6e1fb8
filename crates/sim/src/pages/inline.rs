//! The data inside a document: what it offers to everybody, and what the app itself needs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::habits::Inline;
use crate::operations::{OPERATIONS, spelled};
use crate::site::Site;

/// `pageProps`, in the place that the habits choose.
pub(super) fn offered(site: &Site, data: &Value) -> Value {
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
    let operations: Map<String, Value> = OPERATIONS
        .iter()
        .map(|name| ((*name).to_owned(), spelled(name, site.habits().operations).into()))
        .collect();
    // Data of some size are not written twice.
    let data = (site.habits().inline != Inline::Props).then_some(data);
    let app = json!({
        "habits": habits,
        "operations": operations,
        "build": site.assets.build,
        "parts": site.parts,
        "data": data,
    });
    STANDARD.encode(app.to_string())
}
