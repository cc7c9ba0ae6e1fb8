//! Answers are exact, whatever the site does on the way: a real browser on the local site.

mod support;

use lenore_provider::{ChatRequest, Event, Message};
use support::{World, ask};

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_streams_and_is_exact() {
    let world = World::new().await;
    let answer = world.ask("Tell me of ravens.").await;
    assert_eq!(answer.complete(), world.site_text());
    assert!(matches!(answer.events[0], Event::Started { .. }), "{:?}", answer.events[0]);
    let deltas = answer.events.iter().filter(|event| matches!(event, Event::Delta(_))).count();
    assert!(deltas > 5, "it came in pieces");
    assert_eq!(world.prompts(), ["Tell me of ravens."]);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sites_habits_change_nothing_of_the_text() {
    let world = World::new().await;
    let habits = [
        "batch=3",
        "placeholder",
        "rewrite",
        "others",
        "stale",
        "noise",
        "early",
        "slow-reply=300",
        "no-echo",
        "completed",
        "emoji",
        "code",
        "empty",
        "gap=0, chunks=300, length=20000",
        "batch=4, placeholder, rewrite, others, stale, noise, early, suggestions=3, cost=12",
        "early, no-echo, slow-reply=500, others, rewrite",
    ];
    for habit in habits {
        let prompt = format!("Tell me of ravens. [[sim: {habit}]]");
        let answer = world.ask(&prompt).await;
        assert_eq!(answer.complete(), world.site_text(), "{habit}");
        assert_eq!(world.prompts().last(), Some(&prompt), "{habit}");
    }
    assert_eq!(world.prompts().len(), habits.len());
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_streaming_the_text_comes_once() {
    let world = World::new().await;
    let mut request = ChatRequest::new("", vec![Message::user("Hi [[sim: rewrite, placeholder]]")]);
    request.stream = false;
    let answer = ask(&world.poe, request).await;
    assert_eq!(answer.complete(), world.site_text());
    let deltas: Vec<_> =
        answer.events.iter().filter(|event| matches!(event, Event::Delta(_))).collect();
    assert_eq!(deltas, [&Event::Delta(world.site_text())]);
    assert!(!answer.events.iter().any(|event| matches!(event, Event::Replace { .. })));
    world.end().await;
}

#[tokio::test]
async fn a_reply_just_after_the_end_still_tells_the_chat() {
    let world = World::new().await;
    // The first question is asked on a cold page.
    world.ask("Hi").await.complete();
    let answer = world.ask("Hi [[sim: say=Hello., gap=0, delay=0, slow-reply=60]]").await;
    assert_eq!(answer.complete(), "Hello.");
    assert!(answer.chat().is_some(), "{:?}", answer.events);
    world.end().await;
}
