//! From the name that a caller uses to the bot that the site knows.

use std::collections::BTreeMap;

use lenore_provider::{Error, ErrorKind, Result};

/// The model that an empty name stands for.
pub(crate) const DEFAULT: &str = "gpt-3.5-turbo";

/// What addresses any bot of the site by its own name: `poe/<Handle>`.
const HANDLE_PREFIX: &str = "poe/";

/// How many near names an error offers.
const NEAREST: usize = 3;

/// A name is near to another that differs in one of so many letters, at most,
const LETTERS: usize = 3;

/// and to one that it is a part of, from so many letters.
const PART: usize = 4;

/// The bot that answers for a model.
///
/// # Errors
/// [`ErrorKind::UnsupportedModel`], with the nearest names.
pub(crate) fn bot_of(models: &BTreeMap<String, String>, model: &str) -> Result<String> {
    let model = if model.is_empty() { DEFAULT } else { model };
    if let Some(handle) = model.strip_prefix(HANDLE_PREFIX) {
        return checked_handle(handle);
    }
    models.get(model).cloned().ok_or_else(|| {
        let advice = match &*near(models, model) {
            [] => "`lenore models` lists those that there are".to_owned(),
            [name] => format!("did you mean {name}?"),
            names => format!("near to it are {}", names.join(", ")),
        };
        let handle = "any bot of the site is poe/<Handle>, such as poe/Claude-3-Opus";
        let message = format!("no model is called {model:?}; {advice} ({handle})");
        Error::new(ErrorKind::UnsupportedModel, message)
    })
}

/// The names that may have been meant, the nearest first.
fn near<'a>(models: &'a BTreeMap<String, String>, model: &str) -> Vec<&'a str> {
    let plain = |name: &str| -> String {
        name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let wanted = plain(model);
    let distance = |name: &'a String| {
        let plain = plain(name);
        let (shorter, longer) =
            if plain.len() < wanted.len() { (&plain, &wanted) } else { (&wanted, &plain) };
        let is_part = shorter.len() >= PART && longer.contains(shorter);
        let distance = strsim::osa_distance(shorter, longer);
        let is_near = is_part || distance * LETTERS <= longer.chars().count();
        (is_near && !shorter.is_empty()).then_some((distance, name.as_str()))
    };
    let mut near: Vec<_> = models.keys().filter_map(distance).collect();
    near.sort_unstable();
    near.into_iter().take(NEAREST).map(|(_, name)| name).collect()
}

/// A handle becomes part of an address, so only what handles are made of is let through.
fn checked_handle(handle: &str) -> Result<String> {
    if is_handle(handle) {
        return Ok(handle.to_owned());
    }
    Err(Error::new(
        ErrorKind::UnsupportedModel,
        format!(
            "{handle:?} is no bot's handle; a handle is the last part of the bot's address on the \
             site, made of letters, digits, '-', '_' and '.'"
        ),
    ))
}

/// Whether a text can be a bot's handle.
pub(crate) fn is_handle(text: &str) -> bool {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    !text.is_empty()
        && text.len() <= 100
        && text.chars().all(is_plain)
        && text.chars().any(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Site;

    fn bot(model: &str) -> Result<String> {
        bot_of(&Site::poe().models, model)
    }

    #[test]
    fn the_table_is_the_original_providers() {
        let table = [
            ("meta-llama/Llama-2-7b-chat-hf", "Llama-2-7b"),
            ("meta-llama/Llama-2-13b-chat-hf", "Llama-2-13b"),
            ("meta-llama/Llama-2-70b-chat-hf", "Llama-2-70b"),
            ("codellama/CodeLlama-7b-Instruct-hf", "Code-Llama-7b"),
            ("codellama/CodeLlama-13b-Instruct-hf", "Code-Llama-13b"),
            ("codellama/CodeLlama-34b-Instruct-hf", "Code-Llama-34b"),
            ("gpt-3.5-turbo", "GPT-3.5-Turbo"),
            ("gpt-3.5-turbo-instruct", "GPT-3.5-Turbo-Instruct"),
            ("gpt-4", "GPT-4"),
            ("palm", "Google-PaLM"),
        ];
        for (model, expected) in table {
            assert_eq!(bot(model).expect(model), expected);
        }
        assert_eq!(Site::poe().models.len(), table.len());
        assert_eq!(bot("").expect("the default"), "GPT-3.5-Turbo");
    }

    #[test]
    fn any_bot_goes_by_its_handle() {
        assert_eq!(bot("poe/Claude-3-Opus").expect("a handle"), "Claude-3-Opus");
        for bad in ["poe/", "poe/../login", "poe/a/b", "poe/a?b", "poe/..", "poe/a b"] {
            assert_eq!(bot(bad).expect_err(bad).kind(), ErrorKind::UnsupportedModel);
        }
    }

    #[test]
    fn an_unknown_name_is_told_its_nearest() {
        let cases = [
            ("gpt4", "did you mean gpt-4?"),
            ("GPT-5", "did you mean gpt-4?"),
            ("pall", "did you mean palm?"),
            ("llama-2-7b", "did you mean meta-llama/Llama-2-7b-chat-hf?"),
            ("gpt-3.5", "near to it are gpt-3.5-turbo, gpt-3.5-turbo-instruct"),
        ];
        for (name, expected) in cases {
            let error = bot(name).expect_err("unknown");
            assert_eq!(error.kind(), ErrorKind::UnsupportedModel);
            assert!(error.to_string().contains(expected), "{error}");
        }
        for name in ["zzz", "nope", "claude-3-opus", "-", "日本"] {
            let error = bot(name).expect_err("unknown");
            assert!(error.to_string().contains("; `lenore models` lists"), "{error}");
        }
    }
}
