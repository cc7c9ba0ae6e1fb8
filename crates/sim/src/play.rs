//! Performs the script of an answer: the database first, then the sockets.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::bots::Bot;
use crate::log::Seen;
use crate::quirks::Quirks;
use crate::script::{Copy, Script, Step};
use crate::site::Site;
use crate::wire;
use crate::world::{Account, Exchange, Message, now_us};
use others::{NOISE, NOISY_FRAMES, Other};

mod others;

/// An answer to be performed.
pub(crate) struct Run {
    pub(crate) site: Arc<Site>,
    pub(crate) account: Arc<Account>,
    pub(crate) exchange: Exchange,
    pub(crate) bot: &'static Bot,
    pub(crate) script: Script,
    pub(crate) quirks: Quirks,
    /// Told when the first updates are out.
    pub(crate) early: Option<oneshot::Sender<()>>,
}

/// How many updates count as the first ones.
const EARLY_UPDATES: usize = 3;

/// Plays all steps, or as many as there are before somebody stops the answer.
pub(crate) async fn perform(run: Run) {
    let Run { site, account, exchange, bot, mut script, quirks, early } = run;
    let mut player = Player {
        site,
        account,
        exchange,
        bot,
        texts: std::mem::take(&mut script.texts),
        batch: script.batch,
        quirks,
        waiting: Vec::new(),
        newest: [String::new(), String::new()],
        updates_waiting: 0,
        updates: 0,
        early,
        stamped: String::new(),
        stamped_upto: 0,
        other: None,
    };
    for step in script.steps {
        if let Step::Wait(pause) = step {
            if pause.is_zero() {
                player.account.channel.room().await;
                tokio::task::yield_now().await;
            } else {
                tokio::time::sleep(pause).await;
            }
        } else if player.play(step).is_none() {
            break;
        }
    }
    player.flush();
    player.account.channel.lose(0);
}

struct Player {
    site: Arc<Site>,
    account: Arc<Account>,
    exchange: Exchange,
    bot: &'static Bot,
    texts: Vec<String>,
    batch: usize,
    quirks: Quirks,
    /// Entries of the next frame.
    waiting: Vec<String>,
    /// The entries of the last two updates, the older one first.
    newest: [String; 2],
    updates_waiting: usize,
    updates: usize,
    early: Option<oneshot::Sender<()>>,
    stamped: String,
    stamped_upto: usize,
    other: Option<Other>,
}

impl Player {
    /// One step; `None` when there is nothing more to do.
    fn play(&mut self, step: Step) -> Option<()> {
        match step {
            Step::Wait(_) => {}
            Step::Text { which, upto } => {
                let text = self.texts[which][..upto].to_owned();
                self.update(text)?;
            }
            Step::Stamped { upto } => {
                self.stamped.push_str(&self.texts[0][self.stamped_upto..upto]);
                self.stamped_upto = upto;
                self.stamped.push_str(&format!("{} ", now_us()));
                self.update(self.stamped.clone())?;
            }
            Step::JobStarted => self.job("jobStarted", "in_progress"),
            Step::JobDone => self.job("jobUpdated", "finished"),
            Step::Cost(points) => {
                let cost = json!({ "jobId": self.job_id(), "totalCostPoints": points });
                self.send("jobCostUpdated", cost);
            }
            Step::Title(title) => self.title(&title)?,
            Step::Other { part, last } => self.another_chat(part, last)?,
            Step::Stale => self.stale()?,
            Step::Noise(index) => {
                self.waiting.push(NOISE[index % NOISE.len()].to_owned());
                self.account.channel.publish_raw(NOISY_FRAMES[index % NOISY_FRAMES.len()]);
            }
            Step::DropSockets { away } => {
                self.flush();
                self.account.channel.drop_sockets(away);
            }
            Step::Missed { lose } => {
                self.flush();
                self.account.channel.miss(lose);
            }
            Step::Refetch => {
                self.waiting.push(wire::REFETCH_CHANNEL.to_owned());
                self.flush();
            }
            Step::Lost { lose } => {
                self.flush();
                self.account.channel.lose(lose);
            }
            Step::Expire => {
                self.flush();
                self.site.world().sign_out_all();
                self.account.channel.drop_sockets(Duration::ZERO);
            }
            Step::Reload => {
                self.waiting.push(wire::RELOAD.to_owned());
                self.flush();
            }
            Step::Cancel => {
                self.flush();
                crate::gql::cancel(&self.site, &self.account, self.exchange.answer);
                return None;
            }
            Step::Delete => {
                self.flush();
                self.site.world().delete_chat(self.account.number, self.exchange.chat);
                return None;
            }
            Step::Again(copy) => self.again(copy)?,
            Step::Silence => return None,
            Step::End { state, why } => self.end(&state, why)?,
            Step::Suggest(suggestions) => {
                let entry = self.change(|message| message.suggestions = suggestions)?;
                self.push(entry);
            }
        }
        Some(())
    }

