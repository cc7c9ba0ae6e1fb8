//! What is wrong in the settings' file, in words that help to mend it.

use super::file::settings;
use crate::args::Shared;
use crate::serve::ServeSettings;

/// How like a known key an unknown one must be to be taken for it.
const LIKENESS: f64 = 0.85;

/// The key of a line that gives a setting.
pub(super) fn key_of(line: &str) -> Option<&str> {
    let (key, _) = line.split_once('=')?;
    let key = key.trim();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    (!key.is_empty() && key.chars().all(is_plain)).then_some(key)
}

/// What a setting takes, by what was expected in its place.
fn wanted(key: &str, expected: &str) -> String {
    match (key, expected) {
        ("timeout", _) => "a number of seconds, at least 1".into(),
        ("patience" | "grace", _) => "a number of seconds".into(),
        (_, "u64" | "usize" | "u16" | "i64") => "a whole number".into(),
        (_, it) if it.starts_with("a nonzero") => "a whole number, at least 1".into(),
        (_, "a boolean") => "true or false".into(),
        (_, "a string") => "a text between quotes".into(),
        (_, "a sequence") => "a list in brackets".into(),
        (_, "a map") => "a table".into(),
        (_, it) => it.into(),
    }
}

/// What is wrong, with the line, and with the key that was probably meant.
pub(super) fn explained(text: &str, error: &toml::de::Error) -> String {
    let mut message = error.message().trim().replace('\n', "; ");
    let number =
        error.span().map(|span| text.get(..span.start).unwrap_or(text).matches('\n').count());
    let repeats_value = ["invalid type", "invalid value", "unknown variant"];
    if repeats_value.iter().any(|beginning| message.starts_with(beginning)) {
        // The value may be a secret at the wrong place.
        let expected = message.rsplit_once(", expected ").map_or("something else", |(_, it)| it);
        let key = number.and_then(|number| text.lines().nth(number)).and_then(key_of);
        message = match key {
            Some(key) => format!("{key} takes {}", wanted(key, expected)),
            None => format!("this is not what belongs here; expected {}", wanted("", expected)),
        };
    }
    let (Some(span), Some(number)) = (error.span(), number) else {
        return format!(": {message}");
    };
    let line = number + 1;
    if !message.starts_with("unknown field") {
        return format!(", line {line}: {message}");
    }
    let key = text.get(span).unwrap_or_default();
    let known = settings(&Shared::default());
    let likeness = |name: &&String| strsim::jaro_winkler(name, key);
    let near = known.keys().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    let advice = match near {
        _ if ServeSettings::KEYS.contains(&key) => "; it belongs under [serve]".to_owned(),
        Some(near) if likeness(&near) > LIKENESS => format!("; did you mean {near}?"),
        _ => "; `lenore config` lists those that there are".to_owned(),
    };
    format!(", line {line}: there is no setting called {key}{advice}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_told_with_its_line() {
        let cases = [
            (
                "\n\nmodle = 'gpt-4'",
                ", line 3: there is no setting called modle; did you mean model?",
            ),
            ("\nlisten = '127.0.0.1:1'", ", line 2: there is no setting called listen; it belongs"),
            ("lissten = 1", "; `lenore config` lists"),
            ("[serve]\nlisten = 'x'", ", line 2: "),
            ("zzz = 1", ", line 1: there is no setting called zzz; `lenore config` lists"),
            (
                "model = 'a'\ntimeout = 'soon'",
                ", line 2: timeout takes a number of seconds, at least 1",
            ),
            ("timeout = -1", ", line 1: timeout takes a number of seconds, at least 1"),
            ("timeout = 0", ", line 1: timeout takes a number of seconds, at least 1"),
            ("\nmax_chats = 0", ", line 2: max_chats takes a whole number, at least 1"),
            ("headed = 'x,'", ", line 1: headed takes true or false"),
            ("provider = 'x, expected y'", "provider takes `poe` or `poe-api`"),
            ("webdriver_capabilities = 's3cret'", "webdriver_capabilities takes a table"),
            ("[[webdriver_capabilities]]\nkey = 's3cret'", "; expected a table"),
            ("proxy = [\"s3cret\"]", "proxy takes a text between quotes"),
            ("\nproxy = http://ann:s3cret@h", ", line 2: "),
            ("proxy = \"http://ann:s3cret@h", ", line 1: "),
            ("[proxy.'s3cret']\nx = 1\n[proxy]", ": this is not what belongs here; expected"),
            ("model = ", ", line 1: "),
            ("model = 1\nmodel = 2", "line"),
        ];
        for (text, expected) in cases {
            let error = toml::from_str::<Shared>(text).expect_err(text);
            let explained = explained(text, &error);
            assert!(explained.contains(expected), "{text:?}: {explained}");
            let is_repeated = ["s3cret", "soon", "x,"].iter().any(|it| explained.contains(it));
            assert!(!is_repeated, "{text:?}: {explained}");
        }
    }
}
