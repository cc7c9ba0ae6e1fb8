//! What the tasks that answer share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::try_join_all;
use lenore_browser::{Page, Tap};
use lenore_provider::Result;
use serde_json::json;
use tokio::sync::{Mutex, Semaphore, watch};

use crate::Site;
use crate::arrive::{self, Arrival, LOAD, Reading};
use crate::conversations::Conversations;
use crate::decode::WireFacts;
use crate::listener::Listener;
use crate::pace::Pace;
use crate::session::Session;
use crate::tabs::{Spare, Tab, Tabs};

/// The site, the browser session with its tabs, and what ends both.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) site: Site,
    pub(crate) facts: WireFacts,
    // Before the session: fields drop in order, and tabs close while there is a browser.
    pub(crate) tabs: Tabs,
    pub(crate) listener: Listener,
    pub(crate) session: Arc<Session>,
    pub(crate) pace: Pace,
    pub(crate) conversations: Conversations,
    /// The longest silence that is borne, where the caller does not say.
    pub(crate) silence: Duration,
    pub(crate) closing: watch::Sender<bool>,
    /// How many pages are loaded at once, so that a burst of new ones starves nobody.
    pub(crate) arriving: Semaphore,
    /// How many questions there were.
    pub(crate) asked: AtomicUsize,
    /// Held while a tab is brought to a prompt ahead of the next question.
    pub(crate) warming: Mutex<()>,
    /// Whether that is to begin.
    pub(crate) is_warm_up_due: AtomicBool,
}

impl Context {
    /// A new page with the tap in place.
    pub(crate) async fn open_page(&self) -> Result<(Page, Tap)> {
        self.open_tapped(false, None).await
    }

    /// The same, with one more script behind the tap's: a function of `emit`.
    pub(crate) async fn open_page_with(&self, script: Option<&str>) -> Result<(Page, Tap)> {
        self.open_tapped(false, script).await
    }

    /// A new page whose tap tells of all chats.
    pub(crate) async fn open_listening_page(&self) -> Result<(Page, Tap)> {
        self.open_tapped(true, None).await
    }

    async fn open_tapped(&self, listens: bool, script: Option<&str>) -> Result<(Page, Tap)> {
        let chat_path = self.site.routes.chat.split_once("{chat}").map(|(before, _)| before);
        let options = json!({
            "wire": self.site.tap_names(),
            "chatPath": chat_path.unwrap_or("/"),
            "origins": self.site.allowed_origins(),
            "listens": listens,
        });
        let mut preload = format!("({})(emit, {options});", include_str!("tap.js"));
        if let Some(script) = script {
            preload.push_str(&format!("({script})(emit);"));
        }
        let preload = format!("(emit) => {{ {preload} }}");
        self.session.open_page(&preload).await
    }

    /// A new tab.
    pub(crate) async fn open_tab(&self) -> Result<Tab> {
        self.open_page().await.map(|page| self.tabs.tab(page))
    }

    /// A tab to load a page in: one that is not needed, else a new one.
    pub(crate) async fn tab(&self) -> Result<Tab> {
        while let Some(mut tab) = self.tabs.take_any() {
            if tab.told().is_some() {
                return Ok(tab);
            }
        }
        self.open_tab().await
    }

    /// Loads an address, finds out what the page is, and takes note of what it says of the sign-in.
    pub(crate) async fn arrive(&self, page: &Page, url: &str) -> Result<Arrival> {
        self.arrive_within(page, url, LOAD).await
    }

    /// The same, with another time for the page's document to come.
    pub(crate) async fn arrive_within(
        &self,
        page: &Page,
        url: &str,
        wait: Duration,
    ) -> Result<Arrival> {
        // An error would mean that the semaphore is closed, which it never is.
        let _turn = self.arriving.acquire().await.ok();
        let arrival = arrive::arrive(page, &self.site, url, wait).await?;
        match arrival {
            // Only who is signed in is told that a bot is not for them.
            Arrival::PromptBox | Arrival::NoAccess => self.session.saw_sign_in(true),
            Arrival::SignedOut => self.session.saw_sign_in(false),
            Arrival::UnknownBot | Arrival::Challenge | Arrival::Nothing => {}
        }
        Ok(arrival)
    }

    /// Brings a tab to a bot's prompt in the background, ahead of the next question. Who asks for
    /// the first time may never ask again, so nothing is done ahead for them.
    pub(crate) fn warm(self: &Arc<Self>, bot: &str, after: Duration) {
        let is_first = self.asked.load(Ordering::Relaxed) < 2;
        if is_first || self.is_warm_up_due.swap(true, Ordering::AcqRel) {
            return;
        }
        let (poe, url) = (self.clone(), self.site.bot_url(bot));
        let lease = self.session.lease();
        tokio::spawn(async move {
            let warmed = async {
                tokio::time::sleep(after).await;
                let _turn = poe.warming.lock().await;
                poe.is_warm_up_due.store(false, Ordering::Release);
                poe.bring_tab_to(&url).await
            };
            tokio::select! {
                () = poe.closing() => poe.is_warm_up_due.store(false, Ordering::Release),
                warmed = warmed => if let Err(error) = warmed {
                    tracing::debug!(%error, "no tab could be made ready");
                },
            }
            drop(lease);
        });
    }

    /// Brings a tab to the prompt at an address, unless one is there. Whatever else the page shows
    /// is left for the next question to find out.
    async fn bring_tab_to(&self, url: &str) -> Result<()> {
        let tab = match self.tabs.spare(url) {
            Spare::None => return Ok(()),
            Spare::New => self.open_tab().await?,
            Spare::Tab(tab) => tab,
        };
        self.leave_at(tab, url).await
    }

    /// Brings new tabs to the prompt at an address, where fewer are there than these.
    pub(crate) async fn bring_tabs_to(&self, url: &str, tabs: usize) -> Result<()> {
        let tabs = tabs.min(self.tabs.most_idle());
        // Those that were there may be closed for the others.
        for _ in 0..2 {
            let more = (self.tabs.idle_at(url)..tabs)
                .map(|_| async { self.leave_at(self.open_tab().await?, url).await });
            try_join_all(more).await?;
        }
        Ok(())
    }

    async fn leave_at(&self, mut tab: Tab, url: &str) -> Result<()> {
        if tab.told().is_some() && self.arrive(&tab.page, url).await? == Arrival::PromptBox {
            arrive::hear_socket(&mut tab.tap, Reading::Unneeded).await;
            url.clone_into(&mut tab.at);
            tab.goes_on = false;
            self.tabs.put_back(tab);
        }
        Ok(())
    }

    /// Waits until the provider is being closed.
    pub(crate) async fn closing(&self) {
        let _ = self.closing.subscribe().wait_for(|closing| *closing).await;
    }
}
