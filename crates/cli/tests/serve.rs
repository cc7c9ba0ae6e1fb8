//! `lenore serve`: the real program with a real browser, asked over plain HTTP; and `lenore keys`.

#![cfg(unix)]

mod support;

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};
use support::{Home, Program, World, in_time, lenore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Sends a request, and returns the connection.
async fn send(address: &str, path: &str, headers: &str, body: Option<&Value>) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    let (method, body) = body.map_or(("GET", String::new()), |body| ("POST", body.to_string()));
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.expect("it reads");
    stream
}

/// The whole response.
async fn ask(address: &str, path: &str, headers: &str, body: Option<&Value>) -> (u16, String) {
    let mut stream = send(address, path, headers, body).await;
    let mut text = String::new();
    in_time("a response", stream.read_to_string(&mut text)).await.expect("UTF-8");
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    let (_, body) = text.split_once("\r\n\r\n").expect("a body");
    (status, body.to_owned())
}

fn question(prompt: &str, stream: bool) -> Value {
    let messages = json!([{ "role": "user", "content": prompt }]);
    json!({ "model": "gpt-4", "messages": messages, "stream": stream })
}

/// The content of all chunks, and the last chunk.
fn streamed(body: &str) -> (String, Value) {
    let data = body.lines().filter_map(|line| line.strip_prefix("data: {"));
    let chunks = data.map(|data| serde_json::from_str(&format!("{{{data}")).expect("JSON"));
    let chunks: Vec<Value> = chunks.collect();
    let content = |chunk: &Value| {
        chunk["choices"][0]["delta"]["content"].as_str().unwrap_or_default().to_owned()
    };
    let text = chunks.iter().map(content).collect();
    (text, chunks.last().expect("a chunk").clone())
}

/// Waits for something that the site has counted.
async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    in_time(what, waiting).await;
}

