//! The options of the provider, checked once.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::time::Duration;

use lenore_browser::{Isolation, LaunchOptions, Profile, Program};
use lenore_provider::{Error, ErrorKind, Result};
use tokio::sync::{Mutex, Semaphore, watch};

use crate::context::Context;
use crate::conversations::Conversations;
use crate::decode::WireFacts;
use crate::listener::Listener;
use crate::pace::Pace;
use crate::proxy::ProxyChoice;
use crate::session::Session;
use crate::source::Source;
use crate::tabs::Tabs;
use crate::{Poe, Site, WebDriver};

/// The longest silence of the site that is borne, where the caller does not say.
const SILENCE: Duration = Duration::from_secs(120);
/// After how long without a request the browser is closed.
const IDLE: Duration = Duration::from_secs(600);
/// How many answers can be under way at once.
const MAX_CHATS: usize = 8;
/// How many pages are loaded at once.
const ARRIVING: usize = 4;
/// How many questions are typed at once.
const WRITERS: usize = 3;
/// How many questions can wait for their turn.
const MAX_WAITING: usize = 64;
/// No wait is longer, whatever the caller says: a clock could not tell the end of some.
pub(crate) const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);
/// How long in all a question waits that the site puts off for its pace.
const PATIENCE: Duration = Duration::from_secs(60);

/// The options of a [`Poe`].
#[derive(Clone, Default)]
pub struct PoeBuilder {
    site: Option<Site>,
    url: Option<String>,
    proxy: ProxyChoice,
    webdriver: Option<WebDriver>,
    cdp: Option<String>,
    user_data_dir: Option<PathBuf>,
    temporary: bool,
    headed: bool,
    browser: Option<Program>,
    browser_binary: Option<PathBuf>,
    browser_driver: Option<PathBuf>,
    browser_args: Vec<String>,
    timeout: Option<Duration>,
    idle: Option<Duration>,
    max_chats: Option<usize>,
    max_waiting: Option<usize>,
    writers: Option<usize>,
    patience: Option<Duration>,
}

