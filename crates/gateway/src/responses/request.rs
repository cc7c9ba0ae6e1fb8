//! A request for a response, read.

use lenore_provider::{Message, Role};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::content::{Content, OpenAiPart};
use crate::failure::Failure;
use crate::fields::{Fields, parse};
use crate::known::{FORMAT, ITEMS, OPENAI_CHOICE, RESPONSE_TOOLS};
use crate::question::{Question, Reading, take_most};
use crate::tools::{self, Toolbox};
use crate::wire::{Chosen, Function, WireFormat};

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
    #[serde(flatten)]
    rest: Value,
}

#[derive(Debug, Deserialize)]
struct WireMessage {
    role: Role,
    content: Option<Content<OpenAiPart>>,
}

#[derive(Debug, Deserialize)]
struct WireCall {
    name: String,
    call_id: Option<String>,
    /// JSON, where a function is called.
    arguments: Option<String>,
    /// Any text, where another tool of the client's is.
    input: Option<String>,
}

#[derive(Debug, Deserialize)]
struct WireResult {
    call_id: Option<String>,
    output: Option<Content<OpenAiPart>>,
}

#[derive(Debug, Deserialize)]
struct TextOptions {
    format: Option<WireFormat>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
struct WireTool {
    r#type: String,
    #[serde(flatten)]
    rest: Value,
}

pub(super) fn read(mut fields: Fields, strict: bool) -> Result<(Question, Echoed), Failure> {
    refuse_kept(&mut fields)?;
    let mut question = Question {
        model: fields.take("model")?.unwrap_or_default(),
        stream: fields.take("stream")?.unwrap_or_default(),
        count: 1,
        ..Question::default()
    };
    let instructions: Option<String> = fields.take("instructions")?;
    question.instructions.clone_from(&instructions);
    fields.look_into("input", &ITEMS);
    fields.look_into("tools", &RESPONSE_TOOLS);
    fields.look_into("tool_choice", &OPENAI_CHOICE);
    fields.look_into_part("text", "format", &FORMAT);
    let input: Content<Item> = fields.need("input")?;
    read_input(input, &mut question, &mut fields)?;
    question.most = take_most(&mut fields, &["max_output_tokens"])?;
    let text: Option<Value> = fields.take("text")?;
    let tools: Option<Value> = fields.take("tools")?;
    let tool_choice: Option<Value> = fields.take("tool_choice")?;
    let parallel = fields.take("parallel_tool_calls")?.unwrap_or(true);
    let previous: Option<String> = fields.take("previous_response_id")?;
    let metadata: Option<Map<String, Value>> = fields.take("metadata")?;
    let echoed = json!({
        "instructions": instructions,
        "max_output_tokens": question.most,
        "metadata": metadata.unwrap_or_default(),
        "parallel_tool_calls": parallel,
        "previous_response_id": previous,
        "temperature": null,
        "text": text.clone().unwrap_or_else(|| json!({ "format": { "type": "text" } })),
        "tool_choice": tool_choice.clone().unwrap_or_else(|| json!("auto")),
        "tools": tools.clone().unwrap_or_else(|| json!([])),
        "top_p": null,
    });
    let chosen = Chosen::read(tool_choice.as_ref(), &mut fields)?;
    question.reading = Reading {
        tools: toolbox(tools, chosen, parallel, &mut fields)?,
        format: text.map(|text| format(text, &mut fields)).transpose()?.flatten(),
    };
    let ignored = std::mem::take(&mut question.beside.ignored);
    question.beside.ignored = fields.ignored(ignored, strict)?;
    Ok((question, Echoed { previous, fields: echoed }))
}

/// What the service keeps for its clients is not here, and an answer without it would be to another
/// question.
fn refuse_kept(fields: &mut Fields) -> Result<(), Failure> {
    for (name, words) in [
        (
            "conversation",
            "no conversations are kept here; send the whole one as input, or go on \
          with previous_response_id",
        ),
        ("prompt", "no prompts are kept here; send its text as instructions or input"),
    ] {
        if fields.take::<Value>(name)?.is_some() {
            return Err(Failure::invalid(words).at(name));
        }
    }
    Ok(())
}

fn read_input(
    input: Content<Item>,
    question: &mut Question,
    fields: &mut Fields,
) -> Result<(), Failure> {
    let mut items = match input {
        Content::Text(text) => {
            question.messages.push(Message::user(text));
            return Ok(());
        }
        Content::Parts(items) => items,
    };
    if items.is_empty() {
        return Err(Failure::invalid("input is empty; there is nothing to ask").of_param("input"));
    }
    // Some clients end with the answer that is to come, without a word of it.
    if items.len() > 1 {
        items.pop_if(|last| last.is_blank_answer());
    }
    let last = items.len() - 1;
    for (index, item) in items.into_iter().enumerate() {
        let name = format!("input[{index}]");
        match item.read(&name, index == last, question) {
            Ok(true) => {}
            Ok(false) => fields.ignore(name),
            Err(failure) => return Err(failure),
        }
    }
    if question.messages.is_empty() {
        return Err(Failure::invalid("input has nothing that a bot can be asked").of_param("input"));
    }
    Ok(())
}

impl Item {
    fn is_blank_answer(&self) -> bool {
        let is_blank = match &self.rest["content"] {
            Value::Null => true,
            Value::String(text) => text.trim().is_empty(),
            Value::Array(parts) => parts
                .iter()
                .all(|part| part["text"].as_str().is_some_and(|text| text.trim().is_empty())),
            _ => false,
        };
        let is_message = self.r#type.as_deref().unwrap_or("message") == "message";
        is_message && self.rest["role"] == "assistant" && is_blank
    }

