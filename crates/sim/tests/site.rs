//! Accounts, refusals, files, pages and the end of the site.

mod support;

use lenore_sim::Seen;
use serde_json::{Value, json};
use support::{DEADLINE, User, start};

#[tokio::test]
async fn a_wrong_code_opens_nothing() {
    let sim = start().await;
    let http = reqwest::Client::new();
    let email = json!({ "emailAddress": "ada@example.org" });
    support::call(&http, sim.url(), "", "SendVerificationCodeMutation", email).await;
    let wrong = json!({ "emailAddress": "ada@example.org", "verificationCode": "12345" });
    let (_, reply) =
        support::call(&http, sim.url(), "", "LoginWithVerificationCodeMutation", wrong).await;
    assert_ne!(reply["data"]["loginWithCode"]["status"], "success");
    assert!(sim.log().iter().any(|entry| entry.what == Seen::CodeWrong));
    let question = support::question(None, "tea", "n");
    let (status, _) = support::call(&http, sim.url(), "", "SendMessageMutation", question).await;
    assert_eq!(status, 401);
}

#[tokio::test]
async fn refusals_come_in_the_reply() {
    let sim = start().await;
    let mut user = User::sign_in(&sim, "ada@example.org").await;
    for status in ["reached_limit", "rate_limit_exceeded", "no_access", "brand_new_refusal"] {
        let reply = user.send(None, &format!("tea [[sim: status={status}]]")).await;
        assert_eq!(reply["status"], status);
        assert!(reply["statusMessage"].is_string() && reply["botMessage"].is_null());
    }
    assert_eq!(user.send(None, &"x".repeat(5_000_001)).await["status"], "too_many_tokens");
    let question = |words: &str| support::question(None, &format!("tea [[sim: {words}]]"), words);
    let (status, reply) = user.gql("SendMessageMutation", question("errors")).await;
    assert_eq!(status, 200);
    assert!(reply["data"].is_null() && reply["errors"][0]["message"].is_string());
    for (words, code) in [("http=403", 403), ("http=429, retry-after=3", 429), ("html", 502)] {
        assert_eq!(user.gql("SendMessageMutation", question(words)).await.0, code);
    }
    let sent: Vec<Value> =
        sim.log().iter().filter_map(|entry| serde_json::to_value(entry).ok()).collect();
    let statuses: Vec<&str> = sent.iter().filter_map(|entry| entry["status"].as_str()).collect();
    assert_eq!(statuses[4..], ["too_many_tokens", "errors", "http_403", "http_429", "html"]);

    user.channel = "another".to_owned();
    assert_eq!(user.gql("SendMessageMutation", question("echo")).await.0, 400);
}

#[tokio::test]
async fn accounts_do_not_see_each_other() {
    let sim = start().await;
    let mut ada = User::sign_in(&sim, "ada@example.org").await;
    let mut bob = User::sign_in(&sim, "bob@example.org").await;
    let reply = ada.send(None, "tea [[sim: gap=0, delay=0]]").await;
    ada.answer(&reply["botMessage"]["node"]["messageId"]).await;
    let code = reply["chat"]["chatCode"].as_str().expect("a code");
    let (_, page) = bob.gql("ChatPageQuery", json!({ "chatCode": code })).await;
    assert!(page["data"]["chatOfCode"].is_null());
    let foreign = bob.send(reply["chat"]["chatId"].as_u64(), "tea").await;
    assert_eq!(foreign["status"], "chat_not_found");
    let path = format!("{}/chat/{code}", sim.url());
    assert_eq!(bob.http.get(path).send().await.expect("a page").status(), 404);
    // The first thing that Bob's socket hears is about Bob's own question.
    bob.send(None, "Bob asks [[sim: gap=0]]").await;
    let frame = bob.frame().await.expect("a frame");
    assert_eq!(support::entries(&frame, "messageAdded")[0]["text"], "Bob asks [[sim: gap=0]]");
}

