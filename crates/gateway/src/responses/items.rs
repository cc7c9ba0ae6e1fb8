//! The items of a response's output, as OpenAI's clients read them.

use serde_json::{Value, json};

use crate::answer::{End, Finish};
use crate::ids;
use crate::tools::Call;

/// How an answer that has ended ended.
pub(super) fn status(end: &End) -> &'static str {
    if end.finish == Finish::Length { "incomplete" } else { "completed" }
}

/// What an item of one part holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Message,
    Reasoning,
}

impl Kind {
    /// The event that tells the whole text.
    pub(super) fn done(self) -> &'static str {
        match self {
            Self::Message => "response.output_text.done",
            Self::Reasoning => "response.reasoning_text.done",
        }
    }
}

/// An item with its part, which may be large, and is not copied.
pub(super) fn item(kind: Kind, id: &str, status: &str, part: Option<Value>) -> Value {
    let mut item = match kind {
        Kind::Message => json!({
            "id": id, "type": "message", "status": status, "role": "assistant", "content": null,
        }),
        Kind::Reasoning => json!({
            "id": id, "type": "reasoning", "status": status, "summary": [], "content": null,
        }),
    };
    item["content"] = Value::Array(part.into_iter().collect());
    item
}

/// A part with its text, which is not copied either.
pub(super) fn part(kind: Kind, text: Value) -> Value {
    let mut part = match kind {
        Kind::Message => {
            json!({ "type": "output_text", "text": null, "annotations": [], "logprobs": [] })
        }
        Kind::Reasoning => json!({ "type": "reasoning_text", "text": null }),
    };
    part["text"] = text;
    part
}

pub(super) fn function_call(call: &Call) -> Value {
    json!({
        "id": ids::new("fc_"),
        "type": "function_call",
        "status": "completed",
        "call_id": call.id,
        "name": call.name,
        "arguments": call.arguments,
    })
}
