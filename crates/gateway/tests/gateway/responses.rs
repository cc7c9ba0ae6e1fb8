//! Responses: the typed events in their order, and going on from an earlier one.

use lenore_provider::Event;
use serde_json::{Value, json};

use crate::support::{Fake, Server, Step, delta, finished, frames, get, post, script, started};

const PATH: &str = "/v1/responses";

fn ask(input: impl Into<Value>, more: Value) -> Value {
    let mut body = json!({ "model": "raven", "input": input.into() });
    for (name, value) in more.as_object().expect("an object") {
        body[name] = value.clone();
    }
    body
}

/// The events of a stream; their names and types agree and they are numbered.
fn events(body: &str) -> Vec<Value> {
    let events = frames(body).into_iter().enumerate().map(|(number, (name, data))| {
        let event: Value = serde_json::from_str(&data).expect("JSON");
        assert_eq!(event["type"].as_str(), name.as_deref());
        assert_eq!(event["sequence_number"], number);
        event
    });
    events.collect()
}

/// Their types, those that repeat once.
fn types(events: &[Value]) -> Vec<&str> {
    let mut types: Vec<_> =
        events.iter().map(|event| event["type"].as_str().expect("a type")).collect();
    types.dedup();
    types.iter().map(|name| name.trim_start_matches("response.")).collect()
}

#[tokio::test]
async fn the_events_of_a_text_come_in_their_order() {
    let server = Server::scripted().await;
    let body = ask("Hello", json!({ "stream": true, "instructions": "Be brief." }));
    let reply = post(server.address, PATH, &[], &body).await.with_status(200);
    let events = events(&reply.body);
    let expected = [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ];
    assert_eq!(types(&events), expected);
    let text: String = events.iter().filter_map(|event| event["delta"].as_str()).collect();
    let [.., done, _, _, completed] = &*events else { panic!("{events:#?}") };
    assert_eq!(done["text"], text);
    let response = &completed["response"];
    assert_eq!(response["status"], "completed");
    assert_eq!(response["output"][0]["content"][0]["text"], text);
    assert_eq!(response["usage"]["estimated"], true);
    assert_eq!(response["instructions"], "Be brief.");
    assert_eq!(server.fake.only().request.messages[0].content, "Be brief.");
    server.end().await;
}

#[tokio::test]
async fn the_events_of_a_call_come_in_their_order() {
    let server = Server::scripted().await;
    let tools = json!([{ "type": "function", "name": "weather", "parameters": {
        "type": "object", "properties": { "city": { "type": "string" } },
    }}]);
    let body = ask("[call]", json!({ "stream": true, "tools": tools }));
    let reply = post(server.address, PATH, &[], &body).await.with_status(200);
    let events = events(&reply.body);
    let expected = [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ];
    assert_eq!(types(&events), expected);
    let output = &events.last().expect("an event")["response"]["output"];
    assert_eq!(output[1]["type"], "function_call");
    assert_eq!(output[1]["arguments"], "{\"city\": \"Köln\"}");

    let input = json!([
        { "role": "user", "content": [{ "type": "input_text", "text": "[call]" }] },
        output[0], output[1],
        { "type": "function_call_output", "call_id": output[1]["call_id"], "output": "rain" },
    ]);
    let whole = post(server.address, PATH, &[], &ask(input, json!({ "tools": tools }))).await;
    let output = &whole.with_status(200).json()["output"];
    assert_eq!(output[0]["content"][0]["text"], "It is raining.");
    server.end().await;
}

#[tokio::test]
async fn thoughts_are_items_of_their_own() {
    let thought = |text: &str| Step::Say(Event::Thought(text.into()));
    let more = [delta("4"), thought("Or so?"), delta("2"), finished()];
    let steps = [vec![started(), thought("Let me"), thought(" see.")], more.to_vec()].concat();
    let server = Server::start(steps).await;
    let reply = post(server.address, PATH, &[], &ask("hi", json!({ "stream": true }))).await;
    let events = events(&reply.with_status(200).body);
    let of_reasoning = [
        "output_item.added",
        "content_part.added",
        "reasoning_text.delta",
        "reasoning_text.done",
        "content_part.done",
        "output_item.done",
    ];
    let expected = [
        &["created", "in_progress"],
        &of_reasoning[..],
        &["output_item.added", "content_part.added", "output_text.delta"],
        &of_reasoning,
        &["output_text.delta", "output_text.done", "content_part.done", "output_item.done"],
        &["completed"],
    ];
    assert_eq!(types(&events), expected.concat());
    let response = &events.last().expect("an event")["response"];
    let output = response["output"].as_array().expect("a list");
    let texts: Vec<_> =
        output.iter().map(|item| (&item["type"], &item["content"][0]["text"])).collect();
    let (reasoning, message) = (&json!("reasoning"), &json!("message"));
    let expected = [
        (reasoning, &json!("Let me see.")),
        (message, &json!("42")),
        (reasoning, &json!("Or so?")),
    ];
    assert_eq!(texts, expected);
    assert_eq!(response["usage"]["output_tokens_details"]["reasoning_tokens"], 5);
    for event in events.iter().filter(|event| event["item"].is_object()) {
        let index = event["output_index"].as_u64().expect("a place");
        assert_eq!(event["item"]["id"], output[usize::try_from(index).expect("few")]["id"]);
    }
    let whole = post(server.address, PATH, &[], &ask("hi", json!({}))).await.json();
    assert_eq!(whole["output"][0]["content"][0]["text"], "Let me see.Or so?");
    assert_eq!(whole["output"][1]["content"][0]["text"], "42");
    // They come back with the conversation, and are nothing to the bot.
    let input = json!([{ "role": "user", "content": "hi" }, whole["output"][0],
        whole["output"][1], { "role": "user", "content": "Why?" }]);
    let reply = post(server.address, PATH, &[], &ask(input, json!({}))).await.with_status(200);
    assert_eq!(reply.header("x-lenore-ignored"), None);
    let asked = server.fake.asked();
    assert_eq!(asked.last().expect("one").request.messages.len(), 3);
    server.end().await;
}

