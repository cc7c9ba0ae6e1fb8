//! WebDriver sessions: who begins them, who ends them, and what is left.

#[path = "support/drivers.rs"]
mod drivers;
#[path = "webdriver/full.rs"]
mod full;
mod support;

use std::time::{Duration, Instant};

use lenore_browser::{
    Browser, ErrorKind, LaunchOptions, Page, PageOptions, Profile, Program, SessionCookie, Tap,
    WebDriverOptions,
};
use serde_json::{Value, json};

use self::drivers::{Chromedriver, geckodriver};
use self::support::serve;

const WAIT: Duration = Duration::from_secs(20);

async fn open(browser: &Browser) -> (Page, Tap) {
    browser.open_page(&PageOptions::default(), WAIT).await.expect("opened")
}

/// A request to a service, as somebody else would make it.
async fn ask(method: reqwest::Method, url: &str, body: Option<Value>) -> Value {
    let mut request = reqwest::Client::new().request(method, url);
    if let Some(body) = body {
        request = request.body(body.to_string());
    }
    request.send().await.expect("answered").json().await.expect("JSON")
}

/// A session that somebody else has begun, with its tabs.
struct Theirs {
    url: String,
    id: String,
}

impl Theirs {
    async fn begin(service: &str, with_socket: bool) -> Self {
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "webSocketUrl": with_socket,
            "goog:chromeOptions": { "args": ["--headless=new", "--no-sandbox"] },
        } } });
        let begun = ask(reqwest::Method::POST, &format!("{service}/session"), Some(wanted)).await;
        let id = begun["value"]["sessionId"].as_str().expect("begun").to_owned();
        Self { url: format!("{service}/session/{id}"), id }
    }

    async fn tabs(&self) -> Vec<Value> {
        let found = ask(reqwest::Method::GET, &format!("{}/window/handles", self.url), None).await;
        found["value"].as_array().expect("its tabs").clone()
    }

    async fn end(self) {
        ask(reqwest::Method::DELETE, &self.url, None).await;
    }
}

