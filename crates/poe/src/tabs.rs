//! The places of answers, in fair order, and the tabs that type: kept warm between two questions,
//! renewed before they grow old.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use lenore_browser::{Page, Tap, TapEvent};
use lenore_provider::{Error, ErrorKind, Result};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

/// How many tabs are left where their last answer ended, so that its next turn finds them there,
/// when another is to wait at the prompt. Each of them costs the answers of the others, whose
/// updates it hears, too.
const AT_CHATS: usize = 1;
/// The same where a conversation has gone on in one of them, as it may again.
const WHERE_ONE_GOES_ON: usize = 2;
/// While more answers run than these, one idle tab is enough: each hears all of them.
const MANY: usize = 4;
/// How long a question waits for others to be typed and sent. Then it has a tab all the same, so
/// that pages that take long hold up nobody for ever.
const WRITER: Duration = Duration::from_secs(20);
/// A tab that is older is closed.
const OLD: Duration = Duration::from_secs(30 * 60);
/// A tab that had so many answers is closed.
const WORN: u32 = 50;
/// A tab is closed that had answers of so many bytes together.
const FAT: usize = 4_000_000;
/// What a caller is told to wait who finds the queue full. An answer takes some such time.
const TRY_AGAIN: Duration = Duration::from_secs(10);

/// A tab with the tap in place, and where it is.
#[derive(Debug)]
pub(crate) struct Tab {
    pub(crate) page: Page,
    pub(crate) tap: Tap,
    /// The address of the prompt that waits in it; empty where that is not known.
    pub(crate) at: String,
    /// The handle of the bot that has answered there, where that is known.
    pub(crate) bot: Option<String>,
    /// Whether its last question went on with a chat.
    pub(crate) goes_on: bool,
    opened: Instant,
    answers: u32,
    bytes: usize,
    /// Counts it for as long as it lives.
    _counted: Arc<()>,
}

impl Tab {
    /// What the tap has told and nobody has taken yet; `None` where the page is gone.
    pub(crate) fn told(&mut self) -> Option<Vec<TapEvent>> {
        let mut told = Vec::new();
        loop {
            match self.tap.next().now_or_never() {
                Some(event) => told.push(event?),
                None => return Some(told),
            }
        }
    }

    fn is_fit(&self) -> bool {
        self.page.is_open()
            && self.opened.elapsed() < OLD
            && self.answers < WORN
            && self.bytes < FAT
    }
}

/// A tab that can be brought to another address.
#[derive(Debug)]
pub(crate) enum Spare {
    /// None is needed there.
    None,
    /// A new one.
    New,
    /// One that is needed least where it is.
    Tab(Tab),
}

