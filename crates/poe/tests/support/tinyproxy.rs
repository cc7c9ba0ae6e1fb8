//! A real forward proxy: tinyproxy, where it is installed.

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How long it may take to listen.
const WAIT: Duration = Duration::from_secs(10);

/// A running tinyproxy.
pub(crate) struct TinyProxy {
    child: Child,
    /// `127.0.0.1:PORT`.
    pub(crate) address: String,
    dir: tempfile::TempDir,
}

impl TinyProxy {
    /// Starts one, with further lines of configuration; `None` where it is not installed.
    pub(crate) async fn start(configuration: &str) -> Option<Self> {
        let dir = tempfile::tempdir().expect("a directory");
        let port = {
            let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
            free.local_addr().expect("bound").port()
        };
        let log = dir.path().join("log");
        let text = format!(
            "Port {port}\nListen 127.0.0.1\nTimeout 600\nMaxClients 200\nLogLevel Connect\n\
             LogFile \"{}\"\n{configuration}\n",
            log.display()
        );
        let file = dir.path().join("tinyproxy.conf");
        std::fs::write(&file, text).expect("written");
        let child = Command::new("tinyproxy")
            .arg("-d")
            .arg("-c")
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(child) = child else {
            eprintln!("skipped: tinyproxy is not installed");
            return None;
        };
        let address = format!("127.0.0.1:{port}");
        let listens = async {
            while TcpStream::connect(&address).is_err() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(WAIT, listens).await.expect("the proxy listens");
        Some(Self { child, address, dir })
    }

    /// What it has let through so far.
    pub(crate) fn log(&self) -> String {
        let path: PathBuf = self.dir.path().join("log");
        String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned()
    }
}

impl Drop for TinyProxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
