//! The proxy that the environment's usual variables name, for every program alike.

use std::ffi::OsString;

use super::Proxy;
use crate::{Error, ErrorKind, Result};

impl Proxy {
    /// The proxy that the usual variables name for a site's address, and the variable that does:
    /// for an `https` address `HTTPS_PROXY`, for an `http` one `http_proxy` (never `HTTP_PROXY`,
    /// which a request can set where a web server runs programs), for both then `ALL_PROXY`.
    /// As with curl, the lower-case name counts for more, and an empty one is none.
    ///
    /// Hosts in `NO_PROXY`, or in the list given in its place, and those of this machine are asked
    /// directly.
    ///
    /// # Errors
    /// [`InvalidOption`](ErrorKind::InvalidOption), naming the variable.
    pub fn from_env(site: &str, bypass: Option<&str>) -> Result<Option<(Self, &'static str)>> {
        read(site, bypass, |name| std::env::var_os(name))
    }
}

fn read(
    site: &str,
    bypass: Option<&str>,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<Option<(Proxy, &'static str)>> {
    let names: &[_] = match site.split_once("://").map(|(scheme, _)| scheme) {
        Some("https") => &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"],
        Some("http") => &["http_proxy", "all_proxy", "ALL_PROXY"],
        _ => &[],
    };
    let first = |names: &[&'static str]| {
        let mut said = names.iter().map(|name| (*name, variable(name).unwrap_or_default()));
        let first = said.find(|(_, value)| !value.is_empty());
        let unicode = first.map(|(name, value)| {
            let not_unicode = |_| Error::new(ErrorKind::InvalidOption, "its value is not Unicode");
            let value = value.into_string().map_err(not_unicode);
            value.map(|value| (name, value)).map_err(|error| within(name, error))
        });
        unicode.transpose()
    };
    let Some((name, address)) = first(names)? else { return Ok(None) };
    let mut proxy: Proxy = address.parse().map_err(|error| within(name, error))?;
    proxy.bypass.set_loopback();
    let proxy = match (bypass, first(&["no_proxy", "NO_PROXY"])?) {
        (Some(hosts), _) => proxy.with_bypass(hosts)?,
        (None, Some((name, hosts))) => {
            proxy.with_bypass(&hosts).map_err(|error| within(name, error))?
        }
        (None, None) => Some(proxy),
    };
    Ok(proxy.map(|proxy| (proxy, name)))
}

fn within(variable: &str, error: Error) -> Error {
    Error::new(ErrorKind::InvalidOption, format!("{variable}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Found = Option<(String, &'static str, String)>;

    fn found(site: &str, bypass: Option<&str>, variables: &[(&str, &str)]) -> Result<Found> {
        let value = |name: &str| {
            let said = variables.iter().find(|(of, _)| *of == name);
            said.map(|(_, value)| OsString::from(value))
        };
        let proxy = read(site, bypass, value)?;
        Ok(proxy
            .map(|(proxy, name)| (proxy.server().to_owned(), name, proxy.bypass().for_chromium())))
    }

    #[test]
    fn the_sites_scheme_chooses_the_variable() {
        let all = [
            ("HTTP_PROXY", "httpoxy:1"),
            ("http_proxy", "http:1"),
            ("HTTPS_PROXY", "https:1"),
            ("ALL_PROXY", "socks5h://all"),
        ];
        let server = |site, variables: &[_]| {
            found(site, None, variables).expect("valid").map(|(server, name, _)| (server, name))
        };
        let some = |server: &str, name| Some((server.to_owned(), name));
        assert_eq!(server("https://s", &all), some("http://https:1", "HTTPS_PROXY"));
        assert_eq!(server("http://s", &all), some("http://http:1", "http_proxy"));
        assert_eq!(server("https://s", &all[3..]), some("socks5://all:1080", "ALL_PROXY"));
        assert_eq!(server("http://s", &all[..1]), None);
        assert_eq!(server("https://s", &all[..2]), None);
        let both = [("HTTPS_PROXY", "upper:1"), ("https_proxy", "lower:1")];
        assert_eq!(server("https://s", &both), some("http://lower:1", "https_proxy"));
        let empty = [("https_proxy", ""), ("all_proxy", "all:1")];
        assert_eq!(server("https://s", &empty), some("http://all:1", "all_proxy"));
    }

    #[test]
    fn no_proxy_is_honoured_and_this_machine_is_asked_directly() {
        let variables = |hosts| [("https_proxy", "p:1"), ("no_proxy", hosts)];
        let bypass = |own, hosts| {
            found("https://s", own, &variables(hosts)).expect("valid").map(|(_, _, bypass)| bypass)
        };
        assert_eq!(bypass(None, ""), Some(String::new()));
        assert_eq!(bypass(None, "*.a, b:1"), Some("*.a;b:1;*.b:1".into()));
        assert_eq!(bypass(Some("10.0.0.1"), "b"), Some("10.0.0.1".into()));
        assert_eq!(bypass(None, "*"), None);
    }

    #[test]
    fn a_mistake_names_the_variable_and_no_password() {
        let error = found("https://s", None, &[("all_proxy", "ftp://ann:s3cret@h")]);
        let error = error.expect_err("no proxy");
        assert_eq!(error.kind(), ErrorKind::InvalidOption);
        assert!(error.to_string().starts_with("all_proxy: "), "{error}");
        assert!(!format!("{error:?}").contains("s3cret"));
        let error = found("https://s", None, &[("all_proxy", "h"), ("NO_PROXY", "a..b")]);
        assert!(error.expect_err("no hosts").to_string().starts_with("NO_PROXY: "));
    }

    #[cfg(unix)]
    #[test]
    fn a_value_that_is_no_text_is_said_to_be_none() {
        use std::os::unix::ffi::OsStringExt;
        let bytes = |of: &'static str| {
            move |name: &str| (name == of).then(|| OsString::from_vec(b"http://s3cret\xff".into()))
        };
        let error = read("https://s", None, bytes("https_proxy")).expect_err("no text");
        assert_eq!(error.kind(), ErrorKind::InvalidOption);
        assert_eq!(error.to_string(), "https_proxy: its value is not Unicode");
        assert!(read("https://s", None, bytes("HTTP_PROXY")).expect("not asked").is_none());
    }
}
