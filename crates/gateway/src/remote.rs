//! Files at addresses that a client names: fetched only with leave, and never from where only this
//! machine can reach.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use lenore_provider::{Error, ErrorKind};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, redirect};
use url::{Host, Url};

use crate::failure::Failure;

/// The largest file, in bytes.
const LARGEST: usize = 20 * 1024 * 1024;

/// The longest that fetching may take, redirects included.
const PATIENCE: Duration = Duration::from_secs(30);

/// As many redirects are followed.
const REDIRECTS: usize = 3;

/// Whether an address may be asked.
type Guard = fn(IpAddr) -> bool;

/// Fetches files.
#[derive(Clone, Debug)]
pub(crate) struct Remote {
    client: Client,
    guard: Guard,
}

impl Remote {
    /// Only what is on the public internet.
    pub(crate) fn public() -> Result<Self, Error> {
        Self::guarded(is_public)
    }

    fn guarded(guard: Guard) -> Result<Self, Error> {
        let follow = redirect::Policy::custom(move |attempt| {
            if attempt.previous().len() > REDIRECTS {
                attempt.error("too many redirects")
            } else if is_allowed(attempt.url(), guard) {
                attempt.follow()
            } else {
                attempt.error("it leads to a private address")
            }
        });
        let client = Client::builder()
            .redirect(follow)
            .dns_resolver(Resolver(guard))
            // A proxy would resolve the name itself, unguarded.
            .no_proxy()
            .referer(false)
            .timeout(PATIENCE)
            .build();
        let client = client.map_err(|error| {
            Error::new(ErrorKind::Network, "fetching of files cannot be set up").with_source(error)
        })?;
        Ok(Self { client, guard })
    }

    /// The type and the bytes of a file, of which there may be so many.
    pub(crate) async fn fetch(
        &self,
        address: &str,
        most: usize,
    ) -> Result<(String, Vec<u8>), Failure> {
        let most = most.min(LARGEST);
        let refused = |why: &str| {
            Failure::from(Error::new(
                ErrorKind::Attachment,
                format!("the file at the address cannot be fetched: {why}"),
            ))
        };
        let url = Url::parse(address).map_err(|_| refused("that is no address"))?;
        if !is_allowed(&url, self.guard) {
            return Err(refused("only public http and https addresses are"));
        }
        let told = |error: reqwest::Error| refused(&reason(&error));
        let mut response =
            self.client.get(url).send().await.and_then(|r| r.error_for_status()).map_err(told)?;
        let media_type = response.headers().get(reqwest::header::CONTENT_TYPE);
        let media_type = media_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
        let media_type = media_type.split(';').next().unwrap_or_default().trim().to_owned();
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(told)? {
            if bytes.len() + chunk.len() > most {
                return Err(refused(&format!("it is larger than the {most} bytes that may come")));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok((media_type, bytes))
    }
}

/// Why fetching failed, without the address: it may hold a secret.
fn reason(error: &reqwest::Error) -> String {
    if let Some(status) = error.status() {
        return format!("its server says {status}");
    }
    if error.is_timeout() {
        return format!("it takes longer than {} s", PATIENCE.as_secs());
    }
    // The last cause is the plainest.
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    if std::ptr::eq(cause, error as &dyn std::error::Error) {
        return "the transfer failed".to_owned();
    }
    cause.to_string()
}

/// What is known before any name is resolved.
fn is_allowed(url: &Url, guard: Guard) -> bool {
    let is_web = matches!(url.scheme(), "http" | "https");
    let is_host_allowed = match url.host() {
        Some(Host::Ipv4(address)) => guard(address.into()),
        Some(Host::Ipv6(address)) => guard(address.into()),
        Some(Host::Domain(_)) => true,
        None => false,
    };
    is_web && is_host_allowed
}

/// Resolves names as the system does, and leaves out what may not be asked. What is connected to
/// is what was checked, so that a name cannot change in between.
struct Resolver(Guard);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.0;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found.filter(|found| guard(found.ip())).collect();
            if allowed.is_empty() {
                return Err("its host has no public address".into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// Whether an address is on the public internet.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            let is_reserved = a == 0
                || a >= 224
                || (a == 100 && (64..128).contains(&b))
                || (a == 192 && b == 0 && (c == 0 || c == 2))
                || (a == 198 && (b == 18 || b == 19));
            !(is_reserved
                || address.is_private()
                || address.is_loopback()
                || address.is_link_local()
                || address.is_broadcast()
                || address.is_documentation())
        }
        IpAddr::V6(address) => match embedded(address) {
            Some(inner) => is_public(inner),
            // Global unicast only, and of it not the part for documentation.
            None => {
                let [first, second, ..] = address.segments();
                first & 0xe000 == 0x2000
                    && !(first == 0x2001 && (second == 0xdb8 || second < 0x200))
            }
        },
    }
}

/// The IPv4 address that an IPv6 address stands for: mapped, translated (64:ff9b::/96) or 6to4.
fn embedded(address: Ipv6Addr) -> Option<IpAddr> {
    let octets = address.octets();
    let at = match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => 12,
        [0x2002, ..] => 2,
        _ => return None,
    };
    let inner: [u8; 4] = octets[at..at + 4].try_into().ok()?;
    Some(IpAddr::from(inner))
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::response::Redirect;
    use axum::routing::get;

