//! What a site has to do for the drifts that were asked for.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::late::{Lateness, Stand};
use super::values::Word;
use super::{Drift, How, change, markup, unveil, veil};
use crate::parts::Part;
use crate::wire::Entry;

/// The drifts of a site, by where they take effect.
#[derive(Debug, Default)]
pub(crate) struct Drifts {
    all: Vec<Drift>,
    /// Fields of JSON: where it is said, and the path there.
    fields: Vec<(String, Vec<String>, How)>,
    words: Vec<Word>,
    late: Lateness,
}

/// What becomes of an entry: what is sent at once, and what is sent later.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) now: Vec<Entry>,
    pub(crate) late: Vec<Entry>,
    /// The fields that are missing from now on.
    pub(crate) fields_to_come: Vec<usize>,
}

impl Drifts {
    pub(crate) fn new(all: &[Drift]) -> Drifts {
        let mut drifts = Drifts { all: all.to_vec(), ..Drifts::default() };
        for Drift { fact, how } in all {
            let Some((kind, rest)) = fact.split_once(':') else { continue };
            let path = |path: &str| path.split('.').map(str::to_owned).collect();
            match kind {
                "value" => drifts.words.extend(Word::read(rest, *how)),
                "field" | "reply" | "variable" => {
                    if let Some((name, rest)) = rest.split_once(':') {
                        drifts.fields.push((format!("{kind}:{name}"), path(rest), *how));
                    }
                }
                _ => drifts.fields.push((kind.to_owned(), path(rest), *how)),
            }
        }
        drifts
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// What befalls a fact.
    pub(crate) fn how(&self, kind: &str, name: &str) -> Option<How> {
        let is_it = |drift: &&Drift| drift.fact.strip_prefix(kind) == Some(&format!(":{name}"));
        self.all.iter().find(is_it).map(|drift| drift.how)
    }

    /// Changes the fields and the words of what is said somewhere. Whether anything changed.
    fn change(&self, place: &str, value: &mut Value) -> bool {
        let here = self.fields.iter().filter(|(at, ..)| at == place);
        let changed =
            here.fold(false, |done, (_, path, how)| change::change(value, path, *how) || done);
        self.words.iter().fold(changed, |done, word| word.change(value) || done)
    }

    /// What a document offers, changed.
    pub(crate) fn offered(&self, mut value: Value) -> Value {
        self.change("inline", &mut value);
        value
    }

    /// What is said in reply, changed, with the truth in it for the site's own page.
    pub(crate) fn reply(&self, place: &str, value: Value) -> Value {
        if self.is_empty() {
            return value;
        }
        let mut changed = value.clone();
        if !self.change(place, &mut changed) {
            return value;
        }
        changed["_"] = veil(&value.to_string()).into();
        changed
    }

    /// A frame of the socket, changed.
    pub(crate) fn frame(&self, frame: String) -> String {
        if !self.fields.iter().any(|(place, ..)| place == "frame") {
            return frame;
        }
        match serde_json::from_str(&frame) {
            Ok(value) => self.reply("frame", value).to_string(),
            Err(_) => frame,
        }
    }

    /// An entry of the socket, changed.
    pub(crate) fn entry(&self, entry: Entry) -> Told {
        let Ok(Value::Object(fields)) = serde_json::from_str(&entry.text) else {
            return Told { now: vec![entry], ..Told::default() };
        };
        let mut value = Value::Object(fields);
        let mut told = Told::default();
        let subscription =
            value["payload"]["subscription_name"].as_str().unwrap_or_default().to_owned();
        self.change_fields(&subscription, &mut value, &entry, &mut told);
        let how = self.how("subscription", &subscription);
        if let Some(how) = how {
            change_subscription(&mut value, &subscription, how);
        }
        self.change("entry", &mut value);
        let truth = veil(&entry.text);
        let with = |value: &Value, padding: &str| {
            let mut value = value.clone();
            value["_"] = padding.into();
            Entry { chat: entry.chat, text: value.to_string() }
        };
        let nothing = with(&json!({}), &truth);
        match how {
            Some(How::Missing) => told.now.push(nothing),
            Some(How::Late) => {
                told.now.push(nothing);
                told.late.push(with(&value, "late"));
            }
            Some(How::Doubled) => told.now.extend([with(&value, &truth), with(&value, "again")]),
            _ => told.now.push(with(&value, &truth)),
        }
        told
    }

    fn change_fields(&self, name: &str, value: &mut Value, entry: &Entry, told: &mut Told) {
        let place = format!("field:{name}");
        let Some(data) = value.pointer_mut(&format!("/payload/data/{name}")) else {
            return;
        };
        for (index, (at, path, how)) in self.fields.iter().enumerate() {
            if *at != place {
                continue;
            }
            if *how == How::Late {
                let mut without = data.clone();
                if !change::change(&mut without, path, How::Missing) {
                    continue;
                }
                match self.late.meet(index, entry) {
                    Stand::There => continue,
                    Stand::Begins => told.fields_to_come.push(index),
                    Stand::Missing => {}
                }
                *data = without;
            } else {
                change::change(data, path, *how);
            }
        }
    }

    /// The field comes: the entry that is sent once more, with it and without the truth, which the
    /// page has.
    pub(crate) fn field_comes(&self, field: usize) -> Option<Entry> {
        let entry = self.late.end(field)?;
        let mut value: Value = serde_json::from_str(&entry.text).ok()?;
        value["_"] = "once more".into();
        Some(Entry { chat: entry.chat, text: value.to_string() })
    }

    /// What the page said, from the truth in it.
    pub(crate) fn said(padding: &Value) -> Option<Value> {
        unveil(padding.as_str()?)
    }

    /// The markup, changed.
    pub(crate) fn markup(&self, parts: &mut BTreeMap<String, Part>) {
        for Drift { fact, how } in &self.all {
            markup::change(parts, fact, *how);
        }
    }

    /// What the page has to change in what it sends: fields by the operation, as
    /// `{place, path, how, name}`.
    pub(crate) fn of_requests(&self) -> Vec<Value> {
        let is_sent = |place: &str| place == "request" || place.starts_with("variable:");
        let told = self.fields.iter().filter(|(place, ..)| is_sent(place));
        told.map(|(place, path, how)| {
            let name = path.last().map(|name| super::another_name(name));
            json!({ "place": place, "path": path, "how": how, "name": name })
        })
        .collect()
    }
}

fn change_subscription(value: &mut Value, name: &str, how: How) {
    let payload = &mut value["payload"];
    match how {
        How::Null => payload["data"][name] = Value::Null,
        How::OtherType => payload["data"][name] = json!(7),
        How::Renamed => {
            let other = super::another_name(name);
            let unique_id = payload["unique_id"].as_str().unwrap_or_default();
            let unique_id = unique_id.replacen(name, &other, 1);
            let data = payload["data"][name].take();
            payload["subscription_name"] = other.clone().into();
            payload["unique_id"] = unique_id.into();
            payload["data"] = json!({ other: data });
        }
        _ => {}
    }
}
