//! Where what comes from a browser goes: answers to their commands, events to their tabs.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::value::RawValue;
use tokio::sync::{mpsc, oneshot, watch};

use super::protocol::{
    BindingCalled, CommandError, Detached, Incoming, Response, ResponseReceived, TargetCreated,
    TargetInfo,
};
use crate::commands::{Answer, Pending, empty, is_full, parsed};
use crate::engine::PageState;
use crate::reasons::{document_went, navigated};
use crate::tap::TAPPED;
use crate::{Error, ErrorKind, Result, navigation};

/// How many other events of a tab may wait.
const EVENTS: usize = 1024;
/// How many answers are noted of documents that load together: that of the tab is the first.
const ANSWERS: usize = 64;
/// The events that are handed on, apart from a binding's calls. Whole domains come with them.
const HANDED_ON: &[&str] = &[
    "Fetch.authRequired",
    "Fetch.requestPaused",
    "Page.javascriptDialogOpening",
    "Page.loadEventFired",
];

/// Where what comes from the browser goes. Shared with the transport, which feeds it.
#[derive(Debug, Default)]
pub(super) struct Router {
    state: Mutex<Routes>,
}

#[derive(Debug, Default)]
struct Routes {
    closed: bool,
    /// Each with its tab's session, where it is a tab's.
    pending: Pending<Option<String>>,
    sessions: HashMap<String, Session>,
    /// Where it is told of new tabs.
    targets: Option<mpsc::Sender<TargetInfo>>,
}

#[derive(Debug)]
struct Session {
    tapped: mpsc::Sender<String>,
    events: mpsc::Sender<SessionEvent>,
    state: watch::Sender<PageState>,
    /// The answers to requests for documents, by their loaders, while they are awaited.
    answers: Option<HashMap<String, navigation::Answer>>,
    /// Whether it was warned of events that nobody reads in time.
    is_warned: bool,
}

/// An event of a tab other than a call of its binding.
#[derive(Debug)]
pub(crate) struct SessionEvent {
    pub(crate) method: String,
    pub(crate) params: Box<RawValue>,
}

/// What comes from one tab.
#[derive(Debug)]
pub(crate) struct Subscription {
    /// What the page's script emitted, in order.
    pub(crate) tapped: mpsc::Receiver<String>,
    /// Everything else.
    pub(crate) events: mpsc::Receiver<SessionEvent>,
    pub(crate) state: watch::Receiver<PageState>,
}

impl Session {
    /// Takes note of an answer that is awaited.
    fn answered(&mut self, params: Option<&RawValue>) {
        let Some(answers) = self.answers.as_mut().filter(|answers| answers.len() < ANSWERS) else {
            return;
        };
        let received = parsed::<ResponseReceived>(params);
        let Some(received) = received.filter(|received| received.kind == "Document") else {
            return;
        };
        let Response { url, status, headers, mime_type } = received.response;
        let headers = headers.into_iter().collect();
        let answer = navigation::Answer { url, status, mime_type, headers };
        answers.insert(received.loader_id, answer);
    }
}

