//! A real forward proxy stands between the browser and the site. Skipped without tinyproxy.

mod support;

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use lenore_provider::{ChatRequest, ErrorKind, Message, Provider};
use support::{WAIT, World, ask};

/// A running tinyproxy.
struct TinyProxy {
    child: Child,
    address: String,
    dir: tempfile::TempDir,
}

impl TinyProxy {
    /// Starts one, with further lines of configuration; `None` where it is not installed.
    async fn start(configuration: &str) -> Option<Self> {
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

    fn log(&self) -> String {
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

#[tokio::test(flavor = "multi_thread")]
async fn everything_goes_through_the_proxy() {
    let Some(proxy) = TinyProxy::start("").await else { return };
    let address = format!("http://{}", proxy.address);
    let world = World::with(|builder| builder.proxy(address)).await;
    let answer = world.ask("Hi [[sim: rewrite, others]]").await;
    assert_eq!(answer.complete(), world.site_text());
    let log = proxy.log();
    assert!(log.contains("/GPT-4"), "the page went through it: {log}");
    assert!(log.contains("CONNECT"), "so did the socket: {log}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_gets_its_password_and_nobody_sees_it() {
    let Some(proxy) = TinyProxy::start("BasicAuth ann s3cret-word").await else { return };
    let address = format!("http://ann:s3cret-word@{}", proxy.address);
    let world = World::with(|builder| builder.proxy(address)).await;
    let answer = world.ask("Hi").await;
    assert_eq!(answer.complete(), world.site_text());
    assert!(proxy.log().contains("/GPT-4"));
    for process in support::processes_of(world.profile.path()) {
        assert!(!process.contains("s3cret"), "the password is in a process list");
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_a_dead_proxy_are_network_errors() {
    let hi = || ChatRequest::new("gpt-4", vec![Message::user("Hi")]);
    if let Some(proxy) = TinyProxy::start("BasicAuth ann s3cret-word").await {
        for credentials in ["ann:wr0ng@", ""] {
            let address = format!("http://{credentials}{}", proxy.address);
            let world = World::signed_out(|builder| builder.proxy(address)).await;
            let error = ask(&world.poe, hi()).await.failed();
            assert_eq!(error.kind(), ErrorKind::Network, "{credentials} {error}");
            assert!(error.to_string().contains("password"), "{credentials} {error}");
            assert!(!format!("{error:?}").contains("wr0ng"));
            world.end().await;
        }
    }
    let world = World::signed_out(|builder| builder.proxy("http://127.0.0.1:1")).await;
    assert!(world.poe.needs_auth());
    let error = ask(&world.poe, hi()).await.failed();
    assert_eq!(error.kind(), ErrorKind::Network, "{error}");
    assert!(error.to_string().contains("proxy"), "{error}");
    world.end().await;
}
