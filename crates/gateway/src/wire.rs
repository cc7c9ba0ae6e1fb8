//! Pieces of the wire that several dialects share.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::failure::Failure;
use crate::fields::Fields;
use crate::schema::{Format, Schema};
use crate::tools::{Choice, Tool};

/// One text or several.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a string or a list of strings")]
pub(crate) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    pub(crate) fn into_vec(self) -> Vec<String> {
        match self {
            Self::One(text) => vec![text],
            Self::Many(texts) => texts,
        }
    }
}

#[derive(Debug, Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: Option<bool>,
}

/// Whether a stream is to end with a piece that tells the usage: `stream_options.include_usage`.
pub(crate) fn include_usage(fields: &mut Fields) -> Result<bool, Failure> {
    let options: Option<StreamOptions> = fields.take("stream_options")?;
    Ok(options.and_then(|options| options.include_usage).unwrap_or_default())
}

/// A function as a tool. Other kinds of tools are the services' own.
#[derive(Debug, Deserialize)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) parameters: Option<Map<String, Value>>,
}

impl Function {
    pub(crate) fn tool(self) -> Result<Tool, Failure> {
        Tool::new(self.name, self.description, self.parameters.map(Value::Object))
    }
}

/// `tool_choice` of the OpenAI APIs: a word, or an object that names a function.
pub(crate) fn choice(value: Option<Value>) -> Result<Choice, Failure> {
    let refused = || {
        let words = "tool_choice is none, auto, required, or names a function";
        Err(Failure::invalid(words).of_param("tool_choice"))
    };
    match value {
        None => Ok(Choice::Auto),
        Some(Value::String(word)) => match word.as_str() {
            "auto" => Ok(Choice::Auto),
            "none" => Ok(Choice::None),
            "required" => Ok(Choice::Required),
            _ => refused(),
        },
        Some(value) => match (&value["function"]["name"], &value["name"]) {
            (Value::String(name), _) | (_, Value::String(name)) => Ok(Choice::Named(name.clone())),
            _ => refused(),
        },
    }
}

/// `response_format` and `text.format`.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum WireFormat {
    Text,
    JsonObject,
    JsonSchema {
        /// Where chat completions have it.
        json_schema: Option<Named>,
        /// Where responses have it.
        schema: Option<Value>,
    },
}

#[derive(Debug, Deserialize)]
pub(crate) struct Named {
    schema: Option<Value>,
}

impl WireFormat {
    pub(crate) fn read(self, param: &str) -> Result<Option<Format>, Failure> {
        match self {
            Self::Text => Ok(None),
            Self::JsonObject => Ok(Some(Format::Object)),
            Self::JsonSchema { json_schema, schema } => {
                let schema = json_schema.and_then(|named| named.schema).or(schema);
                let Some(schema) = schema else {
                    return Err(Failure::invalid("the schema is missing").of_param(param));
                };
                let schema = Schema::new(schema).map_err(|failure| failure.of_param(param))?;
                Ok(Some(Format::Schema(schema)))
            }
        }
    }
}

/// How many tokens were used, as chat completions and completions tell it.
pub(crate) fn usage(prompt: u64, answer: u64) -> Value {
    json!({
        "prompt_tokens": prompt,
        "completion_tokens": answer,
        "total_tokens": prompt + answer,
        "estimated": true,
    })
}
