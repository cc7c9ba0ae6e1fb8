//! Where what comes from a browser goes: answers to their commands, events to their tabs.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::value::RawValue;
use tokio::sync::{mpsc, oneshot, watch};

use super::protocol::{
    ContextDestroyed, ContextOpened, Event, Incoming, Message, Realm, RealmDestroyed,
    ResponseStarted, TargetCrashed, Told,
};
use crate::commands::{Answer, Pending, empty, is_full, parsed};
use crate::engine::PageState;
use crate::reasons::{document_went, navigated};
use crate::tap::TAPPED;
use crate::{Error, ErrorKind, Result, navigation};

/// How many other events may wait.
pub(super) const EVENTS: usize = 1024;
/// The event of a Chromium's crash, as its driver hands it on.
pub(super) const CRASHED: &str = "goog:cdp.Inspector.targetCrashed";
/// The event of a Chromium that is asked for credentials, as its driver hands it on. Unlike that of
/// WebDriver it tells who asks.
pub(super) const CHALLENGED: &str = "goog:cdp.Fetch.authRequired";
/// The event of a Chromium whose tap tells something, as its driver hands it on.
pub(super) const TOLD: &str = "goog:cdp.Runtime.bindingCalled";
/// The channel of all taps; the tab that a message comes from tells them apart.
pub(super) const CHANNEL: &str = "tap";

/// Where what comes from the browser goes. Shared with the socket, which feeds it.
#[derive(Debug)]
pub(super) struct Router {
    routes: Mutex<Routes>,
    closed: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Routes {
    /// What an attendant answers, of all tabs. None once it is closed.
    events: Option<mpsc::Sender<Event>>,
    pending: Pending<About>,
    contexts: HashMap<String, Context>,
    /// Those that nobody listens to any more, and that are not gone yet, as far as is known.
    lingering: HashSet<String>,
}

/// What a command is about, so that it fails as soon as that is gone.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Of<'a> {
    /// The session.
    Session,
    /// A tab.
    Context(&'a str),
    /// One document of a tab.
    Document { context: &'a str, realm: &'a str },
}

/// The tab and the document that a command is about.
#[derive(Debug)]
struct About {
    context: Option<String>,
    realm: Option<String>,
}

#[derive(Debug)]
struct Context {
    tapped: mpsc::Sender<String>,
    state: watch::Sender<PageState>,
    /// The document's, where it is known.
    realm: Option<String>,
    /// By what name its browser tells of it, where that is another.
    told_as: Option<String>,
    /// What the site answered last to a request for its document.
    answer: Option<navigation::Answer>,
    /// Whether the windows that it opens are left, and whether it was said that one was closed.
    leaves_windows: bool,
    is_window_told: bool,
    /// Whether it was warned of messages that nobody reads in time.
    is_warned: bool,
}

impl Context {
    fn tapped(&mut self, message: String) {
        let is_lost = is_full(&self.tapped.try_send(message));
        if is_lost && !std::mem::replace(&mut self.is_warned, true) {
            tracing::warn!("a page's messages are not read fast enough, and some are dropped");
        }
    }
}

/// What comes from one tab.
#[derive(Debug)]
pub(crate) struct Subscription {
    /// What the page's script emitted, in order.
    pub(crate) tapped: mpsc::Receiver<String>,
    pub(crate) state: watch::Receiver<PageState>,
}

impl Router {
    pub(super) fn new(events: mpsc::Sender<Event>) -> Self {
        let routes = Routes { events: Some(events), ..Routes::default() };
        Self { routes: Mutex::new(routes), closed: watch::Sender::new(false) }
    }

    fn lock(&self) -> MutexGuard<'_, Routes> {
        self.routes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn subscribe(&self, context: &str) -> Subscription {
        let (tapped, tapped_out) = mpsc::channel(TAPPED);
        let mut routes = self.lock();
        let is_open = !self.is_closed();
        let (state, state_out) =
            watch::channel(if is_open { PageState::Open } else { PageState::Closed });
        if is_open {
            let new = Context {
                tapped,
                state,
                realm: None,
                told_as: None,
                answer: None,
                leaves_windows: false,
                is_window_told: false,
                is_warned: false,
            };
            routes.contexts.insert(context.to_owned(), new);
        }
        Subscription { tapped: tapped_out, state: state_out }
    }

