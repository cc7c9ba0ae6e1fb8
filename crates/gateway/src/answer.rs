//! One answer: from the provider's events to the parts that a client is told.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::http::StatusCode;
use futures_util::stream::{self, Stream};
use lenore_provider::{
    ChatRequest, Completion, ConversationHash, Error, ErrorKind, Event, FinishReason, Message,
    Provider,
};
use serde::Serialize;
use tokio::sync::watch;

use crate::body::Share;
use crate::failure::Failure;
use crate::files::Files;
use crate::fold::{Cut, Fold, Rest, Rules};
use crate::keys::Caller;
use crate::limits::Limit;
use crate::links::Place;
use crate::metrics::Meter;
use crate::points::{Forms, Points};
use crate::question::Reading;
use crate::recent::Recent;
use crate::tokens;
use crate::told::Told;
use crate::tools::{Call, Fault, MARK, said};

/// A step of an answer, for a client.
#[derive(Debug)]
pub(crate) enum Part {
    /// The site has taken the question; the answer is in this chat.
    Started(String),
    /// A passing notice. Never part of the answer.
    Status(String),
    /// Text to append.
    Text(String),
    /// What the bot thinks aloud, to append to its thoughts. Never part of the answer.
    Thought(String),
    /// The end; nothing follows.
    End(Box<End>),
}

/// A complete answer.
#[derive(Debug)]
pub(crate) struct End {
    /// The text, exact.
    pub(crate) text: String,
    /// What the bot thought aloud.
    pub(crate) thoughts: String,
    pub(crate) calls: Vec<Call>,
    pub(crate) finish: Finish,
    /// About how many tokens the bot wrote, with its thoughts.
    pub(crate) tokens: u64,
    pub(crate) notes: Notes,
}

impl End {
    /// About how many tokens the bot thought.
    pub(crate) fn thought_tokens(&self) -> u64 {
        tokens::estimate(&self.thoughts)
    }
}

/// Why an answer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Finish {
    /// By itself, or before this stop sequence.
    Stop(Option<String>),
    /// It is as long as it may be.
    Length,
    /// The bot calls tools.
    Calls,
}

/// What there is to tell beside the answer: the object `lenore` of a response.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Notes {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) chat: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bot: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    points: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suggestions: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attachments: Vec<Attachment>,
    /// Whether the answer ended without a word.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    empty: bool,
    /// Whether the chat is deleted after the answer.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) temporary: bool,
    /// Whether the site rewrote text that was out already.
    pub(crate) rewritten: bool,
    /// Where the exact text begins in what was streamed, in characters, where it was rewritten.
    #[serde(skip_serializing_if = "Option::is_none")]
    exact_from: Option<usize>,
}

#[derive(Clone, Debug, Serialize)]
struct Attachment {
    name: String,
    url: String,
}

/// What is needed to ask.
pub(crate) struct Plan {
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) request: ChatRequest,
    /// Where the answer is remembered.
    pub(crate) points: Arc<Points>,
    pub(crate) place: Place,
    /// Where the model is noted once it has answered, and by which name.
    pub(crate) used: Option<(Arc<Recent>, String)>,
    /// What the bot is told of instructions, tools and formats, and where that is noted.
    pub(crate) told: Option<(Arc<Told>, ConversationHash)>,
    pub(crate) rules: Rules,
    pub(crate) reading: Arc<Reading>,
    /// Whose limits count.
    pub(crate) caller: Caller,
    /// They stay while the answer runs.
    pub(crate) _files: Arc<Files>,
    pub(crate) _share: Option<Arc<Share>>,
    /// Bytes that the answer and its thoughts may have.
    pub(crate) largest: usize,
    pub(crate) is_streamed: bool,
    pub(crate) prompt_tokens: u64,
    pub(crate) meter: Meter,
    pub(crate) stopping: watch::Receiver<bool>,
}

/// An answer under way. Dropping it stops it on the site.
pub(crate) struct Answer {
    plan: Plan,
    completion: Option<Completion>,
    fold: Fold,
    /// What is out of the first try, once the bot was asked to mend its answer.
    mended: Option<String>,
    thoughts: String,
    notes: Notes,
    ready: VecDeque<Part>,
    /// Where the pieces ended that were sent, in bytes.
    ends: Vec<usize>,
    /// Whether the site is known to have taken the question.
    is_taken: bool,
}

impl Answer {
    /// Asks.
    pub(crate) fn start(plan: Plan) -> Self {
        let completion = plan.provider.create_completion(plan.request.clone());
        let mut rules = plan.rules.clone();
        rules.hold |= plan.reading.format.is_some();
        rules.mark = plan.reading.tools.is_some().then_some(MARK);
        Self {
            plan,
            completion: Some(completion),
            fold: Fold::new(rules),
            mended: None,
            thoughts: String::new(),
            notes: Notes::default(),
            ready: VecDeque::new(),
            ends: Vec::new(),
            is_taken: false,
        }
    }