    /// The answer's text is replaced by a newer one.
    fn update(&mut self, text: String) -> Option<()> {
        if !self.runs() {
            return None;
        }
        let entry = self.change(|message| message.text = text)?;
        self.told(entry);
        self.updates_waiting += 1;
        self.updates += 1;
        if self.updates_waiting >= self.batch {
            self.flush();
        }
        if self.updates >= EARLY_UPDATES
            && let Some(early) = self.early.take()
        {
            let _ = early.send(());
        }
        Some(())
    }

    /// Puts an update into the next frame.
    fn told(&mut self, entry: String) {
        self.newest.rotate_left(1);
        self.newest[1].clone_from(&entry);
        self.waiting.push(entry);
    }

    /// Something of the answer once more.
    fn again(&mut self, copy: Copy) -> Option<()> {
        let entry = match copy {
            Copy::Older => self.newest[0].clone(),
            Copy::Newest => self.newest[1].clone(),
            Copy::Textless => wire::without_text(&self.newest[1]),
        };
        // There is nothing older than the first update.
        if !entry.is_empty() {
            self.push(entry);
        }
        Some(())
    }

    fn end(&mut self, state: &str, why: Option<String>) -> Option<()> {
        let (code, ended) = {
            let mut world = self.site.world();
            let chat = world.chat_mut(self.exchange.chat)?;
            if !chat.runs(self.exchange.answer) {
                return None;
            }
            chat.running = None;
            let code = chat.code.clone();
            let message = chat.message_mut(self.exchange.answer)?;
            message.state = state.to_owned();
            message.state_text = why;
            (code, message.clone())
        };
        self.told(wire::entry("messageAdded", self.exchange.chat, wire::message(&ended)));
        self.flush();
        let seen =
            Seen::Answer { chat: code, message: ended.id, text: ended.text, state: ended.state };
        self.site.log.add(Some(&self.account.email), seen);
        Some(())
    }

    fn title(&mut self, title: &str) -> Option<()> {
        let id = {
            let mut world = self.site.world();
            let chat = world.chat_mut(self.exchange.chat)?;
            chat.title = Some(title.to_owned());
            wire::global_id("Chat", chat.id)
        };
        self.send("chatTitleUpdated", json!({ "id": id, "title": title }));
        Some(())
    }

    fn runs(&self) -> bool {
        let world = self.site.world();
        world.chat(self.exchange.chat).is_some_and(|chat| chat.runs(self.exchange.answer))
    }

    /// Changes the answer in the database; gives the entry that tells of it.
    fn change(&self, change: impl FnOnce(&mut Message)) -> Option<String> {
        let Exchange { chat, answer, .. } = self.exchange;
        let mut world = self.site.world();
        let message = world.chat_mut(chat)?.message_mut(answer)?;
        change(message);
        Some(wire::entry("messageAdded", chat, wire::message(message)))
    }

    fn job_id(&self) -> u64 {
        self.exchange.answer + 1_000_000_000
    }

    fn job(&mut self, subscription: &str, state: &str) {
        let job = json!({ "jobId": self.job_id(), "state": state });
        self.send(subscription, job);
    }

    fn send(&mut self, subscription: &str, data: Value) {
        self.push(wire::entry(subscription, self.exchange.chat, data));
    }

    /// An entry in a frame of its own, or in the one that is being filled.
    fn push(&mut self, entry: String) {
        self.waiting.push(entry);
        if self.updates_waiting == 0 {
            self.flush();
        }
    }

    fn flush(&mut self) {
        self.quirks.apply(&mut self.waiting);
        self.account.channel.publish(&self.waiting);
        self.waiting.clear();
        self.updates_waiting = 0;
    }
}
