//! An answer that does not have the form that is asked: mended once, or handed out as it is.

use crate::forms::{BAD, GOOD, PATH, ask, mending, streamed, tools};
use crate::support::{Fake, Server, Step, delta, finished, post, started};
use lenore_provider::{ChatRequest, ErrorKind, Event, FinishReason, Role};
use serde_json::json;

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
async fn what_is_cut_is_not_mended() {
    let server = Server::start([started(), delta("I look.\n<tool_call>{\"na"), Step::Hang]).await;
    let body = ask("hi", json!({ "tools": tools(), "max_tokens": 5 }));
    let choice =
        &post(server.address, PATH, &[], &body).await.with_status(200).json()["choices"][0];
    assert_eq!(choice["finish_reason"], "length");
    assert_eq!(choice["message"]["content"], "I look.");
    assert_eq!(server.fake.asked().len(), 1);
    server.end().await;
}

#[tokio::test]
async fn what_mends_may_be_text_after_all() {
    for (first, second) in
        [(BAD, "It is 20 °C."), ("I look.\n<tool_call>is a tag", "I look.\n<tool_call>")]
    {
        let server = Server::over(mending(first, second)).await;
        for stream in [false, true] {
            let body = ask("weather?", json!({ "tools": tools(), "stream": stream }));
            let reply = post(server.address, PATH, &[], &body).await.with_status(200);
            let (text, notes) = if stream {
                streamed(&reply.body)
            } else {
                let whole = reply.json();
                let text = whole["choices"][0]["message"]["content"].as_str().expect("a text");
                (text.to_owned(), whole["lenore"].clone())
            };
            let from = notes["exact_from"].as_u64().unwrap_or_default();
            let exact: String = text.chars().skip(usize::try_from(from).expect("small")).collect();
            assert_eq!(exact, second, "{text}");
            assert!(text.starts_with("I look.") == (stream || second.starts_with("I look.")));
        }
        server.end().await;
    }
    // Who must call a tool, and cannot, has failed.
    let server = Server::over(mending("<tool_call>is a tag", "<tool_call>is one")).await;
    let body = ask("weather?", json!({ "tools": tools(), "tool_choice": "required" }));
    post(server.address, PATH, &[], &body).await.with_status(502);
    server.end().await;
}

#[tokio::test]
async fn without_a_chat_the_conversation_is_sent_again_to_mend() {
    let server = Server::over(Fake::new(|request: &ChatRequest| {
        let is_first = request.messages.len() == 2;
        vec![delta(if is_first { BAD } else { GOOD }), finished()]
    }))
    .await;
    let body = ask("weather?", json!({ "tools": tools() }));
    let whole = post(server.address, PATH, &[], &body).await.with_status(200).json();
    assert_eq!(whole["choices"][0]["finish_reason"], "tool_calls");
    let request = &server.fake.asked()[1].request;
    let roles: Vec<_> = request.messages.iter().map(|message| message.role).collect();
    assert_eq!(roles, [Role::System, Role::User, Role::Assistant, Role::User]);
    assert_eq!(request.messages[2].content, BAD);
    assert!(request.chat.is_none() && request.messages[3].content.contains("/city"));
    server.end().await;
}

#[tokio::test]
async fn what_the_provider_cuts_is_not_mended_either() {
    let length = Step::Say(Event::Finished { reason: FinishReason::Length });
    for (more, text, expected) in [
        (json!({ "tools": tools() }), "I look.\n<tool_call>{\"na", "I look."),
        (json!({ "response_format": { "type": "json_object" } }), "{\"na", "{\"na"),
    ] {
        let server = Server::start([started(), delta(text), length.clone()]).await;
        let whole = post(server.address, PATH, &[], &ask("hi", more)).await.with_status(200).json();
        assert_eq!(whole["choices"][0]["finish_reason"], "length");
        assert_eq!(whole["choices"][0]["message"]["content"], expected);
        assert_eq!(server.fake.asked().len(), 1);
        server.end().await;
    }
    let server = Server::start([started(), delta("{\"a\": END"), Step::Hang]).await;
    let more = json!({ "response_format": { "type": "json_object" }, "stop": "END" });
    let whole = post(server.address, PATH, &[], &ask("hi", more)).await.with_status(200).json();
    assert_eq!(whole["choices"][0]["message"]["content"], "{\"a\": ");
    assert_eq!(server.fake.asked().len(), 1);
    server.end().await;
}

#[tokio::test]
async fn who_was_asked_is_not_asked_again_after_a_refusal() {
    let limited = |at: usize| {
        let asked = std::sync::atomic::AtomicUsize::new(0);
        Fake::new(move |_| {
            if asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == at {
                return vec![Step::Fail(ErrorKind::RateLimited)];
            }
            vec![started(), delta(BAD), finished()]
        })
    };
    // The question that mends is refused, or one of several, or the rest of an answer.
    let half = Fake::new(|_| vec![delta("half"), Step::Fail(ErrorKind::RateLimited)]);
    for (fake, more) in [
        (limited(1), json!({ "tools": tools() })),
        (limited(1), json!({ "n": 2 })),
        (limited(0), json!({ "n": 2, "stream": true })),
        (half, json!({})),
    ] {
        let server = Server::over(fake).await;
        let reply = post(server.address, PATH, &[], &ask("hi", more.clone())).await;
        assert_eq!(reply.header("x-should-retry"), Some("false"), "{more}: {reply:#?}");
        server.end().await;
    }
    let server = Server::over(limited(0)).await;
    let reply = post(server.address, PATH, &[], &ask("hi", json!({}))).await.with_status(429);
    assert_eq!(reply.header("x-should-retry"), Some("true"), "nobody was asked");
    server.end().await;
}
