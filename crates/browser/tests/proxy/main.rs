//! Forward proxies between a real browser and small sites.

#[path = "../../../poe/tests/support/microsocks.rs"]
mod microsocks;
#[path = "../../../poe/tests/support/tinyproxy.rs"]
mod tinyproxy;
mod tls;
mod world;

use std::net::SocketAddr;

use lenore_browser::{Error, ErrorKind, Proxy};
use microsocks::MicroSocks;
use tinyproxy::TinyProxy;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use world::{PASSWORD, Through, WAIT, plain_site};

fn network(error: &Error, said: &str) {
    assert_eq!(error.kind(), ErrorKind::Network, "{error}");
    assert!(error.to_string().contains(said), "{error}");
}

async fn nobody() -> SocketAddr {
    let free = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    free.local_addr().expect("bound")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socks_proxy_gets_its_password_and_the_names_of_hosts() {
    let Some(socks) = MicroSocks::start(PASSWORD).await else { return };
    let site = plain_site().await;
    let secure = tls::site().await;
    let address = format!("socks5://ann:{PASSWORD}@{}", socks.address);
    let through = Through::proxy(&address, &["--ignore-certificate-errors"]).await;
    through.load(&format!("http://localhost:{}/", site.port())).await.expect("loaded");
    assert_eq!(through.title().await, "Plain");
    through.echoes_a_long_text().await;
    through.speaks_over_a_socket().await;
    through.load(&format!("https://localhost:{}/", secure.port())).await.expect("loaded");
    assert_eq!(through.title().await, "Secure");
    let log = socks.log();
    for port in [site.port(), secure.port()] {
        assert!(log.contains(&format!("connected to localhost:{port}")), "{log}");
    }
    through.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_socks_proxy_is_said() {
    let site = plain_site().await;
    let nobody = nobody().await;
    let babbler = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let babble = babbler.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((mut client, _)) = babbler.accept().await {
            let _ = client.read(&mut [0; 1024]).await;
            let _ = client.write_all(b"220 mail.example.org ESMTP\r\n").await;
        }
    });
    let mut cases = vec![
        (format!("socks5://ann:{PASSWORD}@{nobody}"), "the proxy cannot be reached", site),
        (format!("socks5://ann:{PASSWORD}@{babble}"), "does not speak SOCKS5", site),
    ];
    let socks = MicroSocks::start(PASSWORD).await;
    if let Some(socks) = &socks {
        let (refused, at) = ("the proxy refused; check its user and password", &socks.address);
        cases.push((format!("socks5://ann:wr0ng-{PASSWORD}@{at}"), refused, site));
        cases.push((format!("socks5://{at}"), "the proxy refused", site));
        let unreached = "the proxy does not reach the site";
        cases.push((format!("socks5://ann:{PASSWORD}@{at}"), unreached, nobody));
    }
    for (address, said, site) in cases {
        let through = Through::proxy(&address, &[]).await;
        for scheme in ["http", "https"] {
            let error = through.load(&format!("{scheme}://{site}/")).await.expect_err(&address);
            network(&error, said);
        }
        through.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_way_to_a_socks_proxy_is_closed_to_others_and_ends_with_the_browser() {
    let Some(socks) = MicroSocks::start(PASSWORD).await else { return };
    let site = plain_site().await;
    let address = format!("socks5://ann:{PASSWORD}@{}", socks.address);
    let through = Through::proxy(&address, &[]).await;
    through.load(&format!("http://{site}/")).await.expect("loaded");
    let relay = through.told_proxy();
    let before = socks.log();
    for (request, credentials) in [
        (format!("CONNECT {site} HTTP/1.1\r\n"), ""),
        (format!("GET http://{site}/ HTTP/1.1\r\n"), ""),
        (format!("CONNECT {site} HTTP/1.1\r\n"), "Proxy-Authorization: Basic cmVsYXk6\r\n"),
    ] {
        let mut other = TcpStream::connect(&relay).await.expect("it listens");
        let request = format!("{request}Host: {site}\r\n{credentials}Connection: close\r\n\r\n");
        other.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        let read = other.read_to_string(&mut answer);
        tokio::time::timeout(WAIT, read).await.expect("in time").expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 407 "), "{answer}");
    }
    assert_eq!(socks.log(), before, "nothing of it went on");
    through.end().await;
    assert!(TcpStream::connect(&relay).await.is_err(), "it ends with the browser");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_http_proxy_gets_its_password_also_for_a_secure_site() {
    let configuration = format!("BasicAuth ann {PASSWORD}");
    let Some(proxy) = TinyProxy::start(&configuration).await else { return };
    let (site, secure) = (plain_site().await, tls::site().await);
    let address = format!("http://ann:{PASSWORD}@{}", proxy.address);
    let through = Through::proxy(&address, &["--ignore-certificate-errors"]).await;
    through.load(&format!("https://{secure}/")).await.expect("loaded");
    assert_eq!(through.title().await, "Secure");
    through.load(&format!("http://{site}/")).await.expect("loaded");
    through.echoes_a_long_text().await;
    through.speaks_over_a_socket().await;
    through.end().await;
    for credentials in [format!("ann:wr0ng-{PASSWORD}@"), String::new()] {
        let address = format!("http://{credentials}{}", proxy.address);
        let through = Through::proxy(&address, &[]).await;
        for url in [format!("https://{secure}/"), format!("http://{site}/")] {
            let error = through.load(&url).await.expect_err("refused");
            network(&error, "check its user and password");
        }
        through.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_is_spoken_to_over_tls() {
    let configuration = format!("BasicAuth ann {PASSWORD}");
    let Some(plain) = TinyProxy::start(&configuration).await else { return };
    let (site, secure) = (plain_site().await, tls::site().await);
    let address = format!("https://ann:{PASSWORD}@{}", tls::proxy(plain.address.clone()).await);
    let through = Through::proxy(&address, &[]).await;
    for url in [format!("http://{site}/"), format!("https://{secure}/")] {
        let error = through.load(&url).await.expect_err("nobody has signed its certificate");
        network(&error, "the proxy's certificate is not trusted");
    }
    through.end().await;
    assert!(!plain.log().contains(&site.to_string()));
    let through = Through::proxy(&address, &["--ignore-certificate-errors"]).await;
    through.load(&format!("http://{site}/")).await.expect("loaded");
    assert_eq!(through.title().await, "Plain");
    through.load(&format!("https://{secure}/")).await.expect("loaded");
    assert_eq!(through.title().await, "Secure");
    assert!(plain.log().contains(&secure.port().to_string()), "{}", plain.log());
    through.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_puts_itself_in_the_sites_place_is_not_trusted() {
    let address = format!("http://{}", tls::interceptor().await);
    let through = Through::proxy(&address, &[]).await;
    let error = through.load("https://example.org/").await.expect_err("not the site's certificate");
    network(&error, "the connection is not trusted; check the clock, and what intercepts TLS");
    through.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_are_asked_past_the_proxy() {
    let site = plain_site().await;
    let dead = format!("http://{}", nobody().await);
    let url = |host: &str| format!("http://{host}:{}/", site.port());
    let hosts = ["127.0.0.1", "localhost", "a.localhost"];
    let port = format!("localhost:{}", site.port());
    for (list, direct) in [
        ("", [false, false, false]),
        ("localhost", [false, true, true]),
        ("*.localhost", [false, false, true]),
        ("127.0.0.0/8", [true, false, false]),
        (&port, [false, true, true]),
        ("localhost:1", [false, false, false]),
        ("<local>", [false, true, false]),
    ] {
        let proxy = dead.parse::<Proxy>().expect("valid").with_bypass(list).expect("valid");
        let through = Through::new(proxy, &[]).await;
        for (host, direct) in hosts.into_iter().zip(direct) {
            match through.load(&url(host)).await {
                Ok(()) => assert!(direct, "{list}: {host}"),
                Err(error) => {
                    assert!(!direct, "{list}: {host}: {error}");
                    network(&error, "the proxy cannot be reached");
                }
            }
        }
        through.end().await;
    }
}
