//! How further sessions are begun: one at a time, for all who wait for a place.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use super::super::service::Service;
use super::{Fleet, Left, Session};
use crate::proxy::Credentials;
use crate::{Error, ErrorKind, Result, SessionCookie};

/// How long the service may take for a session, before it is taken for lost. Longer than anybody
/// waits, since one that comes late must be given back. A Grid keeps requests for five minutes.
const LATE: Duration = Duration::from_secs(600);

/// For how long a further session is asked for again where the service fails to begin it, and how
/// soon. A Grid hands requests to a node that has died until it notices.
pub(super) const AGAIN: Duration = Duration::from_secs(45);
const PAUSE: Duration = Duration::from_secs(1);

/// How further sessions are begun.
pub(in super::super) struct Plan {
    pub(in super::super) service: Service,
    pub(in super::super) capabilities: Value,
    pub(in super::super) credentials: Option<Credentials>,
    pub(in super::super) cookies: Vec<SessionCookie>,
    pub(in super::super) pages_per_session: usize,
    pub(in super::super) wait: Duration,
}

/// The session that is being begun. Those who wait for it do so in turn: where one gives up, the
/// next waits for the same.
pub(super) type Slot = Mutex<Option<JoinHandle<Result<()>>>>;

/// One who waits for a place.
pub(super) struct Waiting<'a>(&'a Fleet);

/// A session being begun, in a task of its own: whoever stops waiting for it leaves none behind,
/// since one that nobody waits for is given back.
struct Beginning(Arc<Fleet>);

impl Plan {
    async fn begin(&self) -> Result<Session> {
        let credentials = self.credentials.clone();
        Session::begin(&self.service, &self.capabilities, credentials, &self.cookies, LATE).await
    }
}

impl Fleet {
    /// Waits until another session is held.
    pub(super) async fn another(self: &Arc<Self>, again: Duration) -> Result<()> {
        let mut slot = self.beginning.lock().await;
        // What came of one that nobody waited for says nothing of now.
        slot.take_if(|task| task.is_finished());
        let task = slot.get_or_insert_with(|| {
            self.lock().is_beginning = true;
            self.runtime.spawn(Beginning(self.clone()).run(again))
        });
        let begun = task.await.unwrap_or_else(|_| Err(Error::closed()));
        *slot = None;
        begun
    }

    /// The error of a page that found no place in time.
    pub(super) fn too_late(&self, plan: &Plan) -> Error {
        let Plan { service, wait, .. } = plan;
        let message = self.lock().failure.clone().unwrap_or_else(|| {
            format!(
                "the WebDriver service at {} opened no session within {wait:?}; is a place free \
                 there?",
                service.place()
            )
        });
        Error::new(ErrorKind::Launch, message)
    }

    fn is_wanted(&self) -> bool {
        let state = self.lock();
        state.waiting > 0 && !state.ended
    }
}

impl<'a> Waiting<'a> {
    pub(super) fn on(fleet: &'a Fleet) -> Self {
        let mut state = fleet.lock();
        state.waiting += 1;
        state.left = None;
        Self(fleet)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.waiting -= 1;
        if state.waiting == 0 && state.is_beginning {
            state.left = Some(Left::one_more());
        }
    }
}

impl Beginning {
    async fn run(self, again: Duration) -> Result<()> {
        let fleet = &self.0;
        let plan = fleet.plan.as_ref().ok_or_else(Error::closed)?;
        let start = Instant::now();
        loop {
            match plan.begin().await {
                Ok(session) => {
                    if let Some(unwanted) = self.hold(session) {
                        unwanted.end().await;
                    }
                    return Ok(());
                }
                Err(error) => {
                    fleet.lock().failure = Some(error.to_string());
                    let is_final = error.kind() == ErrorKind::InvalidOption;
                    if is_final || start.elapsed() >= again || !fleet.is_wanted() {
                        return Err(error);
                    }
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Has the fleet hold a session, unless nobody waits for it.
    fn hold(&self, session: Session) -> Option<Session> {
        let mut state = self.0.lock();
        state.failure = None;
        if state.waiting == 0 || state.ended {
            return Some(session);
        }
        self.0.hold(&mut state, session);
        None
    }
}

impl Drop for Beginning {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.is_beginning = false;
        state.left = None;
    }
}
