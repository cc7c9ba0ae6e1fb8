//! Messages, as Anthropic's clients ask and are told.

use lenore_provider::{Event, Role};
use serde_json::{Value, json};

use crate::support::{Fake, Server, Step, delta, finished, frames, get, post, script, started};

const PATH: &str = "/v1/messages";

fn ask(content: impl Into<Value>, more: Value) -> Value {
    let messages = json!([{ "role": "user", "content": content.into() }]);
    let mut body = json!({ "model": "raven", "max_tokens": 1000, "messages": messages });
    for (name, value) in more.as_object().expect("an object") {
        body[name] = value.clone();
    }
    body
}

fn events(body: &str) -> Vec<Value> {
    let events = frames(body).into_iter().map(|(name, data)| {
        let event: Value = serde_json::from_str(&data).expect("JSON");
        assert_eq!(event["type"].as_str(), name.as_deref());
        event
    });
    events.collect()
}

fn types(events: &[Value]) -> Vec<&str> {
    let mut types: Vec<_> =
        events.iter().map(|event| event["type"].as_str().expect("a type")).collect();
    types.dedup();
    types
}

fn tools() -> Value {
    json!([
        { "name": "weather", "input_schema": {
            "type": "object", "properties": { "city": { "type": "string" } },
        } },
        { "type": "web_search_20250305", "name": "web_search" },
    ])
}

#[tokio::test]
async fn a_message_comes_whole() {
    let server = Server::scripted().await;
    let system = json!([{ "type": "text", "text": "Be brief." }]);
    let body = ask("Hello", json!({ "system": system, "stop_sequences": ["dreary"] }));
    let reply = post(server.address, PATH, &[], &body).await.with_status(200);
    assert!(reply.header("request-id").is_some());
    let message = reply.json();
    assert_eq!((&message["type"], &message["role"]), (&json!("message"), &json!("assistant")));
    assert_eq!(message["content"][0]["text"], "Once upon a midnight ");
    assert_eq!(message["stop_reason"], "stop_sequence");
    assert_eq!(message["stop_sequence"], "dreary");
    assert_eq!(message["usage"]["estimated"], true);
    assert_eq!(server.fake.only().request.messages[0].content, "Be brief.");
    server.end().await;
}

#[tokio::test]
async fn the_events_of_a_text_come_in_their_order() {
    let server = Server::scripted().await;
    let reply = post(server.address, PATH, &[], &ask("Hello", json!({ "stream": true }))).await;
    let events = events(&reply.with_status(200).body);
    let expected = [
        "message_start",
        "ping",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ];
    assert_eq!(types(&events), expected);
    let text: String = events.iter().filter_map(|event| event["delta"]["text"].as_str()).collect();
    assert_eq!(text, "Once upon a midnight dreary 🐦‍⬛, “while” I pondered.");
    let end = &events[events.len() - 2];
    assert_eq!(end["delta"]["stop_reason"], "end_turn");
    assert!(end["usage"]["output_tokens"].as_u64().is_some_and(|tokens| tokens > 5));
    assert_eq!(end["lenore"]["rewritten"], false);
    server.end().await;
}

#[tokio::test]
async fn the_events_of_a_call_come_in_their_order_and_its_result_goes_back() {
    let server = Server::scripted().await;
    let body = ask("[call]", json!({ "stream": true, "tools": tools() }));
    let reply = post(server.address, PATH, &[], &body).await.with_status(200);
    assert_eq!(reply.header("x-lenore-ignored"), Some("tools[1]"));
    let streamed = events(&reply.body);
    let expected = [
        "message_start",
        "ping",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ];
    assert_eq!(types(&streamed), expected);
    let end = &streamed[streamed.len() - 2];
    assert_eq!(end["delta"]["stop_reason"], "tool_use");

    let message =
        post(server.address, PATH, &[], &ask("[call]", json!({ "tools": tools() }))).await;
    let content = message.json()["content"].clone();
    assert_eq!(content[1]["input"], json!({ "city": "Köln" }));
    let mut body = ask("[call]", json!({ "tools": tools() }));
    let messages = body["messages"].as_array_mut().expect("a list");
    messages.push(json!({ "role": "assistant", "content": content }));
    messages.push(json!({ "role": "user", "content": [
        { "type": "tool_result", "tool_use_id": content[1]["id"],
          "content": [{ "type": "text", "text": "rain" }] },
    ] }));
    let message = post(server.address, PATH, &[], &body).await.with_status(200).json();
    assert_eq!(message["content"][0]["text"], "It is raining.");
    let asked = server.fake.asked();
    let last = asked[2].request.messages.last().expect("a message");
    assert_eq!(last.role, Role::Tool);
    assert!(last.content.contains("rain"));
    server.end().await;
}

