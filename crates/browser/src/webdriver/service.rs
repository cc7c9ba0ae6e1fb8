//! A WebDriver service's HTTP side: sessions begin and end there, and their sockets are opened.

use std::fmt;
use std::time::Duration;

use reqwest::header::{
    CONNECTION, CONTENT_TYPE, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION,
    UPGRADE,
};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Upgraded};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;
use url::Url;

use crate::{Error, ErrorKind, Result, socket};

/// How much of a service's own words an error repeats, in characters.
const WORDS: usize = 300;

/// How the path of a session's socket ends that a Grid hands on to a node.
const GRID: &str = "/se/bidi";

/// Where a service is, and how it is spoken to.
#[derive(Clone)]
pub(super) struct Service {
    client: Client,
    /// Without credentials.
    url: Url,
    credentials: Option<(String, String)>,
}

/// A session that has begun.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Created {
    pub(super) session_id: String,
    #[serde(default)]
    pub(super) capabilities: Map<String, Value>,
}

/// What every answer is wrapped in.
#[derive(Deserialize)]
struct Answer<T> {
    value: T,
}

/// The value of a refusal.
#[derive(Deserialize)]
struct Refusal {
    error: String,
    #[serde(default)]
    message: String,
}

impl Service {
    pub(super) fn new(address: &str) -> Result<Self> {
        let invalid = || {
            let message = "the address of a WebDriver service is http://host:port";
            Error::new(ErrorKind::InvalidOption, message)
        };
        let mut url = Url::parse(address).map_err(|_| invalid())?;
        if !matches!(url.scheme(), "http" | "https" | "ws" | "wss") || url.host_str().is_none() {
            return Err(invalid());
        }
        let decoded = |part: &str| {
            percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned()
        };
        let has_credentials = !url.username().is_empty() || url.password().is_some();
        let credentials = has_credentials
            .then(|| (decoded(url.username()), decoded(url.password().unwrap_or_default())));
        let cleared = url.set_username("").and_then(|()| url.set_password(None));
        cleared.map_err(|()| invalid())?;
        // Asked directly: what proxies the environment names are for the sites.
        let client = Client::builder()
            .no_proxy()
            .http1_only()
            // A connection that is kept belongs to the runtime that opened it, which may be the
            // one that is blocked while sessions are given back.
            .pool_max_idle_per_host(0)
            .build();
        let client = client.map_err(|error| {
            Error::new(ErrorKind::Launch, "HTTP cannot be used here").with_source(error)
        })?;
        Ok(Self { client, url, credentials })
    }

