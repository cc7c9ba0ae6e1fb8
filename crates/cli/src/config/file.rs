//! The settings' file: where it is, and what is in it.

use std::io;
use std::path::{Path, PathBuf};

use lenore::Result;
use serde_json::{Map, Value};

use crate::args::Shared;
use crate::paths::{config_dir, invalid};
use crate::serve::ServeSettings;

/// The file's name in the directory of the settings.
const NAME: &str = "config.toml";

/// How like a known key an unknown one must be to be taken for it.
const LIKENESS: f64 = 0.85;

/// The file that is named, else the usual one, whether it exists or not.
pub(super) fn path(given: &Shared) -> Result<PathBuf> {
    given.config.clone().map_or_else(|| Ok(config_dir()?.join(NAME)), Ok)
}

/// What the file says; nothing, where the usual file does not exist.
pub(super) fn read(given: &Shared) -> Result<Shared> {
    // Somebody without a home directory has no file there.
    let Ok(path) = path(given) else { return Ok(Shared::default()) };
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound && given.config.is_none() => {
            return Ok(Shared::default());
        }
        Err(error) => {
            let path = path.display();
            return Err(invalid(format!("the settings' file {path} cannot be read: {error}")));
        }
    };
    let mut file: Shared = toml::from_str(&text)
        .map_err(|error| invalid(format!("{}{}", path.display(), explained(&text, &error))))?;
    let base = path.parent().unwrap_or(Path::new(""));
    let keys_file = &mut file.serve.keys_file;
    for path in [&mut file.site_file, &mut file.user_data_dir, &mut file.cookies, keys_file] {
        *path = path.take().map(|path| placed(base, path));
    }
    // The bare name of a program is looked up by the system.
    let is_bare = |path: &PathBuf| path.components().count() == 1;
    for program in [&mut file.browser_binary, &mut file.browser_driver] {
        if let Some(path) = program.take_if(|path| !is_bare(path)) {
            *program = Some(placed(base, path));
        }
    }
    Ok(file)
}

/// Whether the file gives a setting.
pub(super) fn names(file: &Shared, name: &str) -> bool {
    let nothing = settings(&Shared::default());
    settings(file).get(name).is_some_and(|value| nothing.get(name) != Some(value))
}

/// Each key with its value.
pub(super) fn settings(shared: &Shared) -> Map<String, Value> {
    match serde_json::to_value(shared) {
        Ok(Value::Object(settings)) => settings,
        // A path that is no text.
        _ => Map::new(),
    }
}

/// Paths in the file begin where the file is, or at home.
fn placed(base: &Path, path: PathBuf) -> PathBuf {
    match (path.strip_prefix("~"), std::env::home_dir()) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => base.join(path),
    }
}

/// What is wrong, with the line, and with the key that was probably meant.
fn explained(text: &str, error: &toml::de::Error) -> String {
    let mut message = error.message().trim().replace('\n', "; ");
    let repeats_value = ["invalid type", "invalid value", "unknown variant"];
    if repeats_value.iter().any(|beginning| message.starts_with(beginning)) {
        // The value may be a secret at the wrong place.
        let expected = message.rsplit_once(", expected ").map_or("something else", |(_, it)| it);
        message = format!("this is not what belongs here; expected {expected}");
    }
    let Some(span) = error.span() else { return format!(": {message}") };
    let line = text.get(..span.start).unwrap_or(text).matches('\n').count() + 1;
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
    fn every_setting_can_stand_in_the_file() {
        let text = r#"
            model = "gpt-4"
            profile = "work"
            provider = "poe-api"
            log = false
            plain = true
            site = "http://127.0.0.1:1"
            site_file = "site.toml"
            user_data_dir = "p"
            headed = true
            proxy = "http://127.0.0.1:2"
            proxy_bypass = "*.example.org"
            browser = "firefox"
            browser_binary = "b"
            browser_driver = "d"
            browser_arg = ["--mute-audio"]
            cdp = "c"
            webdriver = "w"
            webdriver_session = "s"
            webdriver_capabilities.browserName = "firefox"
            chats_per_session = 3
            cookies = "session.json"
            timeout = 7
            max_chats = 2
            patience = 9
            aliases.fast = "poe/Raven"
            serve.listen = "127.0.0.1:1"
        "#;
        let file: Shared = toml::from_str(text).expect("valid");
        let keys = settings(&Shared::default());
        assert!(keys.keys().all(|key| names(&file, key)), "{file:#?}");
    }

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
                ", line 2: this is not what belongs here; expected u64",
            ),
            ("provider = 'x, expected y'", "; expected `poe` or `poe-api`"),
            ("webdriver_capabilities = 's3cret'", "; expected a map"),
            ("[[webdriver_capabilities]]\nkey = 's3cret'", "; expected a map"),
            ("proxy = [\"s3cret\"]", "; expected a string"),
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
