//! What each edition serves: replies, the order of entries, pages, and mixtures of the two.

mod support;

use lenore_sim::{Edition, Habit, Options, Seen, Sim, UnknownEdition};
use serde_json::{Value, json};
use support::{DEADLINE, User};

async fn start(edition: Edition, habits: &[&str]) -> Sim {
    let options = Options::default().edition(edition).seed(7);
    let habits = habits.iter().map(|habit| habit.parse::<Habit>().expect("a habit"));
    Sim::start(habits.fold(options, Options::habit)).await.expect("the site starts")
}

/// Every entry of the socket until an entry of that name, in order.
async fn until(user: &mut User, last: &str) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    while !all.iter().any(|entry| entry["payload"]["subscription_name"] == last) {
        let frame = user.frame().await.expect("a frame");
        let entries = frame["messages"].as_array().cloned().unwrap_or_default();
        all.extend(
            entries
                .iter()
                .map(|text| serde_json::from_str(text.as_str().expect("text")).expect("JSON")),
        );
    }
    all
}

/// An entry in a word: its subscription, and for messages whose it is and how it stands.
fn word(entry: &Value) -> String {
    let name = entry["payload"]["subscription_name"].as_str().expect("a name");
    let node = &entry["payload"]["data"][name];
    let state = node["state"].as_str().unwrap_or_default();
    match (name, node["author"].as_str()) {
        ("messageAdded", Some("human")) => "question".to_owned(),
        ("messageAdded", _) if node["text"] == "" => "begun".to_owned(),
        ("messageAdded", _) => state.to_owned(),
        ("messageCreated", author) => format!("created {}", author.unwrap_or_default()),
        ("jobUpdated", _) => format!("job {state}"),
        _ => name.to_owned(),
    }
}

#[tokio::test]
async fn the_entries_of_2025_come_in_their_order() {
    let sim = start(Edition::Y2025, &[]).await;
    let mut user = User::sign_in(&sim, "ada@example.org").await;
    user.send(None, "tea [[sim: say=one two three, gap=0]]").await;
    let mut all = until(&mut user, "viewerStateUpdated").await;
    all.extend(until(&mut user, "messageAdded").await);
    let mut words: Vec<String> = all.iter().map(word).collect();
    words.dedup();
    assert_eq!(
        words,
        [
            "created human",
            "question",
            "chatAddedV2",
            "jobStarted",
            "job not_started",
            "created gpt_4",
            "chatMemberAddedWithContext",
            "begun",
            "messageRead",
            "messageReadByViewer",
            "incomplete",
            "complete",
            "job completed",
            "jobCostUpdated",
            "complete",
            "messageFollowupActionUpdated",
            "complete",
            "chatTitleUpdated",
            "complete",
            "viewerStateUpdated",
            "complete",
        ]
    );
    let named = |name: &str| {
        let entry = all.iter().find(|entry| entry["payload"]["subscription_name"] == name);
        entry.expect("it is there").clone()
    };
    for name in ["messageCreated", "chatAddedV2", "messageReadByViewer", "viewerStateUpdated"] {
        assert_eq!(named(name)["payload"]["unique_id"], name);
    }
    let created = &named("messageCreated")["payload"]["data"]["messageCreated"];
    assert!(created["chat"]["chatId"].is_u64());
    assert!(all.iter().all(|entry| entry["_"].is_string()));
    let started = &named("jobStarted")["payload"]["data"]["jobStarted"];
    assert_eq!(started["clientNonce"], "nonce1");
    let answer = all.iter().rfind(|entry| word(entry) == "complete").expect("an answer");
    let answer = &answer["payload"]["data"]["messageAdded"];
    assert_eq!(answer["author"], "gpt_4");
    assert_eq!(answer["responsibleJob"]["jobId"], started["jobId"]);
    assert_eq!((&answer["clientNonce"], &answer["sourceType"]), (&json!(""), &json!("chat_input")));
    assert!(answer.get("followupActions").is_none());
}

