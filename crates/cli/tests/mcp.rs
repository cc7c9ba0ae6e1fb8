//! The bots as tools of an agent: the official client, the real program, a real browser.

mod support;

#[cfg(unix)]
#[path = "support/terminal.rs"]
mod terminal;

use std::process::{ExitStatus, Stdio};

use rmcp::model::{
    CallToolRequest, CallToolRequestParams, CallToolResult, ProgressNotificationParam,
};
use rmcp::service::{NotificationContext, PeerRequestOptions, RunningService};
use rmcp::{ClientHandler, RoleClient, ServiceExt};
use serde_json::{Value, json};
use support::{Home, Program, World, in_time};
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

/// An agent, as far as it matters here: it hears of progress.
struct Agent(mpsc::UnboundedSender<ProgressNotificationParam>);

impl ClientHandler for Agent {
    async fn on_progress(
        &self,
        params: ProgressNotificationParam,
        _: NotificationContext<RoleClient>,
    ) {
        let _ = self.0.send(params);
    }
}

/// The program with an agent that talks to it.
struct Session {
    child: Child,
    client: RunningService<RoleClient, Agent>,
    progress: mpsc::UnboundedReceiver<ProgressNotificationParam>,
}

impl Session {
    async fn start(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).spawn().expect("the program starts");
        let stdin = child.stdin.take().expect("stdin is a pipe");
        let stdout = child.stdout.take().expect("stdout is a pipe");
        let (sender, progress) = mpsc::unbounded_channel();
        let client = in_time("the greeting", Agent(sender).serve((stdout, stdin))).await;
        Self { child, client: client.expect("it speaks the protocol"), progress }
    }

    async fn call(&self, tool: &'static str, arguments: Value) -> CallToolResult {
        let result = self.client.call_tool(call(tool, arguments));
        in_time("the result", result).await.expect("a result")
    }

    /// What the program says on stderr until it ends, as the agent closes its stdin.
    async fn end(self) -> (ExitStatus, String) {
        let Self { mut child, client, .. } = self;
        in_time("the agent's end", client.cancel()).await.expect("no panic");
        let mut stderr = child.stderr.take().expect("stderr is a pipe");
        let mut said = String::new();
        in_time("stderr", stderr.read_to_string(&mut said)).await.expect("text");
        (in_time("the program's end", child.wait()).await.expect("its status"), said)
    }
}

fn call(tool: &'static str, arguments: Value) -> CallToolRequestParams {
    let Value::Object(arguments) = arguments else { panic!("arguments have names") };
    CallToolRequestParams::new(tool).with_arguments(arguments)
}

/// The texts of a result, one after the other.
fn texts(result: &CallToolResult) -> Vec<&str> {
    result.content.iter().filter_map(|block| block.as_text()).map(|text| &*text.text).collect()
}

