//! A recording: the shape of all that a page's calls and sockets carried while a question was
//! answered. `record.js` takes it and redacts it inside the page; here it is put together.

use serde_json::{Value, json};

use super::Check;
use crate::Site;

/// The version of the form of a recording. One that only adds keys keeps the number.
const VERSION: u64 = 1;

/// Words that are nobody's secret, beside those of the built-in facts.
const WORDS: &str = include_str!("words.txt");

/// The recorder's script, as a function of `emit`, which tells all when the page hears `token`;
/// names that are in no recording too, where that `mends` a site file.
pub(super) fn script(site: &Site, token: &str, mends: bool) -> String {
    let wire = &site.wire;
    let table = |keys: &[&[String]], more: &[&str]| {
        let keys = keys.iter().flat_map(|keys| keys.iter().map(String::as_str));
        let table = keys.chain(more.iter().copied()).map(|key| (key.to_owned(), json!(true)));
        Value::Object(table.collect())
    };
    let words = ["queryName", "operationName", "poe-queryname", "__typename"];
    let options = json!({
        "known": words_of(&Site::poe()),
        "wordKeys": table(&[&wire.subscription, &wire.unique_id, &wire.entry_kind, &wire.status], &words),
        "idKeys": table(&[&wire.message_id, &wire.chat_id, &wire.job_id], &["cursor"]),
        "padding": table(&[&wire.padding], &[]),
        "inline": wire.inline,
        "origins": site.allowed_origins(),
        "token": token,
        "mends": mends,
    });
    format!("(emit) => ({})(emit, {options})", include_str!("record.js"))
}

/// The words that may be told wherever they stand. They are of the built-in facts: a site file is
/// the user's own text.
fn words_of(site: &Site) -> Vec<String> {
    let states = &site.states;
    let routes = [&site.routes.bot, &site.routes.chat, &site.routes.login];
    let routes = routes.into_iter().flat_map(|route| {
        let path = route.split(['?', '#']).next().unwrap_or_default();
        path.split('/').filter(|part| !part.is_empty() && !part.contains('{'))
    });
    let failures = states.failed.iter().chain(&site.refusals).map(|failure| &failure.name);
    let listed =
        WORDS.lines().map(str::trim).filter(|word| !word.is_empty() && !word.starts_with('#'));
    let mut words: Vec<String> = strings(&json!(site.wire));
    words.extend(states.growing.iter().chain(&states.complete).chain(failures).cloned());
    words.extend(routes.chain(listed).map(str::to_owned));
    words.sort();
    words.dedup();
    words
}

fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(list) => list.iter().flat_map(strings).collect(),
        Value::Object(fields) => fields.values().flat_map(strings).collect(),
        _ => Vec::new(),
    }
}

/// The lines of a recording's file, each a JSON object: which form it has, what happened, what the
/// page's elements are like, how the checks ended, and the end.
pub(super) fn lines(
    browser: Option<&str>,
    shapes: &[Value],
    elements: Option<&Value>,
    checks: &[Check],
) -> Vec<String> {
    let mut lines = vec![json!({
        "lenore_recording": VERSION,
        "program": env!("CARGO_PKG_VERSION"),
        "browser": browser,
    })];
    lines.extend(shapes.iter().cloned());
    if let Some(elements) = elements {
        lines.push(json!({ "k": "elements", "elements": elements }));
    }
    for check in checks {
        lines.push(json!({ "k": "check", "check": check.name, "outcome": check.outcome.as_str() }));
    }
    lines.push(json!({ "k": "end", "lines": lines.len() + 1 }));
    lines.iter().map(Value::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_those_of_the_built_in_facts() {
        let words = words_of(&Site::poe());
        for word in ["messageAdded", "incomplete", "chat", "login", "reached_limit", "poe-formkey"]
        {
            assert!(words.iter().any(|known| known == word), "{word}");
        }
        assert!(
            !words.iter().any(|word| word.contains('{') || word.contains(' ') && word.len() < 20)
        );
    }

    #[test]
    fn the_last_line_tells_how_many_there_are() {
        let lines = lines(Some("Chrome 1"), &[json!({ "k": "document" })], None, &[]);
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[2], r#"{"k":"end","lines":3}"#);
    }
}
