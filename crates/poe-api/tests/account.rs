//! What is around the answers: points, bots, health, and leaving.

mod support;

use futures_util::stream::{BoxStream, Stream, StreamExt};
use lenore_provider::{ErrorKind, Event, Model, Provider};
use serde_json::json;
use tokio::sync::watch;

use crate::support::{KEY, Service, in_time, question, refusal, sse, text, then_nothing};

#[tokio::test]
async fn the_points_are_told() {
    let service = Service::new(|_| {
        refusal(200, json!({ "current_point_balance": 295_932_027_i64 }).to_string())
    });
    let service = service.await;
    assert_eq!(service.api().balance().await.expect("points"), 295_932_027);
    assert_eq!(service.seen()[0].path, "/usage/current_balance");
    assert_eq!(service.seen()[0].authorization, format!("Bearer {KEY}"));
    for words in ["", "{}", "{\"current_point_balance\":\"many\"}"] {
        let service = Service::new(move |_| refusal(200, words)).await;
        let error = service.api().balance().await.expect_err("no points");
        assert_eq!(error.kind(), ErrorKind::AnswerLost);
    }
}

#[tokio::test]
async fn the_bots_are_known_once_they_were_asked_for() {
    let service = Service::new(|_| {
        let bots = [json!({ "id": "GPT-4", "object": "model" }), json!({ "id": "Claude" })];
        refusal(200, json!({ "object": "list", "data": bots }).to_string())
    });
    let service = service.await;
    let api = service.api();
    assert!(api.models().is_empty());
    let models = api.refresh_models().await.expect("a list");
    let names = [("poe-api/GPT-4", "GPT-4"), ("poe-api/Claude", "Claude")];
    let expected = names.map(|(name, bot)| Model { name: name.into(), bot: bot.into() });
    assert_eq!(models, expected);
    assert_eq!(api.models(), expected);
    assert_eq!(service.seen()[0].path, "/v1/models");
}

#[tokio::test]
async fn whether_the_key_is_good_shows_with_its_use() {
    let service = Service::new(|_| refusal(401, "")).await;
    let api = service.api();
    assert_eq!(api.health().signed_in, None);
    let _ = api.balance().await;
    assert_eq!(api.health().signed_in, Some(false));
    let service = Service::new(|_| refusal(200, "")).await;
    let api = service.api();
    let _ = api.balance().await;
    assert_eq!(api.health().signed_in, Some(true));
}

/// Tells when it is dropped.
struct Told<S>(S, watch::Sender<bool>);

impl<S: Stream + Unpin> Stream for Told<S> {
    type Item = S::Item;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<S::Item>> {
        self.0.poll_next_unpin(cx)
    }
}

impl<S> Drop for Told<S> {
    fn drop(&mut self) {
        self.1.send_replace(true);
    }
}

#[tokio::test]
async fn a_completion_that_is_dropped_closes_the_connection() {
    let (sender, mut gone) = watch::channel(false);
    let service = Service::new(move |_| {
        let bytes: BoxStream<'static, _> = then_nothing(vec![text("so far")]);
        sse(Told(bytes, sender.clone()))
    });
    let service = service.await;
    let api = service.api();
    let mut completion = api.create_completion(question("Hi"));
    let first = in_time("an event", completion.next()).await.expect("one").expect("no error");
    assert_eq!(first, Event::Delta("so far".into()));
    assert_eq!(api.health().running, 1);
    assert!(!*gone.borrow());
    drop(completion);
    assert_eq!(api.health().running, 0);
    in_time("the connection's end", gone.wait_for(|gone| *gone))
        .await
        .expect("the server is there");
}
