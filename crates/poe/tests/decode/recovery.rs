//! Updates are lost, and the page reads the chat again: the fold is still the site's text.

use lenore_provider::Event;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

use crate::noise::{Noise, noise};
use crate::page::{CHANNEL, Ending};
use crate::reader::Reader;
use crate::story::{Copy, Shape, Story, story};
use crate::wire::{ANSWER, BOT, CHAT, Entry, FOREIGN, Style, TEXT, Units};
use crate::wire::{accepted, body, chat, chat_page, frame, question, units, update};

/// How something goes wrong, and how it is mended.
#[derive(Clone, Copy, Debug)]
struct Trouble {
    gap: Gap,
    /// How many copies nobody gets to hear of.
    lost: usize,
    /// How many copies still come before what was read arrives: it is old by then.
    delay: usize,
    /// How many of the copies before it, which have arrived, what is read does not know yet.
    age: usize,
    remedy: Remedy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gap {
    Closed(u16),
    MissedMessages,
    RefetchChannel,
    /// The tap's own channel overflows.
    Overflow,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Remedy {
    /// The page asks for the chat.
    Query,
    /// The page is loaded anew; where the document keeps the chat.
    Document(&'static str),
}

/// What makes the question ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Confirmation {
    Echo,
    Reply,
    /// Neither comes; the chat that is read holds the question with its nonce.
    Read,
}

/// An answer, with what goes wrong before some of its copies.
#[derive(Clone, Debug)]
struct Traffic {
    story: Story,
    confirmation: Confirmation,
    troubles: Vec<(Index, Trouble)>,
    noise: Vec<(Index, Noise)>,
}

fn trouble() -> impl Strategy<Value = Trouble> {
    let gap = prop_oneof![
        prop::sample::select(vec![1000u16, 1006, 1011]).prop_map(Gap::Closed),
        Just(Gap::MissedMessages),
        Just(Gap::RefetchChannel),
        Just(Gap::Overflow),
    ];
    let places = vec!["/props/pageProps/data", "/props/pageProps/chat", "/props/pageProps", ""];
    let remedy =
        prop_oneof![Just(Remedy::Query), prop::sample::select(places).prop_map(Remedy::Document),];
    (gap, 0usize..4, 0usize..4, 0usize..3, remedy).prop_map(|(gap, lost, delay, age, remedy)| {
        Trouble { gap, lost, delay, age: if lost == 0 { age } else { 0 }, remedy }
    })
}

fn traffic() -> impl Strategy<Value = Traffic> {
    let confirmation =
        prop::sample::select(vec![Confirmation::Echo, Confirmation::Reply, Confirmation::Read]);
    let troubles = prop::collection::vec((any::<Index>(), trouble()), 1..4);
    let noise = prop::collection::vec((any::<Index>(), noise()), 0..6);
    (story(), confirmation, troubles, noise).prop_map(|(story, confirmation, troubles, noise)| {
        Traffic { story, confirmation, troubles, noise }
    })
}

/// A chat as somebody reads it at one moment.
struct Read {
    how: How,
    body: String,
    /// How many copies come before it arrives.
    due: usize,
}

enum How {
    Query(usize),
    Document,
}

/// Plays one [`Traffic`].
struct Play<'a> {
    traffic: &'a Traffic,
    reader: Reader,
    call: usize,
    /// How many copies the site has made.
    made: usize,
    /// What was read and is on its way.
    reads: Vec<Read>,
    /// Whether it is known which chat is ours.
    settled: bool,
    /// Whether the end came only after one more reading.
    asked_again: bool,
}

impl<'a> Play<'a> {
    fn run(traffic: &'a Traffic) -> Self {
        let mut reader = Reader::new();
        let call = reader.ask(None);
        let mut play = Play {
            traffic,
            reader,
            call,
            made: 0,
            reads: Vec::new(),
            settled: false,
            asked_again: false,
        };
        play.confirm();
        let copies = traffic.story.copies.len();
        let mut troubles: Vec<_> =
            traffic.troubles.iter().map(|(at, trouble)| (at.index(copies), *trouble)).collect();
        troubles.sort_by_key(|(at, _)| *at);
        let mut troubles = troubles.into_iter().peekable();
        while play.made < copies {
            while let Some((_, trouble)) = troubles.next_if(|(at, _)| *at <= play.made) {
                play.befall(trouble);
            }
            play.arrive(false);
            if play.made < copies {
                play.noise();
                play.copy();
            }
        }
        play.arrive(true);
        // What the caller does after a silence.
        if play.reader.completed == 0 {
            play.asked_again = true;
            play.read(Remedy::Query, 0, 0);
            play.arrive(true);
        }
        play
    }

