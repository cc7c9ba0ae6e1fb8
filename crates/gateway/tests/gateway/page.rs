//! The page at `/`, in a real browser: what it shows, and that its box asks.

use std::time::Duration;

use lenore_browser::{Browser, LaunchOptions, Page, PageOptions};
use serde_json::json;

use crate::support::{Fake, Server, script};

const WAIT: Duration = Duration::from_secs(20);

fn named(selector: &str) -> Vec<String> {
    vec![selector.to_owned()]
}

/// Waits until an element's text has these words.
async fn shows(page: &Page, selector: &str, words: &str) {
    let function =
        "(selector, words) => document.querySelector(selector)?.textContent.includes(words)";
    let arguments = [json!(selector), json!(words)];
    let shown = page.call_until(function, &arguments, WAIT).await;
    shown.unwrap_or_else(|error| panic!("{selector} does not show {words:?}: {error}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_box_asks_stops_and_says_what_is_wrong() {
    let server = Server::with(Fake::new(script), |builder| builder.api_key("right")).await;
    let browser = Browser::launch(&LaunchOptions::default()).await.expect("a browser is installed");
    let (page, _tap) = browser.open_page(&PageOptions::default(), WAIT).await.expect("a tab");
    page.navigate(&format!("http://{}/", server.address), WAIT).await.expect("loaded");
    shows(&page, "#state", "Ready. fake: 0 running").await;
    shows(&page, "#how", &format!("http://{}/v1", server.address)).await;

    let ask = async |words: &str| {
        page.fill(&named("#prompt"), words, WAIT).await.expect("filled");
        page.click(&named("#ask"), WAIT).await.expect("clicked");
    };
    ask("Hello").await;
    shows(&page, "#answer.bad", "a key is needed").await;
    page.fill(&named("#key"), "right", WAIT).await.expect("filled");
    ask("Hello").await;
    shows(&page, "#answer", "Once upon a midnight dreary 🐦‍⬛, “while” I pondered.").await;
    ask("[rewrite]").await;
    let is_found = "() => document.querySelector('#answer').textContent === 'Found 🐦.'";
    page.call_until(is_found, &[], WAIT).await.expect("only what the site has in the end");
    ask("[break]").await;
    shows(&page, "#answer.bad", "it failed").await;
    ask("[endless]").await;
    shows(&page, "#answer", "quoth quoth").await;
    page.click(&named("#stop"), WAIT).await.expect("clicked");
    server.fake.until_running(0).await;
    browser.close().await;
    server.end().await;
}
