//! Arriving at a page: loading it, seeing what it is, and hearing it before it is spoken to.

use std::time::Duration;

use lenore_browser::{Navigation, Page, Shows, Tap, TapEvent};
use lenore_provider::{Error, ErrorKind, Result};
use serde_json::json;
use serde_json::value::RawValue;
use url::Url;

use crate::Site;
use crate::decode::{MessageId, TapMessage};
use crate::error::{browser_error, led_away, site_changed};
use crate::site::mistake;

/// How long a page may take until its document is there.
pub(crate) const LOAD: Duration = Duration::from_secs(30);
/// How long the prompt box may take after that.
pub(crate) const PROMPT_BOX: Duration = Duration::from_secs(8);
/// How long a page that the site forbids may take to show a human check.
const FORBIDDEN: Duration = Duration::from_secs(2);
/// How long the page's socket may take to open before the prompt is sent all the same.
const SOCKET: Duration = Duration::from_secs(1);
/// How long the page may take to read its chat.
const READ: Duration = Duration::from_secs(5);
/// What a script may take beyond the waits inside it.
pub(crate) const MARGIN: Duration = Duration::from_secs(5);

/// What a page turns out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    PromptBox,
    SignedOut,
    UnknownBot,
    Challenge,
    NoAccess,
    /// None of them by the deadline.
    Nothing,
}

/// Loads an address, waiting so long for its document, and finds out what it is.
pub(crate) async fn arrive(page: &Page, site: &Site, url: &str, wait: Duration) -> Result<Arrival> {
    let answer = page.navigate(url, wait).await;
    let answer = answer.map_err(|error| not_loaded(site, url, wait, error))?;
    if !site.is_allowed(&answer.url) {
        return Err(led_away(&title_of(page, &answer.url).await));
    }
    if site.is_login(&answer.url) {
        return Ok(Arrival::SignedOut);
    }
    check_selectors(page, site).await?;
    let forbidden = match answered(url, &answer)? {
        Answered::Page => return look(page, site, PROMPT_BOX).await,
        Answered::UnknownBot => return Ok(Arrival::UnknownBot),
        Answered::SignedOut => return Ok(Arrival::SignedOut),
        Answered::Forbidden(error) => error,
    };
    // A human check comes with the same status, and shows itself.
    match look(page, site, FORBIDDEN).await? {
        Arrival::Nothing => Err(forbidden),
        arrival => Ok(arrival),
    }
}

/// What the site answered to the request for a page.
enum Answered {
    Page,
    UnknownBot,
    SignedOut,
    Forbidden(Error),
}

/// Reads the status of the site's answer.
fn answered(url: &str, answer: &Navigation) -> Result<Answered> {
    let failed = |kind, message: String| Err(Error::new(kind, message));
    match (answer.shows, answer.status) {
        (_, Some(401)) => Ok(Answered::SignedOut),
        (_, Some(403)) => Ok(Answered::Forbidden(Error::new(
            ErrorKind::NoAccess,
            format!(
                "the site forbids the page {url} (HTTP 403); nothing was sent. Open it in a window \
                 (`lenore login`) to see why"
            ),
        ))),
        (_, Some(404 | 410)) => Ok(Answered::UnknownBot),
        (_, Some(429)) => {
            let message = "the site asks to slow down (HTTP 429); nothing was sent, so wait a \
                           little and ask again";
            let error = Error::new(ErrorKind::RateLimited, message);
            Err(match answer.retry_after() {
                Some(wait) => error.with_retry_after(wait),
                None => error,
            })
        }
        (_, Some(status @ 400..)) => failed(
            ErrorKind::Bot,
            format!("the site failed (HTTP {status}); nothing was sent, so try again in a moment"),
        ),
        (Shows::NoContent, _) => failed(
            ErrorKind::SiteChanged,
            format!("the site answered without a page for {url}; nothing was sent"),
        ),
        (Shows::Download, _) => failed(
            ErrorKind::SiteChanged,
            format!("the site answered with a file in place of the page {url}; nothing was sent"),
        ),
        _ => Ok(Answered::Page),
    }
}