#[tokio::test]
async fn the_reply_of_2025_does_not_name_the_answer() {
    let sim = start(Edition::Y2025, &[]).await;
    let user = User::sign_in(&sim, "ada@example.org").await;
    let mut question = support::question(None, "tea [[sim: gap=0]]", "nonce");
    question["chatNonce"] = json!("fresh");
    let (_, reply) = user.gql("sendMessageMutation", question).await;
    assert_eq!(reply["extensions"]["hi"], 1);
    let told = &reply["data"]["messageEdgeCreate"];
    assert!(told["botMessage"].is_null() && told.get("botMessage").is_some());
    assert!(told["job"]["jobId"].is_u64());
    assert_eq!((&told["status"], &told["statusMessage"]), (&json!("success"), &json!("")));
    let chat = &told["chat"];
    assert_eq!((&chat["chatNonce"], &chat["title"]), (&json!("fresh"), &json!(null)));
    assert_eq!(chat["defaultBotObject"]["nickname"], "gpt_4");
    assert_eq!(chat["shouldBotAutoRespond"], true);
    let errors = support::question(None, "tea [[sim: errors]]", "another");
    let (status, reply) = user.gql("sendMessageMutation", errors).await;
    assert_eq!((status, &reply["extensions"]["is_final"]), (200, &json!(true)));
}

#[tokio::test]
async fn the_pages_of_2025_have_their_data_deep_inside() {
    let sim = start(Edition::Y2025, &[]).await;
    let mut user = User::sign_in(&sim, "ada@example.org").await;
    let reply = user.send(None, "tea [[sim: say=leaves, gap=0, delay=0]]").await;
    let code = reply["chat"]["chatCode"].as_str().expect("a code").to_owned();
    let ended = |entry: &lenore_sim::LogEntry| matches!(entry.what, Seen::Answer { .. });
    sim.wait_for(ended, DEADLINE).await.expect("an answer");
    let get = async |path: String| {
        let reply = user.http.get(format!("{}{path}", sim.url())).send().await.expect("a page");
        (reply.status().as_u16(), reply.url().path().to_owned(), reply.text().await.expect("text"))
    };
    let inline = |page: &str| -> Value {
        let (_, data) =
            page.split_once("__NEXT_DATA__\" type=\"application/json\">").expect("data");
        serde_json::from_str(data.split_once("</script>").expect("an end").0).expect("JSON")
    };
    let data = inline(&get(format!("/chat/{code}")).await.2);
    let chat = &data["props"]["pageProps"]["data"]["mainQuery"]["chatOfCode"];
    assert_eq!(chat["messagesConnection"]["edges"][1]["node"]["text"], "leaves");
    assert!(data["props"]["pageProps"].get("chat").is_none());
    let build = data["buildId"].as_str().expect("a build");
    let (status, _, route) =
        get(format!("/_next/data/{build}/chat/{code}.json?chatCode={code}")).await;
    let route: Value = serde_json::from_str(&route).expect("JSON");
    assert_eq!(status, 200);
    let again = &route["pageProps"]["data"]["mainQuery"]["chatOfCode"];
    assert_eq!(again["messagesConnection"], chat["messagesConnection"]);
    assert_eq!(get("/_next/data/other/chat/x.json".to_owned()).await.0, 404);
    assert_eq!(get("/gpt-4".to_owned()).await.1, "/GPT-4");
    assert_eq!(get("/No-Such-Bot".to_owned()).await.0, 404);
    let signed_out = reqwest::get(format!("{}/GPT-4", sim.url())).await.expect("a page");
    assert_eq!(signed_out.status(), 200);
    let bot = inline(&signed_out.text().await.expect("text"));
    assert_eq!(bot["props"]["pageProps"]["data"]["mainQuery"]["bot"]["handle"], "GPT-4");
}

