//! One page that listens for all answers: the site's channel is the account's, so that any page of
//! the account hears every chat, in whichever session of a browser it is open.

mod room;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use lenore_browser::{Page, Tap, TapEvent};
use lenore_provider::{Error, ErrorKind, Result};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use crate::arrive::{self, Arrival, Reading};
use crate::context::Context;
use crate::decode::TapMessage;
use crate::models;

pub(crate) use self::room::News;
use self::room::Room;

/// How long a listener may take to open, and how long none is tried after one that did not.
const OPENING: Duration = Duration::from_secs(5);
const TRY_AGAIN: Duration = Duration::from_secs(60);
/// A listener that heard nothing of so many complete answers in a row is none: each page may hear
/// its own chat alone, or the page is not what it was.
const DEAF: usize = 3;
/// A listener is renewed that is older, or has told so many bytes: its page keeps what it hears.
const OLD: Duration = Duration::from_secs(30 * 60);
const FAT: usize = 8_000_000;

/// The page that listens, where there is one.
#[derive(Debug, Default)]
pub(crate) struct Listener {
    current: Mutex<Option<Arc<Hearing>>>,
    /// Held while one is opened; when that last failed.
    failed: tokio::sync::Mutex<Option<Instant>>,
    is_renewing: AtomicBool,
}

/// A page that listens. It stays open for as long as it is the current one or has subscribers.
#[derive(Debug)]
struct Hearing {
    page: Page,
    opened: Instant,
    bytes: AtomicUsize,
    /// Of how many complete answers in a row it has heard nothing.
    unheard: AtomicUsize,
    room: Mutex<Room>,
}

impl Listener {
    /// Begins to listen for the answer to a question that is still to be sent, where more than one
    /// runs: opens a listener then, if there is none. A single answer needs no page but its own.
    pub(crate) async fn subscribe(&self, poe: &Arc<Context>) -> Option<Subscription> {
        if let Some(hearing) = self.current() {
            if hearing.unheard.load(Ordering::Relaxed) >= DEAF {
                tracing::debug!("the listener hears nothing; each answer keeps its tab");
                *self.failed.lock().await = Some(Instant::now());
                self.close();
                return None;
            }
            if hearing.is_worn() {
                self.renew(poe);
            }
            return Some(hearing.subscribe());
        }
        if poe.tabs.running() < 2 {
            return None;
        }
        self.open(poe).await;
        self.current().map(Hearing::subscribe)
    }

    /// Opens a listener, where there is none.
    pub(crate) async fn open(&self, poe: &Context) {
        let mut failed = self.failed.lock().await;
        let is_useless = failed.is_some_and(|failed| failed.elapsed() < TRY_AGAIN);
        if self.current().is_some() || is_useless {
            return;
        }
        *failed = self.open_another(poe).await.err().map(|error| {
            tracing::debug!(%error, "no page listens; each answer keeps its tab");
            Instant::now()
        });
    }

    /// Has another opened in the background. The old one lives until its last answer ends.
    fn renew(&self, poe: &Arc<Context>) {
        if self.is_renewing.swap(true, Ordering::AcqRel) {
            return;
        }
        let (poe, lease) = (poe.clone(), poe.session.lease());
        tokio::spawn(async move {
            let opened = tokio::select! {
                () = poe.closing() => Ok(()),
                opened = poe.listener.open_another(&poe) => opened,
            };
            if let Err(error) = opened {
                tracing::debug!(%error, "the listener could not be renewed");
            }
            poe.listener.is_renewing.store(false, Ordering::Release);
            drop(lease);
        });
    }

    async fn open_another(&self, poe: &Context) -> Result<()> {
        let opened = timeout(OPENING, open(poe)).await;
        let (page, tap) = opened
            .map_err(|_| Error::new(ErrorKind::Timeout, "opening the listener took too long"))??;
        let hearing = Arc::new(Hearing {
            page,
            opened: Instant::now(),
            bytes: AtomicUsize::new(0),
            unheard: AtomicUsize::new(0),
            room: Mutex::default(),
        });
        tokio::spawn(hear(Arc::downgrade(&hearing), tap));
        tracing::debug!("a page listens");
        *self.lock() = Some(hearing);
        Ok(())
    }

    /// Lets the page go.
    pub(crate) fn close(&self) {
        self.lock().take();
    }

    /// How many pages listen.
    pub(crate) fn pages(&self) -> usize {
        usize::from(self.current().is_some())
    }

    fn current(&self) -> Option<Arc<Hearing>> {
        let mut current = self.lock();
        current.take_if(|hearing| !hearing.page.is_open());
        current.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<Hearing>>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Opens a page that hears all chats, at the default bot's prompt.
async fn open(poe: &Context) -> Result<(Page, Tap)> {
    let (page, mut tap) = poe.open_listening_page().await?;
    let url = poe.site.bot_url(&models::bot_of(&poe.site.models, "")?);
    let arrival = poe.arrive(&page, &url).await?;
    let told = arrive::hear_socket(&mut tap, Reading::Unneeded).await;
    let is_open = told.iter().any(|message| matches!(message, TapMessage::Socket { open: true }));
    if arrival == Arrival::PromptBox && is_open {
        return Ok((page, tap));
    }
    Err(Error::new(ErrorKind::Browser, "the page has no socket to listen to"))
}

/// Hands on what the page tells, until it is gone or nobody wants it.
async fn hear(hearing: Weak<Hearing>, mut tap: Tap) {
    while let Some(event) = tap.next().await {
        let Some(hearing) = hearing.upgrade() else { return };
        match event {
            TapEvent::Message(message) => {
                let bytes = message.get().len();
                hearing.bytes.fetch_add(bytes, Ordering::Relaxed);
                if let Some(message) = arrive::understood_message(&message) {
                    hearing.room().hear(News::Message(Arc::new(message)), bytes);
                }
            }
            TapEvent::Opened => {
                let why = "the listener's page has loaded itself anew".to_owned();
                let mut room = hearing.room();
                room.hear(News::Opened, 0);
                room.hear(News::Message(Arc::new(TapMessage::Gap { why })), 0);
            }
            _ => hearing.room().end(),
        }
    }
    if let Some(hearing) = hearing.upgrade() {
        tracing::debug!("the page that listened is gone");
        hearing.room().end();
    }
}

impl Hearing {
    fn subscribe(self: Arc<Self>) -> Subscription {
        let (id, news) = self.room().subscribe();
        Subscription { hearing: self, id, news }
    }

    fn is_worn(&self) -> bool {
        self.opened.elapsed() >= OLD || self.bytes.load(Ordering::Relaxed) >= FAT
    }

    fn room(&self) -> MutexGuard<'_, Room> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One answer's part in what the listener hears.
#[derive(Debug)]
pub(crate) struct Subscription {
    hearing: Arc<Hearing>,
    id: u64,
    news: mpsc::Receiver<News>,
}

impl Subscription {
    /// Says what is known of the question: its nonce, or the chat.
    pub(crate) fn claim(&self, nonce: Option<&str>, chat: Option<&str>) {
        self.hearing.room().claim(self.id, nonce, chat);
    }

    /// The answer is complete: whether the listener has heard anything of it.
    pub(crate) fn was_heard(&self, anything: bool) {
        let unheard = &self.hearing.unheard;
        if anything {
            unheard.store(0, Ordering::Relaxed);
        } else {
            unheard.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The next news of the chat, from the first on. `None` where the listener is gone, or
    /// something is missing. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Option<News> {
        self.news.recv().await
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.hearing.room().leave(self.id);
    }
}
