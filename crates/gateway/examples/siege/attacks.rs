//! The attacks.

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use serde_json::{Map, Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::client::{PATH, head, open, question, request, send, send_long};

const MB: usize = 1024 * 1024;

/// How long attackers that only wait do so.
const HELD: Duration = Duration::from_secs(8);

/// An attack. It yields what the attackers were told.
pub(crate) struct Attack {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    /// How many files the server may have open, where that is bounded.
    pub(crate) open_files: Option<u32>,
    pub(crate) run: fn(String, Duration) -> BoxFuture<'static, io::Result<String>>,
}

macro_rules! attack {
    ($name:literal, $what:literal, $files:expr, $run:expr) => {
        Attack {
            name: $name,
            what: $what,
            open_files: $files,
            run: |address, _together| $run(address).boxed(),
        }
    };
}

/// All of them, in the order of the table.
pub(crate) const ATTACKS: &[Attack] = &[
    attack!("silent", "4,096 connections say nothing", None, |address| silent(address, 4096)),
    attack!("silent-1024", "1,140 say nothing; 1,024 open files", Some(1024), |address| {
        silent(address, 1140)
    }),
    attack!("trickle", "1,000 heads, a byte in 100 ms", None, trickle),
    attack!("heads", "2,000 heads of 200 fields, too long, or no HTTP", None, heads),
    attack!("bodies", "40 clients send 20 of 30 MB and wait", None, bodies),
    attack!("brackets", "16 bodies of 10 million `[],`", None, brackets),
    attack!("objects", "16 bodies of 3 million `{\"\":0},`", None, objects),
    attack!("chunks", "16 bodies of a million chunks of one byte", None, chunks),
    attack!("allOf", "64 schemas of two references, 45 deep; clients leave", None, all_of),
    attack!("anyOf", "16 schemas of 16,000 branches and an answer that fits none", None, any_of),
    attack!("recursion", "16 schemas that double with each level of the answer", None, recursion),
    attack!("patterns", "16 times 500 patterns `\\p{L}{100}`", None, patterns),
    attack!("answers", "8 answers of 50 MB, half of them streamed", None, answers),
    attack!("responses", "8 answers of 15 MB, as the events of responses", None, responses),
    attack!("leaving", "3,000 clients ask and leave", None, leaving),
    Attack {
        name: "together",
        what: "1,000 streams, 4,096 silent, 64 bodies, 16 bombs, all the time",
        open_files: None,
        run: |address, time| together(address, time).boxed(),
    },
];

/// How often each status was told; 0 where there was none.
fn counted(told: impl IntoIterator<Item = u16>) -> String {
    let mut counts = BTreeMap::new();
    for status in told {
        *counts.entry(status).or_insert(0) += 1;
    }
    let counts = counts.into_iter().map(|(status, count)| match status {
        0 => format!("nothing: {count}"),
        status => format!("{status}: {count}"),
    });
    counts.collect::<Vec<_>>().join(", ")
}

/// The statuses of what many are told who send this at once.
async fn all_send(address: &str, bytes: &[u8], count: usize) -> io::Result<String> {
    let sent = join_all((0..count).map(|_| send(address, bytes))).await;
    Ok(counted(sent.into_iter().map(|told| told.map_or(0, |(status, _)| status))))
}

async fn silent(address: String, count: usize) -> io::Result<String> {
    let mut held = Vec::with_capacity(count);
    for _ in 0..count {
        held.push(TcpStream::connect(&address).await?);
    }
    tokio::time::sleep(HELD).await;
    Ok("the end".to_owned())
}

async fn trickle(address: String) -> io::Result<String> {
    let begin = Instant::now();
    let one = async || {
        let mut stream = open(&address, b"POST /v1/messages HTTP/1.1\r\nhost: ").await?;
        while begin.elapsed() < HELD {
            tokio::time::sleep(Duration::from_millis(100)).await;
            if stream.write_all(b"x").await.is_err() {
                break;
            }
        }
        Ok::<_, io::Error>(())
    };
    let done = join_all((0..1000).map(|_| one())).await;
    let early = done.iter().filter(|done| done.is_ok()).count();
    Ok(format!("408: {early}"))
}

async fn heads(address: String) -> io::Result<String> {
    let fields: String = (0..200).map(|number| format!("x-{number}: y\r\n")).collect();
    let many = format!("GET / HTTP/1.1\r\nhost: localhost\r\n{fields}\r\n");
    let long = format!("GET / HTTP/1.1\r\nhost: localhost\r\nx: {}\r\n\r\n", "y".repeat(200_000));
    let none = "\x16\x03\x01\x02\x00\x01\x00\x01\r\n\r\n".to_owned();
    let kinds = [many, long, none];
    let mut told = Vec::new();
    for _ in 0..20 {
        let sent = (0..100).map(|number| send(&address, kinds[number % 3].as_bytes()));
        told.extend(
            join_all(sent).await.into_iter().map(|told| told.map_or(0, |(status, _)| status)),
        );
    }
    Ok(counted(told))
}

async fn bodies(address: String) -> io::Result<String> {
    let head = head(PATH, &format!("content-length: {}\r\n", 30 * MB));
    let bytes = format!("{head}{}", " ".repeat(20 * MB));
    let one = async || {
        // Who waits is not told anything before the body's time is over.
        tokio::time::timeout(HELD, send(&address, bytes.as_bytes())).await
    };
    let told = join_all((0..40).map(|_| one())).await;
    Ok(counted(told.into_iter().map(|told| match told {
        Ok(Ok((status, _))) => status,
        _ => 0,
    })))
}

async fn brackets(address: String) -> io::Result<String> {
    let body = format!("{{\"messages\":[{}0]}}", "[],".repeat(10_000_000));
    all_send(&address, request(PATH, &body).as_bytes(), 16).await
}

async fn objects(address: String) -> io::Result<String> {
    let body = format!("{{\"messages\":[{}0]}}", "{\"\":0},".repeat(3_000_000));
    all_send(&address, request(PATH, &body).as_bytes(), 16).await
}

async fn chunks(address: String) -> io::Result<String> {
    let head = head(PATH, "transfer-encoding: chunked\r\n");
    let bytes = format!("{head}{}0\r\n\r\n", "1\r\n \r\n".repeat(1_000_000));
    all_send(&address, bytes.as_bytes(), 16).await
}

/// `word` of two references to the next, so often.
fn doubling(word: &str, times: usize) -> Value {
    let mut defs = Map::new();
    for n in 0..times {
        let next = json!({ "$ref": format!("#/$defs/d{}", n + 1) });
        defs.insert(format!("d{n}"), json!({ word: [next, next] }));
    }
    defs.insert(format!("d{times}"), json!({ "type": "string", "minLength": 3 }));
    json!({ "type": "object", "properties": { "x": { "$ref": "#/$defs/d0" } }, "$defs": defs })
}

/// A question whose answer must fit this schema.
fn formatted(words: &str, schema: &Value) -> Vec<u8> {
    let mut body = question(words);
    body["response_format"] = json!({ "type": "json_schema", "json_schema": { "schema": schema } });
    request(PATH, &body.to_string()).into_bytes()
}

async fn all_of(address: String) -> io::Result<String> {
    let bytes = formatted("hi", &doubling("allOf", 45));
    let leave = join_all((0..32).map(|_| open(&address, &bytes))).await;
    drop(leave);
    all_send(&address, &bytes, 32).await
}

async fn any_of(address: String) -> io::Result<String> {
    let bytes = formatted("[say]{\"x\": 7}", &doubling("anyOf", 13));
    all_send(&address, &bytes, 16).await
}

async fn recursion(address: String) -> io::Result<String> {
    let twice = json!({ "$ref": "#/$defs/a" });
    let schema = json!({ "type": "object", "$ref": "#/$defs/a", "$defs": { "a": { "properties": {
        "x": { "anyOf": [twice, twice] } }, "required": ["y"] } } });
    let answer = format!("[say]{}7{}", "{\"x\":".repeat(100), "}".repeat(100));
    all_send(&address, &formatted(&answer, &schema), 16).await
}

async fn patterns(address: String) -> io::Result<String> {
    let all = (0..500).map(|n| (format!("p{n}"), json!({ "pattern": "^\\p{L}{100}$" })));
    let schema = json!({ "type": "object", "properties": all.collect::<Map<_, _>>() });
    all_send(&address, &formatted("[say]{\"p0\": \"x\"}", &schema), 16).await
}

async fn answers(address: String) -> io::Result<String> {
    let one = async |number: usize| {
        let mut body = question("[megabytes 50]");
        body["stream"] = number.is_multiple_of(2).into();
        send(&address, request(PATH, &body.to_string()).as_bytes()).await
    };
    let told = join_all((0..8).map(one)).await;
    Ok(counted(told.into_iter().map(|told| told.map_or(0, |(status, _)| status))))
}

async fn responses(address: String) -> io::Result<String> {
    let body = json!({ "input": "[megabytes 15]", "stream": true });
    all_send(&address, request("/v1/responses", &body.to_string()).as_bytes(), 8).await
}

async fn leaving(address: String) -> io::Result<String> {
    let mut body = question("[seconds 60]");
    for round in 0..30 {
        body["stream"] = (round & 1 == 0).into();
        let bytes = request(PATH, &body.to_string());
        drop(join_all((0..100).map(|_| open(&address, bytes.as_bytes()))).await);
    }
    Ok("nothing".to_owned())
}

async fn together(address: String, time: Duration) -> io::Result<String> {
    let begin = Instant::now();
    let seconds = time.as_secs().max(1);
    let mut body = question(&format!("[seconds {seconds}]"));
    body["stream"] = true.into();
    let stream = request(PATH, &body.to_string());
    let streams = join_all((0..1000).map(|_| send_long(&address, stream.as_bytes(), time)));
    // Nothing of a stream may be lost.
    let whole = usize::try_from(seconds * 5).unwrap_or_default() * "quoth ".len();
    let large = request(PATH, &question(&"x".repeat(2 * MB)).to_string());
    let bodies = join_all((0..64).map(|_| async {
        while begin.elapsed() < time {
            let _ = send(&address, large.as_bytes()).await;
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }));
    let silent = {
        let address = address.clone();
        async move {
            while begin.elapsed() < time {
                let all = (0..4096).map(|_| TcpStream::connect(&address));
                let held = join_all(all).await;
                tokio::time::sleep(Duration::from_secs(4)).await;
                drop(held);
            }
        }
    };
    let bombs = async {
        let brackets = format!("{{\"messages\":[{}0]}}", "[],".repeat(2_000_000));
        let brackets = request(PATH, &brackets);
        let schema = formatted("hi", &doubling("anyOf", 45));
        while begin.elapsed() < time {
            let _ = all_send(&address, brackets.as_bytes(), 8).await;
            let _ = all_send(&address, &schema, 8).await;
        }
    };
    let (streams, ..) = tokio::join!(streams, bodies, silent, bombs);
    let lost =
        streams.iter().filter(|told| !matches!(told, Ok((200, size)) if *size > whole)).count();
    Ok(format!("streams lost: {lost} of {}", streams.len()))
}