    fn confirm(&mut self) {
        match self.traffic.confirmation {
            Confirmation::Echo => {
                let echo = update("messageAdded", CHAT, question(), &[], Style::Plain);
                self.reader.frame(&[echo], Style::Plain);
            }
            Confirmation::Reply => {
                let ending = Ending::ok(body(&accepted(chat(), Some(ANSWER)), &[]));
                self.reader.end_call(self.call, &ending);
            }
            Confirmation::Read => return,
        }
        self.settled = true;
    }

    fn befall(&mut self, trouble: Trouble) {
        // As long as it is not known which chat is ours, nobody could open it.
        let remedy = if self.settled { trouble.remedy } else { Remedy::Query };
        match trouble.gap {
            Gap::Closed(code) => {
                self.reader.page.close(code);
                self.reader.follow();
                self.reader.page.connect(CHANNEL);
            }
            Gap::MissedMessages => self.reader.deliver(r#"{"error":"missed_messages"}"#),
            Gap::RefetchChannel => {
                let refetch = Entry::of(&json!({ "message_type": "refetchChannel" }));
                self.reader.frame(&[refetch], Style::Plain);
            }
            Gap::Overflow if matches!(remedy, Remedy::Document(_)) => {
                // The page itself has missed nothing, and goes on until it is loaded anew.
                for at in 0..trouble.lost {
                    if at == 0 && self.made < self.traffic.story.copies.len() {
                        let copy = self.next().entry(Style::Plain);
                        self.reader.page.deliver(&frame(&[copy], Style::Plain));
                        self.reader.lose_and_follow();
                    } else {
                        self.copy();
                    }
                }
                return self.read(remedy, 0, 0);
            }
            Gap::Overflow => return,
        }
        for _ in 0..trouble.lost {
            self.next();
        }
        self.read(remedy, trouble.delay, trouble.age);
    }

    /// The site makes the next copy, if there is one more; gives the newest.
    fn next(&mut self) -> Copy {
        let copies = &self.traffic.story.copies;
        self.made = (self.made + 1).min(copies.len());
        copies[self.made - 1].clone()
    }

    /// The site makes the next copy, and it arrives.
    fn copy(&mut self) {
        if self.made < self.traffic.story.copies.len() {
            let copy = self.next().entry(Style::Plain);
            self.reader.frame(&[copy], Style::Plain);
        }
    }

    fn noise(&mut self) {
        let copies = self.traffic.story.copies.len();
        let here = self.traffic.noise.iter().filter(|(at, _)| at.index(copies) == self.made);
        let noise: Vec<_> = here
            .filter(|(_, noise)| !matches!(noise, Noise::Later(_)))
            .flat_map(|(_, noise)| noise.entries())
            .collect();
        self.reader.frame(&noise, Style::Plain);
    }

    /// The chat is read as it is now.
    fn read(&mut self, remedy: Remedy, delay: usize, age: usize) {
        let old = units("an older answer ζ");
        let older = json!({ "messageId": 7, "author": BOT, "state": "complete", "text": TEXT });
        let mut nodes = vec![older, question()];
        let mut texts: Vec<&Units> = vec![&old];
        if let Some(newest) = self.traffic.story.newest(self.made.saturating_sub(age)) {
            nodes.push(newest.node());
            texts.push(&newest.text);
        }
        let texts: Vec<&[u16]> = texts.into_iter().map(Vec::as_slice).collect();
        let page = chat_page(CHAT, &nodes);
        let (how, body) = match remedy {
            Remedy::Query => {
                let value = json!({ "data": { "chatOfCode": page } });
                (How::Query(self.reader.ask_for_the_chat()), body(&value, &texts))
            }
            Remedy::Document(place) => {
                self.reader.open_document();
                // What the old document had asked for never arrives.
                self.reads.clear();
                (How::Document, body(&next_data(place, page), &texts))
            }
        };
        self.reads.push(Read { how, body, due: self.made + delay });
    }

    /// What was read arrives, as far as its time has come.
    fn arrive(&mut self, all: bool) {
        let (due, later): (Vec<_>, Vec<_>) =
            self.reads.drain(..).partition(|read| all || read.due <= self.made);
        self.reads = later;
        for read in due {
            match read.how {
                How::Query(call) => self.reader.end_call(call, &Ending::ok(read.body)),
                How::Document => self.reader.load(&read.body),
            }
            self.settled = true;
        }
    }
}

/// The data of a document, with the chat at one of the places where it may be.
fn next_data(place: &str, chat: Value) -> Value {
    match place {
        "/props/pageProps/data" => {
            json!({ "props": { "pageProps": { "user": null, "data": { "chatOfCode": chat } } } })
        }
        "/props/pageProps/chat" => json!({ "props": { "pageProps": { "n": 7, "chat": chat } } }),
        "/props/pageProps" => json!({ "props": { "pageProps": { "chatOfCode": chat } } }),
        // The site keeps it nowhere, and the page asks for it later.
        _ => json!({ "props": {} }),
    }
}

proptest! {
    #![proptest_config(crate::cases(300))]

    #[test]
    fn the_fold_is_the_final_text_whatever_is_lost(traffic in traffic()) {
        let Play { reader, asked_again, .. } = Play::run(&traffic);
        prop_assert_eq!(reader.text(), traffic.story.text());
        prop_assert_eq!(reader.completed, 1);
        prop_assert!(reader.failed.is_empty(), "{:?}", reader.failed);
        // An end that comes without its text, or that nobody hears of, needs it.
        let untold =
            |trouble: &Trouble| trouble.age > 0 || trouble.remedy == Remedy::Document("");
        let needs_it = traffic.story.copies.iter().any(|copy| copy.shape == Shape::TextAlone)
            || traffic.confirmation == Confirmation::Read
            || traffic.troubles.iter().any(|(_, trouble)| untold(trouble));
        prop_assert!(!asked_again || needs_it);
        prop_assert!(reader.trouble.is_empty(), "{:?}", reader.trouble);
        let foreign = |event: &Event| format!("{event:?}").contains(FOREIGN);
        prop_assert_eq!(reader.count(foreign), 0);
        let starts = reader.count(|event| matches!(event, Event::Started { .. }));
        prop_assert!(starts <= 1, "{starts}");
    }
}

#[test]
fn a_change_is_not_applied_to_a_text_that_was_never_told() {
    let copy = |text: &str, state| {
        let (text, suggestions) = (units(text), Vec::new());
        Copy { text, state, shape: Shape::Whole, suggestions, is_late: false }
    };
    let mut reader = Reader::new();
    let call = reader.ask(None);
    reader.end_call(call, &Ending::ok(accepted(chat(), Some(ANSWER)).to_string()));
    reader.frame(&[copy("raven", "incomplete").entry(Style::Plain)], Style::Plain);
    // This one is lost on its way out of the page, so that what follows is the change of another.
    let crows = copy("crows", "incomplete").entry(Style::Plain);
    reader.page.deliver(&frame(&[crows], Style::Plain));
    reader.lose_and_follow();
    let end = copy("crows!", "complete");
    reader.frame(&[end.entry(Style::Plain)], Style::Plain);
    assert_eq!((reader.text(), reader.completed, reader.gaps), ("raven", 0, 1));
    reader.open_document();
    let page = chat_page(CHAT, &[question(), end.node()]);
    reader.load(&body(&next_data("/props/pageProps/data", page), &[&end.text]));
    assert_eq!((reader.text(), reader.completed), ("crows!", 1));
}
