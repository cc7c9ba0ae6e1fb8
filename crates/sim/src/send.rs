//! A question arrives: refused in the reply, or taken and answered on the socket.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::bots::{self, Bot};
use crate::gql::{data, errors, names_channel, number};
use crate::log::Seen;
use crate::play::{self, Run};
use crate::scenario::{self, Scenario};
use crate::script::{self, Asked};
use crate::site::Site;
use crate::wire;
use crate::world::{Account, Attachment, Exchange, Running};

/// Longer questions are refused.
const MOST_CHARACTERS: usize = 5_000_000;
/// How long an `early` answer may hold up the reply.
const EARLY_DEADLINE: Duration = Duration::from_secs(10);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Question {
    #[serde(default)]
    chat_id: Value,
    #[serde(default)]
    bot: String,
    query: String,
    #[serde(default)]
    client_nonce: String,
    #[serde(default)]
    attachments: Vec<String>,
}

/// `SendMessageMutation`
pub(crate) async fn message(
    site: &Arc<Site>,
    account: &Arc<Account>,
    headers: &HeaderMap,
    variables: Value,
) -> Response {
    let question: Question = match serde_json::from_value(variables) {
        Ok(question) => question,
        Err(error) => return Json(errors(&error.to_string())).into_response(),
    };
    if !names_channel(headers, account) {
        let words = "the poe-tchannel header does not name the account's channel";
        return (StatusCode::BAD_REQUEST, Json(errors(words))).into_response();
    }
    let scenario = scenario::read(&question.query);
    if !scenario.unknown.is_empty() {
        tracing::warn!(words = ?scenario.unknown, "unknown scenario words");
    }
    if let Some(again) = duplicate(site, account, &question) {
        return again;
    }
    if let Some((status, response)) = refused_outside(&scenario) {
        log(site, account, &question, None, status, false);
        return slowed(&scenario, response).await;
    }
    let taken = take(site, account, &question, &scenario);
    let (exchange, reply) = match taken {
        Ok(taken) => taken,
        Err(refusal) => {
            log(site, account, &question, None, refusal.status.clone(), false);
            return slowed(&scenario, refusal.reply()).await;
        }
    };
    log(site, account, &question, Some(exchange.chat), "success".to_owned(), false);
    answer(site, account, &question, &scenario, exchange).await;
    slowed(&scenario, reply).await
}

/// The question's echo, and the answer in the background. Waits for the first
/// updates when the scenario wants them ahead of the reply.
async fn answer(
    site: &Arc<Site>,
    account: &Arc<Account>,
    question: &Question,
    scenario: &Scenario,
    exchange: Exchange,
) {
    let (bot, new_chat, echo) = {
        let mut world = site.world();
        let Some(chat) = world.chat_mut(exchange.chat) else {
            return;
        };
        let new_chat = chat.title.is_none();
        let bot = chat.bot;
        let echo = chat
            .message_mut(exchange.question)
            .map(|message| wire::entry("messageAdded", exchange.chat, wire::message(message)));
        (bot, new_chat, echo)
    };
    if let Some(echo) = echo.filter(|_| !scenario.no_echo) {
        account.channel.publish(&[echo]);
    }
    let script = script::write(
        scenario,
        &Asked { seed: site.options.seed, bot: bot.handle, query: &question.query, new_chat },
    );
    let (early, first_updates) = oneshot::channel();
    site.spawn(play::perform(Run {
        site: Arc::clone(site),
        account: Arc::clone(account),
        exchange,
        bot,
        script,
        early: Some(early),
    }));
    if scenario.early {
        let _ = tokio::time::timeout(EARLY_DEADLINE, first_updates).await;
    }
}

/// The same nonce again: the same messages, and nothing is asked anew.
fn duplicate(site: &Arc<Site>, account: &Arc<Account>, question: &Question) -> Option<Response> {
    let key = (account.number, question.client_nonce.clone());
    let exchange = *site.world().asked.get(&key).filter(|_| !question.client_nonce.is_empty())?;
    let response = accepted(site, exchange)?;
    log(site, account, question, Some(exchange.chat), "success".to_owned(), true);
    Some(response)
}

/// Refusals that are not a `status`: HTTP errors, GraphQL errors, an HTML page.
fn refused_outside(scenario: &Scenario) -> Option<(String, Response)> {
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
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        return Some((format!("http_{code}"), response));
    }
    let words = "Server error: the message could not be created.";
    scenario.errors.then(|| ("errors".to_owned(), Json(errors(words)).into_response()))
}

