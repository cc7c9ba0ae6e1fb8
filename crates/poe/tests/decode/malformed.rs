//! Whatever arrives, nothing is thrown into the page, nothing panics, and the fold is the text.

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Map, Value, json};

use crate::noise::value;
use crate::page::Ending;
use crate::reader::Reader;
use crate::wire::{ANSWER, BOT, CHAT, CODE, NONCE, accepted, chat, chat_page, question};

/// Stand in a [`Value`] for the halves of a character, which it cannot hold.
const HALVES: [(char, &str); 2] = [('\u{e000}', "\\ud83d"), ('\u{e001}', "\\ude42")];

/// Something that happens to the page.
#[derive(Clone, Debug)]
enum Act {
    Frame(String),
    Close(u16),
    /// The page calls its server, and this is what it gets.
    Ask(Ending),
    ReadTheChat(Ending),
    /// The page sends a file ahead of its question.
    Upload(Ending),
    /// The page calls `fetch` with these arguments, a JSON list.
    Call(String, Ending),
    Load(String),
}

/// A change that makes something well-formed odd.
#[derive(Clone, Debug)]
enum Damage {
    Put(Value),
    Remove,
    /// Another part of the same value stands there.
    Mix(Index),
}

/// The JSON of a value, with halves of characters where the value has their stand-ins.
fn text(value: &Value) -> String {
    let mut text = value.to_string();
    for (character, escape) in HALVES {
        text = text.replace(character, escape);
    }
    text
}

/// Words that the site uses, and others.
fn word() -> BoxedStrategy<String> {
    let known = vec![
        "messageAdded",
        "messageStateUpdated",
        "messageCancelled",
        "chatTitleUpdated",
        "jobCostUpdated",
        "refetchChannel",
        "missed_messages",
        "subscriptionUpdate",
        "human",
        "chat_break",
        BOT,
        NONCE,
        "incomplete",
        "complete",
        "error_x",
        "success",
        "messageAdded:4711",
        "4711",
        "1000",
        "__proto__",
        "constructor",
        "toString",
        "Thinking...",
    ];
    prop_oneof![
        3 => prop::sample::select(known).prop_map(str::to_owned),
        2 => ".{0,6}",
        2 => "[a🙂\u{e000}\u{e001}\"\\\\\0]{0,6}",
    ]
    .boxed()
}

fn part() -> BoxedStrategy<Value> {
    let number = prop::sample::select(vec![
        json!(0),
        json!(CHAT),
        json!(QUESTION_AND_ANSWER[0]),
        json!(QUESTION_AND_ANSWER[1]),
        json!(-1),
        json!(1.5),
        json!(1e300),
        json!(u64::MAX),
    ]);
    prop_oneof![word().prop_map(Value::from), number, value()].boxed()
}

const QUESTION_AND_ANSWER: [u64; 2] = [crate::wire::QUESTION, ANSWER];

fn damages() -> BoxedStrategy<Vec<(Index, Damage)>> {
    let damage = prop_oneof![
        3 => part().prop_map(Damage::Put),
        1 => Just(Damage::Remove),
        1 => any::<Index>().prop_map(Damage::Mix),
    ];
    prop::collection::vec((any::<Index>(), damage), 0..4).boxed()
}

/// The value with its parts damaged, or something else in its place.
fn damaged(value: Value) -> BoxedStrategy<Value> {
    damages()
        .prop_map(move |damages| {
            let mut value = value.clone();
            for (at, damage) in damages {
                let mut places = Vec::new();
                find_places(&value, String::new(), &mut places);
                let place = at.get(&places);
                match damage {
                    Damage::Put(part) => put(&mut value, place, part),
                    Damage::Mix(from) => {
                        let part =
                            value.pointer(from.get(&places).as_str()).cloned().unwrap_or_default();
                        put(&mut value, place, part);
                    }
                    Damage::Remove => remove(&mut value, place),
                }
            }
            value
        })
        .boxed()
}

/// The places of all parts of a value, as JSON pointers.
fn find_places(value: &Value, here: String, places: &mut Vec<String>) {
    match value {
        Value::Object(parts) => parts.iter().for_each(|(name, part)| {
            let name = name.replace('~', "~0").replace('/', "~1");
            find_places(part, format!("{here}/{name}"), places);
        }),
        Value::Array(parts) => parts.iter().enumerate().for_each(|(at, part)| {
            find_places(part, format!("{here}/{at}"), places);
        }),
        _ => {}
    }
    places.push(here);
}

fn put(value: &mut Value, place: &str, part: Value) {
    *value.pointer_mut(place).expect("the place was found") = part;
}

fn remove(value: &mut Value, place: &str) {
    let (parent, name) = place.rsplit_once('/').unwrap_or_default();
    if let Some(Value::Object(parts)) = value.pointer_mut(parent) {
        parts.remove(name);
    }
}

