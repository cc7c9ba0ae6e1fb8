//! Events as JSON objects, one a line. The names are a contract: see docs/cli.md.

use lenore::{Error, Event};
use serde_json::{Value, json};

/// `{"type": "delta", "text": "…"}` and the like.
pub(super) fn event(event: &Event) -> Value {
    match event {
        Event::Started { chat, message, bot } => {
            json!({ "type": "started", "chat": chat, "message": message, "bot": bot })
        }
        Event::Delta(text) => json!({ "type": "delta", "text": text }),
        Event::Replace { keep, text } => json!({ "type": "replace", "keep": keep, "text": text }),
        Event::Status(text) => json!({ "type": "status", "text": text }),
        Event::Attachment { name, url } => {
            json!({ "type": "attachment", "name": name, "url": url })
        }
        Event::Suggestion(text) => json!({ "type": "suggestion", "text": text }),
        Event::Title(text) => json!({ "type": "title", "text": text }),
        Event::Cost { points } => json!({ "type": "cost", "points": points }),
        Event::Finished { reason } => json!({ "type": "finished", "reason": reason.as_str() }),
        _ => json!({ "type": "unknown" }),
    }
}

/// `{"type": "error", "kind": "…", "message": "…"}`.
pub(super) fn error(error: &Error) -> Value {
    let mut object = json!({
        "type": "error",
        "kind": error.kind().as_str(),
        "message": error.to_string(),
    });
    if let Some(wait) = error.retry_after() {
        object["retry_after"] = json!(wait.as_secs_f64());
    }
    if let Some(text) = error.partial() {
        object["partial"] = json!(text);
    }
    object
}
