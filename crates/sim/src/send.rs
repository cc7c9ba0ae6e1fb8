//! A question arrives: refused in the reply, or taken and answered on the socket.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::bots::{self, Bot};
use crate::gql::{data, errors, names_channel, number};
use crate::log::Seen;
use crate::play::{self, Run};
use crate::quirks::Quirks;
use crate::scenario::{self, Scenario};
use crate::script::{self, Asked};
use crate::site::Site;
use crate::wire;
use crate::world::{Account, Attachment, Exchange, Running};
use refusal::{Refusal, refused_outside};

mod refusal;

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
    if let Some(pause) = scenario.slow_take {
        tokio::time::sleep(pause).await;
    }
    if let Some(again) = duplicate(site, account, &question) {
        return refusal::instead(&scenario, again);
    }
    let refused = refused_outside(&scenario).filter(|_| !scenario.taken);
    if let Some((status, response)) = refused {
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
    slowed(&scenario, refusal::instead(&scenario, reply)).await
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
        let code = scenario.address.then(|| chat.code.clone());
        let echo = chat.message_mut(exchange.question).map(|message| {
            let Some(code) = code else {
                return wire::entry("messageAdded", exchange.chat, wire::message(message));
            };
            let mut node = json!(wire::message(message));
            node["chatCode"] = json!(code);
            wire::entry("messageAdded", exchange.chat, node)
        });
        (bot, new_chat, echo)
    };
    if let Some(echo) = echo.filter(|_| !scenario.no_echo) {
        let mut entries = vec![echo];
        scenario.quirks.apply(&mut entries);
        account.channel.publish(&entries);
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
        quirks: scenario.quirks.clone(),
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
    let quirks = &scenario::read(&question.query).quirks;
    let response = accepted(site, exchange, quirks)?;
    log(site, account, question, Some(exchange.chat), "success".to_owned(), true);
    Some(response)
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
    let wanted = if scenario.default_bot { bots::DEFAULT } else { &question.bot };
    let bot = bots::find(wanted);
    let mut world = site.world();
    let attachments: Vec<Attachment> =
        question.attachments.iter().filter_map(|id| world.uploads.get(id).cloned()).collect();
    if let Some(status) = world.over_limit(account.number, &site.options) {
        return Err(Refusal::new(status));
    }
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
    let author = scenario.author.as_deref().unwrap_or(bot.author);
    let author = bots::find(author).map_or(author, |bot| bot.author);
    let state = scenario.growing.as_deref().unwrap_or("incomplete");
    let answer_id = world.add(chat, author, "", state).ok_or_else(gone)?.id;
    let exchange = Exchange { chat, question: question_id, answer: answer_id };
    if let Some(chat) = world.chat_mut(chat) {
        chat.running = Some(Running { message: answer_id, ignores_stop: scenario.stop_ignored });
    }
    if !question.client_nonce.is_empty() {
        world.asked.insert((account.number, question.client_nonce.clone()), exchange);
    }
    world.taken.push_back((account.number, Instant::now()));
    drop(world);
    let reply = accepted(site, exchange, &scenario.quirks).ok_or_else(gone)?;
    Ok((exchange, reply))
}

fn accepted(site: &Site, exchange: Exchange, quirks: &Quirks) -> Option<Response> {
    let world = site.world();
    let chat = world.chat(exchange.chat)?;
    let edge = |id: u64| {
        let message = chat.message(id)?;
        Some(json!({ "cursor": id.to_string(), "node": wire::message(message) }))
    };
    let mut reply = json!({
        "status": "success",
        "statusMessage": null,
        "chat": wire::chat(chat),
        "message": edge(exchange.question)?,
        "botMessage": edge(exchange.answer)?,
    });
    quirks.reply(&mut reply);
    Some(data(json!({ "messageEdgeCreate": reply })))
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
