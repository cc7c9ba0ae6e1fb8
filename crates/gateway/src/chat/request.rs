//! A chat completion's request, read.

use lenore_provider::{Message, Role};
use serde::Deserialize;
use serde_json::Value;

use crate::content::{Content, OpenAiPart};
use crate::failure::Failure;
use crate::fields::Fields;
use crate::question::{Question, Reading, checked_count, checked_most, checked_stops};
use crate::tools::{self, Toolbox};
use crate::wire::{Function, OneOrMany, WireFormat, choice, include_usage};

#[derive(Debug, Deserialize)]
struct WireMessage {
    role: Role,
    content: Option<Content<OpenAiPart>>,
    #[serde(default)]
    tool_calls: Option<Vec<WireCall>>,
    tool_call_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct WireCall {
    #[serde(default)]
    id: String,
    function: CalledFunction,
}

#[derive(Debug, Deserialize)]
struct CalledFunction {
    name: String,
    arguments: String,
}

#[derive(Debug, Deserialize)]
struct WireTool {
    r#type: String,
    #[serde(default)]
    function: Value,
}

/// The question, and whether the stream ends with the usage.
pub(super) fn read(mut fields: Fields, strict: bool) -> Result<(Question, bool), Failure> {
    let mut question = Question {
        model: fields.take("model")?.unwrap_or_default(),
        stream: fields.take("stream")?.unwrap_or_default(),
        count: checked_count(fields.take_count("n")?)?,
        ..Question::default()
    };
    let messages: Vec<WireMessage> = fields.need("messages")?;
    if messages.is_empty() {
        return Err(
            Failure::invalid("messages is empty; there is nothing to ask").of_param("messages")
        );
    }
    let last = messages.len() - 1;
    for (index, message) in messages.into_iter().enumerate() {
        let read = message.read(index == last, &mut question);
        read.map_err(|failure| failure.of_param(format!("messages[{index}]")))?;
    }
    let stops = fields.take("stop")?.map_or_else(Vec::new, OneOrMany::into_vec);
    question.stop = checked_stops(stops, "stop")?;
    let (newer, older) =
        (fields.take_count("max_completion_tokens")?, fields.take_count("max_tokens")?);
    question.most = checked_most(newer.or(older), "max_completion_tokens")?;
    question.reading = Reading { tools: tools(&mut fields)?, format: format(&mut fields)? };
    let include_usage = include_usage(&mut fields)?;
    question.ignored = fields.ignored(strict)?;
    Ok((question, include_usage))
}

impl WireMessage {
    fn read(self, is_last: bool, question: &mut Question) -> Result<(), Failure> {
        let content = self.content.map(|content| content.gather(is_last, &mut question.files));
        let mut text = content.transpose()?.unwrap_or_default();
        for WireCall { id, function } in self.tool_calls.into_iter().flatten() {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&tools::written(&id, &function.name, &function.arguments));
        }
        if self.role == Role::Tool {
            text = tools::result(&self.tool_call_id.unwrap_or_default(), &text);
            // Results of one turn come to the bot together.
            if let Some(Message { role: Role::Tool, content }) = question.messages.last_mut() {
                content.push('\n');
                content.push_str(&text);
                return Ok(());
            }
        }
        question.messages.push(Message::new(self.role, text));
        Ok(())
    }
}

/// The functions. Tools of other types are none here.
fn tools(fields: &mut Fields) -> Result<Option<Toolbox>, Failure> {
    let wire: Vec<WireTool> = fields.take("tools")?.unwrap_or_default();
    let mut tools = Vec::with_capacity(wire.len());
    for (index, tool) in wire.into_iter().enumerate() {
        if tool.r#type != "function" {
            fields.ignore(format!("tools[{index}]"));
            continue;
        }
        let function = serde_json::from_value::<Function>(tool.function).map_err(|error| {
            let name = format!("tools[{index}].function");
            Failure::invalid(format!("{name}: {error}")).of_param(name)
        })?;
        tools.push(function.tool()?);
    }
    let choice = choice(fields.take::<Value>("tool_choice")?)?;
    Toolbox::new(tools, choice, fields.take("parallel_tool_calls")?.unwrap_or(true))
}

fn format(fields: &mut Fields) -> Result<Option<crate::schema::Format>, Failure> {
    let format: Option<WireFormat> = fields.take("response_format")?;
    Ok(format.map(|format| format.read("response_format")).transpose()?.flatten())
}
