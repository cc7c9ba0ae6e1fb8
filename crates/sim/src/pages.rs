//! The pages: an HTML shell with the page's data, for the scripts to fill.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde_json::{Value, json};

use crate::bots::{self, Bot, Habit};
use crate::log::Seen;
use crate::site::Site;
use crate::wire;
use crate::world::Account;

const SHELL: &str = include_str!("../page/shell.html");
const NOT_FOUND: &str = include_str!("../page/not-found.html");
const CHALLENGE: &str = include_str!("../page/challenge.html");
const ICON: &str = include_str!("../page/icon.svg");

/// `GET /`
pub(crate) async fn front() -> Response {
    Redirect::temporary(&format!("/{}", bots::DEFAULT)).into_response()
}

/// `GET /{bot}`: a new chat.
pub(crate) async fn bot(
    State(site): State<Arc<Site>>,
    Path(handle): Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let account = seen(&site, &headers, &uri);
    match bots::find(&handle).filter(|bot| bot.handle.eq_ignore_ascii_case(&handle)) {
        Some(bot) => match instead(bot.habit).await {
            Some(response) => response,
            None => shell(&site, account.as_deref(), bot, Value::Null),
        },
        None => not_found(&site),
    }
}

/// What the server itself does in place of a bot's page, or before it.
async fn instead(habit: Habit) -> Option<Response> {
    const SLOW: Duration = Duration::from_secs(3);
    match habit {
        Habit::Challenge => Some(challenge()),
        Habit::Redirect => Some(Redirect::temporary("/Solar-Mini").into_response()),
        Habit::Down => {
            let page = "<h1>500 Internal Server Error</h1>";
            Some((StatusCode::INTERNAL_SERVER_ERROR, Html(page)).into_response())
        }
        Habit::Empty => Some(Html("").into_response()),
        Habit::NoReply => std::future::pending().await,
        Habit::SlowPage => {
            tokio::time::sleep(SLOW).await;
            None
        }
        _ => None,
    }
}

/// A human check in place of whatever was asked for.
pub(crate) fn challenge() -> Response {
    let headers = [("cf-mitigated", "challenge"), ("cache-control", "no-store")];
    (StatusCode::FORBIDDEN, headers, Html(CHALLENGE)).into_response()
}

/// `GET /chat/{code}`: an existing chat.
pub(crate) async fn chat(
    State(site): State<Arc<Site>>,
    Path(code): Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let account = seen(&site, &headers, &uri);
    if !code.chars().all(|letter| letter.is_ascii_alphanumeric()) {
        return not_found(&site);
    }
    let Some(account) = account else {
        return Redirect::temporary(&format!("/login?redirect_url=%2Fchat%2F{code}"))
            .into_response();
    };
    let found =
        site.world().chat_of(account.number, &code).map(|chat| (chat.bot, wire::chat_page(chat)));
    match found {
        Some((bot, chat)) => shell(&site, Some(&account), bot, chat),
        None => not_found(&site),
    }
}

/// `GET /login`
pub(crate) async fn login(
    State(site): State<Arc<Site>>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let wanted = query.get("redirect_url").map_or("/", String::as_str);
    let wanted = if is_path(wanted) { wanted } else { "/" };
    if seen(&site, &headers, &uri).is_some() {
        return Redirect::temporary(wanted).into_response();
    }
    page(&site, "Login - Poe", "/login", &json!({ "kind": "login", "redirectUrl": wanted }))
}

/// Whether this is a path of ours: nobody is sent to another host from here, and
/// it can stand in a header.
fn is_path(wanted: &str) -> bool {
    let plain = |letter: char| letter.is_ascii_graphic() && letter != '\\';
    wanted.starts_with('/') && !wanted.starts_with("//") && wanted.chars().all(plain)
}

/// Any other address.
pub(crate) async fn nothing(
    State(site): State<Arc<Site>>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    seen(&site, &headers, &uri);
    not_found(&site)
}

