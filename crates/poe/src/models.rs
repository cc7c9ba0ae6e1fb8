//! From the name that a caller uses to the bot that the site knows.

use std::collections::BTreeMap;

use lenore_provider::{Error, ErrorKind, Result};

/// The model that an empty name stands for.
pub(crate) const DEFAULT: &str = "gpt-3.5-turbo";

/// What addresses any bot of the site by its own name: `poe/<Handle>`.
const HANDLE_PREFIX: &str = "poe/";

/// How many near names an error offers.
const NEAREST: usize = 3;

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
        let mut near: Vec<_> = models.keys().collect();
        let likeness =
            |name: &str| strsim::jaro_winkler(&name.to_lowercase(), &model.to_lowercase());
        near.sort_by(|a, b| likeness(b).total_cmp(&likeness(a)));
        let near = near.into_iter().take(NEAREST).map(String::as_str).collect::<Vec<_>>();
        Error::new(
            ErrorKind::UnsupportedModel,
            format!(
                "no model is called {model:?}; near to it are {}. Any bot of the site is \
                 poe/<Handle>, such as poe/Claude-3-Opus",
                near.join(", ")
            ),
        )
    })
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
        let error = bot("gpt4").expect_err("unknown");
        assert_eq!(error.kind(), ErrorKind::UnsupportedModel);
        assert!(error.to_string().contains("near to it are gpt-4"), "{error}");
    }
}
