//! A chat completion's request, read.

use lenore_provider::{Message, Role};
use serde::Deserialize;
use serde_json::Value;

use crate::content::{Content, OpenAiPart};
use crate::failure::Failure;
use crate::fields::Fields;
use crate::known::{CHAT_MESSAGES, CHAT_TOOLS, FORMAT, OPENAI_CHOICE};
use crate::question::{Question, Reading, checked_count, checked_stops, take_most};
use crate::tools::{self, Toolbox};
use crate::wire::{Chosen, Function, OneOrMany, WireFormat, include_usage};

#[derive(Debug, Deserialize)]
struct WireMessage {
    role: WireRole,
    name: Option<String>,
    content: Option<Content<OpenAiPart>>,
    /// What an answer says instead of a content.
    refusal: Option<String>,
    #[serde(default)]
    tool_calls: Option<Vec<WireCall>>,
    /// What calls were before they were several.
    function_call: Option<CalledFunction>,
    tool_call_id: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WireRole {
    System,
    Developer,
    User,
    Assistant,
    Tool,
    /// What tools were before they had that name.
    Function,
}

/// A call of a function, or of a tool that takes any text.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a call with its function, or its custom tool")]
enum WireCall {
    Function {
        #[serde(default)]
        id: String,
        function: CalledFunction,
    },
    Custom {
        #[serde(default)]
        id: String,
        custom: CalledTool,
    },
}

#[derive(Debug, Deserialize)]
struct CalledTool {
    name: String,
    input: String,
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
    fields.look_into("messages", &CHAT_MESSAGES);
    let mut messages: Vec<WireMessage> = fields.need("messages")?;
    // Some clients end with the answer that is to come, without a word of it.
    if messages.len() > 1 {
        messages.pop_if(|last| last.is_blank_answer());
    }
    if messages.is_empty() {
        return Err(
            Failure::invalid("messages is empty; there is nothing to ask").of_param("messages")
        );
    }
    let last = messages.len() - 1;
    for (index, message) in messages.into_iter().enumerate() {
        let path = format!("messages[{index}]");
        let read = message.read(&path, index == last, &mut question);
        read.map_err(|failure| failure.or_param(path))?;
    }
    let stops = fields.take("stop")?.map_or_else(Vec::new, OneOrMany::into_vec);
    question.stop = checked_stops(stops, "stop")?;
    question.most = take_most(&mut fields, &["max_completion_tokens", "max_tokens"])?;
    question.reading = Reading { tools: tools(&mut fields)?, format: format(&mut fields)? };
    let include_usage = include_usage(&mut fields)?;
    let ignored = std::mem::take(&mut question.beside.ignored);
    question.beside.ignored = fields.ignored(ignored, strict)?;
    Ok((question, include_usage))
}

impl WireMessage {
    fn is_blank_answer(&self) -> bool {
        let says =
            self.content.as_ref().is_some_and(|content| !content.is_blank(OpenAiPart::is_blank));
        let calls = self.tool_calls.as_ref().is_some_and(|calls| !calls.is_empty());
        let is_more = says || calls || self.function_call.is_some() || self.refusal.is_some();
        self.role == WireRole::Assistant && !is_more
    }

    fn read(self, path: &str, is_last: bool, question: &mut Question) -> Result<(), Failure> {
        let beside = &mut question.beside;
        let role = self.role.role();
        if self.name.is_some() && role != Role::Tool {
            beside.ignored.push(format!("{path}.name"));
        }
        let path = format!("{path}.content");
        let content = self.content.map(|content| content.gather(&path, is_last, beside));
        let content = content.transpose()?.filter(|text| !text.is_empty());
        let mut text = content.or(self.refusal).unwrap_or_default();
        let calls = self.tool_calls.into_iter().flatten().map(WireCall::written);
        let only = self.function_call.map(|call| tools::written("", &call.name, &call.arguments));
        for call in calls.chain(only) {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&call);
        }
        if role == Role::Tool {
            // A function that was called alone is known by its name.
            let id = self.tool_call_id.or(self.name).unwrap_or_default();
            text = tools::result(&id, &text, false);
            // Results of one turn come to the bot together.
            if let Some(Message { role: Role::Tool, content }) = question.messages.last_mut() {
                content.push('\n');
                content.push_str(&text);
                return Ok(());
            }
        }
        question.messages.push(Message::new(role, text));
        Ok(())
    }
}

impl WireRole {
    fn role(self) -> Role {
        match self {
            Self::System => Role::System,
            Self::Developer => Role::Developer,
            Self::User => Role::User,
            Self::Assistant => Role::Assistant,
            Self::Tool | Self::Function => Role::Tool,
        }
    }
}

impl WireCall {
    fn written(self) -> String {
        match self {
            Self::Function { id, function } => {
                tools::written(&id, &function.name, &function.arguments)
            }
            Self::Custom { id, custom } => {
                tools::written(&id, &custom.name, &Value::from(custom.input).to_string())
            }
        }
    }
}

/// The functions. Tools of other types are none here.
fn tools(fields: &mut Fields) -> Result<Option<Toolbox>, Failure> {
    fields.look_into("tools", &CHAT_TOOLS);
    fields.look_into("tool_choice", &OPENAI_CHOICE);
    let wire: Vec<WireTool> = fields.take("tools")?.unwrap_or_default();
    let chosen = Chosen::read(fields.take::<Value>("tool_choice")?.as_ref(), fields)?;
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
        tools.extend(function.tool(index, &chosen)?);
    }
    Toolbox::new(tools, chosen.choice, fields.take("parallel_tool_calls")?.unwrap_or(true))
}

fn format(fields: &mut Fields) -> Result<Option<crate::schema::Format>, Failure> {
    fields.look_into("response_format", &FORMAT);
    let format: Option<WireFormat> = fields.take("response_format")?;
    Ok(format.map(|format| format.read("response_format")).transpose()?.flatten())
}
