//! Forward proxies in front of a browser that is driven over WebDriver.

#[path = "support/drivers.rs"]
mod drivers;
#[path = "../../poe/tests/support/microsocks.rs"]
mod microsocks;
#[path = "../../poe/tests/support/tinyproxy.rs"]
mod tinyproxy;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Html;
use axum::routing::get;
use lenore_browser::{
    Browser, Error, ErrorKind, LaunchOptions, PageOptions, Program, Proxy, WebDriverOptions,
};

use self::drivers::{Chromedriver, geckodriver};
use self::microsocks::MicroSocks;
use self::tinyproxy::TinyProxy;

const WAIT: Duration = Duration::from_secs(20);

/// Opens a browser behind a proxy.
#[derive(Debug)]
enum Engine {
    Chromium(Chromedriver),
    Firefox(std::path::PathBuf),
}

impl Engine {
    fn installed() -> Vec<Self> {
        let chromium = Chromedriver::start().map(Self::Chromium);
        chromium.into_iter().chain(geckodriver().map(Self::Firefox)).collect()
    }

    async fn behind(&self, proxy: &str) -> Browser {
        let proxy: Option<Proxy> = Some(proxy.parse().expect("valid"));
        let begun = match self {
            Self::Chromium(driver) => {
                let options = WebDriverOptions { proxy, ..WebDriverOptions::new(&driver.url) };
                Browser::webdriver(&options).await
            }
            Self::Firefox(driver) => {
                Browser::launch(&LaunchOptions {
                    program: Program::Firefox,
                    driver: Some(driver.clone()),
                    proxy,
                    ..LaunchOptions::default()
                })
                .await
            }
        };
        begun.expect("begun")
    }

    /// What comes of loading an address.
    async fn load(&self, proxy: &str, url: &str) -> Result<String, Error> {
        let browser = self.behind(proxy).await;
        let (page, _tap) = browser.open_page(&PageOptions::default(), WAIT).await.expect("opened");
        let loaded = page.navigate(url, WAIT).await;
        let title = match loaded {
            Ok(_) => page.call("() => document.title", &[], WAIT).await,
            Err(error) => Err(error),
        };
        drop(page);
        browser.close().await;
        title.map(|title| title.as_str().unwrap_or_default().to_owned())
    }
}

/// A site that asks for a password itself at `/secret`; and what it was told.
async fn site() -> (String, Arc<Mutex<Vec<String>>>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let heard = told.clone();
    let secret = move |headers: HeaderMap| async move {
        let credentials = ["authorization", "proxy-authorization"].map(|name| headers.get(name));
        let told = format!("{credentials:?}");
        heard.lock().expect("whole").push(told);
        (StatusCode::UNAUTHORIZED, [("www-authenticate", "Basic realm=\"site\"")], "no")
    };
    let router = Router::new()
        .route("/", get(|| async { Html("<title>there</title>") }))
        .route("/secret", get(secret));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = format!("http://{}", listener.local_addr().expect("bound"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, told)
}

fn refused(result: Result<String, Error>, said: &str) {
    let error = result.expect_err("it cannot be loaded");
    assert_eq!(error.kind(), ErrorKind::Network, "{error}");
    assert!(error.to_string().contains(said), "{error}");
    assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_gets_its_password_and_nobody_else_does() {
    let Some(proxy) = TinyProxy::start("BasicAuth ann s3cret").await else { return };
    let (site, told) = site().await;
    let place = site.trim_start_matches("http://");
    for engine in Engine::installed() {
        let asked_before = proxy.log().matches(place).count();
        let told_before = told.lock().expect("whole").len();
        let address = format!("http://ann:s3cret@{}", proxy.address);
        let title = engine.load(&address, &site).await.expect("loaded");
        assert_eq!(title, "there", "{engine:?}");
        let wrong = format!("http://ann:s3cret-not@{}", proxy.address);
        refused(engine.load(&wrong, &site).await, "user and password");
        let _ = engine.load(&address, &format!("{site}/secret")).await;
        assert!(proxy.log().matches(place).count() > asked_before, "{engine:?}: {}", proxy.log());
        let told = told.lock().expect("whole");
        assert!(told.len() > told_before, "{engine:?} has asked the site itself");
        assert!(told.iter().all(|told| told == "[None, None]"), "{told:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_is_not_there_is_said_so() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let nobody = free.local_addr().expect("bound");
    drop(free);
    let (site, _told) = site().await;
    for engine in Engine::installed() {
        refused(engine.load(&format!("http://{nobody}"), &site).await, "proxy cannot be reached");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socks_proxy_gets_its_password() {
    let Some(socks) = MicroSocks::start("s3cret").await else { return };
    let (site, _told) = site().await;
    let port = site.rsplit(':').next().expect("a port");
    for engine in Engine::installed() {
        let asked_before = socks.log().matches(port).count();
        let address = format!("socks5://ann:s3cret@{}", socks.address);
        assert_eq!(engine.load(&address, &site).await.expect("loaded"), "there", "{engine:?}");
        let wrong = format!("socks5://ann:s3cret-not@{}", socks.address);
        refused(engine.load(&wrong, &site).await, "user and password");
        assert!(socks.log().matches(port).count() > asked_before, "{engine:?}: {}", socks.log());
    }
}
