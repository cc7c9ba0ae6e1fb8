//! What a site can make of an answer: the copies of its text, from the first to the last.

use std::fmt;

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

use crate::wire::{ANSWER, BOT, CHAT, Entry, Style, TEXT, Units, units, update};

/// An answer as it was written.
#[derive(Clone, Debug)]
pub(crate) struct Story {
    pub(crate) copies: Vec<Copy>,
    pub(crate) suggestions: Vec<String>,
}

/// The message as it is at one moment, and how the site tells it.
#[derive(Clone)]
pub(crate) struct Copy {
    pub(crate) text: Units,
    pub(crate) state: &'static str,
    pub(crate) shape: Shape,
    pub(crate) suggestions: Vec<String>,
    /// Whether it is an older one, that comes once more after the end.
    pub(crate) is_late: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// `messageAdded`, whole.
    Whole,
    /// The same, with nonsense in the fields that may be absent.
    Odd,
    /// The text without the state.
    TextAlone,
    /// All but the text, which is the last copy's.
    WithoutText,
}

impl Story {
    /// The text that the site holds at the end.
    pub(crate) fn text(&self) -> String {
        let last = self.newest(self.copies.len()).expect("there is always one");
        String::from_utf16_lossy(&last.text)
    }

    /// What the site holds after the first so many copies.
    pub(crate) fn newest(&self, made: usize) -> Option<&Copy> {
        self.copies[..made].iter().rev().find(|copy| !copy.is_late)
    }
}

impl fmt::Debug for Copy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = String::from_utf16_lossy(&self.text);
        write!(f, "{:?} {} {text:?} {:?}", self.shape, self.state, self.suggestions)
    }
}

impl Copy {
    /// The message as a query or a document gives it. [`TEXT`] stands for the text.
    pub(crate) fn node(&self) -> Value {
        let actions: Vec<_> =
            self.suggestions.iter().map(|text| json!({ "bodyText": text })).collect();
        json!({
            "id": "TWVzc2FnZTox", "messageId": ANSWER, "creationTime": 1, "author": BOT,
            "state": self.state, "messageStateText": null, "text": TEXT, "clientNonce": null,
            "attachments": [], "followupActions": actions, "suggestedReplies": self.suggestions,
        })
    }

    /// The update that tells this copy.
    pub(crate) fn entry(&self, style: Style) -> Entry {
        let (subscription, data) = match self.shape {
            Shape::Whole => ("messageAdded", self.node()),
            Shape::Odd => {
                let mut node = self.node();
                node["messageId"] = json!(ANSWER.to_string());
                node["attachments"] = json!([null, 7, "file", { "name": 7 }, { "url": {} }]);
                node["messageStateText"] = json!({ "text": [] });
                node["clientNonce"] = json!(["nonce"]);
                node["creationTime"] = json!("never");
                if self.suggestions.is_empty() {
                    node["followupActions"] = json!({ "0": 1 });
                    node["suggestedReplies"] = json!([null, 1, {}, []]);
                }
                ("messageCreated", node)
            }
            Shape::TextAlone => {
                ("messageTextUpdated", json!({ "messageId": ANSWER, "text": TEXT }))
            }
            Shape::WithoutText if self.suggestions.is_empty() => {
                ("messageStateUpdated", json!({ "messageId": ANSWER, "state": self.state }))
            }
            Shape::WithoutText => (
                "messageFollowupActionAdded",
                json!({ "messageId": ANSWER, "suggestedReplies": self.suggestions }),
            ),
        };
        update(subscription, CHAT, data, &self.text, style)
    }
}

