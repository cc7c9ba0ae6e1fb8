//! A browser behind a proxy, and the sites that it looks at.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::{Mutex, Once, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::response::Html;
use axum::routing::{get, post};
use base64::Engine as _;
use futures_util::{SinkExt as _, StreamExt as _};
use lenore_browser::{Browser, Error, LaunchOptions, Page, PageOptions, Profile, Proxy, Tap};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// No wait of a test is longer.
pub(crate) const WAIT: Duration = Duration::from_secs(20);

/// The proxy's password, which nobody else may see.
pub(crate) const PASSWORD: &str = "s3cret-word";

/// A browser behind a proxy, with one page.
pub(crate) struct Through {
    browser: Browser,
    page: Page,
    _tap: Tap,
    profile: tempfile::TempDir,
}

impl Through {
    /// Behind a proxy, by its address.
    pub(crate) async fn proxy(address: &str, switches: &[&str]) -> Self {
        Self::new(Some(address.parse().expect("valid")), switches).await
    }

    pub(crate) async fn new(proxy: Option<Proxy>, switches: &[&str]) -> Self {
        keep_logs();
        let profile = tempfile::tempdir().expect("a directory");
        let options = LaunchOptions {
            profile: Profile::Directory(profile.path().to_owned()),
            proxy,
            args: switches.iter().map(|switch| (*switch).to_owned()).collect(),
            ..LaunchOptions::default()
        };
        let browser = Browser::launch(&options).await.expect("a browser is installed");
        let (page, tap) = browser.open_page(&PageOptions::default(), WAIT).await.expect("opened");
        Self { browser, page, _tap: tap, profile }
    }

    pub(crate) async fn load(&self, url: &str) -> Result<(), Error> {
        let loaded = self.page.navigate(url, WAIT).await;
        if let Err(error) = &loaded {
            hidden(&format!("{error} {error:?}"));
        }
        loaded.map(drop)
    }

    pub(crate) async fn title(&self) -> String {
        let title = self.page.call_until("() => document.title", &[], WAIT).await;
        title.expect("it has one").as_str().expect("a text").to_owned()
    }

    /// Has the plain site send back what it is sent, more than fits into one packet.
    pub(crate) async fn echoes_a_long_text(&self) {
        let echo = "async () => {
            const text = 'nevermore'.repeat(100000);
            const answer = await fetch('/echo', { method: 'POST', body: text });
            return [answer.status, (await answer.text()) === text];
        }";
        assert_eq!(self.call(echo).await, json!([200, true]));
    }

    /// Has a WebSocket send back what it is sent.
    pub(crate) async fn speaks_over_a_socket(&self) {
        let site = web_socket().await;
        let speak = format!(
            "() => new Promise((heard, failed) => {{
                const socket = new WebSocket('ws://{site}/');
                socket.onopen = () => socket.send('nevermore');
                socket.onmessage = (message) => heard(message.data);
                socket.onclose = () => failed(new Error('closed'));
            }})"
        );
        assert_eq!(self.call(&speak).await, json!("nevermore"));
    }

    async fn call(&self, function: &str) -> Value {
        self.page.call(function, &[], WAIT).await.expect("it runs")
    }

    /// `host:port` of the proxy that the browser was told on its command line.
    pub(crate) fn told_proxy(&self) -> String {
        let profile = self.profile.path().to_str().expect("a plain name");
        let own = commands().into_iter().filter(|command| command.contains(profile));
        let mut told = own.filter_map(|command| {
            let (_, told) = command.split_once("--proxy-server=http://")?;
            told.split('\0').next().map(str::to_owned)
        });
        told.next_back().expect("it is on the command line")
    }

    /// Ends it. Nobody has seen a password meanwhile.
    pub(crate) async fn end(self) {
        for command in commands() {
            // The proxy itself has been told it in this way.
            if !command.starts_with("microsocks") {
                hidden(&command);
            }
        }
        self.browser.close().await;
        let profile = self.profile.path().to_str().expect("a plain name");
        assert!(!commands().iter().any(|command| command.contains(profile)));
        let logs = LOGS.lock().unwrap_or_else(PoisonError::into_inner);
        let logs = String::from_utf8_lossy(&logs);
        assert!(logs.contains("started"), "it is written down");
        hidden(&logs);
    }
}

/// The command lines of all processes.
fn commands() -> Vec<String> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let commands = entries.flatten().filter_map(|entry| {
        let command = std::fs::read(entry.path().join("cmdline")).ok()?;
        Some(String::from_utf8_lossy(&command).into_owned())
    });
    commands.collect()
}

/// Whether a text holds no password, plain or as HTTP sends it.
fn hidden(text: &str) {
    let sent = base64::engine::general_purpose::STANDARD.encode(format!("ann:{PASSWORD}"));
    for secret in [PASSWORD, &sent] {
        let at = text.find(secret);
        assert!(at.is_none(), "a password is in {:?}", at.map(|at| &text[..at]));
    }
}

/// Everything that this process has logged.
static LOGS: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Adds to them.
struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOGS.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// From the first call on, all that is logged is kept.
fn keep_logs() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let level = tracing_subscriber::filter::LevelFilter::TRACE;
        tracing_subscriber::fmt().with_max_level(level).with_writer(|| Log).init();
    });
}

/// A site with a page whose title is `Plain`, and an echo.
pub(crate) async fn plain_site() -> SocketAddr {
    let router = Router::new()
        .route("/", get(|| async { Html("<title>Plain</title>") }))
        .route("/echo", post(|text: String| async { text }));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// A WebSocket that sends back what it is sent.
async fn web_socket() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let Ok(mut socket) = tokio_tungstenite::accept_async(client).await else { continue };
            while let Some(Ok(message)) = socket.next().await {
                if socket.send(message).await.is_err() {
                    break;
                }
            }
        }
    });
    address
}
