//! The two ways to a browser's DevTools: a pair of pipes, and a WebSocket.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::connection::Connection;
use super::router::Router;
use crate::commands::OUTGOING;
use crate::{Error, ErrorKind, Result, socket};

/// Speaks over a pair of pipes: JSON texts, each ended by a NUL.
///
/// Nobody else can attach to a pipe, and a browser ends itself when its pipe closes, whatever
/// ended the process that held the other end. A thread writes, so that the pipe closes even where
/// no runtime runs any more; a task reads, whose runtime then goes on with what came at once, where
/// a thread would have to wake it.
#[cfg(unix)]
pub(crate) fn over_pipe(
    mut to_browser: std::io::PipeWriter,
    from_browser: std::io::PipeReader,
) -> std::io::Result<Connection> {
    use std::io::Write;

    use tokio::io::{AsyncBufReadExt, BufReader};
    use tokio::net::unix::pipe;

    let router = Arc::<Router>::default();
    let (outgoing, mut queue) = mpsc::channel::<String>(OUTGOING);
    std::thread::Builder::new().name("lenore-cdp-write".into()).spawn(move || {
        while let Some(text) = queue.blocking_recv() {
            let mut bytes = text.into_bytes();
            bytes.push(0);
            if to_browser.write_all(&bytes).is_err() {
                return;
            }
        }
    })?;
    let from_browser = pipe::Receiver::from_owned_fd(from_browser.into())?;
    let fed = Fed(router.clone());
    tokio::spawn(async move {
        let mut reader = BufReader::with_capacity(64 * 1024, from_browser);
        let mut message = Vec::new();
        while let Ok(1..) = reader.read_until(0, &mut message).await {
            if message.pop() != Some(0) {
                return;
            }
            fed.0.receive(&message);
            message.clear();
        }
    });
    Ok(Connection::new(outgoing, router))
}

/// A router that is fed as long as this lives, and closed then, even if that is by the end of the
/// runtime.
#[cfg(unix)]
struct Fed(Arc<Router>);

#[cfg(unix)]
impl Drop for Fed {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Speaks over the WebSocket of a browser that runs already.
pub(crate) async fn over_web_socket(address: &str, wait: Duration) -> Result<Connection> {
    let connecting =
        tokio_tungstenite::connect_async_with_config(address, Some(socket::config()), true);
    let (socket, _) = tokio::time::timeout(wait, connecting)
        .await
        .map_err(|_| Error::timeout("connecting to the browser", wait))?
        .map_err(|error| {
            use tokio_tungstenite::tungstenite::Error as Refusal;
            let place = place(address);
            let message = match &error {
                Refusal::Http(answer) if answer.status() == 404 => format!(
                    "no browser is at that address of {place} any more; its ID changes with each \
                     start, so name http://{place}"
                ),
                Refusal::Http(answer) => format!(
                    "the browser at {place} refuses to be attached to (HTTP {})",
                    answer.status().as_u16()
                ),
                _ => format!("no browser answers at {place}: {error}"),
            };
            Error::new(ErrorKind::Launch, message).with_source(error)
        })?;
    let router = Arc::<Router>::default();
    let (outgoing, queue) = mpsc::channel::<String>(OUTGOING);
    let (fed, ended) = (router.clone(), router.clone());
    socket::carry(socket, queue, move |text| fed.receive(text), move || ended.close());
    Ok(Connection::new(outgoing, router))
}

/// Host and port of an address; the rest of it may be a key.
fn place(address: &str) -> String {
    let url = url::Url::parse(address).ok();
    let host = url.as_ref().and_then(url::Url::host_str).unwrap_or("its address");
    match url.as_ref().and_then(url::Url::port_or_known_default) {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}
