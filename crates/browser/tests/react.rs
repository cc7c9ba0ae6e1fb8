//! A box that React controls takes what is filled in: the real React, not an imitation.
//! `scripts/setup.sh react` fetches it; without it, this is skipped.

mod support;

use std::path::Path;
use std::time::Duration;

use lenore_browser::PageOptions;
use serde_json::json;
use support::{browser, serve};

const WAIT: Duration = Duration::from_secs(20);

/// A controlled box, and a button that is enabled while React's state holds some text.
const APP: &str = "\
    const { createElement: h, useState } = React;\
    const App = () => { const [text, setText] = useState(''); window.state = text;\
      return h('footer', null,\
        h('textarea', { value: text, onChange: (event) => setText(event.target.value) }),\
        h('button', { disabled: text === '', onClick: () => { window.sent = text; setText(''); } }));\
    };\
    ReactDOM.createRoot(document.getElementById('root')).render(h(App));";

#[tokio::test(flavor = "multi_thread")]
async fn a_box_of_react_takes_a_long_text_at_once() {
    let read = |name: &str| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/react");
        std::fs::read_to_string(root.join(name)).ok()
    };
    let (Some(react), Some(dom)) = (read("react.js"), read("react-dom.js")) else {
        eprintln!("skipped: React is not there");
        return;
    };
    let html = format!(
        "<meta charset=utf-8><div id=root></div><script>{react}</script><script>{dom}</script>\
         <script>{APP}</script>"
    );
    let site = serve(&[("/", html.leak())]).await;
    let browser = browser().await;
    let (page, _tap) = browser.open_page(&PageOptions::default(), WAIT).await.expect("opened");
    page.navigate(&site, WAIT).await.expect("loaded");
    let line = "\"quotes\" \\ 🙂👩‍👩‍👧‍👦 שלום\tand so on\n";
    let text = line.repeat(100 * 1024 / line.len() + 1);
    let (boxes, buttons) = (vec!["textarea".to_owned()], vec!["button".to_owned()]);
    for _ in 0..2 {
        page.fill(&boxes, &text, WAIT).await.expect("filled");
        page.click(&buttons, WAIT).await.expect("React has enabled it");
        let emptied = "() => window.state === '' && [window.sent]";
        let sent = page.call_until(emptied, &[], WAIT).await.expect("React has taken it");
        assert!(sent == json!([text]), "it is the same text");
    }
    browser.close().await;
}
