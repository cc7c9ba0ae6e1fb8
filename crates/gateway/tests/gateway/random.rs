//! Requests of every wire, schemas and tool calls, drawn by lot near what clients send: each is
//! answered or refused in its wire's form, soon, and never by a failure of ours.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, to_bytes};
use axum::http::Request;
use lenore_gateway::Gateway;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use tower::ServiceExt as _;

use crate::support::{Fake, delta, finished, started};

/// No request takes longer, on a machine that has other things to do.
const LONGEST: Duration = Duration::from_secs(20);

const WIRES: [&str; 5] = [
    "/v1/chat/completions",
    "/v1/completions",
    "/v1/responses",
    "/v1/messages",
    "/v1/messages/count_tokens",
];

/// Any value, small.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z<>/{}\"\\\\é🐦\\n ]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z_]{1,8}", inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// A part of a content, of a type that clients know, with fields of the right names.
fn part() -> impl Strategy<Value = Value> {
    let kinds = [
        "text",
        "input_text",
        "output_text",
        "image_url",
        "input_image",
        "image",
        "file",
        "input_file",
        "input_audio",
        "document",
        "tool_use",
        "tool_result",
        "thinking",
        "redacted_thinking",
        "reasoning",
        "search_result",
        "refusal",
        "nothing",
    ];
    let names = [
        "text",
        "image_url",
        "source",
        "file",
        "file_data",
        "input_audio",
        "id",
        "name",
        "input",
        "tool_use_id",
        "content",
        "is_error",
        "thinking",
        "data",
        "refusal",
        "title",
    ];
    let field = prop_oneof![
        4 => "[a-z ]{0,8}".prop_map(Value::from),
        1 => Just(json!({ "url": "data:image/png;base64,AAAA" })),
        1 => Just(json!({ "type": "base64", "media_type": "image/png", "data": "AAAA" })),
        2 => value(),
    ];
    let fields = prop::collection::btree_map(prop::sample::select(names.to_vec()), field, 0..5);
    (prop::sample::select(kinds.to_vec()), fields).prop_map(|(kind, fields)| {
        let mut part: Map<_, _> =
            fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        part.insert("type".into(), kind.into());
        Value::Object(part)
    })
}

fn message() -> impl Strategy<Value = Value> {
    let roles = ["system", "developer", "user", "assistant", "tool", "function", "nobody"];
    let content = prop_oneof![
        3 => "[a-z <>/]{0,20}".prop_map(Value::from),
        3 => prop::collection::vec(part(), 0..4).prop_map(Value::from),
        1 => value(),
    ];
    let call =
        json!([{ "id": "c", "type": "function", "function": { "name": "f", "arguments": "{" } }]);
    let calls = prop_oneof![4 => Just(Value::Null), 1 => Just(call), 1 => value()];
    (prop::sample::select(roles.to_vec()), content, calls).prop_map(|(role, content, calls)| {
        let mut message = json!({ "role": role, "content": content });
        if !calls.is_null() {
            message["tool_calls"] = calls;
        }
        message
    })
}

/// A schema with references, some of which lead round or nowhere.
fn schema() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!({})),
        Just(json!({ "type": "string", "minLength": 2 })),
        Just(json!({ "$ref": "#" })),
        Just(json!({ "$ref": "#/$defs/a" })),
        Just(json!({ "$ref": "#/$defs/b" })),
        Just(json!({ "$ref": "#/nowhere" })),
        Just(json!({ "pattern": "^(a+)+$" })),
        Just(json!({ "pattern": "(?=x)\\p{L}{50}" })),
        Just(json!({ "enum": [1, "x", null] })),
        value(),
    ];
    let inner = leaf.prop_recursive(4, 24, 3, |inner| {
        let words = ["allOf", "anyOf", "oneOf", "prefixItems"];
        let single = ["items", "not", "contains", "additionalProperties", "if", "then"];
        let named = ["properties", "patternProperties", "$defs", "dependentSchemas"];
        prop_oneof![
            (prop::sample::select(words.to_vec()), prop::collection::vec(inner.clone(), 1..3))
                .prop_map(|(word, schemas)| json!({ word: schemas })),
            (prop::sample::select(single.to_vec()), inner.clone())
                .prop_map(|(word, schema)| json!({ word: schema })),
            (prop::sample::select(named.to_vec()), inner.clone(), inner)
                .prop_map(|(word, one, two)| json!({ word: { "x": one, "^y": two } })),
        ]
    });
    (inner.clone(), inner.clone(), inner).prop_map(|(root, a, b)| {
        let mut root = if root.is_object() { root } else { json!({}) };
        root["$defs"] = json!({ "a": a, "b": b });
        root
    })
}

fn tool() -> impl Strategy<Value = Value> {
    ("[a-z]{0,5}", schema(), any::<bool>()).prop_map(|(name, schema, is_flat)| {
        if is_flat {
            json!({ "type": "function", "name": name, "parameters": schema, "input_schema": schema })
        } else {
            json!({ "type": "function", "function": { "name": name, "parameters": schema } })
        }
    })
}

