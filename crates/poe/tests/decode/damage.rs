//! Well-formed values that are made odd, part by part.

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

use crate::noise::value;
use crate::wire::{ANSWER, BOT, CHAT, NONCE, QUESTION};

/// Stand in a [`Value`] for the halves of a character, which it cannot hold.
const HALVES: [(char, &str); 2] = [('\u{e000}', "\\ud83d"), ('\u{e001}', "\\ude42")];

/// A change that makes something well-formed odd.
#[derive(Clone, Debug)]
enum Damage {
    Put(Value),
    Remove,
    /// Another part of the same value stands there.
    Mix(Index),
}

/// The JSON of a value, with halves of characters where the value has their stand-ins.
pub(crate) fn text(value: &Value) -> String {
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

/// Something small, that may stand anywhere.
pub(crate) fn part() -> BoxedStrategy<Value> {
    let number = prop::sample::select(vec![
        json!(0),
        json!(CHAT),
        json!(QUESTION),
        json!(ANSWER),
        json!(-1),
        json!(1.5),
        json!(1e300),
        json!(u64::MAX),
    ]);
    prop_oneof![word().prop_map(Value::from), number, value()].boxed()
}

fn damages() -> BoxedStrategy<Vec<(Index, Damage)>> {
    let damage = prop_oneof![
        3 => part().prop_map(Damage::Put),
        1 => Just(Damage::Remove),
        1 => any::<Index>().prop_map(Damage::Mix),
    ];
    prop::collection::vec((any::<Index>(), damage), 0..4).boxed()
}

/// The value with its parts damaged, or something else in its place.
pub(crate) fn damaged(value: Value) -> BoxedStrategy<Value> {
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