fn node() -> Value {
    json!({
        "messageId": ANSWER, "author": BOT, "state": "incomplete", "messageStateText": null,
        "text": "so far", "clientNonce": null, "followupActions": [{ "bodyText": "And?" }],
        "suggestedReplies": ["Why?"], "attachments": [{ "name": "a", "file": { "url": "https://x" } }],
    })
}

/// An entry of a frame: JSON that is damaged, or no JSON.
fn entry() -> BoxedStrategy<Value> {
    let subscription = prop::sample::select(vec![
        ("messageAdded", node()),
        ("messageAdded", question()),
        ("messageCancelled", json!({ "messageId": ANSWER })),
        ("chatTitleUpdated", json!({ "title": "A title" })),
        ("jobCostUpdated", json!({ "totalCostPoints": 12 })),
    ]);
    let update = subscription.prop_flat_map(|(name, data)| {
        damaged(json!({
            "message_type": "subscriptionUpdate",
            "payload": {
                "subscription_name": name,
                "unique_id": format!("{name}:{CHAT}"),
                "data": { name: data },
            },
        }))
    });
    prop_oneof![
        6 => update.prop_map(|entry| Value::from(text(&entry))),
        1 => part().prop_map(|entry| Value::from(text(&entry))),
        1 => part(),
        1 => ".{0,20}".prop_map(Value::from),
    ]
    .boxed()
}

fn frame() -> BoxedStrategy<String> {
    let entries = prop::collection::vec(entry(), 0..4);
    let frame = entries.prop_flat_map(|entries| {
        let whole = json!({ "messages": entries, "min_seq": 7 });
        prop_oneof![3 => Just(whole.clone()), 1 => damaged(whole)]
    });
    let error = part().prop_map(|error| json!({ "error": error, "messages": error }));
    prop_oneof![
        6 => frame.prop_map(|frame| text(&frame)),
        1 => error.prop_map(|frame| text(&frame)),
        1 => part().prop_map(|frame| text(&frame)),
        1 => ".{0,20}",
    ]
    .boxed()
}

fn ending(body: Value) -> BoxedStrategy<Ending> {
    let status = prop::sample::select(vec![0u16, 200, 204, 401, 403, 429, 500, 599]);
    let retry = prop_oneof![Just(None), ".{0,6}".prop_map(Some), Just(Some("7".to_owned()))];
    let body = prop_oneof![
        6 => damaged(body).prop_map(|body| text(&body)),
        1 => part().prop_map(|body| text(&body)),
        1 => ".{0,20}",
    ];
    prop_oneof![
        8 => (status, retry, body)
            .prop_map(|(status, retry, body)| Ending::Reply { status, retry, body }),
        1 => Just(Ending::Fails),
        1 => Just(Ending::BreaksOff { status: 200 }),
    ]
    .boxed()
}

fn act() -> BoxedStrategy<Act> {
    let reply = accepted(chat(), Some(ANSWER));
    let page = chat_page(CHAT, &[question(), node()]);
    let read = json!({ "data": { "chatOfCode": page } });
    let document = json!({ "props": { "pageProps": { "n": 7, "data": read["data"] } } });
    let uploaded = json!({ "status": "file_too_large", "statusMessage": "50 MB" });
    let uploaded = json!({ "data": { "attachmentUpload": uploaded }, "errors": [] });
    let variables = json!({ "chatId": CHAT, "bot": "GPT-4", "clientNonce": "another" });
    let asked = damaged(json!({ "queryName": "SendMessageMutation", "variables": variables }));
    let given = (asked, part()).prop_flat_map(|(asked, odd)| {
        let how = json!({ "method": "POST", "body": text(&asked) });
        prop_oneof![
            Just(json!(["/api/gql_POST", how])),
            Just(json!([{ "url": "/api/gql_POST" }, how])),
            Just(json!([odd, how])),
            Just(json!(["/api/gql_POST", odd])),
            Just(json!(["/api/gql_POST", { "body": odd }])),
            Just(json!([{ "url": odd }])),
            Just(json!([])),
        ]
    });
    prop_oneof![
        6 => frame().prop_map(Act::Frame),
        1 => any::<u16>().prop_map(Act::Close),
        2 => ending(reply.clone()).prop_map(Act::Ask),
        2 => ending(read).prop_map(Act::ReadTheChat),
        1 => ending(uploaded).prop_map(Act::Upload),
        2 => (given, ending(reply)).prop_map(|(given, end)| Act::Call(text(&given), end)),
        1 => damaged(document).prop_map(|document| Act::Load(text(&document))),
        1 => ".{0,20}".prop_map(Act::Load),
    ]
    .boxed()
}

/// The page calls, gets what it gets, and sees all of it.
fn play_call(reader: &mut Reader, call: usize, ending: &Ending) {
    reader.end_call(call, ending);
    let (read, failed) = (reader.page.read(), reader.page.failed());
    match ending {
        Ending::Reply { body, .. } => assert_eq!((read, failed.len()), (vec![body.clone()], 0)),
        _ => assert_eq!((read.len(), failed.len()), (0, 1)),
    }
}

