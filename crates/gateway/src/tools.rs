//! Tools for bots that know none: a convention in the prompt, read back from the answer.
//!
//! The bot is told the tools and how to call them; a call is `<tool_call>{"name": …, "arguments":
//! {…}}</tool_call>`. What it calls is checked against the tool's JSON schema.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::limits::{Limit, TOOLS};
use crate::schema::Schema;
use crate::{ids, mark};

/// What begins a call.
pub(crate) const MARK: &str = "<tool_call>";
const MARK_END: &str = "</tool_call>";

/// What the ids of calls begin with.
const CALL: &str = "call_";

/// A tool that the client offers.
#[derive(Debug)]
pub(crate) struct Tool {
    name: String,
    description: Option<String>,
    schema: Schema,
}

impl Tool {
    /// A tool; `path` is what it is called in the request.
    pub(crate) fn new(
        name: String,
        description: Option<String>,
        parameters: Option<Value>,
        path: &str,
    ) -> Result<Self, Failure> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ':');
        if name.is_empty() || name.len() > 128 || !name.chars().all(is_name) {
            return Err(Failure::invalid(
                "a tool's name is made of letters, digits, '_', '-', '.' and ':', 128 at most",
            )
            .at(path));
        }
        let schema = Schema::new(parameters.unwrap_or_else(|| json!({ "type": "object" })), path);
        Ok(Self { name, description, schema })
    }
}

/// Whether a tool must be called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Choice {
    /// The bot decides.
    #[default]
    Auto,
    /// None may be.
    None,
    /// One of them must be.
    Required,
    /// This one must be.
    Named(String),
}

/// The tools of a request.
#[derive(Debug)]
pub(crate) struct Toolbox {
    tools: Vec<Tool>,
    choice: Choice,
    /// Whether several may be called at once.
    parallel: bool,
}

/// A call of a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) id: String,
    pub(crate) name: String,
    /// JSON, as the bot wrote it.
    pub(crate) arguments: String,
}

/// What is wrong with an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// For the bot, which knows what it said.
    pub(crate) said: String,
    /// For messages of errors: none of the bot's words.
    pub(crate) outline: String,
    /// Whether the answer may be meant as text, rather than as a call.
    pub(crate) may_be_text: bool,
}

/// A call as the bot writes it.
#[derive(Deserialize)]
struct Written {
    name: String,
    #[serde(default, alias = "parameters", alias = "input", deserialize_with = "arguments")]
    arguments: Option<String>,
}

impl Toolbox {
    /// `None` where there is nothing to offer.
    pub(crate) fn new(
        tools: Vec<Tool>,
        choice: Choice,
        parallel: bool,
    ) -> Result<Option<Self>, Failure> {
        let known = |name: &String| tools.iter().any(|tool| tool.name == *name);
        match &choice {
            Choice::Named(name) if !known(name) => {
                return Err(Failure::invalid("tool_choice names a tool that is not offered")
                    .of_param("tool_choice"));
            }
            Choice::Required if tools.is_empty() => {
                return Err(Failure::invalid("tool_choice requires a tool, but none is offered")
                    .of_param("tool_choice"));
            }
            _ => {}
        }
        if tools.len() > TOOLS {
            let what = format!("the request has {} tools, more than {TOOLS}", tools.len());
            return Err(Limit::Tools.refused(&what).of_param("tools"));
        }
        let any = !tools.is_empty() && choice != Choice::None;
        Ok(any.then_some(Self { tools, choice, parallel }))
    }

    /// The schemas of the tools' arguments.
    pub(crate) fn schemas(&self) -> impl Iterator<Item = &Schema> {
        self.tools.iter().map(|tool| &tool.schema)
    }

