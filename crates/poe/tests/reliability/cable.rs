//! The cable between the browser and the site: a forward proxy that a test can cut.

use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What the cable does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// It carries.
    Up,
    /// Connections stay open, and nothing passes.
    Dead,
    /// Connections are closed, and new ones at once.
    Cut,
}

/// A running proxy. Its tasks end with the test's runtime.
pub(crate) struct Cable {
    /// For `PoeBuilder::proxy`.
    pub(crate) address: String,
    line: Arc<watch::Sender<Line>>,
}

impl Cable {
    /// Listens on a free port.
    pub(crate) async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("bound"));
        let line = Arc::new(watch::Sender::new(Line::Up));
        let shared = line.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, shared.subscribe()));
            }
        });
        Self { address, line }
    }

    /// From now on.
    pub(crate) fn set(&self, line: Line) {
        self.line.send_replace(line);
    }
}

/// Carries one connection until either end closes it or the line is cut.
async fn carry(client: TcpStream, mut line: watch::Receiver<Line>) {
    let mut cut = line.clone();
    tokio::select! {
        _ = exchange(client, &mut line) => {}
        _ = cut.wait_for(|line| *line == Line::Cut) => {}
    }
}

async fn exchange(mut client: TcpStream, line: &mut watch::Receiver<Line>) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if client.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    let mut words = text.split_whitespace();
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let host = target.trim_start_matches("http://").split('/').next().unwrap_or_default();
    let mut site = TcpStream::connect(host).await?;
    if method == "CONNECT" {
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
    } else {
        site.write_all(&head).await?;
    }
    let (mut from_client, mut to_client) = client.split();
    let (mut from_site, mut to_site) = site.split();
    let mut down = line.clone();
    tokio::select! {
        ended = pump(&mut from_client, &mut to_site, line) => ended,
        ended = pump(&mut from_site, &mut to_client, &mut down) => ended,
    }
}

async fn pump(
    from: &mut (impl tokio::io::AsyncRead + Unpin),
    to: &mut (impl tokio::io::AsyncWrite + Unpin),
    line: &mut watch::Receiver<Line>,
) -> std::io::Result<()> {
    let mut bytes = vec![0; 64 << 10];
    loop {
        let count = from.read(&mut bytes).await?;
        if count == 0 {
            return Ok(());
        }
        // What is under way when the line goes dead arrives once it carries again.
        let _ = line.wait_for(|line| *line == Line::Up).await;
        to.write_all(&bytes[..count]).await?;
    }
}
