//! One stream of updates: every socket of the channel gets all of it.
//!
//! What was sent while no socket listened is gone; what some socket got is kept
//! for a while, for the others that come back with an older `min_seq`.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::ws::Utf8Bytes;
use tokio::sync::mpsc;

use crate::drift::Drifts;
use crate::wire;

/// Frames that wait for one slow socket; it is closed when they overflow.
const QUEUE: usize = 256;
const KEPT_FRAMES: usize = 256;
const KEPT_BYTES: usize = 32 << 20;
/// How long an answer waits for its slowest reader.
const PATIENCE: Duration = Duration::from_secs(5);

/// A channel.
pub(crate) struct Channel {
    pub(crate) name: String,
    pub(crate) hash: String,
    pub(crate) box_name: String,
    pub(crate) drifts: Arc<Drifts>,
    inner: Mutex<Inner>,
}

/// What a socket is told to do.
pub(crate) enum Out {
    Text(Utf8Bytes),
    Close,
}

struct Inner {
    seq: u64,
    kept: VecDeque<Kept>,
    kept_bytes: usize,
    sockets: Vec<(u64, mpsc::Sender<Out>)>,
    next_socket: u64,
    away_until: Option<Instant>,
    losing: usize,
}

struct Kept {
    first: u64,
    last: u64,
    frame: Utf8Bytes,
}

impl Channel {
    pub(crate) fn new(
        name: String,
        hash: String,
        box_name: String,
        seq: u64,
        drifts: Arc<Drifts>,
    ) -> Channel {
        Channel {
            name,
            hash,
            box_name,
            drifts,
            inner: Mutex::new(Inner {
                seq,
                kept: VecDeque::new(),
                kept_bytes: 0,
                sockets: Vec::new(),
                next_socket: 0,
                away_until: None,
                losing: 0,
            }),
        }
    }

    pub(crate) fn seq(&self) -> u64 {
        self.lock().seq
    }

    /// Sends entries as one frame.
    pub(crate) fn publish(&self, entries: Vec<&str>) {
        if entries.is_empty() {
            return;
        }
        let mut inner = self.lock();
        let first = inner.seq + 1;
        inner.seq += entries.len() as u64;
        let lost = inner.losing > 0;
        if lost || inner.sockets.is_empty() {
            inner.losing = inner.losing.saturating_sub(entries.len());
            inner.forget();
            return;
        }
        let last = inner.seq;
        let frame = Utf8Bytes::from(self.drifts.frame(wire::frame(&entries, last)));
        inner.keep(Kept { first, last, frame: frame.clone() });
        inner.send(&frame);
    }

    /// Sends a frame that is not part of the numbered stream.
    pub(crate) fn publish_raw(&self, frame: &'static str) {
        self.lock().send(&Utf8Bytes::from_static(frame));
    }

    /// Tells every socket that it missed something, and lets it miss `lose` entries.
    pub(crate) fn miss(&self, lose: usize) {
        let mut inner = self.lock();
        inner.send(&Utf8Bytes::from_static(wire::MISSED_MESSAGES));
        inner.losing = lose;
        inner.forget();
    }

    /// Lets every socket miss so many entries, without a word.
    pub(crate) fn lose(&self, entries: usize) {
        self.lock().losing = entries;
    }

    /// Closes every socket, and refuses new ones for a while.
    pub(crate) fn drop_sockets(&self, away: Duration) {
        let mut inner = self.lock();
        inner.away_until = Some(Instant::now() + away);
        for (_, socket) in inner.sockets.drain(..) {
            // A full queue closes just as well: its sender is gone after this.
            let _ = socket.try_send(Out::Close);
        }
    }

    /// Whether sockets are refused at the moment.
    pub(crate) fn is_away(&self) -> bool {
        self.lock().away_until.is_some_and(|until| Instant::now() < until)
    }

