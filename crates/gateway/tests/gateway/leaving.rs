//! A client that leaves stops its answer, whenever it does; one that is slow holds up nobody.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::support::{Fake, Server, Step, Wire, delta, in_time, post, request, script, started};

const PATH: &str = "/v1/chat/completions";

/// What stopping may take.
const SOON: Duration = Duration::from_secs(1);

fn ask(words: &str, stream: bool) -> String {
    let messages = json!([{ "role": "user", "content": words }]);
    let body = json!({ "model": "raven", "messages": messages, "stream": stream });
    request("POST", PATH, &[], &body.to_string())
}

/// Waits for the answer to stop, which it must do soon.
async fn stops_soon(server: &Server) {
    let begin = Instant::now();
    server.fake.until_running(0).await;
    assert!(begin.elapsed() < SOON, "it took {:?}", begin.elapsed());
}

#[tokio::test]
async fn who_leaves_a_stream_stops_it() {
    let server = Server::scripted().await;
    for words in ["[endless]", "quoth"] {
        let mut wire = Wire::open(server.address).await;
        wire.send(ask("[endless]", true)).await;
        wire.until(if words == "quoth" { words } else { "HTTP/1.1 200" }).await;
        server.fake.until_running(1).await;
        drop(wire);
        stops_soon(&server).await;
    }
    server.end().await;
}

#[tokio::test]
async fn who_leaves_before_the_first_event_stops_it() {
    for steps in [vec![Step::Hang], vec![started(), Step::Hang], vec![delta("a"), Step::Hang]] {
        let server = Server::start(steps).await;
        for stream in [false, true] {
            let mut wire = Wire::open(server.address).await;
            wire.send(ask("hi", stream)).await;
            server.fake.until_running(1).await;
            drop(wire);
            stops_soon(&server).await;
        }
        server.end().await;
    }
}

#[tokio::test]
async fn who_leaves_behind_unread_bytes_stops_it_too() {
    let server = Server::start([started(), Step::Hang]).await;
    for more in ["\r\n", "GET /", &ask("hi", true)] {
        for stream in [false, true] {
            let mut wire = Wire::open(server.address).await;
            wire.send(ask("hi", stream)).await;
            server.fake.until_running(1).await;
            wire.send(more).await;
            drop(wire);
            stops_soon(&server).await;
        }
    }
    server.end().await;
}

#[tokio::test]
async fn who_closes_one_side_has_left() {
    let server = Server::start([started(), Step::Hang]).await;
    let mut wire = Wire::open(server.address).await;
    wire.send(ask("hi", true)).await;
    server.fake.until_running(1).await;
    wire.0.shutdown().await.expect("open");
    stops_soon(&server).await;
    server.end().await;
}

#[tokio::test]
async fn who_leaves_at_any_byte_leaves_nothing() {
    let server = Server::scripted().await;
    let bytes = ask("[endless]", true).into_bytes();
    for end in (0..bytes.len()).step_by(7) {
        let mut wire = Wire::open(server.address).await;
        wire.send(&bytes[..end]).await;
    }
    assert_eq!(server.fake.asked().len(), 0, "half a question is none");
    for count in [1, 20, 100, 200, 400, 800, 1600] {
        let mut wire = Wire::open(server.address).await;
        wire.send(&bytes).await;
        let mut read = vec![0; count];
        let reading = tokio::io::AsyncReadExt::read_exact(&mut wire.0, &mut read);
        in_time("some bytes", reading).await.expect("readable");
        drop(wire);
        stops_soon(&server).await;
    }
    server.end().await;
}

#[tokio::test]
async fn who_leaves_one_of_several_answers_leaves_all() {
    let server = Server::scripted().await;
    let messages = json!([{ "role": "user", "content": "[endless]" }]);
    let body = json!({ "model": "raven", "messages": messages, "stream": true, "n": 4 });
    let mut wire = Wire::open(server.address).await;
    wire.send(request("POST", PATH, &[], &body.to_string())).await;
    server.fake.until_running(4).await;
    drop(wire);
    stops_soon(&server).await;
    server.end().await;
}

/// The other dialects are told by the same stream.
#[tokio::test]
async fn who_leaves_another_dialect_stops_it_too() {
    let server = Server::scripted().await;
    let bodies: [(&str, Value); 3] = [
        ("/v1/completions", json!({ "prompt": "[endless]", "stream": true })),
        ("/v1/responses", json!({ "input": "[endless]", "stream": true })),
        (
            "/v1/messages",
            json!({ "max_tokens": 100_000, "stream": true,
            "messages": [{ "role": "user", "content": "[endless]" }] }),
        ),
    ];
    for (path, body) in bodies {
        let mut wire = Wire::open(server.address).await;
        wire.send(request("POST", path, &[], &body.to_string())).await;
        wire.until("quoth").await;
        drop(wire);
        stops_soon(&server).await;
    }
    server.end().await;
}

#[tokio::test]
async fn who_reads_nothing_holds_up_nobody_and_is_not_read_ahead_for() {
    /// More than any buffer on the way holds.
    const LARGE: usize = 64 * 1024;
    let text: &'static str = Box::leak("x".repeat(LARGE).into_boxed_str());
    let fake = Fake::new(move |request| {
        if request.messages[0].content == "much" {
            return std::iter::once(started())
                .chain(std::iter::repeat_n(delta(text), 1000))
                .chain([Step::Hang])
                .collect();
        }
        script(request)
    });
    let server = Server::over(fake).await;
    let mut slow = Wire::open(server.address).await;
    slow.send(ask("much", true)).await;
    slow.until("xxx").await;
    // Others are served meanwhile, at once.
    for _ in 0..20 {
        let body = json!({ "messages": [{ "role": "user", "content": "Hello" }] });
        let begin = Instant::now();
        post(server.address, PATH, &[], &body).await.with_status(200);
        assert!(begin.elapsed() < SOON);
    }
    assert_eq!(server.fake.running(), 1, "the slow one goes on");
    let out = server.fake.said();
    assert!(out < 500, "{out} pieces of {LARGE} bytes were taken for a client that reads nothing");
    drop(slow);
    stops_soon(&server).await;
    server.end().await;
}