    /// Host and port, for messages.
    pub(super) fn place(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        match self.url.port_or_known_default() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    /// Whether it runs on this machine.
    pub(super) fn is_here(&self) -> bool {
        match self.url.host() {
            Some(url::Host::Domain(name)) => name == "localhost",
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }

    /// Whether its address is that of a session's socket, with no HTTP side.
    pub(super) fn is_socket(&self) -> bool {
        matches!(self.url.scheme(), "ws" | "wss")
    }

    /// What it says about itself.
    pub(super) async fn status(&self, wait: Duration) -> Result<Value> {
        let answer = self.ask(Method::GET, "status", None, wait).await?;
        Ok(answer.json::<Answer<Value>>().await.map_or(Value::Null, |answer| answer.value))
    }

    /// Asks for a session.
    pub(super) async fn create(&self, always: &Value, wait: Duration) -> Result<Created> {
        let body = json!({ "capabilities": { "alwaysMatch": always } });
        let answer = self.ask(Method::POST, "session", Some(&body), wait).await?;
        let status = answer.status();
        if !status.is_success() {
            return Err(self.refused(answer).await);
        }
        let created = answer.json::<Answer<Created>>().await.map_err(|error| {
            let message = format!("what answers at {} is no WebDriver service", self.place());
            Error::new(ErrorKind::Launch, message).with_source(error.without_url())
        });
        Ok(created?.value)
    }

    /// Whether a session lives, as far as the service tells.
    ///
    /// # Errors
    /// [`ErrorKind::Launch`] where it knows that it does not, or does not answer.
    pub(super) async fn check(&self, session: &str, wait: Duration) -> Result<()> {
        let path = format!("session/{session}/timeouts");
        let answer = self.ask(Method::GET, &path, None, wait).await?;
        if answer.status() != StatusCode::NOT_FOUND {
            return Ok(());
        }
        let message = format!(
            "the service at {} has no such session; it may have ended: begin one, and name its id",
            self.place()
        );
        Err(Error::new(ErrorKind::Launch, message))
    }

    /// Ends a session, as far as that is possible by then.
    pub(super) async fn end(&self, session: &str, wait: Duration) {
        let path = format!("session/{session}");
        match self.ask(Method::DELETE, &path, None, wait).await {
            Ok(answer) => tracing::debug!(status = %answer.status(), "a session was given back"),
            Err(error) => tracing::debug!(%error, "a session could not be given back"),
        }
    }

    /// Opens the socket of a session, where one is at an address.
    pub(super) async fn open_socket(
        &self,
        address: &Url,
        wait: Duration,
    ) -> Result<WebSocketStream<Upgraded>> {
        let key = generate_key();
        let request = self
            .request(Method::GET, of_http(address))
            .header(CONNECTION, "Upgrade")
            .header(UPGRADE, "websocket")
            .header(SEC_WEBSOCKET_VERSION, "13")
            .header(SEC_WEBSOCKET_KEY, &key);
        let no_socket = || Error::new(ErrorKind::Launch, "the session has no socket there");
        let opening = async {
            let answer = request.send().await.map_err(|error| self.unreachable(error))?;
            let accept = answer.headers().get(SEC_WEBSOCKET_ACCEPT);
            let accepted = accept.is_some_and(|found| *found == derive_accept_key(key.as_bytes()));
            if answer.status() != StatusCode::SWITCHING_PROTOCOLS || !accepted {
                return Err(no_socket());
            }
            let upgraded = answer.upgrade().await;
            upgraded.map_err(|error| no_socket().with_source(error.without_url()))
        };
        let upgraded = tokio::time::timeout(wait, opening)
            .await
            .map_err(|_| Error::timeout("opening the session's socket", wait))??;
        Ok(WebSocketStream::from_raw_socket(upgraded, Role::Client, Some(socket::config())).await)
    }

    /// Where the socket is that a service gives as an address: there, or at the service's own
    /// address, since behind a gateway or in a container a service may not know what it is called.
    /// A Grid gives its own name as its nodes know it, so there it is the other way round.
    pub(super) fn sockets_at(&self, address: &Url) -> Vec<Url> {
        let address = of_http(address);
        let through = self.at(address.path().trim_start_matches('/'));
        if through == address {
            vec![through]
        } else if address.path().ends_with(GRID) {
            vec![through, address]
        } else {
            vec![address, through]
        }
    }

    /// Where a session that we know by its id alone may have its socket.
    pub(super) fn sockets_of(&self, session: &str) -> Vec<Url> {
        if self.is_socket() {
            return vec![self.url.clone()];
        }
        let direct = self.at(&format!("session/{session}"));
        vec![direct, self.at(&format!("session/{session}{GRID}"))]
    }

    fn at(&self, path: &str) -> Url {
        let mut url = self.url.clone();
        let joined = format!("{}/{path}", url.path().trim_end_matches('/'));
        url.set_path(&joined);
        url
    }

    fn request(&self, method: Method, url: Url) -> RequestBuilder {
        let credentials = self.credentials.as_ref().filter(|_| self.may_know_them(&url));
        let request = self.client.request(method, url);
        match credentials {
            Some((user, password)) => request.basic_auth(user, Some(password)),
            None => request,
        }
    }

    /// Whether an address is the service's own, so that the credentials may be sent to it; never
    /// in plain text where the service is spoken to over TLS.
    fn may_know_them(&self, url: &Url) -> bool {
        url.host_str() == self.url.host_str()
            && url.port_or_known_default() == self.url.port_or_known_default()
            && (has_tls(url) || !has_tls(&self.url))
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        wait: Duration,
    ) -> Result<Response> {
        let mut request = self.request(method, self.at(path)).timeout(wait);
        if let Some(body) = body {
            // Without the charset a Selenium Grid refuses it.
            request = request
                .header(CONTENT_TYPE, "application/json; charset=utf-8")
                .body(body.to_string());
        }
        request.send().await.map_err(|error| {
            if error.is_timeout() {
                let message = format!("the WebDriver service at {} took too long", self.place());
                return Error::new(ErrorKind::Timeout, message).with_source(error.without_url());
            }
            self.unreachable(error)
        })
    }

    fn unreachable(&self, error: reqwest::Error) -> Error {
        let message = format!(
            "no WebDriver service answers at {}; start a chromedriver, a geckodriver or a Selenium \
             Grid there",
            self.place()
        );
        Error::new(ErrorKind::Launch, message).with_source(error.without_url())
    }

    async fn refused(&self, answer: Response) -> Error {
        let status = answer.status();
        let message = match answer.json::<Answer<Refusal>>().await {
            _ if status == StatusCode::UNAUTHORIZED => {
                "check the user and password in its address".to_owned()
            }
            Ok(Answer { value }) => {
                format!("{}: {}", value.error, harmless(&value.message))
            }
            Err(_) => format!("HTTP {status}"),
        };
        let kind = if message.starts_with("invalid argument") {
            ErrorKind::InvalidOption
        } else {
            ErrorKind::Launch
        };
        let place = self.place();
        Error::new(kind, format!("the WebDriver service at {place} opened no session: {message}"))
    }
}

fn has_tls(url: &Url) -> bool {
    matches!(url.scheme(), "https" | "wss")
}

/// The same address with the scheme by which its socket is asked for.
fn of_http(address: &Url) -> Url {
    let mut url = address.clone();
    // Between the four schemes of the web every change is possible.
    let _ = url.set_scheme(if has_tls(address) { "https" } else { "http" });
    url
}

/// The first line of a service's words, up to where it repeats what it was asked for: keys may be
/// among that.
fn harmless(words: &str) -> String {
    let line = words.lines().next().unwrap_or_default();
    let line = line.split(['{', '[']).next().unwrap_or_default();
    line.chars().take(WORDS).collect::<String>().trim().to_owned()
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Service").field(&self.place()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_go_to_the_service_alone_and_never_in_plain_text() {
        let knows = |service: &str, address: &str| {
            let service = Service::new(service).expect("valid");
            let request = service.request(Method::GET, of_http(&address.parse().expect("valid")));
            request.build().expect("valid").headers().contains_key("authorization")
        };
        let secure = "https://ann:s3cret@grid/wd/hub";
        assert!(knows(secure, "https://grid/wd/hub/session"));
        assert!(knows(secure, "wss://grid:443/session/1/se/bidi"));
        for other in
            ["ws://grid/session/1", "ws://grid:443/session/1", "wss://grid:9515/", "wss://h/"]
        {
            assert!(!knows(secure, other), "{other}");
        }
        assert!(knows("http://ann:s3cret@grid:4444", "ws://grid:4444/session/1/se/bidi"));
        assert!(!knows("http://ann:s3cret@grid:4444", "ws://grid:9515/session/1"));
        assert!(knows("wss://ann:s3cret@grid/session/1", "wss://grid/session/1"));
    }

    #[test]
    fn a_sockets_address_that_is_the_services_own_is_tried_once() {
        let at = |service: &str, address: &str| {
            let service = Service::new(service).expect("valid");
            let found = service.sockets_at(&address.parse().expect("valid"));
            found.iter().map(Url::to_string).collect::<Vec<_>>()
        };
        assert_eq!(at("http://h:1", "ws://h:1/session/x"), ["http://h:1/session/x"]);
        let (direct, through) = ("http://d:1/session/x", "http://h:1/session/x");
        assert_eq!(at("http://h:1", "ws://d:1/session/x"), [direct, through]);
        let (direct, through) = ("http://d:1/session/x/se/bidi", "http://h:1/session/x/se/bidi");
        assert_eq!(at("http://h:1", "ws://d:1/session/x/se/bidi"), [through, direct]);
    }
}
