//! One connection to a browser: commands out, their answers and the tabs' events back.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::value::RawValue;
use tokio::sync::{mpsc, oneshot};

use super::protocol::{Command, Outgoing};
use super::router::{Router, Subscription};
use crate::engine::PageState;
use crate::{Error, ErrorKind, Result, socket};

/// How many commands may wait for the browser to read them.
pub(super) const OUTGOING: usize = 256;

/// The commands' side of a connection. Dropping it, or closing it, ends the connection.
#[derive(Debug)]
pub(crate) struct Connection {
    outgoing: Mutex<Option<mpsc::Sender<String>>>,
    next_id: AtomicU64,
    router: Arc<Router>,
}

impl Connection {
    pub(super) fn new(outgoing: mpsc::Sender<String>, router: Arc<Router>) -> Self {
        Self { outgoing: Mutex::new(Some(outgoing)), next_id: AtomicU64::new(1), router }
    }

    /// Sends a command to the browser, or to a tab's session, and waits for its answer.
    pub(crate) async fn call<C: Command>(
        &self,
        session: Option<&str>,
        command: &C,
        wait: Duration,
    ) -> Result<C::Returns> {
        let (answer, answered) = oneshot::channel();
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let text = self.register(id, session, command, answer)?;
        let _forget = Forget { router: &self.router, id };
        let exchange = async {
            let sender = self.sender().ok_or_else(Error::closed)?;
            sender.send(text).await.map_err(|_| Error::closed())?;
            answered.await.unwrap_or_else(|_| Err(Error::closed()))
        };
        let result = tokio::time::timeout(wait, exchange)
            .await
            .unwrap_or_else(|_| Err(Error::timeout(C::METHOD, wait)))?;
        serde_json::from_str(result.get()).map_err(|error| {
            let message = format!("the browser's answer to {} is not understood", C::METHOD);
            Error::new(ErrorKind::Protocol, message).with_source(error)
        })
    }

    /// Sends a command without waiting for anything. Where it cannot be sent any more, the
    /// connection is gone, which every later call says.
    pub(crate) fn post<C: Command>(&self, session: Option<&str>, command: &C) {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let envelope = Outgoing { id, method: C::METHOD, params: command, session_id: session };
        if let (Some(sender), Ok(text)) = (self.sender(), serde_json::to_string(&envelope)) {
            socket::post(&sender, text);
        }
    }

    /// Receives what a tab sends from now on.
    pub(crate) fn subscribe(&self, session: &str) -> Subscription {
        self.router.subscribe(session)
    }

    /// Forgets a tab: its queues end, and its commands fail.
    pub(crate) fn unsubscribe(&self, session: &str) {
        self.router.end_session(session, PageState::Closed);
    }

    /// Ends the connection. Everything that waits fails.
    pub(crate) fn close(&self) {
        self.outgoing.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.router.close();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.router.is_closed()
    }

    fn sender(&self) -> Option<mpsc::Sender<String>> {
        self.outgoing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn register<C: Command>(
        &self,
        id: u64,
        session: Option<&str>,
        command: &C,
        answer: oneshot::Sender<Result<Box<RawValue>>>,
    ) -> Result<String> {
        let envelope = Outgoing { id, method: C::METHOD, params: command, session_id: session };
        let text = serde_json::to_string(&envelope).map_err(|error| {
            Error::new(ErrorKind::Protocol, "a command cannot be written").with_source(error)
        })?;
        self.router.expect(id, session, answer)?;
        Ok(text)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.close();
    }
}

/// Takes a command off the list of those that wait, whatever became of it.
struct Forget<'a> {
    router: &'a Router,
    id: u64,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        self.router.forget(self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::super::protocol::{GetVersion, PageEnable};
    use super::super::router::TAPPED;
    use super::*;
    use crate::ErrorKind;

    fn connection() -> (Arc<Connection>, mpsc::Receiver<String>) {
        let (outgoing, sent) = mpsc::channel(8);
        (Arc::new(Connection::new(outgoing, Arc::default())), sent)
    }

    const WAIT: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn an_answer_finds_its_command() {
        let (connection, mut sent) = connection();
        let router = connection.router.clone();
        let browser = async {
            let command = sent.recv().await.expect("sent");
            assert!(command.contains("Browser.getVersion"));
            router.receive(br#"{"id":77,"result":{"product":"another's"}}"#);
            router.receive(br#"{"id":1,"result":{"product":"Chrome/1"}}"#);
        };
        let version = GetVersion::new();
        let (version, ()) = tokio::join!(connection.call(None, &version, WAIT), browser);
        assert_eq!(version.expect("answered").product, "Chrome/1");
    }

    #[tokio::test]
    async fn a_crash_fails_what_waits_for_the_page_and_only_that() {
        let (connection, mut sent) = connection();
        let mut subscription = connection.subscribe("S");
        let router = connection.router.clone();
        let browser = async {
            sent.recv().await.expect("sent");
            router.receive(br#"{"method":"Inspector.targetCrashed","sessionId":"S","params":{}}"#);
        };
        let enable = PageEnable::new();
        let (result, ()) = tokio::join!(connection.call(Some("S"), &enable, WAIT), browser);
        assert_eq!(result.expect_err("crashed").kind(), ErrorKind::Crashed);
        assert_eq!(*subscription.state.borrow_and_update(), PageState::Crashed);
        assert!(subscription.tapped.recv().await.is_none());
        assert!(!connection.is_closed());
    }

    #[tokio::test]
    async fn a_full_queue_drops_and_never_blocks() {
        let (connection, _sent) = connection();
        let mut subscription = connection.subscribe("S");
        for n in 0..TAPPED + 10 {
            let message = format!(
                r#"{{"method":"Runtime.bindingCalled","sessionId":"S","params":{{"payload":"{n}"}}}}"#
            );
            connection.router.receive(message.as_bytes());
        }
        assert_eq!(subscription.tapped.recv().await.as_deref(), Some("0"));
        assert_eq!(subscription.tapped.len(), TAPPED - 1);
    }

    #[tokio::test]
    async fn nonsense_is_ignored_and_an_end_fails_everything() {
        let (connection, mut sent) = connection();
        let router = connection.router.clone();
        for nonsense in ["", "null", "[1,2]", "{\"id\":\"x\"}", "\u{1F642}", "{\"method\":1}"] {
            router.receive(nonsense.as_bytes());
        }
        let browser = async {
            sent.recv().await.expect("sent");
            router.close();
        };
        let version = GetVersion::new();
        let (result, ()) = tokio::join!(connection.call(None, &version, WAIT), browser);
        assert_eq!(result.expect_err("gone").kind(), ErrorKind::Closed);
        let later = connection.call(None, &version, WAIT).await;
        assert_eq!(later.expect_err("gone").kind(), ErrorKind::Closed);
    }
}
