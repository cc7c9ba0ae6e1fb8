//! The browser, or a tab of it, dies at the worst moment.

use lenore_provider::{ChatRequest, Event, Message, Provider, Transcript};
use lenore_sim::Seen;
use tokio::time::timeout;

use crate::case::HANG;
use crate::support::processes::{kill, processes};
use crate::support::{WAIT, World, ask};

const SLOW: &str = "Tell me of ravens. [[sim: length=3000, chunks=60, gap=40]]";

/// Asks, and kills what matches each time that many pieces of text have come.
async fn ask_and_kill(world: &World, what: &str, after: &[usize]) -> String {
    let request = ChatRequest::new("gpt-4", vec![Message::user(SLOW)]);
    let mut completion = world.poe.create_completion(request);
    let (mut text, mut pieces) = (Transcript::default(), 0);
    let followed = async {
        while let Some(event) = completion.next().await {
            let event = event.expect("nothing is lost");
            text.apply(&event);
            if matches!(event, Event::Delta(_)) {
                pieces += 1;
                if after.contains(&pieces) {
                    assert!(kill(world.profile.path(), what) > 0, "{what}");
                }
            }
        }
    };
    timeout(HANG, followed).await.expect("no hang");
    text.into_text()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tab_that_crashes_amid_an_answer_loses_nothing() {
    let world = World::new().await;
    let text = ask_and_kill(&world, "--type=renderer", &[3]).await;
    assert_eq!(text, world.site_text());
    assert_eq!(world.prompts().len(), 1);
    let text = ask_and_kill(&world, "--type=renderer", &[2, 5]).await;
    assert_eq!(text, world.site_text(), "crashed twice");
    assert_eq!(world.prompts().len(), 2);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn helpers_that_die_amid_an_answer_lose_nothing() {
    let world = World::new().await;
    for helper in ["--utility-sub-type=network", "--type=gpu-process"] {
        let is_there = processes().any(|(_, (_, command))| command.contains(helper));
        let text = ask_and_kill(&world, helper, if is_there { &[3] } else { &[] }).await;
        assert_eq!(text, world.site_text(), "{helper}");
    }
    assert_eq!(world.prompts().len(), 2);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_before_the_question_is_made_up_for() {
    let world = World::new().await;
    // The first kills a tab, the second the whole browser.
    for what in ["--type=renderer", "--user-data-dir"] {
        let begin = world.sim.log().len() as u64;
        let request = ChatRequest::new("poe/Sim-SlowBox", vec![Message::user(format!("{what}?"))]);
        let (answer, ()) = tokio::join!(ask(&world.poe, request), async {
            let arrived = world
                .sim
                .wait_for(|entry| entry.n >= begin && matches!(entry.what, Seen::SocketOpen), WAIT);
            assert!(arrived.await.is_some());
            assert!(kill(world.profile.path(), what) > 0, "{what}");
        });
        assert_eq!(answer.complete(), world.site_text(), "{what}");
    }
    assert_eq!(world.prompts().len(), 2);
    world.end().await;
}
