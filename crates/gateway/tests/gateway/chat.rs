//! Chat completions and their legacy form: what goes to the provider, what comes back.

use crate::support::{Fake, Reply, Server, Step, delta, finished, frames, post, script, started};
use lenore_provider::{ErrorKind, Event, FinishReason, Role};
use serde_json::{Value, json};

const PATH: &str = "/v1/chat/completions";

fn hello() -> Value {
    json!({ "model": "raven", "messages": [{ "role": "user", "content": "Hello" }] })
}

fn with(mut body: Value, more: Value) -> Value {
    let (Value::Object(fields), Value::Object(more)) = (&mut body, more) else { panic!("objects") };
    fields.extend(more);
    body
}

/// The chunks of a stream that ends well.
fn chunks(reply: &Reply) -> Vec<Value> {
    let mut frames = frames(&reply.body);
    assert_eq!(frames.pop(), Some((None, "[DONE]".to_owned())), "{}", reply.body);
    frames.into_iter().map(|(_, data)| serde_json::from_str(&data).expect("JSON")).collect()
}

/// The text of one of its answers.
fn text(chunks: &[Value], index: u64) -> String {
    let choices = chunks.iter().flat_map(|chunk| chunk["choices"].as_array().expect("a list"));
    let own = choices.filter(|choice| choice["index"] == index);
    own.filter_map(|choice| choice["delta"]["content"].as_str()).collect()
}

fn last_choice(chunks: &[Value]) -> &Value {
    chunks.last().expect("a chunk")
}

#[tokio::test]
async fn an_answer_in_one_piece_is_exact() {
    let rewrite = Step::Say(Event::Replace { keep: 2, text: "n “air” 🐦".into() });
    let status = Step::Say(Event::Status("Thinking…".into()));
    let server = Server::start([started(), status, delta("Onze"), rewrite, finished()]).await;
    let reply = post(server.address, PATH, &[], &hello()).await.with_status(200);
    assert_eq!(reply.header("x-lenore-chat"), Some("c0de"));
    assert!(reply.header("x-request-id").is_some_and(|id| id.starts_with("req_")));
    let body = reply.json();
    assert_eq!(body["object"], "chat.completion");
    assert!(body["id"].as_str().is_some_and(|id| id.starts_with("chatcmpl-")));
    assert_eq!(body["choices"][0]["message"]["content"], "Onn “air” 🐦");
    assert_eq!(body["choices"][0]["message"]["role"], "assistant");
    assert_eq!(body["choices"][0]["finish_reason"], "stop");
    assert_eq!(body["usage"]["estimated"], true);
    assert_eq!(body["lenore"]["rewritten"], false);
    assert_eq!(body["lenore"]["chat"], "c0de");
    let request = server.fake.only().request;
    assert_eq!((request.model.as_str(), request.messages.len()), ("raven", 1));
    assert!(request.resume && request.chat.is_none());
    server.end().await;
}

#[tokio::test]
async fn a_stream_begins_with_the_role_and_ends_with_the_reason_and_the_usage() {
    let server = Server::scripted().await;
    let asked = json!({ "stream": true, "stream_options": { "include_usage": true } });
    let reply = post(server.address, PATH, &[], &with(hello(), asked)).await.with_status(200);
    assert!(reply.header("content-type").is_some_and(|t| t.starts_with("text/event-stream")));
    assert!(reply.body.contains(": Thinking…\n\n"), "a notice is a comment");
    let chunks = chunks(&reply);
    let first = &chunks[0]["choices"][0];
    assert_eq!(first["delta"], json!({ "role": "assistant", "content": "" }));
    assert_eq!(text(&chunks, 0), "Once upon a midnight dreary 🐦‍⬛, “while” I pondered.");
    let [.., end, usage] = &*chunks else { panic!("{chunks:#?}") };
    assert_eq!(end["choices"][0]["finish_reason"], "stop");
    assert_eq!(end["choices"][0]["delta"], json!({}));
    assert_eq!(end["lenore"]["chat"], "c0de");
    assert_eq!(usage["choices"], json!([]));
    assert!(usage["usage"]["completion_tokens"].as_u64().is_some_and(|tokens| tokens > 5));
    assert_eq!(usage["lenore"], end["lenore"]);
    assert!(chunks[..chunks.len() - 1].iter().all(|chunk| chunk["usage"].is_null()));
    let ids: Vec<_> = chunks.iter().map(|chunk| &chunk["id"]).collect();
    assert!(ids.windows(2).all(|ids| ids[0] == ids[1]));
    server.end().await;
}