    /// Announces a command, whose answer comes out of the receiver.
    pub(super) fn expect(&self, id: u64, of: Of<'_>) -> Result<oneshot::Receiver<Answer>> {
        let mut routes = self.lock();
        if self.is_closed() {
            return Err(Error::closed());
        }
        let (context, realm) = match of {
            Of::Session => (None, None),
            Of::Context(context) => (Some(context), None),
            Of::Document { context, realm } => (Some(context), Some(realm)),
        };
        if let Some(context) = context {
            let Some(found) = routes.contexts.get(context) else {
                return Err(PageState::Closed.error());
            };
            if realm.is_some() && realm != found.realm.as_deref() {
                return Err(navigated());
            }
        }
        let (context, realm) = (context.map(str::to_owned), realm.map(str::to_owned));
        Ok(routes.pending.expect(id, About { context, realm }))
    }

    /// Gives up waiting for an answer.
    pub(super) fn forget(&self, id: u64) {
        self.lock().pending.take(id);
    }

    pub(super) fn is_closed(&self) -> bool {
        *self.closed.borrow()
    }

    pub(super) fn closed(&self) -> watch::Receiver<bool> {
        self.closed.subscribe()
    }

    /// The tabs of ours that are not known to be gone, crashed ones included.
    pub(super) fn contexts(&self) -> Vec<String> {
        let routes = self.lock();
        routes.contexts.keys().chain(&routes.lingering).cloned().collect()
    }

    /// The realm of a tab's document, where it is known.
    pub(super) fn realm(&self, context: &str) -> Option<String> {
        self.lock().contexts.get(context)?.realm.clone()
    }

    /// Says what the realm of a tab's document is, where that is not known by now.
    pub(super) fn learn_realm(&self, context: &str, realm: String) {
        if let Some(context) = self.lock().contexts.get_mut(context) {
            context.realm.get_or_insert(realm);
        }
    }

    /// Says by what name the browser itself tells of a tab.
    pub(super) fn learn_name(&self, context: &str, name: String) {
        if let Some(context) = self.lock().contexts.get_mut(context) {
            context.told_as = Some(name);
        }
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
            (Some(id), _) => self.answer(id, &incoming),
            (None, Some(method)) => self.event(method, incoming.params),
            (None, None) => {
                tracing::debug!(error = ?incoming.error, "the browser refused a message")
            }
        }
    }

    fn answer(&self, id: u64, incoming: &Incoming<'_>) {
        let message = incoming.message.as_deref().unwrap_or_default();
        let Some(pending) = self.lock().pending.take(id) else {
            if let Some(error) = &incoming.error {
                tracing::debug!(error = &**error, "a command was refused that nobody waits for");
            }
            return;
        };
        let answer = match (&incoming.error, incoming.result) {
            (Some(error), _) => Err(refusal(error, message)),
            (None, result) => Ok(result.map_or_else(empty, ToOwned::to_owned)),
        };
        let _ = pending.send(answer);
    }

    fn event(&self, method: &str, params: Option<&RawValue>) {
        match method {
            "script.message" => {
                if let Some(message) = parsed(params) {
                    self.tapped(message);
                }
            }
            "script.realmCreated" => {
                if let Some(realm) = parsed::<Realm>(params).filter(Realm::is_the_documents)
                    && let Some(context) = &realm.context
                    && let Some(context) = self.lock().contexts.get_mut(context)
                {
                    context.realm = Some(realm.realm);
                }
            }
            "script.realmDestroyed" => {
                if let Some(RealmDestroyed { realm }) = parsed(params) {
                    self.end_realm(&realm);
                }
            }
            "browsingContext.contextCreated" => {
                if let Some(opened) = parsed(params) {
                    self.opened(opened);
                }
            }
            "browsingContext.contextDestroyed" => {
                if let Some(ContextDestroyed { context }) = parsed(params) {
                    self.end_context(&context, PageState::Closed);
                    self.lock().lingering.remove(&context);
                }
            }
            CRASHED => {
                if let Some(TargetCrashed { session }) = parsed(params) {
                    self.crashed(&session);
                }
            }
            "browsingContext.userPromptOpened" => {
                self.hand_on(method, parsed(params).map(Event::PromptOpened));
            }
            "network.authRequired" => {
                self.hand_on(method, parsed(params).map(Event::AuthRequired));
            }
            "network.responseStarted" => {
                if let Some(started) = parsed(params) {
                    self.answered(started);
                }
            }
            TOLD => {
                if let Some(Told { session, params }) = parsed(params) {
                    self.told(&session, params.payload.into_owned());
                }
            }
            CHALLENGED => self.hand_on(method, parsed(params).map(Event::Challenged)),
            _ => {}
        }
    }

