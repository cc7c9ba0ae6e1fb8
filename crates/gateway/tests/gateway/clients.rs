//! The official clients, unchanged, against the server. `scripts/setup.sh clients` installs them;
//! where they are missing, the tests say that they are skipped, but with `CI` set they fail.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use async_openai::Client;
use async_openai::config::OpenAIConfig;
use async_openai::error::OpenAIError;
use async_openai::types::chat::{
    ChatCompletionMessageToolCalls, ChatCompletionRequestUserMessage, CreateChatCompletionRequest,
    CreateChatCompletionRequestArgs,
};
use async_openai::types::responses::{CreateResponseArgs, ResponseStreamEvent};
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::clients::{installed, node_modules, output, script_path};
use crate::support::{Fake, Server, get, script};

const TEXT: &str = "Once upon a midnight dreary 🐦‍⬛, “while” I pondered.";

/// Runs a client's checks against a server that lets everybody in, and one that does not.
async fn passes(program: PathBuf, name: &str, more: &[&Path]) {
    let server = Server::scripted().await;
    let closed = Server::with(Fake::new(script), |builder| builder.api_key("right")).await;
    let mut command = Command::new(program);
    command.arg(script_path(name));
    for server in [&server, &closed] {
        command.arg(format!("http://{}", server.address));
    }
    let ended = output({
        command.args(more);
        command
    })
    .await;
    let said = String::from_utf8_lossy(&ended.stdout);
    let errors = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "after:\n{said}\n{errors}");
    // The last check leaves in the middle of an answer.
    assert!(said.trim_end().ends_with("leaving"), "{said}");
    server.fake.until_running(0).await;
    // Whose question failed was told not to ask again, and did not.
    let repeated = server
        .fake
        .asked()
        .into_iter()
        .filter(|asked| asked.request.messages[0].content == "[fail bot] once");
    assert!(repeated.count() <= 1, "a question was asked twice");
    server.end().await;
    closed.end().await;
}

#[tokio::test]
async fn openai_in_python() {
    if let Some(python) = installed("py/bin/python") {
        passes(python, "openai_client.py", &[]).await;
    }
}

#[tokio::test]
async fn anthropic_in_python() {
    if let Some(python) = installed("py/bin/python") {
        passes(python, "anthropic_client.py", &[]).await;
    }
}

#[tokio::test]
async fn openai_in_javascript() {
    if let Some(modules) = node_modules() {
        passes("node".into(), "openai_client.mjs", &[&modules]).await;
    }
}

fn chat(words: &str) -> CreateChatCompletionRequest {
    let message = ChatCompletionRequestUserMessage::from(words);
    let mut request = CreateChatCompletionRequestArgs::default();
    request.model("raven").messages([message.into()]).build().expect("valid")
}