#[tokio::test]
async fn files_are_counted_and_named_in_the_question() {
    let sim = start().await;
    let user = User::sign_in(&sim, "ada@example.org").await;
    let upload = async |name: &'static str, size: usize| -> Value {
        let part = reqwest::multipart::Part::bytes(vec![b'x'; size]).file_name(name);
        let part = part.mime_str("text/plain").expect("a type");
        let info = json!({ "queryName": "UploadAttachmentMutation", "variables": {} }).to_string();
        let form = reqwest::multipart::Form::new().text("queryInfo", info).part("file0", part);
        let url = format!("{}/api/gql_upload_POST", sim.url());
        let reply = user.http.post(url).multipart(form).send().await.expect("a reply");
        reply.json::<Value>().await.expect("JSON")["data"]["attachmentUpload"].clone()
    };
    assert_eq!(upload("a.exe", 1).await["status"], "unsupported_file_type");
    let done = upload("notes.txt", 20 << 20).await;
    let mut question = support::question(None, "read this [[sim: gap=0]]", "n");
    question["attachments"] = json!([done["attachments"][0]["id"]]);
    let (_, reply) = user.gql("SendMessageMutation", question).await;
    let node = &reply["data"]["messageEdgeCreate"]["message"]["node"];
    assert_eq!(node["attachments"][0]["name"], "notes.txt");
    let log = serde_json::to_value(sim.log()).expect("JSON").to_string();
    assert!(log.contains(r#""size":20971520"#) && log.contains(r#""attachments":["notes.txt"]"#));
}

#[tokio::test]
async fn pages_follow_the_session() {
    let sim = start().await;
    let user = User::sign_in(&sim, "ada@example.org").await;
    let get = async |path: &str| {
        let reply = user.http.get(format!("{}{path}", sim.url())).send().await.expect("a page");
        (
            reply.status().as_u16(),
            reply.url().path().to_owned(),
            reply.text().await.unwrap_or_default(),
        )
    };
    let (status, path, page) = get("/").await;
    assert_eq!((status, path.as_str()), (200, "/Assistant"));
    assert!(page.contains("__NEXT_DATA__") && page.contains("ada@example.org"));
    let (status, _, page) = get("/gpt-4").await;
    assert!(status == 200 && page.contains("<title>GPT-4 - Poe"));
    let (status, _, page) = get("/No-Such-Bot").await;
    assert!(status == 404 && page.contains("next-error-h1"));
    let (status, _, page) = get("/Sim-Challenge").await;
    assert!(status == 403 && page.contains("challenge-form"));
    assert!(get("/login?redirect_url=//elsewhere").await.1 == "/Assistant");
    assert!(get("/login?redirect_url=/a%0Ab").await.1 == "/Assistant");
    sim.sign_out_all();
    assert!(!get("/GPT-4").await.2.contains("ada@example.org"));
    assert_eq!(get("/chat/x").await.1, "/login");
    assert_eq!(get("/chat/x%0Ay").await.0, 404);
    assert_eq!(user.gql("ChatPageQuery", json!({ "chatCode": "x" })).await.0, 401);
}

#[tokio::test]
async fn the_log_can_be_waited_for_and_read_over_http() {
    let sim = start().await;
    let waited = sim.wait_for(|entry| matches!(entry.what, Seen::SocketOpen), DEADLINE);
    let (entry, user) = tokio::join!(waited, User::sign_in(&sim, "ada@example.org"));
    assert_eq!(entry.and_then(|entry| entry.account).as_deref(), Some("ada@example.org"));
    let lines =
        user.http.get(format!("{}/sim/log?since=1", sim.url())).send().await.expect("a log");
    let lines = lines.text().await.expect("text");
    let first: Value = serde_json::from_str(lines.lines().next().expect("a line")).expect("JSON");
    assert_eq!(first["n"], 1);
    let inbox = format!("{}/sim/inbox.json?email=ada@example.org", sim.url());
    let mail: Value =
        user.http.get(inbox).send().await.expect("a mail").json().await.expect("JSON");
    assert_eq!(mail["code"].as_str(), sim.inbox("ada@example.org").as_deref());
}

#[tokio::test]
async fn stopping_closes_the_ports_and_the_sockets() {
    let sim = start().await;
    let mut user = User::sign_in(&sim, "ada@example.org").await;
    user.send(None, "tea [[sim: silent=0, no-echo, delay=0]]").await;
    let url = sim.url().to_owned();
    sim.stop().await;
    while user.frame().await.is_some() {}
    assert!(reqwest::get(url).await.is_err());
}
