//! Server-sent events: the framing, and the way from answers to a body.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use futures_util::stream::{self, BoxStream, SelectAll, StreamExt};
use lenore_provider::{Error, ErrorKind};
use serde_json::Value;

use crate::answer::{End, Part};
use crate::failure::Failure;
use crate::keys::Permit;

/// As many parts that are ready go out in one piece.
const AT_ONCE: usize = 64;

/// So many bytes go out before more is made of what an answer's end repeats.
const LARGE: usize = 64 * 1024;

/// Parts of several answers, as they come, with the number of the answer.
pub(crate) type Parts = SelectAll<BoxStream<'static, Item>>;
pub(crate) type Item = (usize, Result<Part, Failure>);

/// How a dialect tells an answer.
pub(crate) trait Encoder: Send + 'static {
    /// What comes before all text.
    fn begin(&mut self, frames: &mut Frames);

    /// Text to append to an answer.
    fn text(&mut self, index: usize, text: &str, frames: &mut Frames);

    /// What the bot thinks aloud. Those who have no place for it leave it out.
    fn thought(&mut self, _index: usize, _text: &str, _frames: &mut Frames) {}

    /// An answer has ended.
    fn end(&mut self, index: usize, end: End, frames: &mut Frames);

    /// Tells a piece of what is to be told before anything else; whether there was any.
    fn tell_owed(&mut self, _frames: &mut Frames) -> bool {
        false
    }

    /// All answers have ended.
    fn finish(&mut self, frames: &mut Frames);

    /// It failed; nothing follows.
    fn fail(&mut self, failure: &Failure, frames: &mut Frames);

    /// All at once, where it is not streamed.
    fn whole(&mut self, ends: Vec<End>) -> Value;

    /// A sign of life.
    fn beat(&self, frames: &mut Frames) {
        frames.comment("still here");
    }
}

/// Frames that go out together.
#[derive(Debug, Default)]
pub(crate) struct Frames(String);

impl Frames {
    /// A frame without a name.
    pub(crate) fn data(&mut self, data: &Value) {
        use std::fmt::Write as _;
        // An answer may be large, and its JSON is written once.
        let _ = write!(self.0, "data: {data}\n\n");
    }

    /// A frame with a name.
    pub(crate) fn event(&mut self, name: &str, data: &Value) {
        self.line("event: ", name);
        self.data(data);
    }

    /// The frame by which some clients know the end.
    pub(crate) fn done(&mut self) {
        self.0.push_str("data: [DONE]\n\n");
    }

    /// A line that clients skip.
    pub(crate) fn comment(&mut self, text: &str) {
        let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        self.line(": ", &line);
        self.0.push('\n');
    }

    /// JSON holds no line break, nor does a name of ours.
    fn line(&mut self, field: &str, text: &str) {
        self.0.push_str(field);
        self.0.push_str(text);
        self.0.push('\n');
    }
}

/// A streamed response.
pub(crate) struct Sse<E> {
    pub(crate) parts: Parts,
    /// What was taken before the response began.
    pub(crate) early: VecDeque<Item>,
    pub(crate) encoder: E,
    /// The answers that have not ended.
    pub(crate) open: usize,
    /// How often there is a sign of life.
    pub(crate) heartbeat: Duration,
    /// Held to the end.
    pub(crate) _permit: Arc<Permit>,
}

impl<E: Encoder> Sse<E> {
    pub(crate) fn into_response(self) -> Response {
        let mut frames = Frames::default();
        let mut sse = self;
        sse.encoder.begin(&mut frames);
        let first = stream::iter([Ok::<_, Infallible>(Bytes::from(frames.0))]);
        // The body is polled only as the client takes it, and dropped when it leaves.
        let rest = stream::unfold(Some(sse), async |sse| {
            let (frames, sse) = sse?.next().await;
            Some((Ok(Bytes::from(frames.0)), sse))
        });
        let headers = [
            (CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8")),
            (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
            // A proxy in between must not gather what is meant to flow.
            (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
        ];
        (headers, Body::from_stream(first.chain(rest))).into_response()
    }

    /// The next frames, and what follows them.
    async fn next(mut self) -> (Frames, Option<Self>) {
        let mut frames = Frames::default();
        let is_all_told = self.tell_owed(&mut frames);
        if is_all_told && self.open == 0 {
            self.encoder.finish(&mut frames);
            return (frames, None);
        }
        if !frames.0.is_empty() {
            return (frames, Some(self));
        }
        let mut item = match self.early.pop_front() {
            Some(item) => Some(item),
            None => match tokio::time::timeout(self.heartbeat, self.parts.next()).await {
                Ok(item) => item,
                Err(_) => {
                    self.encoder.beat(&mut frames);
                    return (frames, Some(self));
                }
            },
        };
        if item.is_none() {
            // Every answer ends with its end or a failure, so nobody comes here; if somebody does,
            // that must not look like an end.
            let broken = Error::new(ErrorKind::AnswerLost, "the answer broke off without an end");
            self.encoder.fail(&broken.into(), &mut frames);
            return (frames, None);
        }
        for _ in 0..AT_ONCE {
            let Some((index, part)) = item else { break };
            match part {
                Ok(part) => self.encode(index, part, &mut frames),
                Err(failure) => {
                    self.encoder.fail(&failure, &mut frames);
                    return (frames, None);
                }
            }
            if !self.tell_owed(&mut frames) {
                return (frames, Some(self));
            }
            if self.open == 0 {
                self.encoder.finish(&mut frames);
                return (frames, None);
            }
            let ready = || self.parts.next().now_or_never().flatten();
            item = self.early.pop_front().or_else(ready);
        }
        (frames, Some(self))
    }

    /// Tells what is owed; whether that is all, and not so much that it should go out first.
    fn tell_owed(&mut self, frames: &mut Frames) -> bool {
        while self.encoder.tell_owed(frames) {
            if frames.0.len() > LARGE {
                return false;
            }
        }
        true
    }

    fn encode(&mut self, index: usize, part: Part, frames: &mut Frames) {
        match part {
            Part::Text(text) => self.encoder.text(index, &text, frames),
            Part::Thought(text) => self.encoder.thought(index, &text, frames),
            Part::Status(text) => frames.comment(&text),
            Part::End(end) => {
                self.encoder.end(index, *end, frames);
                self.open -= 1;
            }
            Part::Started(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn no_text_breaks_a_frame() {
        let mut frames = Frames::default();
        frames.event("delta", &json!({ "text": "a\n\ndata: x\r" }));
        frames.comment("Thinking\n\ndata: y");
        let expected =
            "event: delta\ndata: {\"text\":\"a\\n\\ndata: x\\r\"}\n\n: Thinking  data: y\n\n";
        assert_eq!(frames.0, expected);
    }
}
