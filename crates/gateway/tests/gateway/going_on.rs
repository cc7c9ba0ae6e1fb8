//! A conversation goes on in its chat, in whatever form a client sends the bot's answer back.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use lenore_provider::{ChatRequest, Earlier, Event, Role};
use serde_json::{Value, json};

use crate::support::{
    Fake, Reply, Server, Step, Wire, delta, finished, frames, post, request, started,
};

/// How a client speaks.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Dialect {
    Chat,
    Responses,
    Messages,
}

use Dialect::{Chat, Messages, Responses};

/// A client, which holds the conversation in its dialect's own form.
#[derive(Clone, Debug)]
struct Client {
    dialect: Dialect,
    model: &'static str,
    stream: bool,
    /// Fields beside the conversation.
    more: Value,
    headers: Vec<(&'static str, &'static str)>,
    items: Vec<Value>,
}

impl Client {
    fn new(dialect: Dialect, stream: bool) -> Self {
        let (more, headers, items) = (json!({}), Vec::new(), Vec::new());
        Self { dialect, model: "raven", stream, more, headers, items }
    }

    /// All of them.
    fn each() -> impl Iterator<Item = Self> {
        let dialects = [Chat, Responses, Messages].into_iter();
        dialects.flat_map(|dialect| [false, true].map(|stream| Self::new(dialect, stream)))
    }

    fn with(mut self, more: Value) -> Self {
        self.more = more;
        self
    }

    fn with_tools(self) -> Self {
        let schema = json!({ "type": "object", "properties": {
            "city": { "type": "string" }, "days": { "type": "number" },
        } });
        let tool = match self.dialect {
            Chat => json!({ "type": "function",
                "function": { "name": "weather", "parameters": schema } }),
            Responses => json!({ "type": "function", "name": "weather", "parameters": schema }),
            Messages => json!({ "name": "weather", "input_schema": schema }),
        };
        self.with(json!({ "tools": [tool] }))
    }

    /// Says something, and takes the answer into the conversation.
    async fn says(&mut self, to: SocketAddr, words: &str) {
        self.items.push(json!({ "role": "user", "content": words }));
        self.asks(to).await;
    }

    /// Gives the results of all calls in the last answer.
    async fn gives_results(&mut self, to: SocketAddr) {
        let ids = self.calls();
        assert!(!ids.is_empty(), "nothing was called: {self:#?}");
        let results = ids.into_iter().map(|id| match self.dialect {
            Chat => json!({ "role": "tool", "tool_call_id": id, "content": "rain" }),
            Responses => json!({ "type": "function_call_output", "call_id": id, "output": "rain" }),
            Messages => json!({ "type": "tool_result", "tool_use_id": id, "content": "rain" }),
        });
        let results: Vec<_> = results.collect();
        match self.dialect {
            Messages => self.items.push(json!({ "role": "user", "content": results })),
            Chat | Responses => self.items.extend(results),
        }
        self.asks(to).await;
    }

    /// The ids of the calls in the last answer.
    fn calls(&self) -> Vec<Value> {
        let of = |list: &Value, kind: &str, id: &str| {
            let list = list.as_array().cloned().unwrap_or_default();
            let calls = list.into_iter().filter(|call| call["type"] == kind);
            calls.map(|call| call[id].clone()).collect()
        };
        let last = self.items.last().expect("an answer");
        match self.dialect {
            Chat => of(&last["tool_calls"], "function", "id"),
            Messages => of(&last["content"], "tool_use", "id"),
            Responses => of(&self.items.clone().into(), "function_call", "call_id"),
        }
    }

    async fn asks(&mut self, to: SocketAddr) {
        let (path, name) = match self.dialect {
            Chat => ("/v1/chat/completions", "messages"),
            Responses => ("/v1/responses", "input"),
            Messages => ("/v1/messages", "messages"),
        };
        let mut body = self.more.clone();
        body["model"] = self.model.into();
        body["stream"] = self.stream.into();
        body[name] = self.items.clone().into();
        if self.dialect == Messages {
            body["max_tokens"] = body["max_tokens"].as_u64().unwrap_or(1000).into();
        }
        let reply = post(to, path, &self.headers, &body).await.with_status(200);
        self.take(&reply);
    }

    /// Keeps an answer as the official clients do.
    fn take(&mut self, reply: &Reply) {
        let whole = if self.stream { Value::Null } else { reply.json() };
        match (self.dialect, self.stream) {
            (Chat, false) => self.items.push(whole["choices"][0]["message"].clone()),
            (Responses, false) => {
                self.items.extend(whole["output"].as_array().cloned().expect("a list"));
            }
            (Messages, false) => {
                self.items.push(json!({ "role": "assistant", "content": whole["content"] }));
            }
            (Chat, true) => self.items.push(chat_message(&events(reply))),
            (Responses, true) => {
                let events = events(reply);
                let output = &events.last().expect("an event")["response"]["output"];
                self.items.extend(output.as_array().cloned().expect("a list"));
            }
            (Messages, true) => {
                let content = message_content(&events(reply));
                self.items.push(json!({ "role": "assistant", "content": content }));
            }
        }
    }
}