    /// What the bot is told.
    pub(crate) fn instructions(&self) -> String {
        let mut text = String::from(
            "You can call tools. They run outside; their results come in the next message. To \
             call one, write exactly this on a line of its own, not in a code fence, with \
             arguments that fit the tool's JSON schema, and end your answer after it:\n\
             <tool_call>{\"name\": \"…\", \"arguments\": {…}}</tool_call>\n",
        );
        text.push_str(if self.parallel {
            "Several calls may follow each other. "
        } else {
            "Make one call at most. "
        });
        match &self.choice {
            Choice::Required => text.push_str("You must call a tool now."),
            Choice::Named(name) => {
                let _ = write!(text, "You must call the tool {name:?} now.");
            }
            _ => text.push_str("Where no tool is needed, answer as usual, without such a tag."),
        }
        text.push_str("\nThe tools:");
        for Tool { name, description, schema } in &self.tools {
            let tool = json!({
                "name": name, "description": description, "parameters": schema.source(),
            });
            let _ = write!(text, "\n{tool}");
        }
        text
    }

    /// What an answer says beside its calls, and the calls.
    pub(crate) fn read(&self, answer: &str) -> Result<(String, Vec<Call>), Fault> {
        let (mut text, mut rest, mut calls) = (String::new(), answer, Vec::new());
        while let Some(at) = mark::find(rest, 0, MARK) {
            add(&mut text, rest[..at].trim_end());
            let (call, after) = self.read_call(&rest[at + MARK.len()..], calls.len() + 1)?;
            calls.push(call);
            // What follows a call is text again, and another call may follow at once.
            rest = after.trim_start();
        }
        self.check_choice(&calls)?;
        add(&mut text, if calls.is_empty() { rest } else { rest.trim_end() });
        Ok((text, calls))
    }

    fn read_call<'a>(&self, text: &'a str, number: usize) -> Result<(Call, &'a str), Fault> {
        let text = text.trim_start();
        // Some bots put a fence around the JSON.
        let fenced = text.strip_prefix("```").map(|rest| rest.strip_prefix("json").unwrap_or(rest));
        let json = fenced.unwrap_or(text).trim_start();
        let mut values = serde_json::Deserializer::from_str(json).into_iter::<Written>();
        let written = values.next().filter(|_| json.starts_with('{'));
        let Some(Ok(Written { name, arguments })) = written else {
            let fault = Fault::new(
                "a tool call was not valid JSON of the form {\"name\": \"…\", \"arguments\": {…}}",
            );
            return Err(Fault { may_be_text: true, ..fault });
        };
        let rest = &json[values.byte_offset()..];
        let Some(tool) = self.tools.iter().find(|tool| tool.name == name) else {
            return Err(Fault {
                said: format!("there is no tool {name:?}"),
                outline: "it called a tool that is not offered".to_owned(),
                may_be_text: true,
            });
        };
        let arguments = arguments.unwrap_or_else(|| "{}".to_owned());
        tool.schema.check(&arguments).map_err(|fault| Fault {
            said: format!("the arguments of {name:?} do not fit its schema: {}", fault.said),
            outline: format!("the arguments of a tool call do not fit: {}", fault.outline),
            may_be_text: false,
        })?;
        let unfenced = fenced.and_then(|_| rest.trim_start().strip_prefix("```")).unwrap_or(rest);
        let rest = unfenced.trim_start().strip_prefix(MARK_END).unwrap_or(unfenced);
        Ok((Call { id: call_id(number), name, arguments }, rest))
    }

    /// Whether the bot decides if it calls a tool.
    pub(crate) fn is_free(&self) -> bool {
        self.choice == Choice::Auto
    }

    fn check_choice(&self, calls: &[Call]) -> Result<(), Fault> {
        match &self.choice {
            Choice::Required if calls.is_empty() => Err(Fault::new("no tool was called")),
            Choice::Named(name) if !calls.iter().any(|call| call.name == *name) => {
                Err(Fault::new("the tool that must be called was not called"))
            }
            _ if !self.parallel && calls.len() > 1 => {
                Err(Fault::new("more than one tool was called"))
            }
            _ => Ok(()),
        }
    }
}

