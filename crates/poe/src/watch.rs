//! What to do while an answer is awaited. Pure: what happens is handed in with its time, what is
//! to be done comes out.

use std::time::{Duration, Instant};

use lenore_provider::{Error, ErrorKind, Event};

use crate::decode::{Exchange, PageView, Step, TapMessage, WireFacts};

/// How long the page may take from the click until it sends.
const SENDING_TIMEOUT: Duration = Duration::from_secs(8);
/// How long the site's echo may take where the reply to the question was lost.
const ECHO_TIMEOUT: Duration = Duration::from_secs(5);
/// The same where the site has turned the request away, though not in its own word for it.
const DENIED_TIMEOUT: Duration = Duration::from_secs(2);
/// How long the page itself has to read the chat again after a gap, before it is loaded. Each
/// further time it has twice as long.
const REREAD_TIMEOUT: Duration = Duration::from_secs(2);
/// How long it may stay open which of several messages is the answer.
const DECISION_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a bot's message may take where the site says that none answers by itself.
const UNANSWERED_TIMEOUT: Duration = Duration::from_secs(3);
/// How long after the last news the page is looked at. Each further time it takes twice as long.
const FIRST_LOOK: Duration = Duration::from_millis(1500);
/// The longest time between two looks.
const MAX_LOOK: Duration = Duration::from_secs(15);
/// How long the answer's last state may take once its job has ended.
const JOB_LOOK: Duration = Duration::from_millis(50);
/// The number of times in a row that a page may be lost without anything new of the answer.
const MAX_LOSSES: u32 = 3;
/// The number of times that the chat is loaded where the page shows more than was received.
const MAX_LOADS: u32 = 2;
/// The number of looks at a loaded chat that may show nothing of the answer.
const MAX_BLIND_LOOKS: u32 = 4;

