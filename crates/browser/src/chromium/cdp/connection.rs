//! One connection to a browser: commands out, their answers and the tabs' events back.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::value::RawValue;
use tokio::sync::{mpsc, oneshot, watch};

use super::protocol::{BindingCalled, Command, CommandError, Detached, Incoming, Outgoing};
use crate::{Error, ErrorKind, Result};

/// How many commands may wait for the browser to read them.
pub(super) const OUTGOING: usize = 256;
/// How many messages of a tap may wait for their reader. One more is dropped, and seen as a hole.
const TAPPED: usize = 8192;
/// How many other events of a tab may wait.
const EVENTS: usize = 1024;
/// The events that are handed on, apart from a binding's calls. Whole domains come with them.
const HANDED_ON: &[&str] = &[
    "Fetch.authRequired",
    "Fetch.requestPaused",
    "Page.javascriptDialogOpening",
    "Page.loadEventFired",
];

/// The commands' side of a connection. Dropping it, or closing it, ends the connection.
#[derive(Debug)]
pub(crate) struct Connection {
    outgoing: Mutex<Option<mpsc::Sender<String>>>,
    next_id: AtomicU64,
    router: Arc<Router>,
}

/// Where what comes from the browser goes. Shared with the transport, which feeds it.
#[derive(Debug, Default)]
pub(crate) struct Router {
    state: Mutex<Routes>,
}

#[derive(Debug, Default)]
struct Routes {
    closed: bool,
    pending: HashMap<u64, Pending>,
    sessions: HashMap<String, Session>,
}

#[derive(Debug)]
struct Pending {
    session: Option<String>,
    answer: oneshot::Sender<Result<Box<RawValue>>>,
}

#[derive(Debug)]
struct Session {
    tapped: mpsc::Sender<String>,
    events: mpsc::Sender<SessionEvent>,
    state: watch::Sender<SessionState>,
}

/// An event of a tab other than a call of its binding.
#[derive(Debug)]
pub(crate) struct SessionEvent {
    pub(crate) method: String,
    pub(crate) params: Box<RawValue>,
}

/// Whether a tab can still be spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SessionState {
    Open,
    Crashed,
    Closed,
}

impl SessionState {
    pub(crate) fn error(self) -> Error {
        match self {
            Self::Crashed => Error::new(ErrorKind::Crashed, "the page's process crashed"),
            Self::Open | Self::Closed => Error::new(ErrorKind::Closed, "the page is gone"),
        }
    }
}

/// What comes from one tab.
#[derive(Debug)]
pub(crate) struct Subscription {
    /// What the page's script emitted, in order.
    pub(crate) tapped: mpsc::Receiver<String>,
    /// Everything else.
    pub(crate) events: mpsc::Receiver<SessionEvent>,
    pub(crate) state: watch::Receiver<SessionState>,
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
        if let (Some(sender), Ok(text)) = (self.sender(), serde_json::to_string(&envelope))
            && let Err(error) = sender.try_send(text)
        {
            tracing::debug!(method = C::METHOD, %error, "a command was not sent");
        }
    }

    /// Receives what a tab sends from now on.
    pub(crate) fn subscribe(&self, session: &str) -> Subscription {
        let (tapped, tapped_out) = mpsc::channel(TAPPED);
        let (events, events_out) = mpsc::channel(EVENTS);
        let mut routes = self.router.lock();
        let open = if routes.closed { SessionState::Closed } else { SessionState::Open };
        let (state, state_out) = watch::channel(open);
        if !routes.closed {
            routes.sessions.insert(session.to_owned(), Session { tapped, events, state });
        }
        Subscription { tapped: tapped_out, events: events_out, state: state_out }
    }

    /// Forgets a tab: its queues end, and its commands fail.
    pub(crate) fn unsubscribe(&self, session: &str) {
        self.router.end_session(session, SessionState::Closed);
    }

    /// Ends the connection. Everything that waits fails.
    pub(crate) fn close(&self) {
        self.outgoing.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.router.close();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.router.lock().closed
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
        let mut routes = self.router.lock();
        if routes.closed {
            return Err(Error::closed());
        }
        if let Some(name) = session {
            let state = routes.sessions.get(name).map(|session| *session.state.borrow());
            match state {
                Some(SessionState::Open) => {}
                ended => return Err(ended.unwrap_or(SessionState::Closed).error()),
            }
        }
        routes.pending.insert(id, Pending { session: session.map(str::to_owned), answer });
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
        self.router.lock().pending.remove(&self.id);
    }
}

