//! Who may come in: keys and their limits, hosts, origins; and what is there without a key.

use std::time::Duration;

use lenore_gateway::{KeyFile, Limits};
use lenore_provider::{BrowserState, Health};
use serde_json::{Value, json};

use crate::support::Wire;
use crate::support::{Fake, Server, Step, get, in_time, post, request, script, started};

const PATH: &str = "/v1/chat/completions";

fn hello() -> Value {
    json!({ "model": "raven", "messages": [{ "role": "user", "content": "Hello" }] })
}

#[tokio::test]
async fn without_a_key_only_what_is_nobodys_own_is_open() {
    let server = Server::with(Fake::new(script), |builder| builder.api_key("s3cret")).await;
    for path in ["/", "/health/live", "/health/ready", "/openapi.json"] {
        get(server.address, path, &[]).await.with_status(200);
    }
    for path in ["/v1/models", "/v1/models/raven", "/metrics", "//", "/health/live/", "/nothing"] {
        let error = get(server.address, path, &[]).await.with_status(401).json();
        assert_eq!(error["error"]["code"], "invalid_api_key", "{path}");
        assert_eq!(error["error"]["type"], "invalid_request_error", "{path}");
    }
    let right: [&[(&str, &str)]; 3] = [
        &[("authorization", "Bearer s3cret")],
        &[("authorization", "bearer  s3cret")],
        &[("x-api-key", "s3cret")],
    ];
    for headers in right {
        post(server.address, PATH, headers, &hello()).await.with_status(200);
    }
    // Some clients give both; one that is valid is enough.
    for (plain, bearer) in [("placeholder", "Bearer s3cret"), ("s3cret", "Bearer placeholder")] {
        let headers = [("x-api-key", plain), ("authorization", bearer)];
        post(server.address, PATH, &headers, &hello()).await.with_status(200);
    }
    let wrong: [&[(&str, &str)]; 7] = [
        &[],
        &[("authorization", "Bearer x"), ("x-api-key", "y")],
        &[("authorization", "Bearer s3cre")],
        &[("authorization", "Bearer s3cret2")],
        &[("authorization", "Basic s3cret")],
        &[("authorization", "s3cret")],
        &[("x-api-key", "")],
    ];
    for headers in wrong {
        let reply = post(server.address, PATH, headers, &hello()).await.with_status(401);
        assert!(!reply.body.contains("s3cre"), "{}", reply.body);
    }
    server.end().await;
}

