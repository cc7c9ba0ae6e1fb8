//! WebDriver services that have no place free at once: who waits, for how long, and what becomes
//! of a session that comes too late.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::Request;
use axum::http::Method;
use lenore_browser::{Browser, ErrorKind, Page, PageOptions, Tap, WebDriverOptions};
use tokio::sync::{Semaphore, watch};

use super::drivers::Chromedriver;

/// No wait of a test is longer.
const WAIT: Duration = Duration::from_secs(20);

/// For how long a place is waited for: longer than a browser takes to start.
const PATIENCE: Duration = Duration::from_secs(10);

/// A chromedriver with as many places as there are permits; each session uses one up.
struct Full {
    driver: Chromedriver,
    url: String,
    places: Arc<Semaphore>,
    /// How many sessions were asked for.
    asked: watch::Receiver<usize>,
    /// How many have begun.
    begun: watch::Receiver<usize>,
}

impl Full {
    async fn start(places: usize) -> Option<Self> {
        let driver = Chromedriver::start()?;
        let places = Arc::new(Semaphore::new(places));
        let (asking, asked) = watch::channel(0);
        let (beginning, begun) = watch::channel(0);
        let (to, free, counts) = (driver.url.clone(), places.clone(), (asking, beginning));
        let counts = Arc::new(counts);
        let router = Router::new().fallback(move |request: Request| {
            let (to, free, counts) = (to.clone(), free.clone(), counts.clone());
            // It goes on where nobody waits for the answer, as a service does.
            let answering = tokio::spawn(async move {
                let (asked, body) = request.into_parts();
                let is_new = asked.method == Method::POST && asked.uri.path() == "/session";
                if is_new {
                    counts.0.send_modify(|asked| *asked += 1);
                    free.acquire().await.expect("open").forget();
                }
                let body = axum::body::to_bytes(body, usize::MAX).await.expect("sent");
                let url = format!("{to}{}", asked.uri.path());
                let request = reqwest::Client::new().request(asked.method, url).body(body);
                let answer = request.send().await.expect("it runs");
                let (status, text) = (answer.status(), answer.text().await.expect("text"));
                if is_new {
                    counts.1.send_modify(|begun| *begun += 1);
                }
                (status, text)
            });
            async move { answering.await.expect("answered") }
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Some(Self { driver, url, places, asked, begun })
    }

    fn options(&self) -> WebDriverOptions {
        WebDriverOptions {
            pages_per_session: 1,
            wait: PATIENCE,
            ..WebDriverOptions::new(&self.url)
        }
    }

    async fn is_asked(&self, times: usize) {
        reaches(self.asked.clone(), times).await;
    }

    async fn has_begun(&self, times: usize) {
        reaches(self.begun.clone(), times).await;
    }

    async fn sessions(&self) -> usize {
        let answer = reqwest::get(format!("{}/sessions", self.driver.url)).await.expect("it runs");
        let found: serde_json::Value = answer.json().await.expect("JSON");
        found["value"].as_array().expect("a list").len()
    }
}

async fn reaches(mut count: watch::Receiver<usize>, times: usize) {
    let reached = tokio::time::timeout(WAIT, count.wait_for(|count| *count >= times)).await;
    reached.expect("in time").expect("it counts");
}

async fn open(browser: &Browser) -> lenore_browser::Result<(Page, Tap)> {
    browser.open_page(&PageOptions::default(), WAIT).await
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_wait_together_and_a_late_session_is_for_the_next_one() {
    let Some(service) = Full::start(1).await else { return };
    let options = service.options();
    let browser = Browser::webdriver(&options).await.expect("one place is free");
    let first = open(&browser).await.expect("opened");
    let begin = Instant::now();
    let (one, two, three, four) =
        tokio::join!(open(&browser), open(&browser), open(&browser), open(&browser));
    for error in [one, two, three, four].map(|opened| opened.expect_err("no place is free")) {
        assert_eq!(error.kind(), ErrorKind::Launch);
        assert!(error.to_string().contains("is a place free there?"), "{error}");
    }
    assert!(begin.elapsed() < PATIENCE * 2, "they wait side by side: {:?}", begin.elapsed());
    assert_eq!(*service.asked.borrow(), 2, "one session is asked for, for all of them");
    let place = async { service.places.add_permits(1) };
    let (second, ()) = tokio::join!(open(&browser), place);
    let second = second.expect("the session that was asked for is used");
    assert_eq!((*service.asked.borrow(), service.sessions().await), (2, 2));
    open(&browser).await.expect_err("no place is free");
    service.places.add_permits(1);
    service.has_begun(3).await;
    let begin = Instant::now();
    while service.sessions().await > 2 {
        assert!(begin.elapsed() < WAIT, "one that nobody waits for is given back");
    }
    assert!(first.0.is_open() && second.0.is_open());
    browser.close().await;
    assert_eq!(service.sessions().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_can_wait_until_a_session_that_nobody_wants_is_given_back() {
    let Some(service) = Full::start(0).await else { return };
    let options = WebDriverOptions { wait: WAIT, ..service.options() };
    tokio::select! {
        begun = Browser::webdriver(&options) => panic!("no place is free: {begun:?}"),
        () = service.is_asked(1) => {}
    }
    service.places.add_permits(1);
    lenore_browser::sessions_given_back().await;
    assert_eq!((*service.begun.borrow(), service.sessions().await), (1, 0));
}
