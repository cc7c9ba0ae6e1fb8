//! The items of a response's output, as OpenAI's clients read them.

use serde_json::{Value, json};

use crate::answer::{End, Finish};
use crate::ids;
use crate::tools::Call;

/// How an answer that has ended ended.
pub(super) fn status(end: &End) -> &'static str {
    if end.finish == Finish::Length { "incomplete" } else { "completed" }
}

pub(super) fn message(id: &str, status: &str, content: Value) -> Value {
    json!({
        "id": id, "type": "message", "status": status, "role": "assistant", "content": content,
    })
}

pub(super) fn reasoning(id: &str, status: &str, content: Value) -> Value {
    json!({ "id": id, "type": "reasoning", "status": status, "summary": [], "content": content })
}

pub(super) fn reasoning_text(text: &str) -> Value {
    json!({ "type": "reasoning_text", "text": text })
}

pub(super) fn output_text(text: &str) -> Value {
    json!({ "type": "output_text", "text": text, "annotations": [], "logprobs": [] })
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
