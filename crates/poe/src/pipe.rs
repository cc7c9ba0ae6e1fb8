//! From the task that owns a page to the caller who reads the answer.

use std::collections::VecDeque;

use futures_util::Stream;
use lenore_provider::{Event, Result};
use tokio::sync::mpsc;

/// How many events may be on their way to the reader.
const ON_THE_WAY: usize = 64;

/// The sending end. It never blocks the page: what a slow reader has not taken yet is merged, so
/// that it holds about the answer's length at most.
#[derive(Debug)]
pub(crate) struct EventPipe {
    sender: mpsc::Sender<Result<Event>>,
    waiting: VecDeque<Event>,
}

/// A pipe and the stream at its other end.
pub(crate) fn pipe() -> (EventPipe, impl Stream<Item = Result<Event>> + Send + 'static) {
    let (sender, receiver) = mpsc::channel(ON_THE_WAY);
    let events = futures_util::stream::unfold(receiver, async |mut receiver| {
        receiver.recv().await.map(|event| (event, receiver))
    });
    (EventPipe { sender, waiting: VecDeque::new() }, events)
}

impl EventPipe {
    /// Hands an event on, now or as soon as the reader has room for it.
    pub(crate) fn push(&mut self, event: Event) {
        match self.waiting.back_mut() {
            Some(last) => {
                if let Some(separate) = merge(last, event) {
                    self.waiting.push_back(separate);
                }
            }
            None => self.waiting.push_back(event),
        }
        while !self.waiting.is_empty() {
            let Ok(permit) = self.sender.try_reserve() else { return };
            permit.send(Ok(self.waiting.pop_front().expect("it is not empty")));
        }
    }

    /// Hands on what waits as the reader makes room, until the reader has left.
    pub(crate) async fn abandoned(&mut self) {
        loop {
            tokio::select! {
                () = self.sender.closed() => return,
                permit = self.sender.reserve(), if !self.waiting.is_empty() => {
                    let Ok(permit) = permit else { return };
                    permit.send(Ok(self.waiting.pop_front().expect("it is not empty")));
                }
            }
        }
    }

    /// Hands on what still waits, and the end.
    pub(crate) async fn finish(self, end: Result<Event>) {
        for event in self.waiting.into_iter().map(Ok).chain([end]) {
            if self.sender.send(event).await.is_err() {
                return;
            }
        }
    }
}

/// Adds an event to the one before it, or returns it where they cannot be one.
fn merge(last: &mut Event, event: Event) -> Option<Event> {
    match (last, event) {
        (Event::Delta(text) | Event::Replace { text, .. }, Event::Delta(more)) => {
            text.push_str(&more);
        }
        (Event::Replace { keep, text }, Event::Replace { keep: later, text: more }) => {
            let stays = later.saturating_sub(*keep);
            let end = text.char_indices().nth(stays).map_or(text.len(), |(at, _)| at);
            text.truncate(end);
            text.push_str(&more);
            *keep = later.min(*keep);
        }
        (Event::Status(text), Event::Status(newer)) => *text = newer,
        (_, event) => return Some(event),
    }
    None
}

#[cfg(test)]
mod tests {
    use lenore_provider::{FinishReason, Transcript};
    use proptest::prelude::*;

    use super::*;

    fn event() -> impl Strategy<Value = Event> {
        prop_oneof![
            "[aé🙂]{0,3}".prop_map(Event::Delta),
            (0usize..8, "[bü]{0,3}").prop_map(|(keep, text)| Event::Replace { keep, text }),
            "[a-z]{0,2}".prop_map(Event::Status),
            "[a-z]{0,2}".prop_map(Event::Suggestion),
        ]
    }

    /// `keep` beyond the text's end does not occur; this makes it so.
    fn valid(events: Vec<Event>) -> Vec<Event> {
        let mut transcript = Transcript::default();
        let events = events.into_iter().map(|mut event| {
            if let Event::Replace { keep, .. } = &mut event {
                *keep = (*keep).min(transcript.text().chars().count());
            }
            transcript.apply(&event);
            event
        });
        events.collect()
    }

    proptest! {
        #[test]
        fn merging_changes_no_text(events in prop::collection::vec(event(), 0..40)) {
            let events = valid(events);
            let mut expected = Transcript::default();
            events.iter().for_each(|event| expected.apply(event));
            let mut merged: Vec<Event> = Vec::new();
            for event in events {
                let separate = match merged.last_mut() {
                    Some(last) => merge(last, event),
                    None => Some(event),
                };
                merged.extend(separate);
            }
            let mut transcript = Transcript::default();
            merged.iter().for_each(|event| transcript.apply(event));
            prop_assert_eq!(transcript, expected);
        }
    }

    #[tokio::test]
    async fn a_slow_reader_gets_all_and_holds_up_nobody() {
        let (mut sender, events) = pipe();
        let mut events = Box::pin(events);
        for _ in 0..10_000 {
            sender.push(Event::Delta("x".into()));
        }
        assert_eq!(sender.waiting.len(), 1, "merged");
        let end = Ok(Event::Finished { reason: FinishReason::Complete });
        let finish = tokio::spawn(sender.finish(end));
        let mut transcript = Transcript::default();
        while let Some(event) = futures_util::StreamExt::next(&mut events).await {
            transcript.apply(&event.expect("no error"));
        }
        assert_eq!(transcript.text().len(), 10_000);
        finish.await.expect("it ends");
    }
}
