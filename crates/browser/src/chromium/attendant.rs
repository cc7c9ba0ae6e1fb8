//! Who sees to it that nothing holds a page up.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::cdp::protocol::{
    AuthResponse, ContinueRequest, ContinueWithAuth, DialogOpening, FetchDisable, FetchPaused,
    HandleDialog,
};
use super::cdp::{Connection, SessionEvent};
use crate::proxy::Credentials;

/// Answers what would hold up the page: dialogs, and a proxy's demand for credentials.
pub(super) struct Attendant {
    connection: Arc<Connection>,
    session: String,
    credentials: Option<Credentials>,
    /// Whether the proxy has been given them; asked again, it has refused them.
    answered: bool,
}

impl Attendant {
    pub(super) fn new(
        connection: Arc<Connection>,
        session: &str,
        credentials: Option<Credentials>,
    ) -> Self {
        Self { connection, session: session.to_owned(), credentials, answered: false }
    }

    /// Goes on until the tab is gone.
    pub(super) async fn attend_to(mut self, mut events: mpsc::Receiver<SessionEvent>) {
        while let Some(event) = events.recv().await {
            self.attend(&event);
        }
    }

    fn attend(&mut self, event: &SessionEvent) {
        let session = Some(self.session.as_str());
        match event.method.as_str() {
            "Page.javascriptDialogOpening" => {
                let opening = serde_json::from_str::<DialogOpening<'_>>(event.params.get());
                // The page may be left; everything else that it asks is refused.
                let is_left = opening.is_ok_and(|opening| opening.kind == "beforeunload");
                self.connection.post(session, &HandleDialog::new(is_left));
            }
            "Fetch.requestPaused" => {
                let Ok(paused) = serde_json::from_str::<FetchPaused>(event.params.get()) else {
                    return;
                };
                self.connection.post(session, &ContinueRequest::new(&paused.request_id));
            }
            "Fetch.authRequired" => self.authorize(event),
            // The browser remembers the credentials, so its requests need not stop any more.
            "Page.loadEventFired" if self.answered => {
                self.connection.post(session, &FetchDisable::new());
            }
            _ => {}
        }
    }

    fn authorize(&mut self, event: &SessionEvent) {
        let Ok(paused) = serde_json::from_str::<FetchPaused>(event.params.get()) else { return };
        let session = Some(self.session.as_str());
        let asker = paused.auth_challenge.and_then(|challenge| challenge.source);
        let is_proxy = asker.as_deref() == Some("Proxy");
        let answer = match &self.credentials {
            // A site gets nothing of the proxy's.
            _ if !is_proxy => AuthResponse { response: "Default", username: None, password: None },
            Some(credentials) if !self.answered => AuthResponse {
                response: "ProvideCredentials",
                username: Some(&credentials.user),
                password: Some(&credentials.password),
            },
            _ => AuthResponse { response: "CancelAuth", username: None, password: None },
        };
        self.connection.post(session, &ContinueWithAuth::new(&paused.request_id, answer));
        self.answered |= is_proxy;
    }
}
