//! Many streams at once: what is lost, what is held, and what the server adds to each piece.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures_util::future::join_all;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::support::{Fake, Server, Step, Wire, finished, request, started};

const STREAMS: usize = 1000;
const PIECES: usize = 200;
const GAP: Duration = Duration::from_millis(50);

/// Microseconds since 1970.
fn now() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros()
}

/// Kilobytes that this process holds.
fn held() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Reads a stream; the age of each piece, in microseconds.
async fn ages(server: &Server) -> Vec<u128> {
    let mut wire = Wire::open(server.address).await;
    let messages = json!([{ "role": "user", "content": "go" }]);
    let body = json!({ "messages": messages, "stream": true }).to_string();
    wire.send(request("POST", "/v1/chat/completions", &[], &body)).await;
    let mut lines = BufReader::new(wire.0).lines();
    let mut ages = Vec::with_capacity(PIECES);
    let mut expected = 0;
    let mut is_done = false;
    while let Ok(Some(line)) = lines.next_line().await {
        // All stamps in a chunk count: pieces may be merged on the way.
        for stamp in line.split('<').skip(1) {
            let (number, rest) = stamp.split_once('@').expect("a stamp");
            let (sent, _) = rest.split_once('>').expect("a stamp");
            assert_eq!(number.parse(), Ok(expected), "a piece is missing");
            expected += 1;
            ages.push(now().saturating_sub(sent.parse().expect("a time")));
        }
        is_done |= line == "data: [DONE]";
    }
    assert!(is_done && expected == PIECES, "{expected} pieces");
    ages
}

/// `cargo test --release -p lenore-gateway --test gateway load -- --ignored --nocapture`
#[tokio::test(flavor = "multi_thread")]
#[ignore = "it measures, for half a minute"]
async fn a_thousand_streams_of_twenty_pieces_a_second() {
    let fake = Fake::new(|_| {
        let pieces = (0..PIECES).flat_map(|number| [Step::Wait(GAP), Step::Stamp(number)]);
        std::iter::once(started()).chain(pieces).chain([finished()]).collect()
    });
    let server = Server::over(fake).await;
    let single = ages(&server).await;
    let before = held();
    let begin = Instant::now();
    let streams = async {
        join_all((0..STREAMS).map(|_| ages(&server))).await.into_iter().flatten().collect()
    };
    let watch = async {
        tokio::time::sleep(GAP * (PIECES as u32) / 2).await;
        held()
    };
    let (mut all, during): (Vec<u128>, _) = tokio::join!(streams, watch);
    let passed = begin.elapsed();
    all.sort_unstable();
    let millis = |share: usize| all[(all.len() - 1) * share / 100] as f64 / 1000.0;
    println!("{} pieces of {STREAMS} streams in {passed:.1?}, none lost", all.len());
    println!("delay: p50 {:.2} ms, p95 {:.2} ms, p99 {:.2} ms", millis(50), millis(95), millis(99));
    let mut single = single;
    single.sort_unstable();
    println!("of a single stream: p50 {:.2} ms", single[single.len() / 2] as f64 / 1000.0);
    if let (Some(before), Some(during)) = (before, during) {
        let each = during.saturating_sub(before) / STREAMS as u64;
        println!("memory: {before} kB before, {during} kB with all, {each} kB a stream, both ends");
        assert!(each < 300, "{each} kB a stream");
    }
    assert_eq!(all.len(), STREAMS * PIECES);
    server.end().await;
}
