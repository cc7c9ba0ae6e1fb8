//! The provider: its facts, its options, and the way in.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use lenore_browser::{LaunchOptions, Page, Profile, Proxy, Tap};
use lenore_provider::{ChatRequest, Completion, Error, ErrorKind, Model, Provider, Result};
use regex_lite::Regex;
use tokio::sync::watch;

use crate::ask::Ask;
use crate::compose::{self, Arrival};
use crate::pipe::pipe;
use crate::session::{Session, Source, browser_error};
use crate::{Site, format_prompt, models, sign_in};

/// The longest silence of the site that is borne, where the caller does not say.
const SILENCE: Duration = Duration::from_secs(120);
/// After how long without a request the browser is closed.
const IDLE: Duration = Duration::from_secs(600);
/// How long running answers have to stop when the provider is closed.
const CLOSING: Duration = Duration::from_secs(15);

/// A browser that a WebDriver offers: a chromedriver's, a geckodriver's, a Selenium Grid's.
///
/// An adopted session is used, never closed and never reopened; where it is not signed in, that
/// is [`ErrorKind::NotSignedIn`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebDriver {
    /// The address of the WebDriver service.
    pub url: String,
    /// The session to adopt; `None` asks for one of our own.
    pub session: Option<String>,
}

/// Poe, through the user's own browser. Cheap to clone; clones share the browser.
///
/// ```no_run
/// use lenore_poe::Poe;
/// use lenore_provider::{ChatRequest, Message, Provider};
///
/// # async fn ask() -> lenore_provider::Result<()> {
/// let poe = Poe::builder().build()?;
/// let request = ChatRequest::new("gpt-4", vec![Message::user("Say hello")]);
/// println!("{}", poe.create_completion(request).text().await?);
/// poe.close().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Poe(Arc<Inner>);

/// What the tasks that answer share.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) site: Site,
    pub(crate) placeholders: Arc<[Regex]>,
    pub(crate) session: Arc<Session>,
    silence: Duration,
    closing: watch::Sender<bool>,
}

impl Inner {
    /// A new page with the tap in place.
    pub(crate) async fn open_page(&self) -> Result<(Page, Tap)> {
        self.session.open_page(include_str!("tap.js")).await
    }

    /// Waits until the provider is being closed.
    pub(crate) async fn closing(&self) {
        let _ = self.closing.subscribe().wait_for(|closing| *closing).await;
    }
}

impl Poe {
    /// Begins with the defaults: `https://poe.com`, a headless browser of our own, and a profile
    /// of our own in the platform's data directory.
    pub fn builder() -> PoeBuilder {
        PoeBuilder::default()
    }

