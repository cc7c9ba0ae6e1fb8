//! A WebSocket between two queues.

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

/// What every socket to a browser allows: a screenshot or a long prompt is one message, and the
/// peer is the user's own browser.
pub(crate) fn config() -> WebSocketConfig {
    WebSocketConfig::default().max_message_size(None).max_frame_size(None)
}

/// Carries texts out of a queue, and what comes in to `receive`, until either side ends.
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
        loop {
            tokio::select! {
                text = queue.recv() => {
                    let Some(text) = text else { break };
                    if sink.send(Message::text(text)).await.is_err() {
                        break;
                    }
                }
                message = stream.next() => match message {
                    Some(Ok(Message::Text(text))) => receive(text.as_bytes()),
                    Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                    Some(Ok(_)) => {}
                },
            }
        }
        // Before the farewell, which a peer that is gone never takes.
        ended();
        let _ = sink.close().await;
    });
}
