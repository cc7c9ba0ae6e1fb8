//! The browser session: opened when it is first needed, reopened when it is lost, closed when
//! nobody needs it.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use lenore_browser::{
    Browser, LaunchOptions, OwnedProfile, Page, PageOptions, Profile, SessionCookie, Tap,
    WebDriverOptions,
};
use lenore_provider::{BrowserState, Error, ErrorKind, Health, Result};
use tokio::sync::{RwLock, RwLockReadGuard, watch};

use crate::error::browser_error;
use crate::source::Source;

/// How long a command to the browser may take.
const COMMAND: Duration = Duration::from_secs(10);

/// A browser that cannot be opened is tried again so often, where somebody waits for it to be well.
const TRY_AGAIN: Duration = Duration::from_secs(10);

/// At most one browser at a time, and the count of those who use it.
#[derive(Debug)]
pub(crate) struct Session {
    source: Source,
    idle: Duration,
    /// Reading is using; writing is opening and closing.
    browser: RwLock<Option<Browser>>,
    users: watch::Sender<usize>,
    /// The profile, where it is ours between two browsers too.
    owned: Mutex<Option<Arc<OwnedProfile>>>,
    /// The sign-in that was done in a WebDriver's session, for those that come after it.
    signed_in: Mutex<Option<Vec<SessionCookie>>>,
    /// What was seen of the browser and the sign-in.
    seen: Mutex<Health>,
    /// When it was last opened because it was not well.
    mended: Mutex<Option<Instant>>,
    me: Weak<Session>,
}

/// A use of the session. While one lives, the browser is not closed for idleness.
#[derive(Debug)]
pub(crate) struct Lease(Arc<Session>);

