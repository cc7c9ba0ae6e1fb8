//! Tools and formats: told to the bot, read back, checked, and mended once.

use crate::support::{Fake, Server, Step, delta, finished, frames, post, script, started};
use lenore_provider::{ChatRequest, Role};
use serde_json::{Value, json};

const PATH: &str = "/v1/chat/completions";

fn tools() -> Value {
    json!([{ "type": "function", "function": {
        "name": "weather",
        "description": "Tells the weather.",
        "parameters": {
            "type": "object",
            "properties": { "city": { "type": "string" } },
            "required": ["city"],
        },
    }}])
}

fn ask(words: &str, more: Value) -> Value {
    let mut body = json!({ "model": "raven", "messages": [{ "role": "user", "content": words }] });
    for (name, value) in more.as_object().expect("an object") {
        body[name] = value.clone();
    }
    body
}

/// A bot that says one thing first, and another when it is asked to mend it.
fn mending(first: &'static str, second: &'static str) -> Fake {
    Fake::new(move |request: &ChatRequest| {
        let text = if request.chat.is_some() { second } else { first };
        vec![started(), delta(text), finished()]
    })
}

const BAD: &str =
    "I look.\n<tool_call>{\"name\":\"weather\",\"arguments\":{\"city\":7}}</tool_call>";
const GOOD: &str =
    "<tool_call>{\"name\":\"weather\",\"arguments\":{\"city\":\"Bonn\"}}</tool_call>";

#[tokio::test]
async fn a_call_is_read_and_its_result_is_told() {
    let server = Server::scripted().await;
    let body = ask("[call]", json!({ "tools": tools() }));
    let whole = post(server.address, PATH, &[], &body).await.with_status(200).json();
    let choice = &whole["choices"][0];
    assert_eq!(choice["finish_reason"], "tool_calls");
    assert_eq!(choice["message"]["content"], "I look.");
    let call = &choice["message"]["tool_calls"][0];
    assert_eq!(call["function"], json!({ "name": "weather", "arguments": "{\"city\": \"Köln\"}" }));
    let told = &server.fake.only().request.messages;
    assert_eq!(told[0].role, Role::System);
    assert!(told[0].content.contains("Tells the weather.") && told[0].content.contains("city"));

    let mut body = body;
    let messages = body["messages"].as_array_mut().expect("a list");
    messages.push(choice["message"].clone());
    for text in ["rain", "wind"] {
        messages.push(json!({ "role": "tool", "tool_call_id": call["id"], "content": text }));
    }
    let whole = post(server.address, PATH, &[], &body).await.with_status(200).json();
    assert_eq!(whole["choices"][0]["message"]["content"], "It is raining.");
    let messages = &server.fake.asked()[1].request.messages;
    let [.., said, results] = &**messages else { panic!("{messages:#?}") };
    assert_eq!(said.role, Role::Assistant);
    assert!(said.content.starts_with("I look.\n<tool_call>"), "{}", said.content);
    assert_eq!(results.role, Role::Tool);
    assert!(results.content.contains("rain") && results.content.contains("wind"));
    server.end().await;
}

#[tokio::test]
async fn a_streamed_call_comes_in_pieces_and_its_tag_never() {
    let server = Server::scripted().await;
    let body = ask("[call]", json!({ "tools": tools(), "stream": true }));
    let reply = post(server.address, PATH, &[], &body).await.with_status(200);
    assert!(!reply.body.contains("<tool"), "{}", reply.body);
    let chunks: Vec<Value> = frames(&reply.body)
        .into_iter()
        .filter(|(_, data)| data != "[DONE]")
        .map(|(_, data)| serde_json::from_str(&data).expect("JSON"))
        .collect();
    let deltas: Vec<_> = chunks.iter().map(|chunk| &chunk["choices"][0]["delta"]).collect();
    let text: String = deltas.iter().filter_map(|delta| delta["content"].as_str()).collect();
    assert_eq!(text, "I look.");
    let calls: Vec<_> = deltas.iter().map(|delta| &delta["tool_calls"][0]).collect();
    let named = calls.iter().find(|call| call["id"].is_string()).expect("a call");
    assert_eq!(named["function"]["name"], "weather");
    let arguments: String =
        calls.iter().filter_map(|call| call["function"]["arguments"].as_str()).collect();
    assert_eq!(arguments, "{\"city\": \"Köln\"}");
    let finish = &chunks.last().expect("a chunk")["choices"][0]["finish_reason"];
    assert_eq!(finish, "tool_calls");
    server.end().await;
}