#[tokio::test]
async fn images_and_documents_are_files() {
    let server = Server::scripted().await;
    let content = json!([
        { "type": "image", "source": { "type": "base64", "media_type": "image/png", "data": "iVBORw==" } },
        { "type": "document", "source": { "type": "text", "media_type": "text/plain", "data": "hi" }, "title": "note" },
        { "type": "text", "text": "What is this?" },
    ]);
    let message = post(server.address, PATH, &[], &ask(content, json!({}))).await.json();
    assert_eq!(message["content"][0]["text"], "I see a file.");
    let asked = server.fake.only();
    let names: Vec<_> =
        asked.files.iter().map(|(path, _)| path.file_name().expect("a name")).collect();
    assert_eq!(names, ["image.png", "note.txt"]);
    let far =
        json!([{ "type": "image", "source": { "type": "url", "url": "http://127.0.0.1/x" } }]);
    post(server.address, PATH, &[], &ask(far, json!({}))).await.with_status(400);
    server.end().await;
}

#[tokio::test]
async fn thoughts_are_blocks_of_their_own_for_who_wants_them() {
    let thought = |text: &str| Step::Say(Event::Thought(text.into()));
    let more = [delta("4"), thought("Or so?"), delta("2"), finished()];
    let steps = [vec![started(), thought("Let me"), thought(" see.")], more.to_vec()].concat();
    let server = Server::start(steps).await;
    let wants = json!({ "thinking": { "type": "enabled", "budget_tokens": 1024 } });
    let reply = post(server.address, PATH, &[], &ask("hi", wants.clone())).await.with_status(200);
    assert_eq!(reply.header("x-lenore-ignored"), Some("thinking.budget_tokens"));
    let expected = json!([
        { "type": "thinking", "thinking": "Let me see.Or so?", "signature": "" },
        { "type": "text", "text": "42" },
    ]);
    assert_eq!(reply.json()["content"], expected);

    let mut wants = wants;
    wants["stream"] = true.into();
    let streamed = events(&post(server.address, PATH, &[], &ask("hi", wants)).await.body);
    let told = streamed.iter().filter(|event| event["index"].is_u64()).map(|event| {
        let kind = event["content_block"]["type"].as_str().or(event["delta"]["type"].as_str());
        (event["index"].as_u64().expect("a number"), kind.unwrap_or("stop"))
    });
    let expected = [
        (0, "thinking"),
        (0, "thinking_delta"),
        (0, "thinking_delta"),
        (0, "signature_delta"),
        (0, "stop"),
        (1, "text"),
        (1, "text_delta"),
        (1, "stop"),
        (2, "thinking"),
        (2, "thinking_delta"),
        (2, "signature_delta"),
        (2, "stop"),
        (3, "text"),
        (3, "text_delta"),
        (3, "stop"),
    ];
    assert_eq!(told.collect::<Vec<_>>(), expected);

    // Who has not asked for them is told none, nor is the first block another one.
    for more in [
        json!({}),
        json!({ "thinking": { "type": "disabled" } }),
        json!({ "thinking": { "type": "adaptive", "display": "omitted" } }),
    ] {
        let reply = post(server.address, PATH, &[], &ask("hi", more)).await.with_status(200);
        assert_eq!(reply.json()["content"], json!([{ "type": "text", "text": "42" }]));
        assert_eq!(reply.header("x-lenore-ignored"), None);
    }
    // They come back with the conversation, and are nothing to the bot.
    let content = json!([{ "type": "thinking", "thinking": "Let me see.", "signature": "" },
        { "type": "text", "text": "42" }]);
    let mut body = ask("hi", json!({}));
    let messages = body["messages"].as_array_mut().expect("a list");
    messages.push(json!({ "role": "assistant", "content": content }));
    messages.push(json!({ "role": "user", "content": "Why?" }));
    post(server.address, PATH, &[], &body).await.with_status(200);
    let asked = server.fake.asked();
    assert_eq!(asked.last().expect("one").request.messages[1].content, "42");
    server.end().await;
}

