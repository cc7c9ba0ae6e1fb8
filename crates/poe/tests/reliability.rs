//! Every fault of the site ends in the exact answer or in a named failure: a real browser on the
//! local site. `docs/reliability.md` lists the cases.

mod support;

#[path = "reliability/cable.rs"]
mod cable;
#[path = "reliability/case.rs"]
mod case;
#[path = "reliability/crashes.rs"]
mod crashes;
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
    let world = World::with(|builder| builder.timeout(Duration::from_secs(silence))).await;
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
