//! The hands on the page: arriving at the prompt box, attaching files, typing, send and stop.

use std::borrow::Cow;
use std::path::PathBuf;
use std::time::Duration;

use lenore_browser::{Page, Tap, TapEvent};
use lenore_provider::{Error, ErrorKind, Event, Result};
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::{Instant, sleep_until};
use url::Url;

use crate::Site;
use crate::decode::{self, MessageId, TapMessage};
use crate::error::{browser_error, site_changed};

/// How long a page may take until its document is there.
pub(crate) const LOAD: Duration = Duration::from_secs(30);
/// How long the prompt box may take after that.
pub(crate) const PROMPT_BOX: Duration = Duration::from_secs(10);
/// How long the page's socket may take to open before the prompt is sent all the same.
const SOCKET: Duration = Duration::from_secs(1);
/// How long the page may take to read its chat.
const READ: Duration = Duration::from_secs(5);
/// How long send may stay disabled.
const SEND: Duration = Duration::from_secs(10);
/// How long the page may take to show the files that it was given.
const UPLOAD: Duration = Duration::from_secs(120);
/// How long the files may go unheard of before they are given once more.
const UNHEARD: Duration = Duration::from_secs(1);
/// How long a stop may take until the page confirms it, and before that until it can be pressed.
pub(crate) const STOP: Duration = Duration::from_secs(5);
/// What a script may take beyond the waits inside it.
const MARGIN: Duration = Duration::from_secs(5);

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

/// Loads an address and finds out what it is.
pub(crate) async fn arrive(page: &Page, site: &Site, url: &str) -> Result<Arrival> {
    arrive_within(page, site, url, LOAD).await
}

/// The same, with another time for its document to come.
pub(crate) async fn arrive_within(
    page: &Page,
    site: &Site,
    url: &str,
    wait: Duration,
) -> Result<Arrival> {
    page.navigate(url, wait).await.map_err(|error| match browser_error(error) {
        error if error.kind() == ErrorKind::Network && site.is_https_assumed => {
            let message = format!(
                "https was assumed, since the site's address names no scheme; write http:// in \
                 front of it if the site has no TLS. {error}"
            );
            Error::new(ErrorKind::Network, message).with_source(error)
        }
        error => error,
    })?;
    check_selectors(page, site).await?;
    look(page, site, PROMPT_BOX).await
}

