//! A response, and the events by which it comes, as OpenAI's clients read them.

use std::sync::Arc;

use serde_json::{Value, json};

use super::request::Echoed;
use crate::answer::{End, Finish};
use crate::failure::Failure;
use crate::ids;
use crate::links::{Links, Place};
use crate::sse::{Encoder, Frames};
use crate::tools::Call;

/// Tells responses.
#[derive(Debug)]
pub(super) struct ResponseEncoder {
    id: String,
    created: u64,
    model: String,
    prompt_tokens: u64,
    echoed: Echoed,
    links: Arc<Links>,
    /// Where it is said.
    place: Place,
    /// The number of the next event.
    sequence: u64,
    /// The message's item, once it has begun.
    message: Option<String>,
    /// What the final event tells.
    finished: Option<(&'static str, Value)>,
}

impl ResponseEncoder {
    pub(super) fn new(
        model: String,
        prompt_tokens: u64,
        echoed: Echoed,
        links: Arc<Links>,
        place: Place,
    ) -> Self {
        Self {
            id: ids::new("resp_"),
            created: ids::now(),
            model,
            prompt_tokens,
            echoed,
            links,
            place,
            sequence: 0,
            message: None,
            finished: None,
        }
    }

    /// The response, as it is with this status.
    fn told(&self, status: &str, output: Value) -> Value {
        let mut response = self.echoed.fields.clone();
        let fields = json!({
            "id": self.id,
            "object": "response",
            "created_at": self.created,
            "status": status,
            "background": false,
            "error": null,
            "incomplete_details": null,
            "model": self.model,
            "output": output,
            "truncation": "disabled",
            "usage": null,
        });
        if let (Value::Object(response), Value::Object(fields)) = (&mut response, fields) {
            response.extend(fields);
        }
        response
    }

    fn complete(&self, end: &End, output: Value) -> Value {
        let is_cut = end.finish == Finish::Length;
        let mut response = self.told(status(end), output);
        if is_cut {
            response["incomplete_details"] = json!({ "reason": "max_output_tokens" });
        } else {
            response["completed_at"] = json!(ids::now());
        }
        response["usage"] = json!({
            "input_tokens": self.prompt_tokens,
            "input_tokens_details": { "cached_tokens": 0, "cache_write_tokens": 0 },
            "output_tokens": end.tokens,
            "output_tokens_details": { "reasoning_tokens": 0 },
            "total_tokens": self.prompt_tokens + end.tokens,
            "estimated": true,
        });
        response["lenore"] = json!(end.notes);
        response
    }

    /// So that a later request can go on from this one.
    fn remember(&self, end: &End) {
        if let Some(chat) = &end.notes.chat {
            self.links.add(&self.id, chat, &self.place);
        }
    }

    fn event(&mut self, name: &str, mut data: Value, frames: &mut Frames) {
        data["type"] = name.into();
        data["sequence_number"] = self.sequence.into();
        self.sequence += 1;
        frames.event(name, &data);
    }

    /// The message's item, begun if it is not.
    fn begun(&mut self, frames: &mut Frames) -> String {
        if let Some(id) = &self.message {
            return id.clone();
        }
        let id = ids::new("msg_");
        self.message = Some(id.clone());
        let item = message(&id, "in_progress", json!([]));
        self.event(
            "response.output_item.added",
            json!({ "output_index": 0, "item": item }),
            frames,
        );
        let data = json!({
            "item_id": id, "output_index": 0, "content_index": 0, "part": output_text(""),
        });
        self.event("response.content_part.added", data, frames);
        id
    }

    /// Ends the message's item. What is said of its text is exact, whatever was streamed.
    fn end_message(&mut self, end: &End, frames: &mut Frames) -> Value {
        let text = &*end.text;
        let id = self.begun(frames);
        let at = json!({ "item_id": id, "output_index": 0, "content_index": 0 });
        let mut data = at.clone();
        data["text"] = text.into();
        data["logprobs"] = json!([]);
        self.event("response.output_text.done", data, frames);
        let mut data = at;
        data["part"] = output_text(text);
        self.event("response.content_part.done", data, frames);
        let item = message(&id, status(end), json!([output_text(text)]));
        let data = json!({ "output_index": 0, "item": item });
        self.event("response.output_item.done", data, frames);
        item
    }

