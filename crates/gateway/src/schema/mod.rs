//! JSON that must fit a schema: what the bot is told, and whether its answer does.

use std::fmt::{self, Write as _};
use std::sync::OnceLock;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{PatternOptions, ValidationError, Validator};
use serde_json::{Value, json};

pub(crate) use self::guard::{Ended, TIME, run};
pub(crate) use self::walk::{Cost, Excess, Most, Part, cost};
use crate::failure::Failure;
use crate::limits::{PATTERN_BYTES, PATTERN_BYTES_IN_ALL};
use crate::tools::Fault;

mod guard;
mod walk;

/// As many faults are told to the bot at once, in so many bytes each.
const FAULTS: usize = 5;
const FAULT_BYTES: usize = 500;

/// So many steps are made to find out what does not fit, once it is known that something does not:
/// each keeps some memory.
const FAULT_STEPS: u64 = 20_000;

/// So many steps a pattern may go back to look for another way.
const BACKTRACKS: usize = 100_000;

/// A JSON schema.
#[derive(Debug)]
pub(crate) struct Schema {
    source: Value,
    /// What it is called in the request.
    path: String,
    /// Ready to check with, once it was read.
    validator: OnceLock<Validator>,
}

impl Schema {
    /// A schema that is not read yet: `path` is what it is called in the request.
    pub(crate) fn new(source: Value, path: impl Into<String>) -> Self {
        Self { source, path: path.into(), validator: OnceLock::new() }
    }

    pub(crate) fn source(&self) -> &Value {
        &self.source
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Reads it, so that it can be checked with; `patterns` is how many the request has.
    ///
    /// Schemas are written for many readers. What none but another one understands is told to the
    /// bot all the same, and not checked.
    pub(crate) fn read(&self, patterns: usize) -> Result<&Validator, Failure> {
        if let Some(validator) = self.validator.get() {
            return Ok(validator);
        }
        let builder = Builder::new(patterns);
        let mut plain = self.source.clone();
        let has_changed = builder.relax_names(&mut plain);
        let built = builder.build(&plain).or_else(|error| {
            let is_relaxed = builder.relax(&mut plain);
            if is_relaxed || has_changed { builder.build(&plain) } else { Err(error) }
        });
        match built {
            Ok(validator) => Ok(self.validator.get_or_init(|| validator)),
            Err(error) => {
                let at = at(error.instance_path().as_str());
                let why = clipped(&error.masked());
                let words = format!("the JSON schema cannot be used, at {at}: {why}");
                Err(Failure::invalid(words).at(self.path.as_str()))
            }
        }
    }

    /// Whether a JSON text fits.
    pub(crate) fn check(&self, text: &str) -> Result<(), Fault> {
        let Ok(value) = serde_json::from_str(text) else {
            return Err(Fault::new("it is not valid JSON"));
        };
        let Ok(validator) = self.read(0) else {
            return Err(Fault::new("the schema cannot be used"));
        };
        if validator.is_valid(&value) {
            return Ok(());
        }
        // A pattern that takes too long to look for says nothing of the value.
        let is_known = |error: &ValidationError<'_>| {
            !matches!(error.kind(), ValidationErrorKind::BacktrackLimitExceeded { .. })
        };
        let first = || {
            let errors = validator.iter_errors(&value).filter(is_known).take(FAULTS);
            faults(&errors.collect::<Vec<_>>())
        };
        let only = || {
            let error = validator.validate(&value).err().filter(is_known);
            faults(&error.into_iter().collect::<Vec<_>>())
        };
        let found = guard::in_steps(FAULT_STEPS, first);
        let found = found.or_else(|_| guard::in_steps(FAULT_STEPS, only));
        found.unwrap_or_else(|_| Err(Fault::new("it does not fit the schema")))
    }
}

/// What is wrong, in the order in which it was found.
fn faults(errors: &[ValidationError<'_>]) -> Result<(), Fault> {
    if errors.is_empty() {
        return Ok(());
    }
    let said = errors
        .iter()
        .map(|error| format!("{}: {}", at(error.instance_path().as_str()), clipped(error)));
    let outline = errors.iter().map(|error| error.schema_path().as_str().to_owned());
    Err(Fault {
        said: said.collect::<Vec<_>>().join("; "),
        outline: format!("against {}", outline.collect::<Vec<_>>().join(", ")),
        may_be_text: false,
    })
}

/// The beginning of what may show a whole answer.
fn clipped(words: &impl fmt::Display) -> String {
    struct Clipped(String);

    impl fmt::Write for Clipped {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            let room = FAULT_BYTES - self.0.len();
            let end = text.floor_char_boundary(room);
            self.0.push_str(&text[..end]);
            if end < text.len() { Err(fmt::Error) } else { Ok(()) }
        }
    }

    let mut clipped = Clipped(String::new());
    if write!(clipped, "{words}").is_err() {
        clipped.0.push('…');
    }
    clipped.0
}

fn at(path: &str) -> &str {
    if path.is_empty() { "the whole" } else { path }
}

