//! Recordings from elsewhere, drawn by lot near what `lenore doctor --record` writes: each is a site,
//! or is told to be no recording.

use lenore_sim::Like;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// What stands for a value in a shape, and what should not.
fn told() -> impl Strategy<Value = Value> {
    let words = [
        "word:viewerMessageUpdated",
        "word:complete",
        "word:Send",
        "text:4 =prompt",
        "text:90 grows",
        "text:12 ~1",
        "list:3-4",
        "list:x",
        "number",
        "null",
        "",
        "é🐦",
    ];
    prop_oneof![
        6 => prop::sample::select(words.to_vec()).prop_map(Value::from),
        1 => Just(Value::Null),
        1 => any::<u64>().prop_map(Value::from),
        1 => "[a-z:~ =-]{0,12}".prop_map(Value::from),
    ]
}

/// A shape with fields of the site's names.
fn shape() -> impl Strategy<Value = Value> {
    let names = [
        "messages",
        "payload",
        "data",
        "subscription_name",
        "viewerMessageUpdated",
        "variables",
        "chatNonce",
        "queryName",
        "handle",
        "nickname",
        "messageId",
        "state",
        "text",
        "author",
        "chat",
        "chatCode",
        "job",
        "id",
        "tag",
        "classes",
        "attributes",
    ];
    told().prop_recursive(6, 48, 4, move |inner| {
        let fields =
            prop::collection::btree_map(prop::sample::select(names.to_vec()), inner.clone(), 0..5);
        prop_oneof![
            3 => fields.prop_map(|fields| {
                let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value));
                Value::Object(fields.collect::<Map<_, _>>())
            }),
            1 => prop::collection::vec(inner, 0..4).prop_map(Value::from),
        ]
    })
}

/// A line of a kind that recordings have.
fn line() -> impl Strategy<Value = Value> {
    let kinds = ["call", "reply", "frame", "elements", "page", "socket", "end", "x"];
    let kind = prop::sample::select(kinds.to_vec());
    (kind, shape(), told(), 0u64..3, any::<bool>()).prop_map(
        |(kind, shape, told, number, is_site)| {
            let entry = json!([told.clone(), { "payload": shape.clone() }]);
            let shape = match kind {
                "frame" => json!({ "messages": ["list:1-2", entry, shape] }),
                _ => shape,
            };
            json!({
                "k": kind, "n": number, "shape": shape, "elements": shape, "by": told, "path": told,
                "headers": [told], "operation": told, "times": told, "lines": number,
                "from": if is_site { "site" } else { "page" },
            })
        },
    )
}

proptest! {
    #[test]
    fn any_recording_is_a_site_or_is_told_to_be_none(
        lines in prop::collection::vec(line(), 0..8),
        is_whole in prop::bool::weighted(0.9),
        cut in prop::option::weighted(0.2, 0usize..2000),
    ) {
        let mut text = json!({ "lenore_recording": 1 }).to_string();
        lines.iter().for_each(|line| text.push_str(&format!("\n{line}")));
        let count = lines.len() + if is_whole { 2 } else { 3 };
        text.push_str(&format!("\n{}", json!({ "k": "end", "lines": count })));
        if let Some(cut) = cut {
            text.truncate(text.floor_char_boundary(cut));
        }
        match Like::read(&text) {
            // It is the same site whoever reads it, and one that can be started.
            Ok(like) => {
                prop_assert!(is_whole || cut.is_some());
                prop_assert_eq!(&Like::read(&text).expect("as before"), &like);
                let _ = like.options();
            }
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
        if let Err(error) = Like::read(&text) {
            prop_assert!(!error.to_string().is_empty());
        }
    }
}
