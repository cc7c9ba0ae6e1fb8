//! Answers that are larger than they may be.

use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use futures_util::StreamExt as _;
use lenore_gateway::Gateway;
use lenore_provider::Event;
use serde_json::json;
use tower::ServiceExt as _;

use crate::support::{Fake, Server, Step, delta, finished, frames, post, started};

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

#[tokio::test]
async fn what_repeats_a_large_answer_is_made_as_the_client_takes_it() {
    const SIZE: usize = 1024 * 1024;
    let (thoughts, text) = ("t".repeat(SIZE), "x".repeat(SIZE));
    let steps = [started(), Step::Say(Event::Thought(thoughts.clone())), delta(&text), finished()];
    let fake = Fake::new(move |_| steps.to_vec());
    let gateway = Gateway::builder(Arc::new(fake)).build().expect("valid options");
    let body = json!({ "model": "raven", "input": "hi", "stream": true });
    let request = Request::post("/v1/responses")
        .header("host", "localhost")
        .header("content-type", "application/json")
        .body(Body::from(body.to_string()))
        .expect("a request");
    let reply = gateway.router().oneshot(request).await.expect("a reply");
    let mut pieces = reply.into_body().into_data_stream();
    let (mut count, mut all) = (0, Vec::new());
    while let Some(piece) = pieces.next().await {
        let piece = piece.expect("a piece");
        // One event with the text, two with the thoughts and the text at the end.
        assert!(piece.len() < 2 * SIZE + 64 * 1024, "{} bytes at once", piece.len());
        count += 1;
        all.extend_from_slice(&piece);
    }
    assert!(count > 6, "{count} pieces");
    let all = String::from_utf8(all).expect("text");
    let names: Vec<_> = frames(&all).into_iter().filter_map(|(name, _)| name).collect();
    let part_of = |name: &String| name.ends_with(".done") || name.ends_with(".completed");
    let ends: Vec<_> = names.iter().filter(|name| part_of(name)).map(String::as_str).collect();
    let expected = [
        "response.reasoning_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ];
    assert_eq!(ends, expected);
    let (_, last) = frames(&all).pop().expect("frames");
    let last: serde_json::Value = serde_json::from_str(&last).expect("JSON");
    let output = &last["response"]["output"];
    assert_eq!(output[0]["content"][0]["text"], thoughts);
    assert_eq!(output[1]["content"][0]["text"], text);
}
