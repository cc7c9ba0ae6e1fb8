//! The tab that hears the account's channel for all others, where there are many.

use std::time::Duration;

use lenore_browser::Page;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::arrive::{self, Arrival, LOAD, Reading};
use crate::context::Context;
use crate::decode::TapMessage;
use crate::models;

/// From how many tabs on that are busy at once one of its own is worth it. With fewer, each hears
/// for itself.
pub(crate) const WORTH_IT: usize = 3;
/// How long its page may take. Who waits for it opens a tab without it then.
const READY: Duration = Duration::from_secs(5);
/// For how long it is not tried again after it failed.
const AGAIN: Duration = Duration::from_secs(60);
/// One that is older is closed, once nobody is answered.
const OLD: Duration = Duration::from_secs(30 * 60);

/// The hub, if there is one. `share.js` says what it does.
#[derive(Debug, Default)]
pub(crate) struct Hub(Mutex<State>);

#[derive(Debug, Default)]
enum State {
    #[default]
    None,
    Heard {
        name: String,
        page: Page,
        since: Instant,
    },
    Failed(Instant),
}

impl Hub {
    /// The name of a hub that hears; it is opened where there is none. `None` where none can be
    /// had.
    pub(crate) async fn name(&self, poe: &Context) -> Option<String> {
        let mut state = self.0.lock().await;
        match &*state {
            State::Heard { name, page, since } => {
                let is_old = since.elapsed() > OLD && poe.tabs.running() <= 1;
                if page.is_open() && !is_old {
                    return Some(name.clone());
                }
            }
            State::Failed(at) if at.elapsed() < AGAIN => return None,
            State::None | State::Failed(_) => {}
        }
        let opened = timeout(READY, Self::open(poe)).await.ok().flatten();
        let name = opened.as_ref().map(|(name, _)| name.clone());
        *state = match opened {
            Some((name, page)) => State::Heard { name, page, since: Instant::now() },
            None => {
                tracing::debug!("no tab can hear for the others");
                State::Failed(Instant::now())
            }
        };
        name
    }

    /// Closes it.
    pub(crate) async fn close(&self) {
        *self.0.lock().await = State::None;
    }

    async fn open(poe: &Context) -> Option<(String, Page)> {
        let name = format!("{:032x}", fastrand::u128(..));
        let (page, mut tap) = poe.page_of(Some(&name), true).await.ok()?;
        let bot = models::bot_of(&poe.site.models, "").ok()?;
        let arrival = arrive::arrive(&page, &poe.site, &poe.site.bot_url(&bot), LOAD).await.ok()?;
        let told = arrive::hear_socket(&mut tap, Reading::Unneeded).await;
        let hears = told.iter().any(|told| matches!(told, TapMessage::Socket { open: true }));
        if arrival != Arrival::PromptBox || !hears {
            return None;
        }
        // It tells nothing, but must not wait for somebody to listen.
        tokio::spawn(async move { while tap.next().await.is_some() {} });
        Some((name, page))
    }
}
