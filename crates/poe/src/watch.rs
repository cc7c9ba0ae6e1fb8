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
mod tests {
    use lenore_provider::Transcript;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    const SILENCE: Duration = Duration::from_secs(20);

    fn message(value: Value) -> TapMessage {
        serde_json::from_value(value).expect("a message of the tap")
    }

    fn sent() -> TapMessage {
        message(json!({ "k": "sent", "nonce": "n", "bot": "beaver" }))
    }

    fn reply() -> TapMessage {
        message(json!({
            "k": "reply", "nonce": "n", "http": 200, "status": "success",
            "chat": "7", "code": "abc", "question": "100", "answer": "101",
        }))
    }

    fn whole(text: &str, state: &str) -> TapMessage {
        message(json!({
            "k": "message", "chat": "7", "id": "101", "author": "beaver",
            "state": state, "keep": 0, "text": text,
        }))
    }

    /// A watch, its clock, and what came of it.
    struct World {
        watch: Watch,
        now: Instant,
        shown: Transcript,
        rereads: usize,
        end: Option<Result<(), ErrorKind>>,
        /// What the error says.
        said: String,
    }

    impl World {
        fn new() -> Self {
            Self::within(None)
        }

        /// In a chat that exists already, where it has a code.
        fn within(chat: Option<&str>) -> Self {
            let now = Instant::now();
            let watch = Watch::new(Arc::new([]), Some("GPT-4"), chat, SILENCE, now);
            let said = String::new();
            Self { watch, now, shown: Transcript::default(), rereads: 0, end: None, said }
        }

        fn happens(&mut self, happening: &Happening<'_>) {
            for action in self.watch.take(happening, self.now) {
                match action {
                    Action::Emit(event) => self.shown.apply(&event),
                    Action::ReadAgain(code) => {
                        assert_eq!(code, "abc");
                        assert!(self.end.is_none(), "nothing is done after the end");
                        self.rereads += 1;
                    }
                    Action::Complete => assert!(self.end.replace(Ok(())).is_none()),
                    Action::Fail(error) => {
                        assert!(self.end.replace(Err(error.kind())).is_none());
                        self.said = error.to_string();
                    }
                }
            }
            assert_eq!(self.watch.text(), self.shown.text());
        }

        fn hears(&mut self, message: &TapMessage) {
            self.happens(&Happening::Message(message));
        }

        /// Lets time pass until the watch wants to act.
        fn waits(&mut self) {
            self.now = self.now.max(self.watch.wake_at());
            self.happens(&Happening::Time);
        }
    }

    #[test]
    fn a_click_that_sends_nothing_is_a_change_of_the_site() {
        let mut world = World::new();
        world.waits();
        assert_eq!(world.end, Some(Err(ErrorKind::SiteChanged)));
    }

    #[test]
    fn in_a_known_chat_nothing_is_loaded_while_the_question_is_on_its_way() {
        let mut world = World::within(Some("abc"));
        world.hears(&sent());
        world.hears(&message(json!({ "k": "gap", "why": "test" })));
        world.waits();
        world.happens(&Happening::Hole);
        assert_eq!((world.rereads, world.end), (0, None));
        world.hears(&reply());
        world.happens(&Happening::Hole);
        assert_eq!(world.rereads, 1);
    }

    fn echo() -> TapMessage {
        message(json!({
            "k": "message", "chat": "7", "id": "100", "author": "human", "nonce": "n",
            "keep": 0, "text": "",
        }))
    }

    fn read() -> TapMessage {
        message(json!({
            "k": "read", "chat": "7", "code": "abc", "handle": "GPT-4", "nickname": "beaver",
        }))
    }

    fn lost() -> TapMessage {
        message(json!({ "k": "reply", "nonce": "n", "http": 0 }))
    }

    #[test]
    fn in_a_known_chat_a_doubt_is_settled_by_what_the_chat_holds() {
        let doubts: [fn(&mut World); 3] = [
            |world| world.happens(&Happening::PageLost),
            |world| {
                world.hears(&lost());
                world.waits();
            },
            |world| world.waits(),
        ];
        let kinds = [ErrorKind::AnswerLost, ErrorKind::AnswerLost, ErrorKind::Timeout];
        for (doubt, kind) in doubts.into_iter().zip(kinds) {
            let mut world = World::within(Some("abc"));
            world.hears(&sent());
            doubt(&mut world);
            assert_eq!((world.rereads, world.end), (1, None), "{kind}");
            world.happens(&Happening::Opened);
            world.hears(&echo());
            world.hears(&whole("Hello", "incomplete"));
            world.hears(&read());
            world.hears(&whole(" there", "complete"));
            assert_eq!(world.end, Some(Ok(())), "{kind}");

            // The question is not there, nor does it come.
            let mut world = World::within(Some("abc"));
            world.hears(&sent());
            doubt(&mut world);
            world.happens(&Happening::Opened);
            world.hears(&read());
            assert_eq!(world.end, None, "it may still be on its way");
            world.waits();
            assert_eq!((world.rereads, world.end), (1, Some(Err(kind))));
            assert!(world.said.contains("was not found in the chat"), "{}", world.said);

            // The chat cannot be read.
            let mut world = World::within(Some("abc"));
            world.hears(&sent());
            doubt(&mut world);
            world.waits();
            assert_eq!((world.rereads, world.end), (1, Some(Err(kind))));
            assert!(!world.said.contains("read again"), "{}", world.said);
        }
    }