#[tokio::test]
async fn a_key_has_limits_and_can_be_taken_away() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("keys.json");
    let mut file = KeyFile::open(&path).expect("none yet");
    let mut add = |name: &str, limits| file.add(name, limits).expect("added");
    let rare = add("rare", Limits { requests_per_minute: Some(2), ..Limits::default() });
    let single = add("single", Limits { concurrent: Some(1), ..Limits::default() });
    let models = vec!["family/*".to_owned()];
    let picky = add("picky", Limits { models, ..Limits::default() });
    let fake = Fake::new(|request| match request.messages[0].content.as_str() {
        "wait" => vec![started(), Step::Hang],
        _ => script(request),
    });
    let server = Server::with(fake, |builder| builder.key_file(&path)).await;

    let headers = [("x-api-key", rare.as_str())];
    let mut body = hello();
    body["n"] = 3.into();
    post(server.address, PATH, &headers, &body).await.with_status(400);
    body["n"] = 2.into();
    post(server.address, PATH, &headers, &body).await.with_status(200);
    let reply = post(server.address, PATH, &headers, &hello()).await.with_status(429);
    let wait: u64 = reply.header("retry-after").and_then(|wait| wait.parse().ok()).expect("a wait");
    assert!((1..=30).contains(&wait), "{wait}");
    assert_eq!(reply.header("x-should-retry"), Some("true"));

    let headers = [("x-api-key", single.as_str())];
    let mut body = hello();
    body["messages"][0]["content"] = "wait".into();
    let mut first = Wire::open(server.address).await;
    first.send(request("POST", PATH, &headers, &body.to_string())).await;
    server.fake.until_running(1).await;
    post(server.address, PATH, &headers, &hello()).await.with_status(429);
    drop(first);
    server.fake.until_running(0).await;
    post(server.address, PATH, &headers, &hello()).await.with_status(200);

    let headers = [("x-api-key", picky.as_str())];
    let error = post(server.address, PATH, &headers, &hello()).await.with_status(403).json();
    assert_eq!(error["error"]["code"], "model_not_allowed");
    let list = get(server.address, "/v1/models", &headers).await.json();
    let ids: Vec<_> = list["data"].as_array().expect("a list").iter().map(|m| &m["id"]).collect();
    assert_eq!(ids, ["family/crow"]);
    get(server.address, "/v1/models/raven", &headers).await.with_status(404);
    let mut body = hello();
    body["model"] = "family/crow".into();
    post(server.address, PATH, &headers, &body).await.with_status(200);
    // The bot of a chat may be any.
    let in_chat = [headers[0], ("x-lenore-chat", "abc")];
    let error = post(server.address, PATH, &in_chat, &body).await.with_status(403).json();
    assert_eq!(error["error"]["code"], "chat_not_allowed");
    body["model"] = "".into();
    post(server.address, PATH, &headers, &body).await.with_status(403);

    file.revoke("picky").expect("there");
    let refused = async {
        while get(server.address, "/v1/models", &headers).await.status != 401 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    in_time("the server to notice", refused).await;
    // Nor does anybody come in for long with a file that cannot be read.
    let headers = [("x-api-key", rare.as_str())];
    let written = std::fs::read(&path).expect("ours");
    std::fs::write(&path, "{").expect("ours");
    let until = async |status: u16| {
        while get(server.address, "/v1/models", &headers).await.status != status {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    in_time("the patience's end", until(401)).await;
    std::fs::write(&path, written).expect("ours");
    in_time("the server to notice", until(200)).await;
    std::fs::remove_file(&path).expect("ours");
    let headers = [("x-api-key", single.as_str())];
    let refused = async {
        while get(server.address, "/v1/models", &headers).await.status != 401 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    in_time("without its file nobody comes in", refused).await;
    server.end().await;
}

#[tokio::test]
async fn a_place_is_a_keys_until_the_site_has_stopped() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("keys.json");
    let mut file = KeyFile::open(&path).expect("none yet");
    let limits = Limits { concurrent: Some(1), ..Limits::default() };
    let key = file.add("single", limits).expect("added");
    const LAG: Duration = Duration::from_millis(600);
    let fake = Fake::new(|request| match request.messages[0].content.as_str() {
        "wait" => vec![started(), Step::Lag(LAG), Step::Hang],
        _ => script(request),
    });
    let server = Server::with(fake, |builder| builder.key_file(&path)).await;
    let headers = [("x-api-key", key.as_str())];
    let mut body = hello();
    body["messages"][0]["content"] = "wait".into();
    for stream in [true, false] {
        body["stream"] = stream.into();
        let mut first = Wire::open(server.address).await;
        first.send(request("POST", PATH, &headers, &body.to_string())).await;
        server.fake.until_running(1).await;
        drop(first);
        server.fake.until_running(0).await;
        let left = std::time::Instant::now();
        let reply = post(server.address, PATH, &headers, &hello()).await.with_status(429);
        assert!(reply.body.contains("limit key_concurrent"), "{}", reply.body);
        let free = async {
            while post(server.address, PATH, &headers, &hello()).await.status != 200 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        in_time("the place", free).await;
        assert!(left.elapsed() > LAG / 2, "{:?}", left.elapsed());
    }
    server.end().await;
}

#[tokio::test]
async fn the_question_that_mends_counts() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("keys.json");
    let mut file = KeyFile::open(&path).expect("none yet");
    let limits = Limits { requests_per_minute: Some(3), ..Limits::default() };
    let key = file.add("rare", limits).expect("added");
    let fake = Fake::new(|_| {
        vec![started(), crate::support::delta("no JSON"), crate::support::finished()]
    });
    let server = Server::with(fake, |builder| builder.key_file(&path)).await;
    let headers = [("x-api-key", key.as_str())];
    let mut body = hello();
    body["response_format"] = json!({ "type": "json_object" });
    post(server.address, PATH, &headers, &body).await.with_status(502);
    assert_eq!(server.fake.asked().len(), 2, "asked, and asked to mend it");
    let reply = post(server.address, PATH, &headers, &body).await.with_status(502);
    assert!(reply.body.contains("was not asked to mend it"), "{}", reply.body);
    assert_eq!(reply.header("x-should-retry"), Some("false"));
    assert_eq!(server.fake.asked().len(), 3);
    post(server.address, PATH, &headers, &body).await.with_status(429);
    server.end().await;
}

#[tokio::test]
async fn keys_are_needed_from_the_first_one_on() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("keys.json");
    let server = Server::with(Fake::new(script), |builder| builder.key_file_if_any(&path)).await;
    post(server.address, PATH, &[], &hello()).await.with_status(200);
    let mut file = KeyFile::open(&path).expect("none yet");
    let key = file.add("ada", Limits::default()).expect("added");
    let locked = async {
        while get(server.address, "/v1/models", &[]).await.status != 401 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    in_time("the server to notice", locked).await;
    let headers = [("x-api-key", key.as_str())];
    post(server.address, PATH, &headers, &hello()).await.with_status(200);
    // It never opens again.
    file.revoke("ada").expect("there");
    let refused = async {
        while get(server.address, "/v1/models", &headers).await.status != 401 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    in_time("the server to notice", refused).await;
    std::fs::remove_file(&path).expect("ours");
    tokio::time::sleep(Duration::from_millis(600)).await;
    post(server.address, PATH, &[], &hello()).await.with_status(401);
    server.end().await;
}

#[tokio::test]
async fn settings_that_let_nobody_in_are_refused() {
    let builder = || lenore_gateway::Gateway::builder(std::sync::Arc::new(Fake::new(script)));
    for host in ["https://example.org", "example.org/x", "example.org:80", "", "a b"] {
        let error = builder().allow_host(host).build().expect_err("no name");
        assert!(error.to_string().contains("no host's name"), "{error}");
    }
    for origin in ["example.org", "https://example.org/", "https://example.org/app"] {
        builder().allow_origin(origin).build().expect_err("no origin");
    }
    for host in ["example.org", "Müller.example", "10.0.0.1"] {
        builder().allow_host(host).build().expect("a name");
    }
}

#[tokio::test]
async fn a_name_that_only_leads_here_is_refused() {
    let allow = |builder: lenore_gateway::GatewayBuilder| builder.allow_host("Box.example");
    let server = Server::with(Fake::new(script), allow).await;
    for host in [
        "localhost",
        "LOCALHOST:80",
        "127.0.0.1",
        "[::1]:8080",
        "10.0.0.7",
        "box.example:1",
        "a.localhost",
    ] {
        get(server.address, "/v1/models", &[("host", host)]).await.with_status(200);
    }
    for host in
        ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "me@localhost", ""]
    {
        let reply = get(server.address, "/v1/models", &[("host", host)]).await;
        assert!(matches!(reply.status, 400 | 403), "{host}: {reply:#?}");
    }
    server.end().await;
}

#[tokio::test]
async fn pages_of_others_may_not_ask_unless_they_are_listed() {
    let origin = "https://chat.example";
    let server = Server::with(Fake::new(script), |builder| builder.allow_origin(origin)).await;
    for other in ["https://evil.example", "null", "http://localhost:1"] {
        let reply = post(server.address, PATH, &[("origin", other)], &hello()).await;
        assert_eq!(reply.with_status(403).header("access-control-allow-origin"), None);
    }
    post(server.address, PATH, &[("origin", "http://localhost")], &hello()).await.with_status(200);
    let reply = post(server.address, PATH, &[("origin", origin)], &hello()).await.with_status(200);
    assert_eq!(reply.header("access-control-allow-origin"), Some(origin));
    // A client in a page reads these; without x-should-retry it would ask the bot again by itself.
    let exposed = reply.header("access-control-expose-headers").expect("a list");
    for name in [
        "request-id",
        "retry-after",
        "x-lenore-chat",
        "x-lenore-error",
        "x-lenore-ignored",
        "x-lenore-usage",
        "x-request-id",
        "x-should-retry",
    ] {
        assert!(exposed.split(',').any(|exposed| exposed.trim() == name), "{name}: {exposed}");
    }
    let preflight = request(
        "OPTIONS",
        PATH,
        &[
            ("origin", origin),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "authorization,content-type"),
        ],
        "",
    );
    let mut wire = Wire::open(server.address).await;
    wire.send(preflight).await;
    let reply = wire.reply().await.with_status(200);
    assert_eq!(reply.header("access-control-allow-headers"), Some("authorization,content-type"));
    // What a page can send without asking first is no JSON.
    let mut wire = Wire::open(server.address).await;
    let plain = [("content-type", "text/plain")];
    wire.send(request("POST", PATH, &plain, &hello().to_string())).await;
    wire.reply().await.with_status(415);
    server.end().await;
}

#[tokio::test]
async fn without_a_key_readiness_tells_kinds_alone() {
    let server = Server::with(Fake::new(script), |builder| builder.api_key("s3cret")).await;
    let told = async |health: Health, kind: &str| {
        *server.fake.health.lock().expect("no panic") = health;
        let reply = get(server.address, "/health/ready", &[]).await.with_status(503);
        assert!(!reply.body.contains("/opt/secret/chrome"), "{}", reply.body);
        let told = reply.json();
        assert_eq!((&told["kind"], &told["reason"]), (&json!(kind), &Value::Null));
        assert_eq!(told["providers"][0]["kind"], kind);
        let key = [("x-api-key", "s3cret")];
        let told = get(server.address, "/health/ready", &key).await.with_status(503).json();
        assert_eq!(told["kind"], kind);
        assert!(told["reason"].is_string() && told["providers"][0]["reason"].is_string());
        let wrong = [("x-api-key", "guess")];
        let told = get(server.address, "/health/ready", &wrong).await.with_status(503).json();
        assert_eq!(told["reason"], Value::Null);
    };
    let fault = "no browser: /opt/secret/chrome".to_owned();
    told(Health { fault: Some(fault), ..Health::default() }, "fault").await;
    told(Health { signed_in: Some(false), ..Health::default() }, "signed_out").await;
    told(Health { browser: Some(BrowserState::Lost), ..Health::default() }, "browser_lost").await;
    let full = Health { running: 1, limit: Some(1), queue: Some(0), ..Health::default() };
    told(full, "busy").await;
    server.end().await;
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn another_user_of_the_machine_needs_a_key() {
    // Only the administrator can ask as another.
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can ask as another user");
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("keys.json");
    let server = Server::with(Fake::new(script), |builder| builder.key_file_if_any(&path)).await;
    let as_nobody = async |request: String| {
        // A shell's own sockets, of another user.
        let words = "exec 3<>/dev/tcp/127.0.0.1/$1; printf '%s' \"$2\" >&3; cat <&3";
        let mut command = tokio::process::Command::new("setpriv");
        command.args([
            "--reuid",
            "65534",
            "--regid",
            "65534",
            "--clear-groups",
            "bash",
            "-c",
            words,
        ]);
        command.args(["bash", &server.address.port().to_string(), &request]).current_dir("/");
        let output = in_time("another user", command.output()).await.expect("it starts");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    post(server.address, PATH, &[], &hello()).await.with_status(200);
    let reply = as_nobody(request("POST", PATH, &[], &hello().to_string())).await;
    assert!(reply.starts_with("HTTP/1.1 401"), "{reply}");
    assert!(reply.contains("the user 65534") && reply.contains("lenore keys add"), "{reply}");
    let reply = as_nobody(request("GET", "/health/live", &[], "")).await;
    assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
    assert_eq!(server.fake.asked().len(), 1);
    let fault = Some("/opt/secret/chrome".to_owned());
    *server.fake.health.lock().expect("no panic") = Health { fault, ..Health::default() };
    let reply = as_nobody(request("GET", "/health/ready", &[], "")).await;
    assert!(reply.starts_with("HTTP/1.1 503") && !reply.contains("secret"), "{reply}");
    // With a key he may.
    let key =
        KeyFile::open(&path).expect("none yet").add("nobody", Limits::default()).expect("added");
    let locked = async {
        while get(server.address, "/v1/models", &[]).await.status != 401 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    in_time("the server to notice", locked).await;
    let reply = as_nobody(request("GET", "/v1/models", &[("x-api-key", &key)], "")).await;
    assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
    server.end().await;
}

#[tokio::test]
async fn readiness_is_the_providers_own_word() {
    let server = Server::scripted().await;
    get(server.address, "/health/live", &[]).await.with_status(200);
    get(server.address, "/health/ready", &[]).await.with_status(200);
    let set = |health| *server.fake.health.lock().expect("no panic") = health;
    set(Health { signed_in: Some(false), ..Health::default() });
    let reply = get(server.address, "/health/ready", &[]).await.with_status(503).json();
    assert!(reply["reason"].as_str().is_some_and(|reason| reason.contains("login")), "{reply}");
    set(Health { fault: Some("the browser is gone".into()), ..Health::default() });
    let reply = get(server.address, "/health/ready", &[]).await.with_status(503).json();
    assert_eq!(reply["reason"], "the browser is gone");
    let told = async |browser, status: u16| {
        set(Health { browser, ..Health::default() });
        let reply = get(server.address, "/health/ready", &[]).await.with_status(status).json();
        reply["providers"][0]["browser"].clone()
    };
    // One that nobody needed is there at once; one that was lost is not.
    assert_eq!(told(None, 200).await, Value::Null);
    assert_eq!(told(Some(BrowserState::Open), 200).await, "open");
    assert_eq!(told(Some(BrowserState::Closed), 200).await, "closed");
    assert_eq!(told(Some(BrowserState::Lost), 503).await, "lost");
    let metrics = get(server.address, "/metrics", &[]).await.body;
    assert!(metrics.contains("lenore_provider_ready{provider=\"fake\"} 0"), "{metrics}");
    // Neither is one that can take no more questions.
    for (running, waiting, status) in
        [(0, 0, 200), (2, 0, 200), (2, 2, 200), (1, 3, 200), (2, 3, 503)]
    {
        set(Health { running, waiting, limit: Some(2), queue: Some(3), ..Health::default() });
        let reply = get(server.address, "/health/ready", &[]).await.with_status(status).json();
        let state = &reply["providers"][0];
        assert_eq!((&state["running"], &state["waiting"]), (&json!(running), &json!(waiting)));
        assert_eq!((&state["limit"], &state["queue"]), (&json!(2), &json!(3)));
    }
    set(Health::default());
    get(server.address, "/health/live", &[]).await.with_status(200);
    server.end().await;
}

#[tokio::test]
async fn what_happens_is_counted() {
    let server = Server::scripted().await;
    post(server.address, PATH, &[], &hello()).await.with_status(200);
    let body =
        json!({ "model": "raven", "messages": [{ "role": "user", "content": "[fail bot]" }] });
    post(server.address, PATH, &[], &body).await.with_status(502);
    *server.fake.health.lock().expect("no panic") =
        Health { restarts: 3, pages: 2, waiting: 1, ..Health::default() };
    let text = get(server.address, "/metrics", &[]).await.with_status(200).body;
    for line in [
        "lenore_requests_total{endpoint=\"/v1/chat/completions\",status=\"200\"} 1",
        "lenore_requests_total{endpoint=\"/v1/chat/completions\",status=\"502\"} 1",
        "lenore_answers_total{outcome=\"finished\"} 1",
        "lenore_answers_total{outcome=\"failed\"} 1",
        "lenore_tokens_total{direction=\"in\"} 2",
        "lenore_answers_in_flight 0",
        "lenore_first_chunk_seconds_count 1",
        "lenore_chunk_gap_seconds_count 8",
        "lenore_provider_pages{provider=\"fake\"} 2",
        "lenore_provider_waiting{provider=\"fake\"} 1",
        "lenore_provider_restarts_total{provider=\"fake\"} 3",
        "lenore_provider_ready{provider=\"fake\"} 1",
        "# EOF",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    server.end().await;
}

#[tokio::test]
async fn models_go_to_their_providers() {
    let other = std::sync::Arc::new(Fake::named("other", script));
    let with = |builder: lenore_gateway::GatewayBuilder| {
        builder.provider(other.clone()).alias("gpt-9", "other/crow").alias("*", "raven")
    };
    let server = Server::with(Fake::new(script), with).await;
    let list = get(server.address, "/v1/models", &[]).await.json();
    let ids: Vec<_> = list["data"].as_array().expect("a list").iter().map(|m| &m["id"]).collect();
    assert_eq!(ids, ["raven", "family/crow", "other/raven", "other/family/crow", "gpt-9"]);
    for (model, to_other, name) in [
        ("", false, ""),
        ("raven", false, "raven"),
        ("family/crow", false, "family/crow"),
        ("fake/Any", false, "fake/Any"),
        ("other/Any", true, "other/Any"),
        ("gpt-9", true, "other/crow"),
        ("unheard-of", false, "raven"),
    ] {
        let mut body = hello();
        body["model"] = model.into();
        let reply = post(server.address, PATH, &[], &body).await.with_status(200).json();
        assert_eq!(reply["model"], if model.is_empty() { "raven" } else { model });
        let asked = if to_other { other.asked() } else { server.fake.asked() };
        assert_eq!(asked.last().map(|asked| asked.request.model.clone()), Some(name.to_owned()));
    }
    for id in ["raven", "other/Any", "family/crow", "gpt-9"] {
        let one =
            get(server.address, &format!("/v1/models/{id}"), &[]).await.with_status(200).json();
        assert_eq!((&one["id"], &one["object"]), (&json!(id), &json!("model")));
    }
    // Whatever can be asked has a model: here any name can.
    let one = get(server.address, "/v1/models/unheard-of", &[]).await.with_status(200).json();
    assert_eq!((&one["id"], &one["owned_by"]), (&json!("unheard-of"), &json!("fake")));
    server.end().await;
    let server = Server::scripted().await;
    get(server.address, "/v1/models/unheard-of", &[]).await.with_status(404);
    server.end().await;
}

#[tokio::test]
async fn models_that_must_be_asked_for_are_listed_as_soon_as_they_are_known() {
    let far = Fake::new(script).with_far_models(["owl"]);
    let other = std::sync::Arc::new(Fake::named("other", script).with_far_models(["jay"]));
    let server = Server::with(far, |builder| builder.provider(other.clone())).await;
    let listed = async {
        loop {
            let list = get(server.address, "/v1/models", &[]).await.json();
            let ids = list["data"].as_array().expect("a list").iter().map(|m| m["id"].clone());
            let ids: Vec<_> = ids.collect();
            if ids.contains(&json!("owl")) && ids.contains(&json!("other/jay")) {
                return;
            }
        }
    };
    in_time("the lists", listed).await;
    // Who knows more than a list can be asked by any name.
    for id in ["owl", "unheard-of", "other/unheard-of"] {
        let one = get(server.address, &format!("/v1/models/{id}"), &[]).await.with_status(200);
        assert_eq!(one.json()["id"], id);
        let body = json!({ "model": id, "messages": [{ "role": "user", "content": "Hello" }] });
        post(server.address, PATH, &[], &body).await.with_status(200);
    }
    server.end().await;
}

#[tokio::test]
async fn the_page_needs_nobody_else() {
    let server = Server::scripted().await;
    let reply = get(server.address, "/", &[]).await.with_status(200);
    let policy = reply.header("content-security-policy").expect("a policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
    assert!(!reply.body.contains("https://") && !reply.body.contains("src="));
    server.end().await;
}