    /// Adds it to the conversation; `false` where it is the service's own and means nothing here.
    fn read(self, path: &str, is_last: bool, question: &mut Question) -> Result<bool, Failure> {
        let text = |name, content: Option<Content<OpenAiPart>>, question: &mut Question| {
            let path = format!("{path}.{name}");
            let text = content.map(|content| content.gather(&path, is_last, &mut question.beside));
            let text = text.transpose().map(Option::unwrap_or_default);
            text.map_err(|failure| failure.or_param(path))
        };
        match self.r#type.as_deref().unwrap_or("message") {
            "message" => {
                let WireMessage { role, content } = parse(self.rest, path)?;
                let text = text("content", content, question)?;
                question.messages.push(Message::new(role, text));
            }
            "function_call" | "custom_tool_call" => {
                let WireCall { name, call_id, arguments, input } = parse(self.rest, path)?;
                let input = input.map(|text| Value::from(text).to_string());
                let arguments = input.or(arguments).unwrap_or_default();
                let call = tools::written(&call_id.unwrap_or_default(), &name, &arguments);
                append(question, Role::Assistant, &call);
            }
            "function_call_output" | "custom_tool_call_output" => {
                let WireResult { call_id, output } = parse(self.rest, path)?;
                let text = text("output", output, question)?;
                let result = tools::result(&call_id.unwrap_or_default(), &text, false);
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
    chosen: Chosen,
    parallel: bool,
    fields: &mut Fields,
) -> Result<Option<Toolbox>, Failure> {
    let wrong =
        |error: serde_json::Error| Failure::invalid(format!("tools: {error}")).of_param("tools");
    let wire: Vec<WireTool> =
        serde_json::from_value(tools.unwrap_or_else(|| json!([]))).map_err(wrong)?;
    let mut tools = Vec::with_capacity(wire.len());
    for (index, tool) in wire.into_iter().enumerate() {
        let path = format!("tools[{index}]");
        if tool.r#type == "function" {
            let function = serde_json::from_value::<Function>(tool.rest);
            let function =
                function.map_err(|error| Failure::invalid(error.to_string()).at(path))?;
            tools.extend(function.tool(index, &chosen)?);
        } else {
            fields.ignore(path);
        }
    }
    Toolbox::new(tools, chosen.choice, parallel)
}

fn format(text: Value, fields: &mut Fields) -> Result<Option<crate::schema::Format>, Failure> {
    let options: TextOptions = serde_json::from_value(text)
        .map_err(|error| Failure::invalid(error.to_string()).at("text"))?;
    fields.ignore_rest("text", &options.rest);
    Ok(options.format.map(|format| format.read("text.format")).transpose()?.flatten())
}
