//! Questions go out as the service wants them, and answers come back exactly.

mod support;

use futures_util::stream::{self, StreamExt};
use lenore_provider::{ChatRequest, ErrorKind, Event, FinishReason, Message, Provider, Role};
use serde_json::json;

use crate::support::{KEY, Service, chunk, in_time, question, sse, stop, text};

#[tokio::test]
async fn an_answer_comes_as_it_grows() {
    let role = chunk(json!({ "role": "assistant", "content": "" }), None);
    let usage = r#"data: {"choices":[],"usage":{"total_tokens":9}}"#;
    let pieces = vec![role, text("Hel"), ": alive\n\n".into(), text("lo"), usage.into()];
    let service = Service::saying([pieces, vec!["\n\n".into(), stop()]].concat()).await;
    let api = service.api();
    let events: Vec<_> =
        in_time("the answer", api.create_completion(question("Hi")).collect()).await;
    let events: Vec<_> = events.into_iter().map(|event| event.expect("no error")).collect();
    let finished = Event::Finished { reason: FinishReason::Complete };
    assert_eq!(events, [Event::Delta("Hel".into()), Event::Delta("lo".into()), finished]);

    let seen = &service.seen()[0];
    assert_eq!(seen.path, "/v1/chat/completions");
    assert_eq!(seen.authorization, format!("Bearer {KEY}"));
    let body = json!({
        "model": "GPT-4", "stream": true, "messages": [{ "role": "user", "content": "Hi" }],
    });
    assert_eq!(seen.body, body);
}

#[tokio::test]
async fn an_answer_in_one_piece_is_asked_for_in_pieces_too() {
    let service = Service::saying(vec![text("Hel"), text("lo"), stop()]).await;
    let mut request = question("Hi");
    request.stream = false;
    let events: Vec<_> =
        in_time("the answer", service.api().create_completion(request).collect()).await;
    let events: Vec<_> = events.into_iter().map(|event| event.expect("no error")).collect();
    let finished = Event::Finished { reason: FinishReason::Complete };
    assert_eq!(events, [Event::Delta("Hello".into()), finished]);
}

#[tokio::test]
async fn text_is_exact_however_the_bytes_are_cut() {
    let answer = "naïve 🙂 \r\n\"\\ data: [DONE]\n\n日本語\u{0}";
    let whole: String = answer.chars().map(|one| text(&one.to_string())).collect();
    let whole = format!("{whole}{}", stop()).replace("\n\n", "\r\n\r\n");
    for size in [1, 2, 3, 7, 1_000_000] {
        let whole = whole.clone();
        let service = Service::new(move |_| {
            let portions: Vec<_> =
                whole.as_bytes().chunks(size).map(|portion| Ok(portion.to_vec().into())).collect();
            sse(stream::iter(portions))
        });
        assert_eq!(service.await.ask().await.expect("an end"), answer, "in portions of {size}");
    }
}

#[tokio::test]
async fn a_long_answer_is_whole() {
    let piece = text(&"na naïve 🙂 ".repeat(20));
    let service = Service::saying((0..10_000).map(|_| piece.clone()).chain([stop()]).collect());
    let answer = service.await.ask().await.expect("an end");
    assert!(answer == "na naïve 🙂 ".repeat(200_000), "{} bytes came", answer.len());
}

#[tokio::test]
async fn an_end_is_known_by_any_of_its_signs() {
    let ends = [
        (chunk(json!({}), Some("stop")), FinishReason::Complete),
        (chunk(json!({}), Some("length")), FinishReason::Length),
        ("data: [DONE]\n\n".into(), FinishReason::Complete),
    ];
    for (end, reason) in ends {
        let service = Service::saying(vec![text("Hi"), end]).await;
        let mut completion = service.api().create_completion(question("Hi"));
        let mut last = None;
        while let Some(event) = in_time("an event", completion.next()).await {
            last = Some(event.expect("no error"));
        }
        assert_eq!(last, Some(Event::Finished { reason }));
    }
}

