//! Who hears what of a listening page. Pure: what the page's tap tells comes in, and goes to the
//! subscribers whose it is.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::decode::TapMessage;

/// How much is kept of what may be the beginning of an answer whose chat is not known yet.
const MAX_RECENT: usize = 4096;
const MAX_RECENT_BYTES: usize = 4_000_000;
/// How much may wait for a subscriber; one that does not keep up is let go, and reads its chat.
const QUEUE: usize = 2 * MAX_RECENT;

/// What a subscriber gets.
#[derive(Clone, Debug)]
pub(crate) enum News {
    Message(Arc<TapMessage>),
    /// A new document has begun: texts are told from their beginnings again.
    Opened,
}

impl News {
    /// The chat that it is of; `None` where that is not told, or it is of all.
    fn chat(&self) -> Option<&str> {
        match self {
            Self::Message(message) => message.chat(),
            Self::Opened => None,
        }
    }

    /// The nonce of a question that the site repeats.
    fn nonce(&self) -> Option<&str> {
        let Self::Message(message) = self else { return None };
        match &**message {
            TapMessage::Message(update) if update.human => update.nonce.as_deref(),
            _ => None,
        }
    }
}

/// All who listen to one page.
#[derive(Debug, Default)]
pub(super) struct Room {
    subscribers: HashMap<u64, Subscriber>,
    last: u64,
    /// The subscribers of each chat.
    claims: HashMap<String, Vec<u64>>,
    /// What came since the oldest of those who have heard nothing of their chat yet.
    recent: VecDeque<(News, usize)>,
    /// The number of the first of them.
    first: u64,
    recent_bytes: usize,
}

#[derive(Debug)]
struct Subscriber {
    sender: mpsc::Sender<News>,
    /// The number of the first news that may be theirs.
    since: u64,
    nonce: Option<String>,
    chat: Option<String>,
    /// Whether news of their chat have come: all that follow go to them.
    is_heard: bool,
}

impl Room {
    /// Adds a subscriber, who gets nothing before news of their chat have come.
    pub(super) fn subscribe(&mut self) -> (u64, mpsc::Receiver<News>) {
        let (sender, receiver) = mpsc::channel(QUEUE);
        self.last += 1;
        let since = self.first + self.recent.len() as u64;
        let subscriber = Subscriber { sender, since, nonce: None, chat: None, is_heard: false };
        self.subscribers.insert(self.last, subscriber);
        (self.last, receiver)
    }

    /// Says what is known of a subscriber's question: its nonce, or the chat.
    pub(super) fn claim(&mut self, id: u64, nonce: Option<&str>, chat: Option<&str>) {
        let Some(subscriber) = self.subscribers.get_mut(&id) else { return };
        if subscriber.nonce.is_none() {
            subscriber.nonce = nonce.filter(|nonce| !nonce.is_empty()).map(str::to_owned);
        }
        let (nonce, since) = (subscriber.nonce.clone(), subscriber.since);
        if subscriber.chat.is_some() {
            return;
        }
        let is_echo = |news: &&News| nonce.is_some() && news.nonce() == nonce.as_deref();
        let chat = chat.or_else(|| self.since(since).find(is_echo).and_then(News::chat));
        let chat = chat.map(str::to_owned);
        let Some(chat) = chat else { return };
        let is_heard = self.since(since).any(|news| news.chat() == Some(&*chat));
        self.claim_chat(id, &chat);
        if is_heard {
            self.begin(id);
        }
    }