proptest! {
    #![proptest_config(crate::cases(300))]

    #[test]
    fn nothing_is_thrown_into_the_page(acts in prop::collection::vec(act(), 1..8)) {
        let mut reader = Reader::new();
        let first = reader.ask(None);
        for act in acts {
            match act {
                Act::Frame(frame) => {
                    reader.deliver(&frame);
                    prop_assert_eq!(reader.page.heard(), [frame]);
                }
                Act::Close(code) => {
                    reader.page.close(code);
                    reader.follow();
                }
                Act::Ask(ending) => {
                    let call = reader.ask_with(None, json!("a second nonce"), true);
                    play_call(&mut reader, call, &ending);
                }
                Act::ReadTheChat(ending) => {
                    let call = reader.ask_for_the_chat();
                    play_call(&mut reader, call, &ending);
                }
                Act::Upload(ending) => {
                    let call = reader.page.upload(r#"{"queryName":"UploadAttachmentMutation"}"#);
                    play_call(&mut reader, call, &ending);
                }
                Act::Call(given, ending) => {
                    let call = reader.page.call_with(&given);
                    reader.follow();
                    play_call(&mut reader, call, &ending);
                }
                Act::Load(document) => reader.load(&document),
            }
        }
        let body = accepted(chat(), Some(ANSWER)).to_string();
        play_call(&mut reader, first, &Ending::ok(body));
    }
}

proptest! {
    #![proptest_config(crate::cases(200))]

    #[test]
    fn what_the_tap_never_says_does_not_panic_either(
        messages in prop::collection::vec((tap_message(), any::<bool>()), 0..24),
    ) {
        let mut reader = Reader::new();
        for (message, opens) in messages {
            if let Ok(message) = serde_json::from_value(message) {
                reader.take_message(&message);
            }
            if opens && reader.events.len() % 3 == 2 {
                reader.exchange.document_opened();
            }
        }
    }
}

/// Something like a message of the tap: any fields, most of them of the right types.
fn tap_message() -> BoxedStrategy<Value> {
    let kind = prop::sample::select(vec![
        "message",
        "message",
        "message",
        "message",
        "sent",
        "reply",
        "read",
        "cancelled",
        "title",
        "cost",
        "gap",
        "trouble",
        "unknown",
    ]);
    let keep = prop_oneof![
        6 => (0usize..6).prop_map(Value::from), 1 => Just(json!(usize::MAX)), 1 => Just(json!(null)),
    ];
    let words = vec![
        "incomplete",
        "incomplete",
        "complete",
        "error_x",
        "human",
        "chat_break",
        BOT,
        "Thinking...",
        "...",
        NONCE,
        "4711",
        "4711",
        "4711",
        "1000",
        "1000",
        "999",
        "é🙂",
        "success",
        "",
        "x",
    ];
    let word = prop::sample::select(words).prop_map(Value::from);
    let words = [
        "chat", "id", "author", "state", "text", "nonce", "question", "answer", "code", "reason",
        "words", "title", "status", "why", "what", "bot",
    ];
    let fields = prop::collection::vec(prop_oneof![30 => word, 1 => value()], words.len());
    let odd = prop::collection::vec((any::<Index>(), part()), 0..2);
    let lists = prop::collection::vec("[a-c]", 0..3);
    (kind, keep, fields, any::<bool>(), odd, lists)
        .prop_map(move |(kind, keep, fields, own, odd, list)| {
            let mut message: Map<String, Value> =
                words.iter().map(|name| (*name).to_owned()).zip(fields).collect();
            message.insert("k".into(), kind.into());
            message.insert("keep".into(), keep);
            message.insert("own".into(), own.into());
            message.insert("http".into(), 200.into());
            message.insert("points".into(), 7.into());
            let files: Vec<_> =
                list.iter().map(|name| json!({ "name": name, "url": name })).collect();
            message.insert("attachments".into(), files.into());
            message.insert("suggestions".into(), list.into());
            let names =
                ["retry", "http", "points", "chat", "suggestions", "attachments", "page", "keep"];
            for (at, value) in odd {
                message.insert((*at.get(&names)).into(), value);
            }
            message.into()
        })
        .boxed()
}

#[test]
fn what_is_nested_deeper_than_anybody_reads_is_passed_over() {
    let deep = "[".repeat(200_000);
    let objects = "{\"messages\":".repeat(50_000);
    let closed = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
    let entry = json!({ "messages": [deep, closed, objects] }).to_string();
    let mut reader = Reader::new();
    let call = reader.ask(None);
    for frame in [&deep, &objects, &closed, &entry] {
        reader.deliver(frame);
        reader.load(frame);
        let call = reader.ask_for_the_chat();
        reader.end_call(call, &Ending::ok(frame.clone()));
    }
    let accepted = accepted(json!({ "chatId": CHAT, "chatCode": CODE }), Some(ANSWER));
    reader.end_call(call, &Ending::ok(accepted.to_string()));
    assert_eq!(reader.exchange.chat_code(), Some(CODE));
}
