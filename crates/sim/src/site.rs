//! What every request handler shares: the database, the log, the names of a build.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::{HeaderMap, header};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::assets::Assets;
use crate::drift::{Drifts, LATE};
use crate::habits::Habits;
use crate::log::Log;
use crate::options::Options;
use crate::parts::{self, Part};
use crate::routes;
use crate::wire::{Entry, Wire};
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
    pub(crate) drifts: Arc<Drifts>,
    pub(crate) socket_port: u16,
    /// Becomes true when the site stops.
    pub(crate) stopping: watch::Sender<bool>,
    world: Mutex<World>,
    answers: Mutex<JoinSet<()>>,
}

impl Site {
    pub(crate) fn new(options: Options, socket_port: u16, salt: u64) -> Site {
        let habits = Habits::of(options.edition, &options.habits);
        let drifts = Arc::new(Drifts::new(&options.drift));
        let token = options.session.clone();
        let mut world = World::new(salt, &habits, token, Arc::clone(&drifts));
        if options.session.is_some() {
            world.sign_in(VISITOR);
        }
        let assets = Assets::new(salt);
        let mut parts = parts::chosen(&habits.words(), |table| assets.html(table));
        drifts.markup(&mut parts);
        Site {
            options,
            log: Log::new(),
            parts,
            drifts,
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

    /// Tells an account's pages something, when there is enough of it for a frame.
    pub(crate) fn tell(self: &Arc<Site>, account: &Arc<Account>, entries: Vec<Entry>) {
        if self.drifts.is_empty() {
            account.channels.publish(entries);
            return;
        }
        for entry in entries {
            let told = self.drifts.entry(entry);
            account.channels.publish(told.now);
            if !told.late.is_empty() {
                let account = Arc::clone(account);
                self.spawn(async move {
                    tokio::time::sleep(LATE).await;
                    account.channels.publish_now(told.late);
                });
            }
            for field in told.fields_to_come {
                let (drifts, account) = (Arc::clone(&self.drifts), Arc::clone(account));
                self.spawn(async move {
                    tokio::time::sleep(LATE).await;
                    account.channels.publish_now(drifts.field_comes(field).into_iter().collect());
                });
            }
        }
    }

    /// Tells an account's pages something, and all that waits for its frame to be full.
    pub(crate) fn tell_now(self: &Arc<Site>, account: &Arc<Account>, entries: Vec<Entry>) {
        self.tell(account, entries);
        account.channels.publish_now(Vec::new());
    }

    /// Where a route of the site is.
    pub(crate) fn route(&self, route: &str) -> String {
        routes::place(&self.drifts, route)
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
