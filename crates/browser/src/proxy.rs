//! A forward proxy, and the credentials that go with it.

use std::fmt;
use std::str::FromStr;

use percent_encoding::percent_decode_str;
use url::Url;

use crate::{Error, ErrorKind, Result};

/// A forward proxy: `http://`, `https://`, `socks4://` or `socks5://`, with an optional user and
/// password (HTTP proxies only: Chromium knows no others).
///
/// The password is in no `Debug` or `Display` output, and in no process list.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    server: String,
    credentials: Option<Credentials>,
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

    pub(crate) fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
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
        let (Some(host), scheme) = (url.host_str().filter(|host| !host.is_empty()), url.scheme())
        else {
            return invalid("the proxy's address has no host; write it as http://host:port");
        };
        let default_port = match scheme {
            "http" => 80,
            "https" => 443,
            "socks4" | "socks5" => 1080,
            _ => return invalid("a proxy is http://, https://, socks4:// or socks5://"),
        };
        let has_credentials = !url.username().is_empty() || url.password().is_some();
        if has_credentials && scheme.starts_with("socks") {
            return invalid("Chromium has no way to give a password to a SOCKS proxy");
        }
        let decoded = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
        Ok(Self {
            server: format!("{scheme}://{host}:{}", url.port().unwrap_or(default_port)),
            credentials: has_credentials.then(|| Credentials {
                user: decoded(url.username()),
                password: decoded(url.password().unwrap_or_default()),
            }),
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
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_completed_and_its_credentials_are_set_apart() {
        let proxy: Proxy = "http://ann:p%40ss+w%C3%B6rd@proxy.example:3128".parse().expect("valid");
        assert_eq!(proxy.server(), "http://proxy.example:3128");
        let credentials = proxy.credentials().expect("both were given");
        assert_eq!((&*credentials.user, &*credentials.password), ("ann", "p@ss+wörd"));
        assert!(!format!("{proxy:?}{proxy}").contains("p@ss"));
        let plain: Proxy = "127.0.0.1:8080".parse().expect("a scheme is optional");
        assert_eq!(plain.server(), "http://127.0.0.1:8080");
        let socks: Proxy = "socks5://localhost".parse().expect("a port is optional");
        assert_eq!(socks.server(), "socks5://localhost:1080");
    }

    #[test]
    fn what_cannot_work_is_refused_without_repeating_a_password() {
        for bad in ["ftp://h:1", "http://", "http://ann:s3cret@h:99999", "socks5://ann:s3cret@h"] {
            let error = bad.parse::<Proxy>().expect_err(bad);
            assert_eq!(error.kind(), ErrorKind::InvalidOption);
            assert!(!format!("{error:?}").contains("s3cret"));
        }
    }
}
