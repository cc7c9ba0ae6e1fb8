//! What a page is told to do.

use std::sync::Arc;

use lenore_browser::Browser;
use serde_json::json;

use super::{WAIT, open, selectors};
use crate::support::serve;

pub(super) async fn a_box_is_filled_exactly_and_at_once(browser: Arc<Browser>) {
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
    let (page, _tap) = open(&browser).await;
    page.navigate(&site, WAIT).await.expect("loaded");
    let line = "\"quotes\" 'and' \\ back\tslash, 🙂🏳️‍🌈 שלום \u{2028}\u{0} end\n";
    let text = line.repeat(100 * 1024 / line.len() + 1);
    page.fill(&selectors(&["#none", "textarea"]), &text, WAIT).await.expect("filled");
    page.click(&selectors(&["button"]), WAIT).await.expect("clicked once it is enabled");
    let seen = page.call("() => [seen.length, clicked, box.value]", &[], WAIT).await.expect("read");
    assert!(seen == json!([1, true, text]), "it is the same text, in one input");
}

pub(super) async fn any_value_comes_back_exactly(browser: Arc<Browser>) {
    let (page, _tap) = open(&browser).await;
    let value = json!({
        "text": "🙂\u{0}\u{2028}\"\\",
        "numbers": [0, -1, 1.5, 9_007_199_254_740_991_i64],
        "nothing": null,
        "deep": { "er": [[true], {}] },
    });
    let same =
        page.call("(value) => value", std::slice::from_ref(&value), WAIT).await.expect("answered");
    assert_eq!(same, value);
    let later = "async () => { await new Promise((done) => setTimeout(done, 5)); return 'late'; }";
    assert_eq!(page.call(later, &[], WAIT).await.expect("answered"), json!("late"));
    assert_eq!(page.call("() => undefined", &[], WAIT).await.expect("answered"), json!(null));
    let length = "() => '\\ud83d'.length";
    assert_eq!(page.call(length, &[], WAIT).await.expect("answered"), json!(1));
}

pub(super) async fn files_are_chosen(browser: Arc<Browser>) {
    let site = serve(&[("/", "<input type=file multiple hidden>")]).await;
    let (page, _tap) = open(&browser).await;
    page.navigate(&site, WAIT).await.expect("loaded");
    let dir = tempfile::tempdir().expect("a directory");
    let files = ["ünïcode 🙂.txt", "other.bin"].map(|name| dir.path().join(name));
    for file in &files {
        std::fs::write(file, "text").expect("written");
    }
    page.attach_files(&selectors(&["input"]), &files, WAIT).await.expect("chosen");
    let read = "async () => { const { files } = document.querySelector('input'); \
                return [files[0].name, await files[0].text(), files[1].name, files.length]; }";
    let found = page.call(read, &[], WAIT).await.expect("read");
    assert_eq!(found, json!(["ünïcode 🙂.txt", "text", "other.bin", 2]));
}

pub(super) async fn pictures_are_taken(browser: Arc<Browser>) {
    let site = serve(&[("/", "<h1>Hello</h1>")]).await;
    let (page, _tap) = open(&browser).await;
    let (_other, _other_tap) = open(&browser).await;
    page.navigate(&site, WAIT).await.expect("loaded");
    assert!(page.screenshot(WAIT).await.expect("taken").starts_with(b"\x89PNG"));
}

pub(super) async fn a_page_that_waits_for_animation_frames_gets_them(browser: Arc<Browser>) {
    let site = serve(&[(
        "/",
        "<p></p><script>let n = 0; const count = () => { document.querySelector('p').textContent = \
         ++n; if (n < 20) requestAnimationFrame(count); else window.done = true; };\
         requestAnimationFrame(count);</script>",
    )])
    .await;
    let (page, _tap) = open(&browser).await;
    page.navigate(&site, WAIT).await.expect("loaded");
    page.call_until("() => window.done", &[], WAIT).await.expect("twenty frames");
    let picture = page.screenshot(WAIT).await.expect("drawn");
    assert!(picture.starts_with(b"\x89PNG"));
}

pub(super) async fn dialogs_are_dismissed_and_a_page_may_be_left(browser: Arc<Browser>) {
    let site = serve(&[
        (
            "/",
            "<script>addEventListener('beforeunload', (event) => event.preventDefault())</script>",
        ),
        ("/two", "<p>two</p>"),
    ])
    .await;
    let (page, _tap) = open(&browser).await;
    page.navigate(&site, WAIT).await.expect("loaded");
    let ask = "() => [alert('now') ?? null, confirm('really?'), prompt('what?', 'this')]";
    let asked = page.call(ask, &[], WAIT).await;
    assert_eq!(asked.expect("answered"), json!([null, false, null]));
    page.navigate(&format!("{site}/two"), WAIT).await.expect("the page may be left");
    page.wait_for_any(&[&selectors(&["p"])], WAIT).await.expect("shown");
}
