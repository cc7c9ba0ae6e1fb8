//! A long answer costs what it is long, however many copies of it the site sends. Counted in
//! bytes, not timed.

use lenore_provider::Event;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::page::{Ending, Page};
use crate::reader::Reader;
use crate::story::piece;
use crate::wire::{ANSWER, BOT, CHAT, FOREIGN, Style, TEXT, Units};
use crate::wire::{accepted, body, chat, frame, question, update};

/// What one message of the tap is beside its text.
const PER_UPDATE: usize = 200;

fn copy(state: &str, text: &[u16]) -> crate::wire::Entry {
    let data = json!({ "messageId": ANSWER, "author": BOT, "state": state, "text": TEXT });
    update("messageAdded", CHAT, data, text, Style::Plain)
}

/// Bytes of text that the events carry.
fn carried(event: &Event) -> usize {
    match event {
        Event::Delta(text) | Event::Replace { text, .. } => text.len(),
        _ => 0,
    }
}

proptest! {
    #![proptest_config(crate::cases(30))]

    #[test]
    fn no_copy_goes_out_but_what_it_adds(
        first in prop::collection::vec(piece(), 0..100),
        pieces in prop::collection::vec(piece(), 1..150),
        replied_at in 0usize..150,
        halves in any::<bool>(),
    ) {
        let mut reader = Reader::new();
        let call = reader.ask(None);
        let mut text: Units = first.concat();
        for (at, piece) in pieces.iter().enumerate() {
            if at == replied_at {
                reader.end_call(call, &Ending::ok(body(&accepted(chat(), Some(ANSWER)), &[])));
            }
            text.extend(piece);
            reader.frame(&[copy("incomplete", &text)], Style::Plain);
            if halves {
                let end = text.len().saturating_sub(1);
                reader.frame(&[copy("incomplete", &text[..end])], Style::Plain);
            }
        }
        if replied_at >= pieces.len() {
            reader.end_call(call, &Ending::ok(body(&accepted(chat(), Some(ANSWER)), &[])));
        }
        reader.frame(&[copy("complete", &text)], Style::Plain);
        let text = String::from_utf16_lossy(&text);
        prop_assert_eq!((reader.text(), reader.completed), (text.as_str(), 1));
        let length = Value::from(text.as_str()).to_string().len();
        let updates = pieces.len() * (1 + usize::from(halves)) + 3;
        prop_assert!(reader.emitted <= length + updates * PER_UPDATE, "{} of {}", reader.emitted, length);
        let carried: usize = reader.events.iter().map(carried).sum();
        prop_assert!(carried <= text.len() + updates * 8, "{} of {}", carried, text.len());
    }
}

#[test]
fn a_hundred_thousand_characters_in_hundreds_of_copies_go_out_once() {
    let mut reader = Reader::new();
    let call = reader.ask(None);
    reader.end_call(call, &Ending::ok(body(&accepted(chat(), Some(ANSWER)), &[])));
    let piece: Units = "ravens 🐦‍⬛ and more ".repeat(15).encode_utf16().collect();
    let mut text = Units::new();
    for _ in 0..400 {
        text.extend(&piece);
        reader.frame(&[copy("incomplete", &text)], Style::Plain);
    }
    reader.frame(&[copy("complete", &text)], Style::Plain);
    let text = String::from_utf16_lossy(&text);
    assert!(text.chars().count() >= 100_000);
    assert_eq!(reader.text(), text);
    assert!(reader.emitted < text.len() + 400 * PER_UPDATE, "{}", reader.emitted);
}

#[test]
fn what_is_of_no_use_does_not_leave_the_page() {
    let page = Page::new();
    let body = r#"{"queryName":"SendMessageMutation","variables":{"query":"?","clientNonce":"n"}}"#;
    let call = page.call(body);
    page.deliver(&frame(
        &[update("messageAdded", CHAT, question(), &[], Style::Plain)],
        Style::Plain,
    ));
    page.end_call(call, &Ending::ok(accepted(chat(), Some(ANSWER)).to_string()));
    // Neither the question, nor other chats once ours is known, nor other calls.
    let other = json!({ "messageId": 5, "author": BOT, "state": "complete", "text": "ζ" });
    let before = page.emitted();
    page.deliver(&frame(&[update("messageAdded", 47, other, &[], Style::Plain)], Style::Plain));
    let call = page.call(r#"{"queryName":"SettingsPageQuery","variables":{"email":"ζ"}}"#);
    page.end_call(call, &Ending::ok(r#"{"data":{"secret":"ζ"}}"#));
    assert_eq!(page.emitted(), Vec::<String>::new());
    assert_eq!(before.iter().filter(|message| message.contains(FOREIGN)).count(), 0, "{before:?}");
}

/// What the tap reads as JSON of an answer that comes in so many copies.
fn parsed(copies: usize) -> usize {
    let mut reader = Reader::new();
    let call = reader.ask(None);
    reader.end_call(call, &Ending::ok(body(&accepted(chat(), Some(ANSWER)), &[])));
    let piece: Units = "\"ravens\" \\ 🐦‍⬛\nand more ".encode_utf16().collect();
    let mut text = Units::new();
    for _ in 0..copies {
        text.extend(&piece);
        reader.frame(&[copy("incomplete", &text)], Style::Plain);
    }
    reader.frame(&[copy("complete", &text)], Style::Plain);
    assert_eq!((reader.text(), reader.completed), (&*String::from_utf16_lossy(&text), 1));
    reader.page.parsed()
}

#[test]
fn what_is_read_in_the_page_grows_with_the_answer_and_not_with_its_square() {
    let (once, twice) = (parsed(300), parsed(600));
    assert!(twice * 10 <= once * 22, "{once} characters for an answer, {twice} for twice as much");
}
