//! Whose browser is used, and what that means.

use std::fmt;
use std::time::Duration;

use lenore_browser::{LaunchOptions, Program, Proxy, WebDriverOptions};
use lenore_provider::{Error, ErrorKind};

use crate::error::signed_out;

/// How long a page may take to open over CDP, and over WebDriver.
const FAST: Duration = Duration::from_secs(10);
const SLOW: Duration = Duration::from_secs(30);

/// Whose browser it is.
pub(crate) enum Source {
    /// Ours, on a profile of its own.
    Launch(LaunchOptions),
    /// One that runs already, by its DevTools address. Used, never closed, never reopened.
    Attach(String),
    /// A WebDriver's: sessions of our own, given back at the end, or one that is adopted.
    WebDriver(WebDriverOptions),
}

impl Source {
    /// The proxy that the browser uses, where it is for us to say.
    pub(crate) fn proxy(&self) -> Option<&Proxy> {
        match self {
            Self::Launch(options) => options.proxy.as_ref(),
            Self::WebDriver(options) => options.proxy.as_ref(),
            Self::Attach(_) => None,
        }
    }

    /// How long a page may take to open. Over WebDriver it takes more steps than one, and a Firefox
    /// opens many pages one after another.
    pub(crate) fn opening(&self) -> Duration {
        match self {
            Self::Launch(LaunchOptions { program: Program::Firefox, .. }) | Self::WebDriver(_) => {
                SLOW
            }
            Self::Launch(_) | Self::Attach(_) => FAST,
        }
    }

    /// The error of a browser that is not signed in, with the way to sign it in.
    pub(crate) fn signed_out(&self) -> Error {
        match self {
            Self::Launch(_) => signed_out(),
            Self::WebDriver(WebDriverOptions { session: None, .. }) => Error::new(
                ErrorKind::NotSignedIn,
                "the WebDriver's session is not signed in, or that has expired; `lenore login \
                 --export FILE` writes what signs it in, with --cookies FILE",
            ),
            Self::Attach(_) | Self::WebDriver(_) => Error::new(
                ErrorKind::NotSignedIn,
                "the browser is not signed in, or that has expired; sign in to the site in its own \
                 window, then ask again",
            ),
        }
    }
}

/// Addresses may hold secrets of a service.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Launch(options) => f.debug_tuple("Launch").field(options).finish(),
            Self::Attach(_) => f.write_str("Attach(..)"),
            Self::WebDriver(_) => f.write_str("WebDriver(..)"),
        }
    }
}
