//! Bodies that cost more than they are: many at once, in tiny pieces, of nothing but brackets.

use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::{join_all, select_all};
use lenore_gateway::{KeyFile, Limits};
use serde_json::json;
use tokio::io::AsyncWriteExt;

use crate::support::{Fake, Server, Wire, get, in_time, post, request, script};

const PATH: &str = "/v1/chat/completions";
const MB: usize = 1024 * 1024;

/// Far less than these take without bounds; a machine may have other things to do.
const LONGEST: Duration = Duration::from_secs(30);

/// A request of which so many bytes come, and then nothing.
async fn half(server: &Server, key: Option<&str>, claimed: usize, sent: usize) -> Wire {
    let mut wire = Wire::open(server.address).await;
    let key = key.map(|key| format!("x-api-key: {key}\r\n")).unwrap_or_default();
    let head = format!(
        "POST {PATH} HTTP/1.1\r\nhost: localhost\r\n{key}content-type: application/json\r\n\
         content-length: {claimed}\r\n\r\n"
    );
    // The server may refuse before it has all.
    let _ = wire.0.write_all(format!("{head}{}", " ".repeat(sent)).as_bytes()).await;
    wire
}

fn hello() -> serde_json::Value {
    json!({ "messages": [{ "role": "user", "content": "Hello" }] })
}

#[tokio::test]
async fn all_bodies_together_have_a_budget_of_which_small_ones_have_a_part() {
    let server = Server::with(Fake::new(script), |builder| builder.all_bodies(20 * MB)).await;
    // There is room for three large ones and a half.
    let all = (0..4).map(|_| half(&server, None, 7 * MB, 5 * MB));
    let waiting = join_all(all).await.into_iter().map(|wire| wire.reply().boxed_local());
    let (refused, _, waiting) = in_time("a refusal", select_all(waiting)).await;
    let refused = refused.with_status(429);
    assert_eq!(refused.header("retry-after"), Some("1"));
    let message = refused.json()["error"]["message"].to_string();
    assert!(message.contains("limit bodies_bytes; raise it by --max-bodies"), "{message}");
    post(server.address, PATH, &[], &hello()).await.with_status(200);
    drop(waiting);
    let free = async {
        let large = json!({ "messages": [{ "role": "user", "content": "x".repeat(6 * MB) }] });
        while post(server.address, PATH, &[], &large).await.status != 200 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    in_time("the budget", free).await;
    server.end().await;
}

#[tokio::test]
async fn each_key_has_half_of_the_budget_at_most() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("keys.json");
    let mut file = KeyFile::open(&path).expect("none yet");
    let [ada, bob] = ["ada", "bob"].map(|name| file.add(name, Limits::default()).expect("added"));
    let server =
        Server::with(Fake::new(script), |builder| builder.key_file(&path).all_bodies(20 * MB))
            .await;
    let all = (0..3).map(|_| half(&server, Some(&ada), 7 * MB, 4_900_000));
    let waiting = join_all(all).await.into_iter().map(|wire| wire.reply().boxed_local());
    let (refused, _, _waiting) = in_time("a refusal", select_all(waiting)).await;
    let refused = refused.with_status(429);
    assert!(refused.body.contains("bodies_bytes_per_key"), "{}", refused.body);
    let large = json!({ "messages": [{ "role": "user", "content": "x".repeat(2 * MB) }] });
    post(server.address, PATH, &[("x-api-key", &bob)], &large).await.with_status(200);
    server.end().await;
}

#[tokio::test]
async fn tiny_pieces_are_refused_soon() {
    let server = Server::scripted().await;
    let head = format!(
        "POST {PATH} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         connection: close\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    let begin = Instant::now();
    let mut wire = Wire::open(server.address).await;
    let (mut reading, mut writing) = wire.0.split();
    let pieces = "1\r\n \r\n".repeat(1_000_000);
    let send = async {
        let _ = writing.write_all(format!("{head}{pieces}0\r\n\r\n").as_bytes()).await;
    };
    let mut reply = Vec::new();
    let read = tokio::io::AsyncReadExt::read_to_end(&mut reading, &mut reply);
    let _ = in_time("the refusal", async { tokio::join!(send, read) }).await;
    let reply = String::from_utf8_lossy(&reply).into_owned();
    assert!(reply.starts_with("HTTP/1.1 413") && reply.contains("body_chunks"), "{reply}");
    assert!(begin.elapsed() < LONGEST, "{:?}", begin.elapsed());
    // What comes in small pieces and is small itself is taken.
    let body = hello().to_string();
    let pieces: String = body.chars().map(|c| format!("1\r\n{c}\r\n")).collect();
    let mut wire = Wire::open(server.address).await;
    wire.send(format!("{head}{pieces}0\r\n\r\n")).await;
    wire.reply().await.with_status(200);
    server.end().await;
}

#[tokio::test]
async fn brackets_without_end_are_refused_before_they_are_parsed() {
    let server = Server::scripted().await;
    for (piece, count) in [("[],", 4_000_000), ("{\"\":0},", 400_000), ("0,", 6_000_000)] {
        let body = format!("{{\"messages\":[{}0]}}", piece.repeat(count));
        let mut wire = Wire::open(server.address).await;
        let begin = Instant::now();
        let asked = async {
            wire.send(request("POST", PATH, &[], &body)).await;
            wire.reply().await.with_status(413)
        };
        let live = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let begin = Instant::now();
            get(server.address, "/health/live", &[]).await.with_status(200);
            begin.elapsed()
        };
        let (reply, live) = in_time("both", async { tokio::join!(asked, live) }).await;
        assert!(reply.body.contains("limit body_values"), "{}", reply.body);
        assert!(live < LONGEST / 6, "{piece}: {live:?}");
        assert!(begin.elapsed() < LONGEST, "{piece}: {:?}", begin.elapsed());
    }
    server.end().await;
}
