//! The pages: an HTML shell with the page's data, for the scripts to fill.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde_json::{Value, json};

use crate::bots::{self, Bot, PageHabit};
use crate::gql::channel_of;
use crate::habits::{AskedBot, HandleCase, NextData};
use crate::log::Seen;
use crate::site::Site;
use crate::world::Account;

mod inline;

const SHELL: &str = include_str!("../page/shell.html");
const NOT_FOUND: &str = include_str!("../page/not-found.html");
const CHALLENGE: &str = include_str!("../page/challenge.html");
const ICON: &str = include_str!("../page/icon.svg");

/// `GET /`
pub(crate) async fn front(State(site): State<Arc<Site>>) -> Response {
    let page = site.route("/{bot}").replace("{bot}", bots::DEFAULT);
    Redirect::temporary(&page).into_response()
}

/// `GET /{bot}`: a new chat.
pub(crate) async fn bot(
    State(site): State<Arc<Site>>,
    Path(handle): Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let account = seen(&site, &headers, &uri);
    let is_exact = site.habits().handle_case == HandleCase::Redirect;
    match bots::find(&handle).filter(|bot| bot.handle.eq_ignore_ascii_case(&handle)) {
        Some(bot) if is_exact && bot.handle != handle => {
            let page = site.route("/{bot}").replace("{bot}", bot.handle);
            Redirect::temporary(&page).into_response()
        }
        Some(bot) => match instead(bot.habit).await {
            Some(response) => response,
            None => shell(&site, account.as_deref(), bot, None),
        },
        None => not_found(&site),
    }
}

/// What the server itself does in place of a bot's page, or before it.
async fn instead(habit: PageHabit) -> Option<Response> {
    const SLOW: Duration = Duration::from_secs(3);
    match habit {
        PageHabit::Challenge => Some(challenge()),
        PageHabit::Redirect => Some(Redirect::temporary("/Solar-Mini").into_response()),
        PageHabit::Down => {
            let page = "<h1>500 Internal Server Error</h1>";
            Some((StatusCode::INTERNAL_SERVER_ERROR, Html(page)).into_response())
        }
        PageHabit::Empty => Some(Html("").into_response()),
        PageHabit::NoReply => std::future::pending().await,
        PageHabit::SlowPage => {
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
        let login = site.route("/login");
        return Redirect::temporary(&format!("{login}?redirect_url=%2Fchat%2F{code}"))
            .into_response();
    };
    let found = site
        .world()
        .chat_of(account.number, &code)
        .map(|chat| (chat.bot, chat.id, site.wire.chat_page(chat)));
    match found {
        Some((bot, id, chat)) => shell(&site, Some(&account), bot, Some((id, chat))),
        None => not_found(&site),
    }
}

/// `GET /_next/data/{build}/…`: a page's data, for a page that is there already.
pub(crate) async fn next_data(
    State(site): State<Arc<Site>>,
    Path((build, path)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let account = site.account(&headers);
    let is_served = site.habits().next_data == NextData::On && build == site.assets.build;
    let code = path.strip_prefix("chat/").and_then(|path| path.strip_suffix(".json"));
    let (Some(account), Some(code), true) = (account, code, is_served) else {
        return (StatusCode::NOT_FOUND, Json(json!({}))).into_response();
    };
    site.log.add(Some(&account.email), Seen::NextData { chat_code: code.to_owned() });
    let found = site.world().chat_of(account.number, code).map(|chat| {
        account.channels.follow(channel_of(&headers), chat.id);
        (chat.bot, site.wire.chat_page(chat))
    });
    let Some((bot, chat)) = found else {
        return (StatusCode::NOT_FOUND, Json(json!({}))).into_response();
    };
    let data = chat_data(&site, Some(&account), bot, chat, Value::Null);
    let told = json!({ "pageProps": inline::in_place(&site, &data), "__N_SSP": true });
    Json(site.drifts.reply("next-data", told)).into_response()
}

/// `GET /cdn-cgi/challenge-platform/…`: a script that is on every page, and checks nobody.
pub(crate) async fn no_script() -> Response {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], "").into_response()
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

/// What `/api/settings` answers, also part of every page's data: the channel of the page that has
/// one already, or of a page that shows a chat.
pub(crate) fn settings(
    site: &Site,
    account: Option<&Account>,
    has: Option<&str>,
    chat: Option<u64>,
) -> Value {
    let channel = account.map(|account| {
        let channel = account.channels.open(has, chat);
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
    world.chats_of(account.number).take(SHOWN).map(|chat| site.wire.chat(chat)).collect()
}

fn seen(site: &Site, headers: &HeaderMap, uri: &Uri) -> Option<Arc<Account>> {
    let account = site.account(headers);
    let email = account.as_ref().map(|account| account.email.as_str());
    let path = uri.path().to_owned();
    site.log.add(email, Seen::Page { path });
    account
}

fn shell(
    site: &Site,
    account: Option<&Account>,
    bot: &'static Bot,
    chat: Option<(u64, Value)>,
) -> Response {
    let route = if chat.is_some() { "/chat/[chatCode]" } else { "/[handle]" };
    let (id, chat) = chat.map_or((None, Value::Null), |(id, chat)| (Some(id), chat));
    let settings = settings(site, account, None, id);
    let data = chat_data(site, account, bot, chat, settings);
    page(site, &format!("{} - Poe", bot.handle), route, &data)
}

/// The data of a page that shows a bot or a chat.
fn chat_data(
    site: &Site,
    account: Option<&Account>,
    bot: &'static Bot,
    chat: Value,
    settings: Value,
) -> Value {
    let wire = &site.wire;
    let viewer = account.map(|account| {
        let name = account.email.split('@').next().unwrap_or_default();
        let bots = bots::offered().map(|bot| json!({ "node": wire.bot(bot) }));
        json!({
            "uid": account.number,
            "email": account.email,
            "displayName": name,
            "primaryEmail": account.email,
            "poeUser": { "handle": name, "fullName": name },
            "availableBotsConnection": { "edges": bots.collect::<Vec<_>>() },
        })
    });
    let asked_bot = match site.habits().asked_bot {
        AskedBot::Handle => bot.handle,
        AskedBot::Code => bot.author,
    };
    json!({
        "kind": "chat",
        "habit": bot.habit.name(),
        "viewer": viewer,
        "settings": settings,
        "bot": wire.bot(bot),
        "askedBot": asked_bot,
        "bots": bots::offered().map(|bot| wire.bot(bot)).collect::<Vec<_>>(),
        "chats": account.map(|account| chats(site, account)),
        "chat": chat,
    })
}

fn page(site: &Site, title: &str, route: &str, data: &Value) -> Response {
    let build = &site.assets.build;
    let preloads: String = site
        .assets
        .names()
        .filter(|name| name.ends_with(".js"))
        .map(|name| format!("<link rel=\"modulepreload\" href=\"/_next/static/{build}/{name}\">"))
        .collect();
    let offered = inline::offered(site, data);
    let next =
        json!({ "props": { "pageProps": offered }, "page": route, "query": {}, "buildId": build });
    // Inside a script element only `<` can end the data.
    let next = next.to_string().replace('<', "\\u003c");
    let html = SHELL
        .replace("{{title}}", title)
        .replace("{{preloads}}", &preloads)
        .replace("{{build}}", build)
        .replace("{{app}}", &inline::of_the_app(site, data))
        .replace("{{data}}", &next);
    ([(header::CACHE_CONTROL, "no-store")], Html(html)).into_response()
}

fn not_found(site: &Site) -> Response {
    (StatusCode::NOT_FOUND, Html(site.assets.html(NOT_FOUND))).into_response()
}
