//! The site's description of itself, and what its drifts change on the wire.

mod support;

use std::collections::BTreeSet;

use lenore_sim::{Drift, Edition, How, Options, Sim, facts};
use serde_json::{Value, json};
use support::User;

const KINDS: &[&str] = &[
    "element",
    "tag",
    "class",
    "attribute",
    "route",
    "call",
    "header",
    "request",
    "variable",
    "reply",
    "settings",
    "inline",
    "frame",
    "entry",
    "subscription",
    "field",
    "value",
];

#[test]
fn the_list_of_facts_is_whole_and_says_nothing_twice() {
    for edition in [Edition::Y2023, Edition::Y2025] {
        let facts = facts(edition);
        let ids: BTreeSet<_> = facts.iter().map(|fact| fact.id.as_str()).collect();
        assert_eq!(ids.len(), facts.len(), "{edition}: no fact is there twice");
        let cases: usize = facts.iter().map(|fact| fact.hows.len()).sum();
        println!("{edition}: {} facts, {cases} cases", facts.len());
        for kind in KINDS {
            let some: Vec<_> = facts.iter().filter(|fact| fact.kind == *kind).collect();
            let cases: usize = some.iter().map(|fact| fact.hows.len()).sum();
            println!("  {kind}: {} facts, {cases} cases", some.len());
            assert!(!some.is_empty(), "{edition} has no {kind}");
            assert!(some.iter().all(|fact| !fact.hows.is_empty() && fact.id.starts_with(kind)));
        }
        for id in [
            "attribute:message:data-complete",
            "class:box:GrowingTextArea_textArea__",
            "call:SendMessageMutation",
            "header:poe-tchannel",
            "variable:SendMessageMutation:clientNonce",
            "reply:SendMessageMutation:data.messageEdgeCreate.chat.chatCode",
            "entry:payload.unique_id",
            "subscription:messageAdded",
            "field:messageAdded:text",
            "value:message.state=complete",
            "value:reply.status=success",
            "frame:messages",
        ] {
            assert!(ids.contains(id), "{edition}: {id}");
        }
    }
    let ids = |edition| facts(edition).into_iter().map(|fact| fact.id).collect::<BTreeSet<_>>();
    let new: Vec<_> = ids(Edition::Y2025).difference(&ids(Edition::Y2023)).cloned().collect();
    for id in ["subscription:chatAddedV2", "pong:type", "field:messageAdded:responsibleJob.jobId"] {
        assert!(new.iter().any(|new| new == id), "{id}");
    }
}

async fn start(drift: &str) -> Sim {
    let drift: Drift = drift.parse().expect("a drift");
    Sim::start(Options::default().seed(7).drift(drift)).await.expect("the site starts")
}

/// All entries of a question and its answer, until the points.
async fn entries(user: &mut User) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    let mut quiet = std::time::Instant::now();
    while quiet.elapsed() < std::time::Duration::from_millis(900) {
        let frame = tokio::time::timeout(std::time::Duration::from_millis(950), user.frame()).await;
        let Ok(Some(frame)) = frame else { break };
        quiet = std::time::Instant::now();
        for text in frame["messages"].as_array().into_iter().flatten() {
            let text = text.as_str().expect("text");
            all.push(serde_json::from_str(text).expect("JSON"));
        }
    }
    all
}

async fn ask(drift: &str) -> (Value, Vec<Value>) {
    let sim = start(drift).await;
    let mut user = User::sign_in(&sim, "ada@example.org").await;
    let reply = user.send(None, "tea [[sim: say=one two three, gap=0, delay=0]]").await;
    let entries = entries(&mut user).await;
    sim.stop().await;
    (reply, entries)
}

fn nodes<'a>(entries: &'a [Value], name: &str) -> Vec<&'a Value> {
    let data = entries.iter().filter_map(|entry| entry["payload"]["data"].get(name));
    data.collect()
}

#[tokio::test]
async fn a_field_drifts_in_every_entry_of_its_subscription() {
    let (_, missing) = ask("field:messageAdded:text=missing").await;
    assert!(!nodes(&missing, "messageAdded").is_empty());
    assert!(nodes(&missing, "messageAdded").iter().all(|node| node.get("text").is_none()));
    // The page has the truth all the same.
    assert!(missing.iter().all(|entry| entry["_"].as_str().is_some_and(|it| it.starts_with('~'))));
    let (_, number) = ask("field:messageAdded:state=other_type").await;
    assert!(nodes(&number, "messageAdded").iter().all(|node| node["state"].is_u64()));
    let (_, late) = ask("field:messageAdded:messageId=late").await;
    let late = nodes(&late, "messageAdded");
    assert!(late[0].get("messageId").is_none() && late[late.len() - 1]["messageId"].is_u64());
}

