//! What else comes on the account's channel: other chats, other tabs, older messages, nonsense.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::wire::{ANSWER, BOT, CHAT, Entry, FOREIGN, QUESTION, Style, TEXT, Units, units, update};

/// What is not of our answer.
#[derive(Clone, Debug)]
pub(crate) enum Noise {
    /// Means nothing to us, whenever it comes.
    Entry(Entry),
    /// The same, told twice.
    Twice(Entry, Entry),
    /// A later message of our chat, which is not our answer where it is known which one is.
    Later(Entry),
    /// What our chat is called, and what it cost.
    Title(String),
    Cost(u64),
}

impl Noise {
    pub(crate) fn entries(&self) -> Vec<Entry> {
        let entry = match self {
            Self::Entry(entry) | Self::Later(entry) => entry.clone(),
            Self::Twice(one, other) => return vec![one.clone(), other.clone()],
            Self::Title(title) => {
                let data = json!({ "id": "x", "title": title });
                update("chatTitleUpdated", CHAT, data, &[], Style::Plain)
            }
            Self::Cost(points) => {
                let data = json!({ "id": "x", "totalCostPoints": points });
                update("jobCostUpdated", CHAT, data, &[], Style::Plain)
            }
        };
        vec![entry]
    }
}

pub(crate) fn noise() -> impl Strategy<Value = Noise> {
    prop_oneof![
        4 => message(other_chat(), any_id()).prop_map(Noise::Entry),
        2 => message(Just(CHAT).boxed(), (1u64..900).boxed()).prop_map(Noise::Entry),
        1 => message(Just(CHAT).boxed(), (ANSWER + 99..ANSWER + 9000).boxed()).prop_map(Noise::Later),
        3 => human(),
        1 => about_others(),
        1 => nonsense(),
        1 => wrong_types(),
        1 => "[a-z é🙂]{0,5}".prop_map(Noise::Title),
        1 => (0u64..1000).prop_map(Noise::Cost),
    ]
}

fn other_chat() -> BoxedStrategy<u64> {
    prop_oneof![Just(47), Just(CHAT + 1), Just(47110)].boxed()
}

/// Ids may be those of our messages, where the chat is another.
fn any_id() -> BoxedStrategy<u64> {
    prop_oneof![1u64..20_000, Just(QUESTION), Just(ANSWER)].boxed()
}

fn foreign_text() -> impl Strategy<Value = Units> {
    "[a-cé🙂\"\0]{0,4}".prop_map(|text| units(&format!("{text}{FOREIGN}{text}")))
}

fn style() -> impl Strategy<Value = Style> {
    prop_oneof![Just(Style::Plain), Just(Style::Ascii)]
}

/// A bot's message that is not our answer.
fn message(chat: BoxedStrategy<u64>, id: BoxedStrategy<u64>) -> impl Strategy<Value = Entry> {
    let states = vec!["incomplete", "complete", "error_x", "cancelled", ""];
    let state = prop::sample::select(states);
    (chat, id, state, foreign_text(), style()).prop_map(|(chat, id, state, text, style)| {
        let data = json!({
            "messageId": id, "author": BOT, "state": state, "text": TEXT,
            "messageStateText": "an error of another's ζ",
            "followupActions": [{ "bodyText": "another's ζ" }],
            "attachments": [{ "name": "ζ", "url": "https://example.org/ζ" }],
        });
        update("messageAdded", chat, data, &text, style)
    })
}

/// A question of another tab or device, or a break of the context.
fn human() -> impl Strategy<Value = Noise> {
    let ours = (Just(CHAT), prop_oneof![900..ANSWER, ANSWER + 1..ANSWER + 99]);
    // A chat of their own, so that no message has two authors.
    let place = prop_oneof![ours, (Just(CHAT - 1), any_id())];
    let nonce = prop_oneof![Just(json!("another's")), Just(json!(null)), Just(json!(7))];
    let author = prop_oneof![Just("human"), Just("chat_break")];
    (place, nonce, author, foreign_text()).prop_map(|((chat, id), nonce, author, text)| {
        let data = json!({
            "messageId": id, "author": author, "state": "complete", "text": TEXT,
            "clientNonce": nonce,
        });
        let whole = update("messageAdded", chat, data, &text, Style::Plain);
        // A further update need not say again whose message it is.
        let data = json!({ "messageId": id, "state": "cancelled", "text": text.len() });
        Noise::Twice(whole, update("messageStateUpdated", chat, data, &[], Style::Plain))
    })
}