impl Fault {
    /// What the bot is told, in the same chat, so that it can mend its answer.
    pub(crate) fn correction(&self) -> String {
        format!("Your answer cannot be used: {}. Write it again, whole.", self.said)
    }

    /// What the bot and the client are told in the same words.
    pub(crate) fn new(outline: impl Into<String>) -> Self {
        let outline = outline.into();
        Self { said: outline.clone(), outline, may_be_text: false }
    }
}

/// Adds to a text, as a paragraph of its own.
fn add(text: &mut String, more: &str) {
    if !text.is_empty() && !more.is_empty() {
        text.push_str("\n\n");
    }
    text.push_str(more);
}

/// A new id, with the call's number in its answer: the bot does not know ids, but it can count.
fn call_id(number: usize) -> String {
    format!("{}_{number}", ids::new(CALL))
}

/// The number in an id of ours.
fn number(id: &str) -> Option<usize> {
    let (random, number) = id.strip_prefix(CALL)?.split_once('_')?;
    let is_ours = random.len() == ids::new("").len();
    number.parse().ok().filter(|_| is_ours)
}

/// An answer that called tools, as every dialect has it in a conversation.
pub(crate) fn said<'a>(text: &'a str, calls: &[Call]) -> Cow<'a, str> {
    if calls.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut said = text.to_owned();
    for Call { id, name, arguments } in calls {
        if !said.is_empty() {
            said.push('\n');
        }
        said.push_str(&written(id, name, arguments));
    }
    Cow::Owned(said)
}

/// A call in a conversation that is told to the bot, as the bot would write it. One that another
/// service made has its id, by which its result is known.
///
/// However the bot wrote the arguments, and whatever a client made of them, they are the same here.
pub(crate) fn written(id: &str, name: &str, arguments: &str) -> String {
    let name = Value::from(name);
    let arguments = match serde_json::from_str(arguments) {
        Ok(value) => plain(value).to_string(),
        Err(_) if arguments.trim().is_empty() => "{}".to_owned(),
        Err(_) => arguments.to_owned(),
    };
    let id = match number(id) {
        None if !id.is_empty() => format!("\"id\": {}, ", Value::from(id)),
        _ => String::new(),
    };
    format!("{MARK}{{{id}\"name\": {name}, \"arguments\": {arguments}}}{MARK_END}")
}

/// A value without what JSON's readers do not tell apart: to some of them `2.0` is `2`.
fn plain(value: Value) -> Value {
    /// Beyond these not every whole number has a form of its own.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match value {
        Value::Number(number) => match number.as_f64() {
            Some(whole) if number.is_f64() && whole.fract() == 0.0 && whole.abs() < EXACT => {
                // So written it is one that is not a fraction.
                format!("{whole:.0}").parse::<i64>().map_or(Value::Number(number), Value::from)
            }
            _ => Value::Number(number),
        },
        Value::Array(values) => values.into_iter().map(plain).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(name, value)| (name, plain(value))).collect()
        }
        other => other,
    }
}

/// The result of a call, as the bot is told it; `is_error` where the tool has failed.
pub(crate) fn result(id: &str, text: &str, is_error: bool) -> String {
    let which = match number(id) {
        Some(number) => format!("call=\"{number}\""),
        None => format!("id={}", Value::from(id)),
    };
    let error = if is_error { " error=\"true\"" } else { "" };
    format!("<tool_result {which}{error}>\n{text}\n</tool_result>")
}

/// JSON as it is written; some bots write it inside a string, and some write null for none.
fn arguments<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let raw = Box::<RawValue>::deserialize(from)?;
    let inner = serde_json::from_str::<Option<String>>(raw.get());
    Ok(inner.unwrap_or_else(|_| Some(raw.get().to_owned())))
}

#[cfg(test)]
mod tests;
