//! A short run of a site without ports: one question, its answer, and all that belongs to it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::Response;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::channel::Out;
use crate::edition::Edition;
use crate::gql::{self, Call};
use crate::habits::{Habit, NextData, StopCall};
use crate::options::Options;
use crate::pages;
use crate::site::Site;

const SESSION: &str = "sample";
/// Nothing more comes when nothing came for so long.
const QUIET: Duration = Duration::from_millis(60);

/// What a site said.
pub(super) struct Sample {
    pub(super) settings: Value,
    /// The data inside a bot's page.
    pub(super) page: Value,
    /// The data inside a chat's page.
    pub(super) chat_page: Value,
    pub(super) next_data: Option<Value>,
    /// By operation.
    pub(super) replies: BTreeMap<String, Value>,
    /// A frame, with nothing in it.
    pub(super) frame: Value,
    /// The socket's entries, and when they were seen.
    pub(super) entries: Vec<(String, Value)>,
}

impl Sample {
    /// Runs such a site, on a thread of its own: the caller's runtime is not to wait.
    pub(super) fn take(edition: Edition, habits: &[Habit]) -> Sample {
        let mut options = Options::default().edition(edition).session(SESSION);
        options.habits = habits.to_vec();
        let run = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
            runtime.expect("a runtime without a network").block_on(Run::new(options).all())
        };
        std::thread::spawn(run).join().expect("a site without ports does not fail")
    }
}

struct Run {
    site: Arc<Site>,
    headers: HeaderMap,
    replies: BTreeMap<String, Value>,
    entries: Vec<(String, Value)>,
}

impl Run {
    fn new(options: Options) -> Run {
        let mut headers = HeaderMap::new();
        let cookie = format!("p-b={SESSION}");
        headers.insert(header::COOKIE, HeaderValue::from_str(&cookie).expect("plain"));
        let site = Arc::new(Site::new(options, 0, 1));
        Run { site, headers, replies: BTreeMap::new(), entries: Vec::new() }
    }

    async fn all(mut self) -> Sample {
        let settings = gql::settings(State(Arc::clone(&self.site)), self.headers.clone()).await;
        let settings = body(settings).await;
        let name = settings["tchannelData"]["channel"].as_str().unwrap_or_default();
        let channel = HeaderValue::from_str(name).expect("plain");
        self.headers.insert("poe-tchannel", channel);
        let account = self.site.account(&self.headers).expect("signed in");
        let channel = account.channels.find(name).expect("it was just told");
        let (_, mut frames) = channel.join(None);
        let page = self.page("/GPT-4").await;
        for name in ["SubscriptionsMutation", "ChatHistoryListQuery"] {
            self.call(name, json!({})).await;
        }
        let reply = self.ask(None, "say=One two three four., gap=0, suggestions=2").await;
        let frame = self.hear("ask", &mut frames).await;
        let chat = &reply["data"]["messageEdgeCreate"]["chat"];
        let code = chat["chatCode"].as_str().unwrap_or_default().to_owned();
        self.call("ChatPageQuery", json!({ "chatCode": code })).await;
        let chat_page = self.page(&format!("/chat/{code}")).await;
        let next_data = self.next_data(&code).await;
        self.stop(chat["chatId"].clone(), &mut frames).await;
        let code = json!({ "emailAddress": "sample@example.org", "verificationCode": "0" });
        for name in ["SendVerificationCodeMutation", "LoginWithVerificationCodeMutation"] {
            self.call(name, code.clone()).await;
        }
        if self.site.wire.is_new() {
            for name in ["ChatLastMessageAreaQuery", "ChatHelpers_ChatMarkAsSeen_Mutation"] {
                self.call(name, json!({})).await;
            }
        }
        let Run { replies, entries, .. } = self;
        Sample { settings, page, chat_page, next_data, replies, frame, entries }
    }

    async fn call(&mut self, operation: &str, variables: Value) -> Value {
        let call = Call { query_name: Some(operation.to_owned()), variables };
        let reply = body(gql::dispatch(&self.site, &self.headers, call).await).await;
        // Of two replies to the same call the first one is the usual one.
        self.replies.entry(operation.to_owned()).or_insert_with(|| reply.clone());
        reply
    }

    async fn ask(&mut self, chat: Option<Value>, words: &str) -> Value {
        let query = format!("Tea? [[sim: delay=0, {words}]]");
        let nonce = format!("nonce{}", self.entries.len());
        let question = json!({
            "chatId": chat, "bot": "GPT-4", "query": query, "clientNonce": nonce,
            "chatNonce": "chat", "attachments": [],
        });
        self.call("SendMessageMutation", question).await
    }

    /// Collects what comes, until nothing more comes; gives a frame without its entries.
    async fn hear(&mut self, scene: &str, frames: &mut mpsc::Receiver<Out>) -> Value {
        let mut last = Value::Null;
        while let Ok(Some(out)) = tokio::time::timeout(QUIET, frames.recv()).await {
            let Out::Text(text) = out else { continue };
            let Ok(mut frame) = serde_json::from_str::<Value>(&text) else { continue };
            let entries = frame["messages"].take();
            let texts = entries.as_array().into_iter().flatten().filter_map(Value::as_str);
            let read = texts.filter_map(|text| serde_json::from_str(text).ok());
            self.entries.extend(read.map(|entry| (scene.to_owned(), entry)));
            frame["messages"] = json!([]);
            last = frame;
        }
        last
    }

    async fn stop(&mut self, chat: Value, frames: &mut mpsc::Receiver<Out>) {
        let reply = self.ask(Some(chat.clone()), "silent=1").await;
        self.hear("ask", frames).await;
        if self.site.habits().stop_call == StopCall::Jobs {
            let operation = "cancelViewerActiveJobs_cancelViewerActiveJobs_Mutation";
            self.call(operation, json!({ "chatId": chat })).await;
        } else {
            let answer = &reply["data"]["messageEdgeCreate"]["botMessage"]["node"]["messageId"];
            let stop = json!({ "messageId": answer, "textLength": 0 });
            self.call("StopMessage_messageCancel_Mutation", stop).await;
        }
        self.hear("stop", frames).await;
    }

    /// The data inside a page.
    async fn page(&self, path: &str) -> Value {
        let (site, headers) = (State(Arc::clone(&self.site)), self.headers.clone());
        let uri: Uri = path.parse().expect("a path");
        let response = match path.strip_prefix("/chat/") {
            Some(code) => pages::chat(site, Path(code.to_owned()), headers, uri).await,
            None => pages::bot(site, Path(path[1..].to_owned()), headers, uri).await,
        };
        let html = to_bytes(response.into_body(), usize::MAX).await.unwrap_or_default();
        let html = String::from_utf8_lossy(&html);
        let opening = "<script id=\"__NEXT_DATA__\" type=\"application/json\">";
        let data = html.split_once(opening).and_then(|(_, rest)| rest.split_once("</script>"));
        let data: Value =
            data.and_then(|(data, _)| serde_json::from_str(data).ok()).unwrap_or_default();
        data["props"]["pageProps"].clone()
    }

    async fn next_data(&self, code: &str) -> Option<Value> {
        if self.site.habits().next_data == NextData::Off {
            return None;
        }
        let path = (self.site.assets.build.clone(), format!("chat/{code}.json"));
        let site = State(Arc::clone(&self.site));
        Some(body(pages::next_data(site, Path(path), self.headers.clone()).await).await)
    }
}

async fn body(response: Response) -> Value {
    let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}
