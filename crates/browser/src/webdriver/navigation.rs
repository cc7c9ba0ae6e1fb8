//! Loading an address, and what came of it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::bidi::{Of, Subscribed};
use super::page::BidiPage;
use crate::navigation::{Answer, Navigation, Shows};
use crate::reasons::network_error;
use crate::{Error, ErrorKind, Result};

/// The document's address, which for Firefox's error pages is not the one in the bar.
const ADDRESS: &str = "document.documentURI";

/// What tells of the answers to requests.
const ANSWERS: &str = "network.responseStarted";

/// The world in which a document is looked at, whatever its scripts have changed in their own.
const WORLD: &str = "lenore";

/// Waits until the page is there that tells of a failed navigation, so that the next navigation is
/// not taken for it. The load of Firefox's error pages never ends.
const SETTLED: &str = "document.readyState !== 'loading' || \
    new Promise((resolve) => addEventListener('DOMContentLoaded', () => setTimeout(resolve)))";

/// How Firefox's error pages are addressed.
const ERROR_PAGES: &[&str] = &["about:neterror?e=", "about:certerror?e="];

/// How long a failed navigation may take to settle.
const SETTLING: Duration = Duration::from_secs(2);

impl BidiPage {
    /// Loads an address and returns when its document is there, or it is known that none comes.
    pub(super) async fn go_to(&self, url: &str, wait: Duration) -> Result<Navigation> {
        let end = Instant::now() + wait;
        let left = || end.saturating_duration_since(Instant::now());
        // Only meanwhile: they come with all that a page receives.
        let answers = self.hear_answers(left()).await?;
        let params = json!({ "url": url, "wait": "interactive" });
        let navigated: Result<Value> = self.call("browsingContext.navigate", params, left()).await;
        self.ignore_answers(answers);
        let answer = self.connection.take_answer(&self.context);
        self.arrived(url, navigated, answer, end).await.map_err(|error| match &self.through {
            Some(through) => through.explain(error, url),
            None => error,
        })
    }

    /// What came of a navigation.
    async fn arrived(
        &self,
        url: &str,
        navigated: Result<Value>,
        answer: Option<Answer>,
        end: Instant,
    ) -> Result<Navigation> {
        let left = || end.saturating_duration_since(Instant::now());
        if let (Some(through), Some(answer)) = (&self.through, &answer) {
            through.check(url, answer.status)?;
        }
        match (navigated, answer) {
            // Firefox calls it a success where it shows nothing of the answer, too.
            (Ok(_), Some(answer)) => {
                let shows = answer.unshown().unwrap_or(Shows::Document);
                Ok(Navigation::of(answer, shows))
            }
            (Ok(_), None) => self.check(url, left()).await,
            (Err(error), answer) if error.kind() == ErrorKind::Protocol => {
                let unshown = answer.as_ref().and_then(Answer::unshown);
                if let (Some(answer), Some(shows)) = (answer, unshown) {
                    return Ok(Navigation::of(answer, shows));
                }
                let _ = self.value(SETTLED, left().min(SETTLING)).await;
                let said = error.to_string();
                Err(network_error(said.rsplit(": ").next().unwrap_or(&said)))
            }
            (Err(error), _) => Err(error),
        }
    }

    /// What came of a navigation that the browser calls a success though no site answered, as
    /// Firefox does with its error pages.
    async fn check(&self, url: &str, wait: Duration) -> Result<Navigation> {
        let params = json!({
            "expression": ADDRESS,
            "target": { "context": self.context, "sandbox": WORLD },
            "awaitPromise": false,
        });
        let of = Of::Context(&self.context);
        let found = self.connection.call::<Value>(of, "script.evaluate", params, wait).await;
        let found = match found {
            Ok(found) => found,
            // The document is gone again: it was there.
            Err(error) if error.kind() == ErrorKind::Navigated => {
                return Ok(Navigation::without_answer(url));
            }
            Err(error) => return Err(error),
        };
        let address = found["result"]["value"].as_str().unwrap_or_default();
        match ERROR_PAGES.iter().find_map(|page| address.strip_prefix(page)) {
            Some(reason) => Err(network_error(reason.split('&').next().unwrap_or_default())),
            None => Ok(Navigation::without_answer(url)),
        }
    }

    async fn hear_answers(&self, wait: Duration) -> Result<Subscribed> {
        self.connection.await_answer(&self.context);
        let params = json!({ "events": [ANSWERS], "contexts": [self.context] });
        let heard =
            self.connection.call(Of::Context(&self.context), "session.subscribe", params, wait);
        heard.await.map_err(|error: Error| self.or_crashed(error))
    }

    fn ignore_answers(&self, Subscribed { subscription }: Subscribed) {
        let params = match subscription {
            Some(subscription) => json!({ "subscriptions": [subscription] }),
            None => json!({ "events": [ANSWERS], "contexts": [self.context] }),
        };
        self.connection.post("session.unsubscribe", &params);
    }
}
