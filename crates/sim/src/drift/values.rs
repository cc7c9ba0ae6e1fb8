//! Words that stand as a value: the state of a message, the status of a reply, an author.

use serde_json::{Map, Value};

use super::How;
use super::change::field;

/// The fields whose values are words of the site.
const FIELDS: &[&str] = &["state", "author", "status", "contentType", "sourceType", "message_type"];

/// What an object is, as far as the meaning of its words goes.
fn kind(fields: &Map<String, Value>) -> &'static str {
    if fields.contains_key("message_type") {
        "entry"
    } else if fields.contains_key("messageId") {
        "message"
    } else if fields.contains_key("jobId") {
        "job"
    } else {
        "reply"
    }
}

/// Every word that stands somewhere in a value, as `message.state=complete`.
pub(crate) fn words(value: &Value, found: &mut impl FnMut(String)) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| words(value, found)),
        Value::Object(fields) => {
            let kind = kind(fields);
            for name in FIELDS {
                if let Some(word) = fields.get(*name).and_then(Value::as_str) {
                    found(format!("{kind}.{name}={word}"));
                }
            }
            fields.values().for_each(|value| words(value, found));
        }
        _ => {}
    }
}

/// A word that drifts.
#[derive(Debug)]
pub(super) struct Word {
    kind: String,
    field: String,
    value: String,
    how: How,
}

impl Word {
    /// Of `message.state=complete`.
    pub(super) fn read(told: &str, how: How) -> Option<Word> {
        let (place, value) = told.split_once('=')?;
        let (kind, field) = place.split_once('.')?;
        let [kind, field, value] = [kind, field, value].map(str::to_owned);
        Some(Word { kind, field, value, how })
    }

    fn change_all<'a>(&self, values: impl Iterator<Item = &'a mut Value>) -> bool {
        let mut done = false;
        for value in values {
            done |= self.change(value);
        }
        done
    }

    /// Changes it wherever it stands. Whether it stood anywhere.
    pub(super) fn change(&self, value: &mut Value) -> bool {
        match value {
            Value::Array(values) => self.change_all(values.iter_mut()),
            Value::Object(fields) => {
                let mut done = self.change_all(fields.values_mut());
                let is_it = fields.get(&self.field).is_some_and(|word| *word == self.value);
                if is_it && kind(fields) == self.kind {
                    match self.how {
                        How::Renamed => {
                            let word = super::another_name(&self.value);
                            fields.insert(self.field.clone(), word.into());
                        }
                        how => {
                            field(fields, &self.field, how);
                        }
                    }
                    done = true;
                }
                done
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_word_drifts_where_it_means_the_same() {
        let mut value = json!({
            "messageId": 7, "state": "complete", "responsibleJob": { "jobId": 8, "state": "complete" }
        });
        let mut found = Vec::new();
        words(&value, &mut |word| found.push(word));
        assert_eq!(found, ["message.state=complete", "job.state=complete"]);
        let word = Word::read("message.state=complete", How::Null).expect("a word");
        assert!(word.change(&mut value));
        assert!(value["state"].is_null());
        assert_eq!(value["responsibleJob"]["state"], "complete");
        assert!(!word.change(&mut value));
    }
}
