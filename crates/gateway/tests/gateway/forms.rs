//! Tools and formats: told to the bot, read back and checked.

use crate::support::{Fake, Server, delta, finished, frames, post, script, started};
use lenore_provider::{ChatRequest, Role};
use serde_json::{Value, json};

pub(crate) const PATH: &str = "/v1/chat/completions";

pub(crate) fn tools() -> Value {
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

pub(crate) fn ask(words: &str, more: Value) -> Value {
    let mut body = json!({ "model": "raven", "messages": [{ "role": "user", "content": words }] });
    for (name, value) in more.as_object().expect("an object") {
        body[name] = value.clone();
    }
    body
}

/// A bot that says one thing first, and another when it is asked to mend it.
pub(crate) fn mending(first: &'static str, second: &'static str) -> Fake {
    Fake::new(move |request: &ChatRequest| {
        let text = if request.chat.is_some() { second } else { first };
        vec![started(), delta(text), finished()]
    })
}

pub(crate) const BAD: &str =
    "I look.\n<tool_call>{\"name\":\"weather\",\"arguments\":{\"city\":7}}</tool_call>";
pub(crate) const GOOD: &str =
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
async fn of_the_tools_only_those_that_are_allowed_are_told() {
    let server = Server::over(mending("No.", GOOD)).await;
    let function = |name: &str| json!({ "name": name, "parameters": { "type": "object" } });
    let named = |name: &str| json!({ "type": "function", "function": { "name": name } });
    let chat = json!({
        "tools": [tools()[0], { "type": "function", "function": function("time") }],
        "tool_choice": { "type": "allowed_tools", "allowed_tools": {
            "mode": "required", "tools": [named("weather")] } },
    });
    let whole = post(server.address, PATH, &[], &ask("hi", chat)).await.with_status(200).json();
    assert_eq!(whole["choices"][0]["finish_reason"], "tool_calls");
    let flat = |name: &str| {
        let mut tool = function(name);
        tool["type"] = "function".into();
        tool
    };
    let responses = json!({
        "input": "hi",
        "tools": [flat("weather"), flat("time")],
        "tool_choice": { "type": "allowed_tools", "mode": "auto",
            "tools": [{ "type": "function", "name": "time" }] },
    });
    post(server.address, "/v1/responses", &[], &responses).await.with_status(200);
    let asked = server.fake.asked();
    let told = |at: usize, name: &str| asked[at].request.messages[0].content.contains(name);
    assert!(told(0, "\"weather\"") && !told(0, "\"time\""));
    let last = asked.len() - 1;
    assert!(told(last, "\"time\"") && !told(last, "\"weather\""));
    server.end().await;
}

#[tokio::test]
async fn a_schema_that_others_understand_asks_all_the_same() {
    let call = "<tool_call>{\"name\":\"mail\",\"arguments\":{\"to\":\"a@b.example\"}}</tool_call>";
    let server = Server::over(Fake::new(move |_| vec![started(), delta(call), finished()])).await;
    let mail = |to: Value| {
        json!({ "name": "mail", "parameters": {
        "type": "object", "properties": { "to": to },
    } })
    };
    let tool = |to: Value| json!({ "type": "function", "function": mail(to) });
    for to in [
        json!({ "type": "string", "pattern": r"^(?!\.)(?!.*\.\.)[a-z.]+@[a-z.]+$" }),
        json!({ "type": "string", "required": true }),
        json!({ "type": "string", "pattern": "(?P<oops" }),
    ] {
        let body = ask("hi", json!({ "tools": [tool(to)] }));
        let whole = post(server.address, PATH, &[], &body).await.with_status(200).json();
        assert_eq!(whole["choices"][0]["finish_reason"], "tool_calls", "{whole}");
    }
    // One that is none is told by its number and place, in every dialect.
    let (good, bad) = (json!({ "type": "string" }), json!({ "type": "nonsense" }));
    let flat = |to: Value| {
        let mut tool = mail(to);
        tool["type"] = "function".into();
        tool
    };
    let schema = |to: Value| json!({ "name": "mail", "input_schema": mail(to)["parameters"] });
    let messages = json!([{ "role": "user", "content": "hi" }]);
    for (path, body) in [
        (PATH, json!({ "messages": messages, "tools": [tool(good.clone()), tool(bad.clone())] })),
        (
            "/v1/responses",
            json!({ "input": "hi", "tools": [flat(good.clone()), flat(bad.clone())] }),
        ),
        (
            "/v1/messages",
            json!({ "messages": messages, "max_tokens": 9,
            "tools": [schema(good), schema(bad)] }),
        ),
    ] {
        let error = post(server.address, path, &[], &body).await.with_status(400).json();
        let words = error["error"]["message"].as_str().expect("a message");
        assert!(
            words.starts_with("tools[1]: ") && words.contains("/properties/to/type"),
            "{words}"
        );
        assert!(path == "/v1/messages" || error["error"]["param"] == "tools[1]", "{error}");
    }
    server.end().await;
}

#[tokio::test]
async fn a_format_is_told_checked_and_mended() {
    let schema = json!({ "type": "json_schema", "json_schema": { "name": "bird",
        "description": "A bird, and no plane.", "schema": {
        "type": "object", "properties": { "wings": { "type": "integer" } }, "required": ["wings"],
    }}});
    let server = Server::scripted().await;
    for stream in [false, true] {
        let body = ask("[json]", json!({ "response_format": schema, "stream": stream }));
        let reply = post(server.address, PATH, &[], &body).await.with_status(200);
        assert!(!reply.body.contains("```"), "{}", reply.body);
        assert!(reply.body.contains("\\\"wings\\\": 2"), "{}", reply.body);
    }
    let told = server.fake.asked()[0].request.messages[0].content.clone();
    assert!(told.contains("A bird, and no plane."), "{told}");
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
async fn a_call_that_is_quoted_is_text() {
    let quoted: &'static str = Box::leak(format!("The file:\n```\n{GOOD}\n```").into_boxed_str());
    let server = Server::start([started(), delta(quoted), finished()]).await;
    for stream in [false, true] {
        let body = ask("what is in it?", json!({ "tools": tools(), "stream": stream }));
        let reply = post(server.address, PATH, &[], &body).await.with_status(200);
        assert!(!reply.body.contains("tool_calls"), "{}", reply.body);
        assert!(!stream || streamed(&reply.body).0 == quoted, "{}", reply.body);
    }
    assert_eq!(server.fake.asked().len(), 2, "and nothing is to mend");
    server.end().await;
}

#[tokio::test]
async fn results_are_told_by_what_the_bot_knows_of_their_calls() {
    let twice: &'static str = Box::leak(GOOD.repeat(2).into_boxed_str());
    let server = Server::start([started(), delta(twice), finished()]).await;
    let mut body = ask("weather?", json!({ "tools": tools() }));
    let whole = post(server.address, PATH, &[], &body).await.with_status(200).json();
    let said = &whole["choices"][0]["message"];
    let messages = body["messages"].as_array_mut().expect("a list");
    messages.push(said.clone());
    for (index, text) in [(1, "rain"), (0, "wind")] {
        let id = &said["tool_calls"][index]["id"];
        messages.push(json!({ "role": "tool", "tool_call_id": id, "content": text }));
    }
    post(server.address, PATH, &[], &body).await.with_status(200);
    let asked = server.fake.asked();
    let told = &asked[1].request.messages.last().expect("results").content;
    let expected = "<tool_result call=\"2\">\nrain\n</tool_result>\n\
        <tool_result call=\"1\">\nwind\n</tool_result>";
    assert_eq!(told, expected);
    server.end().await;
}

#[tokio::test]
async fn tools_of_other_kinds_are_reported_or_refused_in_every_dialect() {
    let lenient = Server::scripted().await;
    let strict = Server::with(Fake::new(script), |builder| builder.strict(true)).await;
    let tools = json!([{ "type": "web_search_20250305", "name": "web_search" }]);
    let messages = json!([{ "role": "user", "content": "hi" }]);
    for (path, body) in [
        (PATH, json!({ "messages": messages, "tools": tools })),
        ("/v1/responses", json!({ "input": messages, "tools": tools })),
        ("/v1/messages", json!({ "messages": messages, "tools": tools, "max_tokens": 99 })),
    ] {
        let reply = post(lenient.address, path, &[], &body).await.with_status(200);
        assert_eq!(reply.header("x-lenore-ignored"), Some("tools[0]"), "{path}");
        post(strict.address, path, &[], &body).await.with_status(400);
    }
    let items =
        json!([{ "role": "user", "content": "hi" }, { "type": "web_search_call", "id": "w" }]);
    let body = json!({ "input": items });
    let reply = post(lenient.address, "/v1/responses", &[], &body).await.with_status(200);
    assert_eq!(reply.header("x-lenore-ignored"), Some("input[1]"));
    post(strict.address, "/v1/responses", &[], &body).await.with_status(400);
    lenient.end().await;
    strict.end().await;
}

#[tokio::test]
async fn tools_and_formats_that_are_none_are_refused() {
    let server = Server::over(Fake::new(script)).await;
    let tool = |name: &str, parameters: Value| json!([{ "type": "function", "function": { "name": name, "parameters": parameters } }]);
    for more in [
        json!({ "tools": [{ "type": "function" }] }),
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

/// The text of a stream, and its notes.
pub(crate) fn streamed(body: &str) -> (String, Value) {
    let frames = frames(body);
    let chunks = frames.iter().filter_map(|(_, data)| serde_json::from_str::<Value>(data).ok());
    let (mut text, mut notes) = (String::new(), Value::Null);
    for chunk in chunks {
        text.push_str(chunk["choices"][0]["delta"]["content"].as_str().unwrap_or_default());
        notes = chunk["lenore"].clone();
    }
    (text, notes)
}