/// A refusal in the reply's `status`.
struct Refusal {
    status: String,
    message: Option<String>,
}

impl Refusal {
    fn new(status: &str) -> Refusal {
        Refusal { status: status.to_owned(), message: None }
    }

    fn reply(self) -> Response {
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
        data(json!({ "messageEdgeCreate": {
            "status": self.status,
            "statusMessage": words,
            "chat": null,
            "message": null,
            "botMessage": null,
        } }))
    }
}

/// Writes question and empty answer into the database, or refuses.
fn take(
    site: &Arc<Site>,
    account: &Account,
    question: &Question,
    scenario: &Scenario,
) -> Result<(Exchange, Response), Refusal> {
    if let Some(status) = &scenario.status {
        return Err(Refusal { status: status.clone(), message: scenario.status_message.clone() });
    }
    if question.query.chars().count() > MOST_CHARACTERS {
        return Err(Refusal::new("too_many_tokens"));
    }
    if question.query.trim().is_empty() && question.attachments.is_empty() {
        return Err(Refusal::new("message_empty"));
    }
    let bot = bots::find(&question.bot);
    let mut world = site.world();
    let attachments: Vec<Attachment> =
        question.attachments.iter().filter_map(|id| world.uploads.get(id).cloned()).collect();
    let (chat, bot): (u64, &'static Bot) = match number(&question.chat_id) {
        Some(id) => match world.chat(id).filter(|chat| chat.owner == account.number) {
            Some(chat) if chat.running.is_some() => {
                return Err(Refusal::new("concurrent_messages"));
            }
            Some(chat) => (id, bot.unwrap_or(chat.bot)),
            None => return Err(Refusal::new("chat_not_found")),
        },
        None => {
            let bot = bot.ok_or_else(|| Refusal::new("bot_not_found"))?;
            (world.open_chat(account.number, bot).id, bot)
        }
    };
    let gone = || Refusal::new("chat_not_found");
    if scenario.stale && world.chat(chat).is_some_and(|chat| chat.messages.is_empty()) {
        // Something older than the question must be there to be sent again.
        world.add(chat, bot.author, bot.about, "complete").ok_or_else(gone)?;
    }
    let asked = world.add(chat, "human", &question.query, "complete").ok_or_else(gone)?;
    asked.nonce = Some(question.client_nonce.clone());
    asked.attachments = attachments;
    let question_id = asked.id;
    let answer_id = world.add(chat, bot.author, "", "incomplete").ok_or_else(gone)?.id;
    let exchange = Exchange { chat, question: question_id, answer: answer_id };
    if let Some(chat) = world.chat_mut(chat) {
        chat.running = Some(Running { message: answer_id, ignores_stop: scenario.stop_ignored });
    }
    if !question.client_nonce.is_empty() {
        world.asked.insert((account.number, question.client_nonce.clone()), exchange);
    }
    drop(world);
    let reply = accepted(site, exchange).ok_or_else(gone)?;
    Ok((exchange, reply))
}

fn accepted(site: &Site, exchange: Exchange) -> Option<Response> {
    let world = site.world();
    let chat = world.chat(exchange.chat)?;
    let edge = |id: u64| {
        let message = chat.message(id)?;
        Some(json!({ "cursor": id.to_string(), "node": wire::message(message) }))
    };
    Some(data(json!({ "messageEdgeCreate": {
        "status": "success",
        "statusMessage": null,
        "chat": wire::chat(chat),
        "message": edge(exchange.question)?,
        "botMessage": edge(exchange.answer)?,
    } })))
}

async fn slowed(scenario: &Scenario, response: Response) -> Response {
    if let Some(pause) = scenario.slow_reply {
        tokio::time::sleep(pause).await;
    }
    response
}

fn log(
    site: &Site,
    account: &Account,
    question: &Question,
    chat: Option<u64>,
    status: String,
    duplicate: bool,
) {
    let (chat, attachments) = {
        let world = site.world();
        let id = chat.or_else(|| number(&question.chat_id));
        let chat = id.and_then(|id| world.chat(id)).map(|chat| chat.code.clone());
        let name = |id: &String| {
            world.uploads.get(id).map_or_else(|| id.clone(), |file| file.name.clone())
        };
        (chat, question.attachments.iter().map(name).collect())
    };
    let seen = Seen::Send {
        chat,
        bot: bots::find(&question.bot).map_or(question.bot.as_str(), |bot| bot.handle).to_owned(),
        query: question.query.clone(),
        nonce: question.client_nonce.clone(),
        attachments,
        status,
        duplicate,
    };
    site.log.add(Some(&account.email), seen);
}
