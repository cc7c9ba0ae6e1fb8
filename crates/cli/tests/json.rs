//! `ask --json`: every event as an object on a line of its own, by the names that are documented.

mod support;

use serde_json::{Value, json};
use support::{Home, World};

#[tokio::test(flavor = "multi_thread")]
async fn every_event_is_a_line() {
    let world = World::new().await;
    let scenario = "rewrite, placeholder, suggestions=3, cost=12, title=Of ravens, emoji, others";
    let prompt = format!("Tell me of ravens. [[sim: {scenario}]]");
    let ended = world.ask(&["--json", "-m", "gpt-4", &prompt]).await.with_code(0);
    assert_eq!(ended.remarks(), Vec::<&str>::new());
    let events = events(&ended.stdout);
    assert_eq!(fold(&events), world.site_text());
    assert_eq!(events[0]["type"], "started");
    assert_eq!(events.last(), Some(&json!({ "type": "finished", "reason": "complete" })));
    assert_eq!(of(&events, "finished").len(), 1);
    assert!(of(&events, "delta").len() > 5, "it came in pieces");
    assert!(!of(&events, "replace").is_empty(), "it was rewritten");
    let status = of(&events, "status");
    assert!(status[0]["text"].as_str().is_some_and(|text| text.starts_with("Thinking")));
    assert_eq!(of(&events, "title"), [&json!({ "type": "title", "text": "Of ravens" })]);
    assert_eq!(of(&events, "cost"), [&json!({ "type": "cost", "points": 12 })]);
    assert_eq!(of(&events, "suggestion").len(), 3);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_streaming_the_text_is_one_line() {
    let world = World::new().await;
    let prompt = "Tell me of ravens. [[sim: rewrite, placeholder]]";
    let ended = world.ask(&["--json", "--no-stream", prompt]).await.with_code(0);
    let events = events(&ended.stdout);
    let text = world.site_text();
    assert_eq!(of(&events, "delta"), [&json!({ "type": "delta", "text": text })]);
    assert!(of(&events, "replace").is_empty());
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_chat_that_is_named_can_be_continued() {
    let world = World::new().await;
    let first = world.ask(&["--json", "Ravens? [[sim: gap=0]]"]).await.with_code(0);
    let first = events(&first.stdout);
    let started = of(&first, "started")[0];
    let chat = started["chat"].as_str().expect("its code");
    let second = world.ask(&["--json", "--chat", chat, "And crows? [[sim: stale]]"]).await;
    let second = events(&second.with_code(0).stdout);
    let again = of(&second, "started")[0];
    assert_eq!(again["chat"], started["chat"]);
    assert_ne!(again["message"], started["message"]);
    assert_eq!(fold(&second), world.site_text());
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_is_the_last_line() {
    let world = World::new().await;
    let prompt = "Ravens? [[sim: http=429, retry-after=7]]";
    let ended = world.ask(&["--json", "--patience", "0", prompt]).await.with_code(5);
    let refused = events(&ended.stdout);
    let [error] = &refused[..] else { panic!("only the error is due: {refused:#?}") };
    assert_eq!((&error["kind"], &error["retry_after"]), (&json!("rate_limited"), &json!(7.0)));
    assert_eq!(error["message"], ended.error());

    let prompt = "Ravens? [[sim: state=error_whatever, after=3]]";
    let ended = world.ask(&["--json", prompt]).await.with_code(7);
    let failed = events(&ended.stdout);
    let error = failed.last().expect("a line");
    assert_eq!((&error["type"], &error["kind"]), (&json!("error"), &json!("bot")));
    assert_eq!(error["partial"], world.site_text());
    assert_eq!(fold(&failed), world.site_text());

    let ended = world.ask(&["--json", "-m", "gpt-40", "Ravens?"]).await.with_code(3);
    let unknown = events(&ended.stdout);
    assert_eq!(unknown.len(), 1);
    assert_eq!(unknown[0]["kind"], "unsupported_model");
    world.end().await;
}

#[tokio::test]
async fn an_error_before_the_question_is_a_line_too() {
    let home = Home::new();
    for arguments in [
        &["--config", "/nope", "ask", "--json", "x"][..],
        &["ask", "--json", "--bogus", "x"],
        &["ask", "--bogus", "--json", "x"],
        &["ask", "--json", "--timeout", "soon", "x"],
        &["ask", "--json", "-c", "x"],
    ] {
        let ended = home.run(arguments).await.with_code(2);
        let [error] = &events(&ended.stdout)[..] else { panic!("one line is due: {ended:#?}") };
        assert_eq!(error["kind"], "invalid_request", "{ended:#?}");
        let message = error["message"].as_str().expect("words");
        assert!(ended.error().starts_with(message), "{ended:#?}");
    }
    let ended = home.run(&["ask", "--bogus", "--", "--json"]).await.with_code(2);
    assert_eq!(ended.stdout, "");
}

/// The events of an output, each with the names it must have and no others.
#[track_caller]
fn events(stdout: &str) -> Vec<Value> {
    assert!(stdout.ends_with('\n'), "{stdout:?}");
    let parsed = |line: &str| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line:?}"));
    let events: Vec<Value> = stdout.lines().map(parsed).collect();
    for event in &events {
        let (must, may): (&[&str], &[&str]) = match event["type"].as_str() {
            Some("started") => (&["chat", "message", "bot"], &[]),
            Some("delta" | "status" | "title" | "suggestion") => (&["text"], &[]),
            Some("replace") => (&["keep", "text"], &[]),
            Some("cost") => (&["points"], &[]),
            Some("finished") => (&["reason"], &[]),
            Some("error") => (&["kind", "message"], &["retry_after", "partial", "in_doubt"]),
            other => panic!("no event is called {other:?}: {event}"),
        };
        let names: Vec<_> = event.as_object().expect("an object").keys().collect();
        assert!(must.iter().all(|name| event.get(name).is_some()), "{event}");
        let known = |name: &str| name == "type" || must.contains(&name) || may.contains(&name);
        assert!(names.into_iter().all(|name| known(name)), "{event}");
    }
    let (last, others) = events.split_last().expect("at least one");
    let is_end = |event: &Value| event["type"] == "finished" || event["type"] == "error";
    assert!(is_end(last) && !others.iter().any(is_end), "{stdout}");
    events
}

fn of<'a>(events: &'a [Value], kind: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["type"] == kind).collect()
}

/// The text that the documented names add up to, counted in characters.
fn fold(events: &[Value]) -> String {
    let mut text: Vec<char> = Vec::new();
    for event in events {
        let added = event["text"].as_str().unwrap_or_default().chars();
        match event["type"].as_str() {
            Some("delta") => text.extend(added),
            Some("replace") => {
                let keep = event["keep"].as_u64().and_then(|keep| usize::try_from(keep).ok());
                text.truncate(keep.expect("a number"));
                text.extend(added);
            }
            _ => {}
        }
    }
    text.into_iter().collect()
}
