//! Chats that do not stay, what front ends ask on the side, and which models stand first.

use lenore_gateway::{KeyFile, Limits};
use lenore_provider::ChatRequest;
use serde_json::{Value, json};

use crate::forms::{BAD, GOOD, tools};
use crate::support::{Fake, Server, delta, finished, get, post, script, started};

const CHAT: &str = "/v1/chat/completions";
const RESPONSES: &str = "/v1/responses";

fn user(words: &str) -> Value {
    json!({ "role": "user", "content": words })
}

fn ask(model: &str, messages: Value) -> Value {
    json!({ "model": model, "messages": messages })
}

async fn list(server: &Server, headers: &[(&str, &str)]) -> Vec<String> {
    let list = get(server.address, "/v1/models", headers).await.with_status(200).json();
    let models = list["data"].as_array().expect("a list").iter();
    models.map(|model| model["id"].as_str().expect("a name").to_owned()).collect()
}

#[tokio::test]
async fn a_temporary_chat_is_nobodys_to_go_on_in() {
    let server =
        Server::with(Fake::new(script), |builder| builder.alias("brief", "raven:temporary")).await;
    for model in ["raven:temporary", "brief", "brief:temporary", ":temporary"] {
        let reply = post(server.address, CHAT, &[], &ask(model, json!([user("Hi")]))).await;
        let reply = reply.with_status(200).json();
        assert_eq!(reply["lenore"]["temporary"], true, "{model}");
        let request = server.fake.asked().pop().expect("a question").request;
        assert!(request.temporary && !request.resume, "{model}: {request:?}");
        let expected = if model == ":temporary" { "" } else { "raven" };
        assert_eq!(request.model, expected, "{model}");
        // The conversation goes on in a new chat.
        let said = reply["choices"][0]["message"].clone();
        let next = json!([user("Hi"), said, user("Why?")]);
        post(server.address, CHAT, &[], &ask("raven", next)).await.with_status(200);
        let request = server.fake.asked().pop().expect("a question").request;
        assert!(!request.temporary && request.earlier.is_none(), "{model}: {request:?}");
    }
    get(server.address, "/v1/models/raven:temporary", &[]).await.with_status(200);
    // Nobody has named that chat for good.
    let named = [("x-lenore-chat", "c0de")];
    let body = ask("raven:temporary", json!([user("Hi")]));
    let error = post(server.address, CHAT, &named, &body).await.with_status(400).json();
    assert_eq!(error["error"]["param"], "model");
    let body = json!({ "model": "raven:temporary", "input": "Hi" });
    let first = post(server.address, RESPONSES, &[], &body).await.with_status(200).json();
    let body = json!({ "input": "Why?", "previous_response_id": first["id"] });
    let error = post(server.address, RESPONSES, &[], &body).await.with_status(400).json();
    assert_eq!(error["error"]["code"], "previous_response_not_found");
    server.end().await;
}

#[tokio::test]
async fn an_answer_in_a_temporary_chat_is_mended_in_another_one() {
    let bot = |request: &ChatRequest| {
        let text = if request.messages.len() > 2 { GOOD } else { BAD };
        vec![started(), delta(text), finished()]
    };
    let server = Server::over(Fake::new(bot)).await;
    let mut body = ask("raven:temporary", json!([user("Rain?")]));
    body["tools"] = tools();
    let reply = post(server.address, CHAT, &[], &body).await.with_status(200).json();
    assert_eq!(reply["choices"][0]["finish_reason"], "tool_calls");
    let second = server.fake.asked()[1].request.clone();
    assert!(second.temporary && second.chat.is_none(), "{second:?}");
    server.end().await;
}

