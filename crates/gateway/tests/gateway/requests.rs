//! What of a request is asked, what is named instead, and what is refused before anybody is asked.

use lenore_provider::{ErrorKind, Role};
use serde_json::{Value, json};

use crate::support::{Fake, Server, Step, Wire, get, post, request, script, started};

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
async fn a_file_without_a_text_is_told_to_need_one() {
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
        let error = post(server.address, path, &[], body).await.with_status(400).json();
        let message = error["error"]["message"].as_str().expect("a message");
        assert!(message.contains("what the bot is to do with it"), "{message}");
    }
    assert!(server.fake.asked().is_empty());
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

#[tokio::test]
async fn a_compressed_body_is_said_to_be_one() {
    let server = Server::scripted().await;
    let body = json!({ "model": "raven", "messages": [user("Hi")] });
    let headers = [("content-encoding", "gzip")];
    let error = post(server.address, CHAT, &headers, &body).await.with_status(415).json();
    assert!(error["error"]["message"].as_str().is_some_and(|text| text.contains("compressed")));
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