#[tokio::test]
async fn what_is_not_honoured_inside_a_field_is_reported_too() {
    let server = Server::scripted().await;
    let input = json!([{ "role": "user", "content": [
        { "type": "input_image", "image_url": "data:image/png;base64,iVBORw==", "detail": "low" },
        { "type": "input_text", "text": "hi" },
    ] }]);
    let more = json!({ "text": { "format": { "type": "text" }, "verbosity": "low" },
        "tool_choice": { "type": "web_search" } });
    let reply = post(server.address, PATH, &[], &ask(input, more)).await.with_status(200);
    let expected = "input[0].content[0].detail,tool_choice,text.verbosity";
    assert_eq!(reply.header("x-lenore-ignored"), Some(expected));
    server.end().await;
}

#[tokio::test]
async fn what_is_cut_is_incomplete_and_what_breaks_off_has_failed() {
    let server = Server::start([started(), delta("one two three"), Step::Hang]).await;
    for stream in [false, true] {
        let body = ask("hi", json!({ "max_output_tokens": 2, "stream": stream }));
        let reply = post(server.address, PATH, &[], &body).await.with_status(200);
        let response = if stream {
            events(&reply.body).pop().expect("an event")["response"].clone()
        } else {
            reply.json()
        };
        assert_eq!(response["status"], "incomplete");
        assert_eq!(response["incomplete_details"]["reason"], "max_output_tokens");
        assert_eq!(response["output"][0]["status"], "incomplete");
    }
    server.end().await;
    let server = Server::scripted().await;
    let body = ask("[break]", json!({ "stream": true }));
    let reply = post(server.address, PATH, &[], &body).await.with_status(200);
    let events = events(&reply.body);
    let last = events.last().expect("an event");
    assert_eq!(last["type"], "response.failed");
    assert_eq!(last["response"]["error"]["code"], "server_error");
    let [item] = &**last["response"]["output"].as_array().expect("a list") else {
        panic!("{last:#?}")
    };
    assert_eq!((&item["status"], &item["type"]), (&json!("incomplete"), &json!("message")));
    assert_eq!(item["content"][0]["text"], "Once ");
    assert_eq!(item["id"], events[2]["item"]["id"]);
    post(server.address, PATH, &[], &ask("[fail quota]", json!({}))).await.with_status(429);
    server.end().await;
}

#[tokio::test]
async fn a_response_goes_on_in_the_chat_of_an_earlier_one() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("keys.json");
    let mut file = lenore_gateway::KeyFile::open(&path).expect("none yet");
    let key = |name: &str, file: &mut lenore_gateway::KeyFile| {
        format!("Bearer {}", file.add(name, lenore_gateway::Limits::default()).expect("added"))
    };
    let (ann, bob) = (key("ann", &mut file), key("bob", &mut file));
    let server = Server::with(Fake::new(script), |builder| builder.key_file(&path)).await;
    let ann = [("authorization", ann.as_str())];
    let bob = [("authorization", bob.as_str())];
    let first = post(server.address, PATH, &ann, &ask("Hello", json!({}))).await.json();
    let next = ask("And then?", json!({ "previous_response_id": first["id"] }));
    post(server.address, PATH, &ann, &next).await.with_status(200);
    let asked = server.fake.asked();
    assert_eq!(asked[1].request.chat.as_deref(), Some("c0de"));
    assert_eq!(asked[1].request.messages.len(), 1);
    // What is another's is not known.
    let error = post(server.address, PATH, &bob, &next).await.with_status(400).json();
    assert_eq!(error["error"]["code"], "previous_response_not_found");
    assert_eq!(server.fake.asked().len(), 2);
    server.end().await;
}