/// A body with fields of the right names, of which some have the wrong form.
fn body() -> impl Strategy<Value = Value> {
    let messages = prop::collection::vec(message(), 0..4).prop_map(Value::from);
    let tools = prop_oneof![
        3 => Just(Value::Null),
        2 => prop::collection::vec(tool(), 0..3).prop_map(Value::from),
    ];
    let format = prop_oneof![
        4 => Just(Value::Null),
        2 => schema().prop_map(|schema| json!({ "type": "json_schema", "schema": schema })),
        1 => value(),
    ];
    let more = prop::collection::btree_map(
        prop::sample::select(vec![
            "n",
            "stop",
            "stream_options",
            "tool_choice",
            "thinking",
            "system",
            "instructions",
            "prompt",
            "echo",
            "text",
            "metadata",
            "max_completion_tokens",
        ]),
        value(),
        0..3,
    );
    (messages, tools, format, more, any::<bool>()).prop_map(
        |(messages, tools, format, more, stream)| {
            let mut body = json!({
                "model": "raven", "max_tokens": 100, "messages": messages, "input": messages,
                "prompt": "x", "tools": tools, "response_format": format, "output_format": format,
                "stream": stream,
            });
            for (name, value) in more {
                body[name] = value;
            }
            body
        },
    )
}

/// What a bot may answer to a request with tools: calls in the ways in which they go wrong.
fn answer() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("<tool_call>".to_owned()),
        Just("</tool_call>".to_owned()),
        Just("{\"name\": \"f\", \"arguments\": {\"x\": 1}}".to_owned()),
        Just("{'name': 'f'}".to_owned()),
        Just("```json\n".to_owned()),
        Just("```\n".to_owned()),
        Just("\n".to_owned()),
        "[a-z{}\":<>/é🐦]{0,8}",
        value().prop_map(|value| value.to_string()),
    ];
    prop::collection::vec(piece, 0..10).prop_map(|pieces| pieces.concat())
}

fn gateway(answer: String) -> Gateway {
    let pieces: Vec<_> = answer.split_inclusive(' ').map(delta).collect();
    let steps: Vec<_> = std::iter::once(started()).chain(pieces).chain([finished()]).collect();
    Gateway::builder(Arc::new(Fake::new(move |_| steps.clone()))).build().expect("valid options")
}

/// Asks, and checks the form of what comes.
async fn ask(gateway: &Gateway, wire: &str, body: &Value) -> Result<(), TestCaseError> {
    let begin = Instant::now();
    let request = Request::post(wire)
        .header("host", "localhost")
        .header("content-type", "application/json")
        .body(Body::from(body.to_string()))
        .expect("a request");
    let response = match gateway.router().oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    let status = response.status().as_u16();
    let bytes = to_bytes(response.into_body(), usize::MAX).await.expect("a body");
    let text = String::from_utf8(bytes.to_vec()).expect("UTF-8");
    prop_assert!(begin.elapsed() < LONGEST, "{:?}", begin.elapsed());
    // A bot that does not do what is asked is a bad gateway.
    prop_assert!(matches!(status, 200 | 400..=499 | 502), "{status}: {text}");
    if status != 200 {
        let error: Value = serde_json::from_str(&text).expect("JSON");
        prop_assert!(error["error"]["message"].is_string(), "{text}");
        let is_anthropic = wire.starts_with("/v1/messages");
        prop_assert_eq!(error["type"] == "error", is_anthropic, "{}", text);
    }
    Ok(())
}

fn run(future: impl Future<Output = Result<(), TestCaseError>>) -> Result<(), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(
        std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(48),
    ))]

    #[test]
    fn requests_of_every_wire_are_answered_or_refused(body in body(), answer in answer()) {
        run(async {
            let gateway = gateway(answer);
            for wire in WIRES {
                ask(&gateway, wire, &body).await?;
            }
            Ok(())
        })?;
    }

    #[test]
    fn schemas_are_read_or_refused_and_answers_checked(
        schema in schema(), answer in value(), deep in 0usize..60,
    ) {
        run(async {
            let deep = format!("{}{answer}{}", "{\"x\":".repeat(deep), "}".repeat(deep));
            let gateway = gateway(deep);
            let format = json!({ "type": "json_schema", "json_schema": { "schema": schema } });
            let messages = json!([{ "role": "user", "content": "hi" }]);
            let body = json!({ "messages": messages, "response_format": format });
            ask(&gateway, WIRES[0], &body).await
        })?;
    }

    #[test]
    fn calls_of_tools_are_read_repaired_or_text(answer in answer(), stream in any::<bool>()) {
        run(async {
            let gateway = gateway(answer);
            let parameters = json!({ "type": "object", "properties": { "x": { "type": "integer" } } });
            let tool = json!({ "name": "f", "parameters": parameters });
            let body = json!({
                "messages": [{ "role": "user", "content": "hi" }], "stream": stream,
                "tools": [{ "type": "function", "function": tool }],
            });
            ask(&gateway, WIRES[0], &body).await
        })?;
    }
}
