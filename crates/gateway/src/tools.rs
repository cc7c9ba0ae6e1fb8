//! Tools for bots that know none: a convention in the prompt, read back from the answer.
//!
//! The bot is told the tools and how to call them; a call is `<tool_call>{"name": …, "arguments":
//! {…}}</tool_call>`. What it calls is checked against the tool's JSON schema.

use std::fmt::Write as _;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::ids;
use crate::schema::Schema;

/// What begins a call.
pub(crate) const MARK: &str = "<tool_call>";
const MARK_END: &str = "</tool_call>";

/// As many tools may be offered.
const MOST: usize = 256;

/// A tool that the client offers.
#[derive(Debug)]
pub(crate) struct Tool {
    name: String,
    description: Option<String>,
    schema: Schema,
}

impl Tool {
    pub(crate) fn new(
        name: String,
        description: Option<String>,
        parameters: Option<Value>,
    ) -> Result<Self, Failure> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ':');
        if name.is_empty() || name.len() > 128 || !name.chars().all(is_name) {
            return Err(Failure::invalid(
                "a tool's name is made of letters, digits, '_', '-', '.' and ':', 128 at most",
            )
            .of_param("tools"));
        }
        let schema = Schema::new(parameters.unwrap_or_else(|| json!({ "type": "object" })))
            .map_err(|failure| failure.of_param("tools"))?;
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
}