    #[test]
    fn a_page_that_is_lost_while_a_doubt_is_settled_is_loaded_again_a_few_times() {
        let mut world = World::within(Some("abc"));
        world.hears(&sent());
        for _ in 0..10 {
            world.happens(&Happening::PageLost);
        }
        assert_eq!(world.end, Some(Err(ErrorKind::AnswerLost)));
        assert_eq!(world.rereads, LOSSES as usize);
    }

    #[test]
    fn whose_an_answer_is_is_read_in_the_chat() {
        let nobodys = || {
            let mut world = World::within(Some("abc"));
            world.hears(&sent());
            world.hears(&echo());
            world.hears(&whole("Hello", "complete"));
            assert_eq!((world.rereads, world.end), (1, None));
            world.happens(&Happening::Opened);
            world.hears(&whole("Hello", "complete"));
            world
        };
        let mut world = nobodys();
        world.hears(&read());
        assert_eq!((world.end, world.shown.text()), (Some(Ok(())), "Hello"));
        let mut world = nobodys();
        world.hears(&message(json!({
            "k": "read", "chat": "7", "code": "abc", "handle": "GPT-4", "nickname": "raven",
        })));
        assert_eq!(world.end, Some(Err(ErrorKind::Bot)));
        let mut world = nobodys();
        world.hears(&message(json!({ "k": "read", "chat": "7", "code": "abc" })));
        world.waits();
        assert_eq!((world.rereads, world.end), (1, Some(Err(ErrorKind::Bot))));
        assert!(world.said.contains("did not tell"), "{}", world.said);
    }

    #[test]
    fn nothing_is_said_to_have_been_done_that_was_not() {
        let mut world = World::new();
        world.hears(&sent());
        world.waits();
        assert_eq!(world.end, Some(Err(ErrorKind::Timeout)));
        assert!(!world.said.contains("reading"), "{}", world.said);
        let mut world = World::new();
        world.hears(&sent());
        world.hears(&echo());
        world.hears(&whole("Hel", "incomplete"));
        world.happens(&Happening::PageLost);
        assert_eq!(world.end, Some(Err(ErrorKind::AnswerLost)));
        assert!(!world.said.contains("before the site confirmed"), "{}", world.said);
    }

    #[test]
    fn a_lost_reply_is_made_up_for_by_the_echo() {
        let echo = message(json!({
            "k": "message", "chat": "7", "id": "100", "author": "human", "own": true,
            "keep": 0, "text": "",
        }));
        let lost =
            message(json!({ "k": "reply", "nonce": "n", "http": 0, "words": "Failed to fetch" }));
        let mut world = World::new();
        world.hears(&sent());
        world.hears(&lost);
        world.hears(&echo);
        world.hears(&whole("Hello", "complete"));
        assert_eq!((world.end, world.shown.text()), (Some(Ok(())), "Hello"));

        let mut world = World::new();
        world.hears(&sent());
        world.hears(&lost);
        world.waits();
        assert_eq!(world.end, Some(Err(ErrorKind::AnswerLost)));
    }

    #[test]
    fn a_page_that_is_lost_before_the_reply_is_an_unknown_end() {
        let mut world = World::new();
        world.hears(&sent());
        world.happens(&Happening::PageLost);
        assert_eq!(world.end, Some(Err(ErrorKind::AnswerLost)));
    }

    #[test]
    fn after_a_hole_no_change_is_put_to_a_text_that_was_never_told() {
        let mut world = World::new();
        world.hears(&sent());
        world.hears(&reply());
        world.hears(&whole("raven", "incomplete"));
        world.happens(&Happening::Hole);
        // A change of "crows", which is what was lost.
        world.hears(&message(json!({
            "k": "message", "chat": "7", "id": "101", "author": "beaver",
            "state": "complete", "keep": 5, "text": "!",
        })));
        assert_eq!((world.end, world.rereads), (None, 1));
        world.happens(&Happening::Opened);
        world.hears(&whole("crows!", "complete"));
        assert_eq!((world.end, world.shown.text()), (Some(Ok(())), "crows!"));
    }