/// What a result holds as data.
fn data(result: &CallToolResult) -> &Value {
    assert_eq!(result.is_error, Some(false), "{result:#?}");
    result.structured_content.as_ref().expect("data")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_asks_and_goes_on() {
    let world = World::new().await;
    let home = Home::new();
    let mut command = world.lenore("mcp");
    home.adopt(&mut command);
    let session = Session::start(command).await;
    let info = session.client.peer_info().expect("it has said who it is");
    assert!(format!("{info:?}").contains("lenore"));

    let tools = in_time("the tools", session.client.list_all_tools()).await.expect("a list");
    let mut names: Vec<_> = tools.iter().map(|tool| &*tool.name).collect();
    names.sort_unstable();
    assert_eq!(names, ["ask", "continue", "models"]);
    assert!(tools.iter().all(|tool| tool.description.is_some() && tool.output_schema.is_some()));

    let arguments = json!({ "prompt": "Ravens [[sim: say=Never 🙂]]", "model": "gpt-4" });
    let first = session.call("ask", arguments).await;
    let answer = data(&first);
    assert_eq!(answer["text"], "Never 🙂");
    assert_eq!(answer["text"], world.site_text());
    assert_eq!(answer["is_cut"], false);
    let chat = answer["chat"].as_str().expect("a code");
    assert_eq!(texts(&first)[0], "Never 🙂");
    assert!(texts(&first)[1].contains(chat), "who reads only text can go on too");

    let arguments = json!({ "chat": chat, "prompt": "Why? [[sim: say=So it is.]]" });
    let second = session.call("continue", arguments).await;
    assert_eq!(data(&second)["text"], "So it is.");
    assert_eq!(data(&second)["chat"], chat);
    assert_eq!(world.prompts().last().map(String::as_str), Some("Why? [[sim: say=So it is.]]"));

    let arguments = json!({ "prompt": "Hi [[sim: echo]]", "system": "Be short." });
    let third = session.call("ask", arguments).await;
    let text = data(&third)["text"].as_str().expect("text");
    assert!(text.starts_with("System: Be short.\nUser: Hi"), "{text}");

    // The user asks through the same browser meanwhile.
    let own = world.ask(&["Me too [[sim: say=You too.]]"]).await.with_code(0);
    assert_eq!(own.stdout, "You too.\n");

    let (status, said) = session.end().await;
    assert_eq!(status.code(), Some(0), "{said}");
    assert!(!said.contains("Ravens") && !said.contains("Never"), "{said}");
    world.assert_tidy();

    let logged = home.run(&["logs", "--json"]).await.with_code(0);
    assert!(logged.stdout.contains("So it is."), "{logged:#?}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_says_its_kind_and_what_to_do() {
    let world = World::new().await;
    let mut command = world.lenore("mcp");
    command.env_remove("POE_API_KEY");
    let session = Session::start(command).await;
    let cases = [
        (json!({ "prompt": "Hi", "model": "poe/NoSuchBotAtAll" }), "unsupported_model: "),
        (json!({ "prompt": "Hi", "model": "no-such-name" }), "unsupported_model: "),
        (json!({ "prompt": "Hi", "model": "poe-api/X" }), "not_signed_in: "),
        (json!({ "prompt": " " }), "invalid_request: "),
    ];
    for (arguments, begin) in cases {
        let result = session.call("ask", arguments).await;
        assert_eq!(result.is_error, Some(true), "{result:#?}");
        assert!(texts(&result)[0].starts_with(begin), "{result:#?}");
    }
    let wrong = session.call("ask", json!({ "model": "gpt-4" })).await;
    assert_eq!(wrong.is_error, Some(true), "{wrong:#?}");
    assert!(texts(&wrong)[0].starts_with("invalid_request: "), "{wrong:#?}");
    assert!(texts(&wrong)[0].contains("`prompt`"), "{wrong:#?}");
    // A name that is misspelt would else ask another bot.
    for (tool, arguments) in [
        ("ask", json!({ "prompt": "Hi", "modle": "gpt-4" })),
        ("continue", json!({ "chat": "abc", "prompt": "Hi", "model": "gpt-4" })),
        ("models", json!({ "all": true })),
    ] {
        let wrong = session.call(tool, arguments).await;
        assert_eq!(wrong.is_error, Some(true), "{wrong:#?}");
        assert!(texts(&wrong)[0].starts_with("invalid_request: "), "{wrong:#?}");
    }
    let tools = in_time("the tools", session.client.list_all_tools()).await.expect("a list");
    for tool in tools {
        assert_eq!(tool.input_schema.get("additionalProperties"), Some(&json!(false)), "{tool:#?}");
    }
    let models = session.call("models", json!({})).await;
    let models = data(&models);
    assert_eq!(models["default"], "gpt-3.5-turbo");
    let known = models["models"].as_array().expect("a list");
    assert!(known.contains(&json!({ "name": "gpt-4", "bot": "GPT-4" })), "{models}");
    let (status, said) = session.end().await;
    assert_eq!(status.code(), Some(0), "{said}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_cancelled_stops_the_answer_and_no_other() {
    let world = World::new().await;
    let mut session = Session::start(world.lenore("mcp")).await;
    let request =
        CallToolRequest::new(call("ask", json!({ "prompt": "Ravens? [[sim: silent=4]]" })));
    let options = PeerRequestOptions::no_options();
    let endless = session.client.send_cancellable_request(request.into(), options).await;
    let endless = endless.expect("it is sent");
    let progress = in_time("progress", session.progress.recv()).await.expect("a notice");
    assert_eq!(progress.progress_token, endless.progress_token);
    assert!(progress.message.is_some(), "{progress:?}");

    let prompt = "Crows? [[sim: length=400, gap=20]]";
    let other = session.client.call_tool(call("ask", json!({ "prompt": prompt })));
    let (cancelled, other) = tokio::join!(endless.cancel(Some("enough".into())), other);
    cancelled.expect("it is sent");
    world.stopped().await;
    let other = other.expect("a result");
    assert_eq!(data(&other)["text"].as_str().map(|text| text.chars().count()), Some(400));
    assert_eq!(world.stops(), 1);
    let (status, said) = session.end().await;
    assert_eq!(status.code(), Some(0), "{said}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_leaves_stops_its_answers() {
    let world = World::new().await;
    let mut session = Session::start(world.lenore("mcp")).await;
    let request =
        CallToolRequest::new(call("ask", json!({ "prompt": "Ravens? [[sim: silent=4]]" })));
    let options = PeerRequestOptions::no_options();
    let endless = session.client.send_cancellable_request(request.into(), options).await;
    let _endless = endless.expect("it is sent");
    in_time("progress", session.progress.recv()).await.expect("a notice");
    let (status, said) = session.end().await;
    assert_eq!(status.code(), Some(0), "{said}");
    assert_eq!(world.stops(), 1);
    world.end().await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_it_in_order() {
    let world = World::signed_out().await;
    let mut session = Session::start(world.lenore("mcp")).await;
    let pid = session.child.id().and_then(|pid| i32::try_from(pid).ok());
    let pid = pid.and_then(rustix::process::Pid::from_raw).expect("a process");
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it runs");
    let status = in_time("the program's end", session.child.wait()).await.expect("its status");
    assert_eq!(status.code(), Some(143));
    world.end().await;
}

#[tokio::test]
async fn what_is_no_client_is_answered_by_the_protocol_and_not_quoted() {
    let home = Home::new();
    let no_client = "my secret diary\n{\"a\":1}\n";
    let ended = Program::start_with(home.lenore(&["mcp"]), no_client).end().await.with_code(0);
    let reply: Value = serde_json::from_str(&ended.stdout).expect("one line of the protocol");
    assert_eq!(reply["error"]["code"], -32600);
    assert!(!format!("{ended:?}").contains("diary"), "{ended:#?}");
    let ended = Program::start(home.lenore(&["mcp"])).end().await.with_code(0);
    assert_eq!(ended.stdout, "");
}

#[cfg(unix)]
#[tokio::test]
async fn on_a_terminal_it_says_whom_it_is_for() {
    let home = Home::new();
    let mut terminal = terminal::Terminal::start(&home.lenore(&["mcp"]), 24, 200);
    terminal.shows("this serves an agent over stdin and stdout (MCP)").await;
    assert!(terminal.screen().contains(r#""args": ["mcp"]"#), "{}", terminal.screen());
    terminal.keys("\x04");
    assert_eq!(terminal.end().await, 0, "{}", terminal.screen());
}
