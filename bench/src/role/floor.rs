//! The floor: a client of the site's calls and socket, without a page or a browser. It exists for
//! the local site only, to be measured against.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::future::try_join_all;
use reqwest::Client as Http;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Command, First};
use crate::Failure;
use crate::heard::Heard;
use crate::site;

const EMAIL: &str = "floor@example.org";

/// How long an answer may take.
const WAIT: Duration = Duration::from_secs(120);

pub(super) struct Floor {
    http: Http,
    url: String,
    settings: Value,
}

impl Floor {
    pub(super) async fn sign_in(site: &str) -> Result<Self, Failure> {
        let http = Http::builder().cookie_store(true).tcp_nodelay(true).build()?;
        let mut client = Self { http, url: site.to_owned(), settings: Value::Null };
        client.call("SendVerificationCodeMutation", json!({ "emailAddress": EMAIL })).await?;
        let code = site::code(site, EMAIL).await?;
        let variables = json!({ "emailAddress": EMAIL, "verificationCode": code });
        client.call("LoginWithVerificationCodeMutation", variables).await?;
        let settings = client.http.get(format!("{site}/api/settings")).send().await?;
        client.settings = settings.json().await?;
        Ok(client)
    }

    async fn call(&self, name: &str, variables: Value) -> Result<Value, Failure> {
        let channel = self.settings["tchannelData"]["channel"].as_str().unwrap_or_default();
        let request = self
            .http
            .post(format!("{}/api/gql_POST", self.url))
            .header("poe-tchannel", channel)
            .json(&json!({ "queryName": name, "variables": variables }));
        Ok(request.send().await?.error_for_status()?.json().await?)
    }

    /// Asks on a socket that is open already, as a page's is.
    async fn exchange(&self, prompt: &str, number: usize, first: &First) -> Result<Heard, Failure> {
        let data = &self.settings["tchannelData"];
        let word = |name: &str| data[name].as_str().unwrap_or_default().to_owned();
        let address = format!(
            "{}?channel={}&hash={}",
            word("targetUrl").replacen("http", "ws", 1),
            word("channel"),
            word("channelHash"),
        );
        let (mut socket, _) = tokio_tungstenite::connect_async(&address).await?;
        let begin = Instant::now();
        let nonce = format!("{begin:?} {number}");
        let sent = self.call("SendMessageMutation", json!({
            "chatId": null, "bot": "GPT-4", "query": prompt, "clientNonce": nonce, "attachments": [],
        }));
        let reply = sent.await?;
        let answer = reply["data"]["messageEdgeCreate"]["botMessage"]["node"]["messageId"].as_u64();
        let mut own =
            Own { answer: answer.ok_or("the question was refused")?, heard: Heard::default() };
        while let Some(frame) = socket.next().await {
            if own.take(frame?.to_text()?, begin, first)? {
                return Ok(own.heard);
            }
        }
        Err("the socket closed".into())
    }
}

impl Floor {
    pub(super) async fn obey(&self, command: Command) -> Result<Value, Failure> {
        let Command::Ask { prompt, streams } = command else { return Ok(json!({})) };
        let first = First::default();
        let all = (0..streams).map(|number| self.exchange(&prompt, number, &first));
        let heard = tokio::time::timeout(WAIT, try_join_all(all)).await??;
        Ok(super::streams(&heard))
    }
}

/// The answer that is ours; every socket of the account gets those of all its chats.
struct Own {
    answer: u64,
    heard: Heard,
}

#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(borrow)]
    messages: Vec<std::borrow::Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    payload: Payload<'a>,
}

#[derive(Deserialize)]
struct Payload<'a> {
    #[serde(borrow)]
    data: Data<'a>,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow, rename = "messageAdded")]
    added: Option<Added<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Added<'a> {
    message_id: u64,
    state: &'a str,
    text: std::borrow::Cow<'a, str>,
}

impl Own {
    /// Takes a frame; true where it ends the answer.
    fn take(&mut self, frame: &str, begin: Instant, first: &First) -> Result<bool, Failure> {
        if !frame.contains(&self.answer.to_string()) {
            return Ok(false);
        }
        let frame: Frame<'_> = serde_json::from_str(frame)?;
        for entry in &frame.messages {
            let Ok(entry) = serde_json::from_str::<Entry<'_>>(entry) else { continue };
            let Some(added) = entry.payload.data.added else { continue };
            if added.message_id != self.answer {
                continue;
            }
            let known = self.heard.text.len();
            if added.text.len() > known {
                if known == 0 {
                    self.heard.first = begin.elapsed();
                    first.came();
                }
                self.heard.take(&added.text[known..]);
            }
            if added.state == "complete" {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
