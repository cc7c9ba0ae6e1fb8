//! A lost socket, missed updates, silence: the exact text in the end, or an error that says so.

mod support;

use std::time::Duration;

use lenore_provider::{ErrorKind, Event};
use lenore_sim::Seen;
use support::World;

#[tokio::test(flavor = "multi_thread")]
async fn what_the_socket_lost_is_read_again() {
    let world = World::new().await;
    let faults = [
        "drop-socket=0",
        "drop-socket=3",
        "drop-socket=5, away=1000",
        "missed=4",
        "missed=4, lose=30",
        "refetch=2",
        "drop-socket=4, rewrite, placeholder, others",
        "missed=2, early, no-echo",
    ];
    for (n, fault) in faults.into_iter().enumerate() {
        let answer = world.ask(&format!("Hi [[sim: {fault}]]")).await;
        assert_eq!(answer.complete(), world.site_text(), "{fault}");
        assert_eq!(world.prompts().len(), n + 1, "{fault}: never sent twice");
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_ends_in_an_error_with_what_was_received_and_a_stop() {
    let world = World::with(|builder| builder.timeout(Duration::from_secs(1))).await;
    let answer = world.ask("Hi [[sim: silent=4]]").await;
    let deltas = answer.events.iter().any(|event| matches!(event, Event::Delta(_)));
    assert!(deltas, "what came was passed on");
    let text = answer.text.clone();
    let error = answer.failed();
    assert_eq!(error.kind(), ErrorKind::AnswerLost, "{error}");
    assert_eq!(error.partial(), Some(&*text));
    assert!(world.sim.log().iter().any(|entry| matches!(entry.what, Seen::Stop { .. })));
    let error = world.ask("Hi [[sim: silent=0]]").await.failed();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    assert_eq!(world.prompts().len(), 2, "never sent twice");
    world.end().await;
}
