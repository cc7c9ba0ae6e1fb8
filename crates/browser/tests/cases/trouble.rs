//! What goes wrong, and is said so.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lenore_browser::{Browser, ErrorKind};
use serde_json::json;

use super::{WAIT, open, selectors};
use crate::support::serve;

pub(super) async fn waits_go_on_over_a_change_of_document_and_end_at_their_deadline(
    browser: Arc<Browser>,
) {
    let site = serve(&[
        ("/", "<script>setTimeout(() => location.href = '/two', 100)</script>"),
        ("/two", "<p hidden class=x>no</p><p class=y>yes</p>"),
    ])
    .await;
    let (page, _tap) = open(&browser).await;
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
    let error = page.call("() => { not JavaScript }", &[], WAIT).await.expect_err("throws");
    assert_eq!(error.kind(), ErrorKind::Script);
    let error = page
        .call("() => new Promise(() => {})", &[], Duration::from_millis(200))
        .await
        .expect_err("never");
    assert_eq!(error.kind(), ErrorKind::Timeout);
}

pub(super) async fn a_script_is_told_that_its_document_is_gone(browser: Arc<Browser>) {
    let site = serve(&[("/", "<p>one</p>"), ("/two", "<p>two</p>")]).await;
    let (page, _tap) = open(&browser).await;
    page.navigate(&site, WAIT).await.expect("loaded");
    let begin = Instant::now();
    let leave = "() => { location.href = '/two'; return new Promise(() => {}); }";
    let error = page.call(leave, &[], WAIT).await.expect_err("the document is gone");
    assert_eq!(error.kind(), ErrorKind::Navigated);
    assert!(begin.elapsed() < WAIT / 2, "it is told at once");
    let two = "() => document.querySelector('p')?.textContent === 'two'";
    page.call_until(two, &[], WAIT).await.expect("the other document is there");
}

pub(super) async fn a_crashed_page_is_told_from_a_closed_one_and_others_live_on(
    browser: Arc<Browser>,
) {
    let site = serve(&[("/", "<p>alive</p>")]).await;
    let (other, _other_tap) = open(&browser).await;
    other.navigate(&site, WAIT).await.expect("loaded");
    // New tabs share a process, and crash together; the other one has its site's by now.
    let (crashed, mut tap) = open(&browser).await;
    assert!(crashed.navigate("chrome://crash", WAIT).await.is_err());
    while tokio::time::timeout(WAIT, tap.next()).await.expect("the tap ends").is_some() {}
    let error = crashed.call("() => 1", &[], WAIT).await.expect_err("crashed");
    assert_eq!(error.kind(), ErrorKind::Crashed);
    assert_eq!(other.call("() => 1 + 1", &[], WAIT).await.expect("alive"), json!(2));
}

pub(super) async fn what_cannot_be_reached_is_a_network_error_with_its_reason(
    browser: Arc<Browser>,
) {
    // A port that was free a moment ago, and that browsers do not refuse by themselves.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = format!("http://{}/", listener.local_addr().expect("bound"));
    drop(listener);
    let (page, _tap) = open(&browser).await;
    let error = page.navigate(&address, WAIT).await.expect_err("nobody there");
    assert_eq!(error.kind(), ErrorKind::Network);
    assert!(error.to_string().contains("nothing answers there"), "{error}");
    let error = page.navigate("http://no.such.host.invalid/", WAIT).await.expect_err("no name");
    assert_eq!(error.kind(), ErrorKind::Network);
    assert!(error.to_string().contains("name is not known"), "{error}");
}

pub(super) async fn a_page_is_used_again_after_what_could_not_be_reached(browser: Arc<Browser>) {
    let site = serve(&[("/", "<p>there</p>")]).await;
    let (page, _tap) = open(&browser).await;
    for _ in 0..5 {
        page.navigate("http://127.0.0.1:1/", WAIT).await.expect_err("nobody there");
        page.navigate(&site, WAIT).await.expect("loaded");
        let there = "() => document.querySelector('p')?.textContent === 'there'";
        page.call_until(there, &[], WAIT).await.expect("the right page is there");
    }
}
