//! From a question to the response, the same for every dialect.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use futures_util::stream::StreamExt;
use lenore_provider::{ChatRequest, Hold, Message, Role};

use crate::Gateway;
use crate::answer::{Answer, End, Part, Plan};
use crate::failure::Failure;
use crate::files::Files;
use crate::fold::Rules;
use crate::keys::{Caller, Permit};
use crate::links::Place;
use crate::metrics::Meter;
use crate::question::{Question, Wishes, X_LENORE_CHAT};
use crate::sse::{Encoder, Item, Parts, Sse};

/// Parameters that were accepted and have no effect.
const X_LENORE_IGNORED: HeaderName = HeaderName::from_static("x-lenore-ignored");
/// How the numbers of tokens came to be.
const X_LENORE_USAGE: HeaderName = HeaderName::from_static("x-lenore-usage");

/// How long a streamed response waits for the question to be taken, so that a refusal has its own
/// status. After that it begins, and a refusal comes as an event.
const FIRST_WAIT: Duration = Duration::from_secs(10);

/// Asks, and answers the client.
pub(crate) async fn respond<E: Encoder>(
    gateway: &Gateway,
    caller: &Caller,
    wishes: Wishes,
    mut question: Question,
    mut encoder: E,
) -> Result<Response, Failure> {
    let stream = question.stream;
    let ignored = std::mem::take(&mut question.beside.ignored);
    let (mut parts, permit) = ask(gateway, caller, wishes, question).await?;
    let open = parts.len();
    let (mut response, chat) = if stream {
        let early = begin(&mut parts, open).await?;
        let chat = early.iter().find_map(|(_, part)| match part {
            Ok(Part::Started(chat)) => Some(chat.clone()),
            _ => None,
        });
        let heartbeat = gateway.0.options.patience.heartbeat;
        (Sse { parts, early, encoder, open, heartbeat, _permit: permit }.into_response(), chat)
    } else {
        let ends = collect(parts, open).await?;
        drop(permit);
        let chat = ends.first().and_then(|end| end.notes.chat.clone());
        (Json(encoder.whole(ends)).into_response(), chat)
    };
    let headers = response.headers_mut();
    headers.insert(X_LENORE_USAGE, HeaderValue::from_static("estimated"));
    if let Some(chat) = chat.and_then(|chat| HeaderValue::from_str(&chat).ok()) {
        headers.insert(X_LENORE_CHAT, chat);
    }
    if let Some(names) = told(&ignored) {
        headers.insert(X_LENORE_IGNORED, names);
    }
    Ok(response)
}

