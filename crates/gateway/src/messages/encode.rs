//! A message, and the events by which it comes, as Anthropic's clients read them.

use serde_json::{Value, json};

use crate::answer::{End, Finish};
use crate::doors::RequestId;
use crate::failure::{Failure, Wire};
use crate::ids;
use crate::sse::{Encoder, Frames};
use crate::tools::Call;

/// Tells messages.
#[derive(Debug)]
pub(super) struct MessageEncoder {
    id: String,
    request: RequestId,
    model: String,
    prompt_tokens: u64,
    /// Whether the client wants to see thoughts.
    shows_thoughts: bool,
    /// The block that goes on.
    open: Option<Block>,
    /// How many blocks have begun.
    blocks: usize,
    has_text: bool,
    finished: Option<Value>,
}

/// What a block that is streamed piece by piece holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Block {
    Text,
    Thinking,
}

impl MessageEncoder {
    pub(super) fn new(
        model: String,
        prompt_tokens: u64,
        shows_thoughts: bool,
        request: RequestId,
    ) -> Self {
        Self {
            id: ids::new("msg_"),
            request,
            model,
            prompt_tokens,
            shows_thoughts,
            open: None,
            blocks: 0,
            has_text: false,
            finished: None,
        }
    }

    fn message(&self, content: Value, end: Option<&End>) -> Value {
        let (reason, sequence) = end.map_or((Value::Null, Value::Null), stop);
        json!({
            "id": self.id,
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": content,
            "stop_reason": reason,
            "stop_sequence": sequence,
            "usage": self.usage(end),
        })
    }

    fn usage(&self, end: Option<&End>) -> Value {
        json!({
            "input_tokens": self.prompt_tokens,
            "output_tokens": end.map_or(0, |end| end.tokens),
            "estimated": true,
        })
    }

    /// A block that goes on with this, begun if none does. Its number.
    fn going_on(&mut self, kind: Block, frames: &mut Frames) -> usize {
        if self.open != Some(kind) {
            self.close(frames);
            let block = match kind {
                Block::Text => json!({ "type": "text", "text": "" }),
                Block::Thinking => thinking(""),
            };
            start(self.blocks, block, frames);
            self.has_text |= kind == Block::Text;
            self.open = Some(kind);
            self.blocks += 1;
        }
        self.blocks - 1
    }

    /// Ends the block that goes on, if one does.
    fn close(&mut self, frames: &mut Frames) {
        let Some(kind) = self.open.take() else { return };
        let index = self.blocks - 1;
        if kind == Block::Thinking {
            delta(index, json!({ "type": "signature_delta", "signature": "" }), frames);
        }
        stop_block(index, frames);
    }
}

impl Encoder for MessageEncoder {
    fn begin(&mut self, frames: &mut Frames) {
        let message = self.message(json!([]), None);
        frames.event("message_start", &json!({ "type": "message_start", "message": message }));
        self.beat(frames);
    }

    fn text(&mut self, _: usize, text: &str, frames: &mut Frames) {
        let index = self.going_on(Block::Text, frames);
        delta(index, json!({ "type": "text_delta", "text": text }), frames);
    }

    fn thought(&mut self, _: usize, text: &str, frames: &mut Frames) {
        if self.shows_thoughts {
            let index = self.going_on(Block::Thinking, frames);
            delta(index, json!({ "type": "thinking_delta", "thinking": text }), frames);
        }
    }

    fn end(&mut self, _: usize, end: End, frames: &mut Frames) {
        if end.calls.is_empty() && !self.has_text {
            self.going_on(Block::Text, frames);
        }
        self.close(frames);
        for (number, call) in end.calls.iter().enumerate() {
            let index = self.blocks + number;
            let block =
                json!({ "type": "tool_use", "id": call.id, "name": call.name, "input": {} });
            start(index, block, frames);
            let json = &call.arguments;
            delta(index, json!({ "type": "input_json_delta", "partial_json": json }), frames);
            stop_block(index, frames);
        }
        let (reason, sequence) = stop(&end);
        self.finished = Some(json!({
            "type": "message_delta",
            "delta": { "stop_reason": reason, "stop_sequence": sequence },
            "usage": self.usage(Some(&end)),
            "lenore": end.notes,
        }));
    }

    fn finish(&mut self, frames: &mut Frames) {
        if let Some(finished) = self.finished.take() {
            frames.event("message_delta", &finished);
            frames.event("message_stop", &json!({ "type": "message_stop" }));
        }
    }

    fn fail(&mut self, failure: &Failure, frames: &mut Frames) {
        frames.event("error", &failure.body(Wire::Anthropic, &self.request.0));
    }

    fn whole(&mut self, ends: Vec<End>) -> Value {
        let mut end = ends.into_iter().next();
        let mut message = self.message(Value::Null, end.as_ref());
        message["lenore"] = json!(end.as_ref().map(|end| &end.notes));
        let mut content = Vec::new();
        if let Some(end) = &mut end {
            if self.shows_thoughts && !end.thoughts.is_empty() {
                content.push(thinking(&end.thoughts));
            }
            if !end.text.is_empty() || end.calls.is_empty() {
                // An answer may be large, and is not copied.
                let mut text = json!({ "type": "text" });
                text["text"] = std::mem::take(&mut end.text).into();
                content.push(text);
            }
            content.extend(end.calls.iter().map(tool_use));
        }
        message["content"] = content.into();
        message
    }

    fn beat(&self, frames: &mut Frames) {
        frames.event("ping", &json!({ "type": "ping" }));
    }
}

/// Nobody signs what a bot thinks.
fn thinking(text: &str) -> Value {
    json!({ "type": "thinking", "thinking": text, "signature": "" })
}

fn start(index: usize, block: Value, frames: &mut Frames) {
    let data = json!({ "type": "content_block_start", "index": index, "content_block": block });
    frames.event("content_block_start", &data);
}

fn delta(index: usize, delta: Value, frames: &mut Frames) {
    let data = json!({ "type": "content_block_delta", "index": index, "delta": delta });
    frames.event("content_block_delta", &data);
}

fn stop_block(index: usize, frames: &mut Frames) {
    frames.event("content_block_stop", &json!({ "type": "content_block_stop", "index": index }));
}

fn tool_use(call: &Call) -> Value {
    // It was checked against the tool's schema, so it is JSON.
    let input: Value = serde_json::from_str(&call.arguments).unwrap_or_default();
    json!({ "type": "tool_use", "id": call.id, "name": call.name, "input": input })
}

/// Why it ended, and by which sequence.
fn stop(end: &End) -> (Value, Value) {
    match &end.finish {
        Finish::Stop(Some(sequence)) => ("stop_sequence".into(), sequence.clone().into()),
        Finish::Stop(None) => ("end_turn".into(), Value::Null),
        Finish::Length => ("max_tokens".into(), Value::Null),
        Finish::Calls => ("tool_use".into(), Value::Null),
    }
}
