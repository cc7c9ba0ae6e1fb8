//! Traffic as it may be recorded, written out, and the events that it means.

use lenore_provider::Event;
use serde_json::{Value, json};

use crate::page::{CHANNEL, Ending};
use crate::reader::Reader;
use crate::wire::{Entry, Style, units};

/// Plays a recording and compares the events.
///
/// Its steps: `ask` are the question's variables, `reply` is the body of the reply to it, `frame`
/// lists updates as `[subscription, chat, data]` or entries that are sent as they are, `close` and
/// `document` are what happens to the page, and `read` is a chat that the page reads again.
fn check(recording: &str) {
    let recording: Value = serde_json::from_str(recording).expect("a recording is JSON");
    let mut reader = Reader::new();
    reader.page.open("/chat/3abcode");
    let mut call = 0;
    for step in recording["traffic"].as_array().expect("a list of steps") {
        let (what, given) = step.as_object().and_then(|step| step.iter().next()).expect("a step");
        match what.as_str() {
            "ask" => {
                let body = json!({ "queryName": "SendMessageMutation", "variables": given });
                call = reader.page.call(&body.to_string());
                reader.follow();
            }
            "reply" => {
                let body = json!({ "data": { "messageEdgeCreate": given } });
                reader.end_call(call, &Ending::ok(body.to_string()));
            }
            "frame" => {
                let entries: Vec<_> =
                    given.as_array().expect("a list of entries").iter().map(entry).collect();
                reader.frame(&entries, Style::Plain);
            }
            "read" => {
                let call = reader.ask_for_the_chat();
                let body = json!({ "data": { "chatOfCode": given } });
                reader.end_call(call, &Ending::ok(body.to_string()));
            }
            "close" => {
                reader.page.close(1006);
                reader.page.connect(CHANNEL);
                reader.follow();
            }
            "document" => {
                reader.open_document();
                reader.page.open("/chat/3abcode");
                let data = json!({ "props": { "pageProps": { "data": { "chatOfCode": given } } } });
                reader.load(&data.to_string());
            }
            other => panic!("no such step: {other}"),
        }
    }
    let events: Vec<_> = reader.events.iter().map(written).collect();
    assert_eq!(Value::from(events), recording["events"]);
    assert_eq!(reader.text(), recording["text"]);
    let ended = recording["complete"].as_bool().unwrap_or(true);
    assert_eq!((reader.completed, reader.failed.len()), (usize::from(ended), 0));
}

fn entry(given: &Value) -> Entry {
    match given.as_array().map(Vec::as_slice) {
        Some([Value::String(name), chat, data]) => Entry::of(&json!({
            "message_type": "subscriptionUpdate",
            "payload": {
                "subscription_name": name,
                "unique_id": format!("{name}:{chat}"),
                "data": { name: data },
            },
        })),
        _ => given.as_str().map_or_else(|| Entry::of(given), |text| Entry::Text(units(text))),
    }
}

fn written(event: &Event) -> Value {
    match event {
        Event::Started { chat, message, bot } => json!({ "started": [chat, message, bot] }),
        Event::Delta(text) => json!({ "delta": text }),
        Event::Replace { keep, text } => json!({ "replace": [keep, text] }),
        Event::Status(text) => json!({ "status": text }),
        Event::Suggestion(text) => json!({ "suggestion": text }),
        Event::Title(title) => json!({ "title": title }),
        Event::Cost { points } => json!({ "cost": points }),
        Event::Attachment { name, url } => json!({ "attachment": [name, url] }),
        other => panic!("the decoder makes no {other:?}"),
    }
}

macro_rules! recordings {
    ($($name:ident,)*) => {
        $(#[test]
        fn $name() {
            check(include_str!(concat!("recordings/", stringify!($name), ".json")));
        })*
    };
}

recordings! {
    several_updates_in_one_frame,
    notices_are_no_text,
    a_rewrite_that_shrinks,
    the_echo_comes_after_the_first_update,
    two_chats_on_one_channel,
    a_question_of_another_tab,
    text_cut_within_a_character,
    a_reply_that_does_not_tell_the_chat,
    a_known_chat_need_not_be_told,
    what_is_read_again_is_older_than_the_end,
    older_copies_that_come_after_the_end,
    an_end_without_its_text_after_a_gap,
    a_document_that_brings_no_text,
    an_older_message_is_cancelled,
    half_a_character_in_a_suggestion,
}
