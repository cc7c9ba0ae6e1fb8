//! What every request handler shares: the database, the log, the names of a build.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::{HeaderMap, header};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::assets::Assets;
use crate::habits::Habits;
use crate::log::Log;
use crate::options::Options;
use crate::parts::{self, Part};
use crate::wire::Wire;
use crate::world::{Account, World};

/// Whose the session is that is there from the start.
const VISITOR: &str = "visitor@example.org";

/// The running site.
pub(crate) struct Site {
    pub(crate) options: Options,
    pub(crate) log: Log,
    pub(crate) assets: Assets,
    pub(crate) parts: BTreeMap<String, Part>,
    pub(crate) wire: Wire,
    pub(crate) socket_port: u16,
    /// Becomes true when the site stops.
    pub(crate) stopping: watch::Sender<bool>,
    world: Mutex<World>,
    answers: Mutex<JoinSet<()>>,
}

impl Site {
    pub(crate) fn new(options: Options, socket_port: u16, salt: u64) -> Site {
        let habits = Habits::of(options.edition, &options.habits);
        let mut world = World::new(salt, &habits, options.session.clone());
        if options.session.is_some() {
            world.sign_in(VISITOR);
        }
        let assets = Assets::new(salt);
        Site {
            options,
            log: Log::new(),
            parts: parts::chosen(&habits.words(), |table| assets.html(table)),
            assets,
            wire: Wire { habits },
            socket_port,
            stopping: watch::Sender::new(false),
            world: Mutex::new(world),
            answers: Mutex::new(JoinSet::new()),
        }
    }

    /// The database. Never held across an await.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The session's token and account, if the request carries a live one.
    pub(crate) fn session(&self, headers: &HeaderMap) -> Option<(String, Arc<Account>)> {
        let token = cookie(headers, "p-b")?;
        let account = self.world().account_of(&token)?;
        Some((token, account))
    }

    pub(crate) fn account(&self, headers: &HeaderMap) -> Option<Arc<Account>> {
        self.session(headers).map(|(_, account)| account)
    }

    pub(crate) fn habits(&self) -> &Habits {
        &self.wire.habits
    }

    /// Runs an answer in the background, until it ends or the site stops.
    pub(crate) fn spawn(&self, answer: impl Future<Output = ()> + Send + 'static) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        while answers.try_join_next().is_some() {}
        answers.spawn(answer);
    }

    /// Ends answers and sockets, and tells the servers to go.
    pub(crate) fn halt(&self) {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
        self.stopping.send_replace(true);
    }
}

fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value.to_owned())
}
