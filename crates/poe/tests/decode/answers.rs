//! Whatever stands between our updates, and however they are packed, the fold is the site's text.

use lenore_provider::Event;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

use crate::noise::{Noise, noise};
use crate::page::Ending;
use crate::reader::Reader;
use crate::story::{Story, story};
use crate::wire::{ANSWER, BOT, CHAT, CODE, Entry, FOREIGN, NONCE, Style};
use crate::wire::{accepted, body, chat, question, update};

/// How the question becomes ours.
#[derive(Clone, Debug)]
struct Confirmation {
    echo: Option<Index>,
    reply: Option<(Index, Reply)>,
}

#[derive(Clone, Debug)]
enum Reply {
    /// It names the answer, or leaves that to us.
    Accepted { answer: Option<u64>, chat: Value },
    /// It breaks on its way; the echo makes up for it.
    Lost(Ending),
}

/// Everything that arrives for one question.
#[derive(Clone, Debug)]
struct Traffic {
    story: Story,
    confirmation: Confirmation,
    noise: Vec<(Index, Noise)>,
    /// What comes before the question is sent.
    before: Vec<Noise>,
    /// Where a frame ends, cyclically.
    frames: Vec<bool>,
    known_chat: bool,
    file: bool,
    style: Style,
}

/// One thing that arrives.
#[derive(Clone, Debug)]
enum Arrival {
    Entry(Entry),
    /// The same, of a message after our answer.
    Later(Entry),
    Reply(Reply),
}

fn confirmation() -> impl Strategy<Value = Confirmation> {
    let id = prop_oneof![Just(json!(CHAT)), Just(json!(CHAT.to_string()))];
    let title = prop_oneof![Just(json!(null)), Just(json!("A title"))];
    let chat = (id, title)
        .prop_map(|(id, title)| json!({ "chatId": id, "chatCode": CODE, "title": title }));
    let answer = prop_oneof![2 => Just(Some(ANSWER)), 1 => Just(None)];
    let whole = (answer, chat.clone()).prop_map(|(answer, chat)| Reply::Accepted { answer, chat });
    // A chat that the page knows already may not be told again.
    let partial = prop_oneof![chat, Just(json!(null))]
        .prop_map(|chat| Reply::Accepted { answer: Some(ANSWER), chat });
    let lost = prop_oneof![Just(Ending::Fails), Just(Ending::BreaksOff { status: 200 })]
        .prop_map(Reply::Lost);
    prop_oneof![
        any::<Index>().prop_map(|echo| Confirmation { echo: Some(echo), reply: None }),
        (any::<Index>(), whole).prop_map(|reply| Confirmation { echo: None, reply: Some(reply) }),
        (any::<Index>(), any::<Index>(), partial).prop_map(|(echo, at, reply)| Confirmation {
            echo: Some(echo),
            reply: Some((at, reply))
        }),
        (any::<Index>(), any::<Index>(), lost).prop_map(|(echo, at, reply)| Confirmation {
            echo: Some(echo),
            reply: Some((at, reply))
        }),
    ]
}

fn traffic() -> impl Strategy<Value = Traffic> {
    let before = prop::collection::vec(noise(), 0..3);
    let noise = (prop::collection::vec((any::<Index>(), noise()), 0..12), before);
    let frames = prop::collection::vec(any::<bool>(), 1..9);
    let style = prop_oneof![Just(Style::Plain), Just(Style::Ascii)];
    (story(), confirmation(), noise, frames, any::<bool>(), any::<bool>(), style).prop_map(
        |(story, mut confirmation, (noise, before), frames, known_chat, file, style)| {
            // A chat that the page had named need not be told by anything.
            if known_chat && file && matches!(confirmation.reply, Some((_, Reply::Accepted { .. })))
            {
                confirmation.echo = None;
            }
            Traffic { story, confirmation, noise, before, frames, known_chat, file, style }
        },
    )
}

impl Traffic {
    /// What arrives, in its order.
    fn arrivals(&self) -> Vec<Arrival> {
        let mut all: Vec<Arrival> =
            self.story.copies.iter().map(|copy| Arrival::Entry(copy.entry(self.style))).collect();
        for (at, noise) in &self.noise {
            let at = at.index(all.len() + 1);
            let entries = noise.entries().into_iter().map(|entry| match noise {
                Noise::Later(_) => Arrival::Later(entry),
                _ => Arrival::Entry(entry),
            });
            all.splice(at..at, entries);
        }
        if let Some(at) = self.confirmation.echo {
            let echo = update("messageAdded", CHAT, question(), &[], self.style);
            all.insert(at.index(all.len() + 1), Arrival::Entry(echo));
        }
        if let Some((at, reply)) = &self.confirmation.reply {
            let at = at.index(all.len() + 1);
            all.insert(at, Arrival::Reply(reply.clone()));
        }
        all
    }

