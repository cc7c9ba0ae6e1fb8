//! The engine for Chromium and its kin: started by us, or attached to, over CDP.
//!
//! Why not over WebDriver: measured over the same page, CDP adds 1.8 ms to a chunk where WebDriver
//! BiDi adds 4.6, and it alone holds at 24 streams.

mod attach;
mod attendant;
mod cdp;
mod command_line;
mod frames;
mod left;
mod page;
mod process;
mod tabs;

use std::sync::Arc;
use std::time::Duration;

use self::cdp::protocol::{AttachToTarget, CookieFound, CreateTarget, GetCookies, GetVersion};
use self::cdp::{Connection, over_web_socket};
pub(crate) use self::command_line::{proxy_switches, switches};
use self::frames::Turn;
use self::page::ChromiumPage;
use self::process::Process;
use self::tabs::Tabs;
use crate::cookie::belongs_to;
use crate::engine::{LATE, opened};
use crate::given_back::Left;
use crate::proxy::{Relay, Through};
use crate::{Cookie, Error, LaunchOptions, Page, PageOptions, Result, SessionCookie, Tap};

/// A Chromium that can be spoken to.
#[derive(Debug)]
pub(crate) struct Chromium {
    connection: Arc<Connection>,
    tabs: Arc<Tabs>,
    /// Ours, if we started it.
    process: Option<Process>,
    /// Where its tabs wait for our word before they draw.
    turn: Option<Turn>,
    version: String,
    headless: bool,
    through: Option<Through>,
    /// After the process, which ends first: nobody else may then listen where it sends.
    _relay: Option<Relay>,
}

impl Chromium {
    pub(crate) async fn launch(options: &LaunchOptions) -> Result<Self> {
        let relay = match &options.proxy {
            Some(proxy) if proxy.needs_relay() => Some(Relay::start(proxy).await?),
            _ => None,
        };
        let proxy = relay.as_ref().map(Relay::proxy).or(options.proxy.as_ref());
        let (process, connection) = Process::start(options, proxy).await?;
        let connection = Arc::new(connection);
        let mut browser = Self {
            tabs: Tabs::of(connection.clone(), true),
            connection,
            turn: process.frames_are_ours().then(Turn::default),
            process: Some(process),
            version: String::new(),
            headless: options.headless,
            through: proxy.map(|proxy| Through::new(proxy, relay.as_ref())),
            _relay: relay,
        };
        match browser.connection.call(None, &GetVersion::new(), options.wait).await {
            Ok(version) => {
                browser.version = version.product;
                tracing::debug!(browser = browser.version, "started");
                Ok(browser)
            }
            Err(error) => {
                browser.connection.close();
                let process = browser.process.take();
                let reason = process.map(|process| process.why_it_did_not_start(error));
                Err(reason.unwrap_or_else(Error::closed))
            }
        }
    }

    pub(crate) async fn connect(address: &str, wait: Duration) -> Result<Self> {
        let address = attach::web_socket_address(address, wait).await?;
        let connection = over_web_socket(&address, wait).await?;
        let version = connection.call(None, &GetVersion::new(), wait).await?;
        let connection = Arc::new(connection);
        left::close_left(&connection).await;
        Ok(Self {
            tabs: Tabs::of(connection.clone(), false),
            connection,
            process: None,
            turn: None,
            version: version.product,
            headless: false,
            through: None,
            _relay: None,
        })
    }

    pub(crate) async fn open_page(
        &self,
        options: &PageOptions,
        wait: Duration,
    ) -> Result<(Page, Tap)> {
        let (connection, preload) = (self.connection.clone(), options.preload.clone());
        let (through, turn) = (self.through.clone(), self.turn.clone());
        let opening = self.tabs.open();
        opened(wait, async move {
            let address = opening.address();
            let create = CreateTarget::new(&address, turn.is_some());
            let created = connection.call(None, &create, LATE).await?;
            let tab = Arc::new(opening.is(created.target_id));
            let set_up = async {
                let attach = AttachToTarget::new(tab.target(), true);
                let session = connection.call(None, &attach, LATE).await?.session_id;
                let (connection, tab) = (connection.clone(), tab.clone());
                ChromiumPage::open(connection, tab, session, &preload, through, turn, LATE).await
            };
            match set_up.await {
                Ok((page, tap)) => Ok((Page::new(Arc::new(page)), tap)),
                Err(error) => {
                    tab.abandon();
                    Err(error)
                }
            }
        })
        .await
    }

    pub(crate) async fn cookies(&self, wait: Duration) -> Result<Vec<Cookie>> {
        let found = self.connection.call(None, &GetCookies::new(), wait).await?;
        let cookie = |found: CookieFound| Cookie { name: found.name, domain: found.domain };
        Ok(found.cookies.into_iter().map(cookie).collect())
    }

    pub(crate) async fn export_cookies(
        &self,
        host: &str,
        wait: Duration,
    ) -> Result<Vec<SessionCookie>> {
        let found = self.connection.call(None, &GetCookies::new(), wait).await?;
        let ours = found.cookies.into_iter().filter(|found| belongs_to(&found.domain, host));
        Ok(ours.map(cookie_with_value).collect())
    }

    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    pub(crate) fn is_ours(&self) -> bool {
        self.process.is_some()
    }

    pub(crate) fn is_headless(&self) -> bool {
        self.headless
    }

    pub(crate) fn is_alive(&self) -> bool {
        !self.connection.is_closed()
    }

    pub(crate) async fn close(mut self) {
        if !self.is_ours() {
            self.tabs.close().await;
        }
        self.connection.close();
        if let Some(process) = self.process.take() {
            // Waiting for a process blocks; where the runtime refuses, the drop has done it.
            let _ = tokio::task::spawn_blocking(move || drop(process)).await;
        }
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        if !self.is_ours() && !self.connection.is_closed() {
            let (tabs, connection) = (self.tabs.clone(), self.connection.clone());
            let Ok(runtime) = tokio::runtime::Handle::try_current() else {
                tracing::warn!("our tabs in the browser could not be closed");
                return;
            };
            let left = Left::one_more();
            runtime.spawn(async move {
                tabs.close().await;
                connection.close();
                drop(left);
            });
            return;
        }
        // Closing the pipe is what tells a browser of ours to end; the process then waits for it.
        self.connection.close();
    }
}

fn cookie_with_value(found: CookieFound) -> SessionCookie {
    SessionCookie {
        name: found.name,
        value: found.value,
        domain: found.domain,
        path: found.path,
        secure: found.secure,
        http_only: found.http_only,
        same_site: found.same_site.map(|same_site| same_site.to_lowercase()),
        // Whole seconds; a fraction is of no use to anybody.
        expires: Duration::try_from_secs_f64(found.expires).ok().map(|since| since.as_secs()),
    }
}