impl Session {
    pub(crate) fn new(source: Source, idle: Duration) -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            source,
            idle,
            browser: RwLock::new(None),
            users: watch::Sender::new(0),
            owned: Mutex::default(),
            signed_in: Mutex::default(),
            seen: Mutex::default(),
            mended: Mutex::default(),
            me: me.clone(),
        })
    }

    /// Whose browser it is.
    pub(crate) fn source(&self) -> &Source {
        &self.source
    }

    /// Whether it is a service's, which may offer another browser in a moment.
    pub(crate) fn may_return(&self) -> bool {
        matches!(self.source, Source::WebDriver(WebDriverOptions { session: None, .. }))
    }

    /// The name and version of the browser that is open; an adopted one does not tell.
    pub(crate) async fn version(&self) -> Option<String> {
        let browser = self.browser.read().await;
        let version = browser.as_ref().map(|open| open.version().to_owned());
        version.filter(|version| !version.is_empty())
    }

    /// How the session is doing.
    pub(crate) fn health(&self) -> Health {
        let browser = match self.browser.try_read().as_deref() {
            Ok(Some(open)) if open.is_alive() => BrowserState::Open,
            Ok(Some(_)) => BrowserState::Lost,
            // None, or one that is just being opened or closed.
            Ok(None) | Err(_) => BrowserState::Closed,
        };
        Health { browser: Some(browser), ..self.seen().clone() }
    }

    /// Opens the browser in the background where it is not well.
    pub(crate) fn mend(self: &Arc<Self>, health: &Health) {
        let is_well = health.browser != Some(BrowserState::Lost) && health.fault.is_none();
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let mut mended = self.mended.lock().unwrap_or_else(PoisonError::into_inner);
        if is_well || mended.is_some_and(|at| at.elapsed() < TRY_AGAIN) {
            return;
        }
        *mended = Some(Instant::now());
        let lease = self.lease();
        runtime.spawn(async move {
            if let Err(error) = lease.0.open_browser().await {
                tracing::warn!(%error, "the browser cannot be opened again");
            }
        });
    }

    /// Takes note of whether the site takes the user for signed in.
    pub(crate) fn saw_sign_in(&self, is_signed_in: bool) {
        self.seen().signed_in = Some(is_signed_in);
        if let Some(profile) = self.user_data_dir().filter(|_| is_signed_in) {
            Profile::keep(profile);
        }
    }

    fn seen(&self) -> MutexGuard<'_, Health> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Announces a use.
    pub(crate) fn lease(self: &Arc<Self>) -> Lease {
        self.users.send_modify(|users| *users += 1);
        Lease(self.clone())
    }

    /// Waits until nobody uses the session, for at most `wait`.
    pub(crate) async fn unused(&self, wait: Duration) {
        let mut users = self.users.subscribe();
        let _ = tokio::time::timeout(wait, users.wait_for(|users| *users == 0)).await;
    }

    /// Whether the browser may be closed and opened again in a window, for a person to sign in.
    pub(crate) fn may_show_window(&self) -> bool {
        matches!(self.source, Source::Launch(_)) && lenore_browser::can_show_window()
    }

    /// Opens a page; before that the browser, where there is none or it is lost.
    pub(crate) async fn open_page(&self, preload: &str) -> Result<(Page, Tap)> {
        let options = PageOptions { preload: preload.to_owned() };
        let browser = self.opened().await?;
        let open = browser.as_ref().ok_or_else(|| gone("the browser is gone; ask again"))?;
        open.open_page(&options, self.source.opening()).await.map_err(browser_error)
    }

    /// Opens the browser, where there is none or it is lost.
    pub(crate) async fn open_browser(&self) -> Result<()> {
        self.opened().await.map(drop)
    }

    async fn opened(&self) -> Result<RwLockReadGuard<'_, Option<Browser>>> {
        let mut browser = self.browser.read().await;
        if !browser.as_ref().is_some_and(Browser::is_alive) {
            drop(browser);
            let mut opening = self.browser.write().await;
            // Another may have opened it meanwhile.
            if !opening.as_ref().is_some_and(Browser::is_alive) {
                if let Some(lost) = opening.take() {
                    tracing::warn!("the browser was lost and is started again");
                    self.seen().restarts += 1;
                    lost.close().await;
                }
                let opened = self.open(None).await;
                self.seen().fault = opened.as_ref().err().map(ToString::to_string);
                *opening = Some(opened?);
            }
            browser = opening.downgrade();
        }
        Ok(browser)
    }

    /// Closes the headless browser and opens it in a window, on the same profile. Another's
    /// browser has its own window, or none.
    pub(crate) async fn show_window(&self) -> Result<()> {
        match &self.source {
            Source::Launch(_) => {}
            Source::WebDriver(WebDriverOptions { session: None, headless: true, .. }) => {
                return Err(gone(
                    "the WebDriver's session has no window; ask for one with --headed, or sign in \
                     with a mailed code",
                ));
            }
            Source::Attach(_) | Source::WebDriver(_) => return Ok(()),
        }
        let mut browser = self.browser.write().await;
        if browser.as_ref().is_some_and(|open| open.is_alive() && !open.is_headless()) {
            return Ok(());
        }
        if let Some(headless) = browser.take() {
            headless.close().await;
        }
        *browser = Some(self.open(Some(false)).await?);
        Ok(())
    }

    /// Whether the browser is in a window that we opened.
    pub(crate) async fn shows_window(&self) -> bool {
        let browser = self.browser.read().await;
        matches!(self.source, Source::Launch(_))
            && browser.as_ref().is_some_and(|open| open.is_ours() && !open.is_headless())
    }

    /// Whether the browser holds a cookie of this name for this host.
    pub(crate) async fn has_cookie(&self, name: &str, host: &str) -> Result<bool> {
        let browser = self.browser.read().await;
        let open = browser.as_ref().ok_or_else(|| gone("the browser is gone; ask again"))?;
        let cookies = open.cookies(COMMAND).await.map_err(browser_error)?;
        Ok(cookies.iter().any(|cookie| cookie.name == name && cookie.belongs_to(host)))
    }

    /// The cookies that the browser holds for a host, with their values.
    pub(crate) async fn export_cookies(&self, host: &str) -> Result<Vec<SessionCookie>> {
        let browser = self.browser.read().await;
        let open = browser.as_ref().ok_or_else(|| gone("the browser is gone; ask again"))?;
        open.export_cookies(host, COMMAND).await.map_err(browser_error)
    }

    /// The error of a browser that is not signed in, with the way to sign it in.
    pub(crate) fn signed_out(&self) -> Error {
        self.source.signed_out()
    }

    /// The directory of the profile, where it is ours and stays.
    pub(crate) fn user_data_dir(&self) -> Option<&Path> {
        match &self.source {
            Source::Launch(LaunchOptions { profile: Profile::Directory(path), .. }) => Some(path),
            _ => None,
        }
    }

    /// Takes the profile for as long as the session lives, whether a browser is open or not, and
    /// tells other processes of the user something through its lock.
    pub(crate) fn own_profile(&self, announced: Option<&str>) -> Result<()> {
        let Source::Launch(options) = &self.source else { return Ok(()) };
        let mut owned = self.owned();
        let profile = match &*owned {
            Some(profile) => profile,
            None => owned.insert(OwnedProfile::open(&options.profile).map_err(browser_error)?),
        };
        match announced {
            Some(text) => profile.announce(text).map_err(browser_error),
            None => Ok(()),
        }
    }

    /// Lets go of the profile, as soon as no browser is on it. One that was made for this session,
    /// and that nobody has signed in, is removed: a name that was mistyped leaves no profile.
    pub(crate) fn disown_profile(&self) {
        self.owned().take();
        if let Some(profile) = self.user_data_dir() {
            Profile::remove_unkept(profile);
        }
    }

    fn owned(&self) -> MutexGuard<'_, Option<Arc<OwnedProfile>>> {
        self.owned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends a browser of ours; detaches from another's.
    pub(crate) async fn close(&self) {
        if let Some(browser) = self.browser.write().await.take() {
            browser.close().await;
        }
        // One that was being begun when it was given up.
        lenore_browser::sessions_given_back().await;
    }

    async fn open(&self, headless: Option<bool>) -> Result<Browser> {
        match &self.source {
            Source::Launch(options) => {
                let headless = headless.unwrap_or(options.headless);
                let profile = self.owned().clone().map(Profile::Owned);
                let profile = profile.unwrap_or_else(|| options.profile.clone());
                let options = LaunchOptions { headless, profile, ..options.clone() };
                if !headless && !lenore_browser::can_show_window() {
                    return Err(Error::new(
                        ErrorKind::Browser,
                        "a window was asked for, but there is no display to show it on; run without \
                         --headed, or under a display (ssh -X, xvfb-run)",
                    ));
                }
                Browser::launch(&options).await.map_err(browser_error)
            }
            Source::Attach(address) => {
                Browser::connect(address, COMMAND).await.map_err(browser_error)
            }
            Source::WebDriver(options) => {
                let signed_in = self.signed_in().clone();
                let cookies = signed_in.unwrap_or_else(|| options.cookies.clone());
                let options = WebDriverOptions { cookies, ..options.clone() };
                Browser::webdriver(&options).await.map_err(browser_error)
            }
        }
    }

    fn signed_in(&self) -> MutexGuard<'_, Option<Vec<SessionCookie>>> {
        self.signed_in.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close_when_idle(&self) {
        let (Ok(runtime), session) = (tokio::runtime::Handle::try_current(), self.me.clone())
        else {
            return;
        };
        let mut users = self.users.subscribe();
        let idle = self.idle;
        runtime.spawn(async move {
            // Any change means that somebody came; their leaving starts a wait of its own.
            if tokio::time::timeout(idle, users.changed()).await.is_ok() {
                return;
            }
            let Some(session) = session.upgrade() else { return };
            let mut browser = session.browser.write().await;
            if *session.users.borrow() == 0
                && let Some(idle) = browser.take()
            {
                tracing::debug!("nobody needs the browser any more");
                idle.close().await;
            }
        });
    }
}

impl Lease {
    /// Has a new sign-in at a host kept for the browsers to come. A browser writes its cookies
    /// when it ends, and else every half minute, so that one that is killed before would have to
    /// be signed in again. Sessions of a WebDriver end with all that they have, and get it anew.
    pub(crate) async fn keep_cookies(&self, host: &str) -> Result<()> {
        let lasts = match &self.0.source {
            Source::Launch(options) => !matches!(options.profile, Profile::Temporary),
            Source::WebDriver(WebDriverOptions { session: None, .. }) => {
                let cookies = self.0.export_cookies(host).await?;
                *self.0.signed_in() = Some(cookies);
                true
            }
            Source::Attach(_) | Source::WebDriver(_) => false,
        };
        if lasts && *self.0.users.borrow() == 1 {
            self.0.close().await;
        }
        Ok(())
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.0.users.send_modify(|users| *users -= 1);
        if *self.0.users.borrow() == 0 {
            self.0.close_when_idle();
        }
    }
}

fn gone(message: &'static str) -> Error {
    Error::new(ErrorKind::Browser, message)
}
