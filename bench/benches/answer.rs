//! The way of an answer through this process: what the tap tells is parsed, decoded, folded, and
//! handed to a caller who wants it in one piece. Each for a length and its double, so that growth
//! shows.

use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use futures_util::stream;
use lenore::{Completion, Event, FinishReason, Result, Site, Transcript};
use lenore_poe::decode::{Exchange, Step, TapMessage, WireFacts};
use serde_json::json;
use tokio::runtime::{Builder, Runtime};

/// Updates of an answer, and twice as many.
const UPDATES: [usize; 2] = [5_000, 10_000];

/// What one update adds.
const PIECE: &str = "ravens 🐦‍⬛ and more of them, one after the other, until a hundred bytes are full of them, or so. ";

/// What the tap tells of an answer of so many updates.
fn told(updates: usize) -> Vec<String> {
    let sent = json!({ "k": "sent", "nonce": "n", "bot": "GPT-4" });
    let reply = json!({
        "k": "reply", "nonce": "n", "http": 200, "status": "success", "chat": "1", "code": "c",
        "question": "1", "answer": "2",
    });
    let units = PIECE.encode_utf16().count();
    let message = |keep: usize, text: &str, state: &str| {
        json!({
            "k": "message", "chat": "1", "id": "2", "author": "bot", "state": state, "own": false,
            "reason": null, "keep": keep, "text": text,
        })
    };
    let grown = (0..updates).map(|at| message(at * units, PIECE, "incomplete"));
    let end = message(updates * units, "", "complete");
    [sent, reply].into_iter().chain(grown).chain([end]).map(|told| told.to_string()).collect()
}

/// Decodes all of it; gives the answer's length.
fn decode(facts: &WireFacts, told: &[String]) -> usize {
    let mut exchange = Exchange::new(facts.clone(), Some("GPT-4"), None);
    let mut completed = false;
    for message in told {
        let message: TapMessage = serde_json::from_str(message).expect("as the tap tells it");
        for step in exchange.take(&message) {
            completed |= matches!(black_box(step), Step::Complete);
        }
    }
    assert!(completed, "the answer is complete");
    exchange.text().len()
}

fn events(updates: usize) -> Vec<Event> {
    let delta = || Event::Delta(PIECE.into());
    let end = Event::Finished { reason: FinishReason::Complete };
    (0..updates).map(|_| delta()).chain([end]).collect()
}

/// The text that events add up to.
fn fold(events: &[Event]) -> usize {
    let mut transcript = Transcript::default();
    events.iter().for_each(|event| transcript.apply(event));
    transcript.text().len()
}

/// The same through a completion, in one piece.
fn hand_over(runtime: &Runtime, events: Vec<Event>) -> usize {
    let events = stream::iter(events.into_iter().map(Result::Ok));
    let text = runtime.block_on(Completion::new(events, false).text());
    text.expect("it is complete").len()
}

fn answer(criterion: &mut Criterion) {
    let facts = WireFacts::of(&Site::poe());
    let runtime = Builder::new_current_thread().build().expect("a runtime");
    let mut group = criterion.benchmark_group("answer");
    for updates in UPDATES {
        let length = updates * PIECE.len();
        group.throughput(Throughput::Bytes(length as u64));
        let told = told(updates);
        assert_eq!(decode(&facts, &told), length);
        group.bench_with_input(BenchmarkId::new("decode", updates), &told, |bench, told| {
            bench.iter(|| decode(&facts, told));
        });
        let events = events(updates);
        assert_eq!(fold(&events), length);
        group.bench_with_input(BenchmarkId::new("fold", updates), &events, |bench, events| {
            bench.iter(|| fold(events));
        });
        group.bench_with_input(BenchmarkId::new("one piece", updates), &events, |bench, events| {
            let hand_over = |events| hand_over(&runtime, events);
            bench.iter_batched(|| events.clone(), hand_over, BatchSize::LargeInput);
        });
    }
    group.finish();
}

criterion_group!(benches, answer);
criterion_main!(benches);
