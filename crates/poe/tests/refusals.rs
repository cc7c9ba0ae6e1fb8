//! What the site refuses is an error of the right kind, at once, with the prompt sent at most once.

mod support;

use std::time::{Duration, Instant};

use lenore_provider::{ChatRequest, ErrorKind, Message};
use support::{World, ask};

#[tokio::test(flavor = "multi_thread")]
async fn refusals_and_failed_answers_are_errors_of_their_kind() {
    use ErrorKind::*;
    let world = World::new().await;
    let cases = [
        ("status=reached_limit", Quota),
        ("status=rate_limit_exceeded", RateLimited),
        ("status=concurrent_messages", RateLimited),
        ("status=too_many_tokens", TooLong),
        ("status=no_access", NoAccess),
        ("status=unsupported_file_type", Attachment),
        ("status=file_too_large", Attachment),
        ("status=never_seen_before", Bot),
        ("errors", Bot),
        ("http=401", NotSignedIn),
        ("http=403", NoAccess),
        ("http=429", RateLimited),
        ("http=500", Bot),
        ("html", Bot),
        ("state=error_user_message_too_long", TooLong),
        ("state=error_off_topic, state-text=I would rather not", Bot),
        ("state=cancelled", Cancelled),
    ];
    for (n, (words, kind)) in cases.into_iter().enumerate() {
        let prompt = format!("Nobody must read this. [[sim: {words}]]");
        let begin = Instant::now();
        let error = world.ask(&prompt).await.failed();
        assert_eq!(error.kind(), kind, "{words}: {error}");
        assert!(begin.elapsed() < Duration::from_secs(20), "{words}: at once, not by a deadline");
        assert!(!format!("{error:?}").contains("Nobody"), "{error:?}");
        assert_eq!(world.prompts().len(), n + 1, "{words}");
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_site_says_is_passed_on() {
    let world = World::new().await;
    let error = world.ask("Hi [[sim: http=429, retry-after=17]]").await.failed();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(17)));
    let error = world.ask("Hi [[sim: http=429, retry-after=40, retry-date]]").await.failed();
    let wait = error.retry_after().expect("a date is a wait too").as_secs();
    assert!((30..=40).contains(&wait), "{wait}");
    let prompt = "Hi [[sim: status=no_access, status-message=Subscribers only]]";
    let error = world.ask(prompt).await.failed();
    assert!(error.to_string().contains("Subscribers only"), "{error}");
    let prompt = "Hi [[sim: state=error_off_topic, after=4, state-text=I would rather not]]";
    let error = world.ask(prompt).await.failed();
    assert!(error.to_string().contains("I would rather not"), "{error}");
    assert!(error.partial().is_some_and(|partial| !partial.is_empty()));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_requests_are_refused_before_any_browser_starts() {
    let world = World::signed_out(|builder| builder.browser_binary("/nonexistent")).await;
    let hi = || vec![Message::user("Hi")];
    let cases = [
        (ChatRequest::new("gpt-5000", hi()), ErrorKind::UnsupportedModel),
        (ChatRequest::new("poe/../settings", hi()), ErrorKind::UnsupportedModel),
        (ChatRequest::new("gpt-4", vec![]), ErrorKind::InvalidRequest),
        (ChatRequest::new("gpt-4", vec![Message::user(" \n\t")]), ErrorKind::InvalidRequest),
        (
            ChatRequest { chat: Some("../x".into()), ..ChatRequest::new("gpt-4", hi()) },
            ErrorKind::InvalidRequest,
        ),
        (
            ChatRequest { attachments: vec!["/none".into()], ..ChatRequest::new("gpt-4", hi()) },
            ErrorKind::Attachment,
        ),
        (
            ChatRequest { attachments: vec!["/tmp".into()], ..ChatRequest::new("gpt-4", hi()) },
            ErrorKind::Attachment,
        ),
    ];
    for (request, kind) in cases {
        let error = ask(&world.poe, request).await.failed();
        assert_eq!(error.kind(), kind, "{error}");
    }
    let error = world.ask("Hi").await.failed();
    assert_eq!(error.kind(), ErrorKind::Browser, "only now is a browser needed: {error}");
    assert!(world.sim.log().is_empty());
    world.end().await;
}
