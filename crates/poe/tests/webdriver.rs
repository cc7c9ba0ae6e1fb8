//! Other browsers than a Chromium of our own give the same answers, exact to the character: a
//! Firefox that is started, sessions of a WebDriver service, a session that is adopted. What is
//! not installed is skipped.

mod support;
#[path = "support/webdriver.rs"]
mod webdriver;

use std::time::{Duration, Instant};

use lenore_poe::{Poe, PoeBuilder, Program, SavedSession, WebDriver};
use lenore_provider::{ChatRequest, Completion, ErrorKind, Event, Message, Provider, Transcript};
use lenore_sim::{Seen, Sim};
use serde_json::{Value, json};
use support::{WAIT, World, ask};
use webdriver::{Driver, Kind};

const EMAIL: &str = "edgar@example.org";

/// A site, and what signs a browser in there.
struct Site {
    sim: Sim,
    saved: SavedSession,
}

impl Site {
    async fn new() -> Self {
        let world = World::new().await;
        let saved = world.poe.export_session().await.expect("signed in");
        world.poe.close().await;
        Self { sim: world.sim, saved }
    }

    /// Sessions of our own, signed in by cookies.
    fn webdriver(&self, driver: &Driver) -> WebDriver {
        let mut webdriver = WebDriver::new(&driver.url);
        webdriver.cookies = Some(self.saved.clone());
        webdriver
    }

    fn poe(&self, webdriver: WebDriver) -> Poe {
        self.builder().webdriver(webdriver).build().expect("valid options")
    }

    fn builder(&self) -> PoeBuilder {
        Poe::builder().url(self.sim.url()).patience(Duration::ZERO)
    }

    fn texts(&self) -> Vec<String> {
        let text = |entry: lenore_sim::LogEntry| match entry.what {
            Seen::Answer { text, .. } => Some(text),
            _ => None,
        };
        self.sim.log().into_iter().filter_map(text).collect()
    }

    fn prompts(&self) -> Vec<String> {
        let prompt = |entry: lenore_sim::LogEntry| match entry.what {
            Seen::Send { query, .. } => Some(query),
            _ => None,
        };
        self.sim.log().into_iter().filter_map(prompt).collect()
    }
}

fn request(prompt: impl Into<String>) -> ChatRequest {
    ChatRequest::new("gpt-4", vec![Message::user(prompt)])
}

/// Asks in every way that a browser could spoil.
async fn answers_are_exact(sim: &Sim, poe: &Poe) {
    let newest = || {
        let text = |entry: &lenore_sim::LogEntry| match &entry.what {
            Seen::Answer { text, .. } => Some(text.clone()),
            _ => None,
        };
        sim.log().iter().rev().find_map(text).expect("an answer ended")
    };
    for words in ["length=2000, chunks=60, gap=5", "rewrite, placeholder, others", "missed=4"] {
        let answer = ask(poe, request(format!("Ravens? [[sim: {words}]]"))).await;
        assert_eq!(answer.complete(), newest(), "{words}");
    }
    let streamed = ask(poe, request("Ravens? [[sim: length=2000, chunks=40, gap=20]]")).await;
    assert_eq!(streamed.complete(), newest());
    let deltas = streamed.events.iter().filter(|event| matches!(event, Event::Delta(_))).count();
    assert!(deltas > 3, "it came in {deltas} pieces");
    let emoji = "🐦‍⬛ κόραξ 渡鴉 \u{202e}⁰ [[sim: echo, chunks=9]]";
    assert_eq!(ask(poe, request(emoji)).await.complete(), emoji);
    let long = format!("{}🐦 [[sim: length=100, gap=0]]", "All work, no play.\n".repeat(5_400));
    let answer = ask(poe, request(&*long)).await;
    assert_eq!(answer.complete(), newest());
    let sent = |entry: lenore_sim::LogEntry| match entry.what {
        Seen::Send { query, .. } => Some(query),
        _ => None,
    };
    assert!(sim.log().into_iter().filter_map(sent).any(|query| query == long), "it came whole");

    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("notes 🐦.txt");
    std::fs::write(&path, "Nevermore").expect("written");
    let mut attached = request("What is in it? [[sim: length=50, gap=0]]");
    attached.attachments = vec![path];
    ask(poe, attached).await.complete();
    let got = |entry: lenore_sim::LogEntry| match entry.what {
        Seen::Send { attachments, .. } => Some(attachments),
        _ => None,
    };
    let files = sim.log().into_iter().rev().find_map(got).expect("a question");
    assert_eq!(files.len(), 1, "{files:?}");

    let mut stopped =
        poe.create_completion(request("On? [[sim: length=90000, chunks=2000, gap=50]]"));
    first_delta(&mut stopped).await;
    drop(stopped);
    let stop = sim.wait_for(|entry| matches!(entry.what, Seen::Stop { .. }), WAIT).await;
    assert!(stop.is_some(), "it is stopped on the site");
    assert_eq!(ask(poe, request("Hi [[sim: echo]]")).await.complete(), "Hi [[sim: echo]]");
}

