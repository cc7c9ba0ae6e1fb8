//! What to do while an answer is awaited. Pure: what happens is handed in with its time, what is
//! to be done comes out.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lenore_provider::{Error, ErrorKind, Event};
use regex_lite::Regex;

use crate::decode::{Exchange, Step, TapMessage};
use crate::error::site_changed;

/// How long the page may take from the click until it sends.
const SENDING: Duration = Duration::from_secs(10);
/// How long the site's echo may take where the reply to the question was lost.
const ECHO: Duration = Duration::from_secs(5);
/// The same where the site has turned the request away, though not in its own word for it.
const DENIED: Duration = Duration::from_secs(2);
/// How long the page itself has to read the chat again after a gap, before that is done for it.
/// Each further time it has twice as long.
const REREAD: Duration = Duration::from_secs(3);

/// How often in a row a page may be lost without anything new of the answer in between.
const LOSSES: u32 = 3;

/// Something that happens to the page, or the passing of time.
#[derive(Debug)]
pub(crate) enum Happening<'a> {
    /// The tap tells something.
    Message(&'a TapMessage),
    /// A new document has begun.
    Opened,
    /// Messages of the tap are missing.
    Hole,
    /// The page or the browser is gone.
    PageLost,
    /// The time of [`Watch::wake_at`] has come, or any other.
    Time,
}

/// Something to do.
#[derive(Debug)]
pub(crate) enum Action {
    /// Hand an event to the caller.
    Emit(Event),
    /// Load the chat of this code anew, in a new page where the old one is lost.
    ReadAgain(String),
    /// The answer is complete: leave.
    Complete,
    /// Fail, after stopping what may still run.
    Fail(Error),
}

/// What the site has not told: until when that is waited for, and the error then.
#[derive(Debug)]
struct Doubt {
    until: Instant,
    error: Error,
    look: Look,
}

/// Whether the chat has been loaded to settle a doubt, and has been read then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    ToCome,
    Loaded,
    Read,
}

impl Doubt {
    fn new(until: Instant, error: Error) -> Option<Self> {
        Some(Self { until, error, look: Look::ToCome })
    }
}

/// Watches over one question from the click on.
#[derive(Debug)]
pub(crate) struct Watch {
    exchange: Exchange,
    /// The longest silence that is borne.
    silence: Duration,
    /// When send was pressed.
    pressed: Instant,
    /// When the site last said something new of our question.
    heard: Instant,
    /// Whether the chat has been read again since then.
    was_read_in_vain: bool,
    /// When the chat is read again, after a gap that the page has not closed by itself.
    reread: Option<Instant>,
    patience: Duration,
    losses: u32,
    /// Whether the site has the question, or, where the answer is complete, whose it is.
    doubt: Option<Doubt>,
    ended: bool,
}

impl Watch {
    /// Begins as send is pressed. `bot` is the handle of the one that must answer, if any, and
    /// `chat` the code of the chat, where there is one already.
    pub(crate) fn new(
        placeholders: Arc<[Regex]>,
        bot: Option<&str>,
        chat: Option<&str>,
        silence: Duration,
        now: Instant,
    ) -> Self {
        Self {
            exchange: Exchange::new(placeholders, bot, chat),
            silence,
            pressed: now,
            heard: now,
            was_read_in_vain: false,
            reread: None,
            patience: REREAD,
            losses: 0,
            doubt: None,
            ended: false,
        }
    }

    /// The chat is one in which that bot has answered before.
    pub(crate) fn in_that_bots_chat(mut self) -> Self {
        self.exchange.is_of_that_bot();
        self
    }

    /// What is known of the question and its answer.
    pub(crate) fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    /// The text that the events so far add up to.
    pub(crate) fn text(&self) -> &str {
        self.exchange.text()
    }

    /// When time must be handed in.
    pub(crate) fn wake_at(&self) -> Instant {
        let patience = if self.exchange.is_sent() {
            self.heard + self.silence
        } else {
            self.pressed + SENDING
        };
        let end = self.doubt.as_ref().map_or(patience, |doubt| doubt.until);
        self.reread.map_or(end, |reread| reread.min(end))
    }