#[tokio::test]
async fn a_rewrite_of_what_is_out_comes_anew_and_is_flagged() {
    let rewrite = |keep, text: &str| Step::Say(Event::Replace { keep, text: text.into() });
    let steps = [started(), delta("Searching"), rewrite(0, "Fou"), rewrite(3, "nd"), finished()];
    let server = Server::start(steps).await;
    let body = with(hello(), json!({ "stream": true }));
    let reply = post(server.address, PATH, &[], &body).await;
    let streamed = chunks(&reply);
    assert_eq!(text(&streamed, 0), "Searching\n\nFound");
    let notes = &last_choice(&streamed)["lenore"];
    assert_eq!((&notes["rewritten"], &notes["exact_from"]), (&json!(true), &json!(11)));
    // So it is on the last chunk of all, whichever that is.
    let more = json!({ "stream_options": { "include_usage": true } });
    let reply = post(server.address, PATH, &[], &with(body.clone(), more.clone())).await;
    let usage = chunks(&reply).pop().expect("a chunk");
    assert!(usage["usage"].is_object(), "{usage}");
    assert_eq!(&usage["lenore"], notes);
    let several = with(with(body.clone(), more), json!({ "n": 2 }));
    let usage = chunks(&post(server.address, PATH, &[], &several).await).pop().expect("a chunk");
    assert_eq!(usage["lenore"], json!({ "rewritten": true }));
    // Held back, it is exact.
    let reply = post(server.address, PATH, &[("x-lenore-rewrites", "hold")], &body).await;
    let streamed = chunks(&reply);
    assert_eq!(text(&streamed, 0), "Found");
    assert_eq!(last_choice(&streamed)["lenore"]["rewritten"], false);
    server.end().await;
}

#[tokio::test]
async fn a_rewrite_that_only_appends_is_none() {
    let rewrite = Step::Say(Event::Replace { keep: 3, text: "d".into() });
    let server = Server::start([started(), delta("abc"), rewrite, finished()]).await;
    let reply = post(server.address, PATH, &[], &with(hello(), json!({ "stream": true }))).await;
    let streamed = chunks(&reply);
    assert_eq!(text(&streamed, 0), "abcd");
    assert_eq!(last_choice(&streamed)["lenore"]["rewritten"], false);
    server.end().await;
}

#[tokio::test]
async fn a_stop_sequence_and_the_longest_answer_cut_and_stop() {
    let steps = [started(), delta("one two th"), delta("ree four"), Step::Hang];
    let server = Server::start(steps).await;
    for stream in [false, true] {
        for (asked, expected, reason) in [
            (json!({ "stop": "three" }), "one two ", "stop"),
            (json!({ "stop": ["xx", "wo t"] }), "one t", "stop"),
            (json!({ "max_tokens": 2 }), "one two ", "length"),
            (json!({ "max_completion_tokens": 1, "stop": "four" }), "one ", "length"),
        ] {
            let body = with(with(hello(), asked), json!({ "stream": stream }));
            let reply = post(server.address, PATH, &[], &body).await.with_status(200);
            let (text, finish) = if stream {
                let chunks = chunks(&reply);
                (text(&chunks, 0), last_choice(&chunks)["choices"][0]["finish_reason"].clone())
            } else {
                let choice = &reply.json()["choices"][0];
                let text = choice["message"]["content"].as_str().expect("a text").to_owned();
                (text, choice["finish_reason"].clone())
            };
            assert_eq!((text.as_str(), finish), (expected, json!(reason)));
            server.fake.until_running(0).await;
        }
    }
    server.end().await;
}

