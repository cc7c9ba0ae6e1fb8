//! Schemas that cost much: refused by path or cheap, whoever else asks is served meanwhile.

use std::time::{Duration, Instant};

use lenore_gateway::{KeyFile, Limits};
use serde_json::{Map, Value, json};

use crate::support::{Fake, Server, delta, finished, get, in_time, post, script, started};

const PATH: &str = "/v1/chat/completions";

/// Without bounds these would take hours; a machine may have other things to do.
const LONGEST: Duration = Duration::from_secs(60);

/// `word` of two references to the next, so often.
fn doubling(word: &str, times: usize, last: Value) -> Value {
    let mut defs = Map::new();
    for n in 0..times {
        let next = json!({ "$ref": format!("#/$defs/d{}", n + 1) });
        defs.insert(format!("d{n}"), json!({ word: [next, next] }));
    }
    defs.insert(format!("d{times}"), last);
    json!({ "type": "object", "properties": { "x": { "$ref": "#/$defs/d0" } }, "$defs": defs })
}

fn with_format(schema: &Value) -> Value {
    json!({
        "messages": [{ "role": "user", "content": "hi" }],
        "response_format": { "type": "json_schema", "json_schema": { "schema": schema } },
    })
}

/// A request of each wire whose second tool has this schema, and the tool's place.
fn with_tool(schema: &Value) -> [(&'static str, Value, &'static str); 4] {
    let plain = json!({ "type": "object" });
    let messages = json!([{ "role": "user", "content": "hi" }]);
    let chat = |schema: &Value| json!({ "type": "function", "function": { "name": "f", "parameters": schema } });
    let response =
        |schema: &Value| json!({ "type": "function", "name": "f", "parameters": schema });
    let message = |schema: &Value| json!({ "name": "f", "input_schema": schema });
    let anthropic = json!({ "max_tokens": 9, "messages": messages,
        "tools": [message(&plain), message(schema)] });
    [
        (PATH, json!({ "messages": messages, "tools": [chat(&plain), chat(schema)] }), "tools[1]"),
        (
            "/v1/responses",
            json!({ "input": "hi", "tools": [response(&plain), response(schema)] }),
            "tools[1]",
        ),
        ("/v1/messages", anthropic.clone(), "tools[1]"),
        ("/v1/messages/count_tokens", anthropic, "tools[1]"),
    ]
}

#[tokio::test]
async fn references_that_multiply_are_refused_by_path_before_anybody_is_asked() {
    let server = Server::scripted().await;
    let begin = Instant::now();
    for word in ["allOf", "anyOf", "oneOf"] {
        for (path, body, place) in with_tool(&doubling(word, 45, json!({ "type": "string" }))) {
            let reply = post(server.address, path, &[], &body).await.with_status(400);
            let error = &reply.json()["error"];
            let message = error["message"].as_str().expect("a message");
            assert!(message.starts_with(place) && message.contains("limit schema_"), "{message}");
            assert!(message.contains("/properties/x/$ref/"), "where: {message}");
            if path != "/v1/messages" && path != "/v1/messages/count_tokens" {
                assert_eq!(error["param"], place);
            }
            in_time("others", get(server.address, "/health/live", &[])).await.with_status(200);
        }
    }
    assert!(begin.elapsed() < LONGEST, "{:?}", begin.elapsed());
    assert_eq!(server.fake.asked().len(), 0);
    let metrics = get(server.address, "/metrics", &[]).await.body;
    assert!(metrics.contains("lenore_limit_met_total{limit=\"schema_nodes\"} 12"), "{metrics}");
    server.end().await;
}

#[tokio::test]
async fn what_multiplies_only_with_the_answer_is_ended_in_time() {
    // Each level of the answer is checked twice, so that forty levels have no end.
    let twice = json!({ "$ref": "#/$defs/a" });
    for word in ["allOf", "anyOf", "oneOf"] {
        let schema = json!({ "type": "object", "$defs": { "a": { "properties": {
            "x": { word: [twice, twice] } } } }, "$ref": "#/$defs/a" });
        let answer = format!("{}7{}", "{\"x\":".repeat(100), "}".repeat(100));
        let steps = vec![started(), delta(&answer), finished()];
        let server = Server::start(steps).await;
        let begin = Instant::now();
        let body = with_format(&schema);
        let asked = post(server.address, PATH, &[], &body);
        let live = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            let begin = Instant::now();
            get(server.address, "/health/live", &[]).await.with_status(200);
            begin.elapsed()
        };
        let (reply, live) = in_time("both", async { tokio::join!(asked, live) }).await;
        assert!(live < Duration::from_secs(5), "{live:?}");
        assert!(begin.elapsed() < LONGEST, "{:?}", begin.elapsed());
        // Who finds the answer invalid at once is right, too.
        let error = reply.json();
        assert!(matches!(reply.status, 200 | 502), "{error}");
        if reply.status == 502 && error["error"]["code"] == "schema_too_costly" {
            assert_eq!(error["error"]["partial"], answer);
            assert_eq!(reply.header("x-should-retry"), Some("false"));
        }
        server.end().await;
    }
}

