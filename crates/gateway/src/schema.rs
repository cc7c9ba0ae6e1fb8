//! JSON that must fit a schema: what the bot is told, and whether its answer does.

use jsonschema::error::ValidationErrorKind;
use jsonschema::{PatternOptions, ValidationError, Validator};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::tools::Fault;

/// As many faults are told to the bot at once.
const FAULTS: usize = 5;

/// So many steps a pattern may go back to look for another way.
const BACKTRACKS: usize = 100_000;

/// A JSON schema, ready to check with.
#[derive(Debug)]
pub(crate) struct Schema {
    source: Value,
    validator: Validator,
}

impl Schema {
    /// Schemas are written for many readers. What none but another one understands is told to the
    /// bot all the same, and not checked.
    pub(crate) fn new(source: Value) -> Result<Self, Failure> {
        let built = build(&source).or_else(|error| {
            let mut plain = source.clone();
            if relax(&mut plain) { build(&plain) } else { Err(error) }
        });
        match built {
            Ok(validator) => Ok(Self { source, validator }),
            Err(error) => {
                let at = at(error.instance_path().as_str());
                let why = error.masked();
                Err(Failure::invalid(format!("the JSON schema cannot be used, at {at}: {why}")))
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
        // A pattern that takes too long to look for says nothing of the value.
        let is_known = |error: &ValidationError<'_>| {
            !matches!(error.kind(), ValidationErrorKind::BacktrackLimitExceeded { .. })
        };
        let errors = self.validator.iter_errors(&value).filter(is_known);
        let errors: Vec<_> = errors.take(FAULTS).collect();
        if errors.is_empty() {
            return Ok(());
        }
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

fn at(path: &str) -> &str {
    if path.is_empty() { "the whole" } else { path }
}

/// Patterns are those of ECMAScript, as far as they go, within bounds of time; nothing is fetched.
fn build(schema: &Value) -> Result<Validator, ValidationError<'static>> {
    let patterns = PatternOptions::fancy_regex().backtrack_limit(BACKTRACKS);
    jsonschema::options().with_pattern_options(patterns).build(schema)
}

/// Takes away what only some readers of schemas understand: patterns of other dialects, the name of
/// an unknown dialect, and words as the oldest drafts had them. Whether there was any.
fn relax(schema: &mut Value) -> bool {
    /// What is in these is data.
    const DATA: &[&str] = &["const", "default", "enum", "example", "examples"];
    match schema {
        Value::Object(words) => {
            let before = words.len();
            words.retain(|word, value| match (word.as_str(), value) {
                ("$schema", Value::String(_)) => false,
                ("required" | "exclusiveMinimum" | "exclusiveMaximum", Value::Bool(_)) => false,
                ("pattern", Value::String(pattern)) => is_pattern(pattern),
                ("patternProperties", Value::Object(patterns)) => {
                    patterns.keys().all(|pattern| is_pattern(pattern))
                }
                _ => true,
            });
            let mut is_changed = words.len() < before;
            for (_, inner) in words.iter_mut().filter(|(word, _)| !DATA.contains(&word.as_str())) {
                is_changed |= relax(inner);
            }
            is_changed
        }
        Value::Array(schemas) => {
            let mut is_changed = false;
            for schema in schemas {
                is_changed |= relax(schema);
            }
            is_changed
        }
        _ => false,
    }
}

fn is_pattern(pattern: &str) -> bool {
    build(&json!({ "pattern": pattern })).is_ok()
}

/// The form that the whole answer must have.
#[derive(Debug)]
pub(crate) enum Format {
    /// Any JSON object.
    Object,
    /// What fits this schema, and what is meant by it.
    Schema(Schema, Option<String>),
}

impl Format {
    /// What the bot is told.
    pub(crate) fn instructions(&self) -> String {
        const ONLY: &str = "Answer with JSON alone: no other words, no code fence.";
        match self {
            Self::Object => format!("{ONLY} It must be an object."),
            Self::Schema(schema, meant) => {
                let meant = meant.as_deref().map(|meant| format!("\nWhat is meant: {meant}"));
                let meant = meant.unwrap_or_default();
                format!("{ONLY} It must fit this JSON schema:\n{}{meant}", schema.source)
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
            Self::Schema(schema, _) => schema.check(text)?,
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
        let format = Format::Schema(Schema::new(source).expect("valid"), None);
        assert!(format.read("{\"n\": 3}").is_ok());
        let fault = format.read("{\"n\": \"secret\"}").expect_err("no integer");
        assert!(fault.said.contains("/n") && fault.said.contains("secret"));
        assert!(!fault.outline.contains("secret"), "{}", fault.outline);
    }

    #[test]
    fn what_only_other_readers_of_schemas_understand_is_not_checked() {
        let fits = |source: Value, value: Value| {
            let schema = Schema::new(source.clone()).unwrap_or_else(|_| panic!("{source}"));
            assert_eq!(schema.source, source, "the bot is told all of it");
            schema.check(&value.to_string()).is_ok()
        };
        let email = json!({ "pattern": r"^(?!\.)(?!.*\.\.)[a-z.]+@[a-z.]+$" });
        assert!(fits(email.clone(), json!("a.b@example.org")));
        assert!(!fits(email, json!("a..b@example.org")));
        for source in [
            json!({ "pattern": "(?P<x" }),
            json!({ "patternProperties": { "(": { "type": "string" } } }),
            json!({ "$schema": "http://json-schema.example/schema" }),
            json!({ "properties": { "a": { "type": "string", "required": true } } }),
            json!({ "minimum": 0, "exclusiveMinimum": true }),
            // This one would be looked for until the end of days.
            json!({ "pattern": r"^(?:(a+)\1?)+b$" }),
        ] {
            assert!(fits(source.clone(), json!("a".repeat(40))), "{source}");
        }
        let inner = json!({ "properties": { "pattern": { "type": "string", "required": true } } });
        assert!(!fits(inner, json!({ "pattern": 7 })), "what is a name is no word");
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
