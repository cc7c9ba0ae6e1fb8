//! Names of the wire that have drifted: what the shape of a recording proves.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::{Mending, Site};

/// The names that a recording proves to be others than those that are known. `names` are those
/// that stand for a number in it.
pub(super) fn mendings(
    site: &Site,
    shapes: &[Value],
    names: &BTreeMap<String, String>,
) -> Vec<Mending> {
    let wire = &site.wire;
    let mut mendings = Vec::new();
    let mut propose = |key: &str, found: Option<String>, known: &[String], why: &str| {
        let found = found.map(|name| names.get(&name).cloned().unwrap_or(name));
        if let Some(name) = found.filter(|name| is_name(name) && !known.contains(name)) {
            mendings.push(Mending::list(site, key, vec![name], why));
        }
    };

    // The question: the call that carries what was typed.
    let calls = of_kind(shapes, "call");
    let question = calls.iter().find_map(|call| object_with(&call["shape"], &is_prompt));
    let prompt = question.and_then(|(_, fields)| key_of(fields, &is_prompt));
    propose("wire.prompt", prompt, &wire.prompt, "what was typed stands there");

    // The echo of the question and the answer, on the socket.
    let frames: Vec<&Value> =
        of_kind(shapes, "frame").into_iter().filter(|frame| frame["from"] == "site").collect();
    let echo = frames.iter().find_map(|frame| object_with(&frame["shape"], &is_prompt));
    if let (Some((_, asked)), Some((_, echoed))) = (question, echo) {
        let nonce = asked.iter().find_map(|(key, value)| {
            let mark = same_of(value)?;
            let there = echoed.iter().find(|(_, value)| same_of(value) == Some(mark))?;
            (there.0 == key).then(|| key.clone())
        });
        propose("wire.nonce", nonce, &wire.nonce, "the question and its echo have it alike");
    }

    let answers: Vec<(&str, &Map<String, Value>)> =
        frames.iter().filter_map(|frame| object_with(&frame["shape"], &grows)).collect();
    let Some((subscription, first)) = answers.first().copied() else { return mendings };
    let text = key_of(first, &grows);
    propose("wire.text", text.clone(), &wire.text, "the text that grew stands there");
    let of_message = &wire.on_message;
    propose("wire.on_message", Some(subscription.to_owned()), of_message, "the answer came by it");

    // All that was told of the answer, whether its text grew or not.
    let id = wire.message_id.iter().find_map(|key| first.get(key)).cloned();
    let is_answer = |fields: &Map<String, Value>| {
        let same = |key: &String| id.is_some() && fields.get(key) == id.as_ref();
        text.as_ref().is_some_and(|text| fields.contains_key(text))
            && wire.message_id.iter().any(same)
    };
    let told: Vec<&Map<String, Value>> = frames
        .iter()
        .filter_map(|frame| object_where(&frame["shape"], &is_answer))
        .map(|(_, fields)| fields)
        .collect();
    let growing = &site.states.growing;
    // A state is a word that was a growing one while the text grew.
    let was_growing =
        |value: &Value| word_of(value).is_some_and(|word| growing.iter().any(|it| it == word));
    let state = key_of(first, &was_growing);
    propose("wire.state", state.clone(), &wire.state, "it said that the text grows");
    if let Some(last) = state.and_then(|state| told.last()?.get(&state)) {
        let word = word_of(last).filter(|word| {
            !growing.iter().any(|it| it == word) && site.states.failure(word).is_none()
        });
        let why = "it was the answer's last state";
        propose("states.complete", word.map(str::to_owned), &site.states.complete, why);
    }
    mendings
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('?')
}

fn of_kind<'a>(shapes: &'a [Value], kind: &str) -> Vec<&'a Value> {
    shapes.iter().filter(|line| line["k"] == kind).collect()
}

fn is_prompt(value: &Value) -> bool {
    value.as_str().is_some_and(|is| is.ends_with(" =prompt"))
}

fn grows(value: &Value) -> bool {
    value.as_str().is_some_and(|is| is.starts_with("text:") && is.ends_with(" grows"))
}

fn word_of(value: &Value) -> Option<&str> {
    value.as_str()?.strip_prefix("word:")
}

/// The number that texts have that are the same.
fn same_of(value: &Value) -> Option<&str> {
    value.as_str()?.split(' ').find(|part| part.starts_with('~'))
}

fn key_of(fields: &Map<String, Value>, does: &dyn Fn(&Value) -> bool) -> Option<String> {
    fields.iter().find(|(_, value)| does(value)).map(|(key, _)| key.clone())
}

/// The innermost object one of whose values does, with the key under which it stands.
fn object_with<'a>(
    shape: &'a Value,
    does: &dyn Fn(&Value) -> bool,
) -> Option<(&'a str, &'a Map<String, Value>)> {
    object_where(shape, &|fields| fields.values().any(does))
}

fn object_where<'a>(
    shape: &'a Value,
    does: &dyn Fn(&Map<String, Value>) -> bool,
) -> Option<(&'a str, &'a Map<String, Value>)> {
    let mut waiting = vec![("", shape)];
    let mut found = None;
    let mut seen = BTreeSet::new();
    while let Some((name, value)) = waiting.pop() {
        match value {
            Value::Object(fields) => {
                // What is met first stands further out.
                if does(fields) && seen.insert(std::ptr::from_ref(fields) as usize) {
                    found = Some((name, fields));
                }
                waiting.extend(fields.iter().map(|(key, value)| (key.as_str(), value)));
            }
            Value::Array(list) => waiting.extend(list.iter().map(|value| (name, value))),
            _ => {}
        }
    }
    found
}