    fn call(&mut self, index: usize, call: &Call, frames: &mut Frames) -> Value {
        let item = function_call(call);
        let id = item["id"].clone();
        let mut begun = item.clone();
        begun["arguments"] = "".into();
        begun["status"] = "in_progress".into();
        let data = json!({ "output_index": index, "item": begun });
        self.event("response.output_item.added", data, frames);
        let data = json!({ "item_id": id, "output_index": index, "delta": call.arguments });
        self.event("response.function_call_arguments.delta", data, frames);
        let data = json!({
            "item_id": id, "output_index": index, "name": call.name, "arguments": call.arguments,
        });
        self.event("response.function_call_arguments.done", data, frames);
        let data = json!({ "output_index": index, "item": item });
        self.event("response.output_item.done", data, frames);
        item
    }
}

impl Encoder for ResponseEncoder {
    fn begin(&mut self, frames: &mut Frames) {
        for name in ["response.created", "response.in_progress"] {
            let response = self.told("in_progress", json!([]));
            self.event(name, json!({ "response": response }), frames);
        }
    }

    fn text(&mut self, _: usize, text: &str, frames: &mut Frames) {
        let id = self.begun(frames);
        let data = json!({
            "item_id": id,
            "output_index": 0,
            "content_index": 0,
            "delta": text,
            "logprobs": [],
        });
        self.event("response.output_text.delta", data, frames);
    }

    fn end(&mut self, _: usize, end: &End, frames: &mut Frames) {
        let mut output = Vec::new();
        if self.message.is_some() || end.calls.is_empty() {
            output.push(self.end_message(end, frames));
        }
        for call in &end.calls {
            let item = self.call(output.len(), call, frames);
            output.push(item);
        }
        self.remember(end);
        let response = self.complete(end, output.into());
        let is_cut = end.finish == Finish::Length;
        let name = if is_cut { "response.incomplete" } else { "response.completed" };
        self.finished = Some((name, response));
    }

    fn finish(&mut self, frames: &mut Frames) {
        if let Some((name, response)) = self.finished.take() {
            self.event(name, json!({ "response": response }), frames);
        }
    }

    fn fail(&mut self, failure: &Failure, frames: &mut Frames) {
        let mut response = self.told("failed", json!([]));
        // The API has a closed list of codes.
        let code = if failure.status == 429 { "rate_limit_exceeded" } else { "server_error" };
        response["error"] = json!({ "code": code, "message": failure.message });
        self.event("response.failed", json!({ "response": response }), frames);
    }

    fn whole(&mut self, ends: &[End]) -> Value {
        let Some(end) = ends.first() else { return self.told("completed", json!([])) };
        let mut output = Vec::new();
        if !end.text.is_empty() || end.calls.is_empty() {
            let text = json!([output_text(&end.text)]);
            output.push(message(&ids::new("msg_"), status(end), text));
        }
        output.extend(end.calls.iter().map(function_call));
        self.remember(end);
        self.complete(end, output.into())
    }
}

/// How an answer that has ended ended.
fn status(end: &End) -> &'static str {
    if end.finish == Finish::Length { "incomplete" } else { "completed" }
}

fn message(id: &str, status: &str, content: Value) -> Value {
    json!({
        "id": id, "type": "message", "status": status, "role": "assistant", "content": content,
    })
}

fn output_text(text: &str) -> Value {
    json!({ "type": "output_text", "text": text, "annotations": [], "logprobs": [] })
}

fn function_call(call: &Call) -> Value {
    json!({
        "id": ids::new("fc_"),
        "type": "function_call",
        "status": "completed",
        "call_id": call.id,
        "name": call.name,
        "arguments": call.arguments,
    })
}