#[tokio::test]
async fn what_the_service_did_is_reported_and_the_rest_is_told() {
    let asked = ask(
        "Hello",
        json!({ "output_config": { "effort": "low" }, "tools": [
        { "type": "mcp_toolset", "mcp_server_name": "x" },
    ] }),
    );
    let mut asked = asked;
    asked["messages"] = json!([
        { "role": "user", "content": "Hello" },
        { "role": "assistant", "content": [
            { "type": "server_tool_use", "id": "s", "name": "web_search", "input": {} },
            { "type": "web_search_tool_result", "tool_use_id": "s", "content": [] },
            { "type": "text", "text": "I look." },
            { "type": "tool_use", "id": "toolu_1", "name": "disk", "input": {} },
        ] },
        { "role": "user", "content": [
            { "type": "tool_result", "tool_use_id": "toolu_1", "is_error": true, "content": "full" },
            { "type": "search_result", "source": "https://x.example", "title": "X",
              "content": [{ "type": "text", "text": "Ravens." }] },
            { "type": "document", "context": "c", "title": "d", "source": {
                "type": "content", "content": [{ "type": "text", "text": "one" }] } },
        ] },
    ]);
    let ignored = "messages[1].content[0],messages[1].content[1],messages[2].content[2].context,\
        tools[0],output_config.effort";
    let server = Server::scripted().await;
    let reply = post(server.address, PATH, &[], &asked).await.with_status(200);
    assert_eq!(reply.header("x-lenore-ignored"), Some(ignored));
    let told = server.fake.only();
    let [.., said, results] = &*told.request.messages else { panic!("{told:#?}") };
    assert!(said.content.starts_with("I look.\n<tool_call>"), "{}", said.content);
    let expected = "<tool_result id=\"toolu_1\" error=\"true\">\nfull\n</tool_result>\n\
        X (https://x.example)\nRavens.";
    assert_eq!(results.content, expected);
    assert_eq!(told.files[0].1, b"one");
    server.end().await;
    let server = Server::with(Fake::new(script), |builder| builder.strict(true)).await;
    post(server.address, PATH, &[], &asked).await.with_status(400);
    server.end().await;
}

#[tokio::test]
async fn failures_have_anthropics_shape() {
    let server = Server::scripted().await;
    for (kind, status, name) in [
        ("not_signed_in", 401, "authentication_error"),
        ("no_access", 403, "permission_error"),
        ("unsupported_model", 404, "not_found_error"),
        ("quota", 429, "rate_limit_error"),
        ("bot", 502, "api_error"),
        ("timeout", 504, "timeout_error"),
    ] {
        let body = ask(format!("[fail {kind}]"), json!({}));
        let reply = post(server.address, PATH, &[], &body).await.with_status(status);
        let error = reply.json();
        assert_eq!((&error["type"], &error["error"]["type"]), (&json!("error"), &json!(name)));
        assert_eq!(error["request_id"].as_str(), reply.header("request-id"));
    }
    let reply = post(server.address, PATH, &[], &ask("[break]", json!({ "stream": true }))).await;
    let events = events(&reply.body);
    assert_eq!(events.last().map(|event| &event["error"]["type"]), Some(&json!("api_error")));
    let name = events.last().and_then(|event| event["request_id"].as_str());
    assert_eq!(name, reply.header("request-id"));
    let mut without = ask("hi", json!({}));
    without.as_object_mut().expect("an object").remove("max_tokens");
    let error = post(server.address, PATH, &[], &without).await.with_status(400).json();
    assert_eq!(error["error"]["type"], "invalid_request_error");
    server.end().await;
}

#[tokio::test]
async fn the_longest_answer_is_cut() {
    let server = Server::start([started(), delta("one two three"), Step::Hang]).await;
    let body = ask("hi", json!({ "max_tokens": 1 }));
    let message = post(server.address, PATH, &[], &body).await.json();
    assert_eq!(message["content"][0]["text"], "one ");
    assert_eq!(message["stop_reason"], "max_tokens");
    server.end().await;
}

#[tokio::test]
async fn tokens_are_counted_without_asking() {
    let server = Server::scripted().await;
    let body =
        json!({ "model": "raven", "messages": [{ "role": "user", "content": "four words" }] });
    let path = "/v1/messages/count_tokens";
    let count = post(server.address, path, &[], &body).await.with_status(200).json();
    assert_eq!(count, json!({ "input_tokens": 3, "estimated": true }));
    assert_eq!(server.fake.asked().len(), 0);
    server.end().await;
}

#[tokio::test]
async fn the_list_of_models_has_anthropics_shape_for_its_clients() {
    let server = Server::scripted().await;
    let headers = [("anthropic-version", "2023-06-01")];
    let list = get(server.address, "/v1/models", &headers).await.with_status(200).json();
    assert_eq!((&list["first_id"], &list["has_more"]), (&json!("raven"), &json!(false)));
    assert_eq!(list["data"][0]["type"], "model");
    let one = get(server.address, "/v1/models/family/crow", &headers).await.json();
    assert_eq!(one["id"], "family/crow");
    assert_eq!(one["lifecycle"], "active");
    server.end().await;
}
