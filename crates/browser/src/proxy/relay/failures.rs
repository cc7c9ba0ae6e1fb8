//! Why a relay could not reach the site, which the browser cannot tell.

use std::sync::{Arc, Mutex, PoisonError};

use hyper::Uri;
use tokio_socks::Error as Socks;

use crate::{Error, ErrorKind};

/// The last connection that failed; none, once one has not.
#[derive(Clone, Debug, Default)]
pub(crate) struct Failures(Arc<Mutex<Option<(Site, Failure)>>>);

/// Who is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Site {
    pub(super) host: String,
    pub(super) port: u16,
}

/// Why a connection failed.
#[derive(Clone, Debug)]
pub(super) enum Failure {
    /// Whatever the site.
    Proxy(String),
    /// For this site.
    Site(String),
}

impl Failures {
    /// The error of a page that could not be loaded, where the way through the proxy is its reason.
    pub(crate) fn of(&self, url: &str) -> Option<Error> {
        let (site, failure) = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        let concerns = match failure {
            Failure::Proxy(_) => true,
            Failure::Site(_) => url.parse().ok().and_then(|url| Site::of(&url)) == Some(site),
        };
        concerns.then(|| Error::new(ErrorKind::Network, failure.words().to_owned()))
    }

    pub(super) fn set(&self, failure: Option<(Site, Failure)>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = failure;
    }
}

impl Site {
    /// The one that an address is of; a tunnel's has no scheme, but a port.
    pub(super) fn of(url: &Uri) -> Option<Self> {
        let usual = match url.scheme_str() {
            Some("http" | "ws") => Some(80),
            Some("https" | "wss") => Some(443),
            _ => None,
        };
        let host = url.host()?.trim_matches(['[', ']']).to_owned();
        Some(Self { host, port: url.port_u16().or(usual)? })
    }
}

impl Failure {
    pub(super) fn words(&self) -> &str {
        let (Self::Proxy(words) | Self::Site(words)) = self;
        words
    }
}

impl From<Socks> for Failure {
    fn from(error: Socks) -> Self {
        match error {
            Socks::PasswordAuthFailure(_)
            | Socks::NoAcceptableAuthMethods
            | Socks::AuthorizationRequired => {
                Self::Proxy("the proxy refused; check its user and password".to_owned())
            }
            Socks::ConnectionNotAllowedByRuleset => {
                Self::Site("the proxy refused to go to this site; check its rules".to_owned())
            }
            Socks::GeneralSocksServerFailure
            | Socks::NetworkUnreachable
            | Socks::HostUnreachable
            | Socks::ConnectionRefused
            | Socks::TtlExpired
            | Socks::AddressTypeNotSupported => Self::Site(format!(
                "the proxy does not reach the site; check the site's address ({error})"
            )),
            _ => Self::Proxy(format!(
                "the proxy does not speak SOCKS5 as it should; check its address ({error})"
            )),
        }
    }
}
