//! Another bot that answers the same question at the same time.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::bots::{self, Bot};
use crate::site::Site;
use crate::wire::Entry;
use crate::world::{Account, Exchange, Message};

const GAP: Duration = Duration::from_millis(45);
const WORDS: &[&str] =
    &["I", "was", "not", "asked", "by", "name,", "but", "I", "answer", "all", "the", "same."];

/// Who answers beside a bot.
pub(crate) fn of(bot: &Bot) -> &'static Bot {
    let names = ["Web-Search", "Solar-Mini"];
    let other =
        names.iter().filter_map(|name| bots::find(name)).find(|other| !std::ptr::eq(*other, bot));
    other.expect("there are two of them")
}

/// Plays the rival's answer, which stands between the question and the answer that was asked for.
pub(crate) async fn perform(site: Arc<Site>, account: Arc<Account>, exchange: Exchange, ours: u64) {
    let find = |message: &&Message| message.id > exchange.question && message.id < ours;
    let id = {
        let world = site.world();
        let messages = world.chat(exchange.chat).map(|chat| &chat.messages);
        messages.and_then(|messages| messages.iter().find(find)).map(|message| message.id)
    };
    let Some(id) = id else { return };
    let told = |change: &dyn Fn(&mut Message)| -> Option<Entry> {
        let mut world = site.world();
        let message = world.chat_mut(exchange.chat)?.message_mut(id)?;
        change(message);
        Some(site.wire.entry("messageAdded", exchange.chat, site.wire.update(message)))
    };
    for word in WORDS {
        let Some(entry) = told(&|message| {
            message.text.push_str(if message.text.is_empty() { "" } else { " " });
            message.text.push_str(word);
        }) else {
            return;
        };
        site.tell(&account, vec![entry]);
        tokio::time::sleep(GAP).await;
    }
    let Some(entry) = told(&|message| "complete".clone_into(&mut message.state)) else { return };
    let mut job = site.wire.job(crate::wire::job_of(id), "completed");
    job["clientNonce"] = json!(null);
    let done = site.wire.entry("jobUpdated", exchange.chat, job);
    site.tell_now(&account, vec![entry, done]);
}
