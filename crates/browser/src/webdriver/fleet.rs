//! The sessions that pages are spread over.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::Value;
use tokio::runtime::Handle;
use tokio::sync::{Notify, oneshot};

use super::service::Service;
use super::session::Session;
use crate::proxy::Credentials;
use crate::{Error, ErrorKind, Result, SessionCookie};

/// How long a session beyond the first may hold no page before it is given back.
const IDLE: Duration = Duration::from_secs(60);

/// How long the service may take for a session that nobody waits for any more, before it is taken
/// for lost. A Grid keeps requests for five minutes.
const LATE: Duration = Duration::from_secs(600);

/// For how long a further session is asked for again where the service fails to begin it, and how
/// soon. A Grid hands requests to a node that has died until it notices.
const AGAIN: Duration = Duration::from_secs(45);
const PAUSE: Duration = Duration::from_secs(1);

/// How further sessions are begun.
pub(super) struct Plan {
    pub(super) service: Service,
    pub(super) capabilities: Value,
    pub(super) credentials: Option<Credentials>,
    pub(super) cookies: Vec<SessionCookie>,
    pub(super) pages_per_session: usize,
    pub(super) wait: Duration,
}

/// Sessions, and how many pages each holds.
pub(super) struct Fleet {
    /// How further ones are begun; `None` where there is to be no other.
    plan: Option<Plan>,
    state: Mutex<State>,
    /// Only one session is begun at a time, so that pages that wait for one share it.
    beginning: tokio::sync::Mutex<()>,
    freed: Notify,
    runtime: Handle,
}

#[derive(Debug, Default)]
struct State {
    ended: bool,
    held: Vec<Held>,
}

#[derive(Debug)]
struct Held {
    session: Arc<Session>,
    pages: usize,
    idle_since: Instant,
}

/// A page's place in a session. Dropping it makes room.
#[derive(Debug)]
pub(super) struct Place {
    fleet: Arc<Fleet>,
    session: Arc<Session>,
}

impl Plan {
    async fn begin(&self) -> Result<Session> {
        let credentials = self.credentials.clone();
        Session::begin(&self.service, &self.capabilities, credentials, &self.cookies, LATE).await
    }
}

impl Fleet {
    /// Of one session, and of none other.
    pub(super) fn of(session: Session) -> Arc<Self> {
        let fleet = Self::new(None);
        fleet.hold(session, 0);
        fleet
    }

    /// Of as many sessions as pages need. The first is begun at once.
    pub(super) async fn begin(plan: Plan) -> Result<Arc<Self>> {
        let fleet = Self::new(Some(plan));
        let session = fleet.another(Duration::ZERO).await?;
        fleet.hold(session, 0);
        Ok(fleet)
    }

    fn new(plan: Option<Plan>) -> Arc<Self> {
        Arc::new(Self {
            plan,
            state: Mutex::default(),
            beginning: tokio::sync::Mutex::default(),
            freed: Notify::new(),
            runtime: Handle::current(),
        })
    }

    /// A place for a page: in the session that holds the fewest, or in another one.
    pub(super) async fn place(self: &Arc<Self>) -> Result<Place> {
        loop {
            let freed = self.freed.notified();
            if let Some(session) = self.take_place()? {
                return Ok(Place { fleet: self.clone(), session });
            }
            if self.plan.is_none() {
                return Err(Error::closed());
            }
            let _turn = tokio::select! {
                turn = self.beginning.lock() => turn,
                () = freed => continue,
            };
            // Somebody else may have made room meanwhile.
            if let Some(session) = self.take_place()? {
                return Ok(Place { fleet: self.clone(), session });
            }
            let session = self.hold(self.another(AGAIN).await?, 1);
            if self.lock().ended {
                // It was begun while all others ended.
                self.end().await;
                return Err(Error::closed());
            }
            return Ok(Place { fleet: self.clone(), session });
        }
    }

    /// Any session that lives.
    pub(super) fn any(&self) -> Result<Arc<Session>> {
        let state = self.lock();
        let alive = state.held.iter().find(|held| held.session.is_alive());
        alive.map(|held| held.session.clone()).ok_or_else(Error::closed)
    }

    /// Whether one of them lives.
    pub(super) fn is_alive(&self) -> bool {
        self.any().is_ok()
    }

    /// Ends all of them.
    pub(super) async fn end(&self) {
        let held = {
            let mut state = self.lock();
            state.ended = true;
            std::mem::take(&mut state.held)
        };
        join_all(held.iter().map(|held| held.session.end())).await;
    }