    /// Takes what happens. After [`Action::Complete`] only events still come, and after
    /// [`Action::Fail`] nothing.
    pub(crate) fn take(&mut self, happening: &Happening<'_>, now: Instant) -> Vec<Action> {
        let mut actions = Vec::new();
        match happening {
            Happening::Message(message) => {
                for step in self.exchange.take(message) {
                    self.step(step, now, &mut actions);
                }
            }
            Happening::Opened => self.exchange.document_opened(),
            Happening::Hole => {
                // Changes must not be put to a text that was never told.
                self.exchange.document_opened();
                if !self.ended {
                    self.read_again(now, &mut actions);
                }
            }
            Happening::PageLost if !self.ended => self.page_lost(now, &mut actions),
            Happening::Time if !self.ended => self.time(now, &mut actions),
            _ => {}
        }
        actions
    }

    fn step(&mut self, step: Step, now: Instant, actions: &mut Vec<Action>) {
        // Reading the same again is no news.
        if !matches!(step, Step::Gap | Step::Read) {
            self.heard = now;
            self.was_read_in_vain = false;
            self.losses = 0;
        }
        match step {
            Step::Event(event) => {
                self.confirmed();
                actions.push(Action::Emit(event));
            }
            _ if self.ended => {}
            Step::Sent => {}
            Step::Confirmed => self.confirmed(),
            Step::Unconfirmed { error, is_denied } if self.doubt.is_none() => {
                let wait = if is_denied { DENIED } else { ECHO };
                self.doubt = Doubt::new(now + wait.min(self.silence), error);
            }
            Step::Unconfirmed { .. } => {}
            Step::Unidentified => {
                // The chat tells, where its address is known; else the reply may.
                let wait = if self.exchange.chat_code().is_some() { Duration::ZERO } else { ECHO };
                self.doubt = Doubt::new(now + wait, self.exchange.unidentified());
                self.time(now, actions);
            }
            Step::Complete => self.end(Action::Complete, actions),
            Step::Failed(error) => self.end(Action::Fail(error), actions),
            // What was missed before the question does not matter.
            Step::Gap if !self.exchange.is_sent() => {}
            Step::Gap => {
                self.reread.get_or_insert(now + self.patience);
            }
            Step::Read => {
                self.reread = None;
                self.was_looked_at(now);
            }
        }
    }

    /// The site has the question. That does not tell whose the answer is.
    fn confirmed(&mut self) {
        if !self.exchange.is_unidentified() {
            self.doubt = None;
        }
    }

    /// The chat has been read. Had that settled the doubt, it would be gone.
    fn was_looked_at(&mut self, now: Instant) {
        if let Some(doubt) = self.doubt.as_mut().filter(|doubt| doubt.look == Look::Loaded) {
            // A question that is still on its way is echoed to the page that was loaded.
            let wait = if self.exchange.is_taken() { Duration::ZERO } else { ECHO };
            doubt.until = now + wait.min(self.silence);
            doubt.look = Look::Read;
        }
    }

    fn time(&mut self, now: Instant, actions: &mut Vec<Action>) {
        let is_silent = self.exchange.is_sent() && self.heard + self.silence <= now;
        if is_silent && !self.exchange.is_taken() && self.doubt.is_none() {
            self.doubt = Doubt::new(now, self.silent());
        }
        if let Some(doubt) = self.doubt.take_if(|doubt| doubt.until <= now) {
            return self.look(doubt, now, actions);
        }
        if !self.exchange.is_sent() {
            if self.pressed + SENDING <= now {
                self.fail(site_changed("what the send button does"), actions);
            }
            return;
        }
        // Silence comes before another reading: readings that tell nothing new must come to an end.
        let was_read_in_vain = self.was_read_in_vain || self.chat().is_none();
        if is_silent && self.doubt.is_none() && was_read_in_vain {
            let error = self.silent();
            self.fail(error, actions);
        } else if is_silent && self.doubt.is_none() {
            self.was_read_in_vain = true;
            self.heard = now;
            self.read_again(now, actions);
        } else if self.reread.is_some_and(|at| at <= now) {
            self.read_again(now, actions);
        }
    }