const CHAT: &str = "/v1/chat/completions";

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_those_of_the_site() {
    let world = World::new().await;
    let (program, address) = world.serving(&[]).await;
    let (status, body) = ask(&address, "/v1/models", "", None).await;
    assert_eq!(status, 200);
    assert!(body.contains("\"gpt-4\""), "{body}");

    let body = question("Ravens? [[sim: emoji, code, placeholder]]", true);
    let (status, answer) = ask(&address, CHAT, "", Some(&body)).await;
    assert_eq!(status, 200, "{answer}");
    let (text, last) = streamed(&answer);
    assert_eq!(text, world.site_text());
    assert_eq!(last["lenore"]["rewritten"], false);
    assert!(answer.trim_end().ends_with("0") && answer.contains("data: [DONE]"));

    // What the site rewrites is exact in one piece, and where it is held back.
    let prompt = "Crows? [[sim: rewrite]]";
    let (status, answer) = ask(&address, CHAT, "", Some(&question(prompt, false))).await;
    assert_eq!(status, 200, "{answer}");
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    assert_eq!(answer["choices"][0]["message"]["content"], world.site_text());
    let held = "x-lenore-rewrites: hold\r\nx-lenore-new-chat: 1\r\n";
    let (_, answer) = ask(&address, CHAT, held, Some(&question(prompt, true))).await;
    assert_eq!(streamed(&answer).0, world.site_text());
    // Else the exact text comes last, and the flag says where.
    let anew = "x-lenore-new-chat: 1\r\n";
    let (_, answer) = ask(&address, CHAT, anew, Some(&question(prompt, true))).await;
    let (text, last) = streamed(&answer);
    let from = last["lenore"]["exact_from"].as_u64().unwrap_or_default();
    let exact: String = text.chars().skip(usize::try_from(from).expect("small")).collect();
    assert_eq!(exact, world.site_text());

    let (status, body) = ask(&address, "/health/ready", "", None).await;
    assert_eq!(status, 200, "{body}");
    let (_, metrics) = ask(&address, "/metrics", "", None).await;
    assert!(metrics.contains("lenore_answers_total{outcome=\"finished\"} 4"), "{metrics}");

    program.signal(Signal::TERM);
    program.end().await.with_code(0);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_of_the_site_have_their_status() {
    let world = World::new().await;
    let (program, address) = world.serving(&[]).await;
    for (model, prompt, expected) in [
        ("poe/NoSuchBotAtAll", "Ravens?", 404),
        ("gpt-40", "Ravens?", 404),
        ("gpt-4", "Ravens? [[sim: status=reached_limit]]", 429),
        ("gpt-4", "Ravens? [[sim: status=too_many_tokens]]", 400),
        ("gpt-4", "Ravens? [[sim: state=error_unknown]]", 502),
        ("gpt-4", "", 400),
    ] {
        let mut body = question(prompt, true);
        body["model"] = model.into();
        let (status, answer) = ask(&address, CHAT, "x-lenore-new-chat: 1\r\n", Some(&body)).await;
        // An answer that fails when it has begun says so in the stream.
        let is_late = expected == 502 && status == 200 && answer.contains("\"error\"");
        assert!(status == expected || is_late, "{model} {prompt}: {status} {answer}");
    }
    program.signal(Signal::INT);
    program.end().await.with_code(0);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_site_may_have_taken_is_not_to_be_asked_again() {
    let world = World::new().await;
    let (program, address) = world.serving(&[]).await;
    let (_, first) = ask(&address, "/v1/responses", "", Some(&json!({ "input": "Hi" }))).await;
    let first: Value = serde_json::from_str(&first).expect("JSON");
    // In a new chat, and in one that can be looked into.
    for from in [&Value::Null, &first["id"]] {
        let prompt = "Ravens? [[sim: http=429, retry-after=1]]";
        let body = json!({ "input": prompt, "previous_response_id": from });
        let mut stream = send(&address, "/v1/responses", "", Some(&body)).await;
        let mut text = String::new();
        in_time("a response", stream.read_to_string(&mut text)).await.expect("UTF-8");
        assert!(
            text.starts_with("HTTP/1.1 429") && text.contains("x-should-retry: false"),
            "{text}"
        );
        assert!(!text.contains("retry-after:"), "{text}");
    }
    program.signal(Signal::TERM);
    program.end().await.with_code(0);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_stops_the_answer_on_the_site() {
    let world = World::new().await;
    let (program, address) = world.serving(&[]).await;
    for (round, stream) in [true, false].into_iter().enumerate() {
        let body = question("Ravens? [[sim: length=50000, chunks=2500, gap=20]]", stream);
        let mut client = send(&address, CHAT, "x-lenore-new-chat: 1\r\n", Some(&body)).await;
        if stream {
            let mut bytes = [0; 600];
            in_time("text", client.read_exact(&mut bytes)).await.expect("a stream");
        } else {
            until("a question", || world.prompts().len() == round + 1).await;
        }
        let left = Instant::now();
        drop(client);
        until("a stop", || world.stops() == round + 1).await;
        assert!(left.elapsed() < Duration::from_secs(1), "{:?}", left.elapsed());
    }
    program.signal(Signal::TERM);
    program.end().await.with_code(0);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_stops_what_does_not_finish_in_time() {
    let world = World::new().await;
    let (program, address) = world.serving(&["--grace", "1"]).await;
    let body = question("Ravens? [[sim: length=50000, chunks=2500, gap=20]]", true);
    let mut client = send(&address, CHAT, "", Some(&body)).await;
    world.asked().await;
    program.signal(Signal::TERM);
    let mut rest = String::new();
    in_time("the stream's end", client.read_to_string(&mut rest)).await.expect("UTF-8");
    assert!(rest.contains("server_ending"), "{rest}");
    program.end().await.with_code(0);
    assert_eq!(world.stops(), 1, "the site was told");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_at_once() {
    let world = World::new().await;
    let (mut program, address) = world.serving(&["--grace", "600"]).await;
    // A stop that has no effect does not hold it up either.
    let body = question("Ravens? [[sim: silent=4, stop-ignored]]", true);
    let _client = send(&address, CHAT, "", Some(&body)).await;
    world.asked().await;
    program.signal(Signal::TERM);
    program.says("once more ends at once").await;
    program.signal(Signal::INT);
    let ended = tokio::time::timeout(Duration::from_secs(2), program.end()).await;
    ended.expect("it ends at once").with_code(130);
    world.browser_gone().await;
    assert_eq!(lenore::Poe::owner(&world.profile()), None, "the lock is stale");
    world.sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn others_are_let_in_only_with_a_key() {
    let world = World::signed_out().await;
    let mut command = world.lenore("serve");
    command.args(["--listen", "0.0.0.0:0"]);
    let ended = Program::start(command).end().await.with_code(2);
    assert!(ended.error().contains("lenore keys add"), "{}", ended.error());
    let mut command = world.lenore("serve");
    command.args(["--keys-file", "/no/such/file.json"]);
    let ended = Program::start(command).end().await.with_code(2);
    assert!(ended.error().contains("/no/such/file.json"), "{}", ended.error());
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let mut command = world.lenore("serve");
    command.args(["--listen", &taken.local_addr().expect("bound").to_string()]);
    let ended = Program::start(command).end().await.with_code(2);
    assert!(ended.error().contains("cannot listen"), "{}", ended.error());
    assert!(ended.error().contains("another port with --listen"), "{}", ended.error());
    for (options, words) in [
        (["--alias", "a=b", "--alias", "b=a"], "circle"),
        (
            ["--allow-host", "https://example.org", "--listen", "127.0.0.1:0"],
            "write the name alone",
        ),
    ] {
        let mut command = world.lenore("serve");
        command.args(options);
        let ended = Program::start(command).end().await.with_code(2);
        assert!(ended.error().contains(words), "{}", ended.error());
    }
    assert!(!world.profile().join("lenore.lock").exists());
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_keys_is_locked_by_the_first_one() {
    let (world, home) = (World::signed_out().await, Home::new());
    let mut command = world.lenore("serve");
    home.adopt(&mut command);
    command.args(["--listen", "localhost:0"]);
    let mut program = Program::start(command);
    let address = program.line().await.strip_prefix("http://").expect("an address").to_owned();
    let (status, _) = ask(&address, "/v1/models", "", None).await;
    assert_eq!(status, 200);
    let key = home.run(&["keys", "add", "laptop"]).await.with_code(0).stdout;
    let locked = async {
        while ask(&address, "/v1/models", "", None).await.0 != 401 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    in_time("the server to notice", locked).await;
    program.says("from now on clients must give a key").await;
    let header = format!("authorization: Bearer {}\r\n", key.trim());
    let (status, _) = ask(&address, "/v1/models", &header, None).await;
    assert_eq!(status, 200);
    program.signal(Signal::TERM);
    program.end().await.with_code(0);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_listens_everywhere_says_where_to_ask() {
    let world = World::signed_out().await;
    let mut command = world.lenore("serve");
    command.args(["--listen", "0.0.0.0:0"]).env("LENORE_API_KEY", "nevermore");
    let mut program = Program::start(command);
    let url = program.line().await;
    let address = url.strip_prefix("http://").expect("an address");
    assert!(address.starts_with("127.0.0.1:"), "{url}");
    program.says("--allow-host").await;
    let (status, _) = ask(address, "/v1/models", "x-api-key: nevermore\r\n", None).await;
    assert_eq!(status, 200);
    program.signal(Signal::TERM);
    program.end().await.with_code(0);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_made_listed_and_revoked() {
    let world = World::signed_out().await;
    let file = world.directory.path().join("keys.json");
    let keys = async |arguments: &[&str]| {
        let mut command = lenore(&["keys"]);
        command.args(arguments).arg("--keys-file").arg(&file);
        Program::start(command).end().await
    };
    let made = keys(&["add", "laptop", "--per-minute", "30"]).await.with_code(0);
    let key = made.stdout.trim().to_owned();
    assert!(key.starts_with("lenore-") && key.len() > 60, "{key}");
    keys(&["add", "laptop"]).await.with_code(2);
    let listed = keys(&["list"]).await.with_code(0).stdout;
    assert_eq!(listed, "laptop  30 a minute\n");
    let listed = keys(&["list", "--json"]).await.with_code(0).stdout;
    assert!(listed.contains("\"requests_per_minute\":30") && !listed.contains(&key), "{listed}");

    let (program, address) = world.serving(&["--keys-file", file.to_str().expect("plain")]).await;
    let (status, _) = ask(&address, "/v1/models", "", None).await;
    assert_eq!(status, 401);
    let header = format!("authorization: Bearer {key}\r\n");
    let (status, _) = ask(&address, "/v1/models", &header, None).await;
    assert_eq!(status, 200);
    keys(&["revoke", "laptop"]).await.with_code(0);
    let refused = async {
        while ask(&address, "/v1/models", &header, None).await.0 != 401 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    in_time("the server to notice", refused).await;
    keys(&["revoke", "laptop"]).await.with_code(2);
    program.signal(Signal::TERM);
    let ended = program.end().await.with_code(0);
    assert!(!ended.stderr.contains(&key));
    world.end().await;
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[tokio::test]
async fn a_server_has_large_blocks_of_memory_given_back() {
    let world = World::signed_out().await;
    let (served, _) = world.serving(&[]).await;
    // It begins anew in its own place, and shuts others out of what it knows.
    match std::fs::read(format!("/proc/{}/environ", served.pid())) {
        Ok(found) => {
            let found = String::from_utf8_lossy(&found);
            let is_set = |word: &str| word == "MALLOC_MMAP_THRESHOLD_=131072";
            assert!(found.split('\0').any(is_set), "{found}");
        }
        Err(_) => eprintln!("skipped: only the administrator can look into it"),
    }
    served.signal(Signal::TERM);
    assert_eq!(served.end().await.code, Some(0));
    world.end().await;
}
