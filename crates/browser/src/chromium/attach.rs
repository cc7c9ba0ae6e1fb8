//! Where a browser that runs already listens.

use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::net::TcpStream;
use url::Url;

use crate::{Error, ErrorKind, Result};

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
    tokio::time::timeout(wait, ask(host, port))
        .await
        .map_err(|_| Error::timeout("asking the browser for its address", wait))?
        .map_err(|error| {
            let message = format!(
                "no browser answers at {host}:{port}; start one with --remote-debugging-port"
            );
            Error::new(ErrorKind::Launch, message).with_source(error)
        })
}

/// What `/json/version` tells.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct VersionPage {
    web_socket_debugger_url: String,
}

async fn ask(
    host: &str,
    port: u16,
) -> std::result::Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let stream = TcpStream::connect((host, port)).await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let request = Request::get("/json/version")
        .header("Host", format!("{host}:{port}"))
        .body(Empty::<Bytes>::new())?;
    let answer = sender.send_request(request).await?.into_body().collect().await;
    connection.abort();
    Ok(serde_json::from_slice::<VersionPage>(&answer?.to_bytes())?.web_socket_debugger_url)
}