#[tokio::test]
async fn a_call_that_does_not_fit_is_mended_once_in_the_same_chat() {
    let server = Server::over(mending(BAD, GOOD)).await;
    for stream in [false, true] {
        let body = ask("weather?", json!({ "tools": tools(), "stream": stream }));
        let reply = post(server.address, PATH, &[], &body).await.with_status(200);
        assert!(reply.body.contains("Bonn") && !reply.body.contains("<tool"), "{}", reply.body);
        assert_eq!(reply.body.contains("I look."), stream, "what is out stays");
        let asked = server.fake.asked();
        let [.., second] = &*asked else { panic!("two questions") };
        assert_eq!(second.request.chat.as_deref(), Some("c0de"));
        assert!(second.request.messages[0].content.contains("/city"));
    }
    assert_eq!(server.fake.asked().len(), 4);
    server.end().await;
    let server = Server::over(mending(BAD, BAD)).await;
    let body = ask("weather?", json!({ "tools": tools() }));
    let error = post(server.address, PATH, &[], &body).await.with_status(502);
    assert_eq!(error.header("x-lenore-error"), Some("bot"));
    assert_eq!(server.fake.asked().len(), 2, "it is asked again once");
    server.end().await;
}

#[tokio::test]
async fn a_choice_of_tools_is_kept() {
    let server = Server::over(mending("No.", GOOD)).await;
    for choice in
        [json!("required"), json!({ "type": "function", "function": { "name": "weather" } })]
    {
        let body = ask("hi", json!({ "tools": tools(), "tool_choice": choice }));
        let whole = post(server.address, PATH, &[], &body).await.with_status(200).json();
        assert_eq!(whole["choices"][0]["finish_reason"], "tool_calls");
        assert_eq!(whole["choices"][0]["message"]["content"], Value::Null);
    }
    let body = ask("hi", json!({ "tools": tools(), "tool_choice": "none" }));
    let whole = post(server.address, PATH, &[], &body).await.with_status(200).json();
    assert_eq!(whole["choices"][0]["message"]["content"], "No.");
    let told = server.fake.asked();
    assert_eq!(told.last().map(|asked| asked.request.messages.len()), Some(1), "none is told");
    server.end().await;
}

#[tokio::test]
async fn a_format_is_told_checked_and_mended() {
    let schema = json!({ "type": "json_schema", "json_schema": { "name": "bird", "schema": {
        "type": "object", "properties": { "wings": { "type": "integer" } }, "required": ["wings"],
    }}});
    let server = Server::scripted().await;
    for stream in [false, true] {
        let body = ask("[json]", json!({ "response_format": schema, "stream": stream }));
        let reply = post(server.address, PATH, &[], &body).await.with_status(200);
        assert!(!reply.body.contains("```"), "{}", reply.body);
        assert!(reply.body.contains("\\\"wings\\\": 2"), "{}", reply.body);
    }
    server.end().await;
    let server = Server::over(mending("{\"wings\": \"two\"}", "{\"wings\": 2}")).await;
    let body = ask("hi", json!({ "response_format": schema }));
    let whole = post(server.address, PATH, &[], &body).await.with_status(200).json();
    assert_eq!(whole["choices"][0]["message"]["content"], "{\"wings\": 2}");
    server.end().await;
    let server = Server::over(mending("no", "still no")).await;
    let body = ask("hi", json!({ "response_format": { "type": "json_object" } }));
    let error = post(server.address, PATH, &[], &body).await.with_status(502).json();
    assert!(!error["error"]["message"].as_str().is_some_and(|words| words.contains("still no")));
    server.end().await;
}

#[tokio::test]
async fn what_is_cut_is_not_mended() {
    let server = Server::start([started(), delta("I look. <tool_call>{\"na"), Step::Hang]).await;
    let body = ask("hi", json!({ "tools": tools(), "max_tokens": 5 }));
    let choice =
        &post(server.address, PATH, &[], &body).await.with_status(200).json()["choices"][0];
    assert_eq!(choice["finish_reason"], "length");
    assert_eq!(choice["message"]["content"], "I look.");
    assert_eq!(server.fake.asked().len(), 1);
    server.end().await;
}

#[tokio::test]
async fn tools_and_formats_that_are_none_are_refused() {
    let server = Server::over(Fake::new(script)).await;
    let tool = |name: &str, parameters: Value| json!([{ "type": "function", "function": { "name": name, "parameters": parameters } }]);
    for more in [
        json!({ "tools": [{ "type": "web_search" }] }),
        json!({ "tools": tool("a b", json!({})) }),
        json!({ "tools": tool("x", json!({ "type": "nonsense" })) }),
        json!({ "tools": tool("x", json!({ "$ref": "http://127.0.0.1:1/x" })) }),
        json!({ "tools": tools(), "tool_choice": "sometimes" }),
        json!({ "tools": tools(), "tool_choice": { "function": { "name": "other" } } }),
        json!({ "tool_choice": "required" }),
        json!({ "response_format": { "type": "xml" } }),
        json!({ "response_format": { "type": "json_schema" } }),
    ] {
        let reply = post(server.address, PATH, &[], &ask("hi", more.clone())).await;
        assert_eq!(
            reply.with_status(400).json()["error"]["type"],
            "invalid_request_error",
            "{more}"
        );
    }
    assert_eq!(server.fake.asked().len(), 0);
    server.end().await;
}