fn events(reply: &Reply) -> Vec<Value> {
    let frames = frames(&reply.body).into_iter();
    frames.filter_map(|(_, data)| serde_json::from_str(&data).ok()).collect()
}

/// A message that is put together from chunks.
fn chat_message(chunks: &[Value]) -> Value {
    let (mut text, mut calls) = (String::new(), Vec::<Value>::new());
    for delta in chunks.iter().map(|chunk| &chunk["choices"][0]["delta"]) {
        text.push_str(delta["content"].as_str().unwrap_or_default());
        for call in delta["tool_calls"].as_array().into_iter().flatten() {
            let index = usize::try_from(call["index"].as_u64().expect("a number")).expect("small");
            match calls.get_mut(index) {
                None => calls.push(call.clone()),
                Some(begun) => {
                    let more = call["function"]["arguments"].as_str().unwrap_or_default();
                    let so_far = begun["function"]["arguments"].as_str().unwrap_or_default();
                    begun["function"]["arguments"] = format!("{so_far}{more}").into();
                }
            }
        }
    }
    let mut message = json!({ "role": "assistant", "content": text });
    if !calls.is_empty() {
        message["tool_calls"] = calls.into();
    }
    message
}

/// A message's blocks that are put together from events.
fn message_content(events: &[Value]) -> Value {
    let mut blocks = Vec::<Value>::new();
    for event in events {
        let delta = &event["delta"];
        match (event["type"].as_str(), delta["type"].as_str()) {
            (Some("content_block_start"), _) => blocks.push(event["content_block"].clone()),
            (_, Some("text_delta")) => {
                let block = blocks.last_mut().expect("begun");
                let so_far = block["text"].as_str().unwrap_or_default();
                let more = delta["text"].as_str().unwrap_or_default();
                block["text"] = format!("{so_far}{more}").into();
            }
            (_, Some("input_json_delta")) => {
                let json = delta["partial_json"].as_str().unwrap_or_default();
                let block = blocks.last_mut().expect("begun");
                block["input"] = serde_json::from_str(json).expect("whole");
            }
            _ => {}
        }
    }
    blocks.into()
}

/// The first chat that a bot opens.
const FIRST: &str = "chat0";

/// A bot that says this first, this where it is to mend it, and something plain to all else. Each
/// new chat has a name of its own, and each message there the number of those before it.
fn bot(first: Vec<Step>, mended: &'static str) -> Fake {
    let chats = AtomicUsize::new(0);
    Fake::new(move |request: &ChatRequest| {
        let message = format!("m{}", request.messages.len() + usize::from(request.chat.is_some()));
        let ChatRequest { chat, earlier, .. } = request;
        let gone_on_in = chat.clone().or_else(|| earlier.clone().map(|earlier| earlier.chat));
        let chat =
            gone_on_in.unwrap_or_else(|| format!("chat{}", chats.fetch_add(1, Ordering::Relaxed)));
        let begun = Event::Started { chat, message, bot: "RAVEN".into() };
        let steps = match request.messages.last() {
            Some(message) if message.content.contains("first") => first.clone(),
            _ if request.chat.is_some() => vec![delta(mended), finished()],
            _ => vec![delta("{}"), finished()],
        };
        std::iter::once(Step::Say(begun)).chain(steps).collect()
    })
}

/// Checks that the last question goes on from this message, which is the last that the bot said.
#[track_caller]
fn goes_on_from(server: &Server, message: &str, client: &Client) {
    let asked = server.fake.asked();
    let request = &asked.last().expect("a question").request;
    let length = request.messages.iter().rposition(|message| message.role == Role::Assistant);
    let expected =
        Earlier { chat: FIRST.into(), message: message.into(), length: length.expect("one") + 1 };
    assert_eq!(request.earlier, Some(expected), "{client:#?}\n{:#?}", request.messages);
    assert!(request.resume && request.chat.is_none());
    assert!(length.is_some_and(|length| length + 1 < request.messages.len()));
}

/// Asks, and leaves once four words of the answer are there.
async fn stop_amid(server: &Server, endless: &Value) {
    let mut wire = Wire::open(server.address).await;
    wire.send(request("POST", "/v1/chat/completions", &[], &endless.to_string())).await;
    for _ in 0..4 {
        wire.until("quoth").await;
    }
    drop(wire);
    server.fake.until_running(0).await;
}

