//! Every fault of the site ends in the exact answer or in a named failure: a real browser on the
//! local site. `docs/reliability.md` lists the cases.

mod support;

#[path = "reliability/cable.rs"]
mod cable;
#[path = "reliability/case.rs"]
mod case;
#[path = "reliability/crashes.rs"]
mod crashes;
#[path = "reliability/leaving.rs"]
mod leaving;
#[path = "reliability/network.rs"]
mod network;
#[path = "reliability/pages.rs"]
mod pages;
#[path = "reliability/requests.rs"]
mod requests;
#[path = "reliability/start.rs"]
mod start;
#[path = "reliability/wire.rs"]
mod wire;

use std::time::Duration;

use case::{Case, all};
use support::World;

/// Asks the cases of a table, on a site whose silence is borne for so many seconds.
async fn ask_all(cases: &[Case], silence: u64) {
    // With patience, so that whatever would be asked again is.
    let options = |builder: lenore_poe::PoeBuilder| {
        builder.timeout(Duration::from_secs(silence)).patience(Duration::from_secs(8))
    };
    let world = World::with(options).await;
    all(&world, cases).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_text_does_it_is_exact() {
    ask_all(wire::TEXTS, 20).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_shape_the_updates_have() {
    ask_all(wire::SHAPES, 20).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_becomes_of_the_reply() {
    ask_all(wire::REPLIES, 7).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_chat_that_exists_doubt_is_settled_by_reading() {
    ask_all(wire::REPLIES_LATER, 7).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_answers_is_the_one_who_was_asked() {
    ask_all(wire::WHOSE, 7).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_go_on_is_stopped() {
    ask_all(wire::RUNNING, 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_socket_loses() {
    ask_all(wire::SOCKET, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_pages_are_worked_with() {
    ask_all(pages::ODD, 20).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn useless_pages_are_named() {
    ask_all(pages::USELESS, 20).await;
}
