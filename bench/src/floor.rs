//! The floor: a client of the site's calls and socket, without a page or a browser. It exists for
//! the local site only, to be measured against.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use reqwest::Client as Http;
use serde_json::{Value, json};

use crate::Failure;
use crate::measure::{Heard, age};
use crate::site::Site;

const EMAIL: &str = "floor@example.org";

pub(crate) struct Client {
    http: Http,
    url: String,
    settings: Value,
}

impl Client {
    pub(crate) async fn sign_in(site: &Site) -> Result<Self, Failure> {
        let http = Http::builder().cookie_store(true).tcp_nodelay(true).build()?;
        let mut client = Self { http, url: site.url.clone(), settings: Value::Null };
        client.call("SendVerificationCodeMutation", json!({ "emailAddress": EMAIL })).await?;
        let code = site.code(EMAIL).await?;
        let variables = json!({ "emailAddress": EMAIL, "verificationCode": code });
        client.call("LoginWithVerificationCodeMutation", variables).await?;
        let settings = client.http.get(format!("{}/api/settings", site.url)).send().await?;
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
    pub(crate) async fn ask(&self, prompt: &str) -> Result<Heard, Failure> {
        let data = &self.settings["tchannelData"];
        let word = |name: &str| data[name].as_str().unwrap_or_default().to_owned();
        let address = format!(
            "{}?min_seq={}&channel={}&hash={}",
            word("targetUrl").replacen("http", "ws", 1),
            word("minSeq"),
            word("channel"),
            word("channelHash"),
        );
        let (mut socket, _) = tokio_tungstenite::connect_async(&address).await?;
        let begin = Instant::now();
        let nonce = format!("{:?}", begin);
        let variables = json!({
            "chatId": null, "bot": "GPT-4", "query": prompt, "clientNonce": nonce, "attachments": [],
        });
        let sent = self.call("SendMessageMutation", variables);
        let heard = async {
            let (mut ages, mut first) = (Vec::new(), None);
            while let Some(frame) = socket.next().await {
                let frame: Value = serde_json::from_str(frame?.to_text()?)?;
                for entry in frame["messages"].as_array().into_iter().flatten() {
                    let entry: Value = serde_json::from_str(entry.as_str().unwrap_or_default())?;
                    let message = &entry["payload"]["data"]["messageAdded"];
                    if !message["author"].is_string() || message["author"] == "human" {
                        continue;
                    }
                    if message["state"] == "complete" {
                        let first = first.unwrap_or_default();
                        return Ok::<_, Failure>(Heard { ages, first, sent_to_first: first });
                    }
                    if let Some(age) = age(message["text"].as_str().unwrap_or_default()) {
                        first.get_or_insert_with(|| begin.elapsed());
                        ages.push(age);
                    }
                }
            }
            Err("the socket closed".into())
        };
        let both = async { tokio::try_join!(heard, sent) };
        let (heard, _) = tokio::time::timeout(Duration::from_secs(60), both).await??;
        Ok(heard)
    }
}
