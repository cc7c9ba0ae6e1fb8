//! Starting a browser, attaching to one, and opening pages in it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Map, Value};
use url::Url;

use crate::chromium::Chromium;
use crate::webdriver::WebDriver;
use crate::{Cookie, Error, Page, Profile, Proxy, Result, SessionCookie, Tap};

/// What all of a start may take beyond the time that each of its steps may.
const MARGIN: Duration = Duration::from_secs(10);

/// Which browser is started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Program {
    /// Chromium or one of its kin, spoken to over CDP.
    #[default]
    Chromium,
    /// Firefox, spoken to over WebDriver BiDi through a geckodriver.
    Firefox,
}

impl Program {
    /// What a program is, by its name; `None` where that does not tell.
    pub fn named(program: &Path) -> Option<Self> {
        let name = program.file_stem()?.to_str()?.to_ascii_lowercase();
        let is = |known: &[&str]| known.iter().any(|known| name.contains(known));
        if is(&["firefox", "librewolf"]) {
            Some(Self::Firefox)
        } else if is(&["chrom", "headless", "msedge", "microsoft-edge", "brave", "vivaldi"]) {
            Some(Self::Chromium)
        } else {
            None
        }
    }
}

/// Which frames of a page get a process other than the page's, so that what breaks into one of them
/// reaches nothing of the page's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Isolation {
    /// Those of all other sites. A headless-only Chromium then draws its tabs at every change,
    /// though nobody sees them.
    #[default]
    Sites,
    /// Those of other origins in pages of these, such as `https://example.org`, and of these in
    /// pages of others. A headless-only Chromium then draws nothing; any other browser isolates all
    /// sites.
    Origins(Vec<String>),
    /// Those that the browser isolates by itself: all of other sites in a full browser, none in a
    /// headless-only one, which then draws nothing and ends reliably.
    Browser,
}

impl Isolation {
    /// That of the site at an address; of all sites where it has no host.
    pub fn of_site(url: &str) -> Self {
        let url = Url::parse(url).ok();
        let origin = url.as_ref().and_then(|url| Some((url.scheme(), url.host_str()?)));
        match origin {
            // Ports make no difference to what is a site.
            Some((scheme, host)) => Self::Origins(vec![format!("{scheme}://{host}")]),
            None => Self::Sites,
        }
    }
}

/// How a browser is started.
#[derive(Clone, Debug)]
pub struct LaunchOptions {
    /// Which browser.
    pub program: Program,
    /// The program; `None` looks for one ([`find_chromium`](crate::find_chromium)).
    pub binary: Option<PathBuf>,
    /// The geckodriver that drives a Firefox; `None` looks for one on the `PATH`.
    pub driver: Option<PathBuf>,
    /// The profile to run on.
    pub profile: Profile,
    /// Without a window.
    pub headless: bool,
    /// A forward proxy for everything, addresses of this machine included.
    pub proxy: Option<Proxy>,
    /// Which frames get processes of their own.
    pub isolation: Isolation,
    /// Further command-line switches of the browser.
    pub args: Vec<String>,
    /// How long the start may take.
    pub wait: Duration,
}

impl Default for LaunchOptions {
    fn default() -> Self {
        Self {
            program: Program::default(),
            binary: None,
            driver: None,
            profile: Profile::default(),
            headless: true,
            proxy: None,
            isolation: Isolation::default(),
            args: Vec::new(),
            wait: Duration::from_secs(30),
        }
    }
}

/// How a WebDriver's browsers are used. What may hold a key is in no `Debug` output.
#[derive(Clone)]
pub struct WebDriverOptions {
    /// The service's address: a chromedriver, a geckodriver, a Selenium Grid. A user and password
    /// in it are sent to it alone, and appear in no message.
    pub url: String,
    /// A session that runs already. It is used, never closed and never reopened; `None` asks for
    /// sessions of our own.
    pub session: Option<String>,
    /// Further capabilities of sessions of our own, as `alwaysMatch` takes them, such as
    /// `{"browserName": "firefox"}`; they come before what is asked for here.
    pub capabilities: Map<String, Value>,
    /// Without a window, where the browser's kind is known.
    pub headless: bool,
    /// A forward proxy for everything, addresses of the browser's machine included.
    pub proxy: Option<Proxy>,
    /// How many pages a session of our own holds before another is asked for.
    pub pages_per_session: usize,
    /// What each session of our own begins with.
    pub cookies: Vec<SessionCookie>,
    /// How long the start of a session may take, the wait for a free place in a Grid included.
    pub wait: Duration,
}

impl WebDriverOptions {
    /// Sessions of our own, of the service at an address.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            session: None,
            capabilities: Map::new(),
            headless: true,
            proxy: None,
            pages_per_session: 4,
            cookies: Vec::new(),
            wait: Duration::from_secs(60),
        }
    }
}

impl fmt::Debug for WebDriverOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebDriverOptions")
            .field("session", &self.session.as_ref().map(|_| "…"))
            .field("headless", &self.headless)
            .field("proxy", &self.proxy)
            .field("pages_per_session", &self.pages_per_session)
            .field("cookies", &self.cookies)
            .field("wait", &self.wait)
            .finish_non_exhaustive()
    }
}

/// How a page is opened.
#[derive(Clone, Debug, Default)]
pub struct PageOptions {
    /// A JavaScript function of one argument, `emit`, as source text. It runs in the main frame
    /// of each document before the document's own scripts; what it emits arrives in the [`Tap`].
    pub preload: String,
}