    /// Adds a socket that knows everything up to `min_seq`.
    pub(crate) fn join(&self, min_seq: Option<u64>) -> (u64, mpsc::Receiver<Out>) {
        let (sender, receiver) = mpsc::channel(QUEUE + KEPT_FRAMES);
        let mut inner = self.lock();
        for frame in inner.since(min_seq.unwrap_or(inner.seq)) {
            // Cannot overflow: the queue has room for all that is kept.
            let _ = sender.try_send(Out::Text(frame));
        }
        inner.next_socket += 1;
        let id = inner.next_socket;
        inner.sockets.push((id, sender));
        (id, receiver)
    }

    pub(crate) fn leave(&self, id: u64) {
        self.lock().sockets.retain(|(socket, _)| *socket != id);
    }

    /// Waits until every socket can take another frame, so that an answer
    /// without gaps goes as fast as its slowest reader and not faster.
    pub(crate) async fn room(&self) {
        let sockets: Vec<_> =
            self.lock().sockets.iter().map(|(_, socket)| socket.clone()).collect();
        for socket in sockets {
            let _ = tokio::time::timeout(PATIENCE, socket.reserve()).await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn send(&mut self, frame: &Utf8Bytes) {
        self.sockets.retain(|(id, socket)| {
            let sent = socket.try_send(Out::Text(frame.clone())).is_ok();
            if !sent {
                tracing::warn!(socket = id, "a socket does not keep up and is closed");
            }
            sent
        });
    }

    fn keep(&mut self, kept: Kept) {
        self.kept_bytes += kept.frame.len();
        self.kept.push_back(kept);
        while self.kept.len() > KEPT_FRAMES || self.kept_bytes > KEPT_BYTES {
            let Some(oldest) = self.kept.pop_front() else {
                break;
            };
            self.kept_bytes -= oldest.frame.len();
        }
    }

    /// After a hole nothing before it may be sent again.
    fn forget(&mut self) {
        self.kept.clear();
        self.kept_bytes = 0;
    }

    fn since(&self, min_seq: u64) -> Vec<Utf8Bytes> {
        if min_seq >= self.seq {
            return Vec::new();
        }
        match self.kept.front() {
            Some(oldest) if oldest.first <= min_seq + 1 => self
                .kept
                .iter()
                .filter(|kept| kept.last > min_seq)
                .map(|kept| kept.frame.clone())
                .collect(),
            _ => vec![Utf8Bytes::from_static(wire::MISSED_MESSAGES)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(receiver: &mut mpsc::Receiver<Out>) -> Vec<String> {
        let mut texts = Vec::new();
        while let Ok(Out::Text(text)) = receiver.try_recv() {
            texts.push(text.to_string());
        }
        texts
    }

    #[test]
    fn late_sockets_get_what_is_kept_or_learn_that_they_missed_it() {
        let channel = Channel::new("c".into(), "h".into(), "b".into(), 10, Arc::default());
        channel.publish(vec!["lost"]);
        let (_, mut first) = channel.join(None);
        channel.publish(vec!["one", "two"]);
        assert_eq!(texts(&mut first), [r#"{"messages":["one","two"],"min_seq":13}"#]);
        let (_, mut second) = channel.join(Some(11));
        assert_eq!(texts(&mut second).len(), 1);
        let (_, mut third) = channel.join(Some(10));
        assert_eq!(texts(&mut third), [wire::MISSED_MESSAGES]);
        channel.miss(1);
        channel.publish(vec!["three"]);
        channel.publish(vec!["four"]);
        assert_eq!(texts(&mut first).len(), 2);
    }

    #[test]
    fn a_socket_that_does_not_read_is_closed() {
        let channel = Channel::new("c".into(), "h".into(), "b".into(), 0, Arc::default());
        let (_, receiver) = channel.join(None);
        for _ in 0..2000 {
            channel.publish(vec!["x"]);
        }
        assert!(channel.lock().sockets.is_empty());
        drop(receiver);
    }
}