#[tokio::test]
async fn instructions_and_tools_are_told_once_in_a_chat() {
    let server = Server::scripted().await;
    let tools = json!([{ "type": "function", "name": "weather", "parameters": {
        "type": "object", "properties": { "city": { "type": "string" } },
    }}]);
    let same = |instructions: &str| json!({ "instructions": instructions, "tools": tools });
    let first = post(server.address, PATH, &[], &ask("[call]", same("Be brief."))).await.json();
    let call = &first["output"][1];
    let result = json!([{ "type": "function_call_output", "call_id": call["call_id"],
        "output": "rain" }]);
    let next = |from: &Value, input: Value, more: Value| {
        let mut body = ask(input, more);
        body["previous_response_id"] = from["id"].clone();
        body
    };
    let body = next(&first, result, same("Be brief."));
    let second = post(server.address, PATH, &[], &body).await.with_status(200).json();
    assert_eq!(second["instructions"], "Be brief.");
    let body = next(&second, json!("And?"), same("Be long."));
    let third = post(server.address, PATH, &[], &body).await.with_status(200).json();
    let body = next(&third, json!("Why?"), same("Be long."));
    post(server.address, PATH, &[], &body).await.with_status(200);
    let typed = |number: usize| server.fake.asked()[number].request.messages.clone();
    assert!(typed(0)[0].content.starts_with("Be brief.\n\nYou can call tools."));
    let [result] = &*typed(1) else { panic!("{:#?}", typed(1)) };
    assert!(result.content.starts_with("<tool_result call=\"1\">"), "{}", result.content);
    let [told, asked] = &*typed(2) else { panic!("{:#?}", typed(2)) };
    assert!(told.content.starts_with("Be long.\n\nYou can"), "{}", told.content);
    assert_eq!(asked.content, "And?");
    assert_eq!(typed(3).len(), 1);
    server.end().await;
}

#[tokio::test]
async fn a_chat_goes_on_at_its_end_alone_and_with_its_own_model() {
    let server = Server::scripted().await;
    let first = post(server.address, PATH, &[], &ask("Hello", json!({}))).await.json();
    let next = |words: &str, model: &str, from: &Value| {
        ask(words, json!({ "previous_response_id": from["id"], "model": model }))
    };
    let refused = async |body: Value| {
        let error = post(server.address, PATH, &[], &body).await.with_status(400).json();
        assert_eq!(error["error"]["code"], "previous_response_not_found");
    };
    refused(next("And then?", "family/crow", &first)).await;
    // What is refused before it is asked leaves the way open.
    let body = next("[fail rate_limited]", "raven", &first);
    post(server.address, PATH, &[], &body).await.with_status(429);
    let mut body = next("x", "raven", &first);
    body["input"] = json!([{ "role": "user", "content": [
        { "type": "input_image", "image_url": "http://example.org/x.png" },
    ] }]);
    post(server.address, PATH, &[], &body).await.with_status(400);
    let second = post(server.address, PATH, &[], &next("And then?", "raven", &first)).await;
    let second = second.with_status(200).json();
    refused(next("Another way", "raven", &first)).await;
    post(server.address, PATH, &[], &next("On", "raven", &second)).await.with_status(200);
    refused(next("Again", "raven", &second)).await;
    assert_eq!(server.fake.asked().len(), 4);
    server.end().await;
}

#[tokio::test]
async fn what_is_no_input_is_refused() {
    let server = Server::scripted().await;
    for input in [
        json!([]),
        json!(7),
        json!([{ "content": "x" }]),
        json!([{ "type": "item_reference", "id": "x" }]),
        json!([{ "role": "user", "content": [{ "type": "input_image", "file_id": "f" }] }]),
    ] {
        let error = post(server.address, PATH, &[], &ask(input.clone(), json!({}))).await;
        let error = error.with_status(400).json();
        let param = error["error"]["param"].as_str().expect("a param");
        assert!(param.starts_with("input"), "{input}: {error}");
    }
    // What the service did itself may have any form.
    let body = ask(
        json!([
            { "type": "computer_call_output", "call_id": "c", "output": { "type": "x" } },
            { "type": "tool_search_call", "arguments": { "a": 1 } },
            { "role": "user", "content": "Hello" },
            { "type": "custom_tool_call", "call_id": "c", "name": "shell", "input": "ls" },
            { "type": "custom_tool_call_output", "call_id": "c", "output": "x" },
        ]),
        json!({}),
    );
    let reply = post(server.address, PATH, &[], &body).await.with_status(200);
    assert_eq!(reply.header("x-lenore-ignored"), Some("input[0],input[1]"));
    let asked = server.fake.only().request;
    assert!(asked.messages[1].content.contains("\"arguments\": \"ls\""), "{asked:#?}");
    // Thoughts alone are no question.
    let body = ask(json!([{ "type": "reasoning", "summary": [] }]), json!({}));
    post(server.address, PATH, &[], &body).await.with_status(400);
    assert_eq!(server.fake.asked().len(), 1);
    get(server.address, PATH, &[]).await.with_status(405);
    server.end().await;
}
