//! After floods of clients that leave, break off or are refused, the process has nothing more open
//! than before. It counts what belongs to the process, so it is the only test in it.

#![cfg(target_os = "linux")]

#[allow(dead_code, unused_imports, reason = "not all of it is used here")]
#[path = "gateway/support/mod.rs"]
mod support;

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use lenore_gateway::Patience;
use serde_json::json;
use tokio::io::AsyncWriteExt;

use support::{Fake, Server, Wire, get, in_time, request, script};

const PATH: &str = "/v1/chat/completions";
/// So many clients at once.
const FLOOD: usize = 100;

/// How many descriptors are open, and how many requests have files.
fn open() -> (usize, usize) {
    let descriptors = std::fs::read_dir("/proc/self/fd").expect("a list").count();
    let ours = |name: &str| name.starts_with("lenore-files-");
    let temporary = std::fs::read_dir(std::env::temp_dir()).expect("a list").flatten();
    let parents =
        temporary.filter(|entry| entry.file_name().as_encoded_bytes().starts_with(b"lenore-"));
    let all = parents.flat_map(|parent| std::fs::read_dir(parent.path()).into_iter().flatten());
    let rooms = all.flatten().filter(|entry| entry.file_name().to_str().is_some_and(ours));
    let is_held = |path: &std::path::Path| {
        let held = std::fs::read_dir("/proc/self/fd").expect("a list").flatten();
        held.filter_map(|link| std::fs::read_link(link.path()).ok()).any(|at| at.starts_with(path))
    };
    let rooms = rooms.map(|entry| entry.path()).filter(|path| is_held(path));
    let inside = rooms.flat_map(|room| std::fs::read_dir(room).into_iter().flatten().flatten());
    // The lock of the room itself is a file, what belongs to a request a directory.
    (descriptors, inside.filter(|entry| entry.path().is_dir()).count())
}

fn question(words: &str, stream: bool) -> String {
    let image = format!("data:image/png;base64,{}", "AAAA".repeat(1000));
    let content = json!([
        { "type": "text", "text": words },
        { "type": "image_url", "image_url": { "url": image } },
    ]);
    let messages = json!([{ "role": "user", "content": content }]);
    request("POST", PATH, &[], &json!({ "messages": messages, "stream": stream }).to_string())
}

/// A client that sends this, reads until these words, if any, and leaves.
async fn leaves(address: SocketAddr, bytes: &[u8], words: &str) {
    let mut wire = Wire::open(address).await;
    // The server may refuse before it has all.
    let _ = wire.0.write_all(bytes).await;
    if !words.is_empty() {
        wire.until(words).await;
    }
}

#[tokio::test]
async fn floods_leave_nothing_open() {
    let patience = Patience { head: Duration::from_millis(500), ..Patience::default() };
    let server =
        Server::with(Fake::new(script), |builder| builder.patience(patience).largest_body(10_000))
            .await;
    // What is made at the first use stays.
    leaves(server.address, question("[endless]", true).as_bytes(), "quoth").await;
    server.fake.until_running(0).await;
    let large = request("POST", PATH, &[], &format!("{{\"x\":\"{}\"}}", "y".repeat(20_000)));
    let whole = question("[endless]", true);
    let floods: [(&str, &[u8], &str); 8] = [
        ("who leave a stream", whole.as_bytes(), "quoth"),
        ("who leave before a word", whole.as_bytes(), ""),
        ("who leave an answer in one piece", question("[endless]", false).leak().as_bytes(), ""),
        ("whose answer fails", question("[break]", true).leak().as_bytes(), "answer_lost"),
        ("who break off", &whole.as_bytes()[..whole.len() / 2], ""),
        ("who say nothing", b"", ""),
        ("who speak no HTTP", b"\x16\x03\x01\x02\x00\r\n\r\n", "400"),
        ("who send too much", large.as_bytes(), "413"),
    ];
    let settled = async |what: &str, before: (usize, usize)| {
        let same = async {
            while open() != before {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let waited = tokio::time::timeout(support::WAIT, same).await;
        assert!(waited.is_ok(), "{what} leave {:?}, where there was {before:?}", open());
    };
    let before = {
        tokio::time::sleep(Duration::from_millis(700)).await;
        open()
    };
    assert_eq!(before.1, 0, "files are left of the first");
    for (what, bytes, words) in floods {
        in_time(what, join_all((0..FLOOD).map(|_| leaves(server.address, bytes, words)))).await;
        server.fake.until_running(0).await;
        settled(what, before).await;
    }
    let metrics = get(server.address, "/metrics", &[]).await.with_status(200).body;
    assert!(metrics.contains("lenore_answers_in_flight 0"), "{metrics}");
    let files = server.fake.asked().into_iter().flat_map(|asked| asked.files);
    let left: Vec<_> = files.map(|(path, _)| path).filter(|path| path.exists()).collect();
    assert_eq!(left, Vec::<std::path::PathBuf>::new());
    server.end().await;
}