/// Asks as often as answers are wanted.
async fn ask(
    gateway: &Gateway,
    caller: &Caller,
    wishes: Wishes,
    question: Question,
) -> Result<(Parts, Arc<Permit>), Failure> {
    let prompt_tokens = question.tokens();
    let Question {
        model, messages, beside, stop, most, reading, count, stream, chat, told, ..
    } = question;
    check(&messages)?;
    let side_model = gateway.side_model(caller, &messages);
    let is_side = side_model.is_some();
    let model = side_model.unwrap_or(model);
    let route = gateway.route(&model)?;
    caller.check_model(&gateway.shown(&route.model))?;
    if wishes.chat.is_some() {
        caller.check_chats()?;
    }
    let chat = wishes.chat.or(chat);
    if route.temporary && chat.is_some() {
        let message = "a chat that is named is not deleted; leave out `:temporary`, or the chat";
        return Err(Failure::invalid(message).of_param("model"));
    }
    if count > 1 && chat.is_some() {
        let message = "several answers cannot go on in one chat; ask for one, or in a new chat";
        return Err(Failure::invalid(message).of_param("n"));
    }
    let permit = Arc::new(caller.enter(count)?);
    let reading = Arc::new(reading);
    reading.prepare().await?;
    let files = Files::store(beside.files, gateway.scratch(), gateway.remote()).await?;
    let files = Arc::new(files);
    // What is left of the body is the conversation.
    let share = beside.share.map(|mut share| {
        share.shrink_to(messages.iter().map(|message| message.content.len()).sum());
        Arc::new(share)
    });
    let place = Place::new(gateway, caller, &route);
    let points = &gateway.0.points;
    let request = ChatRequest {
        attachments: files.paths.clone(),
        earlier: points.find(&place, &messages).filter(|_| chat.is_none() && !route.temporary),
        chat,
        temporary: route.temporary,
        // Several answers to one question are in chats of their own.
        resume: !wishes.new_chat && count == 1 && !route.temporary,
        // A client who has left may ask again once the site has stopped.
        hold: Hold::new(permit.clone()),
        ..ChatRequest::new(route.model, messages)
    };
    // Under the name by which it is in the list of models.
    let used = match gateway.is_known(&model) {
        true => model,
        false => place.model.clone(),
    };
    let used = (!is_side && !route.temporary).then(|| (gateway.0.recent.clone(), used));
    let rules = Rules { stop, most, mark: None, hold: wishes.hold || !stream };
    let start = |index| {
        let plan = Plan {
            provider: route.provider.clone(),
            request: request.clone(),
            points: points.clone(),
            told: told.map(|told| (gateway.0.told.clone(), told)),
            place: place.clone(),
            used: used.clone(),
            rules: rules.clone(),
            reading: reading.clone(),
            caller: caller.clone(),
            _files: files.clone(),
            _share: share.clone(),
            largest: gateway.0.options.largest_answer,
            is_streamed: stream,
            prompt_tokens,
            meter: Meter::start(gateway.metrics()),
            stopping: gateway.stopping(),
        };
        Answer::start(plan).parts(index).boxed()
    };
    Ok(((0..count).map(start).collect(), permit))
}

/// Whether there is something to ask.
fn check(messages: &[Message]) -> Result<(), Failure> {
    let Some(last) = messages.last() else {
        return Err(Failure::invalid("there is no message to answer"));
    };
    if last.role == Role::Assistant {
        return Err(Failure::invalid(
            "the last message is the assistant's own, and no bot here can be given the beginning \
             of its answer; end with a message of the user's, or a tool's result, or have the \
             server started with `--prefill prompt`",
        ));
    }
    Ok(())
}

/// The parts until the question is taken, or refused. Where several are asked, one refusal says
/// nothing of the others.
async fn begin(parts: &mut Parts, count: usize) -> Result<VecDeque<Item>, Failure> {
    let deadline = tokio::time::Instant::now() + FIRST_WAIT;
    let mut early = VecDeque::new();
    while let Ok(Some((index, part))) = tokio::time::timeout_at(deadline, parts.next()).await {
        let part = part.map_err(|failure| failure.asked(count > 1))?;
        let is_notice = matches!(part, Part::Status(_));
        early.push_back((index, Ok(part)));
        if !is_notice {
            break;
        }
    }
    Ok(early)
}

/// All answers, to their ends.
async fn collect(mut parts: Parts, count: usize) -> Result<Vec<End>, Failure> {
    let mut ends: Vec<Option<End>> = std::iter::repeat_with(|| None).take(count).collect();
    while let Some((index, part)) = parts.next().await {
        if let Part::End(end) = part.map_err(|failure| failure.asked(count > 1))? {
            ends[index] = Some(*end);
        }
    }
    Ok(ends.into_iter().flatten().collect())
}

/// A header's value: the names that may stand in one.
fn told(names: &[String]) -> Option<HeaderValue> {
    const LONGEST: usize = 1000;
    let is_plain = |name: &&String| name.chars().all(|c| c.is_ascii_graphic() && c != ',');
    let mut names = names.iter().filter(is_plain).map(String::as_str).collect::<Vec<_>>().join(",");
    if names.len() > LONGEST {
        // No name is cut.
        let end = names[..LONGEST].rfind(',');
        names.truncate(end.unwrap_or_default());
    }
    HeaderValue::from_str(&names).ok().filter(|value| !value.is_empty())
}