/// Reads up to the first piece of the answer.
async fn first_delta(completion: &mut Completion) -> String {
    while let Some(event) = completion.next().await {
        if let Event::Delta(text) = event.expect("no error yet") {
            return text;
        }
    }
    panic!("no text came");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_firefox_of_our_own_gives_exact_answers_and_keeps_its_session() {
    let Some(driver) = webdriver::firefox_driver() else { return };
    let sim = Sim::start(support::site()).await.expect("a free port");
    let profile = tempfile::tempdir().expect("a directory");
    let firefox = || {
        let builder = Poe::builder().url(sim.url()).user_data_dir(profile.path());
        let builder = builder.browser(Program::Firefox).browser_driver(&driver);
        builder.patience(Duration::ZERO).build().expect("valid options")
    };
    let poe = firefox();
    let error = ask(&poe, request("Hi")).await.failed();
    assert_eq!(error.kind(), ErrorKind::NotSignedIn, "{error}");
    let code = async { Ok(sim.inbox(EMAIL).expect("a code was mailed")) };
    poe.sign_in_with_code(EMAIL, code).await.expect("signed in");
    poe.close().await;
    let poe = firefox();
    assert!(poe.is_signed_in().await.expect("it looks"), "the profile keeps the session");
    answers_are_exact(&sim, &poe).await;
    poe.close().await;
    assert_eq!(support::processes_of(profile.path()), Vec::<String>::new());
    // A profile is one browser's.
    let other = Poe::builder().user_data_dir(profile.path()).build().expect_err("Firefox's");
    assert!(other.to_string().contains("is Firefox's"), "{other}");
    sim.stop().await;
}

async fn sessions_of_our_own_give_exact_answers(kind: Kind) {
    let Some(driver) = Driver::start(kind).await else { return };
    let site = Site::new().await;
    let poe = site.poe(site.webdriver(&driver));
    answers_are_exact(&site.sim, &poe).await;
    poe.close().await;
    driver.is_free().await;
    site.sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chromedriver_gives_exact_answers() {
    sessions_of_our_own_give_exact_answers(Kind::Chromedriver).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_geckodriver_gives_exact_answers() {
    sessions_of_our_own_give_exact_answers(Kind::Geckodriver).await;
}

/// Signs an adopted session in, as its owner would have done.
async fn sign_in(driver: &Driver, session: &str, site: &Site) {
    let path = |what: &str| format!("/session/{session}/{what}");
    driver.call("POST", &path("url"), json!({ "url": site.sim.url() })).await;
    let saved: Value = serde_json::from_str(&site.saved.to_json()).expect("JSON");
    for cookie in saved["cookies"].as_array().expect("a list") {
        let cookie = json!({ "name": cookie["name"], "value": cookie["value"], "path": "/" });
        let set = driver.call("POST", &path("cookie"), json!({ "cookie": cookie })).await;
        assert!(set.is_null(), "{set}");
    }
}

async fn an_adopted_session_is_used_and_left_open(kind: Kind) {
    let Some(driver) = Driver::start(kind).await else { return };
    let site = Site::new().await;
    let (session, socket) = driver.session().await;
    // Only who began it at a geckodriver knows where its socket is.
    let address = if kind == Kind::Geckodriver { &socket } else { &driver.url };
    let mut webdriver = WebDriver::new(address);
    webdriver.session = Some(session.clone());
    let poe = site.poe(webdriver);

    // Its owner has to sign it in: no window, and no wait for one.
    let begin = Instant::now();
    let error = ask(&poe, request("Hi")).await.failed();
    assert_eq!(error.kind(), ErrorKind::NotSignedIn, "{error}");
    assert!(error.to_string().contains("its own window"), "{error}");
    assert!(begin.elapsed() < Duration::from_secs(15), "after {:?}", begin.elapsed());

    sign_in(&driver, &session, &site).await;
    let tabs = driver.tabs(&session).await;
    let address = format!("/session/{session}/url");
    let at = driver.call("GET", &address, json!({})).await;
    for words in ["rewrite, others", "length=3000, chunks=50, gap=2", "missed=3"] {
        let answer = ask(&poe, request(format!("Ravens? [[sim: {words}]]"))).await;
        assert_eq!(Some(answer.complete()), site.texts().last().map(String::as_str), "{words}");
    }
    poe.close().await;
    driver.has_tabs(&session, &tabs).await;
    assert_eq!(driver.call("GET", &address, json!({})).await, at, "they are where they were");

    // It goes on after that, until its owner ends it.
    let answer = ask(&poe, request("Hi [[sim: echo]]")).await;
    assert_eq!(answer.complete(), "Hi [[sim: echo]]");
    driver.call("DELETE", &format!("/session/{session}"), json!({})).await;
    let error = ask(&poe, request("Hi")).await.failed();
    assert_eq!(error.kind(), ErrorKind::Browser, "{error}");
    assert!(error.to_string().contains("session"), "{error}");
    assert!(driver.browsers().is_empty(), "none is opened in its place");
    poe.close().await;
    site.sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_adopted_chromium_is_used_and_left_open() {
    an_adopted_session_is_used_and_left_open(Kind::Chromedriver).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_adopted_firefox_is_used_and_left_open() {
    an_adopted_session_is_used_and_left_open(Kind::Geckodriver).await;
}

async fn eight_chats_at_once_are_each_exact(kind: Kind, chats_per_session: usize) {
    let Some(driver) = Driver::start(kind).await else { return };
    let site = Site::new().await;
    let mut webdriver = site.webdriver(&driver);
    webdriver.chats_per_session = chats_per_session;
    let poe = site.poe(webdriver);
    let asked = (0..8).map(|n| {
        let prompt =
            format!("Raven {n} {} [[sim: echo, chunks=40, gap=20, others]]", "🐦".repeat(n));
        let poe = poe.clone();
        tokio::spawn(async move { (ask(&poe, request(&*prompt)).await, prompt) })
    });
    for asked in asked.collect::<Vec<_>>() {
        let (answer, prompt) = asked.await.expect("no panic");
        assert_eq!(answer.complete(), prompt);
    }
    assert_eq!(site.prompts().len(), 8);
    poe.close().await;
    driver.is_free().await;
    site.sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_chats_share_one_session_of_chromium() {
    eight_chats_at_once_are_each_exact(Kind::Chromedriver, 8).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_chats_are_spread_over_two_sessions_of_chromium() {
    eight_chats_at_once_are_each_exact(Kind::Chromedriver, 4).await;
}

/// A geckodriver has one session at a time.
#[tokio::test(flavor = "multi_thread")]
async fn eight_chats_share_one_session_of_firefox() {
    eight_chats_at_once_are_each_exact(Kind::Geckodriver, 8).await;
}

/// Follows an answer to its end, and does something once it is under way.
async fn amid_an_answer(
    poe: &Poe,
    deed: impl AsyncFnOnce(),
) -> Result<String, lenore_provider::Error> {
    let prompt = "Ravens? [[sim: length=3000, chunks=60, gap=40]]";
    let mut completion = poe.create_completion(request(prompt));
    let mut text = Transcript::default();
    // Before the site has told where the chat is, nobody can read it again.
    let mut is_started = false;
    while !is_started || text.text().is_empty() {
        let event = completion.next().await.expect("it goes on").expect("no error yet");
        is_started |= matches!(event, Event::Started { .. });
        text.apply(&event);
    }
    deed().await;
    let followed = async {
        while let Some(event) = completion.next().await {
            text.apply(&event?);
        }
        Ok(text.into_text())
    };
    tokio::time::timeout(WAIT, followed).await.expect("no hang")
}

async fn a_session_that_is_lost_amid_an_answer_loses_nothing(kind: Kind) {
    let Some(driver) = Driver::start(kind).await else { return };
    let site = Site::new().await;
    let poe = site.poe(site.webdriver(&driver));
    let text = amid_an_answer(&poe, async || driver.kill_browsers()).await;
    let text = text.expect("another session reads it again");
    assert_eq!(Some(&text), site.texts().last());
    assert_eq!(site.prompts().len(), 1, "never sent twice");
    poe.close().await;
    driver.is_free().await;
    site.sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chromium_session_that_is_lost_amid_an_answer_loses_nothing() {
    a_session_that_is_lost_amid_an_answer_loses_nothing(Kind::Chromedriver).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_firefox_session_that_is_lost_amid_an_answer_loses_nothing() {
    a_session_that_is_lost_amid_an_answer_loses_nothing(Kind::Geckodriver).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_dies_amid_an_answer_is_told() {
    let Some(mut driver) = Driver::start(Kind::Chromedriver).await else { return };
    let site = Site::new().await;
    // So long it is waited for, in case that it starts anew.
    let builder = site.builder().timeout(WAIT / 2);
    let poe = builder.webdriver(site.webdriver(&driver)).build().expect("valid options");
    let error = amid_an_answer(&poe, async || driver.kill().await).await.expect_err("it is dead");
    assert_eq!(error.kind(), ErrorKind::Browser, "{error}");
    assert!(error.partial().is_some_and(|text| !text.is_empty()), "what came is in it");
    assert_eq!(site.prompts().len(), 1, "never sent twice");
    let error = ask(&poe, request("Hi")).await.failed();
    assert_eq!(error.kind(), ErrorKind::Browser, "{error}");
    poe.close().await;
    site.sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_by_code_lasts_over_the_sessions_of_a_service() {
    let Some(driver) = Driver::start(Kind::Chromedriver).await else { return };
    let sim = Sim::start(support::site()).await.expect("a free port");
    let mut webdriver = WebDriver::new(&driver.url);
    webdriver.chats_per_session = 1;
    let poe = Poe::builder().url(sim.url()).webdriver(webdriver).build().expect("valid options");
    let error = ask(&poe, request("Hi")).await.failed();
    assert_eq!(error.kind(), ErrorKind::NotSignedIn, "{error}");
    assert!(error.to_string().contains("--cookies"), "{error}");
    let code = async { Ok(sim.inbox(EMAIL).expect("a code was mailed")) };
    poe.sign_in_with_code(EMAIL, code).await.expect("signed in");
    let (one, two) = tokio::join!(
        ask(&poe, request("One [[sim: echo, gap=50, chunks=9]]")),
        ask(&poe, request("Two [[sim: echo, gap=50, chunks=9]]")),
    );
    assert!(one.complete().starts_with("One") && two.complete().starts_with("Two"));
    poe.close().await;
    driver.is_free().await;
    sim.stop().await;
}
