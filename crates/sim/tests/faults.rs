//! Replies that get lost, odd shapes, and what befalls an answer from elsewhere.

mod support;

use lenore_sim::{Seen, Sim};
use serde_json::{Value, json};
use support::{DEADLINE, User, entries, question, start};

/// What the log says of the questions: the status, and whether the nonce was known.
fn sends(sim: &Sim) -> Vec<(String, bool)> {
    let send = |entry: lenore_sim::LogEntry| match entry.what {
        Seen::Send { status, duplicate, .. } => Some((status, duplicate)),
        _ => None,
    };
    sim.log().into_iter().filter_map(send).collect()
}

async fn post(user: &User, words: &str) -> reqwest::Result<reqwest::Response> {
    let variables = question(None, &format!("tea [[sim: {words}]]"), "nonce");
    let call = json!({ "queryName": "SendMessageMutation", "variables": variables });
    let post = user.http.post(format!("{}/api/gql_POST", user.url));
    post.header("poe-tchannel", &user.channel).json(&call).send().await
}

async fn until(user: &mut User, subscription: &str) -> Value {
    loop {
        let frame = user.frame().await.expect("a frame");
        if let Some(found) = entries(&frame, subscription).into_iter().next() {
            return found;
        }
    }
}

#[tokio::test]
async fn a_reply_can_be_lost_while_the_question_is_taken() {
    for words in ["lost-reply, gap=0", "cut-reply, gap=0"] {
        let sim = start().await;
        let mut user = User::sign_in(&sim, "ada@example.org").await;
        for _ in 0..2 {
            let body = match post(&user, words).await {
                Ok(reply) => reply.text().await,
                Err(error) => Err(error),
            };
            assert!(body.is_err(), "{words}: {body:?}");
        }
        assert_eq!(until(&mut user, "messageAdded").await["clientNonce"], "nonce");
        let ended = sim.wait_for(|entry| matches!(entry.what, Seen::Answer { .. }), DEADLINE).await;
        assert!(ended.is_some());
        assert_eq!(sends(&sim), [("success".to_owned(), false), ("success".to_owned(), true)]);
    }
}

#[tokio::test]
async fn a_question_can_be_taken_behind_a_502() {
    let sim = start().await;
    let mut user = User::sign_in(&sim, "ada@example.org").await;
    let reply = post(&user, "http=502, taken, gap=0").await.expect("a reply");
    assert_eq!(reply.status(), 502);
    assert_eq!(until(&mut user, "messageAdded").await["author"], "human");
    assert_eq!(sends(&sim), [("success".to_owned(), false)]);
}

#[tokio::test]
async fn a_question_can_meet_a_human_check() {
    let sim = start().await;
    let user = User::sign_in(&sim, "ada@example.org").await;
    let reply = post(&user, "challenge").await.expect("a reply");
    assert_eq!(reply.status(), 403);
    assert!(reply.text().await.expect("a page").contains("challenge-form"));
    assert_eq!(sends(&sim), [("challenge".to_owned(), false)]);
}

#[tokio::test]
async fn a_wait_can_be_a_date_and_an_echo_can_name_the_address() {
    let sim = start().await;
    let mut user = User::sign_in(&sim, "ada@example.org").await;
    let reply = post(&user, "http=429, retry-after=40, retry-date").await.expect("a reply");
    let date = reply.headers()["retry-after"].to_str().expect("plain").to_owned();
    let wait = httpdate::parse_http_date(&date).expect("a date");
    let wait = wait.duration_since(std::time::SystemTime::now()).expect("to come").as_secs();
    assert!((30..=40).contains(&wait), "{date}");
    post(&user, "address, gap=0").await.expect("a reply");
    let code = until(&mut user, "messageAdded").await["chatCode"].clone();
    let page = user.gql("ChatPageQuery", json!({ "chatCode": code })).await.1;
    assert_eq!(page["data"]["chatOfCode"]["chatCode"], code);
    assert!(code.is_string());
}

#[tokio::test]
async fn updates_have_the_shape_that_was_asked_for() {
    let sim = start().await;
    let mut user = User::sign_in(&sim, "ada@example.org").await;
    let reply = user
        .send(None, "tea [[sim: say=one, string-ids, twice, author=Claude-3-Opus, gap=0]]")
        .await;
    let id = reply["botMessage"]["node"]["messageId"].clone();
    assert!(id.is_string() && reply["chat"]["chatId"].is_string());
    let answer = user.answer(&id).await;
    assert_eq!(answer.len(), 4);
    assert!(answer.iter().all(|node| node["author"] == "claude_2_1_cedar"));
    assert_eq!(answer[0], answer[1]);

    let words = "say=1 2 3 4 5 6 7 8 9 10 11 12 13 14, reorder, textless, shrink=1, gap=0";
    let reply = user.send(None, &format!("tea [[sim: {words}, extra-fields]]")).await;
    let answer = user.answer(&reply["botMessage"]["node"]["messageId"]).await;
    let texts: Vec<_> = answer.iter().map(|node| node["text"].as_str()).collect();
    assert_eq!(texts[1], Some(""));
    assert!(texts.contains(&None), "one comes without its text");
    let lengths: Vec<_> = texts[2..].iter().flatten().map(|text| text.len()).collect();
    assert!(!lengths.is_sorted(), "an older one comes again");
    assert!(answer[0]["brandNewField"].is_object());

    let reply = user.send(None, "tea [[sim: bare-reply]]").await;
    assert_eq!(reply, json!({ "status": "success" }));
}

#[tokio::test]
async fn an_answer_can_be_ended_from_elsewhere() {
    let sim = start().await;
    let mut user = User::sign_in(&sim, "ada@example.org").await;
    let reply = user.send(None, "tea [[sim: cancel=1, gap=0]]").await;
    let cancelled = until(&mut user, "messageCancelled").await;
    assert_eq!(cancelled["messageId"], reply["botMessage"]["node"]["messageId"]);

    let reply = user.send(None, "tea [[sim: lost=0, lose=1000, delete=2, gap=0]]").await;
    let code = reply["chat"]["chatCode"].as_str().expect("a code").to_owned();
    let mut page = json!(null);
    while !page["data"]["chatOfCode"].is_null() || page.is_null() {
        page = user.gql("ChatPageQuery", json!({ "chatCode": code })).await.1;
    }

    user.send(None, "tea [[sim: expire=1, gap=0]]").await;
    while user.frame().await.is_some() {}
    assert!(support::settings(&user.http, &user.url).await.is_null());
}