#[tokio::test]
async fn what_a_bot_thinks_aloud_is_no_part_of_the_answer() {
    let thought = |text: &str| chunk(json!({ "reasoning_content": text, "content": null }), None);
    let pieces = vec![thought("Let me"), thought(" see"), text("42"), stop()];
    let service = Service::saying(pieces).await;
    let events: Vec<_> =
        in_time("the answer", service.api().create_completion(question("?")).collect()).await;
    let events: Vec<_> = events.into_iter().map(|event| event.expect("no error")).collect();
    let expected = [
        Event::Status("Thinking…".into()),
        Event::Thought("Let me".into()),
        Event::Thought(" see".into()),
        Event::Delta("42".into()),
    ];
    assert_eq!(events[..4], expected);
    assert_eq!(service.ask().await.expect("an end"), "42");
}

#[tokio::test]
async fn roles_and_names_go_as_they_are() {
    let service = Service::saying(vec![stop()]).await;
    let roles =
        [Role::System, Role::Developer, Role::User, Role::Assistant, Role::Tool, Role::User];
    let messages: Vec<_> = roles.into_iter().map(|role| Message::new(role, "x")).collect();
    for model in ["Claude-3-Opus", "poe-api/Claude-3-Opus", "", "poe-api/"] {
        let request = ChatRequest::new(model, messages.clone());
        in_time("the answer", service.api().create_completion(request).text()).await.expect("one");
    }
    let seen = service.seen();
    let models: Vec<_> = seen.iter().map(|seen| &seen.body["model"]).collect();
    let default = service.api().default_model().to_owned();
    assert_eq!(models, ["Claude-3-Opus", "Claude-3-Opus", &default, &default]);
    let sent = seen[0].body["messages"].as_array().expect("a list");
    let roles: Vec<_> = sent.iter().map(|message| message["role"].as_str()).collect();
    let expected = ["system", "developer", "user", "assistant", "user", "user"].map(Some);
    assert_eq!(roles, expected);
    assert_eq!(sent[4]["content"], "Tool: x");
}

#[tokio::test]
async fn files_are_parts_of_the_last_message() {
    let service = Service::saying(vec![stop()]).await;
    let directory = tempfile::tempdir().expect("a directory");
    let file = |name: &str, bytes: &[u8]| {
        let path = directory.path().join(name);
        std::fs::write(&path, bytes).expect("written");
        path
    };
    let mut request = question("What is it?");
    request.messages.insert(0, Message::system("Short."));
    request.attachments = vec![file("a.png", &[0xff, 0, 1]), file("ü.txt", b"hi")];
    in_time("the answer", service.api().create_completion(request).text()).await.expect("one");
    let expected = json!([
        { "role": "system", "content": "Short." },
        { "role": "user", "content": [
            { "type": "text", "text": "What is it?" },
            { "type": "image_url", "image_url": { "url": "data:image/png;base64,/wAB" } },
            { "type": "file", "file": {
                "filename": "ü.txt", "file_data": "data:text/plain;base64,aGk=",
            } },
        ] },
    ]);
    assert_eq!(service.seen()[0].body["messages"], expected);

    for path in [directory.path().join("none.txt"), directory.path().to_owned()] {
        let mut request = question("What is it?");
        request.attachments = vec![path];
        let error = service.api().create_completion(request).text().await.expect_err("no file");
        assert_eq!(error.kind(), ErrorKind::Attachment);
    }
    let large = std::fs::File::create(directory.path().join("large")).expect("made");
    large.set_len(51 << 20).expect("a hole");
    let mut request = question("What is it?");
    request.attachments = vec![directory.path().join("large")];
    let error = service.api().create_completion(request).text().await.expect_err("too large");
    assert_eq!(error.kind(), ErrorKind::Attachment);
    assert_eq!(service.seen().len(), 1);
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_before_it_is_sent() {
    let service = Service::saying(vec![stop()]).await;
    let mut in_chat = question("Hi");
    in_chat.chat = Some("abc".into());
    for request in [in_chat, question("  "), ChatRequest::new("", Vec::new())] {
        let error = service.api().create_completion(request).text().await.expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    }
    assert!(service.seen().is_empty());
}