/// Checks that the page understands the selectors of a site file: no other program knows all that
/// a selector can be.
async fn check_selectors(page: &Page, site: &Site) -> Result<()> {
    let Some(file) = &site.file else { return Ok(()) };
    let first_bad = "(lists) => { const nowhere = document.createDocumentFragment(); \
                     for (const [key, list] of lists) for (const selector of list) { \
                       try { nowhere.querySelector(selector); } catch { return { key, selector }; } \
                     } return null; }";
    // A page that goes elsewhere meanwhile is looked at again as it is.
    let bad = page.call(first_bad, &[json!(site.all_selectors())], MARGIN).await;
    let bad = bad.unwrap_or_default();
    match (bad["key"].as_str(), bad["selector"].as_str()) {
        (Some(key), Some(selector)) => Err(Error::new(
            ErrorKind::InvalidRequest,
            format!(
                "the site file {} cannot be used: {key} holds {selector:?}, which is no CSS \
                 selector",
                file.display()
            ),
        )),
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

/// Waits until the page's socket is open, so that the site's echo of the question will be heard,
/// and until the page has read its chat, where that matters. A page that does not is not waited
/// for long. Returns what the tap told meanwhile.
pub(crate) async fn hear_socket(tap: &mut Tap, reads: bool) -> Vec<TapMessage> {
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
    let wait = if reads { READ } else { SOCKET };
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
    let is_of_chat = |chat: &String| read.is_none_or(|read| read == chat);
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

/// What the site's part of the tap tells.
pub(crate) fn understood(event: TapEvent) -> Option<TapMessage> {
    match event {
        TapEvent::Message(message) => serde_json::from_str(message.get()).ok(),
        _ => None,
    }
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

/// Gives the page files for the prompt and waits until it shows each, or the site refuses one.
pub(crate) async fn attach(
    page: &Page,
    tap: &mut Tap,
    site: &Site,
    files: &[PathBuf],
    tell: &UnboundedSender<Event>,
) -> Result<()> {
    if files.is_empty() {
        return Ok(());
    }
    give(page, site, files).await?;
    let names = files.iter().filter_map(|file| file.file_name());
    let names: Vec<_> = names.map(|name| name.to_string_lossy()).collect();
    let shows_all = "(selectors, names) => { const shown = dom.find(selectors)?.textContent ?? ''; \
                     return names.every((name) => shown.includes(name)); }";
    let arguments = [json!(site.selectors.attachments), json!(names)];
    let shown = page.call_until(shows_all, &arguments, UPLOAD);
    let (mut shown, mut is_shown, mut uploads) = (std::pin::pin!(shown), false, 0_usize);
    let end = Instant::now() + UPLOAD;
    let (mut patience, mut again) = (UNHEARD, Instant::now() + UNHEARD);
    let mut progress = Upload { names: &names, begun: 0, done: 0, tell };
    // A file can be shown before the site has it, and although it refuses it.
    while !is_shown || uploads > 0 {
        tokio::select! {
            biased;
            event = tap.next() => match uploaded(event)? {
                Some(TapMessage::Uploading) => {
                    uploads += 1;
                    progress.begins();
                }
                Some(TapMessage::Upload { .. }) => {
                    uploads = uploads.saturating_sub(1);
                    progress.ends();
                }
                _ => {}
            },
            result = &mut shown, if !is_shown => match result {
                Ok(_) => is_shown = true,
                Err(error) if error.kind() == lenore_browser::ErrorKind::Timeout => {
                    return Err(upload_timeout());
                }
                Err(error) => return Err(browser_error(error)),
            },
            () = sleep_until(again), if progress.begun == 0 && !is_shown => {
                if take_back(page, site, &names).await? {
                    tracing::debug!("the page has not heard of the files; giving them once more");
                    give(page, site, files).await?;
                }
                patience *= 2;
                again = Instant::now() + patience;
            }
            () = sleep_until(end) => return Err(upload_timeout()),
        }
    }
    Ok(())
}

/// Gives the page's input the files.
async fn give(page: &Page, site: &Site, files: &[PathBuf]) -> Result<()> {
    let inputs = &site.selectors.file_input;
    page.attach_files(inputs, files, PROMPT_BOX).await.map_err(|error| match error.kind() {
        lenore_browser::ErrorKind::Script => site_changed("the file input"),
        _ => browser_error(error),
    })
}

/// Takes the files back that lie in their input while the page shows none of them: it was not alive
/// yet when they came, and does not know of them. The same files once more would be no change.
async fn take_back(page: &Page, site: &Site, names: &[Cow<'_, str>]) -> Result<bool> {
    let look = "(inputs, selectors, names) => { \
                const shown = dom.find(selectors)?.textContent ?? ''; \
                const input = document.querySelector(inputs); \
                if (names.some((name) => shown.includes(name)) || !input?.files.length) return false; \
                input.value = ''; \
                return true; }";
    let selectors = &site.selectors;
    let inputs = json!(selectors.file_input.join(","));
    let arguments = [inputs, json!(selectors.attachments), json!(names)];
    let are_back = page.call(look, &arguments, MARGIN).await.map_err(browser_error)?;
    Ok(are_back == Value::Bool(true))
}

/// How far the files have come, for who waits. A page sends them in their order, and does not say
/// which of them it sends.
struct Upload<'a> {
    names: &'a [Cow<'a, str>],
    begun: usize,
    done: usize,
    tell: &'a UnboundedSender<Event>,
}

impl Upload<'_> {
    fn begins(&mut self) {
        let (count, number) = (self.names.len(), self.begun + 1);
        if let Some(name) = self.names.get(self.begun) {
            self.begun = number;
            self.say(match count {
                1 => format!("sending {name}"),
                _ => format!("sending {number} of {count}: {name}"),
            });
        }
    }

    fn ends(&mut self) {
        self.done += 1;
        match (self.done, self.names) {
            (1, [name]) => self.say(format!("{name} sent")),
            (done, names) if done <= names.len() => {
                self.say(format!("{done} of {} files sent", names.len()));
            }
            _ => {}
        }
    }

    fn say(&self, words: String) {
        // Who does not listen is not told.
        let _ = self.tell.send(Event::Status(words));
    }
}

fn upload_timeout() -> Error {
    let message =
        format!("the site did not take the files within {UPLOAD:?}; try fewer or smaller ones");
    Error::new(ErrorKind::Attachment, message)
}

/// What the tap tells, unless it is that the site refuses a file, or that the page is gone.
fn uploaded(event: Option<TapEvent>) -> Result<Option<TapMessage>> {
    let message = match event {
        Some(event) => understood(event),
        None => return Err(Error::new(ErrorKind::Browser, "the page is gone; ask again")),
    };
    if let Some(TapMessage::Upload { http, status, words }) = &message
        && let Some(error) = decode::of_upload(*http, status.as_deref(), words.as_deref())
    {
        return Err(error);
    }
    Ok(message)
}

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
    let path = Url::parse(url).map(|url| url.path().to_owned()).unwrap_or_default();
    let arguments = [selectors(site), json!(path), json!(prompt), milliseconds(SEND)];
    let outcome = page
        .call(include_str!("compose.js"), &arguments, SEND + MARGIN)
        .await
        .map_err(|error| Unsent::Perhaps(browser_error(error)))?;
    Err(Unsent::Surely(match outcome["outcome"].as_str().unwrap_or_default() {
        "pressed" => return Ok(()),
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
    let arguments = [selectors(site), milliseconds(for_button), milliseconds(STOP)];
    let outcome = page.call(include_str!("stop.js"), &arguments, for_button + STOP + MARGIN).await;
    Ok(match outcome.map_err(browser_error)?.as_str() {
        Some("confirmed") => Stopped::Confirmed,
        Some("no_button") => Stopped::NoButton,
        _ => Stopped::Unconfirmed,
    })
}

/// The selectors that the scripts use.
fn selectors(site: &Site) -> Value {
    let selectors = &site.selectors;
    json!({
        "prompt_box": selectors.prompt_box,
        "send_button": selectors.send_button,
        "stop_button": selectors.stop_button,
        "popup_close": selectors.popup_close,
        "no_free_messages": selectors.no_free_messages,
    })
}

fn milliseconds(wait: Duration) -> Value {
    json!(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX))
}
