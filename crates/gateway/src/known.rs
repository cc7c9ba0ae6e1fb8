//! What is known inside the fields of a request, so that the rest can be named.
//!
//! Who reads the values takes what it needs and passes over the rest; here nothing is passed over.

use serde_json::{Map, Value};

/// As many names are noted in a field.
const MOST: usize = 64;

/// Bytes of a name that a client made up.
const LONGEST: usize = 100;

/// The fields of an object that are honoured or change nothing about an answer, each with what is
/// known of the objects in it.
#[derive(Debug)]
pub(crate) struct Known(&'static [(&'static str, &'static Self)]);

/// What is not looked into: plain values, and what clients choose the form of.
static ANY: Known = Known(&[]);

/// Messages of chat completions.
pub(crate) static CHAT_MESSAGES: Known = Known(&[
    ("role", &ANY),
    ("name", &ANY),
    ("content", &OPENAI_PARTS),
    ("refusal", &ANY),
    ("annotations", &ANY),
    // What was thought before is nothing to the bot.
    ("reasoning_content", &ANY),
    ("tool_calls", &CHAT_CALLS),
    ("function_call", &CALLED),
    ("tool_call_id", &ANY),
    ("cache_control", &ANY),
]);

static CHAT_CALLS: Known = Known(&[
    ("id", &ANY),
    ("index", &ANY),
    ("type", &ANY),
    ("function", &CALLED),
    ("custom", &CALLED),
]);

static CALLED: Known = Known(&[("name", &ANY), ("arguments", &ANY), ("input", &ANY)]);

/// Parts of messages of the OpenAI APIs.
static OPENAI_PARTS: Known = Known(&[
    ("type", &ANY),
    ("text", &ANY),
    ("refusal", &ANY),
    ("annotations", &ANY),
    ("logprobs", &ANY),
    ("image_url", &Known(&[("url", &ANY), ("detail", &ANY)])),
    ("detail", &ANY),
    ("file", &OPENAI_FILE),
    ("file_data", &ANY),
    ("file_url", &ANY),
    ("filename", &ANY),
    ("file_id", &ANY),
    ("input_audio", &Known(&[("data", &ANY), ("format", &ANY)])),
    ("cache_control", &ANY),
    // Of the parts that others put into a history.
    ("source", &SOURCE),
    ("thinking", &ANY),
    ("reasoning", &ANY),
    ("signature", &ANY),
    ("data", &ANY),
    ("summary", &ANY),
    ("id", &ANY),
    ("name", &ANY),
    ("input", &ANY),
    ("tool_use_id", &ANY),
    ("content", &OPENAI_PARTS),
    ("is_error", &ANY),
]);

static OPENAI_FILE: Known =
    Known(&[("file_data", &ANY), ("file_url", &ANY), ("filename", &ANY), ("file_id", &ANY)]);

/// Tools of chat completions.
pub(crate) static CHAT_TOOLS: Known =
    Known(&[("type", &ANY), ("function", &FUNCTION), ("cache_control", &ANY)]);

/// A function. Arguments are checked whether it is strict or not.
static FUNCTION: Known =
    Known(&[("name", &ANY), ("description", &ANY), ("parameters", &ANY), ("strict", &ANY)]);

/// `tool_choice` of the OpenAI APIs.
pub(crate) static OPENAI_CHOICE: Known = Known(&[
    ("type", &ANY),
    ("name", &ANY),
    ("function", &Known(&[("name", &ANY)])),
    ("mode", &ANY),
    ("tools", &ANY),
    ("allowed_tools", &Known(&[("mode", &ANY), ("tools", &ANY)])),
]);

/// The form of an answer, wherever a dialect has it.
pub(crate) static FORMAT: Known = Known(&[
    ("type", &ANY),
    ("name", &ANY),
    ("description", &ANY),
    ("schema", &ANY),
    ("strict", &ANY),
    ("json_schema", &FORMAT),
]);

/// `stream_options`.
pub(crate) static STREAM_OPTIONS: Known =
    Known(&[("include_usage", &ANY), ("include_obfuscation", &ANY)]);

/// Items of a response's input.
pub(crate) static ITEMS: Known = Known(&[
    ("type", &ANY),
    ("id", &ANY),
    ("status", &ANY),
    ("phase", &ANY),
    ("role", &ANY),
    ("content", &OPENAI_PARTS),
    ("call_id", &ANY),
    ("name", &ANY),
    ("arguments", &ANY),
    ("input", &ANY),
    ("output", &OPENAI_PARTS),
    // Of thoughts.
    ("summary", &ANY),
    ("encrypted_content", &ANY),
]);

/// Tools of responses.
pub(crate) static RESPONSE_TOOLS: Known = Known(&[
    ("type", &ANY),
    ("name", &ANY),
    ("description", &ANY),
    ("parameters", &ANY),
    ("strict", &ANY),
]);

/// Anthropic's messages.
pub(crate) static MESSAGES: Known = Known(&[("role", &ANY), ("content", &BLOCKS)]);

/// The blocks of a message, or of the system's.
pub(crate) static BLOCKS: Known = Known(&[
    ("type", &ANY),
    ("text", &ANY),
    ("source", &SOURCE),
    ("title", &ANY),
    ("context", &ANY),
    ("citations", &ANY),
    ("content", &BLOCKS),
    ("id", &ANY),
    ("name", &ANY),
    ("input", &ANY),
    ("tool_use_id", &ANY),
    ("is_error", &ANY),
    ("thinking", &ANY),
    ("signature", &ANY),
    ("data", &ANY),
    ("cache_control", &ANY),
]);

static SOURCE: Known = Known(&[
    ("type", &ANY),
    ("media_type", &ANY),
    ("data", &ANY),
    ("url", &ANY),
    ("content", &BLOCKS),
]);

/// Anthropic's tools.
pub(crate) static MESSAGE_TOOLS: Known = Known(&[
    ("type", &ANY),
    ("name", &ANY),
    ("description", &ANY),
    ("input_schema", &ANY),
    ("strict", &ANY),
    ("cache_control", &ANY),
]);

/// Anthropic's `tool_choice`.
pub(crate) static MESSAGE_CHOICE: Known =
    Known(&[("type", &ANY), ("name", &ANY), ("disable_parallel_tool_use", &ANY)]);

impl Known {
    /// The paths of what is not known in a value that is called so.
    pub(crate) fn others(&self, value: &Value, path: &str) -> Vec<String> {
        let mut others = Vec::new();
        self.look(value, path, &mut others);
        others
    }

    fn look(&self, value: &Value, path: &str, others: &mut Vec<String>) {
        if self.0.is_empty() || others.len() >= MOST {
            return;
        }
        match value {
            Value::Array(values) => {
                for (index, value) in values.iter().enumerate() {
                    self.look(value, &format!("{path}[{index}]"), others);
                }
            }
            Value::Object(fields) => self.look_at(fields, path, others),
            _ => {}
        }
    }

    fn look_at(&self, fields: &Map<String, Value>, path: &str, others: &mut Vec<String>) {
        for (name, value) in fields.iter().filter(|(_, value)| !is_nothing(value)) {
            match self.0.iter().find(|(known, _)| known == name) {
                Some((_, inner)) if inner.0.is_empty() => {}
                Some((_, inner)) => inner.look(value, &format!("{path}.{name}"), others),
                None if others.len() >= MOST => return,
                None => {
                    let end = name.floor_char_boundary(LONGEST);
                    others.push(format!("{path}.{}", &name[..end]));
                }
            }
        }
    }
}

/// Who gives nothing asks for nothing.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(values) => values.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_known_is_named_where_it_stands() {
        let messages = json!([
            { "role": "user", "bar": 1, "content": [{ "type": "text", "text": "x", "zap": [0] }] },
            { "role": "user", "content": "x", "refusal": null, "audio": null, "bar": [] },
            { "role": "assistant", "tool_calls": [{ "function": { "name": "f", "zip": true } }] },
        ]);
        let mut others = CHAT_MESSAGES.others(&messages, "messages");
        others.sort();
        let expected = [
            "messages[0].bar",
            "messages[0].content[0].zap",
            "messages[2].tool_calls[0].function.zip",
        ];
        assert_eq!(others, expected);
        assert!(CHAT_MESSAGES.others(&json!("x"), "messages").is_empty());
        let inner = json!([{ "content": [{ "content": [{ "zip": 1 }] }] }]);
        assert_eq!(MESSAGES.others(&inner, "m"), ["m[0].content[0].content[0].zip"]);
    }

    #[test]
    fn there_is_an_end_to_names() {
        let many: Value = vec![json!({ "x": 1, ("ü".repeat(1000)): 2 }); 1000].into();
        let others = CHAT_MESSAGES.others(&many, "messages");
        assert_eq!(others.len(), MOST);
        assert!(others.iter().all(|name| name.len() < LONGEST + 20), "{others:?}");
    }
}