/// How many sessions a chromedriver has.
async fn sessions(service: &str) -> usize {
    let found = ask(reqwest::Method::GET, &format!("{service}/sessions"), None).await;
    found["value"].as_array().expect("a list").len()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_adopted_session_is_used_and_left_as_it_was() {
    let Some(driver) = Chromedriver::start() else { return };
    let site = serve(&[("/", "<p>there</p>")]).await;
    let theirs = Theirs::begin(&driver.url, true).await;
    let before = theirs.tabs().await;
    let options =
        WebDriverOptions { session: Some(theirs.id.clone()), ..WebDriverOptions::new(&driver.url) };
    let browser = Browser::webdriver(&options).await.expect("adopted");
    assert!(!browser.is_ours());
    let mut pages = Vec::new();
    for _ in 0..5 {
        pages.push(open(&browser).await);
    }
    pages[0].0.navigate(&site, WAIT).await.expect("loaded");
    assert_eq!(theirs.tabs().await.len(), before.len() + 5, "all are tabs of the one session");
    pages.truncate(2);
    browser.close().await;
    assert_eq!(theirs.tabs().await, before, "ours are closed, theirs are not");
    let error = pages[0].0.call("() => 1", &[], WAIT).await.expect_err("the browser is closed");
    assert_eq!(error.kind(), ErrorKind::Closed);
    // Theirs ends, and another is not begun in its place.
    let browser = Browser::webdriver(&options).await.expect("adopted again");
    let (page, mut tap) = open(&browser).await;
    theirs.end().await;
    while tokio::time::timeout(WAIT, tap.next()).await.expect("the tap ends").is_some() {}
    assert!(!page.is_open() && !browser.is_alive());
    let error = browser.open_page(&PageOptions::default(), WAIT).await.expect_err("it is gone");
    assert_eq!(error.kind(), ErrorKind::Closed);
    assert_eq!(sessions(&driver.url).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tab_that_somebody_closes_is_gone_at_once() {
    let Some(driver) = Chromedriver::start() else { return };
    let theirs = Theirs::begin(&driver.url, true).await;
    let before = theirs.tabs().await;
    let options =
        WebDriverOptions { session: Some(theirs.id.clone()), ..WebDriverOptions::new(&driver.url) };
    let browser = Browser::webdriver(&options).await.expect("adopted");
    let (page, mut tap) = open(&browser).await;
    let tabs = theirs.tabs().await;
    let ours = tabs.iter().find(|tab| !before.contains(tab)).expect("ours");
    let begin = Instant::now();
    let call = page.call("() => new Promise(() => {})", &[], WAIT);
    let close = async {
        let window = format!("{}/window", theirs.url);
        ask(reqwest::Method::POST, &window, Some(json!({ "handle": ours }))).await;
        ask(reqwest::Method::DELETE, &window, None).await;
    };
    let (called, ()) = tokio::join!(call, close);
    assert!(matches!(called.expect_err("gone").kind(), ErrorKind::Closed | ErrorKind::Navigated));
    while tokio::time::timeout(WAIT, tap.next()).await.expect("the tap ends").is_some() {}
    assert!(!page.is_open() && browser.is_alive());
    assert_eq!(page.call("() => 1", &[], WAIT).await.expect_err("gone").kind(), ErrorKind::Closed);
    assert!(begin.elapsed() < WAIT / 2, "it is told at once");
    browser.close().await;
    theirs.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_cannot_be_adopted_is_said_so() {
    let Some(driver) = Chromedriver::start() else { return };
    let adopt = |id: &str| {
        let new = WebDriverOptions::new(&driver.url);
        let options = WebDriverOptions { session: Some(id.to_owned()), ..new };
        async move { Browser::webdriver(&options).await.expect_err("it cannot be used") }
    };
    let begin = Instant::now();
    let error = adopt("0123456789abcdef0123456789abcdef").await;
    assert_eq!(error.kind(), ErrorKind::Launch);
    assert!(error.to_string().contains("no such session"), "{error}");
    let theirs = Theirs::begin(&driver.url, false).await;
    let error = adopt(&theirs.id).await;
    assert_eq!(error.kind(), ErrorKind::Launch);
    assert!(error.to_string().contains("webSocketUrl"), "{error}");
    assert!(begin.elapsed() < WAIT, "it is told at once");
    theirs.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_spread_over_sessions_and_all_are_given_back() {
    let Some(driver) = Chromedriver::start() else { return };
    let options = WebDriverOptions { pages_per_session: 2, ..WebDriverOptions::new(&driver.url) };
    let browser = Browser::webdriver(&options).await.expect("a session");
    assert!(browser.version().starts_with("chrome"), "{}", browser.version());
    let page = || async { open(&browser).await };
    let (first, second, third, fourth) = tokio::join!(page(), page(), page(), page());
    assert_eq!(sessions(&driver.url).await, 2);
    drop(second);
    let fifth = page().await;
    assert_eq!(sessions(&driver.url).await, 2, "there was room");
    assert!([&first, &third, &fourth, &fifth].iter().all(|(page, _)| page.is_open()));
    browser.close().await;
    assert_eq!(sessions(&driver.url).await, 0);
    let browser = Browser::webdriver(&options).await.expect("a session");
    drop(browser);
    assert_eq!(sessions(&driver.url).await, 0, "a drop gives them back too");
    // Whoever stops waiting for a session leaves none behind.
    let is_begun = async { while sessions(&driver.url).await == 0 {} };
    tokio::select! {
        _ = Browser::webdriver(&options) => {}
        () = is_begun => {}
    }
    let begin = Instant::now();
    while sessions(&driver.url).await > 0 {
        assert!(begin.elapsed() < WAIT, "it is given back");
    }
}

#[tokio::test]
async fn a_drop_inside_a_runtime_of_one_thread_gives_the_sessions_back() {
    let Some(driver) = Chromedriver::start() else { return };
    let browser = Browser::webdriver(&WebDriverOptions::new(&driver.url)).await.expect("a session");
    let begin = Instant::now();
    drop(browser);
    // One that was given up would have taken the whole time that giving back may take.
    assert!(begin.elapsed() < Duration::from_secs(4), "{:?}", begin.elapsed());
    assert_eq!(sessions(&driver.url).await, 0);
    let theirs = Theirs::begin(&driver.url, true).await;
    let before = theirs.tabs().await;
    let options =
        WebDriverOptions { session: Some(theirs.id.clone()), ..WebDriverOptions::new(&driver.url) };
    let browser = Browser::webdriver(&options).await.expect("adopted");
    let _pages = [open(&browser).await, open(&browser).await];
    let begin = Instant::now();
    drop(browser);
    assert!(begin.elapsed() < Duration::from_secs(4), "{:?}", begin.elapsed());
    while theirs.tabs().await != before {
        assert!(begin.elapsed() < WAIT, "ours are closed");
    }
    theirs.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tab_that_has_crashed_is_not_left_in_an_adopted_session() {
    let Some(driver) = Chromedriver::start() else { return };
    let theirs = Theirs::begin(&driver.url, true).await;
    let before = theirs.tabs().await;
    let options =
        WebDriverOptions { session: Some(theirs.id.clone()), ..WebDriverOptions::new(&driver.url) };
    let browser = Browser::webdriver(&options).await.expect("adopted");
    let (page, mut tap) = open(&browser).await;
    let _ = page.navigate("chrome://crash", WAIT).await;
    while tokio::time::timeout(WAIT, tap.next()).await.expect("the tap ends").is_some() {}
    assert_eq!(
        page.call("() => 1", &[], WAIT).await.expect_err("it crashed").kind(),
        ErrorKind::Crashed
    );
    browser.close().await;
    assert_eq!(theirs.tabs().await, before);
    theirs.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_lost_fails_its_pages_at_once_and_another_is_begun() {
    let Some(driver) = Chromedriver::start() else { return };
    let browser = Browser::webdriver(&WebDriverOptions::new(&driver.url)).await.expect("a session");
    let (page, mut tap) = open(&browser).await;
    let begin = Instant::now();
    let call = page.call("() => new Promise(() => {})", &[], WAIT);
    let end = async {
        let all = ask(reqwest::Method::GET, &format!("{}/sessions", driver.url), None).await;
        let id = all["value"][0]["id"].as_str().expect("it lives").to_owned();
        ask(reqwest::Method::DELETE, &format!("{}/session/{id}", driver.url), None).await;
    };
    let (called, ()) = tokio::join!(call, end);
    assert!(matches!(called.expect_err("gone").kind(), ErrorKind::Closed | ErrorKind::Navigated));
    while tokio::time::timeout(WAIT, tap.next()).await.expect("the tap ends").is_some() {}
    assert!(begin.elapsed() < WAIT / 2, "it is told at once");
    let (another, _tap) = open(&browser).await;
    assert_eq!(another.call("() => 6 * 7", &[], WAIT).await.expect("alive"), json!(42));
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_driver_that_dies_fails_its_pages_at_once() {
    let Some(driver) = Chromedriver::start() else { return };
    let mut options = WebDriverOptions::new(&driver.url);
    options.wait = Duration::from_secs(5);
    let browser = Browser::webdriver(&options).await.expect("a session");
    let (page, mut tap) = open(&browser).await;
    let pid = driver.child.id().to_string();
    let call = page.call("() => new Promise(() => {})", &[], WAIT);
    let kill = async {
        let status = std::process::Command::new("kill").args(["-9", &pid]).status();
        assert!(status.expect("kill runs").success());
    };
    let begin = Instant::now();
    let (called, ()) = tokio::join!(call, kill);
    assert_eq!(called.expect_err("gone").kind(), ErrorKind::Closed);
    while tokio::time::timeout(WAIT, tap.next()).await.expect("the tap ends").is_some() {}
    assert!(!browser.is_alive());
    let error = browser.open_page(&PageOptions::default(), WAIT).await.expect_err("nobody there");
    assert_eq!(error.kind(), ErrorKind::Launch);
    assert!(error.to_string().contains("no WebDriver service answers"), "{error}");
    assert!(begin.elapsed() < WAIT / 2, "it is told at once");
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_begins_with_its_cookies() {
    let Some(driver) = Chromedriver::start() else { return };
    let site = serve(&[(
        "/",
        "<script>document.cookie ||= 'signed=s3cret; max-age=100000; samesite=lax';\
         document.title = document.cookie</script>",
    )])
    .await;
    let other = support::browser().await;
    let (page, _tap) = open(&other).await;
    page.navigate(&site, WAIT).await.expect("loaded");
    let title = "() => document.title";
    page.call_until(title, &[], WAIT).await.expect("it has a cookie");
    let cookies = other.export_cookies("127.0.0.1", WAIT).await.expect("read");
    other.close().await;
    let unlike = SessionCookie {
        name: "else".into(),
        domain: "example.org".into(),
        secure: true,
        http_only: true,
        expires: None,
        ..cookies[0].clone()
    };
    let mut options = WebDriverOptions::new(&driver.url);
    options.cookies = vec![cookies[0].clone(), unlike.clone()];
    let browser = Browser::webdriver(&options).await.expect("a session");
    let export = |host| browser.export_cookies(host, WAIT);
    assert!(export("127.0.0.1").await.expect("read") == cookies, "the same in every respect");
    assert!(export("example.org").await.expect("read") == [unlike]);
    let (page, _tap) = open(&browser).await;
    page.navigate(&site, WAIT).await.expect("loaded");
    let seen = page.call_until(title, &[], WAIT).await.expect("the site sees it");
    assert_eq!(seen, json!("signed=s3cret"));
    let names = browser.cookies(WAIT).await.expect("read");
    assert!(names.iter().any(|cookie| cookie.belongs_to("example.org")));
    let all = ask(reqwest::Method::GET, &format!("{}/sessions", driver.url), None).await;
    let id = all["value"][0]["id"].as_str().expect("it lives");
    let debugged = format!("{options:?}{browser:?}{page:?}");
    assert!(!debugged.contains("s3cret") && !debugged.contains(id), "{debugged}");
    browser.close().await;
}

#[tokio::test]
async fn what_is_no_service_is_said_so_without_its_password() {
    let options = WebDriverOptions::new("http://ann:s3cret@127.0.0.1:1");
    let error = Browser::webdriver(&options).await.expect_err("nobody there");
    assert_eq!(error.kind(), ErrorKind::Launch);
    assert!(!format!("{error:?}{options:?}").contains("s3cret"), "{error:?}");
    let site = serve(&[("/status", "<p>no service</p>")]).await;
    let error = Browser::webdriver(&WebDriverOptions::new(&site)).await.expect_err("a site");
    assert_eq!(error.kind(), ErrorKind::Launch);
    for bad in ["", "ftp://h", "ws://127.0.0.1:1/session/x"] {
        let error = Browser::webdriver(&WebDriverOptions::new(bad)).await.expect_err(bad);
        assert_eq!(error.kind(), ErrorKind::InvalidOption, "{bad}");
    }
}

/// The processes whose command line names a directory.
fn processes_of(directory: &std::path::Path) -> Vec<u32> {
    let needle = directory.to_str().expect("a plain name");
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let found = entries.flatten().filter_map(|entry| {
        let command = std::fs::read(entry.path().join("cmdline")).ok()?;
        let pid = entry.file_name().to_str()?.parse().ok()?;
        String::from_utf8_lossy(&command).contains(needle).then_some(pid)
    });
    found.collect()
}

fn firefox_on(directory: &std::path::Path) -> Option<LaunchOptions> {
    Some(LaunchOptions {
        program: Program::Firefox,
        driver: Some(geckodriver()?),
        profile: Profile::Directory(directory.to_owned()),
        ..LaunchOptions::default()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_firefox_keeps_its_cookies_and_leaves_nothing_else() {
    let dir = tempfile::tempdir().expect("a directory");
    let Some(options) = firefox_on(dir.path()) else { return };
    let site = serve(&[(
        "/",
        "<script>document.cookie ||= 'kept=yes; max-age=100000'; window.done = true</script>",
    )])
    .await;
    for round in 0..2 {
        let browser = Browser::launch(&options).await.expect("started");
        assert!(browser.is_ours() && browser.version().starts_with("firefox"));
        assert!(!processes_of(dir.path()).is_empty());
        let kept = browser.export_cookies("127.0.0.1", WAIT).await.expect("read");
        assert_eq!(kept.len(), round, "{kept:?}");
        let (page, _tap) = open(&browser).await;
        page.navigate(&site, WAIT).await.expect("loaded");
        page.call_until("() => window.done", &[], WAIT).await.expect("set");
        let error = Browser::launch(&options).await.expect_err("taken");
        assert_eq!(error.kind(), ErrorKind::ProfileInUse { pid: Some(std::process::id()) });
        // In order by the one way, and by the other.
        if round == 0 {
            browser.close().await
        } else {
            drop(browser)
        }
        assert_eq!(processes_of(dir.path()), Vec::<u32>::new());
        assert!(!dir.path().join(lenore_browser::LOCK_FILE).exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_firefox_that_is_killed_fails_its_pages_at_once() {
    let dir = tempfile::tempdir().expect("a directory");
    let Some(options) = firefox_on(dir.path()) else { return };
    let browser = Browser::launch(&options).await.expect("started");
    let (page, mut tap) = open(&browser).await;
    let call = page.call("() => new Promise(() => {})", &[], WAIT);
    let kill = async {
        for pid in processes_of(dir.path()) {
            let pid = pid.to_string();
            let _ = std::process::Command::new("kill").args(["-9", &pid]).status();
        }
    };
    let begin = Instant::now();
    let (called, ()) = tokio::join!(call, kill);
    assert!(matches!(called.expect_err("gone").kind(), ErrorKind::Closed | ErrorKind::Navigated));
    while tokio::time::timeout(WAIT, tap.next()).await.expect("the tap ends").is_some() {}
    assert!(!browser.is_alive() && begin.elapsed() < WAIT / 2);
    browser.close().await;
    assert_eq!(processes_of(dir.path()), Vec::<u32>::new());
}

#[tokio::test]
async fn what_is_no_firefox_or_geckodriver_is_said_so() {
    let Some(driver) = geckodriver() else { return };
    let launch = |driver: &std::path::Path, binary: Option<&str>| {
        let options = LaunchOptions {
            program: Program::Firefox,
            driver: Some(driver.to_owned()),
            binary: binary.map(Into::into),
            wait: Duration::from_secs(10),
            ..LaunchOptions::default()
        };
        async move { Browser::launch(&options).await.expect_err("it cannot be started") }
    };
    for no_driver in ["/bin/false", "/etc/hostname", "/none"] {
        let error = launch(std::path::Path::new(no_driver), None).await;
        assert_eq!(error.kind(), ErrorKind::Launch, "{no_driver}: {error}");
        assert!(error.to_string().contains("geckodriver"), "{error}");
    }
    for no_firefox in ["/bin/false", "/none"] {
        let error = launch(&driver, Some(no_firefox)).await;
        assert!(
            matches!(error.kind(), ErrorKind::Launch | ErrorKind::InvalidOption),
            "{no_firefox}: {error:?}"
        );
    }
}

/// Says to which process of the test's own a directory is given, so that it can be killed.
const TO_BE_KILLED: &str = "LENORE_TEST_PROFILE";

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_killed_takes_its_firefox_along() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    if let Some(directory) = std::env::var_os(TO_BE_KILLED) {
        let options = firefox_on(directory.as_ref()).expect("it is installed");
        let _browser = Browser::launch(&options).await.expect("started");
        println!("\nit runs");
        return std::future::pending().await;
    }
    let dir = tempfile::tempdir().expect("a directory");
    if geckodriver().is_none() {
        return;
    }
    let this = "a_process_that_is_killed_takes_its_firefox_along";
    let mut child = Command::new(std::env::current_exe().expect("known"))
        .args(["--exact", this, "--nocapture"])
        .env(TO_BE_KILLED, dir.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs again");
    let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    assert!(lines.map_while(Result::ok).any(|line| line == "it runs"));
    assert!(!processes_of(dir.path()).is_empty());
    child.kill().expect("killed");
    child.wait().expect("ended");
    let killed = Instant::now();
    while !processes_of(dir.path()).is_empty() {
        assert!(killed.elapsed() < Duration::from_secs(10), "an orphan");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
