//! More connections than there are places: who goes, who stays, and how soon a good client is
//! served.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use lenore_gateway::Patience;
use serde_json::json;
use tokio::io::AsyncReadExt;

use crate::support::{Fake, Server, Wire, get, in_time, post, request, script};

const PATH: &str = "/v1/chat/completions";
const KEY: (&str, &str) = ("x-api-key", "s3cret");

fn ask(words: &str, stream: bool) -> serde_json::Value {
    json!({ "messages": [{ "role": "user", "content": words }], "stream": stream })
}

async fn metric(server: &Server, line: &str) -> u64 {
    let text = get(server.address, "/metrics", &[KEY]).await.with_status(200).body;
    let value = text.lines().find_map(|found| found.strip_prefix(line));
    value.and_then(|value| value.trim().parse().ok()).unwrap_or_else(|| panic!("{line}: {text}"))
}

#[tokio::test]
async fn who_has_shown_no_key_makes_way_for_others() {
    let server =
        Server::with(Fake::new(script), |builder| builder.api_key("s3cret").most_connections(20))
            .await;
    let mut good = Wire::open(server.address).await;
    good.send(request("POST", PATH, &[KEY], &ask("[endless]", true).to_string())).await;
    good.until("quoth").await;
    // Four times as many as there is room for; some say half a head, some give a wrong key.
    let crowd = join_all((0..80).map(|number| async move {
        let mut wire = Wire::open(server.address).await;
        match number % 3 {
            0 => {}
            1 => wire.send("POST /v1/messages HTTP/1.1\r\nhost: lo").await,
            _ => {
                wire.send("GET /v1/models HTTP/1.1\r\nhost: localhost\r\nx-api-key: x\r\n\r\n")
                    .await
            }
        }
        wire
    }));
    let crowd = in_time("the crowd", crowd).await;
    let begin = Instant::now();
    post(server.address, PATH, &[KEY], &ask("Hello", false)).await.with_status(200);
    assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
    good.until("quoth").await;
    assert!(metric(&server, "lenore_limit_met_total{limit=\"connections\"} ").await >= 60);
    assert!(metric(&server, "lenore_connections ").await <= 20);
    drop((crowd, good));
    server.end().await;
}

#[tokio::test]
async fn who_makes_way_amid_a_request_is_told_to_ask_again() {
    let server =
        Server::with(Fake::new(script), |builder| builder.api_key("s3cret").most_connections(3))
            .await;
    let mut silent = Wire::open(server.address).await;
    let mut begun = Wire::open(server.address).await;
    begun.send("POST /v1/messages HTTP/1.1\r\nhost: lo").await;
    let crowd = join_all((0..6).map(|_| Wire::open(server.address))).await;
    let mut nothing = String::new();
    let read = silent.0.read_to_string(&mut nothing);
    assert_eq!(in_time("the end", read).await.expect("an end in order"), 0);
    let reply = in_time("a refusal", begun.reply()).await.with_status(429);
    assert_eq!(reply.header("retry-after"), Some("1"));
    assert_eq!(reply.json()["error"]["code"], "too_many_connections");
    drop(crowd);
    server.end().await;
}

#[tokio::test]
async fn who_is_answered_keeps_his_place_and_the_next_is_told_so() {
    let server = Server::with(Fake::new(script), |builder| builder.most_connections(3)).await;
    let mut answered = Vec::new();
    for _ in 0..3 {
        let mut wire = Wire::open(server.address).await;
        wire.send(request("POST", PATH, &[], &ask("[endless]", true).to_string())).await;
        wire.until("quoth").await;
        answered.push(wire);
    }
    let reply = Wire::open(server.address).await.reply().await.with_status(429);
    assert_eq!(reply.header("retry-after"), Some("1"));
    let error = reply.json();
    assert_eq!(error["error"]["code"], "too_many_connections");
    let message = error["error"]["message"].as_str().expect("a message");
    assert!(
        message.contains("3 connections") && message.contains("--max-connections"),
        "{message}"
    );
    for wire in &mut answered {
        wire.until("quoth").await;
    }
    drop(answered.pop());
    server.fake.until_running(2).await;
    get(server.address, "/v1/models", &[]).await.with_status(200);
    drop(answered);
    server.end().await;
}

