//! A page's vocabulary and its tap: the same cases over every engine, each with a real browser.
//! Where engines differ is told by `differences.toml`, and by nothing else.

mod cases;
#[path = "support/drivers.rs"]
mod drivers;
mod support;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use lenore_browser::{Browser, Isolation, LaunchOptions, Program, WebDriverOptions, find_chromium};
use serde::Deserialize;

use self::cases::CASES;
use self::drivers::{Chromedriver, geckodriver};

/// How long one case may take.
const LONGEST: Duration = Duration::from_secs(90);

/// A known difference.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Difference {
    case: String,
    engine: String,
    /// What the case's failure says.
    says: String,
    /// Why it is so.
    #[serde(rename = "reason")]
    _reason: String,
}

fn differences(engine: &str) -> BTreeMap<String, Difference> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        #[serde(default)]
        difference: Vec<Difference>,
    }
    let file: File = toml::from_str(include_str!("differences.toml")).expect("it parses");
    for Difference { case, engine, .. } in &file.difference {
        assert!(CASES.iter().any(|(name, _)| name == case), "there is no case {case}");
        assert!(ENGINES.contains(&engine.as_str()), "there is no engine {engine}");
    }
    let ours = file.difference.into_iter().filter(|difference| difference.engine == engine);
    ours.map(|difference| (difference.case.clone(), difference)).collect()
}

const ENGINES: &[&str] = &["chromium", "chromedriver", "firefox"];

/// Runs all cases in one browser, and compares what fails with what is known to.
async fn run(engine: &str, browser: Browser) {
    let mut known = differences(engine);
    let mut wrong = Vec::new();
    let browser = Arc::new(browser);
    for (name, case) in CASES {
        let running = tokio::spawn(tokio::time::timeout(LONGEST, case(browser.clone())));
        let failure = match running.await {
            Ok(Ok(())) => None,
            Ok(Err(_)) => Some(format!("it took longer than {LONGEST:?}")),
            Err(panic) => Some(words(panic)),
        };
        match (failure, known.remove(*name)) {
            (None, None) => {}
            (Some(said), Some(known)) if said.contains(&known.says) => {}
            (Some(said), _) => wrong.push(format!("{name}: {said}")),
            (None, Some(_)) => wrong.push(format!("{name}: the known difference is gone")),
        }
    }
    Arc::into_inner(browser).expect("all cases are over").close().await;
    assert!(wrong.is_empty(), "{engine}:\n{}", wrong.join("\n"));
}

fn words(failure: tokio::task::JoinError) -> String {
    let Ok(panic) = failure.try_into_panic() else { return "cancelled".to_owned() };
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => panic.downcast_ref::<&str>().copied().unwrap_or("no words").to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn chromium_over_cdp() {
    run("chromium", support::browser().await).await;
}

/// Where tabs draw nothing.
#[tokio::test(flavor = "multi_thread")]
async fn chromium_whose_frames_are_ours() {
    let options = LaunchOptions { isolation: Isolation::Browser, ..LaunchOptions::default() };
    run("chromium", Browser::launch(&options).await.expect("started")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_chromium_over_cdp() {
    let Ok(program) = find_chromium(false) else { return };
    let options = LaunchOptions { binary: Some(program), ..LaunchOptions::default() };
    run("chromium", Browser::launch(&options).await.expect("started")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn chromium_over_webdriver() {
    let Some(driver) = Chromedriver::start() else { return };
    let options = WebDriverOptions::new(&driver.url);
    let browser = Browser::webdriver(&options).await.expect("a session");
    run("chromedriver", browser).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn firefox_over_webdriver() {
    let Some(driver) = geckodriver() else { return };
    let options = LaunchOptions {
        program: Program::Firefox,
        driver: Some(driver),
        ..LaunchOptions::default()
    };
    run("firefox", Browser::launch(&options).await.expect("started")).await;
}