/// Makes sure that a page is the site's own, before it is given anything: a script may have led it
/// elsewhere since it was loaded.
pub(crate) async fn check_origin(page: &Page, site: &Site) -> Result<()> {
    let told = page.call_until("() => location.origin", &[], MARGIN).await;
    let told = told.map_err(browser_error)?;
    let origin = told.as_str().unwrap_or_default();
    match site.allowed_origins().iter().any(|allowed| allowed == origin) {
        true => Ok(()),
        false => Err(led_away(origin)),
    }
}

/// The origin of an address, and the title of the page that it led to.
async fn title_of(page: &Page, url: &str) -> String {
    let origin = Url::parse(url).map(|url| url.origin().ascii_serialization());
    let origin = origin.unwrap_or_else(|_| "another site".to_owned());
    let title = page.call("() => document.title", &[], MARGIN).await.ok();
    let title = title.as_ref().and_then(|title| title.as_str()).unwrap_or_default().trim();
    match title.floor_char_boundary(100) {
        0 => origin,
        end => format!("{origin} ({:?})", &title[..end]),
    }
}

/// The error of a page that could not be loaded.
fn not_loaded(site: &Site, url: &str, wait: Duration, error: lenore_browser::Error) -> Error {
    let error = browser_error(error);
    let message = match error.kind() {
        ErrorKind::Network if site.is_https_assumed => format!(
            "https was assumed, since the site's address names no scheme; write http:// in front \
             of it if the site has no TLS. {url}: {error}"
        ),
        ErrorKind::Network => format!("{url}: {error}"),
        ErrorKind::Timeout => format!(
            "{url} was not loaded within {} s, and nothing was sent; try again, or allow more time",
            wait.as_secs()
        ),
        _ => return error,
    };
    Error::new(error.kind(), message).with_source(error)
}

/// Checks that the page understands the selectors of a site file: no other program knows all that
/// a selector can be.
pub(crate) async fn check_selectors(page: &Page, site: &Site) -> Result<()> {
    let Some(file) = &site.file else { return Ok(()) };
    let first_bad = "(lists) => { const nowhere = document.createDocumentFragment(); \
                     for (const [key, list] of lists) for (const selector of list) { \
                       try { nowhere.querySelector(selector); } catch { return { key, selector }; } \
                     } return null; }";
    // A page that goes elsewhere meanwhile is looked at again as it is.
    let bad = page.call(first_bad, &[json!(site.all_selectors())], MARGIN).await;
    let bad = bad.unwrap_or_default();
    match (bad["key"].as_str(), bad["selector"].as_str()) {
        (Some(key), Some(selector)) => {
            let text = std::fs::read_to_string(file).unwrap_or_default();
            let line = mistake::line_of(&text, selector);
            let line = line.map(|line| format!(", line {line}")).unwrap_or_default();
            let known = Site::poe();
            let known = known.all_selectors().into_iter().find(|(name, _)| *name == key);
            let example = known.and_then(|(_, list)| list.first().cloned()).unwrap_or_default();
            Err(Error::new(
                ErrorKind::InvalidRequest,
                format!(
                    "the site file {}{line}: {key} holds {selector:?}, which is no CSS selector; \
                     one looks like {example:?}",
                    file.display()
                ),
            ))
        }
        _ => Ok(()),
    }
}

/// Waits until the page shows what it is.
pub(crate) async fn look(page: &Page, site: &Site, wait: Duration) -> Result<Arrival> {
    let selectors = &site.selectors;
    let lists: [&[String]; 5] = [
        &selectors.prompt_box,
        &selectors.signed_out,
        &selectors.unknown_bot,
        &selectors.challenge,
        &selectors.no_access,
    ];
    match page.wait_for_any(&lists, wait).await {
        Ok(0) => Ok(Arrival::PromptBox),
        Ok(1) => Ok(Arrival::SignedOut),
        Ok(2) => Ok(Arrival::UnknownBot),
        Ok(3) => Ok(Arrival::Challenge),
        Ok(_) => Ok(Arrival::NoAccess),
        Err(error) if error.kind() == lenore_browser::ErrorKind::Timeout => Ok(Arrival::Nothing),
        Err(error) => Err(browser_error(error)),
    }
}

