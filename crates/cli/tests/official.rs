//! The program over the official API, against a server of ours that speaks as the service does.

mod support;

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Request, Response};
use futures_util::stream::{self, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::support::{Program, in_time, lenore};

const KEY: &str = "pk-nevermore";

/// Answers what it is asked in the words of the question; "wait" has no end.
struct Service {
    url: String,
    bodies: Arc<Mutex<Vec<Value>>>,
    /// How many answers are open.
    open: watch::Receiver<usize>,
    task: JoinHandle<()>,
}

/// Counts an answer as long as it is open.
struct Open(watch::Sender<usize>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.send_modify(|open| *open -= 1);
    }
}

impl Service {
    async fn new() -> Self {
        let (count, open) = watch::channel(0);
        let bodies = Arc::<Mutex<Vec<Value>>>::default();
        let log = Arc::clone(&bodies);
        let answer = move |request: Request<Body>| {
            let (log, count) = (Arc::clone(&log), count.clone());
            async move {
                let (head, body) = request.into_parts();
                if head.headers["authorization"] != format!("Bearer {KEY}") {
                    let refusal = json!({ "error": { "message": format!("no key {head:?}") } });
                    return response(401, "application/json", refusal.to_string().into());
                }
                if head.uri.path() == "/v1/models" {
                    let list = json!({ "object": "list", "data": [{ "id": "Claude-3-Opus" }] });
                    return response(200, "application/json", list.to_string().into());
                }
                assert_eq!(head.uri.path(), "/v1/chat/completions");
                let body = axum::body::to_bytes(body, usize::MAX).await.expect("the whole body");
                let body: Value = serde_json::from_slice(&body).expect("JSON");
                let prompt = body["messages"][0]["content"].as_str().expect("text").to_owned();
                log.lock().expect("no panic").push(body);
                count.send_modify(|open| *open += 1);
                response(200, "text/event-stream", said(prompt, Open(count)))
            }
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/v1", listener.local_addr().expect("bound"));
        let serve = async move {
            axum::serve(listener, Router::new().fallback(answer)).await.expect("it serves");
        };
        Self { url, bodies, open, task: tokio::spawn(serve) }
    }

    /// The program with this service and a key.
    fn lenore(&self, command: &str) -> Command {
        let mut command = lenore(&[command]);
        command.env("LENORE_POE_API_URL", &self.url).env("POE_API_KEY", KEY);
        command
    }

    fn ask(&self, arguments: &[&str]) -> Command {
        let mut command = self.lenore("ask");
        command.args(arguments);
        command
    }

    fn models(&self) -> Vec<Value> {
        let bodies = self.bodies.lock().expect("no panic");
        bodies.iter().map(|body| body["model"].clone()).collect()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn response(status: u16, kind: &str, body: Body) -> Response<Body> {
    let response = Response::builder().status(status).header("content-type", kind);
    response.body(body).expect("a response")
}

/// The body of a response.
async fn http(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    stream.write_all(request.as_bytes()).await.expect("it reads");
    let mut reply = String::new();
    in_time("a response", stream.read_to_string(&mut reply)).await.expect("UTF-8");
    let (_, body) = reply.split_once("\r\n\r\n").expect("a body");
    body.to_owned()
}

async fn get(address: &str, path: &str) -> Value {
    let head = "HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    serde_json::from_str(&http(address, &format!("GET {path} {head}")).await).expect("JSON")
}

fn said(prompt: String, open: Open) -> Body {
    let is_endless = prompt == "wait";
    let chunk = |delta: Value, reason: Value| {
        let chunk = json!({ "choices": [{ "index": 0, "delta": delta, "finish_reason": reason }] });
        Bytes::from(format!("data: {chunk}\n\n"))
    };
    let thought = (prompt == "think")
        .then(|| chunk(json!({ "reasoning_content": "Let me see." }), Value::Null));
    let begin = chunk(json!({ "content": format!("You said: {prompt}") }), Value::Null);
    let end = stream::once(async move {
        match is_endless {
            true => std::future::pending().await,
            false => chunk(json!({}), json!("stop")),
        }
    });
    Body::from_stream(stream::iter(thought.into_iter().chain([begin])).chain(end).map(
        move |bytes| {
            let _ = &open;
            std::io::Result::Ok(bytes)
        },
    ))
}

#[tokio::test]
async fn the_api_answers_where_it_is_named() {
    let service = Service::new().await;
    for arguments in [
        &["--provider", "poe-api", "-m", "Claude-3-Opus", "hello"][..],
        &["-m", "poe-api/Claude-3-Opus", "hello"],
    ] {
        let ended = Program::start(service.ask(arguments)).end().await.with_code(0);
        assert_eq!(ended.stdout, "You said: hello\n");
    }
    let mut command = service.ask(&["--json", "hello"]);
    command.env("LENORE_PROVIDER", "poe-api");
    let ended = Program::start(command).end().await.with_code(0);
    let lines: Vec<Value> =
        ended.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let expected = [
        json!({ "type": "delta", "text": "You said: hello" }),
        json!({ "type": "finished", "reason": "complete" }),
    ];
    assert_eq!(lines, expected);
    assert_eq!(service.models()[..2], ["Claude-3-Opus", "Claude-3-Opus"]);
}

#[tokio::test]
async fn a_key_that_is_missing_or_wrong_is_told_and_never_shown() {
    let service = Service::new().await;
    for key in ["", "pk-wrong-raven"] {
        for arguments in [&["--provider", "poe-api", "hello"][..], &["-m", "poe-api/X", "hello"]] {
            let mut command = service.ask(arguments);
            command.env("POE_API_KEY", key);
            let ended = Program::start(command).end().await.with_code(4);
            assert!(ended.error().contains("POE_API_KEY"), "{ended:#?}");
            assert!(!ended.stderr.contains("raven"), "{ended:#?}");
        }
    }
}

#[tokio::test]
async fn a_dry_run_names_the_bot_and_asks_nothing() {
    let service = Service::new().await;
    for arguments in [&["--provider", "poe-api", "-m", "X"][..], &["-m", "poe-api/X"]] {
        let mut command = service.ask(arguments);
        command.args(["--dry-run", "--json", "hello"]);
        let ended = Program::start(command).end().await.with_code(0);
        let line: Value = serde_json::from_str(&ended.stdout).expect("JSON");
        assert_eq!(line["bot"], "X", "{arguments:?}");
    }
    assert!(service.models().is_empty());
}

#[tokio::test]
async fn an_agent_has_the_bots_of_the_api() {
    let service = Service::new().await;
    let hello = json!({
        "protocolVersion": "2025-06-18", "capabilities": {},
        "clientInfo": { "name": "agent", "version": "1" },
    });
    let request = |id: u32, method: &str, params: Value| {
        json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string()
    };
    let lines = [
        request(1, "initialize", hello),
        json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }).to_string(),
        request(2, "tools/call", json!({ "name": "models", "arguments": {} })),
    ];
    let mut command = service.lenore("mcp");
    command.args(["--provider", "poe-api"]);
    let ended = Program::start_with(command, lines.join("\n") + "\n").end().await.with_code(0);
    let last: Value = serde_json::from_str(ended.stdout.lines().last().expect("a reply"))
        .expect("the protocol's JSON");
    let bot = json!({ "name": "poe-api/Claude-3-Opus", "bot": "Claude-3-Opus" });
    assert_eq!(last["result"]["structuredContent"]["models"], json!([bot]), "{ended:#?}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_server_over_the_api_lists_its_bots_and_tells_their_thoughts() {
    let service = Service::new().await;
    let mut command = service.lenore("serve");
    command.args(["--listen", "127.0.0.1:0", "--provider", "poe-api"]);
    let mut program = Program::start(command);
    let line = program.line().await;
    let address = line.strip_prefix("http://").expect("an address");
    let listed = async {
        loop {
            let list = get(address, "/v1/models").await;
            if list["data"][0]["id"] == "poe-api/Claude-3-Opus" {
                return;
            }
        }
    };
    in_time("the list", listed).await;
    // Any handle can be asked, in the list or not.
    for id in ["poe-api/Claude-3-Opus", "poe-api/GPT-4", "GPT-4"] {
        assert_eq!(get(address, &format!("/v1/models/{id}")).await["id"], id);
    }
    let body = json!({ "model": "GPT-4", "messages": [{ "role": "user", "content": "think" }] });
    let body = body.to_string();
    let length = body.len();
    let head = "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
        content-type: application/json\r\n";
    let request = format!("{head}content-length: {length}\r\n\r\n{body}");
    let answer: Value = serde_json::from_str(&http(address, &request).await).expect("JSON");
    let message = &answer["choices"][0]["message"];
    assert_eq!(message["content"], "You said: think");
    assert_eq!(message["reasoning_content"], "Let me see.");
    program.signal(rustix::process::Signal::TERM);
    program.end().await.with_code(0);
}

#[tokio::test]
async fn thoughts_are_no_part_of_what_is_printed() {
    let service = Service::new().await;
    let ended = Program::start(service.ask(&["-m", "poe-api/X", "think"])).end().await;
    assert_eq!(ended.with_code(0).stdout, "You said: think\n");
    let ended = Program::start(service.ask(&["-m", "poe-api/X", "--json", "think"])).end().await;
    let lines: Vec<Value> =
        ended.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines[0], json!({ "type": "status", "text": "Thinking…" }));
    assert_eq!(lines[1], json!({ "type": "thought", "text": "Let me see." }));
}

#[tokio::test]
async fn the_models_are_those_of_the_api() {
    let service = Service::new().await;
    let mut command = service.lenore("models");
    command.args(["--provider", "poe-api", "--json"]);
    let ended = Program::start(command).end().await.with_code(0);
    let line = |line: &str| serde_json::from_str::<Value>(line).expect("JSON");
    let named: Vec<_> = ended.stdout.lines().map(line).collect();
    let has = |name: &str| named.iter().any(|model| model["name"] == name);
    assert!(has("poe-api/Claude-3-Opus") && !has("gpt-4"), "{named:#?}");
}

#[tokio::test]
async fn another_provider_is_not_known() {
    let ended = Program::start(lenore(&["ask", "--provider", "oracle", "hello"])).end().await;
    let ended = ended.with_code(2);
    assert!(ended.stderr.contains("poe-api"), "{ended:#?}");
}

#[cfg(unix)]
#[tokio::test]
async fn an_interrupt_closes_the_connection() {
    let mut service = Service::new().await;
    let mut program = Program::start(service.ask(&["-m", "poe-api/X", "wait"]));
    let begin = "You said: wait";
    assert_eq!(program.bytes(begin.len()).await, begin.as_bytes());
    assert_eq!(*service.open.borrow(), 1);
    program.signal(rustix::process::Signal::INT);
    program.end().await.with_code(130);
    let closed = service.open.wait_for(|open| *open == 0);
    in_time("the connection's end", closed).await.expect("the server is there");
}