    use super::*;

    #[test]
    fn only_the_public_internet_is_public() {
        let private = [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:db8::1",
            "2001::1",
        ];
        for address in private {
            assert!(!is_public(address.parse().expect(address)), "{address}");
        }
        for address in ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "::ffff:1.1.1.1"] {
            assert!(is_public(address.parse().expect(address)), "{address}");
        }
    }

    /// A site on this machine.
    async fn site() -> String {
        let router = Router::new()
            .route("/picture", get(|| async { ([("content-type", "image/png")], "PNG") }))
            .route("/there", get(|| async { Redirect::to("/picture") }))
            .route("/away", get(|| async { Redirect::to("http://169.254.169.254/latest") }))
            .route("/round", get(|| async { Redirect::to("/round") }))
            .route("/large", get(|| async { vec![0_u8; LARGEST + 1] }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}")
    }

    #[tokio::test]
    async fn this_machine_is_not_asked() {
        let site = site().await;
        let remote = Remote::public().expect("set up");
        let port = site.rsplit(':').next().expect("a port");
        for address in [
            site.clone(),
            format!("http://localhost:{port}/picture"),
            format!("http://[::ffff:127.0.0.1]:{port}/picture"),
            format!("http://2130706433:{port}/picture"),
            "file:///etc/passwd".to_owned(),
        ] {
            let failure = remote.fetch(&address, LARGEST).await.expect_err(&address);
            assert!(!failure.message.contains(port), "{}", failure.message);
        }
    }

    #[tokio::test]
    async fn redirects_and_sizes_are_guarded() {
        let site = site().await;
        let remote = Remote::guarded(|address| address.is_loopback()).expect("set up");
        for path in ["picture", "there"] {
            let (media_type, bytes) =
                remote.fetch(&format!("{site}/{path}"), LARGEST).await.expect("a file");
            assert_eq!((media_type.as_str(), bytes.as_slice()), ("image/png", &b"PNG"[..]));
        }
        // What is left of what may come for a question bounds a file, too.
        let failure = remote.fetch(&format!("{site}/picture"), 2).await.expect_err("three bytes");
        assert!(failure.message.contains("larger"), "{}", failure.message);
        for (path, words) in
            [("away", "private"), ("round", "redirects"), ("large", "larger"), ("none", "404")]
        {
            let failure = remote.fetch(&format!("{site}/{path}"), LARGEST).await.expect_err(path);
            assert!(failure.message.contains(words), "{path}: {}", failure.message);
        }
    }
}
