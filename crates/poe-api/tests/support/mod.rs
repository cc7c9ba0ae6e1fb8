//! A server of ours that speaks as the service does, and notes what it is asked.

#![allow(dead_code, reason = "no test file uses all of it")]

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Request, Response};
use futures_util::stream::{self, BoxStream, Stream, StreamExt};
use lenore_poe_api::PoeApi;
use lenore_provider::{ChatRequest, Error, Message, Provider};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// No wait of a test is longer.
pub(crate) const WAIT: Duration = Duration::from_secs(20);

pub(crate) const KEY: &str = "pk-nevermore";

/// What the server was asked.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) authorization: String,
    /// Null where there is none.
    pub(crate) body: Value,
}

pub(crate) struct Service {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: JoinHandle<()>,
}

impl Service {
    /// Answers every request by a function.
    pub(crate) async fn new(
        answer: impl Fn(&Seen) -> Response<Body> + Send + Sync + 'static,
    ) -> Self {
        let seen = Arc::<Mutex<Vec<Seen>>>::default();
        let (log, answer) = (Arc::clone(&seen), Arc::new(answer));
        let handle = move |request: Request<Body>| {
            let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
            async move {
                let (head, body) = request.into_parts();
                let body = axum::body::to_bytes(body, usize::MAX).await.expect("the whole body");
                let authorization = head.headers.get("authorization").expect("a key");
                let seen = Seen {
                    path: head.uri.path().into(),
                    authorization: authorization.to_str().expect("text").into(),
                    body: serde_json::from_slice(&body).unwrap_or_default(),
                };
                log.lock().expect("no panic").push(seen.clone());
                answer(&seen)
            }
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/v1", listener.local_addr().expect("bound"));
        let router = Router::new().fallback(handle);
        let serve = async { axum::serve(listener, router).await.expect("it serves") };
        Self { url, seen, task: tokio::spawn(serve) }
    }

    /// Answers every request by the same stream of these texts.
    pub(crate) async fn saying(pieces: Vec<String>) -> Self {
        Self::new(move |_| sse(stream::iter(pieces.clone()).map(|text| Ok(text.into())))).await
    }

    pub(crate) fn api(&self) -> PoeApi {
        PoeApi::builder().url(&self.url).key(KEY).build().expect("good options")
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("no panic").clone()
    }

    /// The text of the answer to a question.
    pub(crate) async fn ask(&self) -> Result<String, Error> {
        in_time("the answer", self.api().create_completion(question("Hi")).text()).await
    }

    /// The error that a question ends with, which never tells the key.
    pub(crate) async fn failure(&self) -> Error {
        let error = self.ask().await.expect_err("it fails");
        assert!(!format!("{error:?} {error}").contains(KEY), "{error:?}");
        error
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A stream of events as a response.
pub(crate) fn sse(bytes: impl Stream<Item = io::Result<Bytes>> + Send + 'static) -> Response<Body> {
    let response = Response::builder().header("content-type", "text/event-stream; charset=utf-8");
    response.body(Body::from_stream(bytes)).expect("a response")
}

/// Bytes that come in these portions, each on its own, and then no more, without an end.
pub(crate) fn then_nothing(pieces: Vec<String>) -> BoxStream<'static, io::Result<Bytes>> {
    stream::iter(pieces).map(|text| Ok(text.into())).chain(stream::pending()).boxed()
}

/// Bytes that come, and then a connection that breaks. Our server throws away what it has not
/// written when it breaks one, so it waits a little.
pub(crate) fn then_broken(pieces: Vec<String>) -> BoxStream<'static, io::Result<Bytes>> {
    let broken = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        Err(io::Error::other("the cable"))
    };
    stream::iter(pieces).map(|text| Ok(text.into())).chain(stream::once(broken)).boxed()
}

/// A refusal.
pub(crate) fn refusal(status: u16, body: impl Into<Body>) -> Response<Body> {
    Response::builder().status(status).body(body.into()).expect("a response")
}

/// A message of the stream.
pub(crate) fn chunk(delta: Value, finish_reason: Option<&str>) -> String {
    let choice = json!({ "index": 0, "delta": delta, "finish_reason": finish_reason });
    let chunk = json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "GPT-4",
        "choices": [choice],
    });
    format!("data: {chunk}\n\n")
}

pub(crate) fn text(content: &str) -> String {
    chunk(json!({ "content": content }), None)
}

pub(crate) fn stop() -> String {
    format!("{}data: [DONE]\n\n", chunk(json!({}), Some("stop")))
}

pub(crate) fn question(prompt: &str) -> ChatRequest {
    ChatRequest::new("poe-api/GPT-4", vec![Message::user(prompt)])
}

/// What a future yields, which it must do in time.
pub(crate) async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    let result = tokio::time::timeout(WAIT, future).await;
    result.unwrap_or_else(|_| panic!("{what} takes longer than {WAIT:?}"))
}
