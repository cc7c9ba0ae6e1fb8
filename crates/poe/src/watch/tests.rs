//! What the watch does, event by event and in any order of them.

use std::collections::VecDeque;

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
    /// What the page shows, and how often it was looked at.
    view: Option<PageView>,
    looks: usize,
}

impl World {
    fn new() -> Self {
        Self::within(None)
    }

    /// In a chat that exists already, where it has a code.
    fn within(chat: Option<&str>) -> Self {
        let now = Instant::now();
        let facts = WireFacts::of(&crate::Site::poe());
        let watch = Watch::new(facts, Some("GPT-4"), chat, SILENCE, now);
        let (shown, said) = (Transcript::default(), String::new());
        Self { watch, now, shown, rereads: 0, end: None, said, view: None, looks: 0 }
    }

    /// Whether more was to be done than to look at the page.
    fn happens(&mut self, happening: &Happening<'_>) -> bool {
        let mut actions = VecDeque::from(self.watch.take(happening, self.now));
        let mut is_done = false;
        while let Some(action) = actions.pop_front() {
            is_done |= !matches!(action, Action::Look);
            match action {
                Action::Emit(event) => self.shown.apply(&event),
                Action::Look => {
                    self.looks += 1;
                    let view = self.view.clone();
                    let looked = Happening::Looked(view.as_ref());
                    actions.extend(self.watch.take(&looked, self.now));
                }
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
        is_done
    }

    fn hears(&mut self, message: &TapMessage) {
        self.happens(&Happening::Message(message));
    }

    /// Lets time pass until the watch does more than to look at the page.
    fn waits(&mut self) {
        for _ in 0..1000 {
            if self.end.is_some() {
                return;
            }
            self.now = self.now.max(self.watch.wake_at());
            if self.happens(&Happening::Time) {
                return;
            }
        }
        panic!("it only looks, for ever");
    }

    /// The page shows the answer so.
    fn shows(&mut self, complete: Option<bool>, text: &str) {
        let (answer, text) = (Some("101".into()), text.into());
        self.view = Some(PageView { answer, complete, text, dialog: None });
    }
}

#[test]
fn what_a_page_tells_of_the_question_before_is_not_ours() {
    let mut world = World::new();
    // The chat of the question that was asked there last is read once more.
    world.hears(&message(json!({
        "k": "message", "chat": "6", "id": "90", "human": true, "own": true, "nonce": "m",
        "state": "complete", "keep": 0, "text": "Hi",
    })));
    assert!(!world.watch.exchange().is_taken());
    world.hears(&sent());
    world.hears(&message(json!({
        "k": "message", "chat": "6", "id": "91", "author": "beaver",
        "state": "complete", "keep": 0, "text": "Hello.",
    })));
    assert_eq!((world.shown.text(), world.end), ("", None));
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
    world.now += 2 * REREAD_TIMEOUT;
    world.happens(&Happening::Time);
    world.happens(&Happening::Hole);
    assert_eq!((world.rereads, world.end), (0, None));
    world.hears(&reply());
    world.happens(&Happening::Hole);
    assert_eq!(world.rereads, 1);
}

fn echo() -> TapMessage {
    message(json!({
        "k": "message", "chat": "7", "id": "100", "author": "human", "human": true, "nonce": "n",
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
        |world| {
            world.happens(&Happening::PageLost);
        },
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
    assert_eq!(world.rereads, MAX_LOSSES as usize);
}

/// A question that was taken, and the beginning of its answer.
fn answering() -> World {
    let mut world = World::new();
    world.hears(&sent());
    world.hears(&reply());
    world.hears(&whole("Hello, **you** there", "incomplete"));
    world
}

#[test]
fn an_end_that_the_site_does_not_tell_is_seen_on_the_page() {
    let mut world = answering();
    world.shows(Some(false), "Hello, you");
    world.now = world.watch.wake_at();
    world.happens(&Happening::Time);
    assert_eq!((world.looks, world.end), (1, None), "it still grows");
    world.hears(&whole("Hello, **you** there!", "a_state_of_tomorrow"));
    world.shows(Some(true), "Hello, you there!");
    let before = world.now;
    world.waits();
    assert_eq!((world.end, world.shown.text()), (Some(Ok(())), "Hello, **you** there!"));
    assert!(world.now - before <= FIRST_LOOK);
}

#[test]
fn a_page_that_shows_more_than_was_received_is_read_again_and_then_the_answer_is_lost() {
    let mut world = answering();
    world.shows(Some(true), "Hello, you there, and goodbye");
    let begun = world.now;
    while world.end.is_none() {
        world.waits();
    }
    assert_eq!((world.rereads, world.end), (2, Some(Err(ErrorKind::AnswerLost))));
    assert!(world.now - begun < Duration::from_secs(10), "{:?}", world.now - begun);

    let mut world = answering();
    world.shows(Some(true), "Hello, you there, and goodbye");
    world.waits();
    assert_eq!(world.rereads, 1);
    world.happens(&Happening::Opened);
    world.hears(&whole("Hello, **you** there, and goodbye", "complete"));
    assert_eq!(world.end, Some(Ok(())));
}

#[test]
fn the_end_of_the_job_is_the_end_of_the_answer_where_nothing_was_missed() {
    let ended = message(json!({ "k": "job", "chat": "7", "id": "9", "state": "completed" }));
    let mut world = answering();
    world.view = Some(PageView::default());
    world.hears(&ended);
    let before = world.now;
    world.waits();
    assert_eq!(world.end, Some(Ok(())));
    assert!(world.now - before <= Duration::from_millis(100));
    // The job of another answer tells nothing.
    let mut world = World::new();
    world.hears(&sent());
    let TapMessage::Reply(mut reply) = reply() else { panic!("a reply") };
    reply.job = Some("8".into());
    world.hears(&TapMessage::Reply(reply));
    world.hears(&whole("Hello", "incomplete"));
    world.hears(&ended);
    world.view = Some(PageView::default());
    world.now += Duration::from_secs(5);
    world.happens(&Happening::Time);
    assert_eq!(world.end, None);
}

#[test]
fn of_several_messages_the_one_of_our_job_is_the_answer() {
    let of_job = |id: &str, job: &str, text: &str, state: &str| {
        message(json!({
            "k": "message", "chat": "7", "id": id, "author": "beaver", "state": state,
            "job": job, "keep": 0, "text": text,
        }))
    };
    let mut world = World::new();
    world.hears(&sent());
    world.hears(&echo());
    world.hears(&of_job("101", "1", "not ours", "complete"));
    world.hears(&of_job("102", "2", "ours", "incomplete"));
    assert_eq!((world.shown.text(), world.end), ("", None));
    let TapMessage::Reply(mut reply) = reply() else { panic!("a reply") };
    (reply.answer, reply.job) = (None, Some("2".into()));
    world.hears(&TapMessage::Reply(reply));
    assert_eq!(world.shown.text(), "ours");
    world.hears(&of_job("102", "2", "ours", "complete"));
    assert_eq!(world.end, Some(Ok(())));

    // Nobody says which: the first one, soon.
    let mut world = World::new();
    world.hears(&sent());
    world.hears(&echo());
    world.hears(&of_job("101", "1", "ours", "complete"));
    let before = world.now;
    world.waits();
    assert_eq!((world.shown.text(), world.end), ("ours", Some(Ok(()))));
    assert!(world.now - before <= DECISION_TIMEOUT);
}

#[test]
fn a_chat_in_which_no_bot_answers_is_told() {
    let TapMessage::Reply(mut reply) = reply() else { panic!("a reply") };
    (reply.answer, reply.silent) = (None, true);
    let silent = TapMessage::Reply(reply);
    let mut world = World::new();
    world.hears(&sent());
    world.hears(&silent);
    world.waits();
    assert_eq!(world.end, Some(Err(ErrorKind::Bot)));
    assert!(world.said.contains("no bot answers"), "{}", world.said);
    // One answers all the same.
    let mut world = World::new();
    world.hears(&sent());
    world.hears(&silent);
    world.hears(&whole("Hello", "incomplete"));
    world.now += Duration::from_secs(10);
    world.happens(&Happening::Time);
    world.hears(&whole("Hello", "complete"));
    assert_eq!(world.end, Some(Ok(())));
}

#[test]
fn a_page_that_asks_something_first_is_told_in_its_words() {
    let mut world = World::new();
    let dialog = Some("This message costs\n1200 points.".to_owned());
    world.view = Some(PageView { dialog, ..PageView::default() });
    world.waits();
    assert_eq!(world.end, Some(Err(ErrorKind::Quota)));
    assert!(world.said.contains("This message costs 1200 points."), "{}", world.said);
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
        "k": "message", "chat": "7", "id": "100", "author": "human", "human": true, "own": true,
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
                Fate::Hole => _ = world.happens(&Happening::Hole),
                Fate::PageLost => _ = world.happens(&Happening::PageLost),
                Fate::Reloaded => _ = world.happens(&Happening::Opened),
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