    /// Plays it all, and reads it.
    fn read(&self) -> Reader {
        let mut reader = Reader::new();
        let before = self.before.iter().filter(|noise| !matches!(noise, Noise::Later(_)));
        let entries: Vec<_> = before.flat_map(Noise::entries).collect();
        reader.frame(&entries, self.style);
        let chat = self.known_chat.then_some(CHAT);
        let call = reader.ask_with(chat, json!(NONCE), self.file);
        let mut waiting = Vec::new();
        let mut ends = self.frames.iter().cycle();
        let mut is_named = false;
        for arrival in self.arrivals() {
            match arrival {
                Arrival::Entry(entry) => waiting.push(entry),
                Arrival::Later(entry) if is_named => waiting.push(entry),
                Arrival::Later(_) => {}
                Arrival::Reply(reply) => {
                    reader.frame(&std::mem::take(&mut waiting), self.style);
                    is_named = matches!(reply, Reply::Accepted { answer: Some(_), .. });
                    reader.end_call(call, &ending(reply));
                }
            }
            if *ends.next().expect("a cycle has no end") {
                reader.frame(&std::mem::take(&mut waiting), self.style);
            }
        }
        reader.frame(&waiting, self.style);
        reader
    }
}

fn ending(reply: Reply) -> Ending {
    match reply {
        Reply::Accepted { answer, chat } => Ending::ok(body(&accepted(chat, answer), &[])),
        Reply::Lost(ending) => ending,
    }
}

proptest! {
    #![proptest_config(crate::cases(400))]

    #[test]
    fn the_fold_is_the_final_text_whatever_comes_between(traffic in traffic()) {
        let reader = traffic.read();
        prop_assert_eq!(reader.text(), traffic.story.text());
        prop_assert_eq!(reader.completed, 1);
        prop_assert!(reader.failed.is_empty(), "{:?}", reader.failed);
        prop_assert_eq!(reader.gaps, 0);
        prop_assert_eq!(reader.suggestions(), traffic.story.suggestions);
        let of_another = |event: &Event| format!("{event:?}").contains([FOREIGN]) || *event == Event::Cost { points: 666_666 };
        prop_assert_eq!(reader.count(of_another), 0);
        prop_assert_eq!(reader.count(|event| matches!(event, Event::Attachment { .. })), 0);
        let has_code = matches!(&traffic.confirmation.reply, Some((_, Reply::Accepted { chat, .. })) if chat.is_object());
        let starts = reader.count(|event| matches!(event, Event::Started { .. }));
        prop_assert_eq!(starts, usize::from(has_code));
    }
}

#[test]
fn an_answer_that_was_forgotten_among_many_messages_is_not_thought_empty() {
    let mut reader = Reader::new();
    let call = reader.ask(None);
    let ours = json!({ "messageId": ANSWER, "author": BOT, "state": "incomplete", "text": "Once" });
    let ours = update("messageAdded", CHAT, ours, &[], Style::Plain);
    let others = (0..450).map(|at| {
        let data = json!({ "messageId": at, "author": BOT, "state": "complete", "text": "ζ" });
        update("messageAdded", 47, data, &[], Style::Plain)
    });
    let end = json!({ "messageId": ANSWER, "state": "complete" });
    let end = update("messageStateUpdated", CHAT, end, &[], Style::Plain);
    let entries: Vec<_> = [ours].into_iter().chain(others).chain([end]).collect();
    reader.frame(&entries, Style::Plain);
    reader.end_call(call, &Ending::ok(accepted(chat(), Some(ANSWER)).to_string()));
    assert_eq!((reader.text(), reader.completed), ("Once", 0));
    let whole = json!({ "messageId": ANSWER, "author": BOT, "state": "complete", "text": "Once." });
    reader.frame(&[update("messageAdded", CHAT, whole, &[], Style::Plain)], Style::Plain);
    assert_eq!((reader.text(), reader.completed), ("Once.", 1));
}