#[tokio::test]
async fn who_stops_an_answer_goes_on_in_its_chat() {
    let server = Server::scripted().await;
    let endless =
        json!({ "messages": [{ "role": "user", "content": "[endless]" }], "stream": true });
    stop_amid(&server, &endless).await;
    // The front end has less of it, and without the blank at its end.
    for (said, is_known) in [("quoth quoth", true), ("quoth", true), ("quoth the", false)] {
        let body = json!({ "messages": [
            { "role": "user", "content": "[endless]" },
            { "role": "assistant", "content": said },
            { "role": "user", "content": "Go on" },
        ] });
        post(server.address, "/v1/chat/completions", &[], &body).await.with_status(200);
        let asked = server.fake.asked().pop().expect("a question").request;
        let earlier = asked.earlier.map(|earlier| (earlier.chat, earlier.message, earlier.length));
        let expected = is_known.then(|| ("c0de".to_owned(), "m1".to_owned(), 2));
        assert_eq!(earlier, expected, "{said}");
        // The chat has gone on; for the next of these it is as it was.
        stop_amid(&server, &endless).await;
    }
    server.end().await;
}

#[tokio::test]
async fn calls_are_known_again_however_the_bot_wrote_them() {
    for written in [
        r#"<tool_call>{"name": "weather", "arguments": {"city": "Köln", "days": 2}}</tool_call>"#,
        r#"<tool_call>{"name":"weather","arguments":{"days":2,"city":"Köln"}}</tool_call>"#,
        "<tool_call>\n{\"name\": \"weather\",\n \"arguments\": {\"city\": \"K\\u00f6ln\"}}\n</tool_call>",
        "I look. \n\n<tool_call>```json\n{\"name\":\"weather\",\"input\":{\"days\":2.0}}\n```</tool_call>\n",
        "One.\n<tool_call>{\"name\":\"weather\"}</tool_call>\nTwo.\n\
         <tool_call>{\"name\":\"weather\",\"arguments\":\"{\\\"city\\\":\\\"Bonn\\\"}\"}",
    ] {
        for mut client in Client::each().map(Client::with_tools) {
            // In the pieces in which it comes.
            let first = written.split_inclusive(' ').map(delta).chain([finished()]).collect();
            let server = Server::over(bot(first, "")).await;
            client.says(server.address, "first").await;
            client.gives_results(server.address).await;
            goes_on_from(&server, "m2", &client);
            client.says(server.address, "And?").await;
            goes_on_from(&server, "m4", &client);
            server.end().await;
        }
    }
}

