//! Many tabs hear through one socket: nothing is lost by it, whatever happens to who hears.

mod support;

use std::collections::BTreeSet;
use std::time::Duration;

use lenore_provider::{ChatRequest, Message};
use lenore_sim::{LogEntry, Seen};
use support::processes::kill;
use support::{WAIT, World, ask};

const CHATS: usize = 6;

fn sockets(world: &World) -> usize {
    world.sim.log().iter().filter(|entry| matches!(entry.what, Seen::SocketOpen)).count()
}

/// Has tabs wait at the prompt that hear through one socket.
async fn share(world: &World) {
    world.poe.warm_up("gpt-4", CHATS).await.expect("prompts");
    let sockets = sockets(world);
    // Without sharing there would be two more: those of the sign-in and of the hub.
    assert!(sockets <= CHATS, "{sockets} sockets");
}

/// Asks several questions at once, each with its own part in the answer, and checks each answer.
async fn all_are_exact(world: &World, scenario: impl Fn(usize) -> String) {
    let before = world.prompts().len();
    let answers: Vec<_> = (0..CHATS)
        .map(|n| {
            let prompt = format!("Question {n} [[sim: {}]]", scenario(n));
            let request = ChatRequest::new("gpt-4", vec![Message::user(prompt)]);
            let poe = world.poe.clone();
            tokio::spawn(async move { ask(&poe, request).await })
        })
        .collect();
    let mut texts = BTreeSet::new();
    for answer in answers {
        texts.insert(answer.await.expect("no panic").complete().to_owned());
    }
    let text = |entry: LogEntry| match entry.what {
        Seen::Answer { text, .. } => Some(text),
        _ => None,
    };
    let ended: BTreeSet<_> = world.sim.log().into_iter().filter_map(text).collect();
    assert!(texts.is_subset(&ended));
    assert_eq!(texts.len(), CHATS, "one for each question");
    assert_eq!(world.prompts().len(), before + CHATS, "none was asked twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_tabs_have_one_socket() {
    let world = World::with(|builder| builder.max_chats(CHATS)).await;
    share(&world).await;
    // Early ones, and some that are over at once, come before a tab can say what it wants.
    all_are_exact(&world, |n| match n {
        0 => "say=at once, delay=0, gap=0, chunks=1".to_owned(),
        1 => "early, length=400".to_owned(),
        _ => "length=2000, chunks=40, gap=20, others, placeholder".to_owned(),
    })
    .await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_socket_is_lost_for_all_and_nothing_else_is() {
    let world = World::with(|builder| builder.max_chats(CHATS)).await;
    share(&world).await;
    for fault in ["drop-socket=10, away=300", "missed=10", "refetch=10", "lost=30, lose=4"] {
        all_are_exact(&world, |n| {
            let fault = if n == 0 { fault } else { "others" };
            format!("say={fault} {n} and what follows it to the end, chunks=40, gap=30, {fault}")
        })
        .await;
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tab_that_hears_may_die() {
    let world = World::with(|builder| builder.max_chats(CHATS)).await;
    share(&world).await;
    let killed = async {
        let mut after = None;
        for _ in 0..CHATS {
            let wanted = |entry: &LogEntry| {
                after.is_none_or(|after| entry.n > after) && matches!(entry.what, Seen::Send { .. })
            };
            let sent = world.sim.wait_for(wanted, WAIT).await.expect("asked");
            after = Some(sent.n);
        }
        // By now the site's replies are there, and the answers run.
        tokio::time::sleep(Duration::from_millis(500)).await;
        // All tabs share a few processes, the one that hears among them.
        assert!(kill(world.profile.path(), "--type=renderer") > 0);
    };
    let asked = all_are_exact(&world, |n| format!("say={n} of the ravens, chunks=60, gap=60"));
    tokio::join!(killed, asked);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tabs_that_come_later_have_it_too() {
    let world = World::with(|builder| builder.max_chats(CHATS)).await;
    share(&world).await;
    for round in 0..3 {
        all_are_exact(&world, |n| {
            let wide = "raven ".repeat(500);
            format!("say={wide} {round} {n}, chunks=600, gap=5")
        })
        .await;
        let before = sockets(&world);
        world.poe.warm_up("gpt-4", CHATS).await.expect("prompts");
        assert_eq!(sockets(&world), before, "sockets of their own in round {round}");
    }
    world.end().await;
}