/// Something that happens to the page, or the passing of time.
#[derive(Debug)]
pub(crate) enum Happening<'a> {
    /// The tap tells something.
    Message(&'a TapMessage),
    /// A new document has begun.
    Opened,
    /// Messages of the tap are missing.
    Hole,
    /// The page was looked at; `None` where it could not be.
    Looked(Option<&'a PageView>),
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
    /// Load the chat of this code, in a new page where the old one is lost.
    ReadAgain(String),
    /// See what the page shows of the answer.
    Look,
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

/// When the page is looked at next, and what earlier looks have shown.
#[derive(Debug)]
struct Looks {
    at: Instant,
    wait: Duration,
    /// How often the chat was loaded because the page showed more than was received.
    loads: u32,
    /// How often a loaded chat has shown nothing of the answer.
    blind: u32,
}

/// Watches over one question from the click on.
#[derive(Debug)]
pub(crate) struct Watch {
    exchange: Exchange,
    /// The longest time without news of the site.
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
    /// Whether anything may be missing of what was received.
    has_gap: bool,
    /// Whether the chat was loaded in place of the page that asked.
    is_loaded: bool,
    looks: Looks,
    /// Until when it may stay open which message is the answer.
    decision: Option<Instant>,
    /// Until when a bot's message is awaited where the site says that none answers by itself.
    unanswered: Option<Instant>,
    losses: u32,
    /// Whether the site has the question.
    doubt: Option<Doubt>,
    ended: bool,
}

impl Watch {
    /// Begins as send is pressed. `bot` is the handle of the one that must answer, if any, and
    /// `chat` the code of the chat, where there is one already.
    pub(crate) fn new(
        facts: WireFacts,
        bot: Option<&str>,
        chat: Option<&str>,
        silence: Duration,
        now: Instant,
    ) -> Self {
        Self {
            exchange: Exchange::new(facts, bot, chat),
            silence,
            pressed: now,
            heard: now,
            was_read_in_vain: false,
            reread: None,
            patience: REREAD_TIMEOUT,
            has_gap: false,
            is_loaded: false,
            looks: Looks { at: now + FIRST_LOOK, wait: FIRST_LOOK, loads: 0, blind: 0 },
            decision: None,
            unanswered: None,
            losses: 0,
            doubt: None,
            ended: false,
        }
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
            self.pressed + SENDING_TIMEOUT
        };
        let others = [self.reread, self.decision, self.unanswered, Some(self.looks.at)];
        let end = self.doubt.as_ref().map_or(patience, |doubt| doubt.until);
        others.into_iter().flatten().fold(end, Instant::min)
    }

    /// Takes what happens. After [`Action::Complete`] only events still come, and after
    /// [`Action::Fail`] nothing.
    pub(crate) fn take(&mut self, happening: &Happening<'_>, now: Instant) -> Vec<Action> {
        let mut actions = Vec::new();
        match happening {
            Happening::Message(message) => {
                let steps = self.exchange.take(message);
                self.steps(steps, now, &mut actions);
            }
            Happening::Opened => self.exchange.reset_document(),
            Happening::Hole => {
                // Changes must not be put to a text that was never told.
                self.exchange.reset_document();
                if !self.ended {
                    self.has_gap = true;
                    self.read_again(now, &mut actions);
                }
            }
            Happening::Looked(view) if !self.ended => self.looked(*view, now, &mut actions),
            Happening::PageLost if !self.ended => self.page_lost(now, &mut actions),
            Happening::Time if !self.ended => self.time(now, &mut actions),
            _ => {}
        }
        actions
    }

    fn steps(&mut self, steps: Vec<Step>, now: Instant, actions: &mut Vec<Action>) {
        for step in steps {
            self.step(step, now, actions);
        }
        if self.exchange.is_undecided() {
            self.decision.get_or_insert(now + DECISION_TIMEOUT);
        } else {
            self.decision = None;
        }
    }

    fn step(&mut self, step: Step, now: Instant, actions: &mut Vec<Action>) {
        // Reading the same again is no news.
        if !matches!(step, Step::Gap | Step::Read) {
            self.heard = now;
            self.was_read_in_vain = false;
            self.losses = 0;
            self.looks.wait = FIRST_LOOK;
            self.looks.at = now + FIRST_LOOK;
        }
        match step {
            Step::Event(event) => {
                self.doubt = None;
                self.unanswered = None;
                // Texts are told whole, so that after a gap the next one has all that was missed.
                if matches!(event, Event::Delta(_) | Event::Replace { .. }) {
                    self.has_gap = false;
                    self.reread = None;
                }
                actions.push(Action::Emit(event));
            }
            _ if self.ended => {}
            Step::Sent => {}
            Step::Confirmed => self.doubt = None,
            Step::Unconfirmed { error, is_denied } if self.doubt.is_none() => {
                let wait = if is_denied { DENIED_TIMEOUT } else { ECHO_TIMEOUT };
                self.doubt = Doubt::new(now + wait.min(self.silence), error);
            }
            Step::Unconfirmed { .. } => {}
            Step::Complete => self.end(Action::Complete, actions),
            Step::JobEnded => self.looks.at = now + JOB_LOOK,
            Step::Unanswered => {
                if self.exchange.answer().is_none() {
                    self.unanswered = Some(now + UNANSWERED_TIMEOUT);
                }
            }
            Step::Failed(error) => self.end(Action::Fail(error), actions),
            // What was missed before the question does not matter.
            Step::Gap if !self.exchange.is_sent() => {}
            Step::Gap => {
                self.has_gap = true;
                self.reread.get_or_insert(now + self.patience);
            }
            Step::Read => {
                self.reread = None;
                self.was_looked_at(now);
            }
        }
    }

    /// The chat has been read. Had that settled the doubt, it would be gone.
    fn was_looked_at(&mut self, now: Instant) {
        if let Some(doubt) = self.doubt.as_mut().filter(|doubt| doubt.look == Look::Loaded) {
            // A question that is still on its way is echoed to the page that was loaded.
            let wait = if self.exchange.is_taken() { Duration::ZERO } else { ECHO_TIMEOUT };
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
            if self.pressed + SENDING_TIMEOUT <= now {
                self.fail(unseen(), actions);
            } else {
                self.look_in_time(now, actions);
            }
            return;
        }
        if self.decision.take_if(|at| *at <= now).is_some() {
            let steps = self.exchange.decide();
            return self.steps(steps, now, actions);
        }
        if self.unanswered.take_if(|at| *at <= now).is_some() {
            return self.fail(unanswered(), actions);
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
        } else {
            self.look_in_time(now, actions);
        }
    }

    /// Has the page looked at, where it is time for that.
    fn look_in_time(&mut self, now: Instant, actions: &mut Vec<Action>) {
        if self.looks.at <= now {
            self.looks.wait = (self.looks.wait * 2).min(MAX_LOOK);
            self.looks.at = now + self.looks.wait;
            actions.push(Action::Look);
        }
    }

    /// Takes what the page shows. The site has not told the end, but the page may.
    fn looked(&mut self, view: Option<&PageView>, now: Instant, actions: &mut Vec<Action>) {
        let Some(view) = view else { return };
        if !self.exchange.is_sent() {
            if let Some(words) = &view.dialog {
                self.fail(asked_back(words), actions);
            }
            return;
        }
        if !self.exchange.is_taken() {
            return;
        }
        if let Some(id) = &view.answer {
            let steps = self.exchange.adopt(id);
            self.steps(steps, now, actions);
            if self.ended {
                return;
            }
        }
        let is_ours = view.answer.is_some() && view.answer.as_deref() == self.exchange.answer();
        let is_complete = match view.complete.filter(|_| is_ours) {
            Some(is_complete) => is_complete,
            // The site's word that the work is done is enough where nothing was missed.
            None if self.exchange.is_job_over() && !self.has_gap => {
                return self.complete(now, actions);
            }
            None => return self.saw_nothing(actions),
        };
        if !is_complete {
            return;
        }
        if view.is_within(self.exchange.text()) {
            self.complete(now, actions);
        } else if self.looks.loads < MAX_LOADS {
            self.looks.loads += 1;
            self.read_again(now, actions);
            self.looks.wait = FIRST_LOOK;
            self.looks.at = now + FIRST_LOOK;
        } else {
            self.exchange.give_up();
            let message = "the answer is complete on the site, and not all of it was received; look \
                           at the chat there";
            self.fail(Error::new(ErrorKind::AnswerLost, message), actions);
        }
    }

    fn complete(&mut self, now: Instant, actions: &mut Vec<Action>) {
        tracing::debug!("the page shows that the answer is complete");
        let steps = self.exchange.complete();
        self.steps(steps, now, actions);
    }

    /// A chat that was loaded to find the answer shows nothing of it.
    fn saw_nothing(&mut self, actions: &mut Vec<Action>) {
        if !self.is_loaded || !self.has_gap {
            return;
        }
        self.looks.blind += 1;
        if self.looks.blind >= MAX_BLIND_LOOKS {
            let message = "updates of the answer were missed, and the site's page does not tell \
                           what they were; look at the chat there";
            self.fail(Error::new(ErrorKind::AnswerLost, message), actions);
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
        let until = now + self.silence.max(REREAD_TIMEOUT);
        self.doubt = Some(Doubt { until, look: Look::Loaded, ..doubt });
        self.heard = now;
        self.reread = None;
        self.load(code, actions);
    }

    fn page_lost(&mut self, now: Instant, actions: &mut Vec<Action>) {
        self.losses += 1;
        self.has_gap = true;
        let is_known = self.exchange.is_sent() && self.exchange.chat_code().is_some();
        if !is_known {
            let is_taken = self.exchange.is_taken();
            return self.fail(if is_taken { out_of_sight() } else { unconfirmed() }, actions);
        }
        if self.losses > MAX_LOSSES {
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
            self.patience = (self.patience * 2).min(self.silence.max(REREAD_TIMEOUT));
            self.reread = Some(now + self.patience);
            self.load(code, actions);
        }
    }

    fn load(&mut self, code: String, actions: &mut Vec<Action>) {
        self.is_loaded = true;
        actions.push(Action::ReadAgain(code));
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
        self.decision = None;
        self.unanswered = None;
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

/// The error of a question that nobody saw go out.
fn unseen() -> Error {
    Error::new(
        ErrorKind::SiteChanged,
        "send was pressed, and no question was seen to go out: the site may have changed. Look at \
         the site before asking again; `lenore doctor` shows what is different",
    )
    .with_doubt()
}

/// The error of a question that the site has, in a chat whose address it has not told.
fn out_of_sight() -> Error {
    Error::new(
        ErrorKind::AnswerLost,
        "the page was lost before the site told where the chat is, though it has the question; \
         look at the site before asking again",
    )
}

/// The error of a chat in which no bot answers.
fn unanswered() -> Error {
    Error::new(
        ErrorKind::Bot,
        "the site has the question, but says that no bot answers in this chat by itself; turn \
         automatic answers on in the chat's settings on the site, or ask in a new chat",
    )
}

/// The error of a page that asks something before it sends the question.
fn asked_back(words: &str) -> Error {
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let end = words.floor_char_boundary(200);
    Error::new(
        ErrorKind::Quota,
        format!(
            "nothing was sent: the page asks first: {:?}. Answer it on the site, or raise the \
             price there from which the site asks",
            &words[..end]
        ),
    )
}

#[cfg(test)]
mod tests;
