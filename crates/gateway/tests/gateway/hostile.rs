//! Input that nobody means well: a clear refusal each time, no panic, nothing left.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{Fake, Server, Wire, get, in_time, post, request, script};

const PATH: &str = "/v1/chat/completions";
const ASKING: [&str; 5] =
    [PATH, "/v1/completions", "/v1/responses", "/v1/messages", "/v1/messages/count_tokens"];

/// What is sent, and the status of what comes back; 0 where the connection just ends.
async fn status(server: &Server, bytes: impl AsRef<[u8]>) -> u16 {
    let mut wire = Wire::open(server.address).await;
    // The server may close before it has all.
    let _ = wire.0.write_all(bytes.as_ref()).await;
    let mut reply = Vec::new();
    while !reply.contains(&b'\n') {
        match in_time("an answer or an end", wire.0.read_buf(&mut reply)).await {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
    }
    let reply = String::from_utf8_lossy(&reply);
    reply.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default()
}

async fn refused_body(server: &Server, path: &str, body: &str) {
    let mut wire = Wire::open(server.address).await;
    wire.send(request("POST", path, &[], body)).await;
    let reply = wire.reply().await;
    let shown: String = body.chars().take(80).collect();
    assert!((400..500).contains(&reply.status), "{path} {shown}: {reply:#?}");
    assert!(reply.json()["error"]["message"].is_string(), "{path} {shown}");
}

#[tokio::test]
async fn what_is_no_json_is_refused_everywhere() {
    let server = Server::scripted().await;
    let deep = format!("{{\"messages\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    for path in ASKING {
        for body in [
            "{",
            "null",
            "[]",
            "7",
            "\"x\"",
            "{\"a\":1}x",
            "{\"messages\":[}",
            "\u{feff}{}",
            &deep,
            "{\"messages\": 1e999}",
            "{\"messages\":[],\"messages\":[]}",
        ] {
            refused_body(&server, path, body).await;
        }
    }
    for path in ASKING {
        let head = format!("POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n");
        let json = "content-type: application/json\r\n";
        assert_eq!(status(&server, format!("{head}{json}content-length: 0\r\n\r\n")).await, 400);
        assert_eq!(status(&server, format!("{head}content-length: 2\r\n\r\n{{}}")).await, 415);
        let bytes =
            [format!("{head}{json}content-length: 4\r\n\r\n").as_bytes(), b"{\"\xff\""].concat();
        assert_eq!(status(&server, bytes).await, 400);
    }
    assert_eq!(server.fake.asked().len(), 0);
    server.end().await;
}

#[tokio::test]
async fn wrong_types_are_named() {
    let server = Server::scripted().await;
    let base = json!({ "model": "raven", "messages": [{ "role": "user", "content": "hi" }] });
    let cases = [
        ("model", json!(7), "model"),
        ("model", json!("x".repeat(5000)), "model"),
        ("model", json!("a\nb"), "model"),
        ("messages", json!("hi"), "messages"),
        ("messages", json!([]), "messages"),
        ("messages", json!([7]), "messages[0]"),
        ("messages", json!([{ "role": "wizard", "content": "x" }]), "messages[0].role"),
        ("messages", json!([{ "role": "user", "content": 7 }]), "messages[0].content"),
        (
            "messages",
            json!([{ "role": "user", "content": [{ "type": "x" }] }]),
            "messages[0].content[0]",
        ),
        ("messages", json!([{ "content": "x" }]), "messages[0]"),
        ("stream", json!("yes"), "stream"),
        ("n", json!(0), "n"),
        ("n", json!(1_000_000), "n"),
        ("n", json!(-1), "n"),
        ("stop", json!(7), "stop"),
        ("stop", json!([""]), "stop"),
        ("stop", json!(vec!["x"; 1000]), "stop"),
        ("max_tokens", json!(-1), "max_tokens"),
        ("max_tokens", json!(0), "max_tokens"),
        ("max_completion_tokens", json!(0), "max_completion_tokens"),
        ("max_tokens", json!(1.5), "max_tokens"),
        ("tools", json!({}), "tools"),
        ("tools", json!([{ "type": "function", "function": {} }]), "tools[0].function"),
        ("stream_options", json!("yes"), "stream_options"),
    ];
    for (name, value, param) in cases {
        let mut body = base.clone();
        body[name] = value.clone();
        let reply = post(server.address, PATH, &[], &body).await.with_status(400);
        let found = reply.json()["error"]["param"].as_str().unwrap_or_default().to_owned();
        assert!(found.starts_with(param), "{name}: {value}: {}", reply.body);
    }
    assert_eq!(server.fake.asked().len(), 0);
    server.end().await;
}

#[tokio::test]
async fn files_that_are_none_are_refused() {
    let server = Server::scripted().await;
    for url in [
        "file:///etc/passwd",
        "data:image/png,abc",
        "data:image/png;base64,***",
        "data:",
        "",
        "http://169.254.169.254/latest",
        "javascript:alert(1)",
        "/etc/passwd",
    ] {
        let content = json!([{ "type": "image_url", "image_url": { "url": url } }]);
        let body = json!({ "messages": [{ "role": "user", "content": content }] });
        post(server.address, PATH, &[], &body).await.with_status(400);
    }
    let part = json!({ "type": "image_url", "image_url": { "url": "data:image/png;base64,AAAA" } });
    let body = json!({ "messages": [{ "role": "user", "content": vec![part; 1000] }] });
    post(server.address, PATH, &[], &body).await.with_status(400);
    assert_eq!(server.fake.asked().len(), 0);
    server.end().await;
}

#[tokio::test]
async fn large_bodies_are_not_taken() {
    let server = Server::with(Fake::new(script), |builder| builder.largest_body(10_000)).await;
    let large = json!({ "messages": [{ "role": "user", "content": "x".repeat(20_000_000) }] });
    let reply = post(server.address, PATH, &[], &large).await.with_status(413);
    assert_eq!(reply.json()["error"]["code"], "request_too_large");
    // A length that is only claimed, and one that is not told.
    let head =
        format!("POST {PATH} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n");
    assert_eq!(status(&server, format!("{head}content-length: 99999999999\r\n\r\n{{")).await, 413);
    let chunk = format!("2000\r\n{}\r\n", "x".repeat(0x2000));
    let chunked = format!("{head}transfer-encoding: chunked\r\n\r\n{}0\r\n\r\n", chunk.repeat(10));
    assert_eq!(status(&server, chunked).await, 413);
    assert_eq!(server.fake.asked().len(), 0);
    server.end().await;
}

#[tokio::test]
async fn broken_http_is_refused() {
    let server = Server::scripted().await;
    let flood = |count: usize| {
        let fields: String = (0..count).map(|n| format!("x-{n}: y\r\n")).collect();
        format!("GET / HTTP/1.1\r\nhost: localhost\r\n{fields}\r\n")
    };
    let long = format!("GET / HTTP/1.1\r\nhost: localhost\r\nx: {}\r\n\r\n", "y".repeat(200_000));
    let path = format!("GET /{} HTTP/1.1\r\nhost: localhost\r\n\r\n", "a/".repeat(50_000));
    let cases = [
        ("\r\n\r\n\r\nnonsense\r\n\r\n".to_owned(), &[400, 0][..]),
        ("GET\r\n\r\n".to_owned(), &[400]),
        ("GET / HTTP/9.9\r\n\r\n".to_owned(), &[400]),
        ("\x16\x03\x01\x02\x00\x01\x00\x01\u{fc}".to_owned(), &[400]),
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), &[400]),
        ("GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n".to_owned(), &[400]),
        ("GET / HTTP/1.1\r\nhost: localhost\r\nbad header\r\n\r\n".to_owned(), &[400]),
        (flood(1000), &[431]),
        (flood(100_000), &[431, 0]),
        (long, &[431, 0]),
        (path, &[414, 431, 0]),
        ("POST /v1/responses HTTP/1.1\r\nhost: localhost\r\ncontent-length: -1\r\n\r\n".to_owned(), &[400]),
        ("POST /v1/responses HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\ncontent-type: application/json\r\n\r\nzz\r\n".to_owned(), &[400]),
    ];
    for (bytes, expected) in cases {
        let status = status(&server, &bytes).await;
        let shown: String = bytes.chars().take(60).collect();
        assert!(expected.contains(&status), "{shown:?}: {status}");
    }
    get(server.address, "/health/live", &[]).await.with_status(200);
    server.end().await;
}

