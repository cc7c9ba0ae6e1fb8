//! What can be shown of a page to others: its structure, without its words.

use std::time::Duration;

use lenore_browser::Page;
use serde_json::{Value, json};

use super::page::Open;
use crate::Site;

/// How long each look at the page may take.
const LOOK: Duration = Duration::from_secs(10);

/// What was gathered, redacted.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    /// The document's structure.
    pub(super) page: Option<String>,
    /// A picture, as PNG.
    pub(super) screenshot: Option<Vec<u8>>,
    /// What the tap told: kinds and sizes.
    pub(super) tap: Vec<String>,
}

impl Open {
    /// Closes the page; before, gathers what can be shown of it, where that is wanted.
    pub(super) async fn leave(self, gather: bool) -> Evidence {
        let Self { page, recorder } = self;
        let mut evidence = Evidence::default();
        if gather {
            evidence.page = structure(&page).await;
            evidence.screenshot = picture(&page).await;
            evidence.tap = recorder.into_lines();
        }
        if let Err(error) = page.close(LOOK).await {
            tracing::debug!(%error, "the page was gone already");
        }
        evidence
    }
}

async fn structure(page: &Page) -> Option<String> {
    // The built-in facts: a site file is the user's own text.
    let words = json!(words_of(&Site::poe()));
    match page.call(include_str!("redact.js"), &[words], LOOK).await {
        Ok(Value::String(html)) => Some(html),
        Ok(_) => None,
        Err(error) => {
            tracing::debug!(%error, "the page's structure cannot be had");
            None
        }
    }
}

/// A picture, only if nothing in it can be read.
async fn picture(page: &Page) -> Option<Vec<u8>> {
    match page.call(include_str!("veil.js"), &[], LOOK).await {
        Ok(Value::Bool(true)) => {}
        other => {
            tracing::debug!(?other, "the page's text cannot be hidden, so there is no picture");
            return None;
        }
    }
    page.screenshot(LOOK).await.inspect_err(|error| tracing::debug!(%error, "no picture")).ok()
}

/// The words that we look for ourselves, which are therefore nobody's secret: the fixed parts of
/// routes, and the names in selectors.
fn words_of(site: &Site) -> Vec<String> {
    let selectors = &site.selectors;
    let lists = [
        &selectors.prompt_box,
        &selectors.challenge,
        &selectors.signed_out,
        &selectors.unknown_bot,
        &selectors.code_box,
    ];
    let routes = &site.routes;
    let routes = [&routes.bot, &routes.chat, &routes.login].map(|route| {
        let path = route.split(['?', '#']).next().unwrap_or_default();
        path.split('/').filter(|part| !part.contains('{')).collect::<Vec<_>>().join(" ")
    });
    let selectors = lists.into_iter().flatten().map(String::as_str);
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let mut words: Vec<_> = selectors
        .chain(routes.iter().map(String::as_str))
        .flat_map(|text| text.split(|c| !is_part(c)))
        .filter(|word| word.len() > 1)
        .map(str::to_owned)
        .collect();
    words.sort();
    words.dedup();
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_ours() {
        let words = words_of(&Site::poe());
        for word in ["chat", "login", "challenge-form", "one-time-code"] {
            assert!(words.iter().any(|known| known == word), "{word} in {words:?}");
        }
        assert!(!words.iter().any(|word| word == "bot" || word == "redirect_url"), "{words:?}");
    }
}
