//! `POST /v1/completions`, the legacy form: a prompt, a text.

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use lenore_provider::Message;
use serde_json::{Value, json};

use crate::Gateway;
use crate::answer::{End, Finish};
use crate::content::Beside;
use crate::failure::{Failure, Wire};
use crate::fields::Fields;
use crate::ids;
use crate::keys::Caller;
use crate::question::{Question, Wishes, checked_count, checked_most, checked_stops};
use crate::respond::respond;
use crate::sse::{Encoder, Frames};
use crate::wire::{OneOrMany, Told, include_usage};

pub(crate) async fn create(
    State(gateway): State<Gateway>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Failure> {
    let wishes = Wishes::read(&headers)?;
    let options = &gateway.0.options;
    let mut fields = Fields::read(&gateway, &caller, &headers, body).await?;
    let share = fields.take_share();
    let echo = fields.take("echo")?.unwrap_or_default();
    let include_usage = include_usage(&mut fields)?;
    let mut question = read(fields, options.strict)?;
    question.beside.share = share;
    let encoder = CompletionEncoder {
        id: ids::new("cmpl-"),
        created: ids::now(),
        model: gateway.shown(&question.model),
        told: Told::new(question.tokens()),
        include_usage,
        echo: question.messages.first().filter(|_| echo).map(|message| message.content.clone()),
        count: question.count,
    };
    respond(&gateway, &caller, wishes, question, encoder).await
}

fn read(mut fields: Fields, strict: bool) -> Result<Question, Failure> {
    let prompt: OneOrMany = fields.need("prompt")?;
    let [prompt] = &mut *prompt.into_vec() else {
        return Err(Failure::invalid("prompt is one text; ask for each prompt by itself")
            .of_param("prompt"));
    };
    let stops = fields.take("stop")?.map_or_else(Vec::new, OneOrMany::into_vec);
    Ok(Question {
        model: fields.take("model")?.unwrap_or_default(),
        messages: vec![Message::user(std::mem::take(prompt))],
        stop: checked_stops(stops, "stop")?,
        // The API's own default is 16, which no client means.
        most: checked_most(fields.take_count("max_tokens")?, "max_tokens")?,
        count: checked_count(fields.take_count("n")?)?,
        stream: fields.take("stream")?.unwrap_or_default(),
        beside: Beside { ignored: fields.ignored(Vec::new(), strict)?, ..Beside::default() },
        ..Question::default()
    })
}

/// Tells legacy completions.
struct CompletionEncoder {
    id: String,
    created: u64,
    model: String,
    told: Told,
    /// Whether a last chunk tells the usage.
    include_usage: bool,
    /// The prompt, where it is to stand before the text.
    echo: Option<String>,
    count: usize,
}

impl CompletionEncoder {
    fn chunk(&self, choices: Value) -> Value {
        let mut chunk = json!({
            "id": self.id,
            "object": "text_completion",
            "created": self.created,
            "model": self.model,
            "choices": choices,
        });
        if self.include_usage {
            chunk["usage"] = Value::Null;
        }
        chunk
    }
}

fn choice(index: usize, text: &str, finish: Option<&Finish>) -> Value {
    let reason = finish.map(|finish| if *finish == Finish::Length { "length" } else { "stop" });
    json!({ "index": index, "text": text, "logprobs": null, "finish_reason": reason })
}

impl Encoder for CompletionEncoder {
    fn begin(&mut self, frames: &mut Frames) {
        for (index, prompt) in self.echo.iter().cycle().take(self.count).enumerate() {
            frames.data(&self.chunk(json!([choice(index, prompt, None)])));
        }
    }

    fn text(&mut self, index: usize, text: &str, frames: &mut Frames) {
        frames.data(&self.chunk(json!([choice(index, text, None)])));
    }

    fn end(&mut self, index: usize, end: End, frames: &mut Frames) {
        self.told.add(&end);
        let mut chunk = self.chunk(json!([choice(index, "", Some(&end.finish))]));
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
        let echo = self.echo.as_deref().unwrap_or_default();
        let are_several = ends.len() > 1;
        let choices = ends.into_iter().enumerate().map(|(index, end)| {
            let mut choice = choice(index, "", Some(&end.finish));
            // An answer may be large, and is not copied.
            choice["text"] =
                if echo.is_empty() { end.text } else { format!("{echo}{}", end.text) }.into();
            if are_several {
                choice["lenore"] = json!(end.notes);
            }
            choice
        });
        let choices = Value::Array(choices.collect());
        let mut whole = self.chunk(Value::Null);
        whole["choices"] = choices;
        whole["usage"] = self.told.usage();
        whole["lenore"] = self.told.notes();
        whole
    }
}
