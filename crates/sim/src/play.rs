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
use crate::wire::{self, Entry};
use crate::world::{Account, Exchange, Message, now_us};
use others::{NOISE, NOISY_FRAMES, Other};

pub(crate) mod announce;
mod around;
mod others;
pub(crate) mod rival;

/// An answer to be performed.
pub(crate) struct Run {
    pub(crate) site: Arc<Site>,
    pub(crate) account: Arc<Account>,
    pub(crate) exchange: Exchange,
    /// The answer.
    pub(crate) message: u64,
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
    let Run { site, account, exchange, message, bot, mut script, quirks, early } = run;
    let mut player = Player {
        site,
        account,
        exchange,
        message,
        bot,
        texts: std::mem::take(&mut script.texts),
        batch: script.batch,
        quirks,
        waiting: Vec::new(),
        newest: [None, None],
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
                player.account.channels.room().await;
                tokio::task::yield_now().await;
            } else {
                tokio::time::sleep(pause).await;
            }
        } else if player.play(step).is_none() {
            break;
        }
    }
    player.flush();
    player.account.channels.lose(0);
}

struct Player {
    site: Arc<Site>,
    account: Arc<Account>,
    exchange: Exchange,
    message: u64,
    bot: &'static Bot,
    texts: Vec<String>,
    batch: usize,
    quirks: Quirks,
    /// Entries of the next frame.
    waiting: Vec<Entry>,
    /// The entries of the last two updates, the older one first.
    newest: [Option<Entry>; 2],
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
            Step::Begin => self.begin()?,
            Step::JobDone { well } => self.job_done(well),
            Step::Cost(points) => {
                let wire = &self.site.wire;
                let mut cost = wire.job(wire::job_of(self.message), "running");
                // Its own state says nothing of the end.
                if let Some(fields) = cost.as_object_mut().filter(|_| !wire.is_new()) {
                    fields.remove("state");
                }
                cost["totalCostPoints"] = json!(points);
                self.send("jobCostUpdated", cost);
            }
            Step::Points => {
                let entry = announce::points(&self.site.wire, self.exchange.chat);
                self.push(entry);
            }
            Step::Title(title) => self.title(&title)?,
            Step::Other { part, last } => self.another_chat(part, last)?,
            Step::Stale => self.stale()?,
            Step::Noise(index) => {
                self.waiting.push(Entry::plain(NOISE[index % NOISE.len()]));
                self.account.channels.publish_raw(NOISY_FRAMES[index % NOISY_FRAMES.len()]);
            }
            Step::DropSockets { away } => {
                self.flush();
                self.account.channels.drop_sockets(away);
            }
            Step::Missed { lose } => {
                self.flush();
                self.account.channels.miss(lose);
            }
            Step::Refetch => {
                self.waiting.push(Entry::plain(wire::REFETCH_CHANNEL));
                self.flush();
            }
            Step::Lost { lose } => {
                self.flush();
                self.account.channels.lose(lose);
            }
            Step::Expire => {
                self.flush();
                self.site.world().sign_out_all();
                self.account.channels.drop_sockets(Duration::ZERO);
            }
            Step::Reload => {
                self.waiting.push(Entry::plain(wire::RELOAD));
                self.flush();
            }
            Step::Cancel => {
                self.flush();
                crate::gql::stop::cancel(&self.site, &self.account, self.message);
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
                let entry = if self.site.wire.suggests_inside() {
                    entry
                } else {
                    let world = self.site.world();
                    let message = world.chat(self.exchange.chat)?.message(self.message)?;
                    let told = announce::follow_ups(&self.site.wire, message);
                    self.site.wire.entry("messageFollowupActionUpdated", self.exchange.chat, told)
                };
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
            self.publish();
        }
        if self.updates >= EARLY_UPDATES
            && let Some(early) = self.early.take()
        {
            let _ = early.send(());
        }
        Some(())
    }

    /// Puts an update into the next frame.
    fn told(&mut self, entry: Entry) {
        self.newest.rotate_left(1);
        self.newest[1] = Some(entry.clone());
        self.waiting.push(entry);
    }

    /// Something of the answer once more.
    fn again(&mut self, copy: Copy) -> Option<()> {
        let entry = match copy {
            Copy::Older => self.newest[0].clone(),
            Copy::Newest => self.newest[1].clone(),
            Copy::Textless => self.newest[1].as_ref().and_then(wire::without_text),
        };
        // There is nothing older than the first update.
        if let Some(entry) = entry {
            self.push(entry);
        }
        Some(())
    }

    fn end(&mut self, state: &str, why: Option<String>) -> Option<()> {
        let (code, ended) = {
            let mut world = self.site.world();
            let chat = world.chat_mut(self.exchange.chat)?;
            if !chat.runs(self.message) {
                return None;
            }
            chat.running = None;
            let code = chat.code.clone();
            let message = chat.message_mut(self.message)?;
            message.state = state.to_owned();
            message.state_text = why;
            (code, message.clone())
        };
        let node = self.site.wire.update(&ended);
        self.told(self.site.wire.entry("messageAdded", self.exchange.chat, node));
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
        world.chat(self.exchange.chat).is_some_and(|chat| chat.runs(self.message))
    }

    /// Changes the answer in the database; gives the entry that tells of it.
    fn change(&self, change: impl FnOnce(&mut Message)) -> Option<Entry> {
        let chat = self.exchange.chat;
        let mut world = self.site.world();
        let message = world.chat_mut(chat)?.message_mut(self.message)?;
        change(message);
        Some(self.site.wire.entry("messageAdded", chat, self.site.wire.update(message)))
    }

    fn send(&mut self, subscription: &str, data: Value) {
        let entry = self.site.wire.entry(subscription, self.exchange.chat, data);
        self.push(entry);
    }

    /// An entry in a frame of its own, or in the one that is being filled.
    fn push(&mut self, entry: Entry) {
        self.waiting.push(entry);
        if self.updates_waiting == 0 {
            self.flush();
        }
    }

    /// Hands over what waits, whether it fills a frame or not.
    fn publish(&mut self) {
        self.quirks.apply(&mut self.waiting);
        let entries = std::mem::take(&mut self.waiting);
        self.site.tell(&self.account, entries);
        self.updates_waiting = 0;
    }

    fn flush(&mut self) {
        self.publish();
        self.site.tell_now(&self.account, Vec::new());
    }
}
