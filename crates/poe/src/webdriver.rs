//! The browsers of a WebDriver service, in place of one of our own.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use lenore_browser::{Program, Proxy, WebDriverOptions};
use lenore_provider::{Error, ErrorKind, Result};
use serde_json::{Map, Value, json};

use crate::{SavedSession, Site};

/// How many chats a session holds at once, where the caller does not say. With twice as many the
/// words of each still come in time; beyond that they begin to lag.
const CHATS_PER_SESSION: usize = 4;

/// What belongs to a service, in the environment.
const OF_A_SERVICE: [&str; 4] = [
    "LENORE_WEBDRIVER_SESSION",
    "LENORE_WEBDRIVER_CAPABILITIES",
    "LENORE_CHATS_PER_SESSION",
    "LENORE_COOKIES",
];

/// Browsers that a WebDriver service offers: a chromedriver, a geckodriver, a Selenium Grid. They
/// are spoken to over WebDriver BiDi.
///
/// Sessions of our own are asked for as chats need them, and given back. A session that is lost
/// is replaced by another. One that is adopted is used, never closed and never replaced; where it
/// is not signed in, that is [`ErrorKind::NotSignedIn`].
///
/// ```
/// use lenore_poe::WebDriver;
///
/// let mut webdriver = WebDriver::new("http://127.0.0.1:4444");
/// webdriver.chats_per_session = 2;
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WebDriver {
    /// The address of the service. A user and password in it are for the service alone.
    pub url: String,
    /// The session to adopt; `None` asks for sessions of our own.
    pub session: Option<String>,
    /// What sessions of our own have to be, as WebDriver's `alwaysMatch` takes it, such as
    /// `{"browserName": "firefox"}`.
    pub capabilities: Map<String, Value>,
    /// How many chats a session of our own holds at once before another is asked for; 4 by default.
    pub chats_per_session: usize,
    /// The sign-in that each session of our own begins with.
    pub cookies: Option<SavedSession>,
}

impl WebDriver {
    /// A service by its address, such as `http://127.0.0.1:4444`, with the defaults.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            session: None,
            capabilities: Map::new(),
            chats_per_session: CHATS_PER_SESSION,
            cookies: None,
        }
    }

    /// The service that `LENORE_WEBDRIVER` and its kin name.
    pub(crate) fn from_env() -> Result<Option<Self>> {
        let text = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let invalid = |message: String| Error::new(ErrorKind::InvalidRequest, message);
        let Some(url) = text("LENORE_WEBDRIVER") else {
            let alone = OF_A_SERVICE.into_iter().find(|name| text(name).is_some());
            return match alone {
                Some(name) => Err(invalid(format!(
                    "{name} is for a WebDriver; name its address in LENORE_WEBDRIVER"
                ))),
                None => Ok(None),
            };
        };
        let [session, capabilities, chats, cookies] = OF_A_SERVICE.map(text);
        let mut webdriver = Self { session, ..Self::new(url) };
        if let Some(capabilities) = capabilities {
            // They may hold secrets of the service, so no message repeats them.
            webdriver.capabilities = serde_json::from_str(&capabilities).map_err(|_| {
                invalid("LENORE_WEBDRIVER_CAPABILITIES is no object of JSON".into())
            })?;
        }
        if let Some(chats) = chats {
            webdriver.chats_per_session = chats.parse().map_err(|_| {
                invalid(format!("LENORE_CHATS_PER_SESSION is {chats:?}; give a number"))
            })?;
        }
        webdriver.cookies = cookies.map(|file| SavedSession::load(Path::new(&file))).transpose()?;
        Ok(Some(webdriver))
    }

    /// What the engine is told, checked.
    pub(crate) fn options(
        mut self,
        site: &Site,
        program: Option<Program>,
        headless: bool,
        proxy: Option<Proxy>,
        wait: Duration,
    ) -> Result<WebDriverOptions> {
        if self.session.is_some() {
            let is_asked_for = !self.capabilities.is_empty()
                || self.cookies.is_some()
                || program.is_some()
                || proxy.is_some()
                || !headless;
            if is_asked_for {
                return Err(Error::new(
                    ErrorKind::InvalidRequest,
                    "an adopted session stays as it is; leave out the browser, its window, the \
                     proxy, the capabilities and the cookies with --webdriver-session",
                ));
            }
        } else if let Some(program) = program {
            let name = match program {
                Program::Chromium => "chrome",
                Program::Firefox => "firefox",
            };
            self.capabilities.entry("browserName").or_insert_with(|| json!(name));
        }
        if let Some(session) = &self.cookies {
            session.check(site)?;
        }
        Ok(WebDriverOptions {
            url: self.url,
            session: self.session,
            capabilities: self.capabilities,
            headless,
            proxy,
            pages_per_session: self.chats_per_session.max(1),
            cookies: self.cookies.map(SavedSession::into_cookies).unwrap_or_default(),
            wait,
        })
    }
}

/// Addresses and capabilities may hold secrets of the service.
impl fmt::Debug for WebDriver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebDriver")
            .field("session", &self.session)
            .field("chats_per_session", &self.chats_per_session)
            .field("cookies", &self.cookies)
            .finish_non_exhaustive()
    }
}
