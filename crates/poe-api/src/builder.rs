//! What the provider can be told before it starts.

use std::fmt;
use std::time::Duration;

use lenore_provider::{Error, ErrorKind, Result};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use url::{Host, Url};

use crate::PoeApi;

const URL: &str = "https://api.poe.com/v1";
const KEY: &str = "POE_API_KEY";
/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(30);
/// The longest silence that is borne, where the request names none.
const SILENCE: Duration = Duration::from_secs(120);

/// Options of a [`PoeApi`].
#[derive(Clone, Default)]
#[must_use]
pub struct PoeApiBuilder {
    key: Option<String>,
    url: Option<String>,
    proxy: Option<String>,
    timeout: Option<Duration>,
}

impl PoeApiBuilder {
    /// The account's key. By default it is taken from the environment, `POE_API_KEY`.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// The service's address, instead of `https://api.poe.com/v1`.
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = Some(url.into());
        self
    }

    /// A forward proxy: `http://[user:password@]host:port`, `https://…` or `socks5://host:port`. An
    /// empty address, or `direct`, says that there is none.
    /// By default that of the environment (`HTTPS_PROXY` and its kin) is used.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = Some(url.into());
        self
    }

    /// The longest silence of the service that is borne, where a request names none; 120 seconds
    /// by default.
    pub fn timeout(mut self, silence: Duration) -> Self {
        self.timeout = Some(silence);
        self
    }

    /// Checks the options. Nothing is connected yet.
    ///
    /// # Errors
    /// [`ErrorKind::NotSignedIn`] where there is no key, or it cannot be one;
    /// [`ErrorKind::InvalidRequest`] where an address is none, or would carry the key over a
    /// network in the clear.
    pub fn build(self) -> Result<PoeApi> {
        let url = address(self.url.as_deref().unwrap_or(URL))?;
        let key = self.key.or_else(|| std::env::var(KEY).ok()).unwrap_or_default();
        let key = key.trim().to_owned();
        let mut client = reqwest::Client::builder()
            .default_headers(authorization(&key)?)
            .connect_timeout(CONNECT)
            // A key is for one place.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("lenore/", env!("CARGO_PKG_VERSION")));
        client = match self.proxy.as_deref() {
            // The usual variables count.
            None => client,
            Some("" | "direct") => client.no_proxy(),
            Some(proxy) => client.proxy(reqwest::Proxy::all(proxy).map_err(|_| no_proxy())?),
        };
        // The source might quote a proxy's password.
        let client = client.build().map_err(|_| {
            Error::new(
                ErrorKind::Network,
                "the HTTP client cannot start; check the proxy's address and the system's \
                 certificates",
            )
        })?;
        Ok(PoeApi::new(client, url, key, self.timeout.unwrap_or(SILENCE)))
    }
}

/// The key and a proxy's password are left out.
impl fmt::Debug for PoeApiBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PoeApiBuilder")
            .field("url", &self.url)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// The service's address, to which paths can be added.
fn address(text: &str) -> Result<Url> {
    let invalid = |why| Error::new(ErrorKind::InvalidRequest, format!("the API's address {why}"));
    let mut url = Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or_else(|| invalid("must look like https://api.poe.com/v1"))?;
    let is_here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    if url.scheme() == "http" && !is_here {
        return Err(invalid("must begin with https://, so that nobody on the way reads the key"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("holds no user and no password; the key goes into POE_API_KEY"));
    }
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(url)
}

fn authorization(key: &str) -> Result<HeaderMap> {
    let missing = |why| {
        let what = "take one from https://poe.com/api_key and put it into POE_API_KEY";
        Error::new(ErrorKind::NotSignedIn, format!("{why}; {what}"))
    };
    if key.is_empty() {
        return Err(missing("there is no key for the API"));
    }
    let mut value = HeaderValue::from_str(&format!("Bearer {key}"))
        .map_err(|_| missing("the key for the API has characters that no key has"))?;
    value.set_sensitive(true);
    Ok(HeaderMap::from_iter([(AUTHORIZATION, value)]))
}

fn no_proxy() -> Error {
    Error::new(
        ErrorKind::InvalidRequest,
        "the proxy's address must look like http://host:port or socks5://host:port",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_never_crosses_a_network_in_the_clear() {
        for good in ["https://api.poe.com/v1", "http://127.0.0.1:1/v1/", "http://[::1]:1"] {
            assert!(address(good).expect(good).path().ends_with('/'));
        }
        for bad in ["", "api.poe.com", "http://api.poe.com/v1", "ftp://localhost", "https://u:p@h"]
        {
            let error = address(bad).expect_err(bad);
            assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        }
    }

    #[test]
    fn a_key_must_be_one_and_is_never_shown() {
        for key in [" ", "pk\n-secret", "pk-secret\u{7f}"] {
            let builder = PoeApi::builder().key(key);
            assert!(!format!("{builder:?}").contains("secret"));
            let error = builder.build().expect_err("no key");
            assert_eq!(error.kind(), ErrorKind::NotSignedIn);
            assert!(!format!("{error:?}").contains("secret"), "{error:?}");
        }
        let api = PoeApi::builder().key("pk-secret\n").build().expect("a key");
        assert!(!format!("{api:?}").contains("secret"), "{api:?}");
    }

    #[test]
    fn a_proxy_is_checked_and_its_password_not_shown() {
        let builder = PoeApi::builder().key("k").proxy("http://raven:nevermore@:::");
        let error = builder.build().expect_err("no address");
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert!(!format!("{error:?}").contains("nevermore"));
    }
}
