//! Questions and their answers, over HTTP and the socket.

mod support;

use lenore_sim::Seen;
use serde_json::{Value, json};
use support::{DEADLINE, User, entries, start};

fn text(node: &Value) -> &str {
    node["text"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn a_question_is_echoed_answered_and_kept() {
    let sim = start().await;
    let mut user = User::sign_in(&sim, "ada@example.org").await;
    let reply = user.send(None, "Tell me about tea [[sim: gap=0, delay=0, chunks=9]]").await;
    assert_eq!(reply["status"], "success");
    let echo = entries(&user.frame().await.expect("a frame"), "messageAdded").remove(0);
    assert_eq!((&echo["author"], &echo["clientNonce"]), (&json!("human"), &json!("nonce1")));
    assert_eq!(echo["messageId"], reply["message"]["node"]["messageId"]);

    let answer = user.answer(&reply["botMessage"]["node"]["messageId"]).await;
    assert_eq!(answer.len(), 10);
    assert_eq!(answer[0]["author"], "beaver");
    assert!(answer.windows(2).all(|pair| text(&pair[1]).starts_with(text(&pair[0]))));
    let code = reply["chat"]["chatCode"].as_str().expect("a code");
    let (_, page) = user.gql("ChatPageQuery", json!({ "chatCode": code })).await;
    let edges = &page["data"]["chatOfCode"]["messagesConnection"]["edges"];
    assert_eq!(edges[1]["node"]["text"], answer[9]["text"]);
    assert_eq!(edges[1]["node"]["state"], "complete");

    let log = sim.log();
    let logged = |entry: &&lenore_sim::LogEntry| matches!(&entry.what, Seen::Answer { text: whole, .. } if whole == text(&answer[9]));
    assert_eq!(log.iter().filter(logged).count(), 1);
    let line = serde_json::to_value(log.last()).expect("JSON");
    assert!(line["kind"].is_string() && line["n"].is_u64(), "{line}");
}

#[tokio::test]
async fn answers_depend_on_the_seed_and_nothing_else() {
    let mut texts = Vec::new();
    for _ in 0..2 {
        let sim = start().await;
        let mut user = User::sign_in(&sim, "ada@example.org").await;
        let reply = user.send(None, "What is rust? [[sim: gap=0, delay=0]]").await;
        let answer = user.answer(&reply["botMessage"]["node"]["messageId"]).await;
        texts.push(answer.last().map(|node| text(node).to_owned()));
    }
    assert_eq!(texts[0], texts[1]);
}

#[tokio::test]
async fn the_same_nonce_asks_once() {
    let sim = start().await;
    let mut user = User::sign_in(&sim, "ada@example.org").await;
    let question = support::question(None, "tea [[sim: gap=0]]", "once");
    let (_, first) = user.gql("SendMessageMutation", question.clone()).await;
    let (_, second) = user.gql("SendMessageMutation", question).await;
    let id = |reply: &Value| {
        reply["data"]["messageEdgeCreate"]["botMessage"]["node"]["messageId"].clone()
    };
    assert_eq!(id(&first), id(&second));
    assert!(id(&first).is_u64());
    user.answer(&id(&first)).await;
    let answers =
        sim.log().iter().filter(|entry| matches!(entry.what, Seen::Answer { .. })).count();
    assert_eq!(answers, 1);
}

#[tokio::test]
async fn an_echo_of_a_million_characters_is_exact() {
    let sim = start().await;
    let mut user = User::sign_in(&sim, "ada@example.org").await;
    let query = format!(
        "{}[[sim: echo, gap=0, delay=0, chunks=3]]",
        "\"tea\" 🍵\r\n\\u0000 ".repeat(62_500)
    );
    let reply = user.send(None, &query).await;
    let answer = user.answer(&reply["botMessage"]["node"]["messageId"]).await;
    assert!(answer.last().is_some_and(|node| text(node) == query));
}

#[tokio::test]
async fn stopping_cancels_with_the_text_so_far() {
    let sim = start().await;
    let mut user = User::sign_in(&sim, "ada@example.org").await;
    let reply = user.send(None, "tea [[sim: silent=3, gap=0, delay=0]]").await;
    let chat = reply["chat"]["chatId"].as_u64();
    let id = reply["botMessage"]["node"]["messageId"].clone();
    let mut seen = String::new();
    for _ in 0..3 {
        let mut nodes = Vec::new();
        while nodes.is_empty() {
            nodes = entries(&user.frame().await.expect("a frame"), "messageAdded");
            nodes.retain(|node| node["messageId"] == id);
        }
        seen = text(&nodes[0]).to_owned();
    }
    let busy = user.send(chat, "more").await;
    assert_eq!(busy["status"], "concurrent_messages");
    user.gql("StopMessage_messageCancel_Mutation", json!({ "messageId": id, "textLength": 1 }))
        .await;
    let mut cancelled = Vec::new();
    while cancelled.is_empty() {
        cancelled = entries(&user.frame().await.expect("a frame"), "messageCancelled");
    }
    assert_eq!(cancelled[0]["messageId"], id);
    let ended = sim.wait_for(|entry| matches!(entry.what, Seen::Answer { .. }), DEADLINE).await;
    let ended = serde_json::to_value(ended).expect("JSON");
    assert_eq!(
        (ended["state"].as_str(), ended["text"].as_str()),
        (Some("cancelled"), Some(seen.as_str()))
    );
    assert_eq!(user.send(chat, "more").await["status"], "success");
}

#[tokio::test]
async fn scenarios_shape_the_frames() {
    let sim = start().await;
    let mut user = User::sign_in(&sim, "ada@example.org").await;
    let reply = user
        .send(None, "tea [[sim: stamp, chunks=6, batch=3, gap=0, delay=0, no-title, no-echo]]")
        .await;
    let id = &reply["botMessage"]["node"]["messageId"];
    let mut sizes = Vec::new();
    while sizes.len() < 2 {
        let frame = user.frame().await.expect("a frame");
        let ours =
            entries(&frame, "messageAdded").iter().filter(|node| node["messageId"] == *id).count();
        sizes.extend((ours > 0).then_some(ours));
    }
    assert_eq!(sizes, [3, 3]);
    let answer = user.answer(id).await;
    let stamps: Vec<u64> =
        text(&answer[0]).split_whitespace().filter_map(|stamp| stamp.parse().ok()).collect();
    assert_eq!(stamps.len(), 6);
    assert!(stamps.is_sorted());

    let reply = user.send(None, "tea [[sim: others, noise, stale, early, gap=0, delay=0]]").await;
    let answer = user.answer(&reply["botMessage"]["node"]["messageId"]).await;
    assert_eq!(answer.last().map(|node| &node["state"]), Some(&json!("complete")));

    let reply =
        user.send(None, "tea [[sim: state=error_user_message_too_long, after=1, gap=0]]").await;
    let answer = user.answer(&reply["botMessage"]["node"]["messageId"]).await;
    assert_eq!(answer.len(), 2);
    assert!(answer[1]["messageStateText"].is_string());
}

#[tokio::test]
async fn what_was_missed_is_only_in_the_chat() {
    let sim = start().await;
    let mut user = User::sign_in(&sim, "ada@example.org").await;
    let before = support::settings(&user.http, &user.url).await;
    let reply = user.send(None, "tea [[sim: drop-socket=2, gap=0, delay=0]]").await;
    let answer = user.answer(&reply["botMessage"]["node"]["messageId"]).await;
    assert_eq!(answer.len(), 2);
    sim.wait_for(|entry| matches!(entry.what, Seen::Answer { .. }), DEADLINE)
        .await
        .expect("an end");
    user.socket = support::connect(&before, before["minSeq"].as_str().expect("minSeq")).await;
    assert_eq!(user.frame().await.expect("a frame")["error"], "missed_messages");
    let code = reply["chat"]["chatCode"].as_str().expect("a code");
    let (_, page) = user.gql("ChatPageQuery", json!({ "chatCode": code })).await;
    let node = &page["data"]["chatOfCode"]["messagesConnection"]["edges"][1]["node"];
    assert_eq!(node["state"], "complete");
}
