//! The cookies of a browser.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A cookie that the browser holds: its name and where it belongs. Values stay in the browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cookie {
    /// Its name.
    pub name: String,
    /// The host it belongs to, with a leading dot where subdomains share it.
    pub domain: String,
}

/// A cookie with its value, as it goes from one browser of a user to another. The value is in no
/// `Debug` output.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionCookie {
    /// Its name.
    pub name: String,
    /// Its value, which is a secret.
    pub value: String,
    /// The host it belongs to, with a leading dot where subdomains share it.
    pub domain: String,
    /// The part of the site it belongs to.
    pub path: String,
    /// Whether it goes over TLS alone.
    pub secure: bool,
    /// Whether scripts cannot see it.
    pub http_only: bool,
    /// `strict`, `lax` or `none`, where it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_site: Option<String>,
    /// When it ends, in seconds since 1970; one without ends with the browser.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<u64>,
}

impl Cookie {
    /// Whether it is sent to a host.
    pub fn belongs_to(&self, host: &str) -> bool {
        belongs_to(&self.domain, host)
    }
}

impl fmt::Debug for SessionCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, domain, path, expires, .. } = self;
        f.debug_struct("SessionCookie")
            .field("name", name)
            .field("domain", domain)
            .field("path", path)
            .field("expires", expires)
            .finish_non_exhaustive()
    }
}

/// Whether a cookie of a domain is sent to a host.
pub(crate) fn belongs_to(domain: &str, host: &str) -> bool {
    let domain = domain.trim_start_matches('.');
    host == domain || host.strip_suffix(domain).is_some_and(|sub| sub.ends_with('.'))
}
