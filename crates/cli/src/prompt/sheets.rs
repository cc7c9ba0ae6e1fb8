//! Roles and templates: texts in the settings' directory that are used again and again.
//!
//! Each is a file `NAME.md`. It may begin with settings in TOML between two lines `+++`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use lenore::Result;
use regex_lite::{Captures, Regex};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::paths::{config_dir, invalid, read_text};

/// What stands around the settings at a text's beginning.
const FRONT: &str = "+++\n";

/// The name that stands for what is asked.
const INPUT: &str = "input";

/// Instructions for a bot.
#[derive(Debug)]
pub(super) struct Role {
    /// The instructions.
    pub(super) text: String,
    /// The model that goes with it.
    pub(super) model: Option<String>,
}

/// A prompt with places to fill.
#[derive(Debug)]
pub(super) struct Template {
    name: String,
    text: String,
    vars: BTreeMap<String, String>,
    /// The model that goes with it.
    pub(super) model: Option<String>,
    /// The role that goes with it.
    pub(super) role: Option<String>,
    /// The instructions that go with it.
    pub(super) system: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RoleFront {
    model: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct TemplateFront {
    model: Option<String>,
    role: Option<String>,
    system: Option<String>,
    vars: BTreeMap<String, String>,
}

impl Role {
    pub(super) fn read(name: &str) -> Result<Self> {
        let (front, text) = read::<RoleFront>("role", name)?;
        Ok(Self { text: text.trim_end().to_owned(), model: front.model })
    }
}

impl Template {
    pub(super) fn read(name: &str) -> Result<Self> {
        let (front, text) = read::<TemplateFront>("template", name)?;
        let TemplateFront { model, role, system, vars } = front;
        Ok(Self {
            name: name.to_owned(),
            text: text.trim_end().to_owned(),
            vars,
            model,
            role,
            system,
        })
    }

    /// The template with everything in its place. What is asked follows it where it has no place.
    pub(super) fn fill(&self, vars: &[(String, String)], input: &str) -> Result<String> {
        let places = places();
        let mut values = self.vars.clone();
        values.extend(vars.iter().cloned());
        values.insert(INPUT.into(), input.to_owned());
        let wanted: Vec<_> =
            places.captures_iter(&self.text).map(|found| found[1].to_owned()).collect();
        if let Some((name, _)) = vars.iter().find(|(name, _)| !wanted.contains(name)) {
            let there = wanted.iter().filter(|name| *name != INPUT).cloned();
            return Err(invalid(format!(
                "the template {} has no place for {name:?}{}",
                self.name,
                listed("; it has places for ", there.collect())
            )));
        }
        let mut missing: Vec<_> =
            wanted.iter().filter(|name| !values.contains_key(*name)).collect();
        missing.dedup();
        if let [first, ..] = &missing[..] {
            let all = listed("", missing.iter().copied().cloned().collect());
            return Err(invalid(format!(
                "the template {} also wants {all}; say --var {first}=…",
                self.name
            )));
        }
        let value = |found: &Captures<'_>| values.get(&found[1]).cloned().unwrap_or_default();
        let filled = places.replace_all(&self.text, value).into_owned();
        let has_place = wanted.iter().any(|name| name == INPUT) || input.is_empty();
        Ok(if has_place { filled } else { format!("{filled}\n\n{input}") })
    }
}

/// A place in a template: a name between double braces.
fn places() -> Regex {
    Regex::new(r"\{\{\s*([A-Za-z_][A-Za-z0-9_-]*)\s*\}\}").expect("a constant that is tested")
}

fn listed(before: &str, mut names: Vec<String>) -> String {
    names.sort();
    names.dedup();
    if names.is_empty() { String::new() } else { format!("{before}{}", names.join(", ")) }
}

/// The settings and the text of a role or a template.
fn read<F: DeserializeOwned + Default>(kind: &str, name: &str) -> Result<(F, String)> {
    let directory = config_dir()?.join(format!("{kind}s"));
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    let is_name = !name.is_empty() && !name.starts_with('.') && name.chars().all(is_plain);
    let path = directory.join(format!("{name}.md"));
    if !is_name || !path.exists() {
        let place = directory.display();
        let there = listed("; there are ", names(&directory));
        return Err(invalid(format!("there is no {kind} {name:?} in {place}{there}")));
    }
    let refused = |why: &dyn std::fmt::Display| invalid(format!("{}: {why}", path.display()));
    let text = read_text(&path).map_err(|error| refused(&error))?;
    let text = text.replace("\r\n", "\n");
    let Some(rest) = text.strip_prefix(FRONT) else { return Ok((F::default(), text)) };
    let (front, text) = match rest.strip_prefix(FRONT) {
        Some(text) => ("", text),
        None => rest
            .split_once(&format!("\n{FRONT}"))
            .ok_or_else(|| refused(&"its settings have no end; it is a line +++"))?,
    };
    let front = toml::from_str(front).map_err(|error| refused(&error.message()))?;
    Ok((front, text.trim_start_matches('\n').to_owned()))
}

/// The names that there are.
fn names(directory: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let name = |entry: fs::DirEntry| {
        entry.file_name().to_str().and_then(|name| name.strip_suffix(".md")).map(str::to_owned)
    };
    entries.flatten().filter_map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(text: &str) -> Template {
        let vars = BTreeMap::from([("tone".into(), "kind".into())]);
        let (name, text) = ("t".into(), text.into());
        Template { name, text, vars, model: None, role: None, system: None }
    }

    fn fill(text: &str, vars: &[(&str, &str)], input: &str) -> Result<String> {
        let vars: Vec<_> = vars.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        template(text).fill(&vars, input)
    }

    #[test]
    fn everything_goes_to_its_place_and_nothing_is_filled_twice() {
        let filled = fill("{{tone}}, {{ lang }}: {{input}}!", &[("lang", "{{input}}")], "{{tone}}");
        assert_eq!(filled.expect("all is there"), "kind, {{input}}: {{tone}}!");
        let filled = fill("Be {{tone}}.", &[("tone", "brief")], "Why?").expect("all is there");
        assert_eq!(filled, "Be brief.\n\nWhy?", "the question follows");
        let filled = fill("{{ 1 }} { {x} } {{}} {{a b}}", &[], "").expect("no place in it");
        assert_eq!(filled, "{{ 1 }} { {x} } {{}} {{a b}}");
    }

    #[test]
    fn what_is_missing_or_too_much_is_said() {
        let error = fill("{{b}} {{a}} {{tone}} {{a}}", &[], "x").expect_err("two are missing");
        assert_eq!(error.to_string(), "the template t also wants a, b; say --var b=…");
        let error = fill("{{tone}} {{input}}", &[("tune", "x")], "y").expect_err("a slip");
        assert!(
            error.to_string().contains("no place for \"tune\"; it has places for tone"),
            "{error}"
        );
    }
}