impl Fault {
    fn plain(outline: impl Into<String>) -> Self {
        let outline = outline.into();
        Self { said: outline.clone(), outline }
    }
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
        if tools.len() > MOST {
            let message = format!("more than {MOST} tools");
            return Err(Failure::invalid(message).of_param("tools"));
        }
        let any = !tools.is_empty() && choice != Choice::None;
        Ok(any.then_some(Self { tools, choice, parallel }))
    }

    /// What the bot is told.
    pub(crate) fn instructions(&self) -> String {
        let mut text = String::from(
            "You can call tools. They run outside; their results come in the next message. To \
             call one, write exactly this, with arguments that fit the tool's JSON schema, and \
             end your answer after it:\n\
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
        let (text, mut rest) = match answer.find(MARK) {
            Some(at) => (answer[..at].trim_end(), &answer[at..]),
            None => (answer, ""),
        };
        let mut calls = Vec::new();
        while let Some(at) = rest.find(MARK) {
            let (call, after) = self.read_call(&rest[at + MARK.len()..])?;
            calls.push(call);
            rest = after;
        }
        self.check_choice(&calls)?;
        Ok((text.to_owned(), calls))
    }

    fn read_call<'a>(&self, text: &'a str) -> Result<(Call, &'a str), Fault> {
        let start = text.find('{').unwrap_or(text.len());
        let mut values = serde_json::Deserializer::from_str(&text[start..]).into_iter::<Written>();
        let Some(Ok(Written { name, arguments })) = values.next() else {
            return Err(Fault::plain(
                "a tool call was not valid JSON of the form {\"name\": \"…\", \"arguments\": {…}}",
            ));
        };
        let rest = &text[start + values.byte_offset()..];
        let Some(tool) = self.tools.iter().find(|tool| tool.name == name) else {
            return Err(Fault {
                said: format!("there is no tool {name:?}"),
                outline: "it called a tool that is not offered".to_owned(),
            });
        };
        let arguments = arguments.unwrap_or_else(|| "{}".to_owned());
        tool.schema.check(&arguments).map_err(|fault| Fault {
            said: format!("the arguments of {name:?} do not fit its schema: {}", fault.said),
            outline: format!("the arguments of a tool call do not fit: {}", fault.outline),
        })?;
        let rest = rest.trim_start().strip_prefix(MARK_END).unwrap_or(rest);
        Ok((Call { id: ids::new("call_"), name, arguments }, rest))
    }

    fn check_choice(&self, calls: &[Call]) -> Result<(), Fault> {
        match &self.choice {
            Choice::Required if calls.is_empty() => Err(Fault::plain("no tool was called")),
            Choice::Named(name) if !calls.iter().any(|call| call.name == *name) => {
                Err(Fault::plain("the tool that must be called was not called"))
            }
            _ if !self.parallel && calls.len() > 1 => {
                Err(Fault::plain("more than one tool was called"))
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

    pub(crate) fn of_schema(said: String, outline: String) -> Self {
        Self { said, outline }
    }
}

/// A call in a conversation that is told to the bot, as the bot would write it.
pub(crate) fn written(name: &str, arguments: &str) -> String {
    let name = Value::from(name);
    let arguments = if arguments.trim().is_empty() { "{}" } else { arguments };
    format!("{MARK}{{\"name\": {name}, \"arguments\": {arguments}}}{MARK_END}")
}

/// The result of a call, as the bot is told it.
pub(crate) fn result(id: &str, text: &str) -> String {
    let id = Value::from(id);
    format!("<tool_result id={id}>\n{text}\n</tool_result>")
}

/// JSON as it is written; some bots write it inside a string.
fn arguments<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let raw = Box::<RawValue>::deserialize(from)?;
    let inner = serde_json::from_str::<String>(raw.get());
    Ok(Some(inner.unwrap_or_else(|_| raw.get().to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn toolbox(choice: Choice, parallel: bool) -> Toolbox {
        let parameters = json!({
            "type": "object",
            "properties": { "city": { "type": "string" } },
            "required": ["city"],
        });
        let tool = Tool::new("weather".into(), Some("Tells it.".into()), Some(parameters));
        let tools =
            vec![tool.expect("valid"), Tool::new("time".into(), None, None).expect("valid")];
        Toolbox::new(tools, choice, parallel).expect("valid").expect("some")
    }

    fn names(calls: &[Call]) -> Vec<(&str, &str)> {
        calls.iter().map(|call| (call.name.as_str(), call.arguments.as_str())).collect()
    }

    #[test]
    fn calls_are_read_in_the_ways_that_bots_write_them() {
        let toolbox = toolbox(Choice::Auto, true);
        let answer = "I look.\n<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \
            \"Köln </tool_call> 🐦\"}}\n</tool_call>\n<tool_call>{\"name\":\"time\"}";
        let (text, calls) = toolbox.read(answer).expect("valid");
        assert_eq!(text, "I look.");
        let expected = [("weather", "{\"city\": \"Köln </tool_call> 🐦\"}"), ("time", "{}")];
        assert_eq!(names(&calls), expected);
        let quoted = r#"<tool_call>{"name":"weather","arguments":"{\"city\":\"a\"}"}</tool_call>"#;
        let (_, calls) = toolbox.read(quoted).expect("valid");
        assert_eq!(names(&calls), [("weather", "{\"city\":\"a\"}")]);
        assert_eq!(toolbox.read("No need.").expect("valid"), ("No need.".to_owned(), vec![]));
    }

    #[test]
    fn what_does_not_fit_is_told_without_its_words_in_the_outline() {
        let toolbox = toolbox(Choice::Auto, false);
        for answer in [
            "<tool_call>{\"name\":\"weather\",\"arguments\":{\"city\":[\"secret\"]}}</tool_call>",
            "<tool_call>{\"name\":\"secret\"}</tool_call>",
            "<tool_call>secret",
            "<tool_call>{\"name\":\"time\"}</tool_call><tool_call>{\"name\":\"time\"}</tool_call>",
        ] {
            let fault = toolbox.read(answer).expect_err(answer);
            assert!(!fault.outline.contains("secret"), "{}", fault.outline);
        }
    }

    #[test]
    fn a_choice_is_kept() {
        let time = "<tool_call>{\"name\":\"time\",\"arguments\":{}}</tool_call>";
        assert!(toolbox(Choice::Required, true).read("No.").is_err());
        assert!(toolbox(Choice::Required, true).read(time).is_ok());
        assert!(toolbox(Choice::Named("weather".into()), true).read(time).is_err());
        assert!(Toolbox::new(vec![], Choice::Auto, true).expect("valid").is_none());
        assert!(Toolbox::new(vec![], Choice::Named("x".into()), true).is_err());
    }

    #[test]
    fn the_bot_is_told_the_tools() {
        let text = toolbox(Choice::Auto, true).instructions();
        for words in ["\"weather\"", "Tells it.", "\"city\"", MARK, MARK_END] {
            assert!(text.contains(words), "{words}");
        }
    }
}
