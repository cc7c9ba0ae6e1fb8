//! How long clients are waited for, and how they hear that the server is there.

use std::time::{Duration, Instant};

use lenore_gateway::{GatewayBuilder, Patience};
use serde_json::json;
use tokio::io::AsyncReadExt;

use crate::support::{
    Fake, Server, Step, Wire, delta, finished, in_time, request, script, started,
};

const PATH: &str = "/v1/chat/completions";

/// Short, but longer than anything takes that is not waited for.
const SHORT: Duration = Duration::from_millis(300);

async fn server(steps: impl Into<Vec<Step>>, patience: Patience) -> Server {
    let steps = steps.into();
    let patient =
        move |builder: GatewayBuilder| builder.patience(patience).largest_answer(usize::MAX);
    Server::with(Fake::new(move |_| steps.clone()), patient).await
}

fn streamed(path: &str, words: &str) -> String {
    let messages = json!([{ "role": "user", "content": words }]);
    let body = match path {
        "/v1/responses" => json!({ "input": messages, "stream": true }),
        "/v1/completions" => json!({ "prompt": words, "stream": true }),
        _ => json!({ "messages": messages, "stream": true, "max_tokens": 100_000_000 }),
    };
    request("POST", path, &[], &body.to_string())
}

/// Waits for the end of a connection, and gives how long that took.
async fn ends(mut wire: Wire) -> Duration {
    let begin = Instant::now();
    let mut bytes = Vec::new();
    let _ = in_time("the connection's end", wire.0.read_to_end(&mut bytes)).await;
    begin.elapsed()
}

#[test]
fn without_a_word_they_are_those_of_the_documentation() {
    let seconds = Duration::from_secs;
    let expected = Patience {
        head: seconds(5),
        idle: seconds(15),
        body: seconds(30),
        stall: seconds(120),
        heartbeat: seconds(15),
    };
    assert_eq!(Patience::default(), expected);
    let words = include_str!("../../../../docs/gateway.md");
    for said in [
        "Every 15 seconds a stream without news has a sign of life",
        "One that takes nothing for two minutes is given up",
        "from its beginning | 5 s |",
        "two requests of a connection | 15 s |",
        "the time for a body | 30 s |",
    ] {
        assert!(words.contains(said), "{said}");
    }
}

#[tokio::test]
async fn a_stream_without_news_has_signs_of_life() {
    let patience = Patience { heartbeat: Duration::from_millis(50), ..Patience::default() };
    let server = server([started(), delta("a"), Step::Hang], patience).await;
    for (path, sign) in [
        (PATH, ": still here\n\n"),
        ("/v1/completions", ": still here\n\n"),
        ("/v1/responses", ": still here\n\n"),
        ("/v1/messages", "event: ping\ndata: {\"type\":\"ping\"}\n\n"),
    ] {
        let mut wire = Wire::open(server.address).await;
        wire.send(streamed(path, "hi")).await;
        wire.until("\"a\"").await;
        for _ in 0..2 {
            wire.until(sign).await;
        }
    }
    server.end().await;
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let patience = Patience { body: SHORT, ..Patience::default() };
    let server = server([started(), finished()], patience).await;
    for path in [PATH, "/v1/completions", "/v1/responses", "/v1/messages"] {
        let mut wire = Wire::open(server.address).await;
        let begin = Instant::now();
        wire.send(format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
             content-length: 100\r\n\r\n{{\"model\":"
        ))
        .await;
        let reply = wire.reply().await.with_status(408);
        assert!(begin.elapsed() >= SHORT, "{:?}", begin.elapsed());
        let error = &reply.json()["error"];
        assert!(error["message"].as_str().is_some_and(|words| words.contains("300ms")), "{error}");
    }
    assert_eq!(server.fake.asked().len(), 0);
    server.end().await;
}

#[tokio::test]
async fn an_idle_connection_ends_and_one_with_an_answer_does_not() {
    let patience = Patience { head: SHORT, idle: SHORT, ..Patience::default() };
    let pause = Step::Wait(SHORT * 3);
    let server =
        server([started(), delta("one "), pause, delta("two"), finished()], patience).await;
    // Before the first request, and in the middle of its head.
    for begun in ["", "GET /health/live HTTP/1.1\r\nho"] {
        let mut wire = Wire::open(server.address).await;
        wire.send(begun).await;
        let idle = ends(wire).await;
        assert!(idle > SHORT / 2, "{idle:?}");
    }
    // After one, and not while it is answered.
    let mut wire = Wire::open(server.address).await;
    for _ in 0..2 {
        wire.send("GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
        wire.until("200 OK").await;
    }
    wire.send(streamed(PATH, "hi").replace("connection: close\r\n", "")).await;
    wire.until("[DONE]").await;
    let idle = ends(wire).await;
    assert!(idle > SHORT / 2 && idle < SHORT * 10, "{idle:?}");
    server.end().await;
}

#[tokio::test]
async fn who_takes_nothing_is_given_up_and_who_is_slow_is_not() {
    /// More than any buffer on the way holds.
    const LARGE: usize = 64 * 1024;
    let text: &'static str = Box::leak("x".repeat(LARGE).into_boxed_str());
    let steps: Vec<_> = std::iter::once(started())
        .chain(std::iter::repeat_n(delta(text), 1000))
        .chain([Step::Hang])
        .collect();
    let patience = Patience { stall: SHORT, ..Patience::default() };
    let server = server(steps, patience).await;
    let mut slow = Wire::open(server.address).await;
    slow.send(streamed(PATH, "hi")).await;
    let mut bytes = vec![0; 16 * LARGE];
    let begin = Instant::now();
    while begin.elapsed() < SHORT * 4 {
        in_time("some bytes", slow.0.read_exact(&mut bytes)).await.expect("it is still served");
        tokio::time::sleep(SHORT / 6).await;
    }
    assert_eq!(server.fake.running(), 1);
    // From now on it takes nothing, and does not leave either.
    server.fake.until_running(0).await;
    drop(slow);
    server.end().await;
}

#[tokio::test]
async fn nothing_else_ends_a_stream_that_is_silent() {
    let patience = Patience { head: SHORT, body: SHORT, stall: SHORT, ..Patience::default() };
    let server = Server::with(Fake::new(script), |builder| builder.patience(patience)).await;
    let mut wire = Wire::open(server.address).await;
    wire.send(streamed(PATH, "[endless]")).await;
    let begin = Instant::now();
    while begin.elapsed() < SHORT * 4 {
        wire.until("quoth").await;
    }
    drop(wire);
    server.fake.until_running(0).await;
    server.end().await;
}
