//! Each way to fail has its kind, says what to do, and keeps what came before it.

mod support;

use std::io;
use std::time::Duration;

use axum::body::Body;
use axum::http::Response;
use futures_util::stream::{self, StreamExt};
use lenore_poe_api::PoeApi;
use lenore_provider::{ErrorKind, Provider};
use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use crate::support::{
    KEY, Service, WAIT, chunk, in_time, question, refusal, sse, stop, text, then_broken,
    then_nothing,
};

fn body(type_: &str, message: &str) -> String {
    json!({ "error": { "type": type_, "message": message, "code": null, "param": null } })
        .to_string()
}

#[tokio::test]
async fn every_status_has_its_kind() {
    let rows = [
        (301, "", ErrorKind::Network),
        (400, "invalid_request_error", ErrorKind::InvalidRequest),
        (400, "context_length_exceeded", ErrorKind::TooLong),
        (401, "authentication_error", ErrorKind::NotSignedIn),
        (402, "insufficient_credits", ErrorKind::Quota),
        (403, "permission_error", ErrorKind::NoAccess),
        (404, "not_found_error", ErrorKind::UnsupportedModel),
        (408, "timeout_error", ErrorKind::Timeout),
        (413, "request_too_large", ErrorKind::TooLong),
        (418, "", ErrorKind::InvalidRequest),
        (429, "rate_limit_error", ErrorKind::RateLimited),
        (429, "insufficient_quota", ErrorKind::Quota),
        (500, "provider_error", ErrorKind::Bot),
        (502, "upstream_error", ErrorKind::Bot),
        (504, "", ErrorKind::Timeout),
        (529, "overloaded_error", ErrorKind::Bot),
    ];
    for (status, type_, kind) in rows {
        let words = body(type_, &format!("no, {KEY} does not fly"));
        let service = Service::new(move |_| refusal(status, words.clone()));
        let error = service.await.failure().await;
        assert_eq!(error.kind(), kind, "{status} {type_}");
        let says = error.to_string().contains("… does not fly");
        assert_eq!(says, kind != ErrorKind::NotSignedIn, "{error}");
    }
}

#[tokio::test]
async fn a_refusal_without_words_is_told_by_its_status() {
    for words in ["", "<html>busy</html>", "{", "[1]", "\u{0}"] {
        let service = Service::new(move |_| refusal(503, words)).await;
        assert_eq!(service.failure().await.kind(), ErrorKind::Bot);
    }
    let endless = || Body::from_stream(stream::repeat_with(|| io::Result::Ok("x".repeat(4_096))));
    let service = Service::new(move |_| refusal(404, endless())).await;
    assert_eq!(service.failure().await.kind(), ErrorKind::UnsupportedModel);
}

#[tokio::test]
async fn a_wrong_key_points_at_the_key() {
    let service = Service::new(|_| refusal(401, "")).await;
    assert!(service.failure().await.to_string().contains("POE_API_KEY"));
}

#[tokio::test]
async fn how_long_to_wait_is_told() {
    for (name, value) in [("retry-after", "7"), ("x-ratelimit-reset-requests", "7")] {
        let service = Service::new(move |_| {
            let response = Response::builder().status(429).header(name, value);
            response.body(Body::empty()).expect("a response")
        });
        let error = service.await.failure().await;
        assert_eq!(error.retry_after(), Some(Duration::from_secs(7)), "{name}");
        assert_eq!(error.kind(), ErrorKind::RateLimited);
    }
}

#[tokio::test]
async fn a_refusal_in_the_stream_keeps_what_came_before() {
    let error = body("rate_limit_error", "slower");
    let service = Service::saying(vec![text("half"), format!("data: {error}\n\n"), stop()]).await;
    let error = service.failure().await;
    assert_eq!((error.kind(), error.partial()), (ErrorKind::RateLimited, Some("half")));

    let filter = chunk(json!({ "content": " an" }), Some("content_filter"));
    let service = Service::saying(vec![text("half"), filter]).await;
    let error = service.failure().await;
    assert_eq!((error.kind(), error.partial()), (ErrorKind::Bot, Some("half an")));
}

#[tokio::test]
async fn an_answer_without_an_end_is_lost_and_not_what_came() {
    for end in ["", ": alive\n\n", "data: {\"choi", "data: {\"choices\":7}\n\n", "data: \n\n"] {
        let service = Service::saying(vec![text("half"), end.into()]).await;
        let error = service.failure().await;
        assert_eq!((error.kind(), error.partial()), (ErrorKind::AnswerLost, Some("half")), "{end}");

        let pieces = vec![text("half"), end.into()];
        let service = Service::new(move |_| sse(then_broken(pieces.clone())));
        let error = service.await.failure().await;
        assert_eq!((error.kind(), error.partial()), (ErrorKind::AnswerLost, Some("half")), "{end}");
    }
    let bytes = || [text("half").into(), b"data: \xff\xfe\n\n".as_slice().into()];
    let service = Service::new(move |_| sse(stream::iter(bytes().map(Ok)))).await;
    let error = service.failure().await;
    assert_eq!((error.kind(), error.partial()), (ErrorKind::AnswerLost, Some("half")));
}