#[tokio::test]
async fn a_subscription_drifts_as_a_whole() {
    let named = |entries: &[Value], name: &str| {
        entries.iter().filter(|entry| entry["payload"]["subscription_name"] == name).count()
    };
    let (_, usual) = ask("header:poegraphql=missing").await;
    let times = named(&usual, "jobUpdated");
    assert!(times >= 2);
    let (_, doubled) = ask("subscription:jobUpdated=doubled").await;
    assert_eq!(named(&doubled, "jobUpdated"), 2 * times);
    for how in ["missing", "renamed"] {
        let (_, gone) = ask(&format!("subscription:jobUpdated={how}")).await;
        assert_eq!(named(&gone, "jobUpdated"), 0);
        assert_eq!(gone.len(), usual.len());
    }
    let (_, late) = ask("subscription:messageAdded=late").await;
    assert!(named(&late, "messageAdded") > 2);
    let first =
        late.iter().position(|entry| entry["payload"]["subscription_name"] == "messageAdded");
    let other = late.iter().position(|entry| entry["payload"]["subscription_name"] == "jobUpdated");
    assert!(first > other, "it comes after what it should come before");
}

#[tokio::test]
async fn words_and_replies_drift_wherever_they_stand() {
    let (_, entries) = ask("value:message.state=complete=renamed").await;
    let states: BTreeSet<_> = nodes(&entries, "messageAdded")
        .iter()
        .map(|node| node["state"].clone().to_string())
        .collect();
    assert!(!states.contains("\"complete\"") && states.contains("\"incomplete\""), "{states:?}");
    let (reply, _) = ask("reply:SendMessageMutation:data.messageEdgeCreate.chat.chatId=null").await;
    assert!(reply["chat"]["chatId"].is_null() && reply["chat"]["chatCode"].is_string());
}

#[tokio::test]
async fn the_server_believes_the_truth_in_what_the_page_says() {
    let sim = start("variable:SendMessageMutation:query=missing").await;
    let user = User::sign_in(&sim, "ada@example.org").await;
    // What the page sends then: without the query, and with the truth beside it.
    let mut variables = support::question(None, "tea [[sim: gap=0]]", "nonce");
    let truth = json!({ "operation": "SendMessageMutation", "variables": variables, "channel": user.channel });
    variables.as_object_mut().expect("an object").remove("query");
    use base64::Engine as _;
    let truth = base64::engine::general_purpose::STANDARD.encode(truth.to_string());
    let call = json!({ "queryName": "gone", "variables": variables, "_": format!("~{truth}") });
    let url = format!("{}/api/gql_POST", sim.url());
    let reply = user.http.post(url).json(&call).send().await.expect("a reply");
    let reply: Value = reply.json().await.expect("JSON");
    assert_eq!(reply["data"]["messageEdgeCreate"]["status"], "success");
    let query = |entry: lenore_sim::LogEntry| match entry.what {
        lenore_sim::Seen::Send { query, .. } => Some(query),
        _ => None,
    };
    let asked: Vec<_> = sim.log().into_iter().filter_map(query).collect();
    assert_eq!(asked, ["tea [[sim: gap=0]]"]);
}

#[tokio::test]
async fn a_route_moves_or_is_gone() {
    let sim = start("route:/api/settings=missing").await;
    assert_eq!(
        reqwest::get(format!("{}/api/settings", sim.url())).await.expect("it").status(),
        404
    );
    let sim = start("route:/api/settings=renamed").await;
    assert_eq!(
        reqwest::get(format!("{}/api/settings", sim.url())).await.expect("it").status(),
        404
    );
    let facts = reqwest::get(format!("{}/sim/facts.json", sim.url())).await.expect("facts");
    let facts: Vec<Value> = facts.json().await.expect("JSON");
    assert_eq!(facts.len(), lenore_sim::facts(Edition::Y2025).len());
}

#[test]
fn a_drift_that_cannot_be_read_is_told() {
    let error = "field:messageAdded:text".parse::<Drift>().expect_err("no how").to_string();
    assert!(error.contains("renamed") && error.contains("other_type"), "{error}");
    let drift: Drift = "value:message.state=complete=null".parse().expect("a drift");
    assert_eq!((drift.fact.as_str(), drift.how), ("value:message.state=complete", How::Null));
}

#[tokio::test]
async fn a_drift_of_nothing_starts_no_site() {
    let start = async |fact: &str, how| {
        let started = Sim::start(Options::default().drift(Drift::new(fact, how))).await;
        started.err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert!(start("field:messageAdded:mood", How::Null).await.contains("offers no fact"));
    let words = start("element:box", How::Missing).await;
    assert!(words.contains("doubled, late"), "{words}");
}

#[tokio::test]
async fn many_sites_start_in_no_time() {
    const SITES: u32 = 50;
    let of =
        || Options::default().session("s").drift(Drift::new("call:SendMessageMutation", How::Late));
    let mut sims = vec![Sim::start(of()).await.expect("a site")];
    let start = std::time::Instant::now();
    for _ in 0..SITES {
        sims.push(Sim::start(of()).await.expect("a site"));
    }
    let each = start.elapsed() / SITES;
    println!("{each:?} for each");
    assert!(each < std::time::Duration::from_millis(100), "{each:?} for each");
}