#[tokio::test]
async fn several_answers_are_several_questions() {
    let server = Server::scripted().await;
    let body = with(hello(), json!({ "n": 3, "stream": true }));
    let streamed = chunks(&post(server.address, PATH, &[], &body).await);
    for index in 0..3 {
        assert!(text(&streamed, index).ends_with("pondered."));
    }
    let asked = server.fake.asked();
    assert_eq!(asked.len(), 3);
    assert!(asked.iter().all(|asked| !asked.request.resume), "each in a chat of its own");
    post(server.address, PATH, &[("x-lenore-chat", "abc")], &body).await.with_status(400);
    let body = with(hello(), json!({ "n": 2 }));
    let whole = post(server.address, PATH, &[], &body).await.json();
    assert_eq!(whole["choices"].as_array().map(Vec::len), Some(2));
    assert_eq!(whole["choices"][1]["index"], 1);
    assert_eq!(whole["choices"][1]["lenore"]["chat"], "c0de");
    server.end().await;
}

#[tokio::test]
async fn what_cannot_be_honoured_is_reported_or_refused() {
    let asked = json!({ "temperature": 0.2, "seed": 7, "user": "me", "logprobs": null });
    let server = Server::scripted().await;
    let reply = post(server.address, PATH, &[], &with(hello(), asked.clone())).await;
    assert_eq!(reply.with_status(200).header("x-lenore-ignored"), Some("seed,temperature"));
    server.end().await;
    let server = Server::with(Fake::new(script), |builder| builder.strict(true)).await;
    let error = post(server.address, PATH, &[], &with(hello(), asked)).await.with_status(400);
    assert_eq!(error.json()["error"]["code"], "unsupported_parameter");
    assert_eq!(error.json()["error"]["param"], "seed");
    assert_eq!(server.fake.asked().len(), 0);
    post(server.address, PATH, &[], &hello()).await.with_status(200);
    server.end().await;
}

#[tokio::test]
async fn what_is_not_honoured_inside_a_field_is_reported_too() {
    let image = json!({ "url": "data:image/png;base64,iVBORw==", "detail": "high" });
    let content = json!([{ "type": "text", "text": "Hello" },
        { "type": "image_url", "image_url": image }]);
    let asked = json!({ "messages": [
        { "role": "user", "name": "Alice", "content": "Hi" },
        { "role": "tool", "name": "weather", "tool_call_id": "call_1", "content": "rain" },
        { "role": "user", "content": content },
    ] });
    let server = Server::scripted().await;
    let reply = post(server.address, PATH, &[], &asked).await.with_status(200);
    let expected = "messages[0].name,messages[2].content[1].image_url.detail";
    assert_eq!(reply.header("x-lenore-ignored"), Some(expected));
    server.end().await;
    let server = Server::with(Fake::new(script), |builder| builder.strict(true)).await;
    let error = post(server.address, PATH, &[], &asked).await.with_status(400).json();
    assert_eq!(error["error"]["param"], "messages[0].name");
    server.end().await;
}

#[tokio::test]
async fn thoughts_come_beside_the_answer() {
    let thought = |text: &str| Step::Say(Event::Thought(text.into()));
    let steps =
        [started(), thought("Let me"), thought(" see."), delta("42"), thought("!"), finished()];
    let server = Server::start(steps).await;
    let whole = post(server.address, PATH, &[], &hello()).await.with_status(200).json();
    let message = &whole["choices"][0]["message"];
    assert_eq!(
        (&message["content"], &message["reasoning_content"]),
        (&json!("42"), &json!("Let me see.!"))
    );
    let details = &whole["usage"]["completion_tokens_details"];
    assert_eq!(
        (&details["reasoning_tokens"], &whole["usage"]["completion_tokens"]),
        (&json!(3), &json!(4))
    );
    let asked =
        json!({ "stream": true, "stop": "see", "stream_options": { "include_usage": true } });
    let streamed = chunks(&post(server.address, PATH, &[], &with(hello(), asked)).await);
    assert_eq!(text(&streamed, 0), "42");
    let deltas = streamed.iter().map(|chunk| &chunk["choices"][0]["delta"]);
    let thoughts: String = deltas.filter_map(|delta| delta["reasoning_content"].as_str()).collect();
    assert_eq!(thoughts, "Let me see.!");
    server.end().await;
}

