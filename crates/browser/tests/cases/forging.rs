//! Who else could speak on a page's tap: its frames, and its own scripts with changed builtins.

use std::sync::Arc;

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use lenore_browser::Browser;
use serde_json::{Value, json};

use super::{WAIT, hear_until, open_speaking};
use crate::support::serve;

/// Calls whatever might be the tap's way out, and tells the top what it found on the window that
/// the top's window does not have.
const FORGE: &str = r#"
const names = (of) => Object.getOwnPropertyNames(of).filter((name) => !/^\d+$/.test(name));
const forge = (of, beside) => {
    const found = names(of).filter((name) => !beside.includes(name));
    for (const name of [...found, '__tap', 'tap', 'lenore', 'emit', 'send', 'channel', 'say']) {
        const ways = [of[name], of[name]?.sendMessage, of[name]?.postMessage];
        for (const way of ways.filter((way) => typeof way === 'function')) {
            for (const word of ['["x",0,null]', '["x",1,"forged"]', '"forged"']) {
                for (let time = 0; time < 20; time++) try { way.call(of, word); } catch {}
            }
        }
    }
    return found;
};
"#;

const FRAME: &str = "addEventListener('message', ({ data }) => \
    top.postMessage({ found: forge(window, data), from: location.href }, '*'));\
    top.postMessage('ready', '*');";

const TOP: &str = r#"
say('first');
const atFirst = names(window);
const found = {};
const add = (from, names) => { found[from] = names.filter((name) => name !== 'say'); };
let waiting = 0;
addEventListener('message', ({ data, source }) => {
    if (data === 'ready') return source.postMessage(names(window), '*');
    add(`${data.from} ${waiting}`, data.found);
    if (--waiting === 0) {
        add('later', [...names(window), ...atFirst].filter(
            (name) => !names(window).includes(name) || !atFirst.includes(name)));
        say(found);
        say('end');
    }
});
const frame = (attributes) => {
    waiting++;
    const made = document.createElement('iframe');
    Object.entries(attributes).forEach(([name, value]) => made.setAttribute(name, value));
    document.documentElement.append(made);
    return made.contentWindow;
};
const reached = (attributes) => {
    const of = frame(attributes);
    waiting--;
    return of;
};
const script = `<script>${document.querySelector('#shared').text}${document.querySelector('#frame').text}</` + 'script>';
add('about:blank', forge(reached({}), names(window)));
add('about:blank named', forge(reached({ src: 'about:blank' }), names(window)));
add('without scripts', forge(reached({ sandbox: 'allow-same-origin' }), names(window)));
const written = reached({});
written.document.open();
waiting++;
written.document.write(script);
written.document.close();
add('written', forge(written, names(window)));
frame({ srcdoc: script });
frame({ srcdoc: script, sandbox: 'allow-scripts' });
frame({ src: '/frame' });
frame({ src: '/frame', sandbox: 'allow-scripts' });
frame({ src: location.href.replace('127.0.0.1', 'localhost') + 'frame' });
waiting++;
frame({ srcdoc: `<iframe srcdoc='${script.replaceAll("'", '&apos;')}'></iframe>${script}` });
const later = reached({});
waiting++;
later.location = '/frame';
"#;

