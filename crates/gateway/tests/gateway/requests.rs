//! What of a request is asked, what is named instead, and what is refused before anybody is asked.

use lenore_provider::{ErrorKind, Role};
use serde_json::{Value, json};

use tokio::io::AsyncWriteExt;

use crate::support::{
    Fake, Server, Step, Wire, delta, finished, get, post, request, script, started,
};

const CHAT: &str = "/v1/chat/completions";
const RESPONSES: &str = "/v1/responses";
const MESSAGES: &str = "/v1/messages";

fn user(text: &str) -> Value {
    json!({ "role": "user", "content": text })
}

fn assistant(text: &str) -> Value {
    json!({ "role": "assistant", "content": text })
}

/// A request of each dialect with these messages, and its path.
fn each(messages: &[Value]) -> [(&'static str, Value); 3] {
    [
        (CHAT, json!({ "model": "raven", "messages": messages })),
        (RESPONSES, json!({ "model": "raven", "input": messages })),
        (MESSAGES, json!({ "model": "raven", "max_tokens": 100, "messages": messages })),
    ]
}

/// What was typed in a question: roles and texts.
fn typed(server: &Server, number: usize) -> Vec<(Role, String)> {
    let messages = server.fake.asked().remove(number).request.messages;
    messages.into_iter().map(|message| (message.role, message.content)).collect()
}

#[tokio::test]
async fn what_may_have_been_asked_is_not_to_be_asked_again() {
    let server = Server::start([Step::Doubt(ErrorKind::RateLimited)]).await;
    for (path, mut body) in each(&[user("Ravens?")]) {
        for stream in [false, true] {
            body["stream"] = stream.into();
            let reply = post(server.address, path, &[], &body).await.with_status(429);
            assert_eq!(reply.header("x-should-retry"), Some("false"), "{path}");
            assert_eq!(reply.header("retry-after"), None, "{path}");
            assert_eq!(reply.header("x-lenore-error"), Some("rate_limited"));
        }
    }
    server.end().await;
}

#[tokio::test]
async fn nobody_goes_on_where_a_question_may_have_been_taken() {
    let fake = Fake::new(|asked| match asked.messages[0].content.as_str() {
        "doubt" => vec![Step::Doubt(ErrorKind::RateLimited)],
        _ => script(asked),
    });
    let server = Server::over(fake).await;
    let first = post(server.address, RESPONSES, &[], &json!({ "input": "Hello" })).await.json();
    let body = json!({ "input": "doubt", "previous_response_id": first["id"] });
    post(server.address, RESPONSES, &[], &body).await.with_status(429);
    let body = json!({ "input": "And?", "previous_response_id": first["id"] });
    let error = post(server.address, RESPONSES, &[], &body).await.with_status(400).json();
    assert_eq!(error["error"]["code"], "previous_response_not_found");
    server.end().await;
}

#[tokio::test]
async fn a_file_without_a_text_is_asked() {
    let server = Server::scripted().await;
    let picture = "data:image/png;base64,iVBORw==";
    let source = json!({ "type": "base64", "media_type": "image/png", "data": "iVBORw==" });
    let [chat, responses, messages] = [
        json!({ "type": "image_url", "image_url": { "url": picture } }),
        json!({ "type": "input_image", "image_url": picture }),
        json!({ "type": "image", "source": source }),
    ]
    .map(|part| json!({ "role": "user", "content": [part] }));
    for (at, message) in [chat, responses, messages].into_iter().enumerate() {
        let (path, body) = &each(&[message])[at];
        post(server.address, path, &[], body).await.with_status(200);
        let asked = server.fake.asked().pop().expect("a question");
        assert_eq!((&*asked.request.messages[0].content, asked.files.len()), ("", 1), "{path}");
    }
    server.end().await;
}

#[tokio::test]
async fn who_ends_with_the_assistant_asks_nothing() {
    let server = Server::scripted().await;
    for (path, body) in each(&[user("A poem?"), assistant("Once upon")]) {
        let error = post(server.address, path, &[], &body).await.with_status(400).json();
        let message = error["error"]["message"].as_str().expect("a message");
        assert!(message.contains("the last message is the assistant's"), "{message}");
    }
    assert!(server.fake.asked().is_empty());
    server.end().await;
}

#[tokio::test]
async fn an_empty_last_answer_is_as_if_it_were_not_there() {
    let server = Server::scripted().await;
    let text = json!({ "role": "assistant", "content": [{ "type": "text", "text": " " }] });
    let mut count = 0;
    for last in
        [assistant(""), assistant(" \n"), json!({ "role": "assistant", "content": [] }), text]
    {
        for (path, body) in each(&[user("A poem?"), last.clone()]) {
            post(server.address, path, &[], &body).await.with_status(200);
            assert_eq!(typed(&server, count), [(Role::User, "A poem?".to_owned())], "{path}");
            count += 1;
        }
    }
    let picture =
        json!({ "type": "image_url", "image_url": { "url": "data:image/png;base64,AAAA" } });
    let asked =
        json!({ "role": "user", "content": [{ "type": "text", "text": "What?" }, picture] });
    let none = json!({ "role": "assistant", "content": null });
    let body = json!({ "messages": [asked, none] });
    post(server.address, CHAT, &[], &body).await.with_status(200);
    assert_eq!(typed(&server, count), [(Role::User, "What?".to_owned())], "the file is the last's");
    server.end().await;
}

#[tokio::test]
async fn parts_that_others_put_into_a_history_are_used_or_named() {
    let server = Server::scripted().await;
    let said = json!({ "role": "assistant", "content": [
        { "type": "thinking", "thinking": "Hm.", "signature": "x" },
        { "type": "redacted_thinking", "data": "x" },
        { "type": "reasoning", "text": "Hm." },
        { "type": "reasoning_text", "text": "Hm." },
        { "type": "summary_text", "text": "Hm." },
        { "type": "text", "text": "I look." },
        { "type": "tool_use", "id": "t1", "name": "weather", "input": { "city": "Bonn" } },
        { "type": "video_call", "url": "x" },
    ] });
    let result = json!({ "role": "user", "content": [
        { "type": "tool_result", "tool_use_id": "t1", "content": [{ "type": "text", "text": "Rain." }] },
        { "type": "text", "text": "So?" },
    ] });
    let body = json!({ "messages": [user("Weather?"), said, result] });
    let reply = post(server.address, CHAT, &[], &body).await.with_status(200);
    assert_eq!(reply.header("x-lenore-ignored"), Some("messages[1].content[7]"));
    let told = typed(&server, 0);
    assert_eq!(
        told[1].1,
        "I look.\n<tool_call>{\"id\": \"t1\", \"name\": \"weather\", \"arguments\": {\"city\":\"Bonn\"}}</tool_call>"
    );
    assert_eq!(told[2].1, "<tool_result id=\"t1\">\nRain.\n</tool_result>\nSo?");
    // In a question it would be missed.
    let last = json!({ "role": "user", "content": [{ "type": "video_call" }] });
    let body = json!({ "messages": [user("Hi"), assistant("Ho"), last] });
    let error = post(server.address, CHAT, &[], &body).await.with_status(400).json();
    assert_eq!(error["error"]["param"], "messages[2].content[0]");
    let message = error["error"]["message"].as_str().expect("a message");
    assert!(message.starts_with("messages[2].content[0]: "), "{message}");
    server.end().await;
}

#[tokio::test]
async fn a_wrong_base_url_leads_where_it_is_meant_or_says_which_is_right() {
    let server = Server::scripted().await;
    let chat = json!({ "messages": [user("Hi")] });
    for path in [
        "/chat/completions",
        "/v1/v1/chat/completions",
        "/v1//chat/completions",
        "/v1/chat/completions/",
        "/openai/v1/chat/completions",
    ] {
        post(server.address, path, &[], &chat).await.with_status(200);
    }
    let message = json!({ "max_tokens": 9, "messages": [user("Hi")] });
    let reply =
        post(server.address, "/v1/v1/messages", &[], &message).await.with_status(200).json();
    assert_eq!(reply["type"], "message");
    let reply =
        post(server.address, "/v1/v1/messages", &[], &json!({})).await.with_status(400).json();
    assert_eq!(reply["type"], "error", "in the form of the wire that is meant");
    for path in ["/models", "/v1/models/", "/v1//models", "/v1/v1/models", "/models/raven?x=1"] {
        get(server.address, path, &[]).await.with_status(200);
    }
    for path in ["/nothing", "/v2/models", "/v1/nothing", "/v1/v1/nothing"] {
        let error = get(server.address, path, &[]).await.with_status(404).json();
        let message = error["error"]["message"].as_str().expect("a message");
        assert!(message.contains("http://localhost/v1 for OpenAI's clients"), "{message}");
    }
    get(server.address, "/chat/completions", &[]).await.with_status(405);
    server.end().await;
    // Nobody comes in by a wrong address either.
    let server = Server::with(Fake::new(script), |builder| builder.api_key("s3cret")).await;
    for path in ["/models", "/v1/v1/models", "//", "/v1/embeddings"] {
        get(server.address, path, &[]).await.with_status(401);
    }
    server.end().await;
}

#[tokio::test]
async fn what_the_site_has_not_is_said_in_words() {
    let server = Server::scripted().await;
    for (path, words) in [
        ("/v1/embeddings", "no embeddings"),
        ("/v1/moderations", "no moderations"),
        ("/v1/audio/transcriptions", "no speech"),
        ("/v1/rerank", "no reranking"),
        ("/v1/files", "no stored files"),
        ("/v1/files/abc/content", "no stored files"),
        ("/v1/assistants", "no assistants"),
        ("/v1/realtime", "no realtime"),
        ("/v1/batches", "no batches"),
        ("/v1/images/generations", "no pictures"),
        ("/v1/messages/batches", "no batches"),
        ("/embeddings", "no embeddings"),
    ] {
        let reply = post(server.address, path, &[], &json!({})).await.with_status(501);
        let error = reply.json();
        assert_eq!(error["type"] == "error", path == "/v1/messages/batches", "{error}");
        let message = error["error"]["message"].as_str().expect("a message");
        assert!(message.contains(words) && message.contains("setting"), "{path}: {message}");
        assert_eq!(reply.header("x-should-retry"), Some("false"));
        get(server.address, path, &[]).await.with_status(501);
    }
    server.end().await;
}

#[tokio::test]
async fn a_schema_at_the_wrong_place_is_honoured() {
    let server = Server::start([started(), delta("{\"a\": 1}"), finished()]).await;
    let schema = json!({ "type": "object", "properties": { "a": { "type": "integer" } },
        "required": ["a"] });
    for format in [
        json!({ "type": "json_schema", "schema": schema }),
        json!({ "type": "json_schema", "json_schema": schema }),
        json!({ "type": "json_schema", "json_schema": { "name": "x", "schema": schema } }),
    ] {
        let body = json!({ "messages": [user("hi")], "response_format": format });
        post(server.address, CHAT, &[], &body).await.with_status(200);
        let told = typed(&server, server.fake.asked().len() - 1);
        assert!(told[0].1.contains("\"required\":[\"a\"]"), "{}", told[0].1);
    }
    for format in [
        json!({ "type": "json_schema" }),
        json!({ "type": "json_schema", "json_schema": { "name": "x" } }),
        json!({ "type": "json_schema", "json_schema": 7 }),
    ] {
        let body = json!({ "messages": [user("hi")], "response_format": format });
        let error = post(server.address, CHAT, &[], &body).await.with_status(400).json();
        assert!(
            error["error"]["param"].as_str().is_some_and(|at| at.starts_with("response_format"))
        );
    }
    server.end().await;
}

#[tokio::test]
async fn an_answer_without_a_word_says_so() {
    let server = Server::start([started(), finished()]).await;
    for (path, body) in each(&[user("Hi")]) {
        let reply = post(server.address, path, &[], &body).await.with_status(200).json();
        assert_eq!(reply["lenore"]["empty"], true, "{reply}");
    }
    server.end().await;
    let server = Server::scripted().await;
    let reply = post(server.address, CHAT, &[], &json!({ "messages": [user("Hi")] })).await.json();
    assert_eq!(reply["lenore"].get("empty"), None);
    server.end().await;
}

#[tokio::test]
async fn the_default_model_comes_first() {
    for (model, expected) in
        [("family/crow", ["family/crow", "raven"]), ("raven", ["raven", "family/crow"])]
    {
        let server = Server::with(Fake::new(script), |builder| builder.default_model(model)).await;
        let list = get(server.address, "/v1/models", &[]).await.with_status(200).json();
        let ids: Vec<_> =
            list["data"].as_array().expect("a list").iter().map(|m| &m["id"]).collect();
        assert_eq!(ids, expected);
        server.end().await;
    }
}

#[tokio::test]
async fn what_the_service_keeps_for_its_clients_is_not_here() {
    let server = Server::scripted().await;
    for (name, value) in [
        ("conversation", json!("conv_1")),
        ("conversation", json!({ "id": "conv_1" })),
        ("prompt", json!({ "id": "pmpt_1" })),
    ] {
        let mut body = json!({ "model": "raven", "input": "Ravens?" });
        body[name] = value;
        let error = post(server.address, RESPONSES, &[], &body).await.with_status(400).json();
        assert_eq!(error["error"]["param"], name, "{error}");
    }
    let body = json!({ "input": "Ravens?", "conversation": null, "prompt": null });
    post(server.address, RESPONSES, &[], &body).await.with_status(200);
    assert_eq!(server.fake.asked().len(), 1);
    server.end().await;
}

#[tokio::test]
async fn what_is_unknown_inside_a_field_is_named_or_refused() {
    let open = Server::scripted().await;
    let strict = Server::with(Fake::new(script), |builder| builder.strict(true)).await;
    let part = json!({ "type": "text", "text": "hi", "zap": 1, "annotations": [{ "x": 1 }] });
    let message = json!({ "role": "user", "content": [part], "bar": true, "zip": null });
    let [chat, responses, messages] = each(&[message]);
    let function = json!({ "name": "f", "parameters": { "type": "object", "x-any": 1 }, "zip": 1 });
    let with = |(path, mut body): (&'static str, Value), name: &str, value: Value| {
        body[name] = value;
        (path, body)
    };
    let of_message = ["messages[0].bar", "messages[0].content[0].zap"];
    let of_message = of_message.map(str::to_owned).to_vec();
    let also = |name: &str| [of_message.clone(), vec![name.to_owned()]].concat();
    let of_blocks = [also("system[0].zip"), vec!["messages[0].content[0].annotations".to_owned()]];
    for ((path, body), mut names) in [
        (
            with(chat, "tools", json!([{ "type": "function", "function": function }])),
            also("tools[0].function.zip"),
        ),
        (
            with(responses, "text", json!({ "format": { "type": "text", "zip": 1 } })),
            vec![
                "input[0].bar".to_owned(),
                "input[0].content[0].zap".to_owned(),
                "text.format.zip".to_owned(),
            ],
        ),
        (
            with(
                messages,
                "system",
                json!([{ "type": "text", "text": "So.", "zip": 1,
                "cache_control": { "type": "ephemeral" } }]),
            ),
            of_blocks.concat(),
        ),
    ] {
        let reply = post(open.address, path, &[], &body).await.with_status(200);
        let told = reply.header("x-lenore-ignored").expect("names").split(',');
        let mut told: Vec<_> = told.map(str::to_owned).collect();
        told.sort();
        names.sort();
        assert_eq!(told, names, "{path}");
        let error = post(strict.address, path, &[], &body).await.with_status(400).json();
        let message = error["error"]["message"].as_str().expect("a message");
        assert!(names.iter().any(|name| message.contains(name)), "{message}");
    }
    assert!(strict.fake.asked().is_empty());
    strict.end().await;
    open.end().await;
}

#[tokio::test]
async fn what_the_official_clients_send_back_is_nothing_unknown() {
    let server = Server::with(Fake::new(script), |builder| builder.strict(true)).await;
    let whole = json!({ "role": "assistant", "content": "So.", "refusal": null, "annotations": [],
        "audio": null, "function_call": null, "tool_calls": null });
    let body = json!({ "model": "raven", "messages": [user("Hi"), whole, user("Why?")] });
    post(server.address, CHAT, &[], &body).await.with_status(200);
    let first = post(server.address, RESPONSES, &[], &json!({ "input": "Hi" })).await.json();
    let body = json!({ "input": [user("Hi"), first["output"][0], user("Why?")] });
    post(server.address, RESPONSES, &[], &body).await.with_status(200);
    let ask = |messages: Value| json!({ "max_tokens": 99, "messages": messages });
    let first = post(server.address, MESSAGES, &[], &ask(json!([user("Hi")]))).await.json();
    let said = json!({ "role": "assistant", "content": first["content"] });
    let body = ask(json!([user("Hi"), said, user("Why?")]));
    post(server.address, MESSAGES, &[], &body).await.with_status(200);
    server.end().await;
}

#[tokio::test]
async fn of_a_conversation_only_what_is_new_is_typed_into_a_chat_that_is_named() {
    let server = Server::scripted().await;
    let headers = [("x-lenore-chat", "c0de")];
    let first = [user("Hi")];
    let history = [
        user("Hi"),
        assistant("Hello."),
        user("And?"),
        assistant("So."),
        user("Why?"),
        user("Say"),
    ];
    let new = [(Role::User, "Why?".to_owned()), (Role::User, "Say".to_owned())];
    for (path, body) in each(&first).into_iter().chain(each(&history)) {
        post(server.address, path, &headers, &body).await.with_status(200);
    }
    for number in 0..3 {
        assert_eq!(typed(&server, number), [(Role::User, "Hi".to_owned())]);
        assert_eq!(typed(&server, number + 3), new);
        assert_eq!(server.fake.asked()[number].request.chat.as_deref(), Some("c0de"));
    }
    server.end().await;
}

#[tokio::test]
async fn tools_are_told_once_in_a_chat_that_is_named() {
    let server = Server::scripted().await;
    let headers = [("x-lenore-chat", "c0de")];
    let mut body = json!({ "model": "raven", "tools": super::forms::tools(),
        "messages": [user("Hi"), assistant("Hello."), user("And?")] });
    for _ in 0..2 {
        post(server.address, CHAT, &headers, &body).await.with_status(200);
    }
    body["tools"][0]["function"]["description"] = "Tells another weather.".into();
    post(server.address, CHAT, &headers, &body).await.with_status(200);
    let roles = |number| typed(&server, number).into_iter().map(|(role, _)| role);
    assert!(roles(0).eq([Role::System, Role::User]));
    assert!(roles(1).eq([Role::User]));
    assert!(roles(2).eq([Role::System, Role::User]), "they are others now");
    server.end().await;
}

#[tokio::test]
async fn half_a_character_is_named() {
    let server = Server::scripted().await;
    for (text, half) in [
        (r"Ravens \ud83d", r"\ud83d"),
        (r"Ravens \uD83D and more", r"\ud83d"),
        (r"Ravens \ud83d\n", r"\ud83d"),
        (r"Ravens \ud83d\u0041", r"\ud83d"),
        (r"Ravens \ude00", r"\ude00"),
        (r"\ud83d\ude00 \ud83d", r"\ud83d"),
    ] {
        let body = format!(
            "{{\"model\":\"raven\",\n\"messages\":[{{\"role\":\"user\",\"content\":\"{text}\"}}]}}"
        );
        let mut wire = Wire::open(server.address).await;
        wire.send(request("POST", CHAT, &[], &body)).await;
        let error = wire.reply().await.with_status(400).json();
        let message = error["error"]["message"].as_str().expect("a message");
        assert!(message.contains("half a character"), "{text}: {message}");
        assert!(message.contains(half) && message.contains("line 2"), "{text}: {message}");
        assert!(!message.contains("Ravens"), "{message}");
    }
    assert!(server.fake.asked().is_empty());
    server.end().await;
}

/// A text, compressed.
async fn packed(encoding: &str, text: &[u8]) -> Vec<u8> {
    use async_compression::tokio::write::{BrotliEncoder, GzipEncoder, ZlibEncoder, ZstdEncoder};
    let mut bytes = Vec::new();
    macro_rules! pack {
        ($encoder:ident) => {{
            let mut encoder = $encoder::new(&mut bytes);
            encoder.write_all(text).await.expect("it takes all");
            encoder.shutdown().await.expect("it ends");
        }};
    }
    match encoding {
        "gzip" => pack!(GzipEncoder),
        "deflate" => pack!(ZlibEncoder),
        "br" => pack!(BrotliEncoder),
        _ => pack!(ZstdEncoder),
    }
    bytes
}

/// The answer to a compressed body.
async fn post_packed(server: &Server, encoding: &str, bytes: &[u8]) -> crate::support::Reply {
    let mut wire = Wire::open(server.address).await;
    let head = format!(
        "POST {CHAT} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: \
         application/json\r\ncontent-encoding: {encoding}\r\ncontent-length: {}\r\n\r\n",
        bytes.len()
    );
    wire.send(head).await;
    // The server may refuse before it has all.
    let _ = wire.0.write_all(bytes).await;
    wire.reply().await
}

#[tokio::test]
async fn compressed_bodies_are_unpacked_within_the_bounds_of_all_bodies() {
    let server = Server::with(Fake::new(script), |builder| builder.largest_body(100_000)).await;
    let body = json!({ "model": "raven", "messages": [user("Hi")] }).to_string();
    let bomb = json!({ "messages": [user(&"x".repeat(20_000_000))] }).to_string();
    for encoding in ["gzip", "deflate", "br", "zstd"] {
        let bytes = packed(encoding, body.as_bytes()).await;
        post_packed(&server, encoding, &bytes).await.with_status(200);
        let bytes = packed(encoding, bomb.as_bytes()).await;
        assert!(bytes.len() < 100_000, "{encoding}: {}", bytes.len());
        let reply = post_packed(&server, encoding, &bytes).await.with_status(413);
        assert_eq!(reply.json()["error"]["code"], "request_too_large", "{encoding}");
        // What is not what it says.
        post_packed(&server, encoding, b"{\"messages\": []}").await.with_status(400);
    }
    assert_eq!(server.fake.asked().len(), 4);
    server.end().await;
}

#[tokio::test]
async fn a_body_that_is_compressed_otherwise_is_said_to_be_so() {
    let server = Server::scripted().await;
    let body = json!({ "model": "raven", "messages": [user("Hi")] });
    for encoding in ["compress", "gzip, gzip", "x"] {
        let headers = [("content-encoding", encoding)];
        let error = post(server.address, CHAT, &headers, &body).await.with_status(415).json();
        assert!(error["error"]["message"].as_str().is_some_and(|text| text.contains("compressed")));
    }
    post(server.address, CHAT, &[("content-encoding", "identity")], &body).await.with_status(200);
    server.end().await;
}

#[tokio::test]
async fn a_status_has_a_name_and_a_failure_what_came() {
    let steps = [started(), crate::support::delta("half"), Step::Fail(ErrorKind::Cancelled)];
    let server = Server::start(steps).await;
    for (path, body) in each(&[user("Hi")]) {
        let reply = post(server.address, path, &[], &body).await.with_status(499);
        assert!(reply.head.starts_with("http/1.1 499 client closed request\r\n"), "{}", reply.head);
        assert_eq!(reply.json()["error"]["partial"], "half");
    }
    server.end().await;
}

#[tokio::test]
async fn the_list_of_models_comes_in_pages_for_anthropics_clients() {
    let fake = Fake::new(script).with_far_models(["crow", "jay", "rook"]);
    let server = Server::with(fake, |builder| builder.alias("opus", "raven")).await;
    let headers = [("anthropic-version", "2023-06-01")];
    let page = async |query: &str| {
        get(server.address, &format!("/v1/models{query}"), &headers).await.with_status(200).json()
    };
    let ids = |page: &Value| -> Vec<String> {
        let data = page["data"].as_array().expect("a list").iter();
        let ids: Vec<_> = data.map(|model| model["id"].as_str().expect("a name").into()).collect();
        assert_eq!(page["first_id"].as_str(), ids.first().map(String::as_str));
        assert_eq!(page["last_id"].as_str(), ids.last().map(String::as_str));
        ids
    };
    let whole = async {
        while ids(&page("").await).len() < 6 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        ids(&page("").await)
    };
    let all = crate::support::in_time("all models", whole).await;
    let (mut read, mut after) = (Vec::new(), String::new());
    loop {
        let page = page(&format!("?limit=4{after}")).await;
        read.extend(ids(&page));
        if page["has_more"] == false {
            break;
        }
        after = format!("&after_id={}", read.last().expect("one").replace('/', "%2F"));
    }
    assert_eq!(read, all);
    let last = page(&format!("?limit=2&before_id={}", all[4])).await;
    assert_eq!((ids(&last), &last["has_more"]), (all[2..4].to_vec(), &json!(true)));
    let first = page(&format!("?before_id={}", all[2])).await;
    assert_eq!((ids(&first), &first["has_more"]), (all[..2].to_vec(), &json!(false)));
    let beyond = page(&format!("?after_id={}", all[5])).await;
    assert_eq!((ids(&beyond), &beyond["first_id"]), (Vec::new(), &Value::Null));
    for query in [
        "?limit=0",
        "?limit=x",
        "?after_id=nobody",
        "?limit=1&limit=2",
        "?after_id=raven&before_id=crow",
    ] {
        let path = format!("/v1/models{query}");
        get(server.address, &path, &headers).await.with_status(400);
    }
    server.end().await;
}

#[tokio::test]
async fn the_beginning_of_an_answer_becomes_an_instruction_where_that_was_chosen() {
    let history = json!([user("A poem"), { "role": "assistant", "content": "Once upon" }]);
    let server = Server::with(Fake::new(script), |builder| builder.prefill_by_prompt(true)).await;
    for (path, body) in [
        (CHAT, json!({ "messages": history })),
        (RESPONSES, json!({ "input": history })),
        (MESSAGES, json!({ "model": "raven", "max_tokens": 1000, "messages": history })),
    ] {
        post(server.address, path, &[], &body).await.with_status(200);
        let asked = server.fake.asked().pop().expect("a question").request.messages;
        let [question, told] = &asked[..] else { panic!("{asked:#?}") };
        assert_eq!((question.role, &*question.content), (Role::User, "A poem"));
        assert_eq!(told.role, Role::System);
        assert!(told.content.contains("Go on right behind it"), "{told:?}");
        assert!(told.content.ends_with("---\nOnce upon\n---"), "{told:?}");
    }
    server.end().await;
    let server = Server::scripted().await;
    let body = json!({ "messages": history });
    let error = post(server.address, CHAT, &[], &body).await.with_status(400).json();
    assert!(error["error"]["message"].as_str().is_some_and(|text| text.contains("beginning")));
    server.end().await;
}
