//! What the recorder tells of a page that has somebody's words everywhere: the real `record.js` in
//! a JavaScript engine without a browser.

use lenore_poe::Site;
use rquickjs::context::EvalOptions;
use rquickjs::{CatchResultExt, Context, Promise, Runtime};
use serde_json::Value;

const RECORD: &str = include_str!("../src/doctor/record.js");
const PAGE: &str = include_str!("record/page.js");

/// What the recorder tells of the page whose secret this is.
fn recorded(secret: &str) -> Vec<Value> {
    let runtime = Runtime::new().expect("an engine");
    let context = Context::full(&runtime).expect("a document");
    let mut words = Vec::new();
    let mut waiting = vec![Site::poe().tap_names()];
    while let Some(value) = waiting.pop() {
        match value {
            Value::String(text) => words.push(text),
            Value::Array(list) => waiting.extend(list),
            Value::Object(fields) => waiting.extend(fields.into_iter().map(|(_, value)| value)),
            _ => {}
        }
    }
    let options = serde_json::json!({
        "known": words, "token": "now", "inline": "script", "padding": { "_": true },
        "idKeys": { "messageId": true },
        "wordKeys": { "queryName": true, "poe-queryname": true, "subscription_name": true, "unique_id": true },
    });
    let secret = serde_json::json!(secret);
    let page = format!("globalThis.SECRET = {secret};\n{PAGE}");
    let record = format!("({RECORD})((line) => emitted.push(JSON.stringify(line)), {options})");
    context.with(|ctx| {
        for script in [page.as_str(), record.as_str()] {
            let mut options = EvalOptions::default();
            options.strict = false;
            ctx.eval_with_options::<(), _>(script, options).catch(&ctx).expect("it runs");
        }
        let played: Promise<'_> = ctx.eval("play()").catch(&ctx).expect("it plays");
        played.finish::<()>().catch(&ctx).expect("it plays");
        let told: Vec<String> = ctx.eval("emitted").catch(&ctx).expect("texts");
        told.iter().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    })
}

#[test]
fn no_word_and_no_number_of_anybody_gets_out() {
    for secret in
        ["Nevermore", "nevermore", "edgar_allan", "Raven-Poe", "xK4pQz77aa", "snakeCaseNot"]
    {
        let told = recorded(secret);
        let lines: Vec<_> = told.iter().filter_map(|told| told.get("line")).collect();
        let text = lines.iter().map(|line| format!("{line}\n")).collect::<String>();
        let small = text.to_lowercase();
        for part in [secret, "nevermore", "edgar", "raven", "example.org", "p-b"] {
            assert!(!small.contains(&part.to_lowercase()), "{part} is told:\n{text}");
        }
        for number in
            ["123456789", "987654321", "55667788", "11223344", "99887766", "33445566", "44556677"]
        {
            assert!(!text.contains(number), "{number} is told:\n{text}");
        }
        // And the shape is told.
        for part in [
            "=prompt",
            "grows",
            "word:incomplete",
            "word:messageAdded:#",
            "\"messageId\":\"number #",
        ] {
            assert!(text.contains(part), "{part} is not told:\n{text}");
        }
        assert!(!text.contains("trouble"), "{text}");
        for kind in ["document", "inline", "typed", "call", "reply", "socket", "frame"] {
            assert!(lines.iter().any(|line| line["k"] == kind), "no {kind}:\n{text}");
        }
    }
}
