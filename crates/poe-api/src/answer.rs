//! From a question to the events of its answer.

use std::collections::VecDeque;
use std::time::Duration;

use eventsource_stream::{Event as Message, EventStreamError, Eventsource};
use futures_util::stream::{self, BoxStream, Stream, StreamExt, TryStreamExt};
use lenore_provider::{ChatRequest, Error, ErrorKind, Event, FinishReason, Result, Transcript};
use reqwest::Response;
use reqwest::header::CONTENT_TYPE;
use tokio::time::{Instant, timeout, timeout_at};

use crate::PoeApi;
use crate::api::Running;
use crate::chunk::{self, End};
use crate::{body, failure};

/// How long to wait for the connection to be free again after an answer's end.
const TAIL: Duration = Duration::from_millis(500);

/// A service that shows that it lives, but says nothing, is borne so many silences long: bots
/// think for minutes.
const LIVELY: u32 = 10;

/// The events of the answer to a question. It is asked when they are first wanted; dropping them
/// closes the connection, by which the service knows.
pub(crate) fn events(
    api: PoeApi,
    request: ChatRequest,
) -> impl Stream<Item = Result<Event>> + Send + 'static {
    stream::once(Answer::open(api, request)).try_flatten()
}

struct Answer {
    messages: BoxStream<'static, Result<Message, EventStreamError<Error>>>,
    deadline: Option<Instant>,
    silence: Duration,
    heard: Transcript,
    thinking: bool,
    /// Events that came at once.
    waiting: VecDeque<Event>,
    api: PoeApi,
    _running: Running,
}

impl Answer {
    /// Asks, and returns the events once the service begins to answer.
    async fn open(
        api: PoeApi,
        request: ChatRequest,
    ) -> Result<impl Stream<Item = Result<Event>> + Send + 'static> {
        let deadline = request.deadline.map(|wait| Instant::now() + wait);
        let silence = request.timeout.unwrap_or_else(|| api.silence());
        body::check(&request)?;
        let running = api.running();
        let asked = async {
            let body = body::of(request).await?;
            let response = timeout(silence, api.send(api.post(body)?)).await;
            response.unwrap_or_else(|_| Err(failure::silent(silence)))
        };
        let response = by(deadline, asked).await??;
        let messages = bytes(checked(response)?, silence).eventsource().boxed();
        let answer = Self {
            messages,
            deadline,
            silence,
            heard: Transcript::default(),
            thinking: false,
            waiting: VecDeque::new(),
            api,
            _running: running,
        };
        // An end is the last item; `Completion` asks for no more.
        Ok(stream::unfold(answer, async |mut answer| Some((answer.next().await, answer))))
    }

    async fn next(&mut self) -> Result<Event> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Ok(event);
            }
            let lively = self.silence.saturating_mul(LIVELY);
            let message = async {
                let message = timeout(lively, self.messages.next()).await;
                message.map_err(|_| failure::silent(lively))
            };
            let message = by(self.deadline, message).await.flatten();
            match message.and_then(|message| self.understand(message)) {
                Ok(Some(reason)) => self.finish(reason).await,
                Ok(None) => {}
                Err(error) if self.heard.text().is_empty() => return Err(error),
                Err(error) => return Err(error.with_partial(self.heard.text())),
            }
        }
    }

    /// Takes what a message says, and returns the reason where it is the last one.
    fn understand(
        &mut self,
        message: Option<Result<Message, EventStreamError<Error>>>,
    ) -> Result<Option<FinishReason>> {
        let message = match message {
            Some(Ok(message)) => message,
            Some(Err(EventStreamError::Transport(error))) => return Err(error),
            Some(Err(_)) => return Err(failure::not_understood()),
            None => {
                let what = "the answer broke off without an end; ask again";
                return Err(Error::new(ErrorKind::AnswerLost, what));
            }
        };
        let said = chunk::read(&message.data).map_err(|refusal| match refusal {
            Some(refusal) => refusal.into_error(self.api.key()),
            None => failure::not_understood(),
        })?;
        if !said.thought.is_empty() {
            if !std::mem::replace(&mut self.thinking, true) {
                self.waiting.push_back(Event::Status("Thinking…".into()));
            }
            self.waiting.push_back(Event::Thought(said.thought));
        }
        if !said.text.is_empty() {
            let event = Event::Delta(said.text);
            self.heard.apply(&event);
            self.waiting.push_back(event);
        }
        match said.end {
            None => Ok(None),
            Some(End::Finished(reason)) => Ok(Some(reason)),
            Some(End::Over) if self.heard.text().is_empty() => {
                let what = "the API ended the answer before its first word; ask again";
                Err(Error::new(ErrorKind::AnswerLost, what))
            }
            Some(End::Over) => Ok(Some(FinishReason::Complete)),
            Some(End::Withheld) => Err(Error::new(
                ErrorKind::Bot,
                "a filter of the service withheld the rest of the answer; ask in other words",
            )),
        }
    }

    /// The end is known; what still comes tells nothing, but a connection that is read to its end
    /// can carry the next question.
    async fn finish(&mut self, reason: FinishReason) {
        self.waiting.push_back(Event::Finished { reason });
        let _ = timeout(TAIL, async { while self.messages.next().await.is_some() {} }).await;
    }
}

/// What a future yields, if it does so before the request's deadline.
async fn by<T>(deadline: Option<Instant>, future: impl Future<Output = T>) -> Result<T> {
    match deadline {
        Some(deadline) => timeout_at(deadline, future).await.map_err(|_| failure::late()),
        None => Ok(future.await),
    }
}

/// A response that is a stream of events.
fn checked(response: Response) -> Result<Response> {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    match kind {
        Some(kind) if kind.starts_with("text/event-stream") => Ok(response),
        _ => Err(failure::not_understood()),
    }
}

/// The response's bytes, no two of them further apart than `silence`.
fn bytes(
    response: Response,
    silence: Duration,
) -> impl Stream<Item = Result<impl AsRef<[u8]>>> + Send + 'static {
    stream::try_unfold(response, move |mut response| async move {
        let bytes = timeout(silence, response.chunk()).await;
        let bytes = bytes.map_err(|_| failure::silent(silence))?;
        let bytes = bytes.map_err(failure::of_transport)?;
        Ok(bytes.map(|bytes| (bytes, response)))
    })
}