/// Whether the page should have read its chat before it is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    Unneeded,
    /// It is of use, and not waited for longer than the page's socket.
    Welcome,
    Awaited,
}

/// Waits until the page's socket is open, so that the site's echo of the question will be heard,
/// and until the page has read its chat, where that matters. A page that does not is not waited
/// for long. Returns what the tap told meanwhile.
pub(crate) async fn hear_socket(tap: &mut Tap, reading: Reading) -> Vec<TapMessage> {
    let reads = reading != Reading::Unneeded;
    let mut told = Vec::new();
    let (mut is_open, mut has_read) = (false, !reads);
    let heard = async {
        while let Some(event) = tap.next().await {
            // What comes before it is the last document's.
            if matches!(event, TapEvent::Opened) {
                (is_open, has_read) = (false, !reads);
                told.clear();
            }
            let Some(message) = understood(event) else { continue };
            is_open |= matches!(message, TapMessage::Socket { open: true });
            has_read |= matches!(message, TapMessage::Read { .. });
            told.push(message);
            if is_open && has_read {
                return;
            }
        }
    };
    let wait = if reading == Reading::Awaited { READ } else { SOCKET };
    if tokio::time::timeout(wait, heard).await.is_err() {
        tracing::debug!("the page's socket is not open yet, or its chat not read");
    }
    told
}

/// Checks that a chat still ends with the answer that a conversation knows. `told` is what the tap
/// told of the chat: since that answer, or from the beginning where the page has just read it.
pub(crate) fn check_newest(told: &[TapMessage], after: &str, is_read: bool) -> Result<()> {
    let read = told.iter().find_map(|message| match message {
        TapMessage::Read(info) => Some(&info.chat),
        _ => None,
    });
    let is_of_chat = |chat: &Option<String>| read.is_none_or(|read| read == chat);
    let ids = told.iter().filter_map(|message| match message {
        TapMessage::Message(update) if is_of_chat(&update.chat) => Some(MessageId::new(&update.id)),
        _ => None,
    });
    let (newest, after) = (ids.max(), MessageId::new(after));
    let is_same = match newest {
        Some(newest) => newest == after || (!is_read && newest < after),
        None => !is_read,
    };
    if is_same && (!is_read || read.is_some()) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::InvalidRequest, "the chat has gone on elsewhere"))
}

/// Checks that a chat is with the bot that is asked for, where the page has told whose it is.
pub(crate) fn check_bot(told: &[TapMessage], code: &str, bot: &str) -> Result<()> {
    let handle = told.iter().rev().find_map(|message| match message {
        TapMessage::Read(info) if info.code.as_deref() == Some(code) => info.handle.as_deref(),
        _ => None,
    });
    match handle.filter(|handle| !handle.eq_ignore_ascii_case(bot)) {
        Some(other) => Err(Error::new(
            ErrorKind::InvalidRequest,
            format!(
                "this chat is with {other}, not with {bot}; name no other bot to go on with it, or \
                 ask {bot} in a new chat"
            ),
        )),
        None => Ok(()),
    }
}

/// What the site's part of the tap tells.
pub(crate) fn understood(event: TapEvent) -> Option<TapMessage> {
    match event {
        TapEvent::Message(message) => understood_message(&message),
        _ => None,
    }
}

pub(crate) fn understood_message(message: &RawValue) -> Option<TapMessage> {
    let understood = serde_json::from_str(message.get());
    understood
        .inspect_err(|error| tracing::debug!(%error, "a message of the tap is not understood"))
        .ok()
}

/// The error of a page that shows nothing that is known, to somebody who is signed in.
pub(crate) async fn nothing_known(page: &Page) -> Error {
    let status = "() => performance.getEntriesByType('navigation')[0]?.responseStatus";
    let status = page.call(status, &[], MARGIN).await.ok().and_then(|status| status.as_u64());
    match status {
        Some(status @ 500..) => Error::new(
            ErrorKind::Bot,
            format!("the site failed (HTTP {status}); nothing was sent, so try again in a moment"),
        ),
        _ => site_changed("the prompt box"),
    }
}