    /// The error of a site that says nothing for too long.
    fn silent(&self) -> Error {
        let seconds = self.silence.as_secs();
        if !self.exchange.is_taken() {
            let message = format!(
                "the site said nothing of the question for {seconds} s, and may have it or not; \
                 look at the site before asking again"
            );
            return Error::new(ErrorKind::Timeout, message);
        }
        let nothing_came = self.text().is_empty();
        let kind = if nothing_came { ErrorKind::Timeout } else { ErrorKind::AnswerLost };
        let reading = if self.was_read_in_vain { ", nor after reading the chat again" } else { "" };
        let message = format!(
            "the site said nothing of the answer for {seconds} s{reading}; look at the chat on \
             the site"
        );
        Error::new(kind, message)
    }

    /// Has the chat loaded, once, to settle a doubt: what it holds decides. Where its address is
    /// not known, or it has been loaded, the doubt is the end.
    fn look(&mut self, doubt: Doubt, now: Instant, actions: &mut Vec<Action>) {
        let Some(code) = self.exchange.chat_code().map(str::to_owned) else {
            return self.fail(doubt.error, actions);
        };
        match doubt.look {
            Look::ToCome => {}
            Look::Read if !self.exchange.is_taken() => {
                let found = "the question was not found in the chat, which was read again";
                let error = Error::new(doubt.error.kind(), format!("{}; {found}", doubt.error));
                let error = error.with_doubt();
                let wait = doubt.error.retry_after();
                let error = wait.into_iter().fold(error, Error::with_retry_after);
                return self.fail(error.with_source(doubt.error), actions);
            }
            Look::Loaded | Look::Read => return self.fail(doubt.error, actions),
        }
        // Its reading sets an earlier end.
        let until = now + self.silence.max(REREAD);
        self.doubt = Some(Doubt { until, look: Look::Loaded, ..doubt });
        self.heard = now;
        self.reread = None;
        actions.push(Action::ReadAgain(code));
    }

    fn page_lost(&mut self, now: Instant, actions: &mut Vec<Action>) {
        self.losses += 1;
        let is_known = self.exchange.is_sent() && self.exchange.chat_code().is_some();
        if !is_known {
            let is_taken = self.exchange.is_taken();
            return self.fail(if is_taken { out_of_sight() } else { unconfirmed() }, actions);
        }
        if self.losses > LOSSES {
            let message = "the page was lost again and again; look at the chat on the site";
            return self.fail(Error::new(ErrorKind::AnswerLost, message), actions);
        }
        if self.doubt.is_none() && self.exchange.is_taken() {
            return self.read_again(now, actions);
        }
        // The question is on its way no more. What was loaded to see about it is loaded again.
        let (until, error) = match self.doubt.take() {
            Some(doubt) => (doubt.until, doubt.error),
            None => (now, unconfirmed()),
        };
        self.look(Doubt { until, error, look: Look::ToCome }, now, actions);
    }

    /// Has the chat read again, if the site has named it yet; else the reply is to come, and is
    /// waited for.
    fn read_again(&mut self, now: Instant, actions: &mut Vec<Action>) {
        self.reread = None;
        if let Some(code) = self.chat().map(str::to_owned) {
            // Should the page not come to read the chat, it is loaded once more.
            self.patience = (self.patience * 2).min(self.silence.max(REREAD));
            self.reread = Some(now + self.patience);
            actions.push(Action::ReadAgain(code));
        }
    }

    /// The code of the chat that surely has the question. Before that, loading anything would cut
    /// off the question on its way.
    fn chat(&self) -> Option<&str> {
        self.exchange.chat_code().filter(|_| self.exchange.is_taken())
    }

    fn fail(&mut self, error: Error, actions: &mut Vec<Action>) {
        let error = match self.text() {
            "" => error,
            text => error.with_partial(text),
        };
        self.end(Action::Fail(error), actions);
    }

    fn end(&mut self, action: Action, actions: &mut Vec<Action>) {
        self.ended = true;
        self.reread = None;
        self.doubt = None;
        actions.push(action);
    }
}

/// The error of a question of which nobody knows whether the site has it.
pub(crate) fn unconfirmed() -> Error {
    Error::new(
        ErrorKind::AnswerLost,
        "the page was lost before the site confirmed the question; look at the chat on the site \
         before asking again",
    )
}

/// The error of a question that the site has, in a chat whose address it has not told.
fn out_of_sight() -> Error {
    Error::new(
        ErrorKind::AnswerLost,
        "the page was lost before the site told where the chat is, though it has the question; \
         look at the site before asking again",
    )
}

#[cfg(test)]
mod tests;
