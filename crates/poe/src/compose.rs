//! The hands on the prompt: typing, send and stop.

use std::time::Duration;

use lenore_browser::Page;
use lenore_provider::{Error, ErrorKind, Result};
use serde_json::{Value, json};
use url::Url;

use crate::Site;
use crate::arrive::MARGIN;
use crate::decode::PageView;
use crate::error::{browser_error, led_away, site_changed};

/// How long send may stay disabled.
const SEND: Duration = Duration::from_secs(8);
/// How many bytes of a prompt a page may take a second longer for: it lays out all of its lines.
const PACE: u64 = 100_000;
/// How long a stop may take until the page confirms it, and before that until it can be pressed.
pub(crate) const STOP: Duration = Duration::from_secs(5);
/// How long a look at the page may take.
const LOOK: Duration = Duration::from_secs(3);

/// Why send was not pressed.
#[derive(Debug)]
pub(crate) enum Unsent {
    /// Something stood in the way.
    Surely(Error),
    /// It is not known whether it was.
    Perhaps(Error),
}

impl From<Unsent> for Error {
    fn from(unsent: Unsent) -> Self {
        match unsent {
            Unsent::Surely(error) | Unsent::Perhaps(error) => error,
        }
    }
}

/// Types the prompt and presses send, once, on the page of this address and no other.
pub(crate) async fn send(page: &Page, site: &Site, url: &str, prompt: &str) -> Result<(), Unsent> {
    let path = path_of(url);
    let wait = SEND + Duration::from_secs(prompt.len() as u64 / PACE);
    let arguments = [facts(site), json!(path), json!(prompt), milliseconds(wait)];
    let outcome = page
        .call(include_str!("compose.js"), &arguments, wait + MARGIN)
        .await
        .map_err(|error| Unsent::Perhaps(browser_error(error)))?;
    Err(Unsent::Surely(match outcome["outcome"].as_str().unwrap_or_default() {
        "pressed" => {
            if let [Some(begun), Some(filled), Some(pressed)] =
                [0, 1, 2].map(|step| outcome["at"][step].as_f64())
            {
                tracing::trace!(begun, filled, pressed, "sent");
            }
            return Ok(());
        }
        "origin" => {
            let origin = outcome["origin"].as_str().unwrap_or("another site");
            return Err(Unsent::Surely(led_away(origin)));
        }
        "no_free_messages" => Error::new(
            ErrorKind::Quota,
            "the account's free messages are used up; wait for their renewal, or subscribe",
        ),
        "elsewhere" => Error::new(
            ErrorKind::UnsupportedModel,
            format!(
                "the site led to {} instead of {path}: the bot may be renamed or retired; look \
                 there for its handle",
                outcome["path"].as_str().unwrap_or("another page")
            ),
        ),
        "send_button" if prompt.trim().is_empty() => Error::new(
            ErrorKind::InvalidRequest,
            "a file comes without a text, which the page does not send; say beside it what the bot \
             is to do with it",
        ),
        "send_button" => site_changed("a send button that can be pressed"),
        _ => site_changed("the prompt box"),
    }))
}

/// What became of a stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stopped {
    Confirmed,
    Unconfirmed,
    /// There was nothing to press.
    NoButton,
}

/// Waits for the stop button, presses it, and waits until the page confirms it.
pub(crate) async fn stop(page: &Page, site: &Site, for_button: Duration) -> Result<Stopped> {
    let arguments = [facts(site), milliseconds(for_button), milliseconds(STOP)];
    let outcome = page.call(include_str!("stop.js"), &arguments, for_button + STOP + MARGIN).await;
    Ok(match outcome.map_err(browser_error)?.as_str() {
        Some("confirmed") => Stopped::Confirmed,
        Some("no_button") => Stopped::NoButton,
        _ => Stopped::Unconfirmed,
    })
}

/// Sees what the page shows of an answer.
pub(crate) async fn look(
    page: &Page,
    site: &Site,
    question: Option<&str>,
    answer: Option<&str>,
) -> Result<PageView> {
    let arguments = [facts(site), json!(question), json!(answer)];
    let view = page.call(include_str!("look.js"), &arguments, LOOK).await.map_err(browser_error)?;
    Ok(serde_json::from_value(view).unwrap_or_default())
}

/// What the scripts know of the site.
fn facts(site: &Site) -> Value {
    let selectors = &site.selectors;
    json!({
        "origins": site.allowed_origins(),
        "prompt_box": selectors.prompt_box,
        "send_button": selectors.send_button,
        "stop_button": selectors.stop_button,
        "popup_close": selectors.popup_close,
        "no_free_messages": selectors.no_free_messages,
        "dialog": selectors.dialog,
        "messages": site.messages,
    })
}

/// The path of an address, as a page tells it.
pub(crate) fn path_of(url: &str) -> String {
    Url::parse(url).map(|url| url.path().to_owned()).unwrap_or_default()
}

/// A time as a page's script takes it.
pub(crate) fn milliseconds(wait: Duration) -> Value {
    json!(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX))
}