/// A site whose page has frames of all kinds, each of which tries to speak on the tap.
async fn site_of_forgers() -> String {
    let frame = format!("<script>{FORGE}{FRAME}</script>");
    let top = format!(
        "<script id=shared>{FORGE}</script><script id=frame type=text/plain>{FRAME}</script>\
         <body><script>(() => {{ {TOP} }})();</script>"
    );
    let router = Router::new()
        .route("/", get(move || async move { Html(top) }))
        .route("/frame", get(move || async move { Html(frame) }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = format!("http://{}/", listener.local_addr().expect("bound"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

pub(super) async fn no_frame_finds_or_forges_the_taps_way_out(browser: Arc<Browser>) {
    let site = site_of_forgers().await;
    let (page, mut tap) = open_speaking(&browser).await;
    page.navigate(&site, WAIT).await.expect("loaded");
    let mut heard = hear_until(&mut tap, "\"end\"").await;
    // The empty document that a tab begins with may have been heard too.
    let first = heard.iter().position(|event| event == "\"first\"").expect("heard");
    heard.drain(..first);
    assert_eq!(heard.len(), 3, "{heard:?}");
    let found: serde_json::Map<String, Value> = serde_json::from_str(&heard[1]).expect("JSON");
    assert_eq!(found.len(), 14, "{found:?}");
    assert!(found.values().all(|names| *names == json!([])), "{found:?}");
    // A window that the page opens is another tab's, of the same process.
    let opened = "() => { const opened = window.open('about:blank'); \
        const found = Object.getOwnPropertyNames(opened); opened.close(); \
        const own = Object.getOwnPropertyNames(window); \
        return found.filter((name) => !own.includes(name)); }";
    assert_eq!(page.call(opened, &[], WAIT).await.expect("opened"), json!([]));
}

/// Changes everything that a script could use to tell what it has to tell.
const CHANGE: &str = r#"
const forged = () => 'forged';
const lists = [Array.prototype, String.prototype];
for (const one of [Object, Array, String, Number, Boolean, Function, Map, Set, Promise, Event,
    EventTarget, FocusEvent, StorageEvent, MessageEvent, CustomEvent, RegExp, Date]) {
    for (const name of ['toJSON', 'newValue', 'relatedTarget', 'data', 'key', 'bubbles']) {
        Object.defineProperty(one.prototype, name, { configurable: true, get: forged, set: forged });
    }
    for (const name of Object.getOwnPropertyNames(one.prototype)) {
        const { value, configurable } = Object.getOwnPropertyDescriptor(one.prototype, name) ?? {};
        if (typeof value === 'function' && configurable && name !== 'constructor') {
            Object.defineProperty(one.prototype, name, { value: forged, configurable: true });
        }
    }
}
for (const name of ['get', 'set', 'value']) {
    Object.defineProperty(Object.prototype, name, { __proto__: null, configurable: true, get: forged });
}
for (const one of [JSON, Reflect, Object, Array, Math, Number]) {
    for (const name of ['stringify', 'parse', 'apply', 'construct', 'keys', 'entries', 'values',
        'isArray', 'from', 'assign', 'create', 'random', 'isFinite', 'ownKeys']) {
        if (name in one) one[name] = forged;
    }
}
for (const name of ['JSON', 'Reflect', 'Proxy', 'Map', 'Set', 'Event', 'EventTarget', 'FocusEvent',
    'StorageEvent', 'MessageEvent', 'dispatchEvent', 'postMessage', 'String', 'Number']) {
    window[name] = forged;
}
lists[0][Symbol.iterator] = lists[1][Symbol.iterator] = forged;
"#;

pub(super) async fn a_page_that_changes_the_builtins_does_not_change_what_is_told(
    browser: Arc<Browser>,
) {
    let told =
        r#"{"list":[1,"two",{"three":null}],"text":"\"\\ \u2028 \ud83d\ude42 \u0000","no":false}"#;
    let page = format!(
        "<script>const told = {told};\
         try {{ {CHANGE} }} catch (error) {{ say(`${{error}}`); }} say(told); say('end');</script>"
    );
    let site = serve(&[("/", &*page.leak())]).await;
    let (page, mut tap) = open_speaking(&browser).await;
    page.navigate(&site, WAIT).await.expect("loaded");
    let heard = hear_until(&mut tap, "\"end\"").await;
    assert_eq!(heard[heard.len() - 3], "opened", "the page could change all of it");
    let found: Value = serde_json::from_str(&heard[heard.len() - 2]).expect("JSON");
    assert_eq!(found, serde_json::from_str::<Value>(told).expect("JSON"));
}
