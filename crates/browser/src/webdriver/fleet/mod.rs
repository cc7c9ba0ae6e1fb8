//! The sessions that pages are spread over.

mod beginning;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::runtime::Handle;
use tokio::sync::Notify;

pub(super) use self::beginning::Plan;
use self::beginning::{AGAIN, Slot, Waiting};
use super::session::Session;
use crate::given_back::{Left, sessions_given_back};
use crate::{Error, Result};

/// How long a session beyond the first may hold no page before it is given back.
const IDLE: Duration = Duration::from_secs(60);

/// Sessions, and how many pages each holds.
pub(super) struct Fleet {
    /// How further ones are begun; `None` where there is to be no other.
    plan: Option<Plan>,
    state: Mutex<State>,
    /// Only one session is begun at a time, so that pages that wait for one share it.
    beginning: Slot,
    freed: Notify,
    runtime: Handle,
}

#[derive(Debug, Default)]
struct State {
    ended: bool,
    held: Vec<Held>,
    /// How many wait for a place.
    waiting: usize,
    is_beginning: bool,
    /// While a session is begun that nobody waits for.
    left: Option<Left>,
    /// Why the last one could not be begun.
    failure: Option<String>,
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

impl Fleet {
    /// Of one session, and of none other.
    pub(super) fn of(session: Session) -> Arc<Self> {
        let fleet = Self::new(None);
        fleet.hold(&mut fleet.lock(), session);
        fleet
    }

    /// Of as many sessions as pages need. The first is begun at once.
    pub(super) async fn begin(plan: Plan) -> Result<Arc<Self>> {
        let fleet = Self::new(Some(plan));
        drop(fleet.place_within(Duration::ZERO).await?);
        Ok(fleet)
    }

    fn new(plan: Option<Plan>) -> Arc<Self> {
        Arc::new(Self {
            plan,
            state: Mutex::default(),
            beginning: Slot::default(),
            freed: Notify::new(),
            runtime: Handle::current(),
        })
    }

    /// A place for a page: in the session that holds the fewest, or in another one.
    pub(super) async fn place(self: &Arc<Self>) -> Result<Place> {
        self.place_within(AGAIN).await
    }

    /// The same, where a session that the service fails to begin is asked for again for as long.
    async fn place_within(self: &Arc<Self>, again: Duration) -> Result<Place> {
        let Some(plan) = &self.plan else { return self.take_place()?.ok_or_else(Error::closed) };
        let _waiting = Waiting::on(self);
        let found = tokio::time::timeout(plan.wait, async {
            loop {
                let freed = self.freed.notified();
                if let Some(place) = self.take_place()? {
                    return Ok(place);
                }
                tokio::select! {
                    // Room is looked for before another session is.
                    biased;
                    () = freed => {}
                    begun = self.another(again) => begun?,
                }
            }
        });
        found.await.unwrap_or_else(|_| Err(self.too_late(plan)))
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

    /// Ends all of them. Whoever stops waiting for that does not stop it.
    pub(super) async fn end(&self) {
        let ends = self.take_all().into_iter().map(|held| {
            tokio::spawn(async move {
                held.session.end().await;
            })
        });
        join_all(ends).await;
        sessions_given_back().await;
    }

    /// The same from where nothing can be awaited: a runtime of its own gives back what is ours.
    pub(super) fn end_now(&self) {
        let (ours, theirs): (Vec<_>, Vec<_>) =
            self.take_all().into_iter().partition(|held| held.session.is_ours());
        theirs.iter().for_each(|held| held.session.leave());
        if ours.is_empty() {
            return;
        }
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                let ends = join_all(ours.iter().map(|held| held.session.end()));
                match runtime {
                    Ok(runtime) => drop(runtime.block_on(ends)),
                    Err(error) => tracing::warn!(%error, "sessions could not be given back"),
                }
            });
        });
    }

    fn take_all(&self) -> Vec<Held> {
        let mut state = self.lock();
        state.ended = true;
        std::mem::take(&mut state.held)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_place(self: &Arc<Self>) -> Result<Option<Place>> {
        let bound = self.plan.as_ref().map_or(usize::MAX, |plan| plan.pages_per_session);
        let mut state = self.lock();
        if state.ended {
            return Err(Error::closed());
        }
        let free =
            state.held.iter_mut().filter(|held| held.pages < bound && held.session.is_alive());
        Ok(free.min_by_key(|held| held.pages).map(|held| {
            held.pages += 1;
            Place { fleet: self.clone(), session: held.session.clone() }
        }))
    }

    fn hold(self: &Arc<Self>, state: &mut State, session: Session) {
        let session = Arc::new(session);
        let held = Held { session: session.clone(), pages: 0, idle_since: Instant::now() };
        state.held.push(held);
        self.freed.notify_waiters();
        self.give_back_when_idle(&session);
        let (fleet, lost, session) =
            (Arc::downgrade(self), session.lost(), Arc::downgrade(&session));
        self.runtime.spawn(async move {
            lost.await;
            let (Some(fleet), Some(session)) = (fleet.upgrade(), session.upgrade()) else { return };
            if fleet.forget(&session) {
                tracing::debug!("a session is lost");
                session.end().await;
            }
        });
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
        if is_idle {
            self.give_back_when_idle(session);
        }
    }

    fn give_back_when_idle(self: &Arc<Self>, session: &Arc<Session>) {
        if self.plan.is_none() {
            return;
        }
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
