//! One connection to a browser: commands out, their answers and the tabs' events back.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::protocol::{Command, Envelope, TargetInfo};
use super::router::{Router, Subscription};
use crate::commands::Outgoing;
use crate::engine::PageState;
use crate::navigation::Answer;
use crate::{Error, ErrorKind, Result};

/// The commands' side of a connection. Dropping it, or closing it, ends the connection.
#[derive(Debug)]
pub(crate) struct Connection {
    outgoing: Outgoing,
    router: Arc<Router>,
}

impl Connection {
    pub(super) fn new(outgoing: mpsc::Sender<String>, router: Arc<Router>) -> Self {
        Self { outgoing: Outgoing::new(outgoing), router }
    }

    /// Sends a command to the browser, or to a tab's session, and waits for its answer.
    pub(crate) async fn call<C: Command>(
        &self,
        session: Option<&str>,
        command: &C,
        wait: Duration,
    ) -> Result<C::Returns> {
        let id = self.outgoing.next_id();
        let text = written(id, session, command)?;
        let answered = self.router.expect(id, session)?;
        let forget = || self.router.forget(id);
        self.outgoing.exchange(C::METHOD, text, answered, wait, forget).await
    }

    /// Sends a command without waiting for anything. Where it cannot be sent any more, the
    /// connection is gone, which every later call says.
    pub(crate) fn post<C: Command>(&self, session: Option<&str>, command: &C) {
        if let Ok(text) = written(self.outgoing.next_id(), session, command) {
            self.outgoing.post(text);
        }
    }

    /// Receives what a tab sends from now on.
    pub(crate) fn subscribe(&self, session: &str) -> Subscription {
        self.router.subscribe(session)
    }

    /// The tabs that come from now on, whoever opens them.
    pub(crate) fn targets(&self) -> mpsc::Receiver<TargetInfo> {
        self.router.targets()
    }

    /// Takes note of the answers to a tab's requests for documents from now on.
    pub(crate) fn await_answers(&self, session: &str) {
        self.router.await_answers(session);
    }

    /// The answer that came for a loader, and no further notes.
    pub(crate) fn take_answer(&self, session: &str, loader: &str) -> Option<Answer> {
        self.router.take_answer(session, loader)
    }

    /// Forgets a tab: its queues end, and its commands fail.
    pub(crate) fn unsubscribe(&self, session: &str) {
        self.router.end_session(session, PageState::Closed);
    }

    /// Ends the connection. Everything that waits fails.
    pub(crate) fn close(&self) {
        self.outgoing.close();
        self.router.close();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.router.is_closed()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.close();
    }
}

/// A command as it is sent.
fn written<C: Command>(id: u64, session: Option<&str>, command: &C) -> Result<String> {
    let envelope = Envelope { id, method: C::METHOD, params: command, session_id: session };
    serde_json::to_string(&envelope).map_err(|error| {
        Error::new(ErrorKind::Protocol, "a command cannot be written").with_source(error)
    })
}

#[cfg(test)]
mod tests {
    use super::super::protocol::{GetVersion, PageEnable};
    use super::*;
    use crate::ErrorKind;
    use crate::tap::TAPPED;

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

    /// What is warned of while something is done.
    fn warnings(act: impl FnOnce()) -> String {
        let (mut reader, writer) = std::io::pipe().expect("a pipe");
        // With one log alone, another test's thread that comes first to a warning silences it.
        let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::new());
        let log = tracing_subscriber::fmt().with_writer(move || writer.try_clone().expect("open"));
        tracing::subscriber::with_default(log.finish(), act);
        let mut text = String::new();
        std::io::Read::read_to_string(&mut reader, &mut text).expect("text");
        text
    }

    #[tokio::test]
    async fn a_tab_that_nobody_listens_to_any_more_loses_nothing() {
        let (connection, _sent) = connection();
        let left = connection.subscribe("left");
        let _late = connection.subscribe("late");
        let tell = |session: &str| {
            let call = format!(
                r#"{{"method":"Runtime.bindingCalled","sessionId":"{session}","params":{{"payload":""}}}}"#
            );
            connection.router.receive(call.as_bytes());
            let load = r#"{"method":"Page.loadEventFired","sessionId":"left","params":{}}"#;
            connection.router.receive(load.as_bytes());
        };
        drop(left);
        assert_eq!(warnings(|| tell("left")), "");
        let overflow = warnings(|| (0..TAPPED + 1000).for_each(|_| tell("late")));
        assert_eq!(overflow.matches("some are dropped").count(), 1, "{overflow}");
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
