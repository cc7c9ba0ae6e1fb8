//! Odd shapes of what the site tells, which a client must bear.

use serde_json::{Map, Value, json};

use crate::wire::Entry;

/// How entries and replies depart from the usual shape.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Quirks {
    /// Every entry is sent twice.
    pub(crate) twice: bool,
    /// Numbers of messages and chats are strings.
    pub(crate) string_ids: bool,
    /// Every object has fields that nobody knows.
    pub(crate) extra_fields: bool,
    /// The reply does not name the answer.
    pub(crate) no_answer_id: bool,
    /// The reply is nothing but its status.
    pub(crate) bare_reply: bool,
}

impl Quirks {
    /// Changes the entries of a frame.
    pub(crate) fn apply(&self, entries: &mut Vec<Entry>) {
        if self.string_ids || self.extra_fields {
            for entry in entries.iter_mut() {
                // Noise that cannot be read stays as it is.
                if let Ok(mut value) = serde_json::from_str(&entry.text) {
                    self.walk(&mut value);
                    entry.text = value.to_string();
                }
            }
        }
        if self.twice {
            *entries = entries.drain(..).flat_map(|entry| [entry.clone(), entry]).collect();
        }
    }

    /// Changes the reply to a question.
    pub(crate) fn reply(&self, reply: &mut Value) {
        if self.no_answer_id {
            reply["botMessage"] = Value::Null;
        }
        if self.bare_reply {
            *reply = json!({ "status": reply["status"] });
        }
        self.walk(reply);
    }

    fn walk(&self, value: &mut Value) {
        match value {
            Value::Array(values) => values.iter_mut().for_each(|value| self.walk(value)),
            Value::Object(fields) => self.object(fields),
            _ => {}
        }
    }

    fn object(&self, fields: &mut Map<String, Value>) {
        fields.values_mut().for_each(|value| self.walk(value));
        if self.string_ids {
            for name in ["messageId", "chatId"] {
                if let Some(id) = fields.get_mut(name).filter(|id| id.is_u64()) {
                    *id = id.to_string().into();
                }
            }
        }
        if self.extra_fields {
            fields.insert("brandNewField".to_owned(), json!({ "deep": [1, null, "two"] }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_change_shape_and_noise_does_not() {
        let quirks = Quirks { twice: true, string_ids: true, ..Quirks::default() };
        let mut entries = vec![Entry::plain(r#"{"a":{"messageId":7}}"#), Entry::plain("noise")];
        quirks.apply(&mut entries);
        let told = r#"{"a":{"messageId":"7"}}"#;
        let texts: Vec<&str> = entries.iter().map(|entry| entry.text.as_str()).collect();
        assert_eq!(texts, [told, told, "noise", "noise"]);
        let mut reply = json!({ "status": "success", "chat": {}, "botMessage": {} });
        Quirks { bare_reply: true, ..Quirks::default() }.reply(&mut reply);
        assert_eq!(reply, json!({ "status": "success" }));
    }
}