    /// Hands on what the page tells, so many bytes of it.
    pub(super) fn hear(&mut self, news: News, bytes: usize) {
        if let (Some(nonce), Some(chat)) = (news.nonce(), news.chat()) {
            let asked = |subscriber: &Subscriber| {
                subscriber.chat.is_none() && subscriber.nonce.as_deref() == Some(nonce)
            };
            let asker = self.subscribers.iter().find(|(_, subscriber)| asked(subscriber));
            if let Some(id) = asker.map(|(id, _)| *id) {
                self.claim_chat(id, chat);
            }
        }
        let ids = match news.chat() {
            Some(chat) => self.claims.get(chat).cloned().unwrap_or_default(),
            None => self.subscribers.keys().copied().collect(),
        };
        let is_of_chat = news.chat().is_some();
        let (heard, unheard): (Vec<_>, Vec<_>) = ids.into_iter().partition(|id| self.is_heard(*id));
        for id in heard {
            self.send(id, news.clone());
        }
        if self.subscribers.values().all(|subscriber| subscriber.is_heard) {
            self.forget(self.recent.len());
            return;
        }
        self.recent.push_back((news, bytes));
        self.recent_bytes += bytes;
        for id in unheard.into_iter().filter(|_| is_of_chat) {
            self.begin(id);
        }
        while self.recent.len() > MAX_RECENT || self.recent_bytes > MAX_RECENT_BYTES {
            self.forget(1);
        }
        // Who has missed the beginning cannot have it any more.
        let first = self.first;
        let is_late = |subscriber: &Subscriber| !subscriber.is_heard && subscriber.since < first;
        let late = self.subscribers.iter().filter(|(_, subscriber)| is_late(subscriber));
        for id in late.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.leave(id);
        }
    }

    /// Lets a subscriber go.
    pub(super) fn leave(&mut self, id: u64) {
        let Some(subscriber) = self.subscribers.remove(&id) else { return };
        if let Some(chat) = subscriber.chat
            && let Some(ids) = self.claims.get_mut(&chat)
        {
            ids.retain(|other| *other != id);
            if ids.is_empty() {
                self.claims.remove(&chat);
            }
        }
    }

    /// Lets all go: the page is gone, or something of what it told was lost.
    pub(super) fn end(&mut self) {
        self.subscribers.clear();
        self.claims.clear();
        self.forget(self.recent.len());
    }

    fn claim_chat(&mut self, id: u64, chat: &str) {
        if let Some(subscriber) = self.subscribers.get_mut(&id) {
            subscriber.chat = Some(chat.to_owned());
            self.claims.entry(chat.to_owned()).or_default().push(id);
        }
    }

    /// Gives a subscriber what has come of their chat so far, and from now on.
    fn begin(&mut self, id: u64) {
        let Some(subscriber) = self.subscribers.get_mut(&id) else { return };
        subscriber.is_heard = true;
        let (since, chat) = (subscriber.since, subscriber.chat.clone());
        let is_theirs = |news: &&News| news.chat().is_none() || news.chat() == chat.as_deref();
        for news in self.since(since).filter(is_theirs).cloned().collect::<Vec<_>>() {
            self.send(id, news);
        }
    }

    fn send(&mut self, id: u64, news: News) {
        let sender = self.subscribers.get(&id).map(|subscriber| &subscriber.sender);
        if sender.is_some_and(|sender| sender.try_send(news).is_err()) {
            tracing::debug!("one who listens does not keep up");
            self.leave(id);
        }
    }

    fn is_heard(&self, id: u64) -> bool {
        self.subscribers.get(&id).is_some_and(|subscriber| subscriber.is_heard)
    }

    fn since(&self, number: u64) -> impl Iterator<Item = &News> {
        let skipped = usize::try_from(number.saturating_sub(self.first)).unwrap_or(usize::MAX);
        self.recent.iter().skip(skipped).map(|(news, _)| news)
    }

    fn forget(&mut self, count: usize) {
        for (_, bytes) in self.recent.drain(..count) {
            self.recent_bytes -= bytes;
        }
        self.first += count as u64;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn hear(room: &mut Room, message: &Value) {
        let text = message.to_string();
        let message = serde_json::from_str(&text).expect("a message of the tap");
        room.hear(News::Message(Arc::new(message)), text.len());
    }

    fn echo(chat: &str, nonce: &str) -> Value {
        json!({
            "k": "message", "chat": chat, "id": "1", "human": true, "nonce": nonce, "keep": 0,
            "text": "",
        })
    }

    fn text(chat: &str, text: &str) -> Value {
        json!({ "k": "message", "chat": chat, "id": "2", "keep": 0, "text": text })
    }

    fn gap() -> Value {
        json!({ "k": "gap", "why": "test" })
    }

    /// What a subscriber has got: the texts, and a `!` for what is of all.
    fn got(receiver: &mut mpsc::Receiver<News>) -> String {
        let mut got = String::new();
        while let Ok(news) = receiver.try_recv() {
            match news {
                News::Message(message) => match &*message {
                    TapMessage::Message(update) => got.push_str(&update.text),
                    _ => got.push('!'),
                },
                News::Opened => got.push('o'),
            }
        }
        got
    }

    #[test]
    fn each_gets_all_of_their_chat_and_nothing_of_others() {
        let mut room = Room::default();
        let (one, mut of_one) = room.subscribe();
        let (two, mut of_two) = room.subscribe();
        hear(&mut room, &text("7", "a"));
        hear(&mut room, &gap());
        hear(&mut room, &text("8", "b"));
        assert_eq!(got(&mut of_one) + &got(&mut of_two), "", "whose they are is not known");
        room.claim(one, Some("n"), Some("7"));
        assert_eq!(got(&mut of_one), "a!");
        room.claim(two, Some("m"), None);
        hear(&mut room, &text("7", "c"));
        hear(&mut room, &echo("8", "m"));
        hear(&mut room, &text("8", "d"));
        assert_eq!((got(&mut of_one), got(&mut of_two)), ("c".into(), "!bd".into()));
        assert!(room.recent.is_empty(), "nobody needs it any more");
    }

    #[test]
    fn an_echo_that_came_before_its_nonce_was_known_counts() {
        let mut room = Room::default();
        let (one, mut of_one) = room.subscribe();
        hear(&mut room, &echo("7", "n"));
        hear(&mut room, &text("7", "a"));
        room.claim(one, Some("n"), None);
        assert_eq!(got(&mut of_one), "a");
    }

    #[test]
    fn what_came_before_a_subscriber_is_not_theirs() {
        let mut room = Room::default();
        let (waiting, _waiting) = room.subscribe();
        hear(&mut room, &text("7", "a"));
        let (late, mut of_late) = room.subscribe();
        room.claim(late, None, Some("7"));
        assert_eq!(got(&mut of_late), "");
        room.leave(waiting);
        hear(&mut room, &text("7", "b"));
        assert_eq!(got(&mut of_late), "b");
    }

    #[test]
    fn who_cannot_have_the_beginning_is_let_go() {
        let mut room = Room::default();
        let (_, mut of_one) = room.subscribe();
        for _ in 0..=MAX_RECENT {
            hear(&mut room, &text("7", "a"));
        }
        assert!(matches!(of_one.try_recv(), Err(mpsc::error::TryRecvError::Disconnected)));
        assert!(room.recent.len() <= MAX_RECENT);
    }

    #[test]
    fn who_does_not_keep_up_is_let_go() {
        let mut room = Room::default();
        let (one, of_one) = room.subscribe();
        room.claim(one, None, Some("7"));
        for _ in 0..=QUEUE {
            hear(&mut room, &text("7", "a"));
        }
        assert_eq!(of_one.len(), QUEUE);
        assert!(of_one.is_closed() && room.claims.is_empty());
    }
}