#[tokio::test]
async fn calls_of_older_and_other_forms_are_told() {
    let server = Server::scripted().await;
    let call = json!({ "name": "weather", "arguments": "{}" });
    let custom = json!({ "id": "call_1", "type": "custom",
        "custom": { "name": "shell", "input": "ls \"x\"" } });
    let body = json!({ "messages": [
        { "role": "user", "content": "Hello" },
        { "role": "assistant", "content": null, "function_call": call },
        { "role": "function", "name": "weather", "content": "rain" },
        { "role": "assistant", "content": "So.", "tool_calls": [custom] },
        { "role": "tool", "tool_call_id": "call_1", "content": "x" },
    ] });
    post(server.address, PATH, &[], &body).await.with_status(200);
    let messages = server.fake.only().request.messages;
    assert!(messages[1].content.contains("\"weather\""), "{}", messages[1].content);
    assert_eq!(messages[2].role, Role::Tool);
    let expected = "<tool_result id=\"weather\">\nrain\n</tool_result>";
    assert_eq!(messages[2].content, expected);
    let said = &messages[3].content;
    assert!(said.starts_with("So.\n<tool_call>") && said.contains(r#""ls \"x\"""#), "{said}");
    server.end().await;
}

#[tokio::test]
async fn every_failure_has_its_status() {
    let server = Server::scripted().await;
    for (kind, status, r#type) in [
        ("invalid_request", 400, "invalid_request_error"),
        ("unsupported_model", 404, "invalid_request_error"),
        ("not_signed_in", 401, "authentication_error"),
        ("challenge", 403, "permission_error"),
        ("quota", 429, "insufficient_quota"),
        ("rate_limited", 429, "rate_limit_error"),
        ("no_access", 403, "permission_error"),
        ("too_long", 400, "invalid_request_error"),
        ("attachment", 400, "invalid_request_error"),
        ("bot", 502, "server_error"),
        ("site_changed", 502, "server_error"),
        ("answer_lost", 502, "server_error"),
        ("timeout", 504, "server_error"),
        ("network", 502, "server_error"),
        ("browser", 503, "server_error"),
        ("profile_in_use", 503, "server_error"),
        ("cancelled", 499, "invalid_request_error"),
    ] {
        for stream in [false, true] {
            let messages = json!([{ "role": "user", "content": format!("[fail {kind}]") }]);
            let body = json!({ "model": "raven", "messages": messages, "stream": stream });
            let reply = post(server.address, PATH, &[], &body).await.with_status(status);
            assert_eq!(reply.header("x-lenore-error"), Some(kind));
            let error = &reply.json()["error"];
            assert_eq!(error["type"], r#type, "{kind}");
            assert!(error["code"].is_string() && error["message"].is_string());
            let again = if kind == "rate_limited" { "true" } else { "false" };
            assert_eq!(reply.header("x-should-retry"), Some(again), "{kind}");
            let wait = (kind == "rate_limited").then_some("10");
            assert_eq!(reply.header("retry-after"), wait, "{kind}");
        }
    }
    server.end().await;
}

#[tokio::test]
async fn an_answer_that_breaks_off_says_what_came() {
    let steps = [started(), delta("half an ans"), Step::Fail(ErrorKind::AnswerLost)];
    let server = Server::start(steps).await;
    let reply = post(server.address, PATH, &[], &hello()).await.with_status(502);
    assert_eq!(reply.json()["error"]["partial"], "half an ans");
    let reply = post(server.address, PATH, &[], &with(hello(), json!({ "stream": true }))).await;
    let frames = frames(&reply.with_status(200).body);
    let (_, last) = frames.last().expect("a frame");
    assert!(last.contains("\"answer_lost\"") && !last.contains("[DONE]"), "{last}");
    server.end().await;
}

#[tokio::test]
async fn the_longest_that_the_service_gives_is_a_length() {
    let end = Step::Say(Event::Finished { reason: FinishReason::Length });
    let server = Server::start([started(), delta("abc"), end]).await;
    let body = post(server.address, PATH, &[], &hello()).await.json();
    assert_eq!(body["choices"][0]["finish_reason"], "length");
    server.end().await;
}

#[tokio::test]
async fn parts_and_roles_come_down_to_texts_and_files() {
    let server = Server::scripted().await;
    let body = json!({ "model": "raven", "messages": [
        { "role": "system", "content": "Be brief." },
        { "role": "developer", "content": [{ "type": "text", "text": "Be kind." }] },
        { "role": "user", "content": [
            { "type": "text", "text": "What" },
            { "type": "text", "text": "is this?" },
            { "type": "image_url", "image_url": { "url": "data:image/png;base64,iVBORw==", "detail": "low" } },
            { "type": "file", "file": { "file_data": "data:application/pdf;base64,JVBERg==", "filename": "../a b.pdf" } },
        ] },
    ]});
    post(server.address, PATH, &[], &body).await.with_status(200);
    let asked = server.fake.only();
    let messages: Vec<_> =
        asked.request.messages.iter().map(|m| (m.role, m.content.as_str())).collect();
    let expected = [
        (Role::System, "Be brief."),
        (Role::Developer, "Be kind."),
        (Role::User, "What\nis this?"),
    ];
    assert_eq!(messages, expected);
    let files: Vec<_> = asked
        .files
        .iter()
        .map(|(path, bytes)| (path.file_name().and_then(|n| n.to_str()), bytes.as_slice()))
        .collect();
    assert_eq!(files, [(Some("image.png"), &b"\x89PNG"[..]), (Some("a b.pdf"), b"%PDF")]);
    assert!(asked.files.iter().all(|(path, _)| !path.exists()), "they are gone");
    server.end().await;
}

#[tokio::test]
async fn headers_choose_the_chat() {
    let server = Server::scripted().await;
    let headers = [("x-lenore-new-chat", "1"), ("x-lenore-chat", "abc")];
    post(server.address, PATH, &headers, &hello()).await.with_status(200);
    let request = server.fake.only().request;
    assert_eq!((request.resume, request.chat.as_deref()), (false, Some("abc")));
    for headers in [[("x-lenore-new-chat", "yes")], [("x-lenore-rewrites", "maybe")]] {
        post(server.address, PATH, &headers, &hello()).await.with_status(400);
    }
    server.end().await;
}

#[tokio::test]
async fn the_legacy_form_is_a_text() {
    let server = Server::scripted().await;
    let path = "/v1/completions";
    let body = json!({ "model": "raven", "prompt": "Hello", "stop": " upon", "echo": true });
    let whole = post(server.address, path, &[], &body).await.with_status(200).json();
    assert_eq!(whole["object"], "text_completion");
    assert_eq!(whole["choices"][0]["text"], "HelloOnce");
    let body = json!({ "model": "raven", "prompt": ["Hello"], "stream": true });
    let streamed = chunks(&post(server.address, path, &[], &body).await);
    let text: String =
        streamed.iter().filter_map(|chunk| chunk["choices"][0]["text"].as_str()).collect();
    assert!(text.starts_with("Once upon") && text.ends_with("pondered."));
    assert_eq!(last_choice(&streamed)["choices"][0]["finish_reason"], "stop");
    let body =
        with(body, json!({ "stream_options": { "include_usage": true }, "n": 2, "echo": true }));
    let streamed = chunks(&post(server.address, path, &[], &body).await);
    let [all @ .., last] = &*streamed else { panic!("{streamed:#?}") };
    assert!(all.iter().all(|chunk| chunk.get("usage") == Some(&Value::Null)), "{all:#?}");
    assert!(last["usage"]["total_tokens"].is_u64() && last["lenore"]["rewritten"] == false);
    for prompt in [json!([1, 2]), json!(["a", "b"]), json!(null)] {
        let body = json!({ "model": "raven", "prompt": prompt });
        post(server.address, path, &[], &body).await.with_status(400);
    }
    server.end().await;
}
