//! Who sees to it that nothing holds a page up.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::bidi::{AuthRequired, Challenged, Connection, Event, Of, PromptOpened};
use crate::Result;
use crate::proxy::Credentials;

/// How many requests are remembered that a proxy was given credentials for. It asks only until the
/// browser knows them.
const REMEMBERED: usize = 1024;

/// How often a window is told to close, how long that may take, and how long it is waited between.
const CLOSING: usize = 5;
const CLOSE: Duration = Duration::from_secs(5);
const BETWEEN_TRIES: Duration = Duration::from_millis(200);

/// Answers what would hold up a page: dialogs, and a proxy's demand for credentials.
pub(super) struct Attendant {
    connection: Arc<Connection>,
    credentials: Option<Credentials>,
    /// For what the proxy has been given them; asked again, it has refused them.
    answered: HashSet<String>,
}

impl Attendant {
    pub(super) fn new(connection: Arc<Connection>, credentials: Option<Credentials>) -> Self {
        Self { connection, credentials, answered: HashSet::new() }
    }

    /// Until the connection ends.
    pub(super) async fn attend_all(mut self, mut events: mpsc::Receiver<Event>) {
        while let Some(event) = events.recv().await {
            match event {
                Event::PromptOpened(prompt) => self.answer(&prompt),
                Event::WindowOpened(context) => self.close(&context),
                Event::AuthRequired(asked) => self.authorize(asked),
                Event::Challenged(challenged) => self.authorize_chromium(challenged),
            }
        }
    }

    /// The page may be left; everything else that it asks is refused.
    fn answer(&self, prompt: &PromptOpened) {
        // Else the session does something about it by itself.
        if prompt.handler.as_deref().is_none_or(|handler| handler == "ignore") {
            let params = json!({
                "context": prompt.context,
                "accept": prompt.kind.as_deref() == Some("beforeunload"),
            });
            self.connection.post("browsingContext.handleUserPrompt", &params);
        }
    }

    fn close(&self, context: &str) {
        let (connection, context) = (self.connection.clone(), context.to_owned());
        tokio::spawn(async move {
            // One that is just being opened may not be closed yet.
            for _ in 0..CLOSING {
                let params = json!({ "context": context });
                let closed: Result<Value> =
                    connection.call(Of::Session, "browsingContext.close", params, CLOSE).await;
                if closed.is_ok() {
                    return;
                }
                tokio::time::sleep(BETWEEN_TRIES).await;
            }
        });
    }

    fn authorize(&mut self, asked: AuthRequired) {
        // Chromium gives no status, and asks by its own event.
        if !asked.is_blocked || asked.response.status <= 0 {
            return;
        }
        let request = asked.request.request;
        let mut params = json!({ "request": request });
        // A site gets nothing of the proxy's, and no dialog that nobody answers.
        let is_proxy = asked.response.status == 407;
        match is_proxy.then(|| self.once(request)).flatten() {
            Some(Credentials { user, password }) => {
                params["action"] = json!("provideCredentials");
                params["credentials"] =
                    json!({ "type": "password", "username": user, "password": password });
            }
            None => params["action"] = json!("cancel"),
        }
        self.connection.post("network.continueWithAuth", &params);
    }

    fn authorize_chromium(&mut self, challenged: Challenged) {
        let Challenged { session, params: challenge } = challenged;
        let answer = if challenge.auth_challenge.source.as_deref() != Some("Proxy") {
            // A site gets nothing of the proxy's.
            json!({ "response": "Default" })
        } else if let Some(Credentials { user, password }) = self.once(session.clone()) {
            json!({ "response": "ProvideCredentials", "username": user, "password": password })
        } else {
            json!({ "response": "CancelAuth" })
        };
        let params = json!({
            "method": "Fetch.continueWithAuth",
            "session": session,
            "params": { "requestId": challenge.request_id, "authChallengeResponse": answer },
        });
        self.connection.post("goog:cdp.sendCommand", &params);
    }

    /// The credentials, the first time that they are asked for.
    fn once(&mut self, request: String) -> Option<&Credentials> {
        if self.answered.len() >= REMEMBERED {
            self.answered.clear();
        }
        let is_first = self.answered.insert(request);
        self.credentials.as_ref().filter(|_| is_first)
    }
}
