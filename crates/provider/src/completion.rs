//! An answer as a stream.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::stream::{self, Stream, StreamExt};

use crate::{Error, ErrorKind, Event, Result, Transcript};

/// An answer on its way: a `Stream` of `Result<Event>`.
///
/// It ends with [`Event::Finished`], or with an error; after either it yields nothing more.
/// **Dropping it stops the answer on the site.**
#[must_use = "dropping a completion stops the answer"]
pub struct Completion {
    events: Pin<Box<dyn Stream<Item = Result<Event>> + Send>>,
    /// The text kept back until the end, where it is wanted in one piece.
    kept: Option<Transcript>,
    /// The last event, while the text that was kept back goes out before it.
    last: Option<Event>,
    ended: bool,
}

impl Completion {
    /// Wraps a provider's stream of events.
    ///
    /// With `stream` false the text is kept until the end and comes as one [`Event::Delta`] just
    /// before [`Event::Finished`]; all other events still come as they do.
    pub fn new(events: impl Stream<Item = Result<Event>> + Send + 'static, stream: bool) -> Self {
        Self {
            events: Box::pin(events),
            kept: (!stream).then(Transcript::default),
            last: None,
            ended: false,
        }
    }

    /// A completion that fails with `error` and does nothing else.
    pub fn failed(error: Error) -> Self {
        Self::new(stream::iter([Err(error)]), true)
    }

    /// The next event; `None` after the end.
    pub async fn next(&mut self) -> Option<Result<Event>> {
        StreamExt::next(self).await
    }

    /// Waits for the whole answer and returns its text.
    ///
    /// # Errors
    /// Whatever ended the answer before the site said that it is complete. The text received by
    /// then is in [`Error::partial`].
    pub async fn text(mut self) -> Result<String> {
        let mut transcript = Transcript::default();
        while let Some(event) = self.next().await {
            match event {
                Ok(event) => transcript.apply(&event),
                Err(error) => return Err(error.or_partial(transcript.into_text())),
            }
        }
        Ok(transcript.into_text())
    }

    /// Keeps text back where one piece is wanted. `None`: nothing to hand on yet.
    fn hand_on(&mut self, item: Result<Event>) -> Option<Result<Event>> {
        self.ended = matches!(item, Err(_) | Ok(Event::Finished { .. }));
        let Some(kept) = &mut self.kept else { return Some(item) };
        match item {
            Ok(event @ (Event::Delta(_) | Event::Replace { .. })) => {
                kept.apply(&event);
                None
            }
            Ok(event @ Event::Finished { .. }) => {
                self.last = Some(event);
                Some(Ok(Event::Delta(std::mem::take(kept).into_text())))
            }
            Err(error) => Some(Err(error.or_partial(std::mem::take(kept).into_text()))),
            other => Some(other),
        }
    }
}

impl Stream for Completion {
    type Item = Result<Event>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(last) = self.last.take() {
                return Poll::Ready(Some(Ok(last)));
            }
            if self.ended {
                return Poll::Ready(None);
            }
            let item = ready!(self.events.as_mut().poll_next(cx)).unwrap_or_else(|| {
                Err(Error::new(
                    ErrorKind::AnswerLost,
                    "the answer broke off without an end; look at the chat on the site",
                ))
            });
            if let Some(item) = self.hand_on(item) {
                return Poll::Ready(Some(item));
            }
        }
    }
}

impl fmt::Debug for Completion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Completion").field("ended", &self.ended).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FinishReason;

    const FINISHED: Event = Event::Finished { reason: FinishReason::Complete };

    fn delta(text: &str) -> Result<Event> {
        Ok(Event::Delta(text.into()))
    }

    async fn all(completion: Completion) -> Vec<Result<Event>> {
        completion.collect().await
    }

    #[tokio::test]
    async fn in_one_piece_the_text_comes_once_before_the_end() {
        let events = [
            delta("Hullo"),
            Ok(Event::Title("Greeting".into())),
            Ok(Event::Replace { keep: 1, text: "ello".into() }),
            Ok(FINISHED),
        ];
        let events: Vec<_> = all(Completion::new(stream::iter(events), false))
            .await
            .into_iter()
            .map(|event| event.expect("no error"))
            .collect();
        let expected = [Event::Title("Greeting".into()), Event::Delta("Hello".into()), FINISHED];
        assert_eq!(events, expected);
    }

    #[tokio::test]
    async fn nothing_follows_the_end() {
        let events = [delta("a"), Ok(FINISHED), delta("b")];
        assert_eq!(all(Completion::new(stream::iter(events), true)).await.len(), 2);
    }

    #[tokio::test]
    async fn a_stream_that_breaks_off_is_an_error_with_what_was_received() {
        for stream in [true, false] {
            let completion = Completion::new(stream::iter([delta("half an ans")]), stream);
            let error = completion.text().await.expect_err("no end");
            assert_eq!(error.kind(), ErrorKind::AnswerLost);
            assert_eq!(error.partial(), Some("half an ans"));
        }
    }
}