/// Reads schemas. Patterns are those of ECMAScript, as far as they go, within bounds of time and
/// size; nothing is fetched.
struct Builder {
    /// Bytes of a pattern, once it is read.
    pattern: usize,
}

impl Builder {
    fn new(patterns: usize) -> Self {
        Self { pattern: PATTERN_BYTES.min(PATTERN_BYTES_IN_ALL / patterns.max(1)) }
    }

    fn build(&self, schema: &Value) -> Result<Validator, ValidationError<'static>> {
        let mut schema = schema.clone();
        walk::add_steps(&mut schema);
        let patterns = PatternOptions::fancy_regex()
            .backtrack_limit(BACKTRACKS)
            .size_limit(self.pattern)
            .dfa_size_limit(self.pattern);
        jsonschema::options()
            .with_pattern_options(patterns)
            .with_keyword(guard::KEYWORD, guard::keyword)
            .build(&schema)
    }

    fn is_pattern(&self, pattern: &str) -> bool {
        guard::step();
        self.build(&json!({ "pattern": pattern })).is_ok()
    }

    /// Whether a pattern is looked for in one go: of the others nobody knows how long they take, and
    /// an answer can have any number of names.
    fn is_plain_pattern(&self, pattern: &str) -> bool {
        guard::step();
        let patterns =
            PatternOptions::regex().size_limit(self.pattern).dfa_size_limit(self.pattern);
        let options = jsonschema::options().with_pattern_options(patterns);
        options.build(&json!({ "pattern": pattern })).is_ok()
    }

    /// Takes away patterns of names that are not plain, with the wish that there be no other names.
    /// Whether there was any.
    fn relax_names(&self, schema: &mut Value) -> bool {
        match schema {
            Value::Object(words) => {
                let patterns = words.get("patternProperties").and_then(Value::as_object);
                let is_plain = patterns.is_none_or(|patterns| {
                    patterns.keys().all(|pattern| self.is_plain_pattern(pattern))
                });
                if !is_plain {
                    words.remove("patternProperties");
                    words.remove("additionalProperties");
                    words.remove("unevaluatedProperties");
                }
                let inner = words.iter_mut().filter(|(word, _)| !DATA.contains(&word.as_str()));
                inner.fold(!is_plain, |changed, (_, inner)| self.relax_names(inner) || changed)
            }
            Value::Array(schemas) => {
                let mut is_changed = false;
                for schema in schemas {
                    is_changed |= self.relax_names(schema);
                }
                is_changed
            }
            _ => false,
        }
    }

    /// Takes away what only some readers of schemas understand: patterns of other dialects and too
    /// large ones, the name of an unknown dialect, and words as the oldest drafts had them. Whether
    /// there was any.
    fn relax(&self, schema: &mut Value) -> bool {
        match schema {
            Value::Object(words) => {
                let before = words.len();
                words.retain(|word, value| match (word.as_str(), value) {
                    ("$schema", Value::String(_)) => false,
                    ("required" | "exclusiveMinimum" | "exclusiveMaximum", Value::Bool(_)) => false,
                    ("pattern", Value::String(pattern)) => self.is_pattern(pattern),
                    ("patternProperties", Value::Object(patterns)) => {
                        patterns.keys().all(|pattern| self.is_pattern(pattern))
                    }
                    _ => true,
                });
                let mut is_changed = words.len() < before;
                for (_, inner) in
                    words.iter_mut().filter(|(word, _)| !DATA.contains(&word.as_str()))
                {
                    is_changed |= self.relax(inner);
                }
                is_changed
            }
            Value::Array(schemas) => {
                let mut is_changed = false;
                for schema in schemas {
                    is_changed |= self.relax(schema);
                }
                is_changed
            }
            _ => false,
        }
    }
}

/// What is in these is data.
const DATA: &[&str] = &["const", "default", "enum", "example", "examples"];

/// The form that the whole answer must have.
#[derive(Debug)]
pub(crate) enum Format {
    /// Any JSON object.
    Object,
    /// What fits this schema, and what is meant by it.
    Schema(Schema, Option<String>),
}

impl Format {
    /// The schema that the answer must fit.
    pub(crate) fn schema(&self) -> Option<&Schema> {
        match self {
            Self::Object => None,
            Self::Schema(schema, _) => Some(schema),
        }
    }

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
        let format = Format::Schema(Schema::new(source, "x"), None);
        assert!(format.read("{\"n\": 3}").is_ok());
        let fault = format.read("{\"n\": \"secret\"}").expect_err("no integer");
        assert!(fault.said.contains("/n") && fault.said.contains("secret"));
        assert!(!fault.outline.contains("secret"), "{}", fault.outline);
    }

    #[test]
    fn what_only_other_readers_of_schemas_understand_is_not_checked() {
        let fits = |source: Value, value: Value| {
            let schema = Schema::new(source.clone(), "x");
            schema.read(1).unwrap_or_else(|_| panic!("{source}"));
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
            assert!(Schema::new(source.clone(), "x").read(1).is_err(), "{source}");
        }
    }
}
