//! A person at the window: sees the page that the program opened, and signs in there.

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::support::in_time;

/// Works on the first page of a visible browser, which must run with a debugging port.
pub(crate) struct Hands {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    session: Option<String>,
    id: u64,
}

impl Hands {
    /// Waits for the program's browser to come up in a window, and takes hold of the page that
    /// shows the site.
    pub(crate) async fn on(profile: &Path, site: &str) -> Self {
        let port = profile.join("DevToolsActivePort");
        in_time("the window", async {
            loop {
                if let Some(hands) = Self::reach(&port, site).await {
                    return hands;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        })
        .await
    }

    async fn reach(port: &PathBuf, site: &str) -> Option<Self> {
        let text = std::fs::read_to_string(port).ok()?;
        let (port, path) = text.split_once('\n')?;
        let address = format!("ws://127.0.0.1:{port}{}", path.trim());
        let (socket, _) = tokio_tungstenite::connect_async(address).await.ok()?;
        let mut hands = Self { socket, session: None, id: 0 };
        // The headless browser that came first is not for hands.
        let version = hands.call("Browser.getVersion", json!({})).await?;
        if version["userAgent"].as_str()?.contains("Headless") {
            return None;
        }
        let targets = hands.call("Target.getTargets", json!({})).await?;
        let page = targets["targetInfos"].as_array()?.iter().find(|target| {
            target["type"] == "page"
                && target["url"].as_str().is_some_and(|url| url.starts_with(site))
        })?;
        let attach = json!({ "targetId": page["targetId"], "flatten": true });
        let attached = hands.call("Target.attachToTarget", attach).await?;
        hands.session = attached["sessionId"].as_str().map(str::to_owned);
        Some(hands)
    }

    /// Signs in by the login form, and lands where the form leads to.
    pub(crate) async fn sign_in(&mut self, email: &str, code: impl Fn() -> Option<String>) {
        let go = "window.going ||= (location.href = '/login?redirect_url=%2F', true)";
        self.until(&format!("location.pathname === '/login' || ({go}, false)")).await;
        self.until(&typed("[class*=EmailInput_]", email)).await;
        self.until("document.querySelector('[class*=VerificationCodeInput_]') !== null").await;
        let code = code().expect("a code was mailed");
        self.until(&typed("[class*=VerificationCodeInput_]", &code)).await;
    }

    /// Closes the window as soon as it holds the session.
    pub(crate) async fn close_once_signed_in(mut self, cookie: &str) {
        self.session = None;
        in_time("the session", async {
            loop {
                let found = self.call("Storage.getCookies", json!({})).await;
                let cookies = found.as_ref().and_then(|found| found["cookies"].as_array());
                if cookies.is_some_and(|all| all.iter().any(|it| it["name"] == cookie)) {
                    return;
                }
            }
        })
        .await;
        self.close().await;
    }

    /// Closes the window.
    pub(crate) async fn close(mut self) {
        self.session = None;
        let _ = self.call("Browser.close", json!({})).await;
    }

    /// Evaluates until something true comes of it.
    async fn until(&mut self, expression: &str) {
        in_time(expression, async {
            let parameters = json!({ "expression": expression, "returnByValue": true });
            loop {
                let result = self.call("Runtime.evaluate", parameters.clone()).await;
                if result.is_some_and(|result| result["result"]["value"] == json!(true)) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
    }

    async fn call(&mut self, method: &str, params: Value) -> Option<Value> {
        self.id += 1;
        let mut command = json!({ "id": self.id, "method": method, "params": params });
        if let Some(session) = &self.session {
            command["sessionId"] = json!(session);
        }
        self.socket.send(Message::text(command.to_string())).await.ok()?;
        loop {
            let message = self.socket.next().await?.ok()?;
            let answer: Value = serde_json::from_str(message.to_text().ok()?).ok()?;
            if answer["id"] == json!(self.id) {
                return answer.get("result").cloned();
            }
        }
    }
}

/// An expression that types into a box and presses the form's button, once the box is there.
fn typed(selector: &str, text: &str) -> String {
    format!(
        "(() => {{ const box = document.querySelector('{selector}'); if (!box) return false; \
         Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(box, '{text}'); \
         box.dispatchEvent(new InputEvent('input', {{ bubbles: true }})); \
         box.form.querySelector('button').click(); return true; }})()"
    )
}
