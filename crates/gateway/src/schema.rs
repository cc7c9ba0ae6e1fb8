//! JSON that must fit a schema: what the bot is told, and whether its answer does.

use jsonschema::{PatternOptions, Validator};
use serde_json::Value;

use crate::failure::Failure;
use crate::tools::Fault;

/// As many faults are told to the bot at once.
const FAULTS: usize = 5;

/// A JSON schema, ready to check with.
#[derive(Debug)]
pub(crate) struct Schema {
    source: Value,
    validator: Validator,
}

impl Schema {
    pub(crate) fn new(source: Value) -> Result<Self, Failure> {
        // Patterns run in linear time, and nothing is fetched.
        let options = jsonschema::options().with_pattern_options(PatternOptions::regex());
        match options.build(&source) {
            Ok(validator) => Ok(Self { source, validator }),
            Err(error) => {
                Err(Failure::invalid(format!("the JSON schema cannot be used: {}", error.masked())))
            }
        }
    }

    pub(crate) fn source(&self) -> &Value {
        &self.source
    }

    /// Whether a JSON text fits.
    pub(crate) fn check(&self, text: &str) -> Result<(), Fault> {
        let Ok(value) = serde_json::from_str(text) else {
            return Err(Fault::new("it is not valid JSON"));
        };
        let errors: Vec<_> = self.validator.iter_errors(&value).take(FAULTS).collect();
        if errors.is_empty() {
            return Ok(());
        }
        let at =
            |path: &str| if path.is_empty() { "the whole".to_owned() } else { path.to_owned() };
        let said =
            errors.iter().map(|error| format!("{}: {error}", at(error.instance_path().as_str())));
        let outline = errors.iter().map(|error| error.schema_path().as_str().to_owned());
        Err(Fault {
            said: said.collect::<Vec<_>>().join("; "),
            outline: format!("against {}", outline.collect::<Vec<_>>().join(", ")),
            may_be_text: false,
        })
    }
}

/// The form that the whole answer must have.
#[derive(Debug)]
pub(crate) enum Format {
    /// Any JSON object.
    Object,
    /// What fits this schema.
    Schema(Schema),
}

impl Format {
    /// What the bot is told.
    pub(crate) fn instructions(&self) -> String {
        const ONLY: &str = "Answer with JSON alone: no other words, no code fence.";
        match self {
            Self::Object => format!("{ONLY} It must be an object."),
            Self::Schema(schema) => {
                format!("{ONLY} It must fit this JSON schema:\n{}", schema.source)
            }
        }
    }

    /// The JSON of an answer, without the fence that some bots put around it.
    pub(crate) fn read(&self, answer: &str) -> Result<String, Fault> {
        let text = unfenced(answer);
        match self {
            Self::Object => match serde_json::from_str(text) {
                Ok(Value::Object(_)) => {}
                _ => {
                    return Err(Fault::new("it is not a JSON object"));
                }
            },
            Self::Schema(schema) => schema.check(text)?,
        }
        Ok(text.to_owned())
    }
}

fn unfenced(answer: &str) -> &str {
    let text = answer.trim();
    let inner = text.strip_prefix("```").and_then(|text| text.strip_suffix("```"));
    match inner.and_then(|inner| inner.split_once('\n')) {
        // The first line may name the language.
        Some((first, rest)) if first.trim().chars().all(char::is_alphanumeric) => rest.trim(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_is_the_json_alone() {
        assert_eq!(Format::Object.read("```json\n{\"a\": 1}\n```").expect("valid"), "{\"a\": 1}");
        assert_eq!(Format::Object.read(" {\"a\": 1}\n").expect("valid"), "{\"a\": 1}");
        assert!(Format::Object.read("Here: {}").is_err());
        assert!(Format::Object.read("[1]").is_err());
    }

    #[test]
    fn a_schema_is_kept_and_its_faults_are_named() {
        let source = json!({ "type": "object", "properties": { "n": { "type": "integer" } } });
        let format = Format::Schema(Schema::new(source).expect("valid"));
        assert!(format.read("{\"n\": 3}").is_ok());
        let fault = format.read("{\"n\": \"secret\"}").expect_err("no integer");
        assert!(fault.said.contains("/n") && fault.said.contains("secret"));
        assert!(!fault.outline.contains("secret"), "{}", fault.outline);
    }

    #[test]
    fn a_schema_that_is_none_or_leads_elsewhere_is_refused() {
        for source in [
            json!({ "type": "nonsense" }),
            json!({ "$ref": "http://127.0.0.1:1/schema.json" }),
            json!({ "$ref": "file:///etc/passwd" }),
            json!(7),
        ] {
            assert!(Schema::new(source.clone()).is_err(), "{source}");
        }
    }
}
