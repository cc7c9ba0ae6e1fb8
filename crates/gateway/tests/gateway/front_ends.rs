//! What a front end really sent, replayed: `tests/requests/` has it as it was recorded.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use lenore_provider::{ChatRequest, Earlier, Event, Role};
use serde::Deserialize;
use serde_json::Value;

use crate::support::{Fake, Server, Step, Wire, delta, finished, frames, request};

/// A request as it was recorded, and what became of it.
#[derive(Clone, Debug, Deserialize)]
struct Recorded {
    method: String,
    path: String,
    headers: BTreeMap<String, String>,
    /// Where it has `tools`, that is the name of their file.
    #[serde(default)]
    body: Value,
    /// What the bot said, in its pieces.
    #[serde(default)]
    answer: Vec<String>,
    /// Whether the front end left before the answer was complete.
    #[serde(default)]
    leaves: bool,
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/requests/open-webui-0.12")
}

fn read<T: for<'a> Deserialize<'a>>(name: &str) -> T {
    let text = std::fs::read_to_string(directory().join(name));
    let text = text.unwrap_or_else(|error| panic!("{name}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn recorded(name: &str) -> Vec<Recorded> {
    let mut all: Vec<Recorded> = read(name);
    assert!(!all.is_empty(), "{name}");
    for one in &mut all {
        if let Some(tools) = one.body["tools"].as_str() {
            one.body["tools"] = read(tools);
        }
    }
    all
}

/// A bot that says what was recorded, in its order. Each new chat has a name of its own, and each
/// message the number of those before it.
fn bot(all: &[Recorded]) -> Fake {
    let answers: VecDeque<_> = all.iter().map(|one| (one.answer.clone(), one.leaves)).collect();
    let (answers, chats, messages) =
        (Mutex::new(answers), AtomicUsize::new(0), AtomicUsize::new(0));
    Fake::new(move |request: &ChatRequest| {
        let new = || format!("chat{}", chats.fetch_add(1, Ordering::Relaxed));
        let chat = request.earlier.clone().map_or_else(new, |earlier| earlier.chat);
        let message = format!("m{}", messages.fetch_add(1, Ordering::Relaxed));
        let begun = Step::Say(Event::Started { chat, message, bot: "RAVEN".into() });
        let (answer, leaves) = answers.lock().expect("no panic").pop_front().unwrap_or_default();
        let end = if leaves { Step::Hang } else { finished() };
        let pieces: Vec<_> = answer.iter().map(|piece| delta(piece)).collect();
        [vec![begun], pieces, vec![end]].concat()
    })
}

impl Recorded {
    /// Sends it. The events of the whole answer, or none where the front end leaves.
    async fn replay(&self, server: &Server) -> Vec<Value> {
        let headers: Vec<_> =
            self.headers.iter().map(|(name, value)| (&**name, &**value)).collect();
        let body = if self.body.is_null() { String::new() } else { self.body.to_string() };
        let mut wire = Wire::open(server.address).await;
        wire.send(request(&self.method, &self.path, &headers, &body)).await;
        if self.leaves {
            wire.until(self.answer.last().map_or("\r\n\r\n", String::as_str)).await;
            drop(wire);
            server.fake.until_running(0).await;
            return Vec::new();
        }
        let reply = wire.reply().await.with_status(200);
        assert_eq!(reply.header("x-lenore-ignored"), None, "all of it is honoured");
        let is_streamed = self.body["stream"] == true;
        if !is_streamed {
            return vec![reply.json()];
        }
        let frames = frames(&reply.body).into_iter();
        frames.filter_map(|(_, data)| serde_json::from_str(&data).ok()).collect()
    }

    /// What the person said last.
    fn last_words(&self) -> &str {
        let messages = self.body["messages"].as_array().expect("messages");
        messages.last().expect("one")["content"].as_str().expect("a text")
    }
}

fn text(events: &[Value]) -> String {
    let pieces = events.iter().map(|event| &event["choices"][0]["delta"]["content"]);
    pieces.filter_map(Value::as_str).collect()
}

/// Checks that a question goes on from a message of a chat, and that nothing but these words is
/// new.
#[track_caller]
fn goes_on(request: &ChatRequest, chat: &str, message: &str, words: &[(Role, &str)]) {
    let length = request.messages.len() - words.len();
    let expected = Earlier { chat: chat.into(), message: message.into(), length };
    assert_eq!(request.earlier, Some(expected), "{:#?}", request.messages);
    assert!(request.resume && request.chat.is_none());
    let new = request.messages[length..].iter();
    let new: Vec<_> = new.map(|message| (message.role, &*message.content)).collect();
    assert_eq!(new, words);
}

async fn server(all: &[Recorded]) -> Server {
    Server::with(bot(all), |builder| builder.strict(true)).await
}

#[tokio::test]
async fn open_webui_lists_the_models() {
    let all = recorded("models.json");
    let server = server(&all).await;
    let list = all[0].replay(&server).await.remove(0);
    assert_eq!(list["data"][0]["id"], "raven");
    server.end().await;
}

#[tokio::test]
async fn a_conversation_in_open_webui_goes_on_in_its_chat_after_stop_as_well() {
    let all = recorded("conversation.json");
    assert!(all.len() == 4 && all[2].leaves, "question, question, stop, question");
    let server = server(&all).await;
    for (index, one) in all.iter().enumerate() {
        let events = one.replay(&server).await;
        let expected = if one.leaves { String::new() } else { one.answer.concat() };
        assert_eq!(text(&events), expected);
        let request = server.fake.asked().pop().expect("a question").request;
        if index == 0 {
            assert_eq!(request.earlier, None);
            assert!(request.messages[0].content.contains("search_calendar_events"), "its tools");
        } else {
            let message = format!("m{}", index - 1);
            goes_on(&request, "chat0", &message, &[(Role::User, one.last_words())]);
        }
    }
    server.end().await;
}

#[tokio::test]
async fn an_answer_that_was_stopped_before_its_first_word_is_gone_on_from() {
    let all = recorded("stopped-early.json");
    let [_, stopped, next] = &all[..] else { panic!("{all:#?}") };
    assert!(stopped.leaves && stopped.answer.is_empty());
    let roles = next.body["messages"].as_array().expect("messages").iter();
    let roles: Vec<_> = roles.map(|message| message["role"].as_str().expect("a role")).collect();
    assert_eq!(roles, ["user", "assistant", "user", "user"], "the empty answer is left out");
    let server = server(&all).await;
    for one in &all {
        one.replay(&server).await;
    }
    let request = server.fake.asked().pop().expect("a question").request;
    goes_on(&request, "chat0", "m1", &[(Role::User, next.last_words())]);
    server.end().await;
}

#[tokio::test]
async fn tools_of_open_webui_are_called_and_their_results_told_in_the_same_chat() {
    let all = recorded("tool-call.json");
    let server = server(&all).await;
    let events = all[0].replay(&server).await;
    let calls: Vec<_> = events
        .iter()
        .filter_map(|event| event["choices"][0]["delta"]["tool_calls"].get(0))
        .collect();
    assert_eq!(calls[0]["function"]["name"], "get_current_timestamp");
    assert_eq!(text(&all[1].replay(&server).await), all[1].answer.concat());
    let request = server.fake.asked().pop().expect("a question").request;
    let result = request.messages.last().expect("one").content.clone();
    assert!(result.contains("user_timezone"), "{result}");
    goes_on(&request, "chat0", "m0", &[(Role::Tool, &result)]);
    all[2].replay(&server).await;
    let request = server.fake.asked().pop().expect("a question").request;
    goes_on(&request, "chat0", "m1", &[(Role::User, all[2].last_words())]);
    server.end().await;
}

#[tokio::test]
async fn a_picture_in_open_webui_is_passed_on_with_each_question_after_it() {
    let all = recorded("picture.json");
    let server = server(&all).await;
    for one in &all {
        one.replay(&server).await;
        let asked = server.fake.asked().pop().expect("a question");
        let [(_, bytes)] = &asked.files[..] else { panic!("{:#?}", asked.files) };
        assert!(bytes.starts_with(b"\x89PNG\r\n\x1a\n") && bytes.ends_with(b"IEND\xaeB`\x82"));
        assert_eq!(asked.request.earlier, None, "files are not known again");
    }
    server.end().await;
}

#[tokio::test]
async fn what_open_webui_asks_on_the_side_goes_to_the_side_model() {
    let all = recorded("side-questions.json");
    let conversation = recorded("conversation.json");
    let with = |builder: lenore_gateway::GatewayBuilder| {
        builder.strict(true).side_model("family/crow:temporary")
    };
    let server = Server::with(bot(&[]), with).await;
    for one in &all {
        one.replay(&server).await;
        let request = server.fake.asked().pop().expect("a question").request;
        assert_eq!((&*request.model, request.temporary), ("family/crow", true), "{one:#?}");
    }
    conversation[0].replay(&server).await;
    let request = server.fake.asked().pop().expect("a question").request;
    assert!(request.model != "family/crow" && !request.temporary, "a person asked that");
    server.end().await;
}

#[tokio::test]
async fn the_continue_button_of_open_webui_needs_a_prefill_by_prompt() {
    let all = recorded("continue.json");
    let with = |builder: lenore_gateway::GatewayBuilder| builder.prefill_by_prompt(true);
    let server = Server::with(bot(&all), with).await;
    all[0].replay(&server).await;
    server.end().await;
    let server = Server::scripted().await;
    let body = &all[0].body;
    let error = crate::support::post(server.address, &all[0].path, &[], body).await;
    let error = error.with_status(400).json();
    assert!(error["error"]["message"].as_str().is_some_and(|text| text.contains("--prefill")));
    assert!(server.fake.asked().is_empty());
    server.end().await;
}
