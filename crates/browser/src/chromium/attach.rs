//! Where a browser that runs already listens.

use std::time::Duration;

use http_body_util::{BodyExt, Empty, Limited};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::net::TcpStream;
use url::Url;

use crate::{Error, ErrorKind, Result};

/// How long the page may be, in bytes.
const LONGEST: usize = 1 << 20;

/// The WebSocket address of a running browser, from any address that a user may name it by.
pub(super) async fn web_socket_address(address: &str, wait: Duration) -> Result<String> {
    let invalid = || {
        Error::new(
            ErrorKind::InvalidOption,
            "the address of a running browser is http://host:port or ws://host:port/…",
        )
    };
    let url = Url::parse(address).map_err(|_| invalid())?;
    if matches!(url.scheme(), "ws" | "wss") {
        return Ok(address.to_owned());
    }
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
        return Err(invalid());
    };
    let place = format!("{host}:{port}");
    let asked = tokio::time::timeout(wait, ask(host, port)).await;
    asked.map_err(|_| Error::timeout("asking the browser for its address", wait))?.map_err(|no| {
        let message = match &no {
            No::One(_) => format!("nothing listens at {place}; {START}"),
            No::Answer(_) => format!("what listens at {place} speaks no HTTP; {START}"),
            No::Version(404) => format!(
                "what answers at {place} has no page /json/version: either it is no browser, or \
                 its owner allowed debugging in its settings; name the whole address then, \
                 ws://{place}/devtools/browser/ID, from the file DevToolsActivePort of its \
                 profile; else {START}"
            ),
            No::Version(status) => format!(
                "what answers at {place} refuses its page /json/version (HTTP {status}); is it a \
                 browser? {START}"
            ),
            No::Browser(_) => format!("what answers at {place} is no Chromium; {START}"),
        };
        let error = Error::new(ErrorKind::Launch, message);
        match no {
            No::One(source) | No::Answer(source) | No::Browser(source) => error.with_source(source),
            No::Version(_) => error,
        }
    })
}

/// How a browser is started to which one can attach.
const START: &str = "start Chrome with --remote-debugging-port=9222 and --user-data-dir=DIRECTORY, \
                     without which it opens no port";

/// Why there is no address.
enum No {
    /// Nobody listens.
    One(Source),
    /// Who listens does not answer.
    Answer(Source),
    /// The page cannot be had; with the status.
    Version(u16),
    /// The page is not a browser's.
    Browser(Source),
}

type Source = Box<dyn std::error::Error + Send + Sync>;

/// What `/json/version` tells.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct VersionPage {
    web_socket_debugger_url: String,
}

async fn ask(host: &str, port: u16) -> std::result::Result<String, No> {
    let stream = TcpStream::connect((host, port)).await.map_err(|error| No::One(error.into()))?;
    let no_answer = |error: hyper::Error| No::Answer(error.into());
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(no_answer)?;
    let connection = tokio::spawn(connection);
    let request = Request::get("/json/version")
        .header("Host", format!("{host}:{port}"))
        .body(Empty::<Bytes>::new())
        .map_err(|error| No::Answer(error.into()))?;
    let answer = sender.send_request(request).await.map_err(no_answer)?;
    let status = answer.status();
    // Bounded, since it may be anybody who answers.
    let body = Limited::new(answer.into_body(), LONGEST).collect().await;
    connection.abort();
    if !status.is_success() {
        return Err(No::Version(status.as_u16()));
    }
    let page = body.map_err(No::Browser)?.to_bytes();
    let page = serde_json::from_slice::<VersionPage>(&page);
    page.map(|page| page.web_socket_debugger_url).map_err(|error| No::Browser(error.into()))
}
