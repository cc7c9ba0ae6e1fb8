//! Real WebDriver services: a chromedriver, a geckodriver, where they are installed.

#![allow(dead_code, reason = "no test file uses all of it")]

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

/// No wait for a service is longer.
const WAIT: Duration = Duration::from_secs(30);

/// The services that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Chromedriver,
    Geckodriver,
}

/// A service that runs, and everything that it starts.
#[derive(Debug)]
pub(crate) struct Driver {
    pub(crate) url: String,
    kind: Kind,
    child: Child,
    /// Its browsers' profiles are in here, which is how they are known.
    dir: tempfile::TempDir,
}

impl Driver {
    /// Starts one; `None` where it is not installed.
    pub(crate) async fn start(kind: Kind) -> Option<Self> {
        let program = match kind {
            Kind::Chromedriver => installed("chromedriver")?,
            Kind::Geckodriver => geckodriver()?,
        };
        installed(match kind {
            Kind::Chromedriver => "chromium",
            Kind::Geckodriver => "firefox-esr",
        })?;
        let dir = tempfile::tempdir().expect("a directory");
        let mut command = Command::new(program);
        match kind {
            Kind::Chromedriver => command.arg("--port=0"),
            Kind::Geckodriver => {
                let port = free_port().to_string();
                command.args(["--port", &port, "--websocket-port", "0"])
            }
        };
        let command = command.env("TMPDIR", dir.path()).stdin(Stdio::null());
        let command = command.stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let mut child = command.spawn().expect("it starts");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let port = async {
            loop {
                let line = lines.next_line().await.expect("text").expect("it says its port");
                // «… started successfully on port 39817.», «Listening on 127.0.0.1:39817»
                let is_told = line.contains("successfully on port") || line.contains("Listening");
                let port = line.rsplit([' ', ':']).next().map(|port| port.trim_end_matches('.'));
                if let (true, Some(port)) = (is_told, port) {
                    return port.to_owned();
                }
            }
        };
        let port = tokio::time::timeout(WAIT, port).await.expect("it starts in time");
        // What else it says is read, so that it never waits for a reader.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Some(Self { url: format!("http://127.0.0.1:{port}"), kind, child, dir })
    }

    /// A session of the test's own that speaks BiDi, and the address of its socket.
    pub(crate) async fn session(&self) -> (String, String) {
        let options = match self.kind {
            Kind::Chromedriver => json!({
                "goog:chromeOptions": { "args": ["--headless=new", "--no-sandbox"] },
            }),
            Kind::Geckodriver => json!({ "moz:firefoxOptions": { "args": ["-headless"] } }),
        };
        let mut wanted = options;
        wanted["webSocketUrl"] = json!(true);
        let body = json!({ "capabilities": { "alwaysMatch": wanted } });
        let session = self.call("POST", "/session", body).await;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let found = text(&session["sessionId"]).zip(text(&session["capabilities"]["webSocketUrl"]));
        found.unwrap_or_else(|| panic!("no session: {session}"))
    }

    /// The tabs of a session.
    pub(crate) async fn tabs(&self, session: &str) -> Value {
        self.call("GET", &format!("/session/{session}/window/handles"), json!({})).await
    }

    /// Waits until a session has these tabs, and no other. A tab that is closed takes its time.
    pub(crate) async fn has_tabs(&self, session: &str, tabs: &Value) {
        let settled = async {
            while self.tabs(session).await != *tabs {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(WAIT, settled).await.expect("its own tabs are left, and no other");
    }

    /// A command of the protocol; what it yields, or its error.
    pub(crate) async fn call(&self, method: &str, path: &str, body: Value) -> Value {
        let address = self.url.strip_prefix("http://").expect("an address");
        let body = if method == "POST" { body.to_string() } else { String::new() };
        request(address, method, path, &body).await["value"].take()
    }

    /// The browsers that it runs.
    pub(crate) fn browsers(&self) -> Vec<u32> {
        browsers_in(self.dir.path())
    }

    /// Waits until it runs no browser any more.
    pub(crate) async fn is_free(&self) {
        let gone = async {
            while !self.browsers().is_empty() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(WAIT, gone).await.expect("every session is given back");
    }

    /// Kills the service alone.
    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.expect("it runs");
    }

    /// Kills its browsers alone.
    pub(crate) fn kill_browsers(&self) {
        kill(&self.browsers());
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.child.start_kill();
        kill(&self.browsers());
    }
}

/// A port that is free now. A geckodriver answers only to a name that holds the port that it was
/// given.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("bound").port()
}

/// Asks a service of this machine over HTTP, and reads its answer, which is JSON.
pub(crate) async fn request(address: &str, method: &str, path: &str, body: &str) -> Value {
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
         Content-Type: application/json; charset=utf-8\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let answered = async {
        let mut stream = TcpStream::connect(address).await.expect("it runs");
        stream.write_all(request.as_bytes()).await.expect("it reads");
        let mut answer = Vec::new();
        // Some keep the connection open, so that the length counts.
        loop {
            if let Some(body) = whole(&answer) {
                return body;
            }
            let length = stream.read_buf(&mut answer).await.expect("it answers");
            assert!(length > 0, "it answers whole: {}", String::from_utf8_lossy(&answer));
        }
    };
    let body = tokio::time::timeout(WAIT, answered).await.expect("it answers in time");
    serde_json::from_slice(&body).expect("JSON")
}

/// The body of an HTTP answer that is there to its end.
fn whole(answer: &[u8]) -> Option<Vec<u8>> {
    let head = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let text = String::from_utf8_lossy(&answer[..head]).to_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length:"))?;
    let body = &answer[head + 4..];
    (body.len() >= length.trim().parse().ok()?).then(|| body.to_vec())
}

/// The processes whose command line names a profile in a directory.
fn browsers_in(directory: &Path) -> Vec<u32> {
    let needle = directory.to_str().expect("a plain name");
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let found = entries.flatten().filter_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let command = std::fs::read(entry.path().join("cmdline")).ok()?;
        String::from_utf8_lossy(&command).contains(needle).then_some(pid)
    });
    found.collect()
}

fn kill(processes: &[u32]) {
    for process in processes {
        // One that has ended by itself meanwhile is as good.
        let kill = std::process::Command::new("kill").args(["-9", &process.to_string()]).output();
        drop(kill);
    }
}

/// The geckodriver that the setup has put beside what is built, or the one on the `PATH`.
fn geckodriver() -> Option<PathBuf> {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/geckodriver/geckodriver");
    if built.exists() { Some(built) } else { installed("geckodriver") }
}

/// The geckodriver, where there is a Firefox to drive.
pub(crate) fn firefox_driver() -> Option<PathBuf> {
    installed("firefox-esr")?;
    geckodriver()
}

/// A program on the `PATH`. Says so where it is missing, so that no test is skipped unseen.
fn installed(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found =
        std::env::split_paths(&path).map(|place| place.join(program)).find(|at| at.exists());
    if found.is_none() {
        eprintln!("skipped: {program} is not installed");
    }
    found
}
