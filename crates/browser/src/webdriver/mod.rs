//! The engine for everything that speaks WebDriver BiDi.
//!
//! Sessions begin and end over HTTP; everything else goes over each session's own socket. The
//! client is our own, as that for CDP is: the existing one has a single queue for the events of all
//! tabs, from which it drops without a word what is not read in time; its streams do not end when
//! the socket does, and the next command then waits for ever.

mod attendant;
mod bidi;
mod capabilities;
mod fleet;
mod geckodriver;
mod navigation;
mod page;
mod service;
mod session;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use self::bidi::{Cookies, Of};
use self::capabilities::{Facts, Kind};
use self::fleet::{Fleet, Plan};
use self::geckodriver::Geckodriver;
use self::page::BidiPage;
use self::service::Service;
use self::session::Session;
use crate::browser::WebDriverOptions;
use crate::cookie::belongs_to;
use crate::engine::{LATE, opened};
use crate::proxy::{Relay, Through};
use crate::{
    Cookie, Error, ErrorKind, LaunchOptions, Page, PageOptions, Proxy, Result, SessionCookie, Tap,
};

/// The sessions of a WebDriver service.
#[derive(Debug)]
pub(crate) struct WebDriver {
    fleet: Arc<Fleet>,
    version: String,
    headless: bool,
    /// The proxy that its pages go through.
    through: Option<Through>,
    /// Ours, if we started it.
    driver: Option<Geckodriver>,
    /// Where the browsers cannot give the proxy its password.
    _relay: Option<Relay>,
}

impl WebDriver {
    pub(crate) async fn launch(options: &LaunchOptions) -> Result<Self> {
        let relay = match &options.proxy {
            Some(proxy) if proxy.needs_relay() => Some(Relay::start(proxy).await?),
            _ => None,
        };
        let proxy = relay.as_ref().map(Relay::proxy).or(options.proxy.as_ref());
        let driver = Geckodriver::start(options).await?;
        let wanted = capabilities::of_firefox(options, &driver, proxy)?;
        let credentials = proxy.and_then(Proxy::credentials).cloned();
        let service = Service::new(&driver.url())?;
        let session = Session::begin(&service, &wanted, credentials, &[], options.wait).await;
        let session = session.map_err(|error| driver.why_it_did_not_start(error))?;
        Ok(Self {
            version: session.version().to_owned(),
            fleet: Fleet::of(session),
            headless: options.headless,
            through: proxy.map(|proxy| Through::new(proxy, relay.as_ref())),
            driver: Some(driver),
            _relay: relay,
        })
    }

    pub(crate) async fn open(options: &WebDriverOptions) -> Result<Self> {
        let service = Service::new(&options.url)?;
        if let Some(id) = &options.session {
            let credentials = options.proxy.as_ref().and_then(Proxy::credentials).cloned();
            let session = Session::adopt(&service, id, credentials, options.wait).await?;
            return Ok(Self {
                version: session.version().to_owned(),
                fleet: Fleet::of(session),
                headless: false,
                through: options.proxy.as_ref().map(|proxy| Through::new(proxy, None)),
                driver: None,
                _relay: None,
            });
        }
        if service.is_socket() {
            let message = "a socket's address is that of one session, whose id must be named too";
            return Err(Error::new(ErrorKind::InvalidOption, message));
        }
        let relay = match &options.proxy {
            Some(proxy) if proxy.needs_relay() && service.is_here() => {
                Some(Relay::start(proxy).await?)
            }
            Some(proxy) if proxy.needs_relay() => {
                let message =
                    "a browser on another machine cannot give a password to a SOCKS proxy";
                return Err(Error::new(ErrorKind::InvalidOption, message));
            }
            _ => None,
        };
        let proxy = relay.as_ref().map(Relay::proxy).or(options.proxy.as_ref());
        let Facts { kind, holds_one } = Facts::of(&service, options).await?;
        let most = if holds_one { usize::MAX } else { options.pages_per_session.max(1) };
        let plan = Plan {
            capabilities: capabilities::wanted(options, kind, service.is_here(), proxy)?,
            service,
            credentials: proxy.and_then(Proxy::credentials).cloned(),
            cookies: options.cookies.clone(),
            pages_per_session: most,
            wait: options.wait,
        };
        let fleet = Fleet::begin(plan).await?;
        Ok(Self {
            version: fleet.any()?.version().to_owned(),
            fleet,
            headless: options.headless && kind != Kind::Other,
            through: proxy.map(|proxy| Through::new(proxy, relay.as_ref())),
            driver: None,
            _relay: relay,
        })
    }

    pub(crate) async fn open_page(
        &self,
        options: &PageOptions,
        wait: Duration,
    ) -> Result<(Page, Tap)> {
        let (preload, through) = (options.preload.clone(), self.through.clone());
        let place = self.fleet.place().await?;
        opened(wait, async move {
            let (page, tap) = BidiPage::open(place, &preload, through, LATE).await?;
            Ok((Page::new(Arc::new(page)), tap))
        })
        .await
    }

    pub(crate) async fn cookies(&self, wait: Duration) -> Result<Vec<Cookie>> {
        let found = self.all_cookies(wait).await?.cookies.into_iter();
        Ok(found.map(|found| Cookie { name: found.name, domain: found.domain }).collect())
    }

    pub(crate) async fn export_cookies(
        &self,
        host: &str,
        wait: Duration,
    ) -> Result<Vec<SessionCookie>> {
        let found = self.all_cookies(wait).await?.cookies.into_iter();
        let ours = found.filter(|found| belongs_to(&found.domain, host));
        ours.map(bidi::CookieFound::with_value).collect()
    }

    async fn all_cookies(&self, wait: Duration) -> Result<Cookies> {
        let session = self.fleet.any()?;
        session.connection.call(Of::Session, "storage.getCookies", json!({}), wait).await
    }

    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    pub(crate) fn is_ours(&self) -> bool {
        self.driver.is_some()
    }

    pub(crate) fn is_headless(&self) -> bool {
        self.headless
    }

    /// Whether one of the sessions lives. Where none does, another is begun for the next page, but
    /// for one that was adopted.
    pub(crate) fn is_alive(&self) -> bool {
        self.fleet.is_alive()
    }

    pub(crate) async fn close(mut self) {
        // The browser ends with its session, in order; the driver is killed after that.
        self.fleet.end().await;
        if let Some(driver) = self.driver.take() {
            // Waiting for a process blocks; where the runtime refuses, the drop has done it.
            let _ = tokio::task::spawn_blocking(move || drop(driver)).await;
        }
    }
}

impl Drop for WebDriver {
    fn drop(&mut self) {
        self.fleet.end_now();
    }
}

/// The names of files as JSON can hold them.
fn unicode_names(files: &[PathBuf]) -> Result<Vec<String>> {
    let name = |file: &PathBuf| {
        file.to_str().map(str::to_owned).ok_or_else(|| {
            let message = format!("the file name {} is not Unicode", file.display());
            Error::new(ErrorKind::InvalidOption, message)
        })
    };
    files.iter().map(name).collect()
}
