//! A real SOCKS5 proxy: microsocks, where it is installed.

use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How long it may take to listen.
const WAIT: Duration = Duration::from_secs(10);

/// A running microsocks, for the user `ann`.
pub(crate) struct MicroSocks {
    child: Child,
    /// `127.0.0.1:PORT`.
    pub(crate) address: String,
    log: tempfile::NamedTempFile,
}

impl MicroSocks {
    /// Starts one; `None` where it is not installed.
    pub(crate) async fn start(password: &str) -> Option<Self> {
        let log = tempfile::NamedTempFile::new().expect("a file");
        let port = {
            let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
            free.local_addr().expect("bound").port()
        };
        let child = Command::new("microsocks")
            .args(["-i", "127.0.0.1", "-p", &port.to_string(), "-u", "ann", "-P", password])
            .stdout(Stdio::null())
            .stderr(File::create(log.path()).expect("its log"))
            .spawn();
        let Ok(child) = child else {
            eprintln!("skipped: microsocks is not installed");
            return None;
        };
        let address = format!("127.0.0.1:{port}");
        let listens = async {
            while TcpStream::connect(&address).is_err() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(WAIT, listens).await.expect("the proxy listens");
        Some(Self { child, address, log })
    }

    /// Whom it has connected to so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.log.path()).expect("its log")
    }
}

impl Drop for MicroSocks {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
