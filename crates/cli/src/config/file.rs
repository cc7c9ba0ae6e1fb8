//! The settings' file: where it is, and what is in it.

use std::collections::BTreeMap;
use std::io;
use std::iter::successors;
use std::path::{Path, PathBuf};

use lenore::Result;
use serde_json::{Map, Value};

use super::mistake::{explained, key_of};
use crate::args::Shared;
use crate::paths::{config_dir, invalid, read_text};

/// The file's name in the directory of the settings.
const NAME: &str = "config.toml";

/// The file that is named, else the usual one, whether it exists or not.
pub(super) fn path(given: &Shared) -> Result<PathBuf> {
    given.config.clone().map_or_else(|| Ok(config_dir()?.join(NAME)), Ok)
}

/// What the file says; nothing, where the usual file does not exist.
pub(super) fn read(given: &Shared) -> Result<Shared> {
    // Somebody without a home directory has no file there.
    let Ok(path) = path(given) else { return Ok(Shared::default()) };
    let text = match read_text(&path) {
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
    if let Some(names) = circle(&file.aliases) {
        return Err(invalid(format!(
            "{}: the aliases {} stand for each other, and for no model",
            path.display(),
            names.join(" and ")
        )));
    }
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

/// Aliases that stand for each other.
fn circle(aliases: &BTreeMap<String, String>) -> Option<Vec<&str>> {
    aliases.keys().find_map(|name| {
        let meant = |name: &&str| aliases.get(*name).map(String::as_str);
        let names: Vec<_> =
            successors(Some(name.as_str()), meant).take(aliases.len() + 1).collect();
        let again = names[1..].iter().position(|next| next == name)?;
        // A name may well stand for itself.
        (again > 0).then(|| names[..=again].to_vec())
    })
}

/// The file, and the line where it gives a setting.
pub(super) fn place(path: &Path, key: &str) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    match text.lines().position(|line| key_of(line) == Some(key)) {
        Some(at) => format!("{}, line {}", path.display(), at + 1),
        None => path.display().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::mistake::explained;
    use super::*;

    /// What stands where no secret belongs.
    const SECRET: &str = "hunter2-of-mine";

    /// A value of a form that some setting takes, and some that none does.
    fn value() -> impl Strategy<Value = String> {
        let forms = [
            "true",
            "0",
            "-3",
            "7",
            "1.5",
            "1979-05-27",
            "''",
            "[]",
            "{}",
            "{ a = 1 }",
            "[1, 'x']",
            "'http://127.0.0.1:1'",
            "'poe/Raven'",
            "'9999999999'",
            "nan",
            "99999999999999999999",
        ];
        let forms = forms.map(str::to_owned);
        prop_oneof![
            5 => prop::sample::select(forms.to_vec()),
            2 => Just(format!("'{SECRET}'")),
            1 => Just(format!("['{SECRET}']")),
            1 => Just(format!("{{ browserName = '{SECRET}' }}")),
        ]
    }

    fn line() -> impl Strategy<Value = String> {
        let mut keys: Vec<_> = settings(&Shared::default()).keys().cloned().collect();
        let more = ["serve.listen", "serve.grace", "aliases.a", "modle", "log.x", "\"é\"", "a b"];
        keys.extend(more.map(str::to_owned));
        let key = prop::sample::select(keys);
        let others = ["[serve]", "[aliases]", "[[serve]]", "# words", "=", "", "a = \"", "[x"];
        prop_oneof![
            8 => (key, value()).prop_map(|(key, value)| format!("{key} = {value}")),
            1 => prop::sample::select(others.to_vec()).prop_map(str::to_owned),
            1 => "\\PC{0,20}",
        ]
    }

    proptest! {
        #[test]
        fn any_file_is_read_or_explained_without_its_values(
            lines in prop::collection::vec(line(), 0..6),
        ) {
            let text = lines.join("\n");
            match toml::from_str::<Shared>(&text) {
                Ok(file) => {
                    settings(&file);
                    let _ = circle(&file.aliases);
                }
                Err(error) => {
                    let told = explained(&text, &error);
                    prop_assert!(told.starts_with(':') || told.starts_with(", line"), "{}", told);
                    prop_assert!(!told.contains(SECRET), "{}", told);
                    prop_assert!(!told.contains('\n'), "{}", told);
                }
            }
        }
    }

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
    fn aliases_that_lead_nowhere_are_found() {
        let found = |text: &str| {
            let file: Shared = toml::from_str(text).expect("valid");
            circle(&file.aliases).map(|names| names.join(" "))
        };
        assert_eq!(found("[aliases]\na = 'b'\nb = 'a'").as_deref(), Some("a b"));
        assert_eq!(
            found("[aliases]\nx = 'a'\na = 'b'\nb = 'c'\nc = 'a'").as_deref(),
            Some("a b c")
        );
        assert_eq!(found("[aliases]\ngpt-4 = 'gpt-4'\nx = 'gpt-4'"), None);
        assert_eq!(found("[aliases]\nx = 'y'\ny = 'palm'"), None);
    }
}
