//! A response, and the events by which it comes, as OpenAI's clients read them.

use std::sync::Arc;

use serde_json::{Value, json};

use super::items::{function_call, message, output_text, reasoning, reasoning_text, status};
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
    /// The items in their order, as they are when they are complete.
    output: Vec<Value>,
    /// The message's item, once it has begun: its place and its name.
    message: Option<(usize, String)>,
    /// The thoughts' item, while it goes on.
    reasoning: Option<Reasoning>,
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
            output: Vec::new(),
            message: None,
            reasoning: None,
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
            "output_tokens_details": { "reasoning_tokens": end.thought_tokens() },
            "total_tokens": self.prompt_tokens + end.tokens,
            "estimated": true,
        });
        response["lenore"] = json!(end.notes);
        response
    }

    /// So that a later request can go on from this one.
    fn remember(&self, end: &End) {
        if let Some(chat) = end.notes.chat.as_ref().filter(|_| !end.notes.temporary) {
            self.links.add(&self.id, chat, &self.place);
        }
    }

    fn event(&mut self, name: &str, mut data: Value, frames: &mut Frames) {
        data["type"] = name.into();
        data["sequence_number"] = self.sequence.into();
        self.sequence += 1;
        frames.event(name, &data);
    }

    /// An item begins. Where it is in the output.
    fn add(&mut self, item: Value, frames: &mut Frames) -> usize {
        let index = self.output.len();
        let data = json!({ "output_index": index, "item": item });
        self.event("response.output_item.added", data, frames);
        self.output.push(Value::Null);
        index
    }

    /// An item is complete.
    fn done(&mut self, index: usize, item: Value, frames: &mut Frames) {
        let data = json!({ "output_index": index, "item": item });
        self.event("response.output_item.done", data, frames);
        self.output[index] = item;
    }

    /// An event of an item's only part.
    fn of_part(&mut self, name: &str, index: usize, id: &str, more: Value, frames: &mut Frames) {
        let mut data = json!({ "item_id": id, "output_index": index, "content_index": 0 });
        if let (Value::Object(data), Value::Object(more)) = (&mut data, more) {
            data.extend(more);
        }
        self.event(name, data, frames);
    }

    /// The message's item, begun if it is not.
    fn begun(&mut self, frames: &mut Frames) -> (usize, String) {
        self.end_reasoning(frames);
        if let Some(begun) = &self.message {
            return begun.clone();
        }
        let id = ids::new("msg_");
        let index = self.add(message(&id, "in_progress", json!([])), frames);
        let part = json!({ "part": output_text("") });
        self.of_part("response.content_part.added", index, &id, part, frames);
        self.message = Some((index, id.clone()));
        (index, id)
    }

    /// Ends the message's item. What is said of its text is exact, whatever was streamed.
    fn end_message(&mut self, end: &End, frames: &mut Frames) {
        let text = &*end.text;
        let (index, id) = self.begun(frames);
        let data = json!({ "text": text, "logprobs": [] });
        self.of_part("response.output_text.done", index, &id, data, frames);
        let part = json!({ "part": output_text(text) });
        self.of_part("response.content_part.done", index, &id, part, frames);
        self.done(index, message(&id, status(end), json!([output_text(text)])), frames);
    }

    /// Ends the item of thoughts that goes on, if one does.
    fn end_reasoning(&mut self, frames: &mut Frames) {
        let Some(Reasoning { index, id, text }) = self.reasoning.take() else { return };
        let data = json!({ "text": text });
        self.of_part("response.reasoning_text.done", index, &id, data, frames);
        let part = json!({ "part": reasoning_text(&text) });
        self.of_part("response.content_part.done", index, &id, part, frames);
        self.done(index, reasoning(&id, "completed", json!([reasoning_text(&text)])), frames);
    }

    /// The items as they are when the answer breaks off. `text` is what came of it.
    fn broken_off(&mut self, text: &str) -> Vec<Value> {
        if let Some(Reasoning { index, id, text }) = self.reasoning.take() {
            self.output[index] = reasoning(&id, "incomplete", json!([reasoning_text(&text)]));
        }
        let begun = self.message.take();
        if begun.is_some() || !text.is_empty() {
            let id = begun.as_ref().map_or_else(|| ids::new("msg_"), |(_, id)| id.clone());
            let item = message(&id, "incomplete", json!([output_text(text)]));
            match begun {
                Some((index, _)) => self.output[index] = item,
                None => self.output.push(item),
            }
        }
        std::mem::take(&mut self.output)
    }

    fn call(&mut self, call: &Call, frames: &mut Frames) {
        let item = function_call(call);
        let id = item["id"].clone();
        let mut begun = item.clone();
        begun["arguments"] = "".into();
        begun["status"] = "in_progress".into();
        let index = self.add(begun, frames);
        let data = json!({ "item_id": id, "output_index": index, "delta": call.arguments });
        self.event("response.function_call_arguments.delta", data, frames);
        let data = json!({
            "item_id": id, "output_index": index, "name": call.name, "arguments": call.arguments,
        });
        self.event("response.function_call_arguments.done", data, frames);
        self.done(index, item, frames);
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
        let (index, id) = self.begun(frames);
        let data = json!({ "delta": text, "logprobs": [] });
        self.of_part("response.output_text.delta", index, &id, data, frames);
    }

    fn thought(&mut self, _: usize, text: &str, frames: &mut Frames) {
        let mut thoughts = match self.reasoning.take() {
            Some(begun) => begun,
            None => {
                let id = ids::new("rs_");
                let index = self.add(reasoning(&id, "in_progress", json!([])), frames);
                let part = json!({ "part": reasoning_text("") });
                self.of_part("response.content_part.added", index, &id, part, frames);
                Reasoning { index, id, text: String::new() }
            }
        };
        thoughts.text.push_str(text);
        let data = json!({ "delta": text });
        let Reasoning { index, id, .. } = &thoughts;
        self.of_part("response.reasoning_text.delta", *index, id, data, frames);
        self.reasoning = Some(thoughts);
    }

    fn end(&mut self, _: usize, end: &End, frames: &mut Frames) {
        self.end_reasoning(frames);
        if self.message.is_some() || end.calls.is_empty() {
            self.end_message(end, frames);
        }
        for call in &end.calls {
            self.call(call, frames);
        }
        self.remember(end);
        let output = std::mem::take(&mut self.output);
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
        let output = self.broken_off(failure.partial().unwrap_or_default());
        let mut response = self.told("failed", output.into());
        // The API has a closed list of codes.
        let code = if failure.status == 429 { "rate_limit_exceeded" } else { "server_error" };
        response["error"] = json!({ "code": code, "message": failure.message });
        self.event("response.failed", json!({ "response": response }), frames);
    }

    fn whole(&mut self, ends: Vec<End>) -> Value {
        let Some(mut end) = ends.into_iter().next() else {
            return self.told("completed", json!([]));
        };
        let mut output = Vec::new();
        if !end.thoughts.is_empty() {
            let text = json!([reasoning_text(&end.thoughts)]);
            output.push(reasoning(&ids::new("rs_"), "completed", text));
        }
        if !end.text.is_empty() || end.calls.is_empty() {
            // An answer may be large, and is not copied.
            let mut text = output_text("");
            text["text"] = std::mem::take(&mut end.text).into();
            let mut item = message(&ids::new("msg_"), status(&end), Value::Null);
            item["content"] = Value::Array(vec![text]);
            output.push(item);
        }
        output.extend(end.calls.iter().map(function_call));
        self.remember(&end);
        let mut whole = self.complete(&end, Value::Null);
        whole["output"] = output.into();
        whole
    }
}

/// Thoughts on their way.
#[derive(Debug)]
struct Reasoning {
    index: usize,
    id: String,
    text: String,
}
