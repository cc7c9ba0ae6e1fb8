//! One connection to a session: commands out, their answers and the tabs' events back.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, watch};
use tokio_tungstenite::WebSocketStream;

use super::protocol::Event;
pub(crate) use super::router::Of;
use super::router::{CHALLENGED, CHANNEL, CRASHED, EVENTS, Router, Subscription, TOLD};
use crate::commands::{OUTGOING, Outgoing};
use crate::engine::PageState;
use crate::navigation::Answer;
use crate::{Result, socket};

/// The commands' side of a connection. Dropping it, or closing it, ends the connection.
#[derive(Debug)]
pub(crate) struct Connection {
    outgoing: Outgoing,
    router: Arc<Router>,
}

/// A command on its way.
#[derive(Serialize)]
struct Envelope<'a> {
    id: u64,
    method: &'a str,
    params: &'a Value,
}

impl Connection {
    /// The channel of all taps.
    pub(crate) const CHANNEL: &'static str = CHANNEL;
    /// The events of Chromium that WebDriver has none for, or none that tells enough.
    pub(crate) const CHROMIUM_EVENTS: [&'static str; 3] = [CRASHED, CHALLENGED, TOLD];

    /// Speaks over a socket; what must be attended to comes out of the receiver.
    pub(crate) fn over<S>(socket: WebSocketStream<S>) -> (Self, mpsc::Receiver<Event>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (outgoing, queue) = mpsc::channel(OUTGOING);
        let (events, attended) = mpsc::channel(EVENTS);
        let router = Arc::new(Router::new(events));
        let (fed, ended) = (router.clone(), router.clone());
        socket::carry(socket, queue, move |text| fed.receive(text), move || ended.close());
        (Self { outgoing: Outgoing::new(outgoing), router }, attended)
    }

    /// Sends a command and waits for its answer.
    pub(crate) async fn call<T: DeserializeOwned>(
        &self,
        of: Of<'_>,
        method: &'static str,
        params: Value,
        wait: Duration,
    ) -> Result<T> {
        let id = self.outgoing.next_id();
        let answered = self.router.expect(id, of)?;
        let forget = || self.router.forget(id);
        self.outgoing.exchange(method, written(id, method, &params), answered, wait, forget).await
    }

    /// Sends a command without waiting for anything. Where it cannot be sent any more, the
    /// connection is gone, which every later call says.
    pub(crate) fn post(&self, method: &'static str, params: &Value) {
        self.outgoing.post(written(self.outgoing.next_id(), method, params));
    }

    /// Receives what a tab sends from now on.
    pub(crate) fn subscribe(&self, context: &str) -> Subscription {
        self.router.subscribe(context)
    }

    /// Forgets a tab: its queue ends, and its commands fail.
    pub(crate) fn unsubscribe(&self, context: &str) {
        self.router.end_context(context, PageState::Closed);
    }

    /// The tabs of ours that are not known to be gone, crashed ones included.
    pub(crate) fn contexts(&self) -> Vec<String> {
        self.router.contexts()
    }

    /// The realm of a tab's document, where it is known.
    pub(crate) fn realm(&self, context: &str) -> Option<String> {
        self.router.realm(context)
    }

    /// Says what the realm of a tab's document is, where that is not known by now.
    pub(crate) fn learn_realm(&self, context: &str, realm: String) {
        self.router.learn_realm(context, realm);
    }

    /// Leaves the windows that a tab opens from now on.
    pub(crate) fn leave_windows(&self, context: &str) {
        self.router.leave_windows(context);
    }

    /// Forgets the last answer to a tab's request for a document.
    pub(crate) fn await_answer(&self, context: &str) {
        self.router.await_answer(context);
    }

    /// The last answer to a tab's request for a document, as far as that was listened to.
    pub(crate) fn take_answer(&self, context: &str) -> Option<Answer> {
        self.router.take_answer(context)
    }

    /// Says by what name the browser itself tells of a tab.
    pub(crate) fn learn_name(&self, context: &str, name: String) {
        self.router.learn_name(context, name);
    }

    /// Ends the connection, once what was posted is sent. Everything that waits fails.
    pub(crate) fn close(&self) {
        self.outgoing.close();
        self.router.close();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.router.is_closed()
    }

    /// Becomes true once the connection has ended.
    pub(crate) fn closed(&self) -> watch::Receiver<bool> {
        self.router.closed()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.close();
    }
}

/// A command as it is sent.
fn written(id: u64, method: &str, params: &Value) -> String {
    serde_json::to_string(&Envelope { id, method, params }).expect("values and numbers are JSON")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::protocol::Nothing;
    use super::*;
    use crate::ErrorKind;
    use crate::tap::TAPPED;

    const WAIT: Duration = Duration::from_secs(5);

    fn connection() -> (Arc<Connection>, mpsc::Receiver<String>) {
        let (outgoing, sent) = mpsc::channel(8);
        let (events, _) = mpsc::channel(8);
        let (outgoing, router) = (Outgoing::new(outgoing), Arc::new(Router::new(events)));
        (Arc::new(Connection { outgoing, router }), sent)
    }

    fn tell(connection: &Connection, method: &str, params: Value) {
        let event = json!({ "type": "event", "method": method, "params": params });
        connection.router.receive(event.to_string().as_bytes());
    }

    #[tokio::test]
    async fn a_script_fails_with_its_document_and_no_other_does() {
        let (connection, mut sent) = connection();
        let _subscription = connection.subscribe("C");
        let realm = |name| json!({ "realm": name, "type": "window", "context": "C" });
        tell(&connection, "script.realmCreated", realm("R1"));
        tell(
            &connection,
            "script.realmCreated",
            json!({ "realm": "S", "type": "window",
            "context": "C", "sandbox": "box" }),
        );
        assert_eq!(connection.realm("C").as_deref(), Some("R1"));
        let of = Of::Document { context: "C", realm: "R1" };
        let other = connection.call::<Nothing>(Of::Context("C"), "other", json!({}), WAIT);
        let script = connection.call::<Nothing>(of, "script.evaluate", json!({}), WAIT);
        let browser = async {
            sent.recv().await.expect("sent");
            sent.recv().await.expect("sent");
            tell(&connection, "script.realmDestroyed", json!({ "realm": "R1" }));
            connection.router.receive(br#"{"type":"success","id":1,"result":{}}"#);
        };
        let (other, script, ()) = tokio::join!(other, script, browser);
        other.expect("answered");
        assert_eq!(script.expect_err("gone").kind(), ErrorKind::Navigated);
        let late = connection.call::<Nothing>(of, "script.evaluate", json!({}), WAIT).await;
        assert_eq!(late.expect_err("gone").kind(), ErrorKind::Navigated);
    }

    #[tokio::test]
    async fn each_tab_hears_its_own_messages_and_a_full_queue_drops() {
        let (connection, _sent) = connection();
        let (mut one, mut two) = (connection.subscribe("1"), connection.subscribe("2"));
        let message = |context: &str, channel: &str, text: &str| {
            let data = json!({ "type": "string", "value": text });
            let source = json!({ "realm": "R", "context": context });
            let params = json!({ "channel": channel, "data": data, "source": source });
            tell(&connection, "script.message", params);
        };
        message("1", "another's", "no");
        message("2", CHANNEL, "two");
        for n in 0..TAPPED + 10 {
            message("1", CHANNEL, &n.to_string());
        }
        assert_eq!(two.tapped.recv().await.as_deref(), Some("two"));
        assert_eq!(one.tapped.recv().await.as_deref(), Some("0"));
        assert_eq!(one.tapped.len(), TAPPED - 1);
    }

    #[tokio::test]
    async fn a_crash_and_a_close_end_their_tab_alone() {
        let (connection, _sent) = connection();
        let (mut one, mut two) = (connection.subscribe("1"), connection.subscribe("2"));
        connection.learn_name("1", "S".to_owned());
        tell(&connection, CRASHED, json!({ "event": "…", "params": {}, "session": "S" }));
        assert_eq!(*one.state.borrow(), PageState::Crashed);
        assert!(one.tapped.recv().await.is_none());
        assert_eq!(*two.state.borrow(), PageState::Open);
        tell(&connection, "browsingContext.contextDestroyed", json!({ "context": "2" }));
        assert_eq!(*two.state.borrow(), PageState::Closed);
        assert!(two.tapped.recv().await.is_none());
        assert!(!connection.is_closed());
    }

    #[tokio::test]
    async fn nonsense_is_ignored_and_an_end_fails_everything() {
        let (connection, mut sent) = connection();
        for nonsense in ["", "null", "[1]", r#"{"id":"x"}"#, r#"{"method":1}"#, r#"{"id":7}"#] {
            connection.router.receive(nonsense.as_bytes());
        }
        let browser = async {
            sent.recv().await.expect("sent");
            connection.router.close();
        };
        let call = connection.call::<Nothing>(Of::Session, "session.status", json!({}), WAIT);
        let (result, ()) = tokio::join!(call, browser);
        assert_eq!(result.expect_err("gone").kind(), ErrorKind::Closed);
        let later = connection.call::<Nothing>(Of::Session, "session.status", json!({}), WAIT);
        assert_eq!(later.await.expect_err("gone").kind(), ErrorKind::Closed);
        assert!(*connection.closed().borrow());
    }
}