    /// Where the profile is kept, unless another directory is named: `lenore/profiles/default` in
    /// the platform's data directory, such as `~/.local/share` on Linux.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] where the user has no home directory.
    pub fn default_user_data_dir() -> Result<PathBuf> {
        let directories = directories::ProjectDirs::from("", "", "lenore").ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidRequest,
                "there is no home directory for the profile; name one with --user-data-dir",
            )
        })?;
        Ok(directories.data_local_dir().join("profiles").join("default"))
    }

    /// Whether the profile is signed in: opens a page and looks.
    ///
    /// # Errors
    /// As for a question that is asked: [`ErrorKind::Challenge`], [`ErrorKind::Network`],
    /// [`ErrorKind::SiteChanged`], [`ErrorKind::Browser`], …
    pub async fn is_signed_in(&self) -> Result<bool> {
        let _lease = self.0.session.lease();
        let site = &self.0.site;
        let (page, _tap) = self.0.open_page().await?;
        let url = site.bot_url(&models::bot_of(&site.models, "")?);
        match compose::arrive(&page, site, &url, compose::PROMPT_BOX).await? {
            Arrival::PromptBox => Ok(true),
            Arrival::SignedOut => Ok(false),
            Arrival::Challenge => Err(Error::new(ErrorKind::Challenge, crate::decode::CHALLENGE)),
            Arrival::UnknownBot | Arrival::Nothing => {
                if sign_in::is_signed_in(&self.0).await? {
                    return Err(compose::site_changed("the prompt box"));
                }
                Ok(false)
            }
        }
    }

    /// Signs in by the site's own form: it mails a code to the address, which `code` then yields.
    /// `code` is awaited only once the site asks for it.
    ///
    /// # Errors
    /// [`ErrorKind::NotSignedIn`] where the site does not take the code,
    /// [`ErrorKind::SiteChanged`] where the form is not as known, and whatever `code` fails with.
    pub async fn sign_in_with_code(
        &self,
        email: &str,
        code: impl Future<Output = Result<String>>,
    ) -> Result<()> {
        let lease = self.0.session.lease();
        sign_in::by_code(&self.0, email, code).await?;
        lease.keep_cookies().await;
        Ok(())
    }

    /// Opens the site in a window, on our own profile, and waits until the user has signed in.
    ///
    /// # Errors
    /// [`ErrorKind::NotSignedIn`] where nobody does within `wait` or the window is closed;
    /// [`ErrorKind::Browser`] where no window can be shown.
    pub async fn sign_in_by_hand(&self, wait: Duration) -> Result<()> {
        let lease = self.0.session.lease();
        self.0.session.show_window().await?;
        let (page, _tap) = self.0.open_page().await?;
        let url = self.0.site.login_url();
        sign_in::wait_for_person(&self.0, &page, &url, wait).await?;
        lease.keep_cookies().await;
        Ok(())
    }

    /// Stops running answers and ends the browser, with all that belongs to it. Dropping the last
    /// clone ends the browser too, but blocks for it, and leaves answers running on the site.
    pub async fn close(&self) {
        self.0.closing.send_replace(true);
        self.0.session.unused(CLOSING).await;
        self.0.session.close().await;
        self.0.closing.send_replace(false);
    }

    fn checked(&self, request: &ChatRequest) -> Result<Ask> {
        let invalid = |message: String| Err(Error::new(ErrorKind::InvalidRequest, message));
        let bot = models::bot_of(&self.0.site.models, &request.model)?;
        if request.messages.is_empty() {
            return invalid("there is no message to send".into());
        }
        let prompt = format_prompt(&request.messages);
        if request.messages.iter().all(|message| message.content.trim().is_empty()) {
            return invalid("the message is empty; there is nothing to ask".into());
        }
        let chat = request.chat.clone();
        let is_code = |code: &String| {
            !code.is_empty()
                && code.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        };
        if chat.as_ref().is_some_and(|code| !is_code(code)) {
            return invalid(
                "that is no chat's code; it is the last part of the chat's address".into(),
            );
        }
        let attachments: Result<Vec<_>> =
            request.attachments.iter().map(|path| checked_file(path)).collect();
        Ok(Ask {
            bot,
            prompt,
            attachments: attachments?,
            chat,
            silence: request.timeout.unwrap_or(self.0.silence),
            deadline: request.deadline,
            linger: request.linger,
        })
    }
}

/// The absolute path of a file that can be read.
fn checked_file(path: &Path) -> Result<PathBuf> {
    let refused = |why: &dyn std::fmt::Display| {
        Error::new(
            ErrorKind::Attachment,
            format!("the file {} cannot be attached: {why}", path.display()),
        )
    };
    let file = std::fs::File::open(path).map_err(|error| refused(&error))?;
    if !file.metadata().is_ok_and(|found| found.is_file()) {
        return Err(refused(&"it is not a file"));
    }
    std::path::absolute(path).map_err(|error| refused(&error))
}

impl Provider for Poe {
    fn name(&self) -> &str {
        "poe"
    }

    fn url(&self) -> &str {
        &self.0.site.url
    }

    fn working(&self) -> bool {
        true
    }

    fn needs_auth(&self) -> bool {
        true
    }

    fn supports_stream(&self) -> bool {
        true
    }

    fn default_model(&self) -> &str {
        models::DEFAULT
    }

    fn models(&self) -> Vec<Model> {
        let models = &self.0.site.models;
        models.iter().map(|(name, bot)| Model { name: name.clone(), bot: bot.clone() }).collect()
    }

    fn create_completion(&self, request: ChatRequest) -> Completion {
        let ask = match self.checked(&request) {
            Ok(ask) => ask,
            Err(error) => {
                tracing::warn!(kind = %error.kind(), %error, "the request is refused");
                return Completion::failed(error);
            }
        };
        let (sender, events) = pipe();
        tokio::spawn(ask.run(self.0.clone(), sender));
        Completion::new(events, request.stream)
    }
}