#[tokio::test]
async fn async_openai() {
    let server = Server::scripted().await;
    let config = OpenAIConfig::new()
        .with_api_base(format!("http://{}/v1", server.address))
        .with_api_key("anything");
    let client = Client::with_config(config);
    let models = client.models().list().await.expect("models");
    assert_eq!(models.data[0].id, "raven");

    let answer = client.chat().create(chat("Hello")).await.expect("an answer");
    assert_eq!(answer.choices[0].message.content.as_deref(), Some(TEXT));
    let mut stream = client.chat().create_stream(chat("Hello")).await.expect("a stream");
    let mut text = String::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.expect("a chunk");
        text.push_str(chunk.choices[0].delta.content.as_deref().unwrap_or_default());
    }
    assert_eq!(text, TEXT);
    tools_and_images(&client).await;
    for (kind, expected) in [
        ("invalid_request", 400),
        ("not_signed_in", 401),
        ("no_access", 403),
        ("unsupported_model", 404),
        ("quota", 429),
        ("bot", 502),
        ("browser", 503),
        ("timeout", 504),
    ] {
        let failed = client.chat().create(chat(&format!("[fail {kind}]"))).await;
        let Err(OpenAIError::ApiError(error)) = failed else { panic!("{kind}: {failed:?}") };
        assert_eq!(error.status_code.as_u16(), expected, "{error:?}");
        assert!(error.to_string().contains("it failed"), "{error:?}");
    }
    let mut stream = client.chat().create_stream(chat("[break]")).await.expect("a stream");
    let mut failed = None;
    while let Some(chunk) = stream.next().await {
        failed = chunk.err();
    }
    let failed = failed.expect("it breaks off");
    assert!(failed.to_string().contains("answer_lost"), "{failed:?}");

    let ask = |words: &str| {
        CreateResponseArgs::default().model("raven").input(words).build().expect("valid")
    };
    let response = client.responses().create(ask("Hello")).await.expect("a response");
    assert_eq!(response.output_text().as_deref(), Some(TEXT));
    let mut stream = client.responses().create_stream(ask("Hello")).await.expect("a stream");
    let mut text = String::new();
    let mut is_complete = false;
    while let Some(event) = stream.next().await {
        match event.expect("an event") {
            ResponseStreamEvent::ResponseOutputTextDelta(event) => text.push_str(&event.delta),
            ResponseStreamEvent::ResponseCompleted(_) => is_complete = true,
            _ => {}
        }
    }
    assert_eq!((text.as_str(), is_complete), (TEXT, true));

    let response = client.responses().create(ask("[think]")).await.expect("a response");
    assert_eq!(response.output_text().as_deref(), Some("42"));
    let mut stream = client.responses().create_stream(ask("[think]")).await.expect("a stream");
    let mut thoughts = String::new();
    while let Some(event) = stream.next().await {
        if let ResponseStreamEvent::ResponseReasoningTextDelta(event) = event.expect("an event") {
            thoughts.push_str(&event.delta);
        }
    }
    assert_eq!(thoughts, "Let me see.");

    let mut stream = client.chat().create_stream(chat("[endless]")).await.expect("a stream");
    stream.next().await.expect("a chunk").expect("no error");
    drop(stream);
    server.fake.until_running(0).await;
    server.end().await;
}

/// The client's own types, as it writes them.
fn typed(messages: Value) -> CreateChatCompletionRequest {
    let function = json!({ "name": "weather", "parameters": {
        "type": "object", "properties": { "city": { "type": "string" } }, "required": ["city"],
    } });
    let tools = json!([{ "type": "function", "function": function }]);
    let request = json!({ "model": "raven", "messages": messages, "tools": tools });
    serde_json::from_value(request).expect("the client's types")
}

async fn tools_and_images(client: &Client<OpenAIConfig>) {
    let asked = json!({ "role": "user", "content": "[call]" });
    let answer = client.chat().create(typed(json!([asked]))).await.expect("a call");
    let message = &answer.choices[0].message;
    let calls = message.tool_calls.as_deref().expect("calls");
    let [ChatCompletionMessageToolCalls::Function(call)] = calls else { panic!("{calls:?}") };
    assert_eq!(call.function.name, "weather");
    assert_eq!(call.function.arguments, "{\"city\": \"Köln\"}");
    let said = serde_json::to_value(message).expect("plain data");
    let result = json!({ "role": "tool", "tool_call_id": call.id, "content": "rain" });
    let asked = typed(json!([asked, said, result]));
    let answer = client.chat().create(asked).await.expect("an answer");
    assert_eq!(answer.choices[0].message.content.as_deref(), Some("It is raining."));

    let asked = typed(json!([{ "role": "user", "content": "[call]" }]));
    let mut stream = client.chat().create_stream(asked).await.expect("a stream");
    let mut arguments = String::new();
    while let Some(chunk) = stream.next().await {
        let delta = &chunk.expect("a chunk").choices[0].delta;
        let pieces = delta.tool_calls.iter().flatten().filter_map(|call| call.function.as_ref());
        arguments.extend(pieces.filter_map(|function| function.arguments.clone()));
    }
    assert_eq!(arguments, "{\"city\": \"Köln\"}");

    let image =
        json!({ "type": "image_url", "image_url": { "url": "data:image/png;base64,iVBORw==" } });
    let words = json!({ "type": "text", "text": "What is this?" });
    let asked = typed(json!([{ "role": "user", "content": [words, image] }]));
    let answer = client.chat().create(asked).await.expect("an answer");
    assert_eq!(answer.choices[0].message.content.as_deref(), Some("I see a file."));
}

