//! A request for a response, read.

use lenore_provider::{Message, Role};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::content::{Content, OpenAiPart};
use crate::failure::Failure;
use crate::fields::Fields;
use crate::question::{Question, Reading, checked_most};
use crate::tools::{self, Choice, Toolbox};
use crate::wire::{Function, WireFormat, choice};

/// What a response repeats of its request.
#[derive(Debug)]
pub(super) struct Echoed {
    pub(super) previous: Option<String>,
    pub(super) fields: Value,
}

/// An item of the input. Items without a type are messages.
#[derive(Debug, Deserialize)]
struct Item {
    r#type: Option<String>,
    role: Option<Role>,
    content: Option<Content<OpenAiPart>>,
    name: Option<String>,
    arguments: Option<String>,
    call_id: Option<String>,
    output: Option<Content<OpenAiPart>>,
}

#[derive(Debug, Deserialize)]
struct TextOptions {
    format: Option<WireFormat>,
}

#[derive(Debug, Deserialize)]
struct WireTool {
    r#type: String,
    #[serde(flatten)]
    rest: Value,
}

pub(super) fn read(mut fields: Fields, strict: bool) -> Result<(Question, Echoed), Failure> {
    let mut question = Question {
        model: fields.take("model")?.unwrap_or_default(),
        stream: fields.take("stream")?.unwrap_or_default(),
        count: 1,
        ..Question::default()
    };
    let instructions: Option<String> = fields.take("instructions")?;
    question.messages.extend(instructions.clone().map(Message::system));
    let input: Content<Item> = fields.need("input")?;
    read_input(input, &mut question, &mut fields)?;
    let most = fields.take_count("max_output_tokens")?;
    question.most = checked_most(most, "max_output_tokens")?;
    let text: Option<Value> = fields.take("text")?;
    let tools: Option<Value> = fields.take("tools")?;
    let tool_choice: Option<Value> = fields.take("tool_choice")?;
    let parallel = fields.take("parallel_tool_calls")?.unwrap_or(true);
    let previous: Option<String> = fields.take("previous_response_id")?;
    let metadata: Option<Map<String, Value>> = fields.take("metadata")?;
    let echoed = json!({
        "instructions": instructions,
        "max_output_tokens": most,
        "metadata": metadata.unwrap_or_default(),
        "parallel_tool_calls": parallel,
        "previous_response_id": previous,
        "temperature": null,
        "text": text.clone().unwrap_or_else(|| json!({ "format": { "type": "text" } })),
        "tool_choice": tool_choice.clone().unwrap_or_else(|| json!("auto")),
        "tools": tools.clone().unwrap_or_else(|| json!([])),
        "top_p": null,
    });
    question.reading = Reading {
        tools: toolbox(tools, choice(tool_choice)?, parallel, &mut fields)?,
        format: text.map(format).transpose()?.flatten(),
    };
    question.ignored = fields.ignored(strict)?;
    Ok((question, Echoed { previous, fields: echoed }))
}

fn read_input(
    input: Content<Item>,
    question: &mut Question,
    fields: &mut Fields,
) -> Result<(), Failure> {
    let items = match input {
        Content::Text(text) => {
            question.messages.push(Message::user(text));
            return Ok(());
        }
        Content::Parts(items) => items,
    };
    if items.is_empty() {
        return Err(Failure::invalid("input is empty; there is nothing to ask").of_param("input"));
    }
    let instructions = question.messages.len();
    let last = items.len() - 1;
    for (index, item) in items.into_iter().enumerate() {
        let name = format!("input[{index}]");
        match item.read(index == last, question) {
            Ok(true) => {}
            Ok(false) => fields.ignore(name),
            Err(failure) => return Err(failure.of_param(name)),
        }
    }
    if question.messages.len() == instructions {
        return Err(Failure::invalid("input has nothing that a bot can be asked").of_param("input"));
    }
    Ok(())
}

impl Item {
    /// Adds it to the conversation; `false` where it is the service's own and means nothing here.
    fn read(self, is_last: bool, question: &mut Question) -> Result<bool, Failure> {
        let text = |content: Option<Content<OpenAiPart>>, question: &mut Question| {
            let text = content.map(|content| content.gather(is_last, &mut question.files));
            text.transpose().map(Option::unwrap_or_default)
        };
        match self.r#type.as_deref().unwrap_or("message") {
            "message" => {
                let Some(role) = self.role else {
                    return Err(Failure::invalid("a message needs a role"));
                };
                let text = text(self.content, question)?;
                question.messages.push(Message::new(role, text));
            }
            "function_call" => {
                let Some(name) = self.name else {
                    return Err(Failure::invalid("a call needs a name"));
                };
                let id = self.call_id.unwrap_or_default();
                let call = tools::written(&id, &name, &self.arguments.unwrap_or_default());
                append(question, Role::Assistant, &call);
            }
            "function_call_output" => {
                let text = text(self.output, question)?;
                let result = tools::result(&self.call_id.unwrap_or_default(), &text);
                append(question, Role::Tool, &result);
            }
            // The thoughts of a model, which a bot on the web has no use for.
            "reasoning" => {}
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// What one side says in one turn comes in one message.
fn append(question: &mut Question, role: Role, text: &str) {
    match question.messages.last_mut() {
        Some(message) if message.role == role => {
            message.content.push('\n');
            message.content.push_str(text);
        }
        _ => question.messages.push(Message::new(role, text)),
    }
}

/// The functions. Tools that run at the service, and those of other forms, are none here.
fn toolbox(
    tools: Option<Value>,
    choice: Choice,
    parallel: bool,
    fields: &mut Fields,
) -> Result<Option<Toolbox>, Failure> {
    let wrong =
        |error: serde_json::Error| Failure::invalid(format!("tools: {error}")).of_param("tools");
    let wire: Vec<WireTool> =
        serde_json::from_value(tools.unwrap_or_else(|| json!([]))).map_err(wrong)?;
    let mut tools = Vec::with_capacity(wire.len());
    for (index, tool) in wire.into_iter().enumerate() {
        if tool.r#type == "function" {
            tools.push(serde_json::from_value::<Function>(tool.rest).map_err(wrong)?.tool()?);
        } else {
            fields.ignore(format!("tools[{index}]"));
        }
    }
    Toolbox::new(tools, choice, parallel)
}

fn format(text: Value) -> Result<Option<crate::schema::Format>, Failure> {
    let options: TextOptions = serde_json::from_value(text)
        .map_err(|error| Failure::invalid(format!("text: {error}")).of_param("text"))?;
    Ok(options.format.map(|format| format.read("text.format")).transpose()?.flatten())
}
