//! A response, and the events by which it comes, as OpenAI's clients read them.
//!
//! At the end four events repeat the text. An answer may be large, so its text is held once, moves
//! from event to event, and each is made only when the client has taken the one before it.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::{Value, json};

use super::items::{Kind, function_call, item, part, status};
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
    /// What is to be told before anything else.
    owed: VecDeque<Owed>,
    /// The end, of which the last event tells.
    finished: Option<End>,
}

/// What is told as the client takes it.
#[derive(Debug)]
enum Owed {
    /// The end of an item.
    Ending(Ending),
    /// A piece of the text, after the thoughts.
    Text(String),
    /// The end of the message, whose text the end of the answer has.
    Message,
    Call(Call),
}

/// The end of an item: three events, each of which has its text.
#[derive(Debug)]
struct Ending {
    kind: Kind,
    index: usize,
    id: String,
    status: &'static str,
    text: Value,
    /// How many are out.
    told: usize,
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
            owed: VecDeque::new(),
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
            "output": null,
            "truncation": "disabled",
            "usage": null,
        });
        if let (Value::Object(response), Value::Object(fields)) = (&mut response, fields) {
            response.extend(fields);
        }
        response["output"] = output;
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

    /// Tells an event. What was told is given back, since it may be large.
    fn event(&mut self, name: &str, mut data: Value, frames: &mut Frames) -> Value {
        data["type"] = name.into();
        data["sequence_number"] = self.sequence.into();
        self.sequence += 1;
        frames.event(name, &data);
        data
    }

    /// An event of the whole response.
    fn of_whole(&mut self, name: &str, response: Value, frames: &mut Frames) {
        let mut data = json!({ "response": null });
        data["response"] = response;
        self.event(name, data, frames);
    }

    /// An item begins. Where it is in the output.
    fn add(&mut self, item: Value, frames: &mut Frames) -> usize {
        let index = self.output.len();
        let data = json!({ "output_index": index, "item": item });
        self.event("response.output_item.added", data, frames);
        self.output.push(Value::Null);
        index
    }

    /// An event of an item's only part, which has this.
    fn of_part(
        &mut self,
        name: &str,
        (index, id): (usize, &str),
        (field, value): (&str, Value),
        frames: &mut Frames,
    ) -> Value {
        let mut data = json!({ "item_id": id, "output_index": index, "content_index": 0 });
        data[field] = value;
        if name.contains("output_text") {
            data["logprobs"] = json!([]);
        }
        let mut data = self.event(name, data, frames);
        data[field].take()
    }

    /// The message's item, begun if it is not.
    fn begun(&mut self, frames: &mut Frames) -> (usize, String) {
        if let Some(begun) = &self.message {
            return begun.clone();
        }
        let (index, id) = self.begin_item(Kind::Message, ids::new("msg_"), frames);
        self.message = Some((index, id.clone()));
        (index, id)
    }

    /// An item of one part begins. Where it is in the output, and its name.
    fn begin_item(&mut self, kind: Kind, id: String, frames: &mut Frames) -> (usize, String) {
        let index = self.add(item(kind, &id, "in_progress", None), frames);
        let part = ("part", part(kind, "".into()));
        self.of_part("response.content_part.added", (index, &id), part, frames);
        (index, id)
    }

    /// Ends the message's item. What is said of its text is exact, whatever was streamed.
    fn end_message(&mut self, frames: &mut Frames) {
        let (index, id) = self.begun(frames);
        let Some(end) = &mut self.finished else { return };
        let (status, text) = (status(end), std::mem::take(&mut end.text).into());
        let ending = Ending { kind: Kind::Message, index, id, status, text, told: 0 };
        self.owed.push_front(Owed::Ending(ending));
    }

    /// Ends the item of thoughts that goes on, if one does.
    fn end_reasoning(&mut self) {
        let Some(Reasoning { index, id, text }) = self.reasoning.take() else { return };
        let (kind, status, text) = (Kind::Reasoning, "completed", text.into());
        self.owed.push_back(Owed::Ending(Ending { kind, index, id, status, text, told: 0 }));
    }

    /// The next event of an item's end; what is left of it.
    fn end_item(&mut self, mut ending: Ending, frames: &mut Frames) -> Option<Ending> {
        let Ending { kind, index, status, .. } = ending;
        let (id, text) = (&*ending.id, ending.text);
        ending.text = match ending.told {
            0 => self.of_part(kind.done(), (index, id), ("text", text), frames),
            1 => {
                let part = ("part", part(kind, text));
                let name = "response.content_part.done";
                self.of_part(name, (index, id), part, frames)["text"].take()
            }
            _ => {
                let mut data = json!({ "output_index": index, "item": null });
                data["item"] = item(kind, id, status, Some(part(kind, text)));
                let mut data = self.event("response.output_item.done", data, frames);
                self.output[index] = data["item"].take();
                return None;
            }
        };
        ending.told += 1;
        Some(ending)
    }

    /// The items as they are when the answer breaks off. `text` is what came of it.
    fn broken_off(&mut self, text: &str) -> Vec<Value> {
        if let Some(Reasoning { index, id, text }) = self.reasoning.take() {
            let text = Some(part(Kind::Reasoning, text.into()));
            self.output[index] = item(Kind::Reasoning, &id, "incomplete", text);
        }
        let begun = self.message.take();
        if begun.is_some() || !text.is_empty() {
            let id = begun.as_ref().map_or_else(|| ids::new("msg_"), |(_, id)| id.clone());
            let text = Some(part(Kind::Message, text.into()));
            let item = item(Kind::Message, &id, "incomplete", text);
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
        let data = json!({ "output_index": index, "item": item });
        self.event("response.output_item.done", data, frames);
        self.output[index] = item;
    }
}