#[tokio::test]
async fn an_answer_that_fits_no_branch_is_told_with_the_first_faults() {
    // A thousand branches, each with a fault of its own.
    let schema = doubling("anyOf", 10, json!({ "type": "string", "minLength": 3 }));
    let server = Server::start([started(), delta("{\"x\": 7}"), finished()]).await;
    let begin = Instant::now();
    let reply = post(server.address, PATH, &[], &with_format(&schema)).await.with_status(502);
    assert!(begin.elapsed() < LONGEST, "{:?}", begin.elapsed());
    assert_eq!(reply.header("x-lenore-error"), Some("bot"));
    let asked = server.fake.asked();
    let told = &asked[1].request.messages[0].content;
    assert!(told.len() < 4000 && told.contains("cannot be used"), "{} bytes", told.len());
    server.end().await;
}

#[tokio::test]
async fn large_patterns_are_cheap() {
    let server = Server::start([started(), delta("{\"p0\": \"x\"}"), finished()]).await;
    let patterns = |count: usize, pattern: &str| -> Value {
        let all = (0..count).map(|n| (format!("p{n}"), json!({ "pattern": pattern })));
        json!({ "type": "object", "properties": all.collect::<Map<_, _>>() })
    };
    let names = |count: usize, pattern: &str| -> Value {
        let all = (0..count).map(|n| (format!("{pattern}{n}"), json!(true)));
        json!({ "type": "object", "patternProperties": all.collect::<Map<_, _>>() })
    };
    for schema in [
        patterns(500, r"^\p{L}{100}$"),
        patterns(900, r"^(\p{L}{1,60}\p{N}{1,60}){1,50}$"),
        patterns(500, "[a-z]{1000}[0-9]{1000}"),
        names(500, r"\p{L}{100}"),
        patterns(3, "(((((a{1,100}){1,100}){1,100}){1,100}){1,100}){1,100}"),
    ] {
        let begin = Instant::now();
        let reply = post(server.address, PATH, &[], &with_format(&schema)).await;
        assert!(matches!(reply.status, 200 | 400 | 502), "{reply:#?}");
        assert!(begin.elapsed() < LONGEST, "{:?}", begin.elapsed());
    }
    let reply = post(server.address, PATH, &[], &with_format(&patterns(1001, "x"))).await;
    let message = reply.with_status(400).json()["error"]["message"].to_string();
    assert!(message.contains("schema_patterns") && message.contains("1000"), "{message}");
    server.end().await;
}

#[tokio::test]
async fn a_pattern_that_goes_back_for_ever_is_ended_in_names_too() {
    let bad = r"^(?:(a+)\1?)+b$";
    let names: Map<_, _> = (0..200).map(|n| (format!("{bad}|{n}"), json!({}))).collect();
    let schema = json!({ "type": "object", "patternProperties": names });
    let answer: Map<_, _> =
        (0..500).map(|n| (format!("{}{n}", "a".repeat(40)), json!(1))).collect();
    let server = Server::start([started(), delta(&json!(answer).to_string()), finished()]).await;
    let begin = Instant::now();
    post(server.address, PATH, &[], &with_format(&schema)).await.with_status(200);
    assert!(begin.elapsed() < LONGEST, "{:?}", begin.elapsed());
    server.end().await;
}

#[tokio::test]
async fn a_keys_limits_come_before_its_schemas_and_counting_tokens_counts() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("keys.json");
    let mut file = KeyFile::open(&path).expect("none yet");
    let limits = Limits { requests_per_minute: Some(2), ..Limits::default() };
    let key = file.add("rare", limits).expect("added");
    let server = Server::with(Fake::new(script), |builder| builder.key_file(&path)).await;
    let headers = [("x-api-key", key.as_str())];
    let costly = doubling("allOf", 45, json!({}));
    let [chat, _, _, (count, counted, _)] = with_tool(&costly);
    post(server.address, count, &headers, &counted).await.with_status(400);
    let plain = json!({ "messages": [{ "role": "user", "content": "hi" }] });
    post(server.address, count, &headers, &plain).await.with_status(200);
    for (path, body) in [(chat.0, &chat.1), (count, &counted), (count, &plain)] {
        let reply = post(server.address, path, &headers, body).await.with_status(429);
        assert!(reply.header("retry-after").is_some());
    }
    server.end().await;
}

#[tokio::test]
async fn tools_have_a_bound_that_is_named() {
    let server = Server::scripted().await;
    let tool = json!({ "type": "function", "function": { "name": "f" } });
    let body =
        json!({ "messages": [{ "role": "user", "content": "hi" }], "tools": vec![tool; 257] });
    let reply = post(server.address, PATH, &[], &body).await.with_status(400).json();
    let message = reply["error"]["message"].as_str().expect("a message");
    assert!(message.contains("257 tools, more than 256 (limit tools"), "{message}");
    server.end().await;
}