/// How a text becomes the next one.
#[derive(Clone, Debug)]
enum Change {
    Grow(Units),
    /// Units are taken off the end, and others put there.
    Rewrite(usize, Units),
    /// All of it is written anew.
    Anew(Units),
    /// The copy is cut this far before the text's end; the next one is not.
    Cut(usize),
    /// The copy is a notice; the text goes on where it was.
    Notice(&'static str),
    Same,
}

/// Pieces of text, in all that is hard about text.
pub(crate) fn piece() -> impl Strategy<Value = Units> {
    let character = prop_oneof![
        4 => proptest::char::range('a', 'e'),
        2 => prop::sample::select(vec!['é', 'ש', 'م', '\u{202e}', '\u{301}', '\u{200d}', '\u{fe0f}']),
        // Among them some that share one half of two.
        4 => prop::sample::select(vec!['🙂', '🙃', '\u{1fa42}', '𝒳', '\u{10ffff}', '\u{10000}']),
        2 => prop::sample::select(vec!['"', '\\', '\0', '\u{1b}', '\n', '\r', '\t', '\u{7f}', '/', '<']),
        1 => prop::sample::select(vec!['\u{2028}', '\u{2029}', '\u{feff}', '\u{fffd}', '\u{d7ff}', '\u{e000}', '\u{ffff}']),
    ];
    let text = prop::collection::vec(character, 0..8).prop_map(|all| all.into_iter().collect());
    let word =
        prop::sample::select(vec![".", "...", "…", "Thinking", "Thinking...", " (3s elapsed)"]);
    let half = prop::sample::select(vec![0xd83du16, 0xde42, 0xdbff, 0xdfff]);
    prop_oneof![
        12 => text.prop_map(|text: String| units(&text)),
        2 => word.prop_map(units),
        1 => half.prop_map(|unit| vec![unit]),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    let notices = vec!["Thinking…", "Thinking...", "Thinking… (2s elapsed)", "...", "…", ".", ""];
    prop_oneof![
        6 => piece().prop_map(Change::Grow),
        2 => (0usize..6, piece()).prop_map(|(less, more)| Change::Rewrite(less, more)),
        1 => piece().prop_map(Change::Anew),
        2 => (1usize..4).prop_map(Change::Cut),
        2 => prop::sample::select(notices).prop_map(Change::Notice),
        1 => Just(Change::Same),
    ]
}

fn shape() -> impl Strategy<Value = Shape> {
    prop_oneof![6 => Just(Shape::Whole), 1 => Just(Shape::Odd), 2 => Just(Shape::TextAlone)]
}

/// Any answer that comes to a good end.
pub(crate) fn story() -> impl Strategy<Value = Story> {
    let changes = prop::collection::vec((change(), shape()), 0..12);
    let last = (change(), any::<bool>(), prop::sample::select(vec!["complete", "completed"]));
    let suggestions = prop::collection::vec("[a-c🙂\"]{1,3}", 0..4);
    let late = prop::collection::vec((any::<Index>(), any::<Index>(), shape()), 0..3);
    let after = (suggestions, shape(), late);
    (changes, last, after).prop_map(|(changes, last, (suggestions, resent, late))| {
        let mut text = Units::new();
        let mut copies: Vec<Copy> = Vec::new();
        for (change, shape) in changes {
            let shown = apply(&mut text, change);
            let shape = match copies.last() {
                None => Shape::Whole,
                Some(last) if last.text == shown => Shape::WithoutText,
                Some(_) => shape,
            };
            let suggestions = Vec::new();
            copies.push(Copy {
                text: shown,
                state: "incomplete",
                shape,
                suggestions,
                is_late: false,
            });
        }
        let (change, apart, state) = last;
        apply(&mut text, change);
        let suggested = Vec::new();
        let mut last =
            Copy { text, state, shape: Shape::Whole, suggestions: suggested, is_late: false };
        if apart && !copies.is_empty() {
            copies.push(Copy { shape: Shape::TextAlone, state: "incomplete", ..last.clone() });
            last.shape = Shape::WithoutText;
        }
        copies.push(last.clone());
        let end = copies.len();
        let mut suggestions: Vec<String> = suggestions;
        suggestions.sort();
        suggestions.dedup();
        let shape = if resent == Shape::TextAlone { Shape::WithoutText } else { resent };
        for at in 1..=suggestions.len() {
            copies.push(Copy { shape, suggestions: suggestions[..at].to_vec(), ..last.clone() });
        }
        for (which, at, shape) in late {
            let older =
                Copy { state: "incomplete", is_late: true, ..which.get(&copies[..end]).clone() };
            let shape = if shape == Shape::TextAlone { Shape::Whole } else { shape };
            copies.insert(end + at.index(copies.len() + 1 - end), Copy { shape, ..older });
        }
        Story { copies, suggestions }
    })
}

/// Changes the text; gives the copy of it that the site shows.
fn apply(text: &mut Units, change: Change) -> Units {
    match change {
        Change::Grow(more) => text.extend(more),
        Change::Rewrite(less, more) => {
            text.truncate(text.len().saturating_sub(less));
            text.extend(more);
        }
        Change::Anew(all) => *text = all,
        Change::Cut(less) => return text[..text.len().saturating_sub(less)].to_vec(),
        Change::Notice(notice) => return units(notice),
        Change::Same => {}
    }
    text.clone()
}