    #[test]
    fn silence_reads_the_chat_once_and_then_fails() {
        let mut world = World::new();
        world.hears(&sent());
        world.hears(&reply());
        world.hears(&whole("Hel", "incomplete"));
        for _ in 0..10 {
            if world.end.is_some() {
                break;
            }
            world.waits();
            world.happens(&Happening::Opened);
            world.hears(&whole("Hel", "incomplete"));
            world.hears(&message(json!({ "k": "read", "chat": "7" })));
        }
        assert_eq!((world.end, world.rereads), (Some(Err(ErrorKind::AnswerLost)), 1));
    }

    #[test]
    fn readings_that_take_long_and_tell_nothing_come_to_an_end() {
        let mut world = World::new();
        world.hears(&sent());
        world.hears(&reply());
        world.hears(&whole("Hel", "incomplete"));
        for _ in 0..10 {
            world.now += 3 * SILENCE;
            world.happens(&Happening::Time);
        }
        assert_eq!((world.end, world.rereads), (Some(Err(ErrorKind::AnswerLost)), 1));
    }

    #[test]
    fn a_page_that_is_lost_for_ever_is_given_up() {
        let mut world = World::new();
        world.hears(&sent());
        world.hears(&reply());
        for _ in 0..10 {
            world.happens(&Happening::PageLost);
        }
        assert_eq!(world.end, Some(Err(ErrorKind::AnswerLost)));
    }

    /// What can befall a page, in any order.
    #[derive(Clone, Debug)]
    enum Fate {
        Grows(usize),
        Gap,
        Hole,
        PageLost,
        Reloaded,
        Waits,
        OtherChat,
        Cancelled,
        Failed,
    }

    fn fate() -> impl Strategy<Value = Fate> {
        prop_oneof![
            4 => (0usize..40).prop_map(Fate::Grows),
            1 => Just(Fate::Gap),
            1 => Just(Fate::Hole),
            1 => Just(Fate::PageLost),
            1 => Just(Fate::Reloaded),
            2 => Just(Fate::Waits),
            1 => Just(Fate::OtherChat),
            1 => Just(Fate::Cancelled),
            1 => Just(Fate::Failed),
        ]
    }

    const ANSWER: &str = "Once upon a midnight dreary, while I pondered";

    proptest! {
        /// Whatever befalls the page in whatever order: one end, a bounded number of readings, and
        /// a complete answer is the exact one.
        #[test]
        fn any_order_of_events_ends_once_and_right(
            fates in prop::collection::vec(fate(), 0..30),
            reply_at in 0usize..30,
            completes in any::<bool>(),
            is_known_chat in any::<bool>(),
        ) {
            let mut world = World::within(is_known_chat.then_some("abc"));
            world.hears(&sent());
            for (n, fate) in fates.iter().enumerate() {
                if n == reply_at {
                    world.hears(&reply());
                }
                match fate {
                    Fate::Grows(length) => world.hears(&whole(&ANSWER[..*length], "incomplete")),
                    Fate::Gap => world.hears(&message(json!({ "k": "gap", "why": "test" }))),
                    Fate::Hole => world.happens(&Happening::Hole),
                    Fate::PageLost => world.happens(&Happening::PageLost),
                    Fate::Reloaded => world.happens(&Happening::Opened),
                    Fate::Waits => world.waits(),
                    Fate::OtherChat => world.hears(&message(json!({
                        "k": "message", "chat": "8", "id": "101", "author": "beaver",
                        "state": "complete", "keep": 0, "text": "not yours",
                    }))),
                    Fate::Cancelled => {
                        world.hears(&message(json!({ "k": "cancelled", "chat": "7", "id": "101" })));
                    }
                    Fate::Failed => world.hears(&whole(&ANSWER[..3], "error_off_topic")),
                }
                prop_assert!(!world.shown.text().contains("yours"));
            }
            if completes {
                world.hears(&reply());
                world.hears(&whole(ANSWER, "complete"));
            }
            for _ in 0..100 {
                if world.end.is_some() {
                    break;
                }
                world.waits();
            }
            prop_assert!(world.end.is_some(), "a hang");
            // One for each fate, two while the patience doubles, one after silence, and one in
            // doubt.
            prop_assert!(world.rereads <= fates.len() + 4);
            if world.end == Some(Ok(())) {
                prop_assert_eq!(world.shown.text(), ANSWER);
            }
        }
    }
}