#[tokio::test]
async fn a_head_that_takes_too_long_is_told_so_and_an_idle_connection_is_not() {
    let patience = Patience {
        head: Duration::from_millis(200),
        idle: Duration::from_secs(10),
        ..Patience::default()
    };
    let server = Server::with(Fake::new(script), |builder| builder.patience(patience)).await;
    let mut wire = Wire::open(server.address).await;
    wire.send("POST /v1/messages HTTP/1.1\r\nhost: loc").await;
    let reply = wire.reply().await.with_status(408);
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.json()["type"], "error", "in the form of the path's wire");
    // Bytes that come one by one do not keep it open.
    let mut wire = Wire::open(server.address).await;
    wire.send("GET /").await;
    let slow = async {
        loop {
            tokio::time::sleep(Duration::from_millis(20)).await;
            if tokio::io::AsyncWriteExt::write_all(&mut wire.0, b"x").await.is_err() {
                return;
            }
        }
    };
    in_time("the end", slow).await;
    // Between two requests there is more time than for a head.
    let mut wire = Wire::open(server.address).await;
    let get = "GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n";
    wire.send(get).await;
    wire.until("live").await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    wire.send(get).await;
    wire.until("live").await;
    wire.send("GET /health/live HTTP/1.1\r\nho").await;
    let reply = wire.reply().await.with_status(408);
    assert_eq!(reply.json()["error"]["code"], "request_timeout");
    server.end().await;
}

#[tokio::test]
async fn who_says_nothing_is_closed_without_a_word() {
    let patience = Patience { head: Duration::from_millis(200), ..Patience::default() };
    let server = Server::with(Fake::new(script), |builder| builder.patience(patience)).await;
    let mut wire = Wire::open(server.address).await;
    let mut bytes = Vec::new();
    in_time("the end", wire.0.read_to_end(&mut bytes)).await.expect("it closes");
    assert!(bytes.is_empty());
    server.end().await;
}

#[tokio::test]
async fn refusals_of_heads_have_the_form_of_their_wire() {
    let server = Server::scripted().await;
    let fields: String = (0..200).map(|number| format!("x-{number}: y\r\n")).collect();
    let large = format!("x: {}\r\n", "y".repeat(70_000));
    for (path, head, status, words) in [
        (&b"/v1/messages"[..], fields.as_bytes(), 431, "more than 100 fields (limit head_fields"),
        (b"/v1/responses", fields.as_bytes(), 431, "limit head_fields"),
        (b"/v1/messages", large.as_bytes(), 431, "65536 bytes (limit head_bytes"),
        (b"/v1/models/\xff\xfe", b"", 400, "the address of the request is not UTF-8"),
        (b"/v1/messages/\xff", b"", 400, "the address of the request is not UTF-8"),
        (b"/v1/models", b"no colon\r\n", 400, "no HTTP/1.1 request"),
    ] {
        let mut wire = Wire::open(server.address).await;
        let parts: [&[u8]; 5] =
            [b"POST ", path, b" HTTP/1.1\r\nhost: localhost\r\n", head, b"\r\n"];
        let _ = tokio::io::AsyncWriteExt::write_all(&mut wire.0, &parts.concat()).await;
        let reply = wire.reply().await.with_status(status);
        assert!(reply.header("x-request-id").is_some(), "{reply:#?}");
        let error = reply.json();
        assert_eq!(error["type"] == "error", path.starts_with(b"/v1/messages"), "{error}");
        let message = error["error"]["message"].as_str().expect("a message");
        assert!(message.contains(words), "{message}");
    }
    server.end().await;
}
