//! Files for the prompt: given to the page, and awaited until the site has them.

use std::borrow::Cow;
use std::path::PathBuf;
use std::time::Duration;

use lenore_browser::{Page, Tap, TapEvent};
use lenore_provider::{Error, ErrorKind, Event, Result};
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::{Instant, sleep_until};

use crate::Site;
use crate::arrive::{MARGIN, PROMPT_BOX, check_origin, understood};
use crate::decode::{self, TapMessage, WireFacts};
use crate::error::{browser_error, site_changed};

/// How long the page may take to show the files that it was given.
const UPLOAD: Duration = Duration::from_secs(120);
/// How long the files may go unheard of before they are given once more.
const UNHEARD: Duration = Duration::from_secs(1);

/// Gives the page files for the prompt and waits until it shows each, or the site refuses one.
pub(crate) async fn attach(
    page: &Page,
    tap: &mut Tap,
    site: &Site,
    facts: &WireFacts,
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
            event = tap.next() => match uploaded(facts, event)? {
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
    check_origin(page, site).await?;
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
fn uploaded(facts: &WireFacts, event: Option<TapEvent>) -> Result<Option<TapMessage>> {
    let message = match event {
        Some(event) => understood(event),
        None => return Err(Error::new(ErrorKind::Browser, "the page is gone; ask again")),
    };
    if let Some(TapMessage::Upload { http, taken: false, status, words }) = &message {
        return Err(decode::of_upload(facts, *http, status.as_deref(), words.as_deref()));
    }
    Ok(message)
}
