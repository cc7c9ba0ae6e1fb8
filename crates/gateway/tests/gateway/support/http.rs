//! A plain client that shows every byte.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::in_time;

/// A response, read to its end.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// The head, in lower case.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let start = format!("{name}: ");
        self.head.lines().find_map(|line| line.strip_prefix(&start)).map(str::trim)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }

    #[track_caller]
    pub(crate) fn with_status(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:#?}");
        self
    }
}

/// A connection.
pub(crate) struct Wire(pub(crate) TcpStream);

impl Wire {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        Self(in_time("connecting", TcpStream::connect(address)).await.expect("it listens"))
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        in_time("sending", self.0.write_all(bytes.as_ref())).await.expect("it takes them");
    }

    /// Reads until these words have come; returns all that has come.
    pub(crate) async fn until(&mut self, words: &str) -> String {
        let mut read = Vec::new();
        let mut bytes = [0; 4096];
        loop {
            let text = String::from_utf8_lossy(&read);
            if text.contains(words) {
                return text.into_owned();
            }
            let count = in_time(words, self.0.read(&mut bytes)).await.expect("readable");
            assert!(count > 0, "the end came before {words:?}: {text}");
            read.extend_from_slice(&bytes[..count]);
        }
    }

    /// Reads to the end of the connection. A reset is an end too.
    pub(crate) async fn rest(mut self) -> Vec<u8> {
        let mut read = Vec::new();
        let _ = in_time("the end of the connection", self.0.read_to_end(&mut read)).await;
        read
    }

    /// The response to what was sent, where it is the last.
    pub(crate) async fn reply(self) -> Reply {
        let bytes = self.rest().await;
        parse(&bytes)
    }
}

/// The bytes of a request, after which the server closes.
pub(crate) fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> String {
    let mut head = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n");
    if !headers.iter().any(|(name, _)| *name == "host") {
        head.push_str("host: localhost\r\n");
    }
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() {
        if !headers.iter().any(|(name, _)| *name == "content-type") {
            head.push_str("content-type: application/json\r\n");
        }
        head.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    format!("{head}\r\n{body}")
}

pub(crate) async fn get(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Reply {
    let mut wire = Wire::open(address).await;
    wire.send(request("GET", path, headers, "")).await;
    wire.reply().await
}

pub(crate) async fn post(
    address: SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
    body: &Value,
) -> Reply {
    let mut wire = Wire::open(address).await;
    wire.send(request("POST", path, headers, &body.to_string())).await;
    wire.reply().await
}

fn parse(bytes: &[u8]) -> Reply {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head: {text:?}"));
    let head = head.to_lowercase();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    let is_chunked = head.contains("transfer-encoding: chunked");
    let body = if is_chunked { unchunked(body) } else { body.to_owned() };
    Reply { status, head, body }
}

/// The text of a chunked body, as far as it came.
fn unchunked(body: &str) -> String {
    let bytes = body.as_bytes();
    let (mut text, mut at) = (Vec::new(), 0);
    while let Some(end) = body[at..].find("\r\n") {
        let Ok(size) = usize::from_str_radix(&body[at..at + end], 16) else { break };
        let start = at + end + 2;
        if size == 0 || start + size > bytes.len() {
            break;
        }
        text.extend_from_slice(&bytes[start..start + size]);
        at = start + size + 2;
    }
    String::from_utf8(text).expect("UTF-8")
}

/// The frames of an event stream: name and data. Comments are left out.
pub(crate) fn frames(body: &str) -> Vec<(Option<String>, String)> {
    let field = |frame: &str, name: &str| {
        frame.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned)
    };
    let frames = body
        .split("\n\n")
        .filter_map(|frame| Some((field(frame, "event: "), field(frame, "data: ")?)));
    frames.collect()
}