/// A running browser.
///
/// One that was started here ends with the value, with its processes, its lock and its temporary
/// profile; [`close`](Self::close) does the same without blocking. One that was attached to is
/// left as it is.
#[derive(Debug)]
pub struct Browser(Engine);

/// What speaks to it.
#[derive(Debug)]
enum Engine {
    Chromium(Chromium),
    WebDriver(WebDriver),
}

impl Browser {
    /// Starts a browser of our own.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound), [`Launch`](crate::ErrorKind::Launch) with the
    /// program's last words, [`ProfileInUse`](crate::ErrorKind::ProfileInUse),
    /// [`InvalidOption`](crate::ErrorKind::InvalidOption) for a profile that cannot be used.
    pub async fn launch(options: &LaunchOptions) -> Result<Self> {
        let launched = async {
            Ok(Self(match options.program {
                Program::Chromium => Engine::Chromium(Chromium::launch(options).await?),
                Program::Firefox => Engine::WebDriver(WebDriver::launch(options).await?),
            }))
        };
        within("the browser's start", options.wait, launched).await
    }

    /// Attaches to a Chromium that runs with remote debugging, by its address:
    /// `http://127.0.0.1:9222`, or a `ws://` address of the browser itself.
    ///
    /// # Errors
    /// [`Launch`](crate::ErrorKind::Launch) where nothing answers there.
    pub async fn connect(address: &str, wait: Duration) -> Result<Self> {
        let connected = async { Chromium::connect(address, wait).await.map(Engine::Chromium) };
        within("attaching to the browser", wait, connected).await.map(Self)
    }

    /// Uses the browsers that a WebDriver service offers. A first session is opened, or the given
    /// one adopted, before this returns; further ones as pages need them.
    ///
    /// # Errors
    /// [`Launch`](crate::ErrorKind::Launch) where nothing answers there, no place is free, or the
    /// session is gone; [`InvalidOption`](crate::ErrorKind::InvalidOption) for an address or
    /// capabilities that cannot be used.
    pub async fn webdriver(options: &WebDriverOptions) -> Result<Self> {
        WebDriver::open(options).await.map(|webdriver| Self(Engine::WebDriver(webdriver)))
    }

    /// Opens a page, empty as yet, with its preload script in place.
    ///
    /// # Errors
    /// The browser is gone, or does not answer within `wait`.
    pub async fn open_page(&self, options: &PageOptions, wait: Duration) -> Result<(Page, Tap)> {
        match &self.0 {
            Engine::Chromium(chromium) => chromium.open_page(options, wait).await,
            Engine::WebDriver(webdriver) => webdriver.open_page(options, wait).await,
        }
    }

    /// The cookies that the browser holds, those that scripts cannot see included.
    ///
    /// # Errors
    /// The browser is gone, or does not answer within `wait`.
    pub async fn cookies(&self, wait: Duration) -> Result<Vec<Cookie>> {
        match &self.0 {
            Engine::Chromium(chromium) => chromium.cookies(wait).await,
            Engine::WebDriver(webdriver) => webdriver.cookies(wait).await,
        }
    }

    /// The cookies of a host with their values, to be imported into another browser of the same
    /// user.
    ///
    /// # Errors
    /// The browser is gone, or does not answer within `wait`.
    pub async fn export_cookies(&self, host: &str, wait: Duration) -> Result<Vec<SessionCookie>> {
        match &self.0 {
            Engine::Chromium(chromium) => chromium.export_cookies(host, wait).await,
            Engine::WebDriver(webdriver) => webdriver.export_cookies(host, wait).await,
        }
    }

    /// The program's name and version, such as `Chrome/156.0.8078.79`.
    pub fn version(&self) -> &str {
        match &self.0 {
            Engine::Chromium(chromium) => chromium.version(),
            Engine::WebDriver(webdriver) => webdriver.version(),
        }
    }

    /// Whether we started it.
    pub fn is_ours(&self) -> bool {
        match &self.0 {
            Engine::Chromium(chromium) => chromium.is_ours(),
            Engine::WebDriver(webdriver) => webdriver.is_ours(),
        }
    }

    /// Whether it runs without a window (`false` where that is not known).
    pub fn is_headless(&self) -> bool {
        match &self.0 {
            Engine::Chromium(chromium) => chromium.is_headless(),
            Engine::WebDriver(webdriver) => webdriver.is_headless(),
        }
    }

    /// Whether it can still be spoken to.
    pub fn is_alive(&self) -> bool {
        match &self.0 {
            Engine::Chromium(chromium) => chromium.is_alive(),
            Engine::WebDriver(webdriver) => webdriver.is_alive(),
        }
    }

    /// Ends a browser of ours: its processes, its lock, its temporary profile. Detaches from one
    /// that is not.
    pub async fn close(self) {
        match self.0 {
            Engine::Chromium(chromium) => chromium.close().await,
            Engine::WebDriver(webdriver) => webdriver.close().await,
        }
    }
}

/// What each step of a start may take is bounded; so is all of it, with some more time, so that a
/// step gets to say what it has missed.
async fn within<T>(
    what: &str,
    wait: Duration,
    start: impl Future<Output = Result<T>>,
) -> Result<T> {
    let most = wait + MARGIN;
    tokio::time::timeout(most, start).await.unwrap_or_else(|_| Err(Error::timeout(what, most)))
}
