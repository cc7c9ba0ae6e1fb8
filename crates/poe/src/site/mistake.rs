//! What is wrong in a site file: the line, and what belongs there.

use lenore_provider::ErrorKind;
use regex_lite::Regex;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error as WordError, StrDeserializer};
use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

/// How like a known key an unknown one must be to be taken for it.
const LIKENESS: f64 = 0.75;

/// Lists that may well be empty.
const MAY_BE_EMPTY: &[&str] = &["placeholders", "origins"];

/// The first mistake of a site file, which has to be made like the built-in one: `, line 3: …`.
pub(super) fn check(text: &str, built_in: &Table) -> Result<(), String> {
    let told = |span: Option<std::ops::Range<usize>>, words: String| match span {
        Some(span) => format!(", line {}: {words}", line(text, span.start)),
        None => format!(": {words}"),
    };
    let table = DeTable::parse(text)
        .map_err(|error| told(error.span(), error.message().trim().replace('\n', "; ")))?;
    let mut known = built_in.clone();
    // It has no entry of its own, since only a file can name further ones.
    known.insert("origins".to_owned(), Value::Array(vec!["https://www.poe.com".into()]));
    let whole = known.clone();
    check_table(table.get_ref(), &known, "", &whole)
        .map_err(|Mistake { at, words }| told(Some(at..at), words))
}

/// The line of a file on which a text stands between quotes.
pub(crate) fn line_of(file: &str, text: &str) -> Option<usize> {
    let is_it = |value: &DeValue<'_>| value.as_str() == Some(text);
    let table = DeTable::parse(file).ok()?;
    let mut tables = vec![table.into_inner()];
    let mut values = Vec::new();
    while let Some(table) = tables.pop() {
        values.extend(table.into_iter().map(|(_, value)| value));
        while let Some(value) = values.pop() {
            let at = value.span().start;
            match value.into_inner() {
                value if is_it(&value) => return Some(line(file, at)),
                DeValue::Array(more) => values.extend(more),
                DeValue::Table(table) => tables.push(table),
                _ => {}
            }
        }
    }
    None
}

fn line(text: &str, at: usize) -> usize {
    text.get(..at).unwrap_or(text).matches('\n').count() + 1
}

struct Mistake {
    at: usize,
    words: String,
}

fn check_table(
    table: &DeTable<'_>,
    known: &Table,
    path: &str,
    whole: &Table,
) -> Result<(), Mistake> {
    for (key, value) in table {
        let name = key.get_ref().as_ref();
        let full = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        // Models have names that nobody knows before.
        let expected = match known.get(name) {
            None if path == "models" => &Value::String(String::new()),
            None => {
                let words = unknown(name, path, known, whole);
                return Err(Mistake { at: key.span().start, words });
            }
            Some(expected) => expected,
        };
        check_value(value, expected, &full, whole)?;
    }
    Ok(())
}

fn check_value(
    value: &Spanned<DeValue<'_>>,
    expected: &Value,
    path: &str,
    whole: &Table,
) -> Result<(), Mistake> {
    let at = value.span().start;
    let wrong = |words: String| Err(Mistake { at, words });
    match (value.get_ref(), expected) {
        (DeValue::String(text), Value::String(_)) => check_text(text, path).or_else(wrong),
        (DeValue::Table(table), Value::Table(known)) => check_table(table, known, path, whole),
        (DeValue::Array(list), Value::Array(known)) => {
            let Some(entry) = known.first() else { return Ok(()) };
            if list.is_empty() && !MAY_BE_EMPTY.contains(&path) {
                return wrong(format!(
                    "{path} is an empty list; it takes {}",
                    wanted(path, expected)
                ));
            }
            for value in list {
                check_entry(value, entry, path, expected, whole)?;
            }
            Ok(())
        }
        _ => wrong(format!("{path} takes {}", wanted(path, expected))),
    }
}

/// One entry of a list; a table is one of failures, which must be whole.
fn check_entry(
    value: &Spanned<DeValue<'_>>,
    entry: &Value,
    path: &str,
    list: &Value,
    whole: &Table,
) -> Result<(), Mistake> {
    let at = value.span().start;
    match (value.get_ref(), entry) {
        (DeValue::Table(table), Value::Table(known)) => {
            check_table(table, known, path, whole)?;
            match known.keys().find(|key| !table.contains_key(key.as_str())) {
                Some(key) => Err(Mistake {
                    at,
                    words: format!("an entry of {path} needs the key {key} too"),
                }),
                None => Ok(()),
            }
        }
        (DeValue::String(_), Value::String(_)) => check_value(value, entry, path, whole),
        _ => Err(Mistake { at, words: format!("{path} takes {}", wanted(path, list)) }),
    }
}

/// What a text may not be.
fn check_text(text: &str, path: &str) -> Result<(), String> {
    if text.trim().is_empty() && !path.starts_with("models") {
        return Err(format!("{path} has an empty text in it"));
    }
    if path == "placeholders"
        && let Err(error) = Regex::new(text)
    {
        return Err(format!("placeholders takes patterns, and {text:?} is none: {error}"));
    }
    if path.ends_with(".kind") {
        let word: StrDeserializer<'_, WordError> = text.into_deserializer();
        return ErrorKind::deserialize(word).map(drop).map_err(|error| format!("{path}: {error}"));
    }
    Ok(())
}

