//! A WebSocket between two queues.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

/// What every socket to a browser allows: a screenshot or a long prompt is one message, and the
/// peer is the user's own browser.
pub(crate) fn config() -> WebSocketConfig {
    WebSocketConfig::default().max_message_size(None).max_frame_size(None)
}

/// How long a peer may take to read what it is sent, before it is taken for gone.
const TAKEN: Duration = Duration::from_secs(30);

/// How long it may take to read the farewell.
const FAREWELL: Duration = Duration::from_secs(5);

/// Queues a text that nobody waits for. Where the queue is full, a task waits for room in it.
pub(crate) fn post(queue: &mpsc::Sender<String>, text: String) {
    match queue.try_send(text) {
        Ok(()) => {}
        Err(TrySendError::Closed(_)) => tracing::debug!("a command came too late to be sent"),
        Err(TrySendError::Full(text)) => match tokio::runtime::Handle::try_current() {
            Ok(runtime) => {
                let queue = queue.clone();
                runtime.spawn(async move { queue.send(text).await });
            }
            Err(_) => tracing::warn!("a command could not be sent"),
        },
    }
}

/// Carries texts out of a queue, and what comes in to `receive`, until either side ends. It reads
/// while it sends, since the peer may take nothing before it is read from.
pub(crate) fn carry<S>(
    socket: WebSocketStream<S>,
    mut queue: mpsc::Receiver<String>,
    receive: impl Fn(&[u8]) + Send + 'static,
    ended: impl FnOnce() + Send + 'static,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    tokio::spawn(async move {
        let (mut sink, mut stream) = socket.split();
        let sending = async {
            while let Some(text) = queue.recv().await {
                let sent = timeout(TAKEN, sink.send(Message::text(text))).await;
                if !matches!(sent, Ok(Ok(()))) {
                    break;
                }
            }
        };
        let receiving = async move {
            while let Some(Ok(message)) = stream.next().await {
                match message {
                    Message::Text(text) => receive(text.as_bytes()),
                    Message::Close(_) => break,
                    _ => {}
                }
            }
        };
        tokio::select! {
            () = sending => {}
            () = receiving => {}
        }
        // Before the farewell, which a peer that is gone never takes.
        ended();
        let _ = timeout(FAREWELL, sink.close()).await;
    });
}

#[cfg(test)]
mod tests {
    use tokio_tungstenite::tungstenite::protocol::Role;

    use super::*;

    #[tokio::test]
    async fn a_peer_that_waits_to_be_read_from_is() {
        let (ours, theirs) = tokio::io::duplex(1024);
        let ours = WebSocketStream::from_raw_socket(ours, Role::Client, Some(config())).await;
        let theirs = WebSocketStream::from_raw_socket(theirs, Role::Server, Some(config())).await;
        let long = "x".repeat(64 * 1024);
        let (commands, queue) = mpsc::channel(1);
        let (came, mut arrived) = mpsc::channel(1);
        let told = move |text: &[u8]| came.try_send(text.len()).expect("one text");
        carry(ours, queue, told, || {});
        for _ in 0..3 {
            post(&commands, long.clone());
        }
        drop(commands);
        let (mut sink, mut stream) = theirs.split();
        let peer = async {
            sink.send(Message::text(long.clone())).await.expect("it is read");
            let mut texts = 0;
            while let Some(Ok(Message::Text(text))) = stream.next().await {
                assert_eq!(text.len(), long.len());
                texts += 1;
            }
            texts
        };
        let texts = timeout(Duration::from_secs(20), peer).await.expect("neither waits for ever");
        assert_eq!((texts, arrived.recv().await), (3, Some(long.len())), "nothing is lost");
    }
}
