//! Starting a browser, attaching to one, and opening pages in it.

use std::path::PathBuf;
use std::time::Duration;

use crate::chromium::Chromium;
use crate::{Page, Profile, Proxy, Result, Tap};

/// How a browser is started.
#[derive(Clone, Debug)]
pub struct LaunchOptions {
    /// The program; `None` looks for one ([`find_chromium`](crate::find_chromium)).
    pub binary: Option<PathBuf>,
    /// The profile to run on.
    pub profile: Profile,
    /// Without a window.
    pub headless: bool,
    /// A forward proxy for everything, addresses of this machine included.
    pub proxy: Option<Proxy>,
    /// Further command-line switches of the browser.
    pub args: Vec<String>,
    /// How long the start may take.
    pub wait: Duration,
}

impl Default for LaunchOptions {
    fn default() -> Self {
        Self {
            binary: None,
            profile: Profile::default(),
            headless: true,
            proxy: None,
            args: Vec::new(),
            wait: Duration::from_secs(30),
        }
    }
}

/// How a page is opened.
#[derive(Clone, Debug, Default)]
pub struct PageOptions {
    /// A JavaScript function of one argument, `emit`, as source text. It runs in the main frame
    /// of each document before the document's own scripts; what it emits arrives in the [`Tap`].
    pub preload: String,
}

/// A cookie that the browser holds: its name and where it belongs. Values stay in the browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cookie {
    /// Its name.
    pub name: String,
    /// The host it belongs to, with a leading dot where subdomains share it.
    pub domain: String,
}

/// A running browser.
///
/// One that was started here ends with the value, with its processes, its lock and its temporary
/// profile; [`close`](Self::close) does the same without blocking. One that was attached to is
/// left as it is.
#[derive(Debug)]
pub struct Browser(Chromium);

impl Browser {
    /// Starts a browser of our own.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound), [`Launch`](crate::ErrorKind::Launch) with the
    /// program's last words, [`ProfileInUse`](crate::ErrorKind::ProfileInUse),
    /// [`InvalidOption`](crate::ErrorKind::InvalidOption) for a profile that cannot be used.
    pub async fn launch(options: &LaunchOptions) -> Result<Self> {
        Chromium::launch(options).await.map(Self)
    }

    /// Attaches to a Chromium that runs with remote debugging, by its address:
    /// `http://127.0.0.1:9222`, or a `ws://` address of the browser itself.
    ///
    /// # Errors
    /// [`Launch`](crate::ErrorKind::Launch) where nothing answers there.
    pub async fn connect(address: &str, wait: Duration) -> Result<Self> {
        Chromium::connect(address, wait).await.map(Self)
    }

    /// Opens a page, empty as yet, with its preload script in place.
    ///
    /// # Errors
    /// The browser is gone, or does not answer within `wait`.
    pub async fn open_page(&self, options: &PageOptions, wait: Duration) -> Result<(Page, Tap)> {
        self.0.open_page(options, wait).await
    }

    /// The cookies that the browser holds, those that scripts cannot see included.
    ///
    /// # Errors
    /// The browser is gone, or does not answer within `wait`.
    pub async fn cookies(&self, wait: Duration) -> Result<Vec<Cookie>> {
        self.0.cookies(wait).await
    }

    /// The program's name and version, such as `Chrome/156.0.8078.79`.
    pub fn version(&self) -> &str {
        self.0.version()
    }

    /// Whether we started it.
    pub fn is_ours(&self) -> bool {
        self.0.is_ours()
    }

    /// Whether it runs without a window (`false` where that is not known).
    pub fn is_headless(&self) -> bool {
        self.0.is_headless()
    }

    /// Whether it can still be spoken to.
    pub fn is_alive(&self) -> bool {
        self.0.is_alive()
    }

    /// Ends a browser of ours: its processes, its lock, its temporary profile. Detaches from one
    /// that is not.
    pub async fn close(self) {
        self.0.close().await;
    }
}
