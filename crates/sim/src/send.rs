//! A question arrives: refused in the reply, or taken and answered on the socket.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::oneshot;

use crate::bots::{self, Bot};
use crate::gql::{channel_of, errors, names_channel, number};
use crate::habits::{Copies, Edits, End, Responds, Rival};
use crate::log::Seen;
use crate::play::{self, Run, announce, rival};
use crate::scenario::{self, Scenario};
use crate::script::{self, Asked};
use crate::site::Site;
use crate::wire;
use crate::world::{Account, Attachment, Exchange, Running};
use accepted::accepted;
use refusal::{Refusal, refused_outside};

mod accepted;
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
    chat_nonce: Option<String>,
    #[serde(default)]
    attachments: Vec<String>,
    /// Files that were uploaded for a token.
    #[serde(default)]
    file_hash_jwts: Vec<String>,
}

/// Refuses a question for what came with it.
pub(crate) fn refused(
    site: &Arc<Site>,
    account: &Account,
    variables: Value,
    status: &str,
) -> Response {
    match serde_json::from_value::<Question>(variables) {
        Ok(question) => {
            log(site, account, &question, None, status.to_owned(), false);
            Refusal::new(status).reply(site)
        }
        Err(error) => Json(errors(&error.to_string())).into_response(),
    }
}

/// `SendMessageMutation`
pub(crate) async fn message(
    site: &Arc<Site>,
    account: &Arc<Account>,
    headers: &HeaderMap,
    variables: Value,
) -> Response {
    let mut question: Question = match serde_json::from_value(variables) {
        Ok(question) => question,
        Err(error) => return Json(errors(&error.to_string())).into_response(),
    };
    question.attachments.append(&mut question.file_hash_jwts);
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
    let channel = channel_of(headers).map(str::to_owned);
    if let Some(again) = duplicate(site, account, &question) {
        return refusal::instead(site, &scenario, again);
    }
    let refused = refused_outside(site, &scenario).filter(|_| !scenario.taken);
    if let Some((status, response)) = refused {
        log(site, account, &question, None, status, false);
        return slowed(&scenario, response).await;
    }
    let taken = take(site, account, &question, &scenario);
    let (exchange, reply) = match taken {
        Ok(taken) => taken,
        Err(refusal) => {
            log(site, account, &question, None, refusal.status.clone(), false);
            return slowed(&scenario, refusal.reply(site)).await;
        }
    };
    account.channels.follow(channel.as_deref(), exchange.chat);
    log(site, account, &question, Some(exchange.chat), "success".to_owned(), false);
    answer(site, account, &question, &scenario, exchange).await;
    slowed(&scenario, refusal::instead(site, &scenario, reply)).await
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
    let (bot, new_chat, mut entries) = {
        let mut world = site.world();
        let Some(chat) = world.chat_mut(exchange.chat) else {
            return;
        };
        let told = announce::Told { echo: !scenario.no_echo, address: scenario.address };
        (chat.bot, chat.title.is_none(), announce::question(&site.wire, chat, exchange, told))
    };
    scenario.quirks.apply(&mut entries);
    site.tell_now(account, entries);
    let Some(message) = exchange.answer else { return };
    let habits = site.habits();
    if habits.rival == Rival::Yes {
        site.spawn(rival::perform(Arc::clone(site), Arc::clone(account), exchange, message));
    }
    let script = script::write(
        scenario,
        &Asked {
            seed: site.options.seed,
            bot: bot.handle,
            query: &question.query,
            new_chat,
            copies: match habits.copies {
                _ if habits.end == End::Job => 0,
                Copies::None => 0,
                Copies::One => 1,
                Copies::Five => 5,
            },
        },
    );
    let (early, first_updates) = oneshot::channel();
    site.spawn(play::perform(Run {
        site: Arc::clone(site),
        account: Arc::clone(account),
        exchange,
        message,
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
    let habits = site.habits();
    if (scenario.stale || habits.edits == Edits::Yes)
        && world.chat(chat).is_some_and(|chat| chat.messages.is_empty())
    {
        // Something older than the question must be there to be sent again.
        world.add(chat, bot.author, bot.about, "complete").ok_or_else(gone)?;
    }
    let asked = world.add(chat, "human", &question.query, "complete").ok_or_else(gone)?;
    asked.nonce = Some(question.client_nonce.clone());
    asked.attachments = attachments;
    let question_id = asked.id;
    if let Some(chat) = world.chat_mut(chat) {
        chat.nonce = question.chat_nonce.clone().or(chat.nonce.take());
    }
    if habits.rival == Rival::Yes && habits.responds == Responds::Yes {
        let id = world.add(chat, rival::of(bot).author, "", "incomplete").ok_or_else(gone)?;
        id.job = Some(wire::job_of(id.id));
    }
    let author = scenario.author.as_deref().unwrap_or(bot.author);
    let author = bots::find(author).map_or(author, |bot| bot.author);
    let state = scenario.growing.as_deref().unwrap_or("incomplete");
    let mut exchange = Exchange { chat, question: question_id, answer: None };
    if habits.responds == Responds::Yes {
        let answer = world.add(chat, author, "", state).ok_or_else(gone)?;
        let id = answer.id;
        answer.job = Some(wire::job_of(id));
        exchange.answer = Some(id);
        if let Some(chat) = world.chat_mut(chat) {
            chat.running = Some(Running { message: id, ignores_stop: scenario.stop_ignored });
        }
    }
    if !question.client_nonce.is_empty() {
        world.asked.insert((account.number, question.client_nonce.clone()), exchange);
    }
    world.taken.push_back((account.number, Instant::now()));
    drop(world);
    let reply = accepted(site, exchange, &scenario.quirks).ok_or_else(gone)?;
    Ok((exchange, reply))
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