/// What happens to other chats, and to older messages of ours.
fn about_others() -> impl Strategy<Value = Noise> {
    let what = prop::sample::select(vec![
        ("messageCancelled", json!({ "messageId": ANSWER })),
        ("messageCancelled", json!({})),
        ("messageDeleted", json!({ "messageId": ANSWER })),
        ("chatTitleUpdated", json!({ "title": "another's ζ" })),
        ("jobCostUpdated", json!({ "totalCostPoints": 666_666 })),
        ("messageStateUpdated", json!({ "messageId": ANSWER, "state": "error_x" })),
    ]);
    let other = (what, other_chat()).prop_map(|((name, data), chat)| (name, data, chat));
    let older = prop::sample::select(vec![
        ("messageCancelled", json!({ "messageId": QUESTION - 1 })),
        ("messageStateUpdated", json!({ "messageId": QUESTION - 1, "state": "cancelled" })),
        ("messageTextUpdated", json!({ "messageId": QUESTION, "text": "ζ" })),
    ]);
    prop_oneof![other, older.prop_map(|(name, data)| (name, data, CHAT))]
        .prop_map(|(name, data, chat)| Noise::Entry(update(name, chat, data, &[], Style::Plain)))
}

/// Entries that are not JSON, or not of a kind that anybody knows.
fn nonsense() -> impl Strategy<Value = Noise> {
    let unknown = prop::sample::select(vec![
        "messageRead",
        "viewerStateUpdated",
        "jobStarted",
        "constructor",
        "__proto__",
        "toString",
        "",
    ]);
    let data = json!({ "messageId": ANSWER, "text": "ζ", "state": "error_ζ", "author": BOT });
    prop_oneof![
        ".{0,12}".prop_map(|text| Entry::Text(units(&text))),
        Just(Entry::Text(vec![0xd83d, 0x22, 0xdc00])),
        unknown.prop_map(move |name| update(name, CHAT, data.clone(), &[], Style::Plain)),
        value().prop_map(|value| Entry::of(&json!({ "message_type": value, "payload": value }))),
        Just(Entry::of(&json!({ "message_type": "subscriptionUpdated" }))),
    ]
    .prop_map(Noise::Entry)
}

/// Entries of the wrong types, at any depth.
fn wrong_types() -> impl Strategy<Value = Noise> {
    let whole = prop_oneof![
        value().prop_map(Entry::Odd),
        value().prop_map(|value| Entry::of(&value)),
        (1usize..300).prop_map(|deep| Entry::Text(units(&"[".repeat(deep)))),
        (1usize..300).prop_map(|deep| {
            Entry::Text(units(&format!("{}{}", "[".repeat(deep), "]".repeat(deep))))
        }),
    ];
    let places = vec!["/message_type", "/payload", "/payload/subscription_name", "/payload/data"];
    let no_id = vec![json!(null), json!({}), json!([1]), json!(true)];
    let part = (prop::sample::select(places), value(), prop::sample::select(no_id));
    let part = part.prop_map(|(place, value, id)| {
        let mut entry = json!({
            "message_type": "subscriptionUpdate",
            "payload": {
                "subscription_name": "messageAdded",
                "unique_id": format!("messageAdded:{CHAT}"),
                // Without an id it is no message, wherever the entry stays whole.
                "data": { "messageAdded": { "messageId": id, "author": BOT, "text": "ζ" } },
            },
        });
        *entry.pointer_mut(place).expect("a place of the entry") = value;
        Entry::of(&entry)
    });
    prop_oneof![whole, part].prop_map(Noise::Entry)
}

/// Any JSON value, small.
pub(crate) fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z_]{0,6}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}
