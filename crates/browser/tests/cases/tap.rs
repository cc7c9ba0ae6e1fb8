//! What a page tells.

use std::sync::Arc;

use futures_util::future::join_all;
use lenore_browser::Browser;
use serde_json::{Value, json};

use super::{WAIT, hear_until, open_speaking};
use crate::support::serve;

pub(super) async fn the_preload_script_runs_before_the_pages_own_and_is_heard_in_order(
    browser: Arc<Browser>,
) {
    let site = serve(&[
        ("/", "<script>say('one'); for (let n = 0; n < 500; n++) say(n);</script>"),
        ("/next", "<script>say(typeof window.__tap);</script>"),
    ])
    .await;
    let (page, mut tap) = open_speaking(&browser).await;
    page.navigate(&site, WAIT).await.expect("loaded");
    let mut expected = vec!["opened".to_owned(), "\"one\"".to_owned()];
    expected.extend((0..500).map(|n: u32| n.to_string()));
    let mut heard = hear_until(&mut tap, "499").await;
    // The empty document that a tab begins with may have been heard too.
    heard.drain(..heard.len() - expected.len());
    assert_eq!(heard, expected);
    page.navigate(&format!("{site}/next"), WAIT).await.expect("loaded");
    let heard = hear_until(&mut tap, "\"undefined\"").await;
    assert_eq!(heard.last().expect("heard"), "\"undefined\"", "the page sees no binding");
    page.close(WAIT).await.expect("closed");
    assert!(tokio::time::timeout(WAIT, tap.next()).await.expect("in time").is_none());
}

pub(super) async fn two_documents_in_turn_are_told_apart(browser: Arc<Browser>) {
    let site = serve(&[
        ("/", "<script>say('first'); setTimeout(() => location.href = '/two', 200);</script>"),
        ("/two", "<script>say('second');</script>"),
    ])
    .await;
    let (page, mut tap) = open_speaking(&browser).await;
    let navigated = page.navigate(&site, WAIT);
    let (_, heard) = tokio::join!(navigated, hear_until(&mut tap, "\"second\""));
    let first = heard.iter().position(|event| event == "\"first\"").expect("heard");
    assert_eq!(heard[first - 1], "opened");
    assert_eq!(heard[heard.len() - 2], "opened", "a new document has begun in between");
}

pub(super) async fn any_text_is_heard_exactly(browser: Arc<Browser>) {
    let site = serve(&[("/", "<p></p>")]).await;
    let (page, mut tap) = open_speaking(&browser).await;
    page.navigate(&site, WAIT).await.expect("loaded");
    let line = "\"quotes\" 'and' \\ back\tslash, 🙂🏳️‍🌈 שלום \u{2028}\u{0} end\n";
    let text = line.repeat(100 * 1024 / line.len() + 1);
    page.call("(text) => { say(text); say('end'); }", &[json!(text)], WAIT).await.expect("said");
    let heard = hear_until(&mut tap, "\"end\"").await;
    let found: Value = serde_json::from_str(&heard[heard.len() - 2]).expect("JSON");
    assert!(found == json!(text), "it is the same text");
}

pub(super) async fn several_pages_at_once_are_heard_each_by_itself(browser: Arc<Browser>) {
    let site = serve(&[(
        "/",
        "<script>const name = location.hash.slice(1);\
         for (let n = 0; n < 50; n++) setTimeout(() => say(name + n), 5 * n);</script>",
    )])
    .await;
    let speak = |number: u32| {
        let (browser, site) = (browser.clone(), site.clone());
        async move {
            let (page, mut tap) = open_speaking(&browser).await;
            page.navigate(&format!("{site}/#{number}-"), WAIT).await.expect("loaded");
            let mut heard = hear_until(&mut tap, &format!("\"{number}-49\"")).await;
            heard.retain(|event| event != "opened");
            let expected: Vec<_> = (0..50).map(|n| format!("\"{number}-{n}\"")).collect();
            assert_eq!(heard, expected);
        }
    };
    join_all((0..6).map(speak)).await;
}