    /// The same from where nothing can be awaited: a runtime of its own does it.
    pub(super) fn end_now(&self) {
        if self.lock().held.is_empty() {
            self.lock().ended = true;
            return;
        }
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                match runtime {
                    Ok(runtime) => runtime.block_on(self.end()),
                    Err(error) => tracing::warn!(%error, "sessions could not be given back"),
                }
            });
        });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_place(&self) -> Result<Option<Arc<Session>>> {
        let bound = self.plan.as_ref().map_or(usize::MAX, |plan| plan.pages_per_session);
        let mut state = self.lock();
        if state.ended {
            return Err(Error::closed());
        }
        let free =
            state.held.iter_mut().filter(|held| held.pages < bound && held.session.is_alive());
        Ok(free.min_by_key(|held| held.pages).map(|held| {
            held.pages += 1;
            held.session.clone()
        }))
    }

    /// Begins another session, in a task of its own: whoever stops waiting for it leaves none
    /// behind, since one that nobody takes is given back.
    async fn another(self: &Arc<Self>, again: Duration) -> Result<Session> {
        let plan = self.plan.as_ref().ok_or_else(Error::closed)?;
        let wait = plan.wait;
        let (done, begun) = oneshot::channel();
        let fleet = self.clone();
        self.runtime.spawn(async move {
            let Some(plan) = &fleet.plan else { return };
            let start = Instant::now();
            let mut session = plan.begin().await;
            while session.is_err() && start.elapsed() < again && !done.is_closed() {
                tokio::time::sleep(PAUSE).await;
                session = plan.begin().await;
            }
            if let Err(Ok(session)) = done.send(session) {
                session.end().await;
            }
        });
        match tokio::time::timeout(wait, begun).await {
            Ok(session) => session.unwrap_or_else(|_| Err(Error::closed())),
            Err(_) => Err(Error::new(
                ErrorKind::Launch,
                format!(
                    "the WebDriver service at {} opened no session within {wait:?}; is a place \
                     free there?",
                    plan.service.place()
                ),
            )),
        }
    }

    fn hold(self: &Arc<Self>, session: Session, pages: usize) -> Arc<Session> {
        let session = Arc::new(session);
        let held = Held { session: session.clone(), pages, idle_since: Instant::now() };
        self.lock().held.push(held);
        self.freed.notify_waiters();
        let (fleet, watched) = (Arc::downgrade(self), session.clone());
        self.runtime.spawn(async move {
            watched.lost().await;
            let Some(fleet) = fleet.upgrade() else { return };
            if fleet.forget(&watched) {
                tracing::debug!("a session is lost");
                watched.end().await;
            }
        });
        session
    }

    /// Whether it was held.
    fn forget(&self, session: &Arc<Session>) -> bool {
        let mut state = self.lock();
        let before = state.held.len();
        state.held.retain(|held| !Arc::ptr_eq(&held.session, session));
        before != state.held.len()
    }

    /// Gives a session back that has held no page for long, unless it is the only one.
    fn give_back_if_idle(&self, session: &Arc<Session>) -> bool {
        let mut state = self.lock();
        let is_idle = |held: &Held| {
            Arc::ptr_eq(&held.session, session)
                && held.pages == 0
                && held.idle_since.elapsed() >= IDLE
        };
        let at = state.held.iter().position(is_idle).filter(|_| state.held.len() > 1);
        at.map(|at| state.held.remove(at)).is_some()
    }

    fn leave(self: &Arc<Self>, session: &Arc<Session>) {
        let mut state = self.lock();
        let Some(held) = state.held.iter_mut().find(|held| Arc::ptr_eq(&held.session, session))
        else {
            return;
        };
        held.pages -= 1;
        held.idle_since = Instant::now();
        let is_idle = held.pages == 0;
        drop(state);
        self.freed.notify_waiters();
        if is_idle && self.plan.is_some() {
            let (fleet, session) = (Arc::downgrade(self), Arc::downgrade(session));
            self.runtime.spawn(async move {
                tokio::time::sleep(IDLE + Duration::from_millis(10)).await;
                if let (Some(fleet), Some(session)) = (fleet.upgrade(), session.upgrade())
                    && fleet.give_back_if_idle(&session)
                {
                    session.end().await;
                }
            });
        }
    }
}

/// The plan may hold keys.
impl fmt::Debug for Fleet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fleet").field("state", &self.state).finish_non_exhaustive()
    }
}

impl Place {
    pub(super) fn session(&self) -> &Session {
        &self.session
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.fleet.leave(&self.session);
    }
}
