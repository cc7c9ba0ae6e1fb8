//! Whatever arrives, nothing is thrown into the page, nothing panics, and the fold is the text.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::damage::{damaged, part, text};
use crate::page::Ending;
use crate::reader::Reader;
use crate::wire::{ANSWER, BOT, CHAT, CODE, NONCE, accepted, chat, chat_page, question};

/// Something that happens to the page.
#[derive(Clone, Debug)]
enum Act {
    Frame(String),
    Close(u16),
    /// The page calls its server, and this is what it gets.
    Ask(Ending),
    ReadTheChat(Ending),
    /// The page reads something else, such as a list of chats.
    ReadOfChats(Ending),
    /// The page sends a file ahead of its question.
    Upload(Ending),
    /// The page calls `fetch` with these arguments, a JSON list.
    Call(String, Ending),
    Load(String),
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
    let chats = json!({ "data": { "chats": [{ "chatId": 7 }, chat()] } });
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
        1 => ending(chats).prop_map(Act::ReadOfChats),
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
        reader.page.open("/GPT-4");
        let first = reader.ask(None);
        for act in acts {
            match act {
                Act::Frame(frame) => {
                    reader.deliver(&frame);
                    // Only what tells of other chats' answers and titles is kept from the page.
                    let kinds = ["messageAdded:", "messageCancelled:", "chatTitleUpdated:"];
                    let is_others = kinds.iter().any(|kind| frame.contains(kind));
                    let heard = reader.page.heard();
                    prop_assert!(heard == [frame] || (heard.is_empty() && is_others), "{heard:?}");
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
                Act::ReadOfChats(ending) => {
                    let call = reader.page.call(r#"{"queryName":"SomeList"}"#);
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
        messages in prop::collection::vec((tap_message(), any::<bool>()), 4..40),
        replied_at in 0usize..9,
    ) {
        let mut reader = Reader::new();
        let call = reader.ask(None);
        for (at, (message, opens)) in messages.into_iter().enumerate() {
            if at == replied_at {
                let body = accepted(chat(), Some(ANSWER)).to_string();
                reader.end_call(call, &Ending::ok(body));
            }
            if let Ok(message) = serde_json::from_value(message) {
                reader.take_message(&message);
            }
            if opens && reader.events.len() % 3 == 2 {
                reader.exchange.reset_document();
            }
        }
    }
}

/// Something like a message of the tap: any fields, most of them as they may be.
fn tap_message() -> BoxedStrategy<Value> {
    let usual: &[(&str, &[&str])] = &[
        (
            "k",
            &[
                "message", "message", "message", "message", "message", "reply", "title", "read",
                "chat", "opened",
            ],
        ),
        ("chat", &["4711", "4711", "4711", "47"]),
        ("id", &["1000", "1000", "1000", "1001", "994", "007"]),
        ("author", &[BOT, BOT, BOT, BOT, "human", "chat_break"]),
        (
            "state",
            &[
                "incomplete",
                "incomplete",
                "incomplete",
                "incomplete",
                "incomplete",
                "complete",
                "error_x",
            ],
        ),
        ("text", &["", "a", "é🙂", "Thinking...", "...", "\u{301}b"]),
        ("nonce", &[NONCE, NONCE, "another"]),
        ("status", &["success", "success", "success", "reached_limit"]),
        ("question", &["994"]),
        ("answer", &["1000"]),
        ("code", &[CODE]),
        ("title", &["A title"]),
        ("why", &["socket closed"]),
    ];
    let field = |(name, words): &(&'static str, &'static [&'static str])| {
        let word = prop::sample::select(*words).prop_map(Value::from);
        (Just(*name), prop_oneof![60 => word, 1 => part()])
    };
    let fields: Vec<_> = usual.iter().map(field).collect();
    let keep = prop_oneof![
        4 => Just(json!(0)), 4 => (0usize..6).prop_map(Value::from), 1 => Just(json!(usize::MAX)), 1 => Just(json!(null)),
    ];
    let names =
        vec!["retry", "http", "points", "page", "own", "suggestions", "attachments", "keep"];
    let odd = prop::collection::vec((prop::sample::select(names), part()), 0..2);
    let list = prop::collection::vec("[a-c]", 0..3);
    (fields, keep, any::<bool>(), list, odd)
        .prop_map(|(fields, keep, own, list, odd)| {
            let files: Vec<_> =
                list.iter().map(|name| json!({ "name": name, "url": name })).collect();
            let mut message = json!({
                "keep": keep, "own": own, "http": 200, "points": 7, "suggestions": list,
                "attachments": files,
            });
            for (name, value) in fields.into_iter().chain(odd) {
                message[name] = value;
            }
            message
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
