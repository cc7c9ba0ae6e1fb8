//! Loading an address, and what came of it.

use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};

use super::page::BidiPage;
use crate::reasons::network_error;
use crate::{ErrorKind, Result};

/// What a document is: its address, which for Firefox's error pages is not the one in the bar, and
/// the status that it came with.
const WHAT_IT_IS: &str = "({ address: document.documentURI, status: \
    performance.getEntriesByType('navigation')[0]?.responseStatus ?? 0 })";

/// Waits until the page is there that tells of a failed navigation, so that the next navigation is
/// not taken for it. The load of Firefox's error pages never ends.
const SETTLED: &str = "document.readyState !== 'loading' || \
    new Promise((resolve) => addEventListener('DOMContentLoaded', () => setTimeout(resolve)))";

/// How Firefox's error pages are addressed.
const ERROR_PAGES: &[&str] = &["about:neterror?e=", "about:certerror?e="];

/// How long a failed navigation may take to settle.
const SETTLING: Duration = Duration::from_secs(2);

#[derive(Deserialize)]
struct WhatItIs {
    address: String,
    status: u64,
}

impl BidiPage {
    /// Loads an address and returns when its document is there.
    pub(super) async fn go_to(&self, url: &str, wait: Duration) -> Result<()> {
        let end = Instant::now() + wait;
        let left = || end.saturating_duration_since(Instant::now());
        let params = json!({ "url": url, "wait": "interactive" });
        let navigated: Result<Value> = self.call("browsingContext.navigate", params, wait).await;
        let navigated = match navigated {
            Ok(_) => self.check(url, left()).await,
            Err(error) if error.kind() == ErrorKind::Protocol => {
                let _ = self.value(SETTLED, left().min(SETTLING)).await;
                let said = error.to_string();
                Err(network_error(said.rsplit(": ").next().unwrap_or(&said)))
            }
            Err(error) => Err(error),
        };
        navigated.map_err(|error| match &self.through {
            Some(through) => through.explain(error, url),
            None => error,
        })
    }

    /// What came of a navigation that the browser calls a success, as Firefox does with its error
    /// pages.
    async fn check(&self, url: &str, wait: Duration) -> Result<()> {
        let found = match self.value(WHAT_IT_IS, wait).await {
            Ok(found) => serde_json::from_value::<WhatItIs>(found),
            // The document is gone again: it was there.
            Err(error) if error.kind() == ErrorKind::Navigated => return Ok(()),
            Err(error) => return Err(error),
        };
        let Ok(WhatItIs { address, status }) = found else { return Ok(()) };
        if let Some(reason) = ERROR_PAGES.iter().find_map(|page| address.strip_prefix(page)) {
            return Err(network_error(reason.split('&').next().unwrap_or_default()));
        }
        self.through.as_ref().map_or(Ok(()), |through| through.check(url, status))
    }
}
