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
    /// A question that the site may have or not: when it is given up, and with what error.
    doubt: Option<(Instant, Error)>,
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
        let doubt = self.doubt.as_ref().map(|(until, _)| *until);
        [self.reread, doubt].into_iter().flatten().fold(patience, Instant::min)
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
                self.doubt = None;
                actions.push(Action::Emit(event));
            }
            _ if self.ended => {}
            Step::Sent => {}
            Step::Confirmed => self.doubt = None,
            Step::Unconfirmed(error) => {
                self.doubt.get_or_insert((now + ECHO, error));
            }
            Step::Complete => self.end(Action::Complete, actions),
            Step::Failed(error) => self.end(Action::Fail(error), actions),
            // What was missed before the question does not matter.
            Step::Gap if !self.exchange.is_sent() => {}
            Step::Gap => {
                self.reread.get_or_insert(now + self.patience);
            }
            Step::Read => self.reread = None,
        }
    }

    fn time(&mut self, now: Instant, actions: &mut Vec<Action>) {
        let is_silent = self.exchange.is_sent() && self.heard + self.silence <= now;
        if self.doubt.as_ref().is_some_and(|(until, _)| *until <= now || is_silent)
            && let Some((_, error)) = self.doubt.take()
        {
            return self.fail(error, actions);
        }
        if !self.exchange.is_sent() {
            if self.pressed + SENDING <= now {
                self.fail(site_changed("what the send button does"), actions);
            }
            return;
        }
        // Silence comes before another reading: readings that tell nothing new must come to an end.
        let was_read_in_vain = self.was_read_in_vain || self.chat().is_none();
        if is_silent && was_read_in_vain {
            let nothing_came = self.text().is_empty();
            let kind = if nothing_came { ErrorKind::Timeout } else { ErrorKind::AnswerLost };
            let message = format!(
                "the site said nothing of the answer for {} s, nor after reading the chat again; \
                 look at the chat on the site",
                self.silence.as_secs()
            );
            self.fail(Error::new(kind, message), actions);
        } else if is_silent {
            self.was_read_in_vain = true;
            self.heard = now;
            self.read_again(now, actions);
        } else if self.reread.is_some_and(|at| at <= now) {
            self.read_again(now, actions);
        }
    }

    fn page_lost(&mut self, now: Instant, actions: &mut Vec<Action>) {
        self.losses += 1;
        if self.chat().is_none() {
            return self.fail(unconfirmed(), actions);
        }
        if self.losses > LOSSES {
            let message = "the page was lost again and again; look at the chat on the site";
            return self.fail(Error::new(ErrorKind::AnswerLost, message), actions);
        }
        self.read_again(now, actions);
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
    }

    impl World {
        fn new() -> Self {
            Self::within(None)
        }

        /// In a chat that exists already, where it has a code.
        fn within(chat: Option<&str>) -> Self {
            let now = Instant::now();
            let watch = Watch::new(Arc::new([]), Some("GPT-4"), chat, SILENCE, now);
            Self { watch, now, shown: Transcript::default(), rereads: 0, end: None }
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

        let mut world = World::within(Some("abc"));
        world.hears(&sent());
        world.happens(&Happening::PageLost);
        assert_eq!(world.end, Some(Err(ErrorKind::AnswerLost)));
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
            // One for each fate, two while the patience doubles, and one after silence.
            prop_assert!(world.rereads <= fates.len() + 3);
            if world.end == Some(Ok(())) {
                prop_assert_eq!(world.shown.text(), ANSWER);
            }
        }
    }
}
