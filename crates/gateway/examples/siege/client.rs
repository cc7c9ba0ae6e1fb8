//! Clients, good and bad.

use std::io;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::target::KEY;

/// Longer than an answer takes, other than one that is to take long.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) const PATH: &str = "/v1/chat/completions";

/// The head of a request with these further fields, each with its line's end.
pub(crate) fn head(path: &str, fields: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nx-api-key: {KEY}\r\n\
         content-type: application/json\r\n{fields}\r\n"
    )
}

/// A whole request.
pub(crate) fn request(path: &str, body: &str) -> String {
    format!("{}{body}", head(path, &format!("content-length: {}\r\n", body.len())))
}

/// A question.
pub(crate) fn question(words: &str) -> Value {
    json!({ "messages": [{ "role": "user", "content": words }] })
}

/// Sends this and reads what comes until the end; the status, and how many bytes there were. The
/// server may refuse before it has all.
pub(crate) async fn send(address: &str, bytes: &[u8]) -> io::Result<(u16, usize)> {
    send_long(address, bytes, Duration::ZERO).await
}

/// The same, where the answer is to take so long.
pub(crate) async fn send_long(
    address: &str,
    bytes: &[u8],
    time: Duration,
) -> io::Result<(u16, usize)> {
    let exchange = async {
        let mut stream = TcpStream::connect(address).await?;
        let (mut reading, mut writing) = stream.split();
        let write = async {
            let _ = writing.write_all(bytes).await;
        };
        let read = async {
            let mut first = Vec::new();
            let (mut count, mut piece) = (0, vec![0; 64 * 1024]);
            loop {
                // A reset is an end, too.
                match reading.read(&mut piece).await {
                    Ok(0) | Err(_) => break,
                    Ok(more) => {
                        let room = 64_usize.saturating_sub(first.len()).min(more);
                        first.extend_from_slice(&piece[..room]);
                        count += more;
                    }
                }
            }
            let first = String::from_utf8_lossy(&first);
            let status = first.split(' ').nth(1).and_then(|status| status.parse().ok());
            (status.unwrap_or_default(), count)
        };
        let ((), told) = tokio::join!(write, read);
        Ok(told)
    };
    let late = |_| io::Error::new(io::ErrorKind::TimedOut, "no end of the answer");
    tokio::time::timeout(PATIENCE + time, exchange).await.map_err(late)?
}

/// Opens a connection and says this on it, which is kept.
pub(crate) async fn open(address: &str, bytes: &[u8]) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(bytes).await?;
    Ok(stream)
}

/// A good client's question on a new connection: how long it takes to be answered.
pub(crate) async fn ask(address: &str) -> io::Result<Duration> {
    let begin = Instant::now();
    match send(address, request(PATH, &question("Hello").to_string()).as_bytes()).await? {
        (200, _) => Ok(begin.elapsed()),
        (status, _) => Err(io::Error::other(format!("a good client is told {status}"))),
    }
}
