//! Answers that are larger than they may be.

use serde_json::json;

use crate::support::{Fake, Server, Step, delta, finished, frames, post, started};
use lenore_provider::Event;

const PATH: &str = "/v1/chat/completions";

#[tokio::test]
async fn an_answer_that_is_too_large_is_stopped_and_what_there_is_is_told() {
    let piece = "x".repeat(400);
    let long = move || {
        let pieces = std::iter::repeat_n(delta(&piece), 2);
        std::iter::once(started()).chain(pieces).chain([delta("yyy"), Step::Hang])
    };
    for (steps, partial) in [
        (long().collect::<Vec<_>>(), format!("{}yyy", "x".repeat(800))),
        // Thoughts count.
        (
            [started(), delta("x"), Step::Say(Event::Thought("z".repeat(801))), Step::Hang]
                .to_vec(),
            "x".to_owned(),
        ),
        (
            [
                started(),
                delta("x"),
                Step::Say(Event::Replace { keep: 0, text: "w".repeat(900) }),
                Step::Hang,
            ]
            .to_vec(),
            "w".repeat(900),
        ),
    ] {
        let fake = Fake::new(move |_| steps.clone());
        let server = Server::with(fake, |builder| builder.largest_answer(801)).await;
        for stream in [false, true] {
            let body =
                json!({ "messages": [{ "role": "user", "content": "hi" }], "stream": stream });
            let reply = post(server.address, PATH, &[], &body).await;
            let error = if stream {
                let frames = frames(&reply.with_status(200).body);
                serde_json::from_str(&frames.last().expect("frames").1).expect("JSON")
            } else {
                let reply = reply.with_status(502);
                assert_eq!(reply.header("x-should-retry"), Some("false"));
                reply.json()
            };
            assert_eq!(error["error"]["code"], "answer_too_large");
            let message = error["error"]["message"].as_str().expect("a message");
            assert!(message.contains("801 bytes") && message.contains("--max-answer"), "{message}");
            let found = error["error"]["partial"].as_str().unwrap_or_default();
            assert_eq!(found, partial);
            server.fake.until_running(0).await;
        }
        server.end().await;
    }
}

#[tokio::test]
async fn an_answer_of_just_the_size_is_handed_out() {
    let text = "é".repeat(400);
    let steps = [started(), delta(&text), delta("!"), finished()];
    let fake = Fake::new(move |_| steps.to_vec());
    let server = Server::with(fake, |builder| builder.largest_answer(801)).await;
    let body = json!({ "messages": [{ "role": "user", "content": "hi" }] });
    let reply = post(server.address, PATH, &[], &body).await.with_status(200).json();
    assert_eq!(reply["choices"][0]["message"]["content"], format!("{text}!"));
    server.end().await;
}