    fn tapped(&self, message: Message<'_>) {
        if message.channel != CHANNEL {
            return;
        }
        let mut routes = self.lock();
        if let Some(context) = routes.contexts.get_mut(&*message.source.context) {
            context.tapped(message.data.value.into_owned());
        }
    }

    /// The same of a Chromium, by the name that its browser has for the tab.
    fn told(&self, name: &str, message: String) {
        let mut routes = self.lock();
        let told_as = |context: &&mut Context| context.told_as.as_deref() == Some(name);
        if let Some(context) = routes.contexts.values_mut().find(told_as) {
            context.tapped(message);
        }
    }

    /// Has a window closed that a tab of ours has opened.
    fn opened(&self, opened: ContextOpened) {
        let ContextOpened { context, original_opener: Some(opener) } = opened else { return };
        {
            let mut routes = self.lock();
            let Some(opener) = routes.contexts.get_mut(&opener) else { return };
            if opener.leaves_windows {
                return;
            }
            if !std::mem::replace(&mut opener.is_window_told, true) {
                tracing::warn!("a page opened a window, which was closed");
            }
        }
        self.hand_on("browsingContext.contextCreated", Some(Event::WindowOpened(context)));
    }

    /// Leaves the windows that a tab opens from now on.
    pub(super) fn leave_windows(&self, context: &str) {
        if let Some(context) = self.lock().contexts.get_mut(context) {
            context.leaves_windows = true;
        }
    }

    fn answered(&self, started: ResponseStarted) {
        let ResponseStarted { context: Some(context), navigation: Some(_), response } = started
        else {
            return;
        };
        if let Some(context) = self.lock().contexts.get_mut(&context) {
            context.answer = Some(response.into());
        }
    }

    /// Forgets the last answer to a tab's request for a document.
    pub(super) fn await_answer(&self, context: &str) {
        self.take_answer(context);
    }

    /// The last answer to a tab's request for a document, as far as that was listened to.
    pub(super) fn take_answer(&self, context: &str) -> Option<navigation::Answer> {
        self.lock().contexts.get_mut(context)?.answer.take()
    }

    fn crashed(&self, name: &str) {
        let told_as = |context: &Context| context.told_as.as_deref() == Some(name);
        let found = {
            let routes = self.lock();
            let found = routes.contexts.iter().find(|(_, context)| told_as(context));
            found.map(|(context, _)| context.clone())
        };
        if let Some(context) = found {
            self.end_context(&context, PageState::Crashed);
        }
    }

    fn hand_on(&self, method: &str, event: Option<Event>) {
        let routes = self.lock();
        if let (Some(event), Some(events)) = (event, &routes.events)
            && events.try_send(event).is_err()
        {
            tracing::warn!(method, "an event could not be attended to");
        }
    }

    /// Fails the scripts that run in a document that is gone. Some browsers never answer them.
    fn end_realm(&self, realm: &str) {
        let mut routes = self.lock();
        for context in routes.contexts.values_mut() {
            context.realm.take_if(|known| known == realm);
        }
        routes.pending.fail(|about| about.realm.as_deref() == Some(realm), navigated);
    }

    /// Fails what waits for a tab and ends its queue.
    pub(super) fn end_context(&self, name: &str, state: PageState) {
        let mut routes = self.lock();
        if let Some(context) = routes.contexts.remove(name) {
            context.state.send_replace(state);
            routes.lingering.insert(name.to_owned());
        }
        routes.pending.fail(|about| about.context.as_deref() == Some(name), || state.error());
    }

    /// The socket's end: everything that waits fails.
    pub(super) fn close(&self) {
        let mut routes = self.lock();
        self.closed.send_replace(true);
        routes.events.take();
        for (_, context) in routes.contexts.drain() {
            context.state.send_replace(PageState::Closed);
        }
        routes.pending.fail(|_| true, Error::closed);
    }
}

fn refusal(code: &str, message: &str) -> Error {
    if code == "invalid session id" {
        return Error::closed();
    }
    if document_went(code) || document_went(message) {
        return navigated();
    }
    let first = message.lines().next().unwrap_or_default();
    Error::new(ErrorKind::Protocol, format!("the browser refused: {code}: {first}"))
}
