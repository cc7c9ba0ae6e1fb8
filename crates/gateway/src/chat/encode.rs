//! A chat completion, as OpenAI's clients read it.

use serde_json::{Value, json};

use crate::answer::{End, Finish};
use crate::failure::{Failure, Wire};
use crate::ids;
use crate::sse::{Encoder, Frames};
use crate::tools::Call;
use crate::wire::Told;

/// Tells chat completions.
#[derive(Debug)]
pub(super) struct ChatEncoder {
    id: String,
    created: u64,
    model: String,
    told: Told,
    /// Whether a last chunk tells the usage.
    include_usage: bool,
    count: usize,
}

impl ChatEncoder {
    pub(super) fn new(
        model: String,
        prompt_tokens: u64,
        include_usage: bool,
        count: usize,
    ) -> Self {
        let (id, created) = (ids::new("chatcmpl-"), ids::now());
        Self { id, created, model, told: Told::new(prompt_tokens), include_usage, count }
    }

    fn chunk(&self, choices: Value) -> Value {
        let mut chunk = json!({
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
            "choices": choices,
        });
        if self.include_usage {
            chunk["usage"] = Value::Null;
        }
        chunk
    }

    fn delta(&self, index: usize, delta: Value, frames: &mut Frames) {
        let choices = json!([{
            "index": index, "delta": delta, "logprobs": null, "finish_reason": null,
        }]);
        frames.data(&self.chunk(choices));
    }
}

impl Encoder for ChatEncoder {
    fn begin(&mut self, frames: &mut Frames) {
        for index in 0..self.count {
            self.delta(index, json!({ "role": "assistant", "content": "" }), frames);
        }
    }

    fn text(&mut self, index: usize, text: &str, frames: &mut Frames) {
        self.delta(index, json!({ "content": text }), frames);
    }

    fn thought(&mut self, index: usize, text: &str, frames: &mut Frames) {
        self.delta(index, json!({ "reasoning_content": text }), frames);
    }

    fn end(&mut self, index: usize, end: End, frames: &mut Frames) {
        for (number, call) in end.calls.iter().enumerate() {
            let mut told = told_call(call);
            told["index"] = number.into();
            told["function"]["arguments"] = "".into();
            self.delta(index, json!({ "tool_calls": [told] }), frames);
            let arguments = json!({ "index": number, "function": { "arguments": call.arguments } });
            self.delta(index, json!({ "tool_calls": [arguments] }), frames);
        }
        self.told.add(&end);
        let choices = json!([{
            "index": index,
            "delta": {},
            "logprobs": null,
            "finish_reason": reason(&end.finish),
        }]);
        let mut chunk = self.chunk(choices);
        chunk["lenore"] = json!(end.notes);
        frames.data(&chunk);
    }

    fn finish(&mut self, frames: &mut Frames) {
        if self.include_usage {
            let mut chunk = self.chunk(json!([]));
            chunk["usage"] = self.told.usage();
            chunk["lenore"] = self.told.notes();
            frames.data(&chunk);
        }
        frames.done();
    }

    fn fail(&mut self, failure: &Failure, frames: &mut Frames) {
        frames.data(&failure.body(Wire::OpenAi, ""));
    }

    fn whole(&mut self, ends: Vec<End>) -> Value {
        ends.iter().for_each(|end| self.told.add(end));
        let are_several = ends.len() > 1;
        let choices = ends.into_iter().enumerate().map(|(index, end)| {
            let notes = are_several.then(|| json!(end.notes));
            let mut choice = json!({
                "index": index,
                "logprobs": null,
                "finish_reason": reason(&end.finish),
            });
            // An answer may be large, and is not copied.
            choice["message"] = message(end);
            if let Some(notes) = notes {
                choice["lenore"] = notes;
            }
            choice
        });
        let choices = Value::Array(choices.collect());
        let mut whole = json!({
            "id": self.id,
            "object": "chat.completion",
            "created": self.created,
            "model": self.model,
            "usage": self.told.usage(),
            "lenore": self.told.notes(),
        });
        whole["choices"] = choices;
        whole
    }
}

fn message(end: End) -> Value {
    let has_text = !end.text.is_empty() || end.calls.is_empty();
    let mut message = json!({ "role": "assistant", "refusal": null });
    message["content"] = if has_text { end.text.into() } else { Value::Null };
    if !end.thoughts.is_empty() {
        message["reasoning_content"] = end.thoughts.into();
    }
    if !end.calls.is_empty() {
        message["tool_calls"] = end.calls.iter().map(told_call).collect();
    }
    message
}

fn told_call(call: &Call) -> Value {
    json!({
        "id": call.id,
        "type": "function",
        "function": { "name": call.name, "arguments": call.arguments },
    })
}

fn reason(finish: &Finish) -> &'static str {
    match finish {
        Finish::Stop(_) => "stop",
        Finish::Length => "length",
        Finish::Calls => "tool_calls",
    }
}