    /// The parts, with the number of the answer that they belong to.
    pub(crate) fn parts(
        self,
        index: usize,
    ) -> impl Stream<Item = (usize, Result<Part, Failure>)> + Send + 'static {
        stream::unfold(self, move |mut answer| async move {
            let part = answer.next().await?;
            Some(((index, part), answer))
        })
    }

    /// The next part; `None` after the end, or after a failure. Nothing is lost where the future
    /// is dropped.
    async fn next(&mut self) -> Option<Result<Part, Failure>> {
        loop {
            if let Some(part) = self.ready.pop_front() {
                return Some(Ok(part));
            }
            // A provider that never waits must not keep the others from their turn.
            tokio::task::coop::consume_budget().await;
            let completion = self.completion.as_mut()?;
            let event = tokio::select! {
                event = completion.next() => event,
                () = ending(&mut self.plan.stopping) => {
                    return Some(Err(self.fail(Failure::new(
                        StatusCode::SERVICE_UNAVAILABLE,
                        "server_ending",
                        "the server is ending; the answer was stopped",
                    ))));
                }
            };
            let taken = match event {
                Some(Ok(event)) => self.take(event).await,
                Some(Err(error)) => Err(Failure::from(error)),
                None => return None,
            };
            if let Err(failure) = taken {
                return Some(Err(self.fail(failure)));
            }
        }
    }

    fn fail(&mut self, failure: Failure) -> Failure {
        self.completion = None;
        self.plan.meter.failed();
        let was_asked = self.is_taken || !failure.is_refusal();
        failure.or_partial(self.fold.take_text()).asked(was_asked)
    }

    async fn take(&mut self, event: Event) -> Result<(), Failure> {
        match event {
            Event::Delta(_) | Event::Replace { .. } => {
                self.is_taken = true;
                self.plan.meter.chunk();
                let text = self.fold.take(&event);
                if !text.is_empty() {
                    self.ready.push_back(Part::Text(text.to_owned()));
                    self.ends.push(self.fold.out().len());
                }
                self.check_size()?;
                if self.fold.cut().is_some() {
                    return self.finish(FinishReason::Complete).await;
                }
            }
            Event::Finished { reason } => return self.finish(reason).await,
            Event::Started { chat, message, bot } => {
                self.is_taken = true;
                if let Some((told, hash)) = &self.plan.told {
                    told.add(&chat, *hash);
                }
                self.ready.push_back(Part::Started(chat.clone()));
                self.notes.chat = Some(chat);
                self.notes.message = Some(message);
                self.notes.bot = Some(bot);
            }
            Event::Status(text) => self.ready.push_back(Part::Status(text)),
            Event::Thought(text) if text.is_empty() => {}
            Event::Thought(text) => {
                self.is_taken = true;
                self.thoughts.push_str(&text);
                self.ready.push_back(Part::Thought(text));
                self.check_size()?;
            }
            Event::Attachment { name, url } => {
                self.notes.attachments.push(Attachment { name, url });
            }
            Event::Suggestion(text) => self.notes.suggestions.push(text),
            Event::Title(text) => self.notes.title = Some(text),
            Event::Cost { points } => self.notes.points = Some(points),
            // What a later provider may tell is no text.
            _ => {}
        }
        Ok(())
    }

    /// Whether it is not larger than it may be.
    fn check_size(&self) -> Result<(), Failure> {
        let (size, most) = (self.fold.size() + self.thoughts.len(), self.plan.largest);
        if size <= most {
            return Ok(());
        }
        let what = format!("the answer is larger than {most} bytes; it was stopped");
        Err(Limit::AnswerBytes.failure(StatusCode::BAD_GATEWAY, "answer_too_large", &what))
    }

    /// The text is complete, or cut: reads it, and says the rest.
    async fn finish(&mut self, reason: FinishReason) -> Result<(), Failure> {
        self.completion = None;
        let is_cut = self.fold.cut().is_some() || reason == FinishReason::Length;
        let cut = self.fold.cut().cloned();
        let tokens = self.fold.tokens() + tokens::estimate(&self.thoughts);
        let read = match self.plan.reading.is_plain() {
            true => None,
            false => Some(self.plan.reading.read(self.fold.text(), is_cut).await?),
        };
        let (said, calls) = match read {
            None => (None, Vec::new()),
            Some(Ok((text, calls))) => (Some(text), calls),
            // It was told once; what is no call then is how the bot speaks.
            Some(Err(fault)) if self.mended.is_some() && self.plan.reading.may_be_text(&fault) => {
                (None, Vec::new())
            }
            Some(Err(fault)) => return self.ask_again(&fault),
        };
        let finish = match cut {
            _ if !calls.is_empty() => Finish::Calls,
            Some(Cut::Length) => Finish::Length,
            Some(Cut::Stop(stop)) => Finish::Stop(Some(stop)),
            None if reason == FinishReason::Length => Finish::Length,
            None => Finish::Stop(None),
        };
        let (text, Rest { tail, anew }, out) = match self.mended.take() {
            // What is out of a first try stays where it was said before the call that was mended.
            Some(out) if !out.is_empty() && !calls.is_empty() => (out, Rest::default(), None),
            Some(out) => {
                let text = said.unwrap_or_else(|| self.fold.take_text());
                let rest = Rest::after(&out, &text);
                let sent = rest.anew.map(|_| format!("{out}{}", rest.tail));
                (text, rest, sent)
            }
            None => self.fold.end(said),
        };
        // The chat of an answer that is cut holds more than the client is given.
        if !is_cut {
            self.remember(&text, out.as_deref(), &calls);
        }
        // Who gets the answer in one piece has it in its end.
        if !tail.is_empty() && self.plan.is_streamed {
            self.ready.push_back(Part::Text(tail));
        }
        if let Some((recent, model)) = &self.plan.used {
            recent.add(self.plan.place.owner.as_deref(), model);
        }
        self.notes.temporary = self.plan.request.temporary;
        self.notes.empty = text.trim().is_empty() && calls.is_empty();
        self.notes.rewritten = anew.is_some();
        self.notes.exact_from = anew;
        let thoughts = std::mem::take(&mut self.thoughts);
        self.plan.meter.finished(self.plan.prompt_tokens, tokens);
        let notes = std::mem::take(&mut self.notes);
        let end = End { text, thoughts, calls, finish, tokens, notes };
        self.ready.push_back(Part::End(Box::new(end)));
        Ok(())
    }

    /// The client sends the answer back as it is, or as it was sent, and the conversation can go on.
    fn remember(&self, text: &str, sent: Option<&str>, calls: &[Call]) {
        let (Some(chat), Some(message)) = (&self.notes.chat, &self.notes.message) else { return };
        let ChatRequest { chat: named, resume, attachments, messages, .. } = &self.plan.request;
        // Of a chat that the client named nobody knows what else it holds, nor are files known
        // again.
        if named.is_none() && *resume && attachments.is_empty() {
            let forms: Vec<_> =
                std::iter::once(text).chain(sent).map(|text| said(text, calls)).collect();
            let whole: Vec<_> = forms.iter().map(|form| &**form).collect();
            let begun = calls.is_empty().then_some((text, &*self.ends));
            let is_left_out = calls.is_empty() && text.trim().is_empty();
            let forms = Forms { whole: &whole, begun, is_left_out };
            self.plan.points.add(&self.plan.place, messages, forms, (chat, message));
        }
    }

    /// The client has left in the middle of the answer: it may go on from what it was sent.
    fn remember_begun(&self) {
        let (Some(chat), Some(message)) = (&self.notes.chat, &self.notes.message) else { return };
        let ChatRequest { chat: named, resume, attachments, messages, .. } = &self.plan.request;
        if named.is_none() && *resume && attachments.is_empty() && self.mended.is_none() {
            let begun = Some((self.fold.out(), &*self.ends));
            let forms = Forms { whole: &[], begun, is_left_out: true };
            self.plan.points.add(&self.plan.place, messages, forms, (chat, message));
        }
    }

    /// Has the bot mend its answer, once: in the same chat, or, where the provider keeps none, by
    /// the conversation so far.
    fn ask_again(&mut self, fault: &Fault) -> Result<(), Failure> {
        if self.mended.is_some() {
            let message =
                format!("the bot's answer does not have the form that is asked: {}", fault.outline);
            return Err(Error::new(ErrorKind::Bot, message).into());
        }
        self.is_taken = true;
        if let Err(refused) = self.plan.caller.ask_again() {
            let message = format!(
                "the bot's answer does not have the form that is asked: {}; it was not asked to \
                 mend it: {}",
                fault.outline, refused.message
            );
            return Err(Error::new(ErrorKind::Bot, message).into());
        }
        tracing::info!("the bot is asked to mend the form of its answer");
        let mut request = self.plan.request.clone();
        let correction = Message::user(fault.correction());
        // A temporary chat is gone by now.
        match self.notes.chat.clone().filter(|_| !request.temporary) {
            Some(chat) => {
                request.messages = vec![correction];
                request.attachments = Vec::new();
                request.chat = Some(chat);
            }
            None => {
                let answer = Message::assistant(self.fold.text());
                request.messages.extend([answer, correction]);
            }
        }
        self.mended = Some(self.fold.out().to_owned());
        self.fold = Fold::new(Rules { hold: true, mark: None, ..self.plan.rules.clone() });
        self.completion = Some(self.plan.provider.create_completion(request));
        Ok(())
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        // One that has ended or failed has none.
        if self.completion.is_some() {
            self.remember_begun();
        }
    }
}

/// Waits until the server ends.
async fn ending(stopping: &mut watch::Receiver<bool>) {
    if stopping.wait_for(|stopping| *stopping).await.is_err() {
        std::future::pending().await
    }
}
