//! A plain client of the local site: HTTP with cookies, and its socket.

#![allow(dead_code, reason = "no test file uses all of it")]

use std::time::Duration;

use futures_util::StreamExt as _;
use lenore_sim::{Edition, Options, Sim};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// Long enough for a slow machine; nothing here waits for it when all is well.
pub(crate) const DEADLINE: Duration = Duration::from_secs(10);

pub(crate) async fn start() -> Sim {
    Sim::start(Options::default().edition(Edition::Y2023).seed(7)).await.expect("the site starts")
}

/// One signed-in user.
pub(crate) struct User {
    pub(crate) http: reqwest::Client,
    pub(crate) url: String,
    pub(crate) channel: String,
    pub(crate) socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    nonces: u32,
}

impl User {
    /// Signs in by mail, asks for the settings and opens the socket.
    pub(crate) async fn sign_in(sim: &Sim, email: &str) -> User {
        let http = reqwest::Client::builder().cookie_store(true).build().expect("a client");
        let url = sim.url().to_owned();
        call(&http, &url, "", "SendVerificationCodeMutation", json!({ "emailAddress": email }))
            .await;
        let code = sim.inbox(email).expect("a code was mailed");
        let login = json!({ "emailAddress": email, "verificationCode": code });
        let (_, reply) = call(&http, &url, "", "LoginWithVerificationCodeMutation", login).await;
        assert_eq!(reply["data"]["loginWithCode"]["status"], "success");
        let settings = settings(&http, &url).await;
        let channel = settings["channel"].as_str().expect("a channel").to_owned();
        let socket = connect(&settings, settings["minSeq"].as_str().expect("minSeq")).await;
        User { http, url, channel, socket, nonces: 0 }
    }

    pub(crate) async fn gql(&self, name: &str, variables: Value) -> (u16, Value) {
        call(&self.http, &self.url, &self.channel, name, variables).await
    }

    /// Sends a question; gives the reply's `messageEdgeCreate`.
    pub(crate) async fn send(&mut self, chat: Option<u64>, query: &str) -> Value {
        self.nonces += 1;
        let question = question(chat, query, &format!("nonce{}", self.nonces));
        let (status, reply) = self.gql("SendMessageMutation", question).await;
        assert_eq!(status, 200, "{reply}");
        reply["data"]["messageEdgeCreate"].clone()
    }

    /// The next frame.
    pub(crate) async fn frame(&mut self) -> Option<Value> {
        loop {
            let next =
                tokio::time::timeout(DEADLINE, self.socket.next()).await.expect("a frame in time");
            match next? {
                Ok(Message::Text(text)) => {
                    if let Ok(frame) = serde_json::from_str(&text) {
                        return Some(frame);
                    }
                }
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// The `messageAdded` entries of an answer until its end.
    pub(crate) async fn answer(&mut self, id: &Value) -> Vec<Value> {
        let mut found: Vec<Value> = Vec::new();
        while let Some(frame) = self.frame().await {
            let entries = entries(&frame, "messageAdded");
            found.extend(entries.into_iter().filter(|node| node["messageId"] == *id));
            if found.last().is_some_and(|node| node["state"] != "incomplete") {
                break;
            }
        }
        found
    }
}

/// What a frame says of one subscription.
pub(crate) fn entries(frame: &Value, subscription: &str) -> Vec<Value> {
    let entries = frame["messages"].as_array().cloned().unwrap_or_default();
    entries
        .iter()
        .filter_map(|entry| serde_json::from_str::<Value>(entry.as_str()?).ok())
        .filter(|entry| entry["payload"]["subscription_name"] == subscription)
        .map(|entry| entry["payload"]["data"][subscription].clone())
        .filter(|node| !node.is_null())
        .collect()
}

pub(crate) fn question(chat: Option<u64>, query: &str, nonce: &str) -> Value {
    json!({ "chatId": chat, "bot": "GPT-4", "query": query, "clientNonce": nonce, "attachments": [], "shouldFetchChat": true })
}

pub(crate) async fn settings(http: &reqwest::Client, url: &str) -> Value {
    let reply = http.get(format!("{url}/api/settings")).send().await.expect("a reply");
    reply.json::<Value>().await.expect("JSON")["tchannelData"].clone()
}

pub(crate) async fn connect(
    settings: &Value,
    min_seq: &str,
) -> WebSocketStream<MaybeTlsStream<TcpStream>> {
    let target = settings["targetUrl"].as_str().expect("targetUrl").replacen("http", "ws", 1);
    let (channel, hash) = (&settings["channel"], &settings["channelHash"]);
    let (channel, hash) = (channel.as_str().expect("channel"), hash.as_str().expect("hash"));
    let url = format!("{target}?min_seq={min_seq}&channel={channel}&hash={hash}");
    tokio_tungstenite::connect_async(url).await.expect("the socket opens").0
}

pub(crate) async fn call(
    http: &reqwest::Client,
    url: &str,
    channel: &str,
    name: &str,
    variables: Value,
) -> (u16, Value) {
    let reply = http
        .post(format!("{url}/api/gql_POST"))
        .header("poe-tchannel", channel)
        .json(&json!({ "queryName": name, "variables": variables, "extensions": { "hash": "x" } }))
        .send()
        .await
        .expect("a reply");
    (reply.status().as_u16(), reply.json().await.unwrap_or_default())
}