impl Router {
    fn lock(&self) -> MutexGuard<'_, Routes> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes one message of the browser.
    pub(super) fn receive(&self, message: &[u8]) {
        let incoming: Incoming<'_> = match serde_json::from_slice(message) {
            Ok(incoming) => incoming,
            Err(error) => {
                tracing::debug!(%error, "the browser sent what is not understood");
                return;
            }
        };
        match (incoming.id, incoming.method.as_deref()) {
            (Some(id), _) => self.answer(id, incoming.result, incoming.error),
            (None, Some("Target.detachedFromTarget")) => {
                if let Some(detached) = parsed::<Detached>(incoming.params) {
                    self.end_session(&detached.session_id, SessionState::Closed);
                }
            }
            (None, Some(method)) => {
                if let Some(session) = incoming.session_id.as_deref() {
                    self.event(session, method, incoming.params);
                }
            }
            (None, None) => {}
        }
    }

    fn answer(&self, id: u64, result: Option<&RawValue>, error: Option<CommandError>) {
        let Some(pending) = self.lock().pending.remove(&id) else {
            if let Some(error) = error {
                tracing::debug!(error = error.message, "a posted command was refused");
            }
            return;
        };
        let answer = match (error, result) {
            (Some(error), _) => Err(refusal(error.message)),
            (None, result) => Ok(result.map_or_else(empty, ToOwned::to_owned)),
        };
        let _ = pending.answer.send(answer);
    }

    fn event(&self, name: &str, method: &str, params: Option<&RawValue>) {
        if method == "Inspector.targetCrashed" {
            return self.end_session(name, SessionState::Crashed);
        }
        let routes = self.lock();
        let Some(session) = routes.sessions.get(name) else { return };
        let sent = if method == "Runtime.bindingCalled" {
            let Some(call) = parsed::<BindingCalled<'_>>(params) else { return };
            session.tapped.try_send(call.payload.into_owned()).is_ok()
        } else if !HANDED_ON.contains(&method) {
            return;
        } else {
            let params = params.map_or_else(empty, ToOwned::to_owned);
            session.events.try_send(SessionEvent { method: method.to_owned(), params }).is_ok()
        };
        if !sent && *session.state.borrow() == SessionState::Open {
            tracing::warn!(method, "a page's events are not read fast enough; one was dropped");
        }
    }

    /// Fails what waits for a tab and ends its queues.
    fn end_session(&self, name: &str, state: SessionState) {
        let mut routes = self.lock();
        if let Some(session) = routes.sessions.remove(name) {
            session.state.send_replace(state);
        }
        let of_session = |pending: &Pending| pending.session.as_deref() == Some(name);
        for (_, pending) in routes.pending.extract_if(|_, pending| of_session(pending)) {
            let _ = pending.answer.send(Err(state.error()));
        }
    }

    /// The transport's end: everything that waits fails.
    pub(super) fn close(&self) {
        let mut routes = self.lock();
        routes.closed = true;
        for (_, session) in routes.sessions.drain() {
            session.state.send_replace(SessionState::Closed);
        }
        for (_, pending) in routes.pending.drain() {
            let _ = pending.answer.send(Err(Error::closed()));
        }
    }
}

fn parsed<'a, T: serde::Deserialize<'a>>(params: Option<&'a RawValue>) -> Option<T> {
    let parsed = serde_json::from_str(params?.get());
    parsed.map_err(|error| tracing::debug!(%error, "an event is not understood")).ok()
}

fn empty() -> Box<RawValue> {
    RawValue::from_string("{}".to_owned()).expect("an empty object is JSON")
}

/// What the browser says where the document went away under a running script.
const DOCUMENT_WENT: &[&str] = &[
    "Inspected target navigated or closed",
    "Execution context was destroyed",
    "Cannot find context with specified id",
    "Cannot find default execution context",
    "Promise was collected",
];

fn refusal(message: String) -> Error {
    if DOCUMENT_WENT.iter().any(|known| message.contains(known)) {
        return Error::new(ErrorKind::Navigated, "the document changed meanwhile");
    }
    Error::new(ErrorKind::Protocol, format!("the browser refused: {message}"))
}

#[cfg(test)]
mod tests {
    use super::super::protocol::{GetVersion, PageEnable};
    use super::*;

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
        assert_eq!(*subscription.state.borrow_and_update(), SessionState::Crashed);
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
