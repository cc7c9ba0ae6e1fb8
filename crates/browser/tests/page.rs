//! A page's vocabulary and its tap, in a real Chromium.

mod support;

use std::time::Duration;

use lenore_browser::{ErrorKind, PageOptions, Tap, TapEvent};
use serde_json::json;
use support::{browser, serve};

const WAIT: Duration = Duration::from_secs(20);

fn selectors(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// What the tap yields, up to one message.
async fn hear_until(tap: &mut Tap, last: &str) -> Vec<String> {
    let mut heard = Vec::new();
    while heard.last().is_none_or(|heard| heard != last) {
        let event = tokio::time::timeout(WAIT, tap.next()).await;
        heard.push(match event.unwrap_or_else(|_| panic!("{heard:?}")).expect("open") {
            TapEvent::Opened => "opened".to_owned(),
            TapEvent::Message(message) => message.get().to_owned(),
            other => panic!("{other:?}"),
        });
    }
    heard
}

#[tokio::test(flavor = "multi_thread")]
async fn the_preload_script_runs_before_the_pages_own_and_is_heard_in_order() {
    let site = serve(&[
        ("/", "<script>say('one'); for (let n = 0; n < 500; n++) say(n);</script>"),
        ("/next", "<script>say(typeof window.__tap);</script>"),
    ])
    .await;
    let browser = browser().await;
    let options = PageOptions { preload: "(emit) => { window.say = emit; }".into() };
    let (page, mut tap) = browser.open_page(&options, WAIT).await.expect("opened");
    page.navigate(&site, WAIT).await.expect("loaded");
    let mut expected = vec!["opened".to_owned(), "\"one\"".to_owned()];
    expected.extend((0..500).map(|n: u32| n.to_string()));
    let mut heard = hear_until(&mut tap, "499").await;
    // The empty document that a tab begins with may have been heard too.
    heard.drain(..heard.len() - expected.len());
    assert_eq!(heard, expected);
    page.navigate(&format!("{site}/next"), WAIT).await.expect("loaded");
    let heard = hear_until(&mut tap, "\"undefined\"").await;
    assert_eq!(heard, ["opened", "\"undefined\""], "the page sees no binding");
    page.close(WAIT).await.expect("closed");
    assert!(tokio::time::timeout(WAIT, tap.next()).await.expect("in time").is_none());
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_box_is_filled_exactly_and_at_once() {
    let site = serve(&[(
        "/",
        // Whole before the box is: it may be filled as soon as it is there.
        "<script>window.seen = []; addEventListener('input', ({ target }) => {\
        seen.push(target.value.length);\
        setTimeout(() => document.querySelector('button').disabled = false, 50); });\
        addEventListener('click', () => window.clicked = true);</script>\
        <textarea id=box></textarea><button disabled>go</button>",
    )])
    .await;
    let browser = browser().await;
    let (page, _tap) = browser.open_page(&PageOptions::default(), WAIT).await.expect("opened");
    page.navigate(&site, WAIT).await.expect("loaded");
    let line = "\"quotes\" 'and' \\ back\tslash, 🙂🏳️‍🌈 שלום \u{2028}\u{0} end\n";
    let text = line.repeat(100 * 1024 / line.len() + 1);
    page.fill(&selectors(&["#none", "textarea"]), &text, WAIT).await.expect("filled");
    page.click(&selectors(&["button"]), WAIT).await.expect("clicked once it is enabled");
    let seen = page.call("() => [seen.length, clicked, box.value]", &[], WAIT).await.expect("read");
    assert_eq!(seen, json!([1, true, text]));
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn waits_go_on_over_a_change_of_document_and_end_at_their_deadline() {
    let site = serve(&[
        ("/", "<script>setTimeout(() => location.href = '/two', 100)</script>"),
        ("/two", "<p hidden class=x>no</p><p class=y>yes</p>"),
    ])
    .await;
    let browser = browser().await;
    let (page, _tap) = browser.open_page(&PageOptions::default(), WAIT).await.expect("opened");
    page.navigate(&site, WAIT).await.expect("loaded");
    let (hidden, shown) = (selectors(&[".x"]), selectors(&[".z", ".y"]));
    let which = page.wait_for_any(&[&hidden, &shown], WAIT).await.expect("shown");
    assert_eq!(which, 1);
    let error = page.wait_for_any(&[&hidden], Duration::from_millis(300)).await.expect_err("never");
    assert_eq!(error.kind(), ErrorKind::Timeout);
    let error =
        page.call("() => { throw new Error('boom') }", &[], WAIT).await.expect_err("throws");
    assert_eq!(error.kind(), ErrorKind::Script);
    assert!(error.to_string().contains("boom"));
    let error = page
        .call("() => new Promise(() => {})", &[], Duration::from_millis(200))
        .await
        .expect_err("never");
    assert_eq!(error.kind(), ErrorKind::Timeout);
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crashed_page_is_told_from_a_closed_one_and_others_live_on() {
    let site = serve(&[("/", "<p>alive</p>")]).await;
    let browser = browser().await;
    let (crashed, mut tap) =
        browser.open_page(&PageOptions::default(), WAIT).await.expect("opened");
    let (other, _other_tap) =
        browser.open_page(&PageOptions::default(), WAIT).await.expect("opened");
    other.navigate(&site, WAIT).await.expect("loaded");
    assert!(crashed.navigate("chrome://crash", WAIT).await.is_err());
    while tokio::time::timeout(WAIT, tap.next()).await.expect("in time").is_some() {}
    let error = crashed.call("() => 1", &[], WAIT).await.expect_err("crashed");
    assert_eq!(error.kind(), ErrorKind::Crashed);
    assert_eq!(other.call("() => 1 + 1", &[], WAIT).await.expect("alive"), json!(2));
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_chosen_and_pictures_taken() {
    let site = serve(&[("/", "<h1>Hello</h1><input type=file multiple hidden>")]).await;
    let browser = browser().await;
    let (page, _tap) = browser.open_page(&PageOptions::default(), WAIT).await.expect("opened");
    page.navigate(&site, WAIT).await.expect("loaded");
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("ünïcode 🙂.txt");
    std::fs::write(&file, "text").expect("written");
    page.attach_files(&selectors(&["input"]), &[file], WAIT).await.expect("chosen");
    let name = "() => document.querySelector('input').files[0].name";
    assert_eq!(page.call(name, &[], WAIT).await.expect("read"), json!("ünïcode 🙂.txt"));
    assert!(page.screenshot(WAIT).await.expect("taken").starts_with(b"\x89PNG"));
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_reached_is_a_network_error_with_its_reason() {
    let browser = browser().await;
    let (page, _tap) = browser.open_page(&PageOptions::default(), WAIT).await.expect("opened");
    let error = page.navigate("http://127.0.0.1:1/", WAIT).await.expect_err("nobody there");
    assert_eq!(error.kind(), ErrorKind::Network);
    assert!(error.to_string().contains("net::ERR"), "{error}");
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_waits_for_animation_frames_gets_them() {
    let site = serve(&[(
        "/",
        "<p></p><script>let n = 0; const count = () => { document.querySelector('p').textContent = \
         ++n; if (n < 20) requestAnimationFrame(count); else window.done = true; };\
         requestAnimationFrame(count);</script>",
    )])
    .await;
    let browser = browser().await;
    let (page, _tap) = browser.open_page(&PageOptions::default(), WAIT).await.expect("opened");
    page.navigate(&site, WAIT).await.expect("loaded");
    page.call_until("() => window.done", &[], WAIT).await.expect("twenty frames");
    let picture = page.screenshot(WAIT).await.expect("drawn");
    assert!(picture.starts_with(b"\x89PNG"));
    browser.close().await;
}