#[tokio::test]
async fn what_front_ends_ask_on_the_side_goes_to_the_side_model() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("keys.json");
    let mut file = KeyFile::open(&path).expect("none yet");
    let all = file.add("all", Limits::default()).expect("added");
    let models = vec!["raven".to_owned()];
    let one = file.add("one", Limits { models, ..Limits::default() }).expect("added");
    let with = |builder: lenore_gateway::GatewayBuilder| {
        builder.key_file(&path).side_model("family/crow:temporary")
    };
    let server = Server::with(Fake::new(script), with).await;
    let title = "### Task:\nGenerate a concise, 3-5 word title with an emoji summarizing the chat \
                 history.\n### Guidelines:\n…";
    let of_librechat = "Provide a concise, 5-word-or-less title for the conversation, using title \
                        case conventions. Only return the title itself.";
    let cases = [
        (&all, json!([user(title)]), true),
        (&all, json!([user("### Task:\nSuggest 3-5 relevant follow-up questions or …")]), true),
        (&all, json!([user("### Task:\nGenerate 1-3 broad tags categorizing the main …")]), true),
        (&all, json!([user(of_librechat)]), true),
        // A person's question, a conversation, and who may not ask that model.
        (&all, json!([user("### Task: feed the raven")]), false),
        (&all, json!([user("Hi"), { "role": "assistant", "content": "Ho." }, user(title)]), false),
        (&one, json!([user(title)]), false),
    ];
    for (key, messages, is_side) in cases {
        let headers = [("x-api-key", key.as_str())];
        let body = ask("raven", messages.clone());
        let reply = post(server.address, CHAT, &headers, &body).await.with_status(200).json();
        assert_eq!(reply["model"], "raven");
        let request = server.fake.asked().pop().expect("a question").request;
        let expected = if is_side { ("family/crow", true) } else { ("raven", false) };
        assert_eq!((&*request.model, request.temporary), expected, "{messages}");
    }
    let headers = [("x-api-key", all.as_str())];
    assert_eq!(list(&server, &headers).await, ["raven", "family/crow"], "it is no model in use");
    server.end().await;
    // Where none was chosen, they go where they are sent.
    let server = Server::scripted().await;
    post(server.address, CHAT, &[], &ask("raven", json!([user(title)]))).await.with_status(200);
    assert_eq!(server.fake.only().request.model, "raven");
    server.end().await;
}

#[tokio::test]
async fn the_list_of_models_begins_with_the_default_and_those_that_were_asked_last() {
    let other = std::sync::Arc::new(Fake::named("other", script));
    let with = |builder: lenore_gateway::GatewayBuilder| {
        let recent = ["fake/Owl".to_owned(), "family/crow".to_owned(), "unheard-of".to_owned()];
        builder.provider(other.clone()).alias("jay", "other/Jay").recent_models(recent)
    };
    let server = Server::with(Fake::new(script), with).await;
    let before = ["raven", "fake/Owl", "family/crow", "other/raven", "other/family/crow", "jay"];
    assert_eq!(list(&server, &[]).await, before);
    // What failed, or is not to stay, is not in use.
    let words = |words: &str| json!([user(words)]);
    for (model, messages, status) in [
        ("other/raven", words("Hi"), 200),
        ("jay", words("Hi"), 200),
        ("raven", words("Hi"), 200),
        ("other/family/crow", words("[fail bot]"), 502),
        ("other/family/crow:temporary", words("Hi"), 200),
    ] {
        post(server.address, CHAT, &[], &ask(model, messages)).await.with_status(status);
    }
    let after = ["raven", "jay", "other/raven", "fake/Owl", "family/crow", "other/family/crow"];
    assert_eq!(list(&server, &[]).await, after);
    server.end().await;
}

#[tokio::test]
async fn nobody_sees_which_models_others_ask() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("keys.json");
    let mut file = KeyFile::open(&path).expect("none yet");
    let mut add = |name: &str| file.add(name, Limits::default()).expect("added");
    let (ada, bob) = (add("ada"), add("bob"));
    let with = |builder: lenore_gateway::GatewayBuilder| {
        builder.key_file(&path).recent_models(["fake/Owl".to_owned()])
    };
    let server = Server::with(Fake::new(script), with).await;
    let (ada, bob) = ([("x-api-key", ada.as_str())], [("x-api-key", bob.as_str())]);
    let body = ask("fake/Jay", json!([user("Hi")]));
    post(server.address, CHAT, &ada, &body).await.with_status(200);
    assert_eq!(list(&server, &ada).await, ["raven", "fake/Jay", "family/crow"]);
    assert_eq!(list(&server, &bob).await, ["raven", "family/crow"]);
    server.end().await;
}