#[tokio::test]
async fn the_description_is_true() {
    let Some(schemathesis) = installed("py/bin/schemathesis") else { return };
    let server = Server::scripted().await;
    let document = get(server.address, "/openapi.json", &[]).await.with_status(200).json();
    let paths = document["paths"].as_object().expect("paths").keys().cloned();
    let expected = [
        "/",
        "/health/live",
        "/health/ready",
        "/metrics",
        "/openapi.json",
        "/v1/chat/completions",
        "/v1/completions",
        "/v1/messages",
        "/v1/messages/count_tokens",
        "/v1/models",
        "/v1/models/{id}",
        "/v1/responses",
    ];
    assert_eq!(paths.collect::<std::collections::BTreeSet<_>>(), expected.map(String::from).into());
    assert_eq!(document["openapi"], json!("3.1.0"));
    let directory = tempfile::tempdir().expect("a directory");
    // A bot whose answer does not have the form that is asked is a bad gateway.
    let settings = "[checks.not_a_server_error]\nexpected-statuses = [\"2xx\", \"4xx\", \"502\"]\n";
    std::fs::write(directory.path().join("schemathesis.toml"), settings).expect("ours");
    let mut command = Command::new(schemathesis);
    command.current_dir(directory.path()).arg("run");
    command.arg(format!("http://{}/openapi.json", server.address));
    command.args(["--max-examples", "15", "--seed", "1", "--no-color"]);
    // What fits the description may mean what is refused, such as a file that cannot be fetched.
    command.args(["--exclude-checks", "positive_data_acceptance"]);
    command.args(["--phases", "examples,coverage,fuzzing", "--request-timeout", "10"]);
    let ended = output(command).await;
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success(), "{said}\n{}", String::from_utf8_lossy(&ended.stderr));
    server.end().await;
}

#[tokio::test]
async fn aichat_of_the_terminal() {
    let Some(aichat) = installed("aichat/bin/aichat") else { return };
    let server = Server::scripted().await;
    let directory = tempfile::tempdir().expect("a directory");
    let config = format!(
        "model: lenore:gpt-4\nsave: false\nclients:\n- type: openai-compatible\n  name: lenore\n  \
         api_base: http://{}/v1\n  api_key: anything\n  models:\n  - name: gpt-4\n    supports_vision: true\n",
        server.address
    );
    std::fs::write(directory.path().join("config.yaml"), config).expect("written");
    let picture = directory.path().join("raven.png");
    std::fs::write(&picture, b"\x89PNG\r\n\x1a\n").expect("written");
    let run = async |arguments: &[&str]| {
        let mut command = Command::new(&aichat);
        command.env("AICHAT_CONFIG_DIR", directory.path()).args(arguments);
        let ended = output(command).await;
        let said = String::from_utf8_lossy(&ended.stdout).trim_end().to_owned();
        (ended.status.success(), said, String::from_utf8_lossy(&ended.stderr).into_owned())
    };
    for arguments in [&["Once?"][..], &["--no-stream", "Once?"]] {
        let (passed, said, errors) = run(arguments).await;
        assert!(passed && said == TEXT, "{said}\n{errors}");
    }
    let picture = picture.to_str().expect("Unicode");
    let (passed, said, errors) = run(&["-f", picture, "What is this?"]).await;
    assert!(passed && said == "I see a file.", "{said}\n{errors}");
    for (kind, expected) in
        [("not_signed_in", "not_signed_in"), ("quota", "quota"), ("bot", "server_error")]
    {
        let (passed, _, errors) = run(&[&format!("[fail {kind}]")]).await;
        assert!(!passed && errors.contains(expected), "{kind}: {errors}");
    }
    // One that is ended in the middle of an answer has left.
    let mut command = Command::new(&aichat);
    command.env("AICHAT_CONFIG_DIR", directory.path()).arg("[endless]").kill_on_drop(true);
    let aichat = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    server.fake.until_running(1).await;
    drop(aichat);
    server.fake.until_running(0).await;
    server.end().await;
}