#[tokio::test]
async fn a_ping_gets_its_pong_and_a_job_can_be_stopped() {
    use futures_util::SinkExt as _;
    let sim = start(Edition::Y2025, &[]).await;
    let mut user = User::sign_in(&sim, "ada@example.org").await;
    let ping = tokio_tungstenite::tungstenite::Message::text(r#"{"type":"ping"}"#);
    user.socket.send(ping).await.expect("a ping");
    assert_eq!(user.frame().await, Some(json!({ "type": "pong" })));
    let reply = user.send(None, "tea [[sim: silent=1, delay=0]]").await;
    let operation = "cancelViewerActiveJobs_cancelViewerActiveJobs_Mutation";
    let chat = json!({ "chatId": reply["chat"]["chatId"] });
    until(&mut user, "messageReadByViewer").await;
    let (_, stopped) = user.gql(operation, chat).await;
    assert_eq!(stopped["data"]["cancelViewerActiveJobs"]["status"], "success");
    until(&mut user, "messageCancelled").await;
    assert!(sim.log().iter().any(|entry| matches!(entry.what, Seen::Stop { .. })));
}

#[tokio::test]
async fn habits_change_what_they_say() {
    let of = async |habits: &[&str]| {
        let sim = start(Edition::Y2023, habits).await;
        let mut user = User::sign_in(&sim, "ada@example.org").await;
        let reply = user.send(None, "tea [[sim: say=one two, gap=0, delay=0]]").await;
        let entries = until(&mut user, "jobCostUpdated").await;
        (reply, entries)
    };
    let answer = |entries: &[Value]| {
        let entry =
            entries.iter().rfind(|entry| entry["payload"]["subscription_name"] == "messageAdded");
        entry.expect("an answer")["payload"]["data"]["messageAdded"].clone()
    };
    let (reply, entries) = of(&["author=null", "ids=string", "bot-message=absent"]).await;
    assert!(answer(&entries)["author"].is_null() && answer(&entries)["messageId"].is_string());
    assert!(reply.get("botMessage").is_none() && reply["chat"]["chatId"].is_string());
    let (_, entries) = of(&["author=handle"]).await;
    assert_eq!(answer(&entries)["author"], "GPT-4");
    let (_, entries) = of(&["shape=2025", "end=job"]).await;
    assert_eq!(answer(&entries)["state"], "incomplete");
    assert!(entries.iter().any(|entry| word(entry) == "job finished"));
    let (_, entries) = of(&["end=message"]).await;
    assert_eq!(answer(&entries)["state"], "complete");
    assert!(!entries.iter().any(|entry| word(entry).starts_with("job ")));
    let (_, entries) = of(&["edits=yes"]).await;
    assert!(entries.iter().any(|entry| word(entry) == "messageDeletedV2"));
}

#[tokio::test]
async fn where_nobody_answers_by_himself_nothing_comes() {
    let sim = start(Edition::Y2025, &["responds=no"]).await;
    let mut user = User::sign_in(&sim, "ada@example.org").await;
    let reply = user.send(None, "tea").await;
    assert_eq!(reply["chat"]["shouldBotAutoRespond"], false);
    assert!(reply["job"].is_null() && reply["chat"]["activeJobs"] == json!([]));
    let (_, page) =
        user.gql("ChatPageQuery", json!({ "chatCode": reply["chat"]["chatCode"] })).await;
    let edges = &page["data"]["chatOfCode"]["messagesConnection"]["edges"];
    assert_eq!(edges.as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn every_mixture_answers_and_is_that_of_its_seed() {
    for seed in 0..40 {
        let edition = Edition::Mix(seed);
        assert_eq!(edition.habits(), edition.habits());
        let sim = start(edition, &[]).await;
        let mut user = User::sign_in(&sim, "ada@example.org").await;
        let reply = user.send(None, "tea [[sim: say=one two, gap=0, delay=0]]").await;
        assert_eq!(reply["status"], "success", "{edition}");
        let ended = |entry: &lenore_sim::LogEntry| matches!(&entry.what, Seen::Answer { text, .. } if text == "one two");
        sim.wait_for(ended, DEADLINE).await.unwrap_or_else(|| panic!("{edition} gave no answer"));
        sim.stop().await;
    }
    assert_ne!(Edition::Mix(1).habits(), Edition::Mix(2).habits());
}

#[test]
fn an_edition_that_there_is_not_is_told_with_those_that_there_are() {
    let error: UnknownEdition = "1999".parse::<Edition>().expect_err("no such edition");
    let words = error.to_string();
    assert!(words.contains("1999") && words.contains("2023, 2025 and mix:N"), "{words}");
}

#[tokio::test]
async fn many_sites_take_one_session() {
    let first = Sim::start(Options::default().session("shared")).await.expect("a site");
    let second = Sim::start(Options::default().session("shared")).await.expect("a site");
    let user = User::sign_in(&first, "visitor@example.org").await;
    let page = user.http.get(second.url()).header("cookie", "p-b=shared").send().await;
    assert!(page.expect("a page").text().await.expect("text").contains("visitor@example.org"));
    let cookie =
        reqwest::Client::new().get(first.url()).header("cookie", "p-b=shared").send().await;
    assert!(cookie.expect("a page").text().await.expect("text").contains("visitor@example.org"));
}