impl PoeBuilder {
    /// The defaults, with what the environment says in their places: `LENORE_SITE`,
    /// `LENORE_SITE_FILE`, `LENORE_USER_DATA_DIR`, `LENORE_PROXY`, `LENORE_PROXY_BYPASS`, `LENORE_HEADED` (`1` or `true`),
    /// `LENORE_BROWSER` (`chromium` or `firefox`), `LENORE_BROWSER_BINARY`, `LENORE_BROWSER_DRIVER`,
    /// `LENORE_CDP`, `LENORE_WEBDRIVER`, `LENORE_WEBDRIVER_SESSION`, `LENORE_WEBDRIVER_CAPABILITIES`
    /// (a JSON object), `LENORE_CHATS_PER_SESSION`, `LENORE_COOKIES` (a [saved
    /// session](crate::SavedSession::load)'s file), `LENORE_TIMEOUT` (seconds). The program `lenore` reads
    /// the same, and both [`proxy_from_env`](Self::proxy_from_env).
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`], naming the variable.
    pub fn from_env() -> Result<Self> {
        let text = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let path = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let invalid = |name: &str, value: &str| {
            let message = format!("{name} is {value:?}, which is not understood");
            Error::new(ErrorKind::InvalidRequest, message)
        };
        let headed = match text("LENORE_HEADED").as_deref() {
            None | Some("0" | "false") => false,
            Some("1" | "true") => true,
            Some(other) => return Err(invalid("LENORE_HEADED", other)),
        };
        let browser = match text("LENORE_BROWSER").as_deref() {
            None => None,
            Some("chromium") => Some(Program::Chromium),
            Some("firefox") => Some(Program::Firefox),
            Some(other) => return Err(invalid("LENORE_BROWSER", other)),
        };
        let seconds = |value: String| match value.parse::<u64>() {
            Ok(seconds) => Ok(Duration::from_secs(seconds)),
            Err(_) => Err(invalid("LENORE_TIMEOUT", &value)),
        };
        Ok(Self {
            site: Some(Site::load(path("LENORE_SITE_FILE").as_deref().map(Path::new))?),
            url: text("LENORE_SITE"),
            proxy: ProxyChoice {
                // An empty one says that there is none.
                address: std::env::var("LENORE_PROXY").ok(),
                bypass: text("LENORE_PROXY_BYPASS"),
                from_env: true,
            },
            cdp: text("LENORE_CDP"),
            user_data_dir: path("LENORE_USER_DATA_DIR").map(PathBuf::from),
            headed,
            browser,
            browser_binary: path("LENORE_BROWSER_BINARY").map(PathBuf::from),
            browser_driver: path("LENORE_BROWSER_DRIVER").map(PathBuf::from),
            webdriver: WebDriver::from_env()?,
            timeout: text("LENORE_TIMEOUT").map(seconds).transpose()?,
            ..Self::default()
        })
    }

    /// What is known of the site, in place of the built-in facts.
    #[must_use]
    pub fn site(mut self, site: Site) -> Self {
        self.site = Some(site);
        self
    }

    /// The site's address, in place of `https://poe.com`.
    #[must_use]
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = Some(url.into());
        self
    }

    /// A forward proxy for everything, addresses of this machine included:
    /// `http://[user:password@]host:port`, `https://…`, `socks5://…`, `socks4://host:port`. An empty
    /// address, or `direct`, says that there is none.
    #[must_use]
    pub fn proxy(mut self, proxy: impl Into<String>) -> Self {
        self.proxy.address = Some(proxy.into());
        self
    }

    /// The hosts that are asked past the proxy, as [`Proxy::with_bypass`](crate::Proxy::with_bypass)
    /// takes them.
    #[must_use]
    pub fn proxy_bypass(mut self, hosts: impl Into<String>) -> Self {
        self.proxy.bypass = Some(hosts.into());
        self
    }

    /// Where no proxy is named, takes the one that the environment names for the site, as
    /// [`Proxy::from_env`](crate::Proxy::from_env) reads it. That is for a browser of our own alone.
    #[must_use]
    pub fn proxy_from_env(mut self) -> Self {
        self.proxy.from_env = true;
        self
    }

    /// A WebDriver's browsers in place of one of our own.
    #[must_use]
    pub fn webdriver(mut self, webdriver: WebDriver) -> Self {
        self.webdriver = Some(webdriver);
        self
    }

    /// A running Chrome, by the address of its DevTools, in place of a browser of our own. It gets
    /// tabs of ours, and is otherwise left as it is.
    #[must_use]
    pub fn cdp(mut self, address: impl Into<String>) -> Self {
        self.cdp = Some(address.into());
        self
    }

    /// The directory of the profile, in place of the [default](Poe::default_user_data_dir). It
    /// should be no profile that a browser of the user's own also runs on.
    #[must_use]
    pub fn user_data_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.user_data_dir = Some(directory.into());
        self
    }

    /// A new, empty profile that is removed at the end, in place of a directory.
    #[must_use]
    pub fn temporary_profile(mut self) -> Self {
        self.temporary = true;
        self
    }

    /// Whether the browser runs without a window; it does by default.
    #[must_use]
    pub fn headless(mut self, headless: bool) -> Self {
        self.headed = !headless;
        self
    }

    /// Which browser is started, and asked of a WebDriver; Chromium by default. Each has its own
    /// [profiles](Poe::profiles_dir).
    #[must_use]
    pub fn browser(mut self, program: Program) -> Self {
        self.browser = Some(program);
        self
    }

    /// The browser's program, in place of the one that is found.
    #[must_use]
    pub fn browser_binary(mut self, program: impl Into<PathBuf>) -> Self {
        self.browser_binary = Some(program.into());
        self
    }

    /// The geckodriver that drives a Firefox of ours, in place of the one that is found.
    #[must_use]
    pub fn browser_driver(mut self, program: impl Into<PathBuf>) -> Self {
        self.browser_driver = Some(program.into());
        self
    }

    /// A further command-line switch of the browser.
    #[must_use]
    pub fn browser_arg(mut self, switch: impl Into<String>) -> Self {
        self.browser_args.push(switch.into());
        self
    }

    /// The longest silence of the site that is borne; 120 s by default.
    #[must_use]
    pub fn timeout(mut self, silence: Duration) -> Self {
        self.timeout = Some(silence);
        self
    }

    /// After how long without a request the browser is closed; 10 minutes by default. The next
    /// request opens it again.
    #[must_use]
    pub fn idle_timeout(mut self, idle: Duration) -> Self {
        self.idle = Some(idle);
        self
    }

    /// How many answers can be under way at once; 8 by default, at least one. Further questions
    /// wait for their turn.
    #[must_use]
    pub fn max_chats(mut self, chats: usize) -> Self {
        self.max_chats = Some(chats.max(1));
        self
    }

    /// How many questions can wait for their turn; 64 by default. One more is
    /// [`ErrorKind::RateLimited`].
    #[must_use]
    pub fn max_waiting(mut self, questions: usize) -> Self {
        self.max_waiting = Some(questions);
        self
    }

    /// How many tabs type questions at once, and wait for more of them; 3 by default, at least one.
    /// Of several answers one further page hears, wherever the site's channel is the account's.
    #[must_use]
    pub fn writers(mut self, tabs: usize) -> Self {
        self.writers = Some(tabs.max(1));
        self
    }

    /// How long in all a question waits and is asked again where the site asks to slow down; 60 s
    /// by default. Zero fails at once.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = Some(patience);
        self
    }

    /// Checks the options. No browser is started before the first request.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] for an address, a proxy or a pattern that does not parse, and
    /// for options that exclude each other.
    pub fn build(self) -> Result<Poe> {
        let mut site = self.site.unwrap_or_else(Site::poe);
        if let Some(url) = &self.url {
            site.set_url(url)?;
        }
        site.placeholder_patterns().map_err(|error| {
            let message = "a pattern of the site's placeholders does not parse";
            Error::new(ErrorKind::InvalidRequest, message).with_source(error)
        })?;
        let invalid = |message: &'static str| Err(Error::new(ErrorKind::InvalidRequest, message));
        let names_program = self.browser_binary.is_some() || self.browser_driver.is_some();
        let is_ours = self.user_data_dir.is_some() || self.temporary || names_program;
        let silence = self.timeout.unwrap_or(SILENCE).min(LONGEST);
        let proxy = self.proxy.named()?;
        let source = match (self.cdp, self.webdriver) {
            (Some(_), Some(_)) => {
                return invalid(
                    "a browser is named twice; give either a DevTools address (--cdp) or a \
                     --webdriver",
                );
            }
            (Some(_), None) if self.browser == Some(Program::Firefox) => {
                return invalid(
                    "a running Firefox has no DevTools address; leave out either --browser \
                     firefox or --cdp",
                );
            }
            (Some(_), None)
                if is_ours || self.headed || proxy.is_some() || !self.browser_args.is_empty() =>
            {
                return invalid(
                    "a running browser keeps its own profile, window, proxy and switches; leave \
                     those options out with --cdp",
                );
            }
            (Some(address), None) => Source::Attach(address),
            (None, Some(_)) if is_ours || !self.browser_args.is_empty() => {
                return invalid(
                    "a WebDriver starts its browsers itself, on profiles of its own; leave out the \
                     profile, the browser's program and its switches with --webdriver",
                );
            }
            (None, Some(webdriver)) => {
                let headless = !self.headed;
                let options = webdriver.options(&site, self.browser, headless, proxy, silence)?;
                Source::WebDriver(options)
            }
            (None, None) => {
                let named = self.browser_binary.as_deref().and_then(Program::named);
                let program = self.browser.or(named).unwrap_or_default();
                if program == Program::Chromium && self.browser_driver.is_some() {
                    return invalid(
                        "a driver is for Firefox alone; add --browser firefox, or leave out \
                         --browser-driver",
                    );
                }
                let profile = match self.user_data_dir {
                    _ if self.temporary => Profile::Temporary,
                    Some(directory) => {
                        check_whose(&directory, program)?;
                        Profile::Directory(directory)
                    }
                    None => Profile::Directory(Poe::profiles_dir(program)?.join("default")),
                };
                Source::Launch(LaunchOptions {
                    program,
                    binary: self.browser_binary,
                    driver: self.browser_driver,
                    profile,
                    headless: !self.headed,
                    proxy: self.proxy.for_site(&site.url)?,
                    // Frames of others share no process with the site, and no tab draws.
                    // With frames of other sites in processes of their own, a headless-only
                    // browser that draws nothing hangs now and then when a tab is closed.
                    isolation: Isolation::Browser,
                    args: self.browser_args,
                    ..LaunchOptions::default()
                })
            }
        };
        Ok(Poe(Arc::new(Context {
            facts: WireFacts::of(&site),
            site,
            session: Session::new(source, self.idle.unwrap_or(IDLE).min(LONGEST)),
            tabs: Tabs::new(
                self.max_chats.unwrap_or(MAX_CHATS),
                self.max_waiting.unwrap_or(MAX_WAITING),
                self.writers.unwrap_or(WRITERS),
            ),
            listener: Listener::default(),
            pace: Pace::new(self.patience.unwrap_or(PATIENCE).min(LONGEST)),
            conversations: Conversations::default(),
            silence,
            closing: watch::Sender::new(false),
            arriving: Semaphore::new(ARRIVING),
            asked: AtomicUsize::new(0),
            warming: Mutex::default(),
            is_warm_up_due: AtomicBool::new(false),
        })))
    }
}

/// Each browser would take the other's profile for an empty one, and write into it.
fn check_whose(profile: &Path, program: Program) -> Result<()> {
    let (mark, whose, other) = match program {
        Program::Chromium => ("prefs.js", "Firefox", "Chromium"),
        Program::Firefox => ("Local State", "Chromium", "Firefox"),
    };
    if !profile.join(mark).exists() {
        return Ok(());
    }
    let profile = profile.display();
    let message = format!("the profile {profile} is {whose}'s; name another directory for {other}");
    Err(Error::new(ErrorKind::InvalidRequest, message))
}

/// Addresses of proxies and services may hold secrets.
impl fmt::Debug for PoeBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { user_data_dir, browser, browser_binary, webdriver, .. } = self;
        f.debug_struct("PoeBuilder")
            .field("user_data_dir", user_data_dir)
            .field("browser", browser)
            .field("browser_binary", browser_binary)
            .field("webdriver", webdriver)
            .finish_non_exhaustive()
    }
}

impl Poe {
    /// Begins with the defaults: `https://poe.com`, a headless browser of our own, and a profile
    /// of our own in the platform's data directory.
    pub fn builder() -> PoeBuilder {
        PoeBuilder::default()
    }
}
