//! A forward proxy: its address, the credentials that go with it, and who is asked past it.

mod bypass;
mod env;
mod relay;
mod through;

use std::fmt;
use std::str::FromStr;

use percent_encoding::percent_decode_str;
use url::Url;

pub(crate) use self::bypass::Bypass;
pub(crate) use self::relay::{Failures, Relay};
pub(crate) use self::through::Through;
use crate::{Error, ErrorKind, Result};

/// How long SOCKS lets a user or a password be, in bytes.
const SOCKS_FIELD: std::ops::RangeInclusive<usize> = 1..=255;

/// A forward proxy: `http://`, `https://`, `socks5://` (each with an optional user and password)
/// or `socks4://`.
///
/// The password is in no `Debug` or `Display` output, and in no process list.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    server: String,
    credentials: Option<Credentials>,
    bypass: Bypass,
}

/// A user and password, for the proxy alone.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Credentials {
    pub(crate) user: String,
    pub(crate) password: String,
}

impl Proxy {
    /// The proxy's address without credentials, as Chromium's `--proxy-server` takes it.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// Has hosts asked directly, past the proxy; `None` where they are all hosts. The list is
    /// written as that of `NO_PROXY`, with commas or spaces between:
    ///
    /// - `example.org` or `.example.org`: that host and all below it; `*.example.org`: only those
    ///   below it
    /// - `192.0.2.7`, `192.0.2.0/24`, `2001:db8::/32`: addresses
    /// - `host:8080`: that port alone
    /// - `<local>`: names without a dot
    /// - `*`: everything
    ///
    /// # Errors
    /// [`InvalidOption`](crate::ErrorKind::InvalidOption) for an entry that is none of these.
    pub fn with_bypass(mut self, hosts: &str) -> Result<Option<Self>> {
        self.bypass.set_hosts(hosts)?;
        Ok((!self.bypass.is_everything()).then_some(self))
    }

    pub(crate) fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }

    pub(crate) fn bypass(&self) -> &Bypass {
        &self.bypass
    }

    /// Whether browsers need a [`Relay`] for it: none gives a password to a SOCKS proxy.
    pub(crate) fn needs_relay(&self) -> bool {
        self.server.starts_with("socks") && self.credentials.is_some()
    }

    /// The host and port.
    fn address(&self) -> &str {
        self.server.split_once("://").map_or(&self.server, |(_, address)| address)
    }
}

impl FromStr for Proxy {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        // The text may hold a password, so no message repeats it.
        let invalid = |why| Err(Error::new(ErrorKind::InvalidOption, why));
        let with_scheme =
            if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let Ok(url) = Url::parse(&with_scheme) else {
            return invalid("the proxy's address does not parse; write it as http://host:port");
        };
        let Some(host) = url.host_str().filter(|host| !host.is_empty()) else {
            return invalid("the proxy's address has no host; write it as http://host:port");
        };
        let (scheme, default_port) = match url.scheme() {
            "http" => ("http", 80),
            "https" => ("https", 443),
            "socks4" => ("socks4", 1080),
            // Browsers always leave the names of hosts to a SOCKS5 proxy, which the `h` asks for.
            "socks5" | "socks5h" => ("socks5", 1080),
            _ => return invalid("a proxy is http://, https://, socks5:// or socks4://"),
        };
        let decoded = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
        let has_credentials = !url.username().is_empty() || url.password().is_some();
        let credentials = has_credentials.then(|| Credentials {
            user: decoded(url.username()),
            password: decoded(url.password().unwrap_or_default()),
        });
        match (scheme, &credentials) {
            ("socks4", Some(_)) => {
                return invalid("a SOCKS4 proxy takes no user and password; use socks5://");
            }
            ("socks5", Some(Credentials { user, password }))
                if ![user, password].iter().all(|part| SOCKS_FIELD.contains(&part.len())) =>
            {
                return invalid(
                    "a SOCKS5 proxy takes both a user and a password, of at most 255 bytes each",
                );
            }
            _ => {}
        }
        Ok(Self {
            server: format!("{scheme}://{host}:{}", url.port().unwrap_or(default_port)),
            credentials,
            bypass: Bypass::default(),
        })
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)")
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.server)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("server", &self.server)
            .field("credentials", &self.credentials)
            .field("bypass", &self.bypass)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_completed_and_its_credentials_are_set_apart() {
        for scheme in ["http", "https", "socks5", "socks5h"] {
            let text = format!("{scheme}://ann:p%40ss+w%C3%B6rd@proxy.example:3128");
            let proxy: Proxy = text.parse().expect("valid");
            let scheme = scheme.trim_end_matches('h');
            assert_eq!(proxy.server(), format!("{scheme}://proxy.example:3128"));
            assert_eq!(proxy.address(), "proxy.example:3128");
            let credentials = proxy.credentials().expect("both were given");
            assert_eq!((&*credentials.user, &*credentials.password), ("ann", "p@ss+wörd"));
            assert!(!format!("{proxy:?}{proxy}").contains("p@ss"));
            assert_eq!(proxy.needs_relay(), scheme == "socks5");
        }
        let plain: Proxy = "127.0.0.1:8080".parse().expect("a scheme is optional");
        assert_eq!(plain.server(), "http://127.0.0.1:8080");
        let socks: Proxy = "socks5://localhost".parse().expect("a port is optional");
        assert_eq!(socks.server(), "socks5://localhost:1080");
        let six: Proxy = "socks5://[::1]".parse().expect("an address of the newer kind");
        assert_eq!(six.address(), "[::1]:1080");
    }

    #[test]
    fn what_cannot_work_is_refused_without_repeating_a_password() {
        let long = format!("socks5://ann:s3cret{}@h", "x".repeat(255));
        for bad in [
            "ftp://h:1",
            "http://",
            "http://ann:s3cret@h:99999",
            "socks4://ann:s3cret@h",
            "socks5://:s3cret@h",
            "socks5://ann@h",
            "socks4a://h",
            &long,
        ] {
            let error = bad.parse::<Proxy>().expect_err(bad);
            assert_eq!(error.kind(), ErrorKind::InvalidOption);
            assert!(!format!("{error:?}").contains("s3cret"));
        }
    }
}