impl Router {
    fn lock(&self) -> MutexGuard<'_, Routes> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn subscribe(&self, session: &str) -> Subscription {
        let (tapped, tapped_out) = mpsc::channel(TAPPED);
        let (events, events_out) = mpsc::channel(EVENTS);
        let mut routes = self.lock();
        let open = if routes.closed { PageState::Closed } else { PageState::Open };
        let (state, state_out) = watch::channel(open);
        if !routes.closed {
            routes.sessions.insert(
                session.to_owned(),
                Session { tapped, events, state, answers: None, is_warned: false },
            );
        }
        Subscription { tapped: tapped_out, events: events_out, state: state_out }
    }

    /// The tabs that come from now on, whoever opens them.
    pub(super) fn targets(&self) -> mpsc::Receiver<TargetInfo> {
        let (targets, came) = mpsc::channel(EVENTS);
        let mut routes = self.lock();
        if !routes.closed {
            routes.targets = Some(targets);
        }
        came
    }

    /// Takes note of the answers to a tab's requests for documents from now on.
    pub(super) fn await_answers(&self, session: &str) {
        if let Some(session) = self.lock().sessions.get_mut(session) {
            session.answers = Some(HashMap::new());
        }
    }

    /// The answer that came for a loader, and no further notes.
    pub(super) fn take_answer(&self, session: &str, loader: &str) -> Option<navigation::Answer> {
        self.lock().sessions.get_mut(session)?.answers.take()?.remove(loader)
    }

    /// Announces a command, whose answer comes out of the receiver.
    pub(super) fn expect(
        &self,
        id: u64,
        session: Option<&str>,
    ) -> Result<oneshot::Receiver<Answer>> {
        let mut routes = self.lock();
        if routes.closed {
            return Err(Error::closed());
        }
        if let Some(name) = session {
            let state = routes.sessions.get(name).map(|session| *session.state.borrow());
            match state {
                Some(PageState::Open) => {}
                ended => return Err(ended.unwrap_or(PageState::Closed).error()),
            }
        }
        Ok(routes.pending.expect(id, session.map(str::to_owned)))
    }

    /// Gives up waiting for an answer.
    pub(super) fn forget(&self, id: u64) {
        self.lock().pending.take(id);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
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
                    self.end_session(&detached.session_id, PageState::Closed);
                }
            }
            (None, Some("Target.targetCreated")) => {
                let created = parsed::<TargetCreated>(incoming.params);
                if let (Some(created), Some(targets)) = (created, &self.lock().targets)
                    && targets.try_send(created.target_info).is_err()
                {
                    tracing::debug!("a tab came that nobody takes note of");
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
        let Some(pending) = self.lock().pending.take(id) else {
            if let Some(error) = error {
                tracing::debug!(error = error.message, "a posted command was refused");
            }
            return;
        };
        let answer = match (error, result) {
            (Some(error), _) => Err(refusal(error.message)),
            (None, result) => Ok(result.map_or_else(empty, ToOwned::to_owned)),
        };
        let _ = pending.send(answer);
    }

    fn event(&self, name: &str, method: &str, params: Option<&RawValue>) {
        if method == "Inspector.targetCrashed" {
            return self.end_session(name, PageState::Crashed);
        }
        let mut routes = self.lock();
        let Some(session) = routes.sessions.get_mut(name) else { return };
        if method == "Network.responseReceived" {
            return session.answered(params);
        }
        let is_lost = if method == "Runtime.bindingCalled" {
            let Some(call) = parsed::<BindingCalled<'_>>(params) else { return };
            is_full(&session.tapped.try_send(call.payload.into_owned()))
        } else if !HANDED_ON.contains(&method) {
            return;
        } else {
            let params = params.map_or_else(empty, ToOwned::to_owned);
            is_full(&session.events.try_send(SessionEvent { method: method.to_owned(), params }))
        };
        if is_lost && !std::mem::replace(&mut session.is_warned, true) {
            tracing::warn!(
                method,
                "a page's events are not read fast enough, and some are dropped"
            );
        }
    }

    /// Fails what waits for a tab and ends its queues.
    pub(super) fn end_session(&self, name: &str, state: PageState) {
        let mut routes = self.lock();
        if let Some(session) = routes.sessions.remove(name) {
            session.state.send_replace(state);
        }
        routes.pending.fail(|session| session.as_deref() == Some(name), || state.error());
    }

    /// The transport's end: everything that waits fails.
    pub(super) fn close(&self) {
        let mut routes = self.lock();
        routes.closed = true;
        routes.targets = None;
        for (_, session) in routes.sessions.drain() {
            session.state.send_replace(PageState::Closed);
        }
        routes.pending.fail(|_| true, Error::closed);
    }
}

fn refusal(message: String) -> Error {
    if document_went(&message) {
        return navigated();
    }
    Error::new(ErrorKind::Protocol, format!("the browser refused: {message}"))
}