/// What a key takes, with one of the built-in values.
fn wanted(path: &str, expected: &Value) -> String {
    let what = match path {
        _ if path.starts_with("selectors") => "CSS selectors",
        "messages.text" | "messages.finished" | "messages.human" | "account.links" => {
            "CSS selectors"
        }
        "placeholders" => "patterns",
        _ => "texts",
    };
    match expected {
        Value::String(text) if text.is_empty() => "a text between quotes".to_owned(),
        Value::String(text) => format!("a text between quotes, such as {text:?}"),
        Value::Array(list) => match list.first() {
            Some(Value::String(text)) => {
                format!("a list of {what}, such as [{text:?}]")
            }
            _ => format!("tables, each under [[{path}]]"),
        },
        _ => format!("a table, under [{path}]"),
    }
}

/// What is said of a key that there is not.
fn unknown(name: &str, path: &str, known: &Table, whole: &Table) -> String {
    let place = if path.is_empty() { String::new() } else { format!(" in [{path}]") };
    let likeness = |key: &&String| strsim::jaro_winkler(key, name);
    let near = known.keys().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    let other = whole
        .iter()
        .find(|(_, table)| table.as_table().is_some_and(|table| table.contains_key(name)));
    let advice = match (near, other) {
        (Some(near), _) if likeness(&near) > LIKENESS => format!("did you mean {near}?"),
        (_, Some((table, _))) => format!("it belongs under [{table}]"),
        _ => {
            let keys: Vec<_> = known.keys().map(String::as_str).collect();
            format!("there are {}", keys.join(", "))
        }
    };
    format!("there is no key {name}{place}; {advice}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_told(text: &str, expected: &str) {
        let built_in: Table = super::super::BUILT_IN.parse().expect("the built-in file is tested");
        let told = check(text, &built_in).expect_err(text);
        assert!(told.contains(expected), "{text:?}: {told}");
    }

    #[test]
    fn a_mistake_is_told_with_its_line_and_what_belongs_there() {
        let cases = [
            (
                "[selectors]\n\nsned_button = ['#go']",
                ", line 3: there is no key sned_button in [selectors]; did you mean send_button?",
            ),
            (
                "\nsend_button = ['#go']",
                ", line 2: there is no key send_button; it belongs under [selectors]",
            ),
            ("zzz = 1", ", line 1: there is no key zzz; there are "),
            ("[wire]\nzzz = ['a']", "there is no key zzz in [wire]; there are "),
            (
                "[selectors]\nsend_button = '#go'",
                ", line 2: selectors.send_button takes a list of CSS selectors, such as \
                 [\"[data-button-send='true']\"]",
            ),
            (
                "[selectors]\nsend_button = ['#a',\n7]",
                ", line 3: selectors.send_button takes a list",
            ),
            (
                "[selectors]\nstop_button = []",
                ", line 2: selectors.stop_button is an empty list; it takes a list of CSS selectors",
            ),
            (
                "[selectors]\nstop_button = ['']",
                ", line 2: selectors.stop_button has an empty text",
            ),
            ("[wire]\ntext = []", ", line 2: wire.text is an empty list; it takes a list of texts"),
            ("url = 7", ", line 1: url takes a text between quotes, such as \"https://poe.com\""),
            ("selectors = 3", ", line 1: selectors takes a table, under [selectors]"),
            (
                "placeholders = ['a', '(']",
                ", line 1: placeholders takes patterns, and \"(\" is none",
            ),
            ("origins = 'x'", ", line 1: origins takes a list of texts"),
            ("refusals = ['x']", ", line 1: refusals takes tables, each under [[refusals]]"),
            ("[[refusals]]\nname = 'x'", "needs the key "),
            (
                "[[states.failed]]\nname = 'x'\nadvice = 'y'\nkind = 'qouta'",
                ", line 4: states.failed.kind: unknown variant `qouta`, expected one of",
            ),
            ("[models]\nmine = 7", ", line 2: models.mine takes a text between quotes"),
            ("[selectors]\nstop_button = ['a'\n", ", line "),
            ("url = 'a'\nurl = 'b'", ", line 2: duplicate key"),
        ];
        for (text, expected) in cases {
            assert_told(text, expected);
        }
    }

    #[test]
    fn what_is_well_made_is_taken() {
        let built_in: Table = super::super::BUILT_IN.parse().expect("the built-in file is tested");
        let more = "origins = []\nplaceholders = []\n[models]\n'my model' = 'Raven'\n";
        for text in ["", super::super::BUILT_IN, more] {
            assert_eq!(check(text, &built_in), Ok(()));
        }
    }

    #[test]
    fn a_selector_is_found_again() {
        let file = "[selectors]\nsend_button = [\n  '#a',\n  '[[bad',\n]\n";
        assert_eq!(line_of(file, "[[bad"), Some(4));
        assert_eq!(line_of(file, "#b"), None);
    }
}
