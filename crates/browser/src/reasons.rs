//! What browsers give as reasons, and what they mean to us.

use crate::{Error, ErrorKind};

/// What is said where the document went away under a running script.
const DOCUMENT_WENT: &[&str] = &[
    "Inspected target navigated or closed",
    "Execution context was destroyed",
    "Cannot find context with specified id",
    "Cannot find default execution context",
    "Promise was collected",
    // Of WebDriver.
    "no such frame",
    "no such realm",
    "AbortError",
    "DiscardedBrowsingContextError",
];

/// What is said where a navigation was overtaken by another.
const OVERTAKEN: &[&str] = &["ERR_ABORTED", "NS_BINDING_ABORTED", "navigation canceled"];

/// The hints for pages that could not be loaded, each with what Chromium's `net::ERR_…`, Firefox's
/// `NS_ERROR_…` and the names of its error pages have in common. The first match counts.
const HINTS: &[(&[&str], &str)] = &[
    (
        &["NAME_NOT_RESOLVED", "NS_ERROR_UNKNOWN_HOST", "dnsNotFound"],
        "the host's name is not known; check the address",
    ),
    (
        &["PROXY_CERTIFICATE"],
        "the proxy's certificate is not trusted; check its address, or have its issuer trusted",
    ),
    (
        &["PROXY_AUTH", "INVALID_AUTH", "proxyAuth"],
        "the proxy refused; check its user and password",
    ),
    (
        &["TUNNEL", "SOCKS_CONNECTION_FAILED"],
        "the proxy refused, or does not reach the site; check its user and password, and the \
         address",
    ),
    (
        &["SOCKS_CONNECTION_HOST_UNREACHABLE"],
        "the proxy does not reach the site; check the address",
    ),
    (
        &["PROXY", "SOCKS", "proxyResolveFailure", "proxyConnectFailure"],
        "the proxy cannot be reached; check its address",
    ),
    (
        &["CERT", "SSL", "SEC_ERROR", "nssFailure", "nssBadCert", "MOZILLA_PKIX"],
        "the connection is not trusted; check the clock, and what intercepts TLS",
    ),
    (
        &["INTERNET_DISCONNECTED", "NS_ERROR_OFFLINE", "netOffline"],
        "this machine is not on the network",
    ),
    (
        &[
            "CONNECTION",
            "TIMED_OUT",
            "NS_ERROR_NET_",
            "connectionFailure",
            "netTimeout",
            "netReset",
            "netInterrupt",
        ],
        "nothing answers there; check the address and the network",
    ),
];

/// Whether a refusal means that the document changed meanwhile.
pub(crate) fn document_went(message: &str) -> bool {
    DOCUMENT_WENT.iter().any(|known| message.contains(known))
}

/// The error of a script whose document changed meanwhile.
pub(crate) fn navigated() -> Error {
    Error::new(ErrorKind::Navigated, "the document changed meanwhile")
}

/// The error of a page that could not be loaded, from the browser's reason.
pub(crate) fn network_error(reason: &str) -> Error {
    let says = |words: &[&str]| words.iter().any(|word| reason.contains(word));
    if says(OVERTAKEN) {
        return Error::new(ErrorKind::Navigated, "the page was left before it was loaded");
    }
    let hint = HINTS.iter().find(|(words, _)| says(words)).map(|(_, hint)| *hint);
    let hint = hint.unwrap_or("the page could not be loaded");
    Error::new(ErrorKind::Network, format!("{hint} ({reason})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_browsers_reason_gets_the_same_hint() {
        for (chromium, firefox) in [
            ("net::ERR_NAME_NOT_RESOLVED", "dnsNotFound"),
            ("net::ERR_CONNECTION_REFUSED", "NS_ERROR_CONNECTION_REFUSED"),
            ("net::ERR_PROXY_CONNECTION_FAILED", "NS_ERROR_PROXY_CONNECTION_REFUSED"),
            ("net::ERR_CERT_AUTHORITY_INVALID", "nssFailure2"),
        ] {
            let hint = |reason: &str| {
                let words = network_error(reason).to_string();
                words.split(" (").next().map(str::to_owned)
            };
            assert_eq!(hint(chromium), hint(firefox), "{chromium}");
        }
        let unreached = network_error("net::ERR_SOCKS_CONNECTION_HOST_UNREACHABLE").to_string();
        assert!(unreached.starts_with("the proxy does not reach the site;"), "{unreached}");
        assert_eq!(network_error("net::ERR_ABORTED").kind(), ErrorKind::Navigated);
        assert!(network_error("novel").to_string().contains("novel"));
    }
}