/// The options of a [`Poe`].
#[derive(Clone, Debug, Default)]
pub struct PoeBuilder {
    site: Option<Site>,
    url: Option<String>,
    proxy: Option<String>,
    webdriver: Option<WebDriver>,
    cdp: Option<String>,
    user_data_dir: Option<PathBuf>,
    temporary: bool,
    headed: bool,
    browser_binary: Option<PathBuf>,
    browser_args: Vec<String>,
    timeout: Option<Duration>,
    idle: Option<Duration>,
}

impl PoeBuilder {
    /// The defaults, with what the environment says in their places: `LENORE_SITE`,
    /// `LENORE_SITE_FILE`, `LENORE_USER_DATA_DIR`, `LENORE_PROXY`, `LENORE_HEADED` (`1` or `true`),
    /// `LENORE_BROWSER_BINARY`, `LENORE_CDP`, `LENORE_TIMEOUT` (seconds). The program `lenore`
    /// reads the same.
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
        let seconds = |value: String| match value.parse::<u64>() {
            Ok(seconds) => Ok(Duration::from_secs(seconds)),
            Err(_) => Err(invalid("LENORE_TIMEOUT", &value)),
        };
        Ok(Self {
            site: path("LENORE_SITE_FILE")
                .map(|file| Site::from_file(Path::new(&file)))
                .transpose()?,
            url: text("LENORE_SITE"),
            proxy: text("LENORE_PROXY"),
            cdp: text("LENORE_CDP"),
            user_data_dir: path("LENORE_USER_DATA_DIR").map(PathBuf::from),
            headed,
            browser_binary: path("LENORE_BROWSER_BINARY").map(PathBuf::from),
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

    /// A forward proxy: `http://[user:password@]host:port`, `https://…`, `socks5://host:port`.
    #[must_use]
    pub fn proxy(mut self, proxy: impl Into<String>) -> Self {
        self.proxy = Some(proxy.into());
        self
    }

    /// A WebDriver's browser in place of one of our own.
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

    /// The browser's program, in place of the one that is found.
    #[must_use]
    pub fn browser_binary(mut self, program: impl Into<PathBuf>) -> Self {
        self.browser_binary = Some(program.into());
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
        let placeholders = site.placeholder_patterns().map_err(|error| {
            let message = "a pattern of the site's placeholders does not parse";
            Error::new(ErrorKind::InvalidRequest, message).with_source(error)
        })?;
        let launch = self.proxy.is_some()
            || self.user_data_dir.is_some()
            || self.temporary
            || self.headed
            || self.browser_binary.is_some();
        let source = match (self.cdp, self.webdriver) {
            (Some(_), Some(_)) => {
                return Err(Error::new(
                    ErrorKind::InvalidRequest,
                    "a browser is named twice; give either a DevTools address or a webdriver",
                ));
            }
            (Some(_), None) if launch => {
                return Err(Error::new(
                    ErrorKind::InvalidRequest,
                    "a running browser keeps its own profile, window and proxy; leave those \
                     options out with --cdp",
                ));
            }
            (Some(address), None) => Source::Attach(address),
            (None, Some(webdriver)) => Source::WebDriver(webdriver),
            (None, None) => Source::Launch(LaunchOptions {
                binary: self.browser_binary,
                profile: match self.user_data_dir {
                    _ if self.temporary => Profile::Temporary,
                    Some(directory) => Profile::Directory(directory),
                    None => Profile::Directory(Poe::default_user_data_dir()?),
                },
                headless: !self.headed,
                proxy: self
                    .proxy
                    .map(|proxy| proxy.parse::<Proxy>())
                    .transpose()
                    .map_err(browser_error)?,
                args: self.browser_args,
                ..LaunchOptions::default()
            }),
        };
        Ok(Poe(Arc::new(Inner {
            site,
            placeholders: placeholders.into(),
            session: Session::new(source, self.idle.unwrap_or(IDLE)),
            silence: self.timeout.unwrap_or(SILENCE),
            closing: watch::Sender::new(false),
        })))
    }
}
