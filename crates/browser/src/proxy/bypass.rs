//! The hosts that are asked directly, past a proxy.

use std::net::IpAddr;

use crate::{Error, ErrorKind, Result};

/// Who is asked past the proxy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bypass {
    hosts: Vec<Hosts>,
    /// Whether this machine itself is. It is not, by default: browsers would leave it out, which
    /// nobody expects who has named a proxy.
    loopback: bool,
}

/// One entry of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Hosts {
    All,
    /// Names without a dot.
    Local,
    /// An address, several of them, or a pattern: as it stands.
    Pattern(String),
    /// A name and all names below it.
    Domain(String),
}

impl Bypass {
    /// Puts a list in place of the one there is.
    pub(super) fn set_hosts(&mut self, list: &str) -> Result<()> {
        let entries = list.split([',', ' ', '\t', '\n']).filter(|entry| !entry.is_empty());
        self.hosts = entries.map(parsed).collect::<Result<_>>()?;
        Ok(())
    }

    pub(super) fn set_loopback(&mut self) {
        self.loopback = true;
    }

    pub(super) fn is_everything(&self) -> bool {
        self.hosts.contains(&Hosts::All)
    }

    /// Whether addresses of this machine are asked directly, without being named.
    pub(crate) fn has_loopback(&self) -> bool {
        self.loopback
    }

    /// The list as Chromium takes it.
    pub(crate) fn for_chromium(&self) -> String {
        // Later rules count for more there, so that a host of this machine can still be named.
        let loopback = (!self.loopback).then_some("<-loopback>".to_owned());
        let hosts = self.hosts.iter().flat_map(|hosts| match hosts {
            Hosts::All => vec!["*".to_owned()],
            Hosts::Local => vec!["<local>".to_owned()],
            Hosts::Pattern(pattern) => vec![pattern.clone()],
            Hosts::Domain(name) => vec![name.clone(), format!("*.{name}")],
        });
        loopback.into_iter().chain(hosts).collect::<Vec<_>>().join(";")
    }

    /// The list as WebDriver's `noProxy` takes it: a name that begins with a dot stands for all
    /// below it, and an address has no brackets.
    pub(crate) fn for_webdriver(&self) -> Vec<String> {
        let hosts = self.hosts.iter().flat_map(|hosts| match hosts {
            Hosts::All => vec!["*".to_owned()],
            Hosts::Local => vec!["<local>".to_owned()],
            Hosts::Pattern(pattern) => {
                let address = pattern.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
                let below = pattern.strip_prefix('*').filter(|rest| rest.starts_with('.'));
                vec![address.or(below).unwrap_or(pattern).to_owned()]
            }
            Hosts::Domain(name) => vec![name.clone(), format!(".{name}")],
        });
        hosts.collect()
    }
}

fn parsed(entry: &str) -> Result<Hosts> {
    let pattern = |text: &str| Ok(Hosts::Pattern(text.to_ascii_lowercase()));
    match entry {
        "*" => return Ok(Hosts::All),
        "<local>" => return Ok(Hosts::Local),
        _ => {}
    }
    if let Some((address, length)) = entry.split_once('/') {
        let most = |address: IpAddr| if address.is_ipv4() { 32 } else { 128 };
        let is_network = address.parse().ok().zip(length.parse::<u8>().ok());
        return match is_network.filter(|(address, length)| *length <= most(*address)) {
            Some(_) => pattern(entry),
            None => Err(unknown(entry)),
        };
    }
    match entry.parse::<IpAddr>() {
        Ok(IpAddr::V6(_)) => return pattern(&format!("[{entry}]")),
        Ok(IpAddr::V4(_)) => return pattern(entry),
        Err(_) => {}
    }
    let (host, port) = match entry.rsplit_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (entry, None),
    };
    if port.is_some_and(|port| port.parse::<u16>().is_err()) {
        // An address in brackets has colons of its own.
        return if is_bracketed(entry) { pattern(entry) } else { Err(unknown(entry)) };
    }
    let name = host.strip_prefix('.').unwrap_or(host);
    let is_part = |part: &str| {
        let is_of_name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '*');
        !part.is_empty() && part.chars().all(is_of_name)
    };
    if is_bracketed(host) || host.parse::<IpAddr>().is_ok() {
        pattern(entry)
    } else if !name.split('.').all(is_part) {
        Err(unknown(entry))
    } else if name.contains('*') {
        pattern(entry)
    } else {
        Ok(Hosts::Domain(entry.strip_prefix('.').unwrap_or(entry).to_ascii_lowercase()))
    }
}

fn is_bracketed(host: &str) -> bool {
    let inside = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    inside.is_some_and(|inside| inside.parse::<std::net::Ipv6Addr>().is_ok())
}

fn unknown(entry: &str) -> Error {
    let message = format!(
        "{entry:?} names no hosts to go past the proxy; write example.org, *.example.org, \
         host:port, 192.0.2.0/24, <local> or *"
    );
    Error::new(ErrorKind::InvalidOption, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bypass(list: &str) -> Bypass {
        let mut bypass = Bypass::default();
        bypass.set_hosts(list).expect(list);
        bypass
    }

    #[test]
    fn each_browser_gets_the_list_in_its_own_words() {
        let cases: [(&str, &str, &[&str]); 10] = [
            ("Example.org", "example.org;*.example.org", &["example.org", ".example.org"]),
            (".example.org", "example.org;*.example.org", &["example.org", ".example.org"]),
            ("*.example.org", "*.example.org", &[".example.org"]),
            ("host:8080", "host:8080;*.host:8080", &["host:8080", ".host:8080"]),
            ("192.0.2.7", "192.0.2.7", &["192.0.2.7"]),
            ("192.0.2.0/24", "192.0.2.0/24", &["192.0.2.0/24"]),
            ("::1", "[::1]", &["::1"]),
            ("[::1]:80", "[::1]:80", &["[::1]:80"]),
            ("2001:db8::/32", "2001:db8::/32", &["2001:db8::/32"]),
            ("<local>, 10.0.0.*", "<local>;10.0.0.*", &["<local>", "10.0.0.*"]),
        ];
        for (list, chromium, webdriver) in cases {
            assert_eq!(bypass(list).for_chromium(), format!("<-loopback>;{chromium}"), "{list}");
            assert_eq!(bypass(list).for_webdriver(), webdriver, "{list}");
        }
        let mut own = bypass(" ,");
        assert_eq!(own.for_chromium(), "<-loopback>");
        own.set_loopback();
        assert_eq!(own.for_chromium(), "");
        assert!(bypass("a,*").is_everything() && !bypass("*.a").is_everything());
    }

    #[test]
    fn what_names_no_hosts_is_an_error() {
        for bad in [
            "http://h",
            "h;g",
            "<-loopback>",
            "1.2.3.4/33",
            "h/8",
            "a..b",
            ".",
            "h:",
            "h:99999",
            "[::g]",
            "a\u{0}b",
        ] {
            let error = Bypass::default().set_hosts(bad).expect_err(bad);
            assert_eq!(error.kind(), ErrorKind::InvalidOption, "{bad}");
        }
    }
}
