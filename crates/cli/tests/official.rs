//! The program over the official API, against a server of ours that speaks as the service does.

mod support;

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Request, Response};
use futures_util::stream::{self, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpListener;
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

fn said(prompt: String, open: Open) -> Body {
    let is_endless = prompt == "wait";
    let chunk = |delta: Value, reason: Value| {
        let chunk = json!({ "choices": [{ "index": 0, "delta": delta, "finish_reason": reason }] });
        Bytes::from(format!("data: {chunk}\n\n"))
    };
    let begin = chunk(json!({ "content": format!("You said: {prompt}") }), Value::Null);
    let end = stream::once(async move {
        match is_endless {
            true => std::future::pending().await,
            false => chunk(json!({}), json!("stop")),
        }
    });
    Body::from_stream(stream::once(async { begin }).chain(end).map(move |bytes| {
        let _ = &open;
        std::io::Result::Ok(bytes)
    }))
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