impl Encoder for ResponseEncoder {
    fn begin(&mut self, frames: &mut Frames) {
        for name in ["response.created", "response.in_progress"] {
            let response = self.told("in_progress", json!([]));
            self.of_whole(name, response, frames);
        }
    }

    fn text(&mut self, _: usize, text: &str, frames: &mut Frames) {
        self.end_reasoning();
        if !self.owed.is_empty() {
            self.owed.push_back(Owed::Text(text.to_owned()));
            return;
        }
        let (index, id) = self.begun(frames);
        let delta = ("delta", text.into());
        self.of_part("response.output_text.delta", (index, &id), delta, frames);
    }

    fn thought(&mut self, _: usize, text: &str, frames: &mut Frames) {
        let mut thoughts = match self.reasoning.take() {
            Some(begun) => begun,
            None => {
                let (index, id) = self.begin_item(Kind::Reasoning, ids::new("rs_"), frames);
                Reasoning { index, id, text: String::new() }
            }
        };
        thoughts.text.push_str(text);
        let Reasoning { index, id, .. } = &thoughts;
        let delta = ("delta", text.into());
        self.of_part("response.reasoning_text.delta", (*index, id), delta, frames);
        self.reasoning = Some(thoughts);
    }

    fn end(&mut self, _: usize, mut end: End, _: &mut Frames) {
        self.end_reasoning();
        if self.message.is_some() || end.calls.is_empty() {
            self.owed.push_back(Owed::Message);
        }
        self.owed.extend(std::mem::take(&mut end.calls).into_iter().map(Owed::Call));
        self.remember(&end);
        self.finished = Some(end);
    }

    fn tell_owed(&mut self, frames: &mut Frames) -> bool {
        match self.owed.pop_front() {
            None => return false,
            Some(Owed::Text(text)) => {
                let (index, id) = self.begun(frames);
                let delta = ("delta", text.into());
                self.of_part("response.output_text.delta", (index, &id), delta, frames);
            }
            Some(Owed::Ending(ending)) => {
                if let Some(rest) = self.end_item(ending, frames) {
                    self.owed.push_front(Owed::Ending(rest));
                }
            }
            Some(Owed::Message) => self.end_message(frames),
            Some(Owed::Call(call)) => self.call(&call, frames),
        }
        true
    }

    fn finish(&mut self, frames: &mut Frames) {
        let Some(end) = self.finished.take() else { return };
        let output = std::mem::take(&mut self.output);
        let response = self.complete(&end, output.into());
        let is_cut = end.finish == Finish::Length;
        let name = if is_cut { "response.incomplete" } else { "response.completed" };
        self.of_whole(name, response, frames);
    }

    fn fail(&mut self, failure: &Failure, frames: &mut Frames) {
        let output = self.broken_off(failure.partial().unwrap_or_default());
        let mut response = self.told("failed", output.into());
        // The API has a closed list of codes.
        let code = if failure.status == 429 { "rate_limit_exceeded" } else { "server_error" };
        response["error"] = json!({ "code": code, "message": failure.message });
        self.of_whole("response.failed", response, frames);
    }

    fn whole(&mut self, ends: Vec<End>) -> Value {
        let Some(mut end) = ends.into_iter().next() else {
            return self.told("completed", json!([]));
        };
        self.remember(&end);
        let mut whole = self.complete(&end, Value::Null);
        let mut output = Vec::new();
        if !end.thoughts.is_empty() {
            // An answer and its thoughts may be large, and are not copied.
            let text = part(Kind::Reasoning, std::mem::take(&mut end.thoughts).into());
            output.push(item(Kind::Reasoning, &ids::new("rs_"), "completed", Some(text)));
        }
        if !end.text.is_empty() || end.calls.is_empty() {
            let text = part(Kind::Message, std::mem::take(&mut end.text).into());
            output.push(item(Kind::Message, &ids::new("msg_"), status(&end), Some(text)));
        }
        output.extend(end.calls.iter().map(function_call));
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
