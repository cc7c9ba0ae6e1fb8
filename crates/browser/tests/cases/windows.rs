//! Windows that a page opens.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lenore_browser::Browser;
use serde_json::json;

use super::{WAIT, open};
use crate::support::serve;

/// How long a window may be there that is left, before it counts as left.
const STAYS: Duration = Duration::from_millis(700);

const COUNT: &str = "() => new Promise((resolve) => { const others = []; \
    const channel = new BroadcastChannel('windows'); \
    channel.onmessage = ({ data }) => data !== 'who' && others.push(data); \
    channel.postMessage('who'); setTimeout(() => resolve(others.length), 200); })";

pub(super) async fn what_a_page_opens_is_closed(browser: Arc<Browser>) {
    let site = serve(&[
        ("/", "<a href=/window target=_blank>open</a>"),
        (
            "/window",
            "<script>const channel = new BroadcastChannel('windows'); \
             channel.onmessage = ({ data }) => data === 'who' && channel.postMessage('here');\
             </script>",
        ),
    ])
    .await;
    let (page, _tap) = open(&browser).await;
    page.navigate(&site, WAIT).await.expect("loaded");
    for way in [
        "window.open('/window')",
        "window.open('/window', '_blank', 'noopener')",
        "document.querySelector('a').click()",
        "window.open('/window', 'other', 'popup,width=100,height=100')",
    ] {
        page.call(&format!("() => {{ {way}; }}"), &[], WAIT).await.expect("opened");
        let begin = Instant::now();
        tokio::time::sleep(STAYS).await;
        while page.call(COUNT, &[], WAIT).await.expect("counted") != json!(0) {
            assert!(begin.elapsed() < WAIT / 4, "{way} is closed");
        }
    }
    page.leave_windows();
    page.call("() => { window.left = window.open('/window'); }", &[], WAIT).await.expect("opened");
    tokio::time::sleep(STAYS).await;
    assert_eq!(page.call(COUNT, &[], WAIT).await.expect("counted"), json!(1), "it is left");
    page.call("() => left.close()", &[], WAIT).await.expect("closed");
}
