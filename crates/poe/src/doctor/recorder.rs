//! What a tap tells, and the record of it that can be shown to others.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use lenore_browser::{Tap, TapEvent};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::decode::TapMessage;

/// More lines than this tell nothing more.
const LINES: usize = 10_000;

/// The kinds of messages. Only these words get into the record, whatever a page may emit.
const KINDS: &[&str] = &[
    "sent",
    "reply",
    "message",
    "read",
    "chat",
    "opened",
    "job",
    "deleted",
    "cancelled",
    "title",
    "cost",
    "gap",
    "trouble",
    "socket",
    "uploading",
    "upload",
];

/// A tap that is written down: when, which kind, how large.
pub(super) struct Recorder {
    tap: Tap,
    begun: Instant,
    lines: Vec<String>,
    /// What `record.js` has told.
    shapes: Vec<Value>,
    /// The names that stand for a number there. They are in no recording.
    names: Option<BTreeMap<String, String>>,
    opened: bool,
    socket: Option<bool>,
}

impl Recorder {
    pub(super) fn new(tap: Tap) -> Self {
        Self {
            tap,
            begun: Instant::now(),
            lines: Vec::new(),
            shapes: Vec::new(),
            names: None,
            opened: false,
            socket: None,
        }
    }

    /// The next event; `None` is the page's end. Cancel-safe.
    pub(super) async fn next(&mut self) -> Option<TapEvent> {
        let event = self.tap.next().await?;
        self.record(&event);
        Some(event)
    }

    /// Takes what has arrived already.
    pub(super) fn catch_up(&mut self) {
        while let Some(Some(_)) = self.next().now_or_never() {}
    }

    /// Whether the tap's script has run in a document.
    pub(super) fn is_opened(&self) -> bool {
        self.opened
    }

    /// Whether a socket of the page has opened; `None` where none was heard of.
    pub(super) fn socket(&self) -> Option<bool> {
        self.socket
    }

    /// The shapes that were told, once the page has been asked for them, and the names that stand
    /// for a number there.
    pub(super) async fn shapes(
        &mut self,
        wait: Duration,
    ) -> (Vec<Value>, BTreeMap<String, String>) {
        let told = async { while self.names.is_none() && self.next().await.is_some() {} };
        if tokio::time::timeout(wait, told).await.is_err() {
            tracing::debug!("the page did not tell all that was recorded");
        }
        (std::mem::take(&mut self.shapes), self.names.take().unwrap_or_default())
    }

    /// Records what comes for so long.
    pub(super) async fn linger(&mut self, wait: Duration) {
        let _ = tokio::time::timeout(wait, async { while self.next().await.is_some() {} }).await;
    }

    /// The record, one JSON object a line.
    pub(super) fn into_lines(mut self) -> Vec<String> {
        self.catch_up();
        self.lines
    }

    fn record(&mut self, event: &TapEvent) {
        let (kind, bytes) = match event {
            TapEvent::Opened => {
                self.opened = true;
                ("opened", 0)
            }
            TapEvent::Message(message) => {
                if let Ok(Shape { k: "shape", line, names }) = serde_json::from_str(message.get()) {
                    self.shapes.extend(line);
                    self.names = names.or(self.names.take());
                    return;
                }
                if let Ok(TapMessage::Socket { open }) = serde_json::from_str(message.get()) {
                    self.socket = Some(open || self.socket == Some(true));
                }
                (kind_of(message.get()), message.get().len())
            }
            _ => ("lost", 0),
        };
        if self.lines.len() < LINES {
            let ms = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            self.lines.push(json!({ "ms": ms, "k": kind, "bytes": bytes }).to_string());
        }
    }
}

/// What `record.js` emits: a line of the recording, and none at its end.
#[derive(Deserialize)]
struct Shape<'a> {
    k: &'a str,
    line: Option<Value>,
    #[serde(default)]
    names: Option<BTreeMap<String, String>>,
}

/// The kind of a message, of those that are known.
fn kind_of(message: &str) -> &'static str {
    #[derive(Deserialize)]
    struct Kind {
        k: String,
    }
    let kind = serde_json::from_str::<Kind>(message).ok();
    let known = kind.and_then(|kind| KINDS.iter().find(|known| **known == kind.k));
    known.copied().unwrap_or("unknown")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_is_not_ours_does_not_get_into_the_record() {
        assert_eq!(kind_of(r#"{"k":"message","text":"Nevermore"}"#), "message");
        for strange in [r#"{"k":"Nevermore"}"#, r#"{"k":["message"]}"#, "Nevermore", ""] {
            assert_eq!(kind_of(strange), "unknown");
        }
    }
}
