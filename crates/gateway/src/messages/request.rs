//! A request for a message, read.

use lenore_provider::{Message, Role};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::content::{Content, Piece, gather};
use crate::failure::Failure;
use crate::fields::Fields;
use crate::files::Source;
use crate::question::{Question, Reading, checked_most, checked_stops};
use crate::schema::Format;
use crate::tools::{self, Choice, Tool, Toolbox};
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
#[serde(tag = "type", rename_all = "snake_case")]
enum Block {
    Text {
        text: String,
    },
    Image {
        source: BlockSource,
    },
    Document {
        source: BlockSource,
        title: Option<String>,
    },
    ToolUse {
        #[serde(default)]
        id: String,
        name: String,
        input: Value,
    },
    ToolResult {
        tool_use_id: String,
        content: Option<Content<Block>>,
    },
    Thinking {},
    RedactedThinking {},
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum BlockSource {
    Base64 { media_type: String, data: String },
    Url { url: String },
    Text { data: String },
}

#[derive(Debug, Deserialize)]
struct WireTool {
    r#type: Option<String>,
    name: String,
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
    if let Some(system) = fields.take::<Content<Block>>("system")? {
        let text = system.gather(false, &mut question)?;
        question.messages.push(Message::system(text));
    }
    let messages: Vec<WireMessage> = fields.need("messages")?;
    if messages.is_empty() {
        return Err(
            Failure::invalid("messages is empty; there is nothing to ask").of_param("messages")
        );
    }
    let last = messages.len() - 1;
    for (index, WireMessage { role, content }) in messages.into_iter().enumerate() {
        let is_result = content.is_result();
        let text = content
            .gather(index == last, &mut question)
            .map_err(|failure| failure.of_param(format!("messages[{index}]")))?;
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
    question.ignored = fields.ignored(strict)?;
    Ok(question)
}

impl Content<Block> {
    /// Whether a tool's result is in it.
    fn is_result(&self) -> bool {
        let is_result = |block: &Block| matches!(block, Block::ToolResult { .. });
        matches!(self, Self::Parts(blocks) if blocks.iter().any(is_result))
    }

    fn gather(self, is_last: bool, question: &mut Question) -> Result<String, Failure> {
        let blocks = match self {
            Self::Text(text) => return Ok(text),
            Self::Parts(blocks) => blocks,
        };
        let mut pieces = Vec::with_capacity(blocks.len());
        for block in blocks {
            // A result has a content of its own.
            pieces.push(match block {
                Block::ToolResult { tool_use_id, content } => {
                    let text = content.map(|content| content.gather(is_last, question));
                    let text = text.transpose()?.unwrap_or_default();
                    Ok(Piece::Text(tools::result(&tool_use_id, &text)))
                }
                other => other.piece(),
            });
        }
        gather(pieces, is_last, &mut question.files)
    }
}

impl Block {
    fn piece(self) -> Result<Piece, Failure> {
        Ok(match self {
            Self::Text { text } => Piece::Text(text),
            Self::Image { source } => Piece::File(source.file("image")?),
            Self::Document { source, title } => {
                Piece::File(source.file(title.as_deref().unwrap_or("document"))?)
            }
            Self::ToolUse { id, name, input } => {
                Piece::Text(tools::written(&id, &name, &input.to_string()))
            }
            Self::ToolResult { .. } | Self::Thinking {} | Self::RedactedThinking {} => {
                Piece::Nothing
            }
        })
    }
}

impl BlockSource {
    fn file(self, name: &str) -> Result<Source, Failure> {
        match self {
            Self::Base64 { media_type, data } => Ok(Source::base64(&media_type, data, name)),
            Self::Url { url } => Source::url(url, name),
            Self::Text { data } => Ok(Source::text(data, name)),
        }
    }
}

/// The tools. Those that run at the service are none here; they are reported.
fn toolbox(fields: &mut Fields) -> Result<Option<Toolbox>, Failure> {
    let wire: Vec<WireTool> = fields.take("tools")?.unwrap_or_default();
    let mut tools = Vec::with_capacity(wire.len());
    for (index, tool) in wire.into_iter().enumerate() {
        match tool.r#type.as_deref() {
            None | Some("custom") => {
                let schema = tool.input_schema.map(Value::Object);
                tools.push(Tool::new(tool.name, tool.description, schema)?);
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
    let options: Option<OutputOptions> = fields.take("output_config")?;
    let format: Option<WireFormat> = fields.take("output_format")?;
    let format = format.or(options.and_then(|options| options.format));
    Ok(format.map(|format| format.read("output_format")).transpose()?.flatten())
}