/// The right to one of the tabs. Whoever asks next gets it when this is dropped.
#[derive(Debug)]
pub(crate) struct Place(#[expect(dead_code, reason = "held")] OwnedSemaphorePermit);

/// The right to type in a tab.
#[derive(Debug)]
pub(crate) struct Writer(#[expect(dead_code, reason = "held")] OwnedSemaphorePermit);

/// All tabs that no question has at present, and the count of the others.
#[derive(Debug)]
pub(crate) struct Tabs {
    limit: usize,
    queue: usize,
    places: Arc<Semaphore>,
    /// How many type at once, and are kept.
    most_writers: usize,
    writers: Arc<Semaphore>,
    /// Held by each tab.
    count: Arc<()>,
    waiting: AtomicUsize,
    /// The one that was used last is last.
    idle: Mutex<VecDeque<Tab>>,
}

impl Tabs {
    /// `limit` questions at once, and `queue` more that wait for them; `writers` of them are typed
    /// at once.
    pub(crate) fn new(limit: usize, queue: usize, writers: usize) -> Self {
        Self {
            limit,
            queue,
            places: Arc::new(Semaphore::new(limit)),
            most_writers: writers,
            writers: Arc::new(Semaphore::new(writers)),
            count: Arc::default(),
            waiting: AtomicUsize::new(0),
            idle: Mutex::default(),
        }
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// A tab of a page that was opened for it.
    pub(crate) fn tab(&self, (page, tap): (Page, Tap)) -> Tab {
        let (at, opened, counted) = (String::new(), Instant::now(), self.count.clone());
        let (answers, bytes) = (0, 0);
        Tab { page, tap, at, bot: None, goes_on: false, opened, answers, bytes, _counted: counted }
    }

    /// How many tabs there are.
    pub(crate) fn open(&self) -> usize {
        let gone = self.lock().iter().filter(|tab| !tab.page.is_open()).count();
        (Arc::strong_count(&self.count) - 1).saturating_sub(gone)
    }

    /// How many tabs are kept for questions to come.
    pub(crate) fn most_idle(&self) -> usize {
        self.most_writers.min(self.limit)
    }

    /// The turn to type, in the order of asking; `None` where it does not come in time.
    pub(crate) async fn writer(&self) -> Option<Writer> {
        let turn = timeout(WRITER, self.writers.clone().acquire_owned()).await;
        turn.ok()?.ok().map(Writer)
    }

    /// How many questions can wait for a place.
    pub(crate) fn queue(&self) -> usize {
        self.queue
    }

    /// How many questions have a place.
    pub(crate) fn running(&self) -> usize {
        self.limit - self.places.available_permits()
    }

    /// How many questions wait for a place.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// How many of them wait at an address.
    pub(crate) fn idle_at(&self, url: &str) -> usize {
        self.lock().iter().filter(|tab| tab.at == url && tab.is_fit()).count()
    }

    /// A place, where one is free and nobody waits for it.
    pub(crate) fn free_place(&self) -> Option<Place> {
        self.places.clone().try_acquire_owned().ok().map(Place)
    }

    /// A place in the queue.
    ///
    /// # Errors
    /// [`ErrorKind::RateLimited`] where too many wait already.
    pub(crate) fn line_up(&self) -> Result<Waiting<'_>> {
        let waiting = Waiting(self);
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        if before < self.queue {
            return Ok(waiting);
        }
        let message = format!(
            "{} answers are running and {before} questions wait for them; ask again later, or \
             allow more at once with --max-chats",
            self.limit
        );
        Err(Error::new(ErrorKind::RateLimited, message).with_retry_after(TRY_AGAIN))
    }

    /// What can be brought to an address ahead of the next question there: one tab waits there,
    /// and a few may stay where they are.
    pub(crate) fn spare(&self, url: &str) -> Spare {
        let open = self.open();
        let mut idle = self.lock();
        idle.retain(Tab::is_fit);
        if self.running() > MANY && !idle.is_empty() {
            let kept = idle.iter().rposition(|tab| tab.at == url).unwrap_or(0);
            idle.swap(0, kept);
            idle.truncate(1);
        }
        let goes_on = |tab: &Tab| tab.goes_on && tab.at != url;
        let elsewhere = idle.iter().filter(|tab| tab.at != url).count();
        let may_stay = if idle.iter().any(goes_on) { WHERE_ONE_GOES_ON } else { AT_CHATS };
        let may_open = open < self.limit;
        if elsewhere < idle.len() && elsewhere <= may_stay {
            return Spare::None;
        }
        if elsewhere <= may_stay && may_open {
            return Spare::New;
        }
        let oldest = idle
            .iter()
            .position(|tab| tab.at != url && !tab.goes_on)
            .or_else(|| idle.iter().position(goes_on));
        oldest.and_then(|at| idle.remove(at)).map_or(Spare::None, Spare::Tab)
    }

    /// The idle tab that is at an address.
    pub(crate) fn take_at(&self, url: &str) -> Option<Tab> {
        self.take(|idle| idle.iter().rposition(|tab| tab.at == url))
    }

    /// The idle tab that is needed least where it is; where a conversation has gone on, only if
    /// there is no room for another tab.
    pub(crate) fn take_any(&self) -> Option<Tab> {
        let has_room = self.open() < self.limit;
        self.take(|idle| idle.iter().position(|tab| !tab.goes_on || !has_room))
    }

    fn take(&self, choose: impl Fn(&VecDeque<Tab>) -> Option<usize>) -> Option<Tab> {
        let mut idle = self.lock();
        idle.retain(Tab::is_fit);
        let at = choose(&idle)?;
        idle.remove(at)
    }

    /// Takes a tab back.
    pub(crate) fn put_back(&self, tab: Tab) {
        let mut idle = self.lock();
        idle.push_back(tab);
        idle.retain(Tab::is_fit);
        if idle.len() > self.most_idle() {
            let oldest = idle.iter().position(|tab| !tab.goes_on).unwrap_or(0);
            idle.remove(oldest);
        }
    }

    /// Takes a tab back after an answer of so many bytes.
    pub(crate) fn put_back_used(&self, mut tab: Tab, bytes: usize) {
        tab.answers += 1;
        tab.bytes += bytes;
        self.put_back(tab);
    }

    /// Closes all idle tabs.
    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<Tab>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One who waits for a place, counted for as long as this lives.
#[derive(Debug)]
pub(crate) struct Waiting<'a>(&'a Tabs);

impl Waiting<'_> {
    /// The place, in the order of asking.
    pub(crate) async fn place(self) -> Result<Place> {
        let permit = self.0.places.clone().acquire_owned().await;
        permit.map(Place).map_err(|_| Error::new(ErrorKind::Browser, "the provider is closed"))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}