/// `GET /_next/static/{build}/{file}`
pub(crate) async fn asset(
    State(site): State<Arc<Site>>,
    Path((build, file)): Path<(String, String)>,
) -> Response {
    let found = site.assets.file(&file).filter(|_| build == site.assets.build);
    let Some(text) = found else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let media_type = if file.ends_with(".css") {
        "text/css; charset=utf-8"
    } else {
        "text/javascript; charset=utf-8"
    };
    let kept = "public, max-age=31536000, immutable";
    let headers = [(header::CONTENT_TYPE, media_type), (header::CACHE_CONTROL, kept)];
    (headers, text.to_owned()).into_response()
}

/// `GET /favicon.ico`
pub(crate) async fn icon() -> Response {
    ([(header::CONTENT_TYPE, "image/svg+xml")], ICON).into_response()
}

/// What `/api/settings` answers, also part of every page's data.
pub(crate) fn settings(site: &Site, account: Option<&Account>) -> Value {
    let channel = account.map(|account| {
        let channel = &account.channel;
        let host = format!("127.0.0.1:{}", site.socket_port);
        json!({
            "minSeq": channel.seq().to_string(),
            "channel": channel.name,
            "channelHash": channel.hash,
            "boxName": channel.box_name,
            "baseHost": host,
            "targetUrl": format!("http://{host}/up/{}/updates", channel.box_name),
            "enableWebsocket": true,
        })
    });
    json!({ "formkey": site.assets.build, "tchannelData": channel })
}

/// The account's chats, for the sidebar.
pub(crate) fn chats(site: &Site, account: &Account) -> Value {
    const SHOWN: usize = 40;
    let world = site.world();
    world.chats_of(account.number).take(SHOWN).map(wire::chat).collect()
}

fn seen(site: &Site, headers: &HeaderMap, uri: &Uri) -> Option<Arc<Account>> {
    let account = site.account(headers);
    let email = account.as_ref().map(|account| account.email.as_str());
    let path = uri.path().to_owned();
    site.log.add(email, Seen::Page { path });
    account
}

fn shell(site: &Site, account: Option<&Account>, bot: &'static Bot, chat: Value) -> Response {
    let viewer = account.map(|account| {
        let name = account.email.split('@').next().unwrap_or_default();
        let bots = bots::offered().map(|bot| json!({ "node": wire::bot(bot) }));
        json!({
            "uid": account.number,
            "email": account.email,
            "displayName": name,
            "primaryEmail": account.email,
            "poeUser": { "handle": name, "fullName": name },
            "availableBotsConnection": { "edges": bots.collect::<Vec<_>>() },
        })
    });
    let chats = account.map(|account| chats(site, account));
    let data = json!({
        "kind": "chat",
        "habit": bot.habit.name(),
        "viewer": viewer,
        "settings": settings(site, account),
        "bot": wire::bot(bot),
        "bots": bots::offered().map(wire::bot).collect::<Vec<_>>(),
        "chats": chats,
        "chat": chat,
    });
    page(site, &format!("{} - Poe", bot.handle), "/[handle]", &data)
}

fn page(site: &Site, title: &str, route: &str, data: &Value) -> Response {
    let build = &site.assets.build;
    let preloads: String = site
        .assets
        .names()
        .filter(|name| name.ends_with(".js"))
        .map(|name| format!("<link rel=\"modulepreload\" href=\"/_next/static/{build}/{name}\">"))
        .collect();
    let next =
        json!({ "props": { "pageProps": data }, "page": route, "query": {}, "buildId": build });
    // Inside a script element only `<` can end the data.
    let next = next.to_string().replace('<', "\\u003c");
    let html = SHELL
        .replace("{{title}}", title)
        .replace("{{preloads}}", &preloads)
        .replace("{{build}}", build)
        .replace("{{data}}", &next);
    ([(header::CACHE_CONTROL, "no-store")], Html(html)).into_response()
}

fn not_found(site: &Site) -> Response {
    (StatusCode::NOT_FOUND, Html(site.assets.html(NOT_FOUND))).into_response()
}