#[tokio::test]
async fn paths_lead_nowhere_else() {
    let server = Server::scripted().await;
    for path in [
        "/..",
        "/../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/v1/../metrics",
        "//v1/modelsx",
        "/v1/models/%00",
        "/v1/models/%ff",
        "/v1/models/..%2f..",
        "/V1/MODELS",
        "/v1/chat/completions/",
        "/v1",
        "/?x=../..",
        "/v1/models/raven%0d%0ax:y",
        "*",
    ] {
        let reply = get(server.address, path, &[]).await;
        let is_page = path == "/?x=../..";
        assert!(is_page || (400..500).contains(&reply.status), "{path}: {reply:#?}");
        assert!(!reply.head.contains("\nx:y"), "{path}");
    }
    for (method, path) in
        [("DELETE", PATH), ("GET", PATH), ("PUT", "/v1/models"), ("POST", "/"), ("TRACE", "/")]
    {
        let mut wire = Wire::open(server.address).await;
        wire.send(request(method, path, &[], "")).await;
        let reply = wire.reply().await.with_status(405);
        assert!(reply.header("allow").is_some(), "{reply:#?}");
        assert_eq!(reply.json()["error"]["code"], "method_not_allowed");
    }
    server.end().await;
}

#[tokio::test(start_paused = true)]
async fn who_never_ends_a_head_is_not_waited_for() {
    let server = Server::scripted().await;
    let mut wire = Wire::open(server.address).await;
    wire.send("POST /v1/chat/completions HTTP/1.1\r\nhost: loc").await;
    let ended = tokio::time::timeout(Duration::from_secs(60), wire.rest()).await;
    ended.expect("the server closes");
    // Nor is one that says nothing at all.
    let wire = Wire::open(server.address).await;
    let ended = tokio::time::timeout(Duration::from_secs(60), wire.rest()).await;
    ended.expect("the server closes");
    server.end().await;
}

#[tokio::test]
async fn a_body_that_never_comes_asks_nothing() {
    let server = Server::scripted().await;
    let mut wires = Vec::new();
    for _ in 0..200 {
        let mut wire = Wire::open(server.address).await;
        let head = format!(
            "POST {PATH} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
             content-length: 1000\r\n\r\n{{\"mess"
        );
        wire.send(head).await;
        wires.push(wire);
    }
    let body: Value = json!({ "messages": [{ "role": "user", "content": "Hello" }] });
    let answered = post(server.address, PATH, &[], &body);
    in_time("another's question", answered).await.with_status(200);
    drop(wires);
    assert_eq!(server.fake.asked().len(), 1);
    server.end().await;
}
