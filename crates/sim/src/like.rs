//! The site that a recording of `lenore doctor --record` tells of: the edition that is nearest to
//! it, the habits in which it differs from that, and what its elements are called.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde_json::Value;

use crate::drift::{Drift, How};
use crate::edition::Edition;
use crate::habits::Habit;
use crate::options::Options;
use crate::parts::Part;
use shapes::Shapes;

mod seen;
mod shapes;

/// The newest form of a recording that is understood.
const VERSION: u64 = 1;

/// A site, as far as a recording tells of it.
///
/// ```
/// use lenore_sim::Like;
/// let error = Like::read(r#"{"lenore_recording":2}"#).expect_err("it is newer");
/// assert!(error.to_string().contains("version 2"));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Like {
    /// The edition that is nearest to it.
    pub edition: Edition,
    /// In what it differs from that edition.
    pub habits: Vec<Habit>,
    /// What has another name than in either edition.
    pub drift: Vec<Drift>,
    elements: BTreeMap<&'static str, Element>,
}

/// What an element has by which it can be found.
#[derive(Clone, Debug, PartialEq)]
struct Element {
    classes: Vec<String>,
    data: BTreeMap<String, String>,
}

/// A file that is no recording, or not a whole one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRecording(String);

impl fmt::Display for BadRecording {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for BadRecording {}

impl Like {
    /// Reads a recording's file.
    ///
    /// # Errors
    /// The file cannot be read, is no recording, is cut, or is of a newer version.
    pub fn load(path: &Path) -> Result<Like, BadRecording> {
        let of_file = |words: String| BadRecording(format!("{}: {words}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| of_file(error.to_string()))?;
        Like::read(&text).map_err(|BadRecording(words)| of_file(words))
    }

    /// Reads a recording.
    ///
    /// # Errors
    /// The text is no recording, is cut, or is of a newer version.
    pub fn read(text: &str) -> Result<Like, BadRecording> {
        let shapes = Shapes::new(lines(text)?);
        let seen = seen::habits(&shapes);
        let difference = |edition: &Edition| {
            let of_edition = edition.habits();
            seen.iter().filter(|habit| !has(&of_edition, habit)).count()
        };
        let editions = [Edition::Y2025, Edition::Y2023];
        let edition = editions.into_iter().min_by_key(difference).unwrap_or_default();
        let of_edition = edition.habits();
        let habits = seen
            .into_iter()
            .filter(|habit| !has(&of_edition, habit))
            .filter_map(|(name, value)| format!("{name}={value}").parse().ok())
            .collect();
        Ok(Like { edition, habits, drift: renamed(&shapes), elements: elements(&shapes) })
    }

    /// The options of such a site.
    #[must_use]
    pub fn options(self) -> Options {
        let mut options = Options::default().edition(self.edition);
        options.habits.clone_from(&self.habits);
        options.drift.clone_from(&self.drift);
        options.like = Some(self);
        options
    }

    /// Gives the page's elements the names that they have in the recording. `hashed` completes
    /// class names as this build does.
    pub(crate) fn markup(
        &self,
        parts: &mut BTreeMap<String, Part>,
        hashed: impl Fn(&str) -> String,
    ) {
        for (name, element) in &self.elements {
            let Some(part) = parts.get_mut(*name) else { continue };
            if !element.classes.is_empty() {
                part.class = hashed(&element.classes.join(" "));
            }
            part.attributes.retain(|name, _| !name.starts_with("data-"));
            for (name, value) in &element.data {
                part.attributes.insert(name.clone(), Some(value.clone()));
            }
        }
    }
}

fn has(habits: &[(String, &'static str)], (name, value): &(&str, &str)) -> bool {
    habits.iter().any(|(known, is)| known == name && is == value)
}

/// The lines of a whole recording.
fn lines(text: &str) -> Result<Vec<Value>, BadRecording> {
    let bad = |words: String| Err(BadRecording(words));
    let none = "it is no recording; `lenore doctor --record FILE` makes one";
    let mut lines = Vec::new();
    let all: Vec<&str> = text.lines().collect();
    for (at, line) in all.iter().enumerate() {
        match serde_json::from_str::<Value>(line) {
            Ok(value) if value.is_object() => lines.push(value),
            _ if at == 0 => return bad(none.to_owned()),
            _ if at + 1 == all.len() => {
                return bad(format!("the recording is cut: line {} is not whole", at + 1));
            }
            _ => return bad(format!("line {} is no JSON object; record it anew", at + 1)),
        }
        if at == 0 {
            match lines[0]["lenore_recording"].as_u64() {
                Some(VERSION) => {}
                Some(version) => {
                    return bad(format!(
                        "the recording is of version {version}, and this program understands \
                         version {VERSION}; a newer Lenore reads it"
                    ));
                }
                None => return bad(none.to_owned()),
            }
        }
    }
    let count = lines.len();
    match lines.last() {
        None => bad(none.to_owned()),
        Some(last) if last["k"] == "end" && last["lines"] == count => Ok(lines),
        Some(last) if last["k"] == "end" => bad(format!(
            "the recording is cut: it has {count} lines of {}",
            last["lines"].as_u64().unwrap_or_default()
        )),
        Some(_) => bad(format!("the recording is cut: it ends with line {count}, before its end")),
    }
}

/// The names that are others than both editions have, where the shape proves it.
fn renamed(shapes: &Shapes) -> Vec<Drift> {
    let mut facts = Vec::new();
    let question = shapes.question();
    if let Some(variables) = question.and_then(|call| call["shape"]["variables"].as_object()) {
        let missing =
            ["query", "clientNonce"].into_iter().filter(|key| !variables.contains_key(*key));
        facts.extend(missing.map(|key| format!("variable:SendMessageMutation:{key}")));
    }
    if let Some((name, answer)) = shapes.answer() {
        if name != "messageAdded" {
            facts.push("subscription:messageAdded".to_owned());
        }
        let missing = ["text", "state"].into_iter().filter(|key| !answer.contains_key(*key));
        facts.extend(missing.map(|key| format!("field:messageAdded:{key}")));
    }
    facts.into_iter().map(|fact| Drift::new(fact, How::Renamed)).collect()
}

/// The elements that a recording describes, by the names of the page's parts.
fn elements(shapes: &Shapes) -> BTreeMap<&'static str, Element> {
    let seen = shapes.elements();
    let all = [
        ("box", &seen["prompt_box"]),
        ("send", &seen["send_button"]),
        ("stop", &seen["running"]["stop"]),
        ("filePicker", &seen["file_input"]),
    ];
    let described = all.into_iter().filter(|(_, element)| element.is_object());
    described.map(|(name, element)| (name, Element::of(element))).collect()
}

impl Element {
    fn of(element: &Value) -> Element {
        let classes = element["classes"].as_array().into_iter().flatten();
        let attributes = element["attributes"].as_object().into_iter().flatten();
        let data = attributes.filter(|(name, _)| name.starts_with("data-"));
        Element {
            classes: classes.filter_map(Value::as_str).map(str::to_owned).collect(),
            data: data
                .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_bad(text: &str, expected: &str) {
        let error = Like::read(text).expect_err(text).to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }

    #[test]
    fn what_is_no_whole_recording_is_told() {
        let head = r#"{"lenore_recording":1}"#;
        for text in ["", "hello", "{}", "[1]", "{\"a\":1}\n"] {
            assert_bad(text, "it is no recording");
        }
        assert_bad("{\"lenore_recording\":7}\nwhatever", "version 7, and this program understands");
        assert_bad(head, "is cut: it ends with line 1");
        assert_bad(&format!("{head}\n{{\"k\":\"ca"), "is cut: line 2 is not whole");
        assert_bad(&format!("{head}\n{{\"k\":\"end\",\"lines\":9}}"), "it has 2 lines of 9");
        assert_bad(
            &format!("{head}\nx\n{{\"k\":\"end\",\"lines\":3}}"),
            "line 2 is no JSON object",
        );
    }

    #[test]
    fn a_recording_that_tells_little_is_the_newest_edition() {
        let like =
            Like::read("{\"lenore_recording\":1}\n{\"k\":\"end\",\"lines\":2}").expect("whole");
        assert_eq!(like.edition, Edition::Y2025);
        assert_eq!(like.habits, []);
    }

    #[test]
    fn elements_have_the_names_of_the_recording() {
        let elements = r#"{"k":"elements","elements":{"send_button":{"tag":"button",
            "classes":["Ask_go__"],"attributes":{"type":"button","data-go":"true"}}}}"#;
        let elements = elements.replace('\n', "");
        let text = format!("{{\"lenore_recording\":1}}\n{elements}\n{{\"k\":\"end\",\"lines\":3}}");
        let like = Like::read(&text).expect("whole");
        let words = crate::habits::Habits::of(like.edition, &like.habits).words();
        let mut parts = crate::parts::chosen(&words, str::to_owned);
        like.markup(&mut parts, str::to_owned);
        assert_eq!(parts["send"].class, "Ask_go__");
        assert_eq!(parts["send"].attributes["data-go"].as_deref(), Some("true"));
        assert!(!parts["send"].attributes.contains_key("data-button-send"));
        assert!(parts["send"].attributes.contains_key("type"));
    }
}
