//! Pieces of the wire that several dialects share.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::answer::{End, Notes};
use crate::failure::Failure;
use crate::fields::{Fields, parse};
use crate::known::STREAM_OPTIONS;
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
    fields.look_into("stream_options", &STREAM_OPTIONS);
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
    /// The tool with this number, where it may be called.
    pub(crate) fn tool(self, index: usize, chosen: &Chosen) -> Result<Option<Tool>, Failure> {
        if !chosen.allows(&self.name) {
            return Ok(None);
        }
        let parameters = self.parameters.map(Value::Object);
        Tool::new(self.name, self.description, parameters, &format!("tools[{index}]")).map(Some)
    }
}

/// `tool_choice` of the OpenAI APIs.
#[derive(Debug, Default)]
pub(crate) struct Chosen {
    pub(crate) choice: Choice,
    /// The functions that may be called, where not all of them may.
    allowed: Option<Vec<String>>,
}

impl Chosen {
    /// A word, or an object that names a function or those that are allowed. Tools of the services'
    /// own cannot be chosen here, and are reported.
    pub(crate) fn read(value: Option<&Value>, fields: &mut Fields) -> Result<Self, Failure> {
        let Some(value) = value else { return Ok(Self::default()) };
        let only = |choice| Ok(Self { choice, allowed: None });
        let kind = value["type"].as_str();
        match (value.as_str(), kind) {
            (Some(word), _) => only(word_choice(word).ok_or_else(no_choice)?),
            (None, None | Some("function")) => {
                only(Choice::Named(function_name(value).ok_or_else(no_choice)?))
            }
            (None, Some("allowed_tools")) => {
                // Chat completions have one more level.
                let inner = value.get("allowed_tools").unwrap_or(value);
                let mode = inner["mode"].as_str().and_then(word_choice).ok_or_else(no_choice)?;
                let tools = inner["tools"].as_array().ok_or_else(no_choice)?;
                let allowed = tools.iter().filter_map(function_name).collect();
                Ok(Self { choice: mode, allowed: Some(allowed) })
            }
            (None, Some(_)) => {
                fields.ignore("tool_choice".to_owned());
                Ok(Self::default())
            }
        }
    }

    /// Whether a function may be called.
    pub(crate) fn allows(&self, name: &str) -> bool {
        self.allowed.as_ref().is_none_or(|allowed| allowed.iter().any(|one| one == name))
    }
}

fn no_choice() -> Failure {
    let words = "tool_choice is none, auto, required, names a function, or lists allowed_tools";
    Failure::invalid(words).of_param("tool_choice")
}

fn word_choice(word: &str) -> Option<Choice> {
    match word {
        "auto" => Some(Choice::Auto),
        "none" => Some(Choice::None),
        "required" => Some(Choice::Required),
        _ => None,
    }
}

/// The name of a function, where chat completions have it or where responses do.
fn function_name(value: &Value) -> Option<String> {
    let name = value["function"]["name"].as_str().or_else(|| value["name"].as_str())?;
    Some(name.to_owned())
}

/// `response_format` and `text.format`.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum WireFormat {
    Text,
    JsonObject,
    JsonSchema {
        /// Where chat completions have it.
        json_schema: Option<Value>,
        /// Where responses have it.
        #[serde(flatten)]
        here: Described,
    },
}

/// A schema, and what is meant by it. Its name is for the client alone.
#[derive(Debug, Deserialize)]
pub(crate) struct Described {
    schema: Option<Value>,
    description: Option<String>,
}

impl Described {
    /// What stands in `json_schema`: a schema with its name, or, as some clients have it, the schema.
    fn read(described: Value, param: &str) -> Result<Self, Failure> {
        const WORDS: [&str; 7] = ["$ref", "allOf", "anyOf", "enum", "oneOf", "properties", "type"];
        let has = |word: &str| described.get(word).is_some();
        if !has("schema") && WORDS.into_iter().any(has) {
            return Ok(Self { schema: Some(described), description: None });
        }
        parse(described, &format!("{param}.json_schema"))
    }
}

impl WireFormat {
    pub(crate) fn read(self, param: &str) -> Result<Option<Format>, Failure> {
        match self {
            Self::Text => Ok(None),
            Self::JsonObject => Ok(Some(Format::Object)),
            Self::JsonSchema { json_schema, here } => {
                let Described { schema, description } = match json_schema {
                    Some(described) => Described::read(described, param)?,
                    None => here,
                };
                let Some(schema) = schema else {
                    return Err(Failure::invalid("the schema is missing").of_param(param));
                };
                Ok(Some(Format::Schema(Schema::new(schema, param), description)))
            }
        }
    }
}

/// What the last piece of chat completions and completions tells of all answers together.
#[derive(Debug)]
pub(crate) struct Told {
    prompt_tokens: u64,
    answer_tokens: u64,
    thought_tokens: u64,
    notes: Vec<Notes>,
}

impl Told {
    pub(crate) fn new(prompt_tokens: u64) -> Self {
        Self { prompt_tokens, answer_tokens: 0, thought_tokens: 0, notes: Vec::new() }
    }

    /// An answer has ended.
    pub(crate) fn add(&mut self, end: &End) {
        self.answer_tokens += end.tokens;
        self.thought_tokens += end.thought_tokens();
        self.notes.push(end.notes.clone());
    }

    /// How many tokens were used.
    pub(crate) fn usage(&self) -> Value {
        let mut usage = json!({
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.answer_tokens,
            "total_tokens": self.prompt_tokens + self.answer_tokens,
            "estimated": true,
        });
        if self.thought_tokens > 0 {
            let details = json!({ "reasoning_tokens": self.thought_tokens });
            usage["completion_tokens_details"] = details;
        }
        usage
    }

    /// What there is to tell beside one answer; of several, whether one of them was rewritten.
    pub(crate) fn notes(&self) -> Value {
        match &*self.notes {
            [notes] => json!(notes),
            several => json!({ "rewritten": several.iter().any(|notes| notes.rewritten) }),
        }
    }
}