#[tokio::test]
async fn an_end_without_a_word_or_a_reason_is_none() {
    let service = Service::saying(vec!["data: [DONE]\n\n".into()]).await;
    assert_eq!(service.failure().await.kind(), ErrorKind::AnswerLost);
    // With a reason it is the bot's own.
    assert_eq!(Service::saying(vec![stop()]).await.ask().await.expect("an end"), "");
}

#[tokio::test]
async fn who_only_lives_is_not_waited_for_for_ever() {
    let beat = Duration::from_millis(20);
    let service = Service::new(move |_| {
        sse(stream::unfold((), move |()| async move {
            tokio::time::sleep(beat).await;
            Some((Ok(": alive\n\n".into()), ()))
        }))
    });
    let service = service.await;
    let mut request = question("Hi");
    request.timeout = Some(Duration::from_millis(200));
    let answer = service.api().create_completion(request).text();
    let error = in_time("the end of the patience", answer).await.expect_err("it says nothing");
    assert_eq!(error.kind(), ErrorKind::Timeout);
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_end_takes_nothing_away() {
    let service = Service::new(|_| sse(then_broken(vec![text("whole"), stop()])));
    assert_eq!(service.await.ask().await.expect("an end"), "whole");
    // And one that stays open does not hold it up.
    let service = Service::new(|_| sse(then_nothing(vec![text("whole"), stop()]))).await;
    assert_eq!(service.ask().await.expect("an end"), "whole");
}

#[tokio::test]
async fn something_that_is_no_stream_is_no_answer() {
    for words in ["<html>Sign in to the network</html>", "{\"choices\":[]}"] {
        let service = Service::new(move |_| refusal(200, words)).await;
        let error = service.failure().await;
        assert_eq!((error.kind(), error.partial()), (ErrorKind::AnswerLost, None));
    }
}

#[tokio::test]
async fn silence_is_borne_for_so_long() {
    let service = Service::new(|_| sse(then_nothing(vec![text("half")]))).await;
    let mut request = question("Hi");
    request.timeout = Some(Duration::from_millis(300));
    let answer = service.api().create_completion(request.clone()).text();
    let error = in_time("the silence's end", answer).await.expect_err("silence");
    assert_eq!((error.kind(), error.partial()), (ErrorKind::Timeout, Some("half")));

    // A sign of life counts, though it says nothing.
    let service = Service::new(|_| {
        let signs = stream::unfold(0, async |count| {
            tokio::time::sleep(Duration::from_millis(100)).await;
            (count < 8).then(|| (Ok(": alive\n\n".into()), count + 1))
        });
        sse(signs.chain(stream::iter([text("late"), stop()]).map(|text| Ok(text.into()))))
    });
    let service = service.await;
    let answer = service.api().create_completion(request).text();
    assert_eq!(in_time("the answer", answer).await.expect("signs of life"), "late");
}

#[tokio::test]
async fn a_server_that_takes_the_question_and_says_nothing_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let api = PoeApi::builder().url(url).key(KEY).timeout(Duration::from_millis(300));
    let api = api.build().expect("good options");
    let error = in_time("the silence's end", api.create_completion(question("Hi")).text()).await;
    assert_eq!(error.expect_err("silence").kind(), ErrorKind::Timeout);
    let error = in_time("the silence's end", api.balance()).await.expect_err("silence");
    assert_eq!(error.kind(), ErrorKind::Timeout);
}

#[tokio::test]
async fn the_deadline_holds_however_lively_the_answer_is() {
    let service = Service::new(|_| {
        let endless = stream::unfold((), async |()| {
            tokio::time::sleep(Duration::from_millis(20)).await;
            Some((Ok(text("and ").into()), ()))
        });
        sse(endless)
    });
    let service = service.await;
    let mut request = question("Hi");
    request.deadline = Some(Duration::from_millis(400));
    let answer = service.api().create_completion(request).text();
    let error = in_time("the deadline", answer).await.expect_err("endless");
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.partial().is_some_and(|text| text.starts_with("and and ")));
}

#[tokio::test]
async fn nobody_there_is_a_matter_of_the_network() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let api = PoeApi::builder().url(&url).key(KEY).build().expect("good options");
    let answer = api.create_completion(question("Hi")).text();
    // Somebody who takes the question and leaves: it may have been asked.
    let (error, ()) = tokio::join!(in_time("the loss", answer), async {
        let (mut socket, _) = listener.accept().await.expect("a client");
        let mut bytes = [0; 64];
        let read = tokio::time::timeout(WAIT, socket.read(&mut bytes)).await;
        assert!(read.expect("in time").expect("readable") > 0);
    });
    assert_eq!(error.expect_err("it left").kind(), ErrorKind::AnswerLost);
    drop(listener);
    let error = in_time("the refusal", api.create_completion(question("Hi")).text()).await;
    let error = error.expect_err("nobody");
    assert_eq!(error.kind(), ErrorKind::Network);
    assert!(!format!("{error:?}").contains(KEY));
}
