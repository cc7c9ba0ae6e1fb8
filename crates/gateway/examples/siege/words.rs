//! A service that does what the words of a question ask for: as a provider, and as the official API
//! that `lenore serve` asks.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::stream::{self, Stream, StreamExt};
use lenore_provider::{ChatRequest, Completion, Event, FinishReason, Health, Model, Provider};
use serde_json::{Value, json};

/// Bytes of a piece of a large answer.
const PIECE: usize = 64 * 1024;

/// The pieces of an answer: each, and the wait before it.
fn pieces(words: &str) -> impl Stream<Item = String> + Send + 'static + use<> {
    let number = |name: &str| {
        let (_, rest) = words.split_once(name)?;
        rest.split(']').next()?.trim().parse::<usize>().ok()
    };
    let (text, count, wait) = if let Some(megabytes) = number("[megabytes ") {
        ("x".repeat(PIECE), megabytes * 1024 * 1024 / PIECE, Duration::ZERO)
    } else if let Some(seconds) = number("[seconds ") {
        ("quoth ".to_owned(), seconds * 5, Duration::from_millis(200))
    } else if let Some((_, answer)) = words.split_once("[say]") {
        (answer.to_owned(), 1, Duration::ZERO)
    } else {
        ("Hello.".to_owned(), 1, Duration::ZERO)
    };
    stream::iter(0..count).then(move |_| {
        let text = text.clone();
        async move {
            if !wait.is_zero() {
                tokio::time::sleep(wait).await;
            }
            text
        }
    })
}

/// The words as a provider.
pub(crate) struct Words;

impl Provider for Words {
    fn name(&self) -> &str {
        "words"
    }

    fn url(&self) -> &str {
        "http://words.invalid"
    }

    fn working(&self) -> bool {
        true
    }

    fn needs_auth(&self) -> bool {
        false
    }

    fn supports_stream(&self) -> bool {
        true
    }

    fn default_model(&self) -> &str {
        "words"
    }

    fn models(&self) -> Vec<Model> {
        vec![Model { name: "words".into(), bot: "words".into() }]
    }

    fn health(&self) -> Health {
        Health::default()
    }

    fn create_completion(&self, request: ChatRequest) -> Completion {
        let words = request.messages.last().map(|message| message.content.clone());
        let text = pieces(&words.unwrap_or_default()).map(|text| Ok(Event::Delta(text)));
        let end = Event::Finished { reason: FinishReason::Complete };
        Completion::new(text.chain(stream::iter([Ok(end)])), request.stream)
    }
}

/// The words as the official API.
pub(crate) fn service() -> Router {
    Router::new().route("/v1/chat/completions", post(answer)).route(
        "/v1/models",
        get(|| async { Json(json!({ "object": "list", "data": [{ "id": "words" }] })) }),
    )
}

async fn answer(Json(request): Json<Value>) -> Response {
    let last = request["messages"].as_array().and_then(|messages| messages.last());
    let words = last.map(|message| message["content"].to_string()).unwrap_or_default();
    let chunk = |delta: Value, reason: Value| {
        let choices = json!([{ "index": 0, "delta": delta, "finish_reason": reason }]);
        let chunk = json!({
            "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "words",
            "choices": choices,
        });
        format!("data: {chunk}\n\n")
    };
    let text = pieces(&words).map(move |text| chunk(json!({ "content": text }), Value::Null));
    let end = format!("{}data: [DONE]\n\n", chunk(json!({}), "stop".into()));
    let frames = text.chain(stream::iter([end]));
    let frames = frames.map(|frame| Ok::<_, Infallible>(Bytes::from(frame)));
    ([("content-type", "text/event-stream")], Body::from_stream(frames)).into_response()
}
