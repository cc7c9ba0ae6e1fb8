//! A request for a message, read.

use lenore_provider::{Message, Role};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::blocks::Block;
use crate::content::Content;
use crate::failure::Failure;
use crate::fields::Fields;
use crate::known::{BLOCKS, FORMAT, MESSAGE_CHOICE, MESSAGE_TOOLS, MESSAGES};
use crate::question::{Question, Reading, checked_most, checked_stops};
use crate::schema::Format;
use crate::tools::{Choice, Tool, Toolbox};
use crate::wire::WireFormat;

#[derive(Debug, Deserialize)]
struct WireMessage {
    role: WireRole,
    content: Content<Block>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WireRole {
    User,
    Assistant,
    System,
}

#[derive(Debug, Deserialize)]
struct WireTool {
    r#type: Option<String>,
    name: Option<String>,
    description: Option<String>,
    input_schema: Option<Map<String, Value>>,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum WireChoice {
    Auto(Parallel),
    Any(Parallel),
    Tool {
        name: String,
        #[serde(default)]
        disable_parallel_tool_use: bool,
    },
    None {},
}

#[derive(Debug, Deserialize)]
struct Parallel {
    #[serde(default)]
    disable_parallel_tool_use: bool,
}

#[derive(Debug, Deserialize)]
struct OutputOptions {
    format: Option<WireFormat>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// Whether the bot is to think. None can be told how long.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Thinking {
    Enabled(Thoughts),
    Adaptive(Thoughts),
    Disabled {},
}

#[derive(Debug, Deserialize)]
struct Thoughts {
    display: Option<String>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

pub(super) fn read(
    mut fields: Fields,
    most: Option<u64>,
    strict: bool,
) -> Result<Question, Failure> {
    let mut question = Question {
        model: fields.take("model")?.unwrap_or_default(),
        stream: fields.take("stream")?.unwrap_or_default(),
        most: checked_most(most, "max_tokens")?,
        count: 1,
        ..Question::default()
    };
    for (name, known) in [
        ("system", &BLOCKS),
        ("messages", &MESSAGES),
        ("tools", &MESSAGE_TOOLS),
        ("tool_choice", &MESSAGE_CHOICE),
        ("output_format", &FORMAT),
    ] {
        fields.look_into(name, known);
    }
    if let Some(system) = fields.take::<Content<Block>>("system")? {
        let text = system.gather("system", false, &mut question.beside)?;
        question.messages.push(Message::system(text));
    }
    let mut messages: Vec<WireMessage> = fields.need("messages")?;
    // Some clients end with the answer that is to come, without a word of it.
    if messages.len() > 1 {
        messages.pop_if(|last| {
            last.role == WireRole::Assistant && last.content.is_blank(Block::is_blank)
        });
    }
    if messages.is_empty() {
        return Err(
            Failure::invalid("messages is empty; there is nothing to ask").of_param("messages")
        );
    }
    let last = messages.len() - 1;
    for (index, WireMessage { role, content }) in messages.into_iter().enumerate() {
        let is_result = content.is_result();
        let path = format!("messages[{index}]");
        let text = content
            .gather(&format!("{path}.content"), index == last, &mut question.beside)
            .map_err(|failure| failure.of_param(path))?;
        let role = match role {
            WireRole::Assistant => Role::Assistant,
            WireRole::System => Role::System,
            WireRole::User if is_result => Role::Tool,
            WireRole::User => Role::User,
        };
        question.messages.push(Message::new(role, text));
    }
    let stops = fields.take("stop_sequences")?.unwrap_or_default();
    question.stop = checked_stops(stops, "stop_sequences")?;
    question.reading = Reading { tools: toolbox(&mut fields)?, format: format(&mut fields)? };
    question.wants_thoughts = thinking(&mut fields)?;
    let ignored = std::mem::take(&mut question.beside.ignored);
    question.beside.ignored = fields.ignored(ignored, strict)?;
    Ok(question)
}

/// Whether the client wants to see what the bot thinks.
fn thinking(fields: &mut Fields) -> Result<bool, Failure> {
    let thoughts = match fields.take("thinking")? {
        None | Some(Thinking::Disabled {}) => return Ok(false),
        Some(Thinking::Enabled(thoughts) | Thinking::Adaptive(thoughts)) => thoughts,
    };
    fields.ignore_rest("thinking", &thoughts.rest);
    Ok(thoughts.display.as_deref() != Some("omitted"))
}

/// The tools. Those that run at the service are none here; they are reported.
fn toolbox(fields: &mut Fields) -> Result<Option<Toolbox>, Failure> {
    let wire: Vec<WireTool> = fields.take("tools")?.unwrap_or_default();
    let mut tools = Vec::with_capacity(wire.len());
    for (index, tool) in wire.into_iter().enumerate() {
        match tool.r#type.as_deref() {
            None | Some("custom") => {
                let path = format!("tools[{index}]");
                let Some(name) = tool.name else {
                    return Err(Failure::invalid("a tool needs a name").at(path));
                };
                let schema = tool.input_schema.map(Value::Object);
                tools.push(Tool::new(name, tool.description, schema, &path)?);
            }
            Some(_) => fields.ignore(format!("tools[{index}]")),
        }
    }
    let (choice, is_single) = match fields.take::<WireChoice>("tool_choice")? {
        None => (Choice::Auto, false),
        Some(WireChoice::Auto(Parallel { disable_parallel_tool_use: single })) => {
            (Choice::Auto, single)
        }
        Some(WireChoice::Any(Parallel { disable_parallel_tool_use: single })) => {
            (Choice::Required, single)
        }
        Some(WireChoice::Tool { name, disable_parallel_tool_use }) => {
            (Choice::Named(name), disable_parallel_tool_use)
        }
        Some(WireChoice::None {}) => (Choice::None, false),
    };
    Toolbox::new(tools, choice, !is_single)
}

fn format(fields: &mut Fields) -> Result<Option<Format>, Failure> {
    fields.look_into_part("output_config", "format", &FORMAT);
    let options: Option<OutputOptions> = fields.take("output_config")?;
    let format: Option<WireFormat> = fields.take("output_format")?;
    let format = match options {
        Some(OutputOptions { format: inner, rest }) => {
            fields.ignore_rest("output_config", &rest);
            format.or(inner)
        }
        None => format,
    };
    Ok(format.map(|format| format.read("output_format")).transpose()?.flatten())
}