#[tokio::test]
async fn clients_may_have_numbers_of_another_form() {
    let written = r#"<tool_call>{"name":"weather","arguments":{"days":2.0}}</tool_call>"#;
    let server = Server::over(bot(vec![delta(written), finished()], "")).await;
    let mut client = Client::new(Messages, false).with_tools();
    client.says(server.address, "first").await;
    let input = &mut client.items[1]["content"][0]["input"];
    assert_eq!(input.to_string(), r#"{"days":2.0}"#);
    *input = json!({ "days": 2 });
    client.gives_results(server.address).await;
    goes_on_from(&server, "m2", &client);
    server.end().await;
}

#[tokio::test]
async fn what_was_rewritten_or_mended_or_unwrapped_is_known_again() {
    let replace = |keep, text: &str| Step::Say(Event::Replace { keep, text: text.into() });
    let rewritten = || vec![delta("Searching"), replace(0, "Found. "), finished()];
    let bad =
        || vec![delta("I look.\n<tool_call>{\"name\":\"weather\",\"arguments\":7}"), finished()];
    const GOOD: &str =
        "<tool_call>{\"name\":\"weather\",\"arguments\":{\"city\":\"Bonn\"}}</tool_call>";
    let fenced = || vec![delta("```json\n{\"a\": 1}\n```"), finished()];
    for client in Client::each() {
        let format = match client.dialect {
            Chat => json!({ "response_format": { "type": "json_object" } }),
            Responses => json!({ "text": { "format": { "type": "json_object" } } }),
            Messages => json!({ "output_config": { "format": {
                "type": "json_schema", "schema": { "type": "object" },
            } } }),
        };
        for (first, mended, client, message) in [
            (rewritten(), "", client.clone(), "m1"),
            (bad(), GOOD, client.clone().with_tools(), "m2"),
            (bad(), "No tool is needed.", client.clone().with_tools(), "m2"),
            (fenced(), "", client.clone().with(format.clone()), "m2"),
            (vec![delta("{\"a\":"), finished()], "{\"a\": 2}", client.clone().with(format), "m2"),
        ] {
            let mut client = client;
            let server = Server::over(bot(first, mended)).await;
            client.says(server.address, "first").await;
            let calls = client.calls().len();
            if calls > 0 {
                client.gives_results(server.address).await;
            } else {
                client.says(server.address, "And?").await;
            }
            goes_on_from(&server, message, &client);
            server.end().await;
        }
    }
}

#[tokio::test]
async fn a_chat_that_holds_something_else_is_not_gone_on_in() {
    let calling = "<tool_call>{\"name\":\"weather\",\"arguments\":{}}</tool_call>";
    let first = || vec![delta("One two three four."), finished()];
    // What is cut is longer in the chat.
    for mut client in Client::each() {
        client.more = match client.dialect {
            Chat => json!({ "stop": "three" }),
            Messages => json!({ "max_tokens": 2 }),
            Responses => json!({ "max_output_tokens": 2 }),
        };
        let server = Server::over(bot(first(), "")).await;
        client.says(server.address, "first").await;
        client.more = json!({});
        client.says(server.address, "And?").await;
        assert_eq!(server.fake.asked()[1].request.earlier, None, "{client:#?}");
        server.end().await;
    }
    // A history that was edited, another model, another offer of tools.
    for client in Client::each().map(Client::with_tools) {
        let server = Server::over(bot(vec![delta(calling), finished()], "")).await;
        let mut client = client;
        client.says(server.address, "first").await;
        let mut edited = client.clone();
        edited.items[0]["content"] = "Not the first?".into();
        edited.gives_results(server.address).await;
        let mut other = client.clone();
        other.model = "family/crow";
        other.gives_results(server.address).await;
        let mut fewer = client.clone();
        fewer.more = json!({});
        fewer.gives_results(server.address).await;
        for asked in &server.fake.asked()[1..] {
            assert_eq!(asked.request.earlier, None, "{client:#?}");
        }
        // After all that the conversation itself still goes on, but a second branch of it does not.
        client.clone().gives_results(server.address).await;
        goes_on_from(&server, "m2", &client);
        client.gives_results(server.address).await;
        let asked = server.fake.asked();
        assert_eq!(asked.last().expect("asked").request.earlier, None, "{client:#?}");
        server.end().await;
    }
}

#[tokio::test]
async fn a_chat_that_was_named_or_is_to_be_new_is_nobodys_beginning() {
    for headers in [("x-lenore-chat", "c0de"), ("x-lenore-new-chat", "1")] {
        let server = Server::start([started(), delta("So."), finished()]).await;
        let mut client = Client::new(Chat, false);
        client.headers = vec![headers];
        client.says(server.address, "Hi").await;
        client.headers.clear();
        client.says(server.address, "And?").await;
        assert_eq!(server.fake.asked()[1].request.earlier, None, "{headers:?}");
        // From then on it is.
        client.headers = vec![headers];
        client.says(server.address, "And?").await;
        let request = &server.fake.asked()[2].request;
        assert!(request.earlier.is_none() || !request.resume, "{request:#?}");
        server.end().await;
    }
    // Nor is one of several answers, or one by the name of the response before.
    let server = Server::start([started(), delta("So."), finished()]).await;
    let mut client = Client::new(Chat, false).with(json!({ "n": 2 }));
    client.says(server.address, "Hi").await;
    client.more = json!({});
    client.says(server.address, "And?").await;
    assert_eq!(server.fake.asked()[2].request.earlier, None);
    let body = json!({ "input": "Hi there" });
    let id = post(server.address, "/v1/responses", &[], &body).await.json()["id"].clone();
    let body = json!({ "input": "And then?", "previous_response_id": id });
    post(server.address, "/v1/responses", &[], &body).await.with_status(200);
    let mut client = Client::new(Responses, false);
    client.items = vec![
        json!({ "role": "user", "content": "And then?" }),
        json!({ "role": "assistant", "content": "So." }),
    ];
    client.says(server.address, "Why?").await;
    assert_eq!(server.fake.asked().last().expect("asked").request.earlier, None);
    server.end().await;
}

#[tokio::test]
async fn the_place_of_an_answer_is_for_its_own_key_alone() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("keys.json");
    let mut file = lenore_gateway::KeyFile::open(&path).expect("none yet");
    let ada = file.add("ada", lenore_gateway::Limits::default()).expect("added");
    let bob = file.add("bob", lenore_gateway::Limits::default()).expect("added");
    let fake = bot(vec![delta("So."), finished()], "");
    let server = Server::with(fake, |builder| builder.key_file(&path)).await;
    let mut client = Client::new(Chat, false);
    client.headers = vec![("x-api-key", Box::leak(ada.into_boxed_str()))];
    client.says(server.address, "first").await;
    let mut other = client.clone();
    other.headers = vec![("x-api-key", Box::leak(bob.into_boxed_str()))];
    other.says(server.address, "And?").await;
    assert_eq!(server.fake.asked()[1].request.earlier, None);
    client.says(server.address, "And?").await;
    goes_on_from(&server, "m1", &client);
    server.end().await;
}
