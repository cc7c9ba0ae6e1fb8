//! The channels of an account: one for all of its pages, or one for each page that carries only
//! the chats that were read there.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::channel::Channel;
use crate::wire::Entry;

/// Pages beyond this are forgotten, the oldest first.
const MOST_PAGES: usize = 400;

/// The channels of one account.
pub(crate) struct Channels {
    account: Arc<Channel>,
    /// The pages' channels, where each page has its own.
    pages: Option<Mutex<VecDeque<Page>>>,
    /// How many entries go into a frame; 0 is as many as come together.
    frame: usize,
    waiting: Mutex<Vec<Entry>>,
}

struct Page {
    channel: Arc<Channel>,
    chats: Vec<u64>,
}

impl Channels {
    pub(crate) fn new(account: Channel, is_per_page: bool, frame: usize) -> Channels {
        Channels {
            account: Arc::new(account),
            pages: is_per_page.then(Mutex::default),
            frame,
            waiting: Mutex::default(),
        }
    }

    /// The channel for a page: the one that it has already, or another one.
    pub(crate) fn open(&self, has: Option<&str>, chat: Option<u64>) -> Arc<Channel> {
        let Some(mut pages) = self.pages() else {
            return Arc::clone(&self.account);
        };
        if let Some(page) = pages.iter().find(|page| Some(page.channel.name.as_str()) == has) {
            return Arc::clone(&page.channel);
        }
        let account = &self.account;
        let number = fastrand::u64(..);
        let channel = Arc::new(Channel::new(
            format!("{}-{number:x}", account.name),
            account.hash.clone(),
            account.box_name.clone(),
            account.seq(),
            Arc::clone(&account.drifts),
        ));
        pages.push_back(Page { channel: Arc::clone(&channel), chats: chat.into_iter().collect() });
        if pages.len() > MOST_PAGES {
            pages.pop_front();
        }
        channel
    }

    /// The channel of a name.
    pub(crate) fn find(&self, name: &str) -> Option<Arc<Channel>> {
        if self.account.name == name && self.pages.is_none() {
            return Some(Arc::clone(&self.account));
        }
        let pages = self.pages()?;
        let page = pages.iter().find(|page| page.channel.name == name)?;
        Some(Arc::clone(&page.channel))
    }

    /// A page shows a chat: from now on its channel tells of it.
    pub(crate) fn follow(&self, name: Option<&str>, chat: u64) {
        let Some(mut pages) = self.pages() else { return };
        let page = pages.iter_mut().find(|page| Some(page.channel.name.as_str()) == name);
        if let Some(page) = page.filter(|page| !page.chats.contains(&chat)) {
            page.chats.push(chat);
        }
    }

    /// Sends entries when there are enough of them for a frame.
    pub(crate) fn publish(&self, entries: Vec<Entry>) {
        let mut waiting = self.waiting();
        waiting.extend(entries);
        if self.frame == 0 {
            self.send(&waiting);
            waiting.clear();
            return;
        }
        while waiting.len() >= self.frame {
            let frame: Vec<Entry> = waiting.drain(..self.frame).collect();
            self.send(&frame);
        }
    }

    /// Sends entries, and all that waits.
    pub(crate) fn publish_now(&self, entries: Vec<Entry>) {
        self.publish(entries);
        let mut waiting = self.waiting();
        self.send(&waiting);
        waiting.clear();
    }

    fn send(&self, entries: &[Entry]) {
        let texts = |entries: &[&Entry]| -> Vec<String> {
            entries.iter().map(|entry| entry.text.clone()).collect()
        };
        let Some(pages) = self.pages() else {
            return self.account.publish(entries.iter().map(|entry| &*entry.text).collect());
        };
        for page in pages.iter() {
            let told = |entry: &&Entry| entry.chat.is_none_or(|chat| page.chats.contains(&chat));
            let texts = texts(&entries.iter().filter(told).collect::<Vec<_>>());
            page.channel.publish(texts.iter().map(String::as_str).collect());
        }
    }

    /// Sends a frame that is not part of the numbered stream.
    pub(crate) fn publish_raw(&self, frame: &'static str) {
        self.each(|channel| channel.publish_raw(frame));
    }

    /// Tells every socket that it missed something, and lets it miss `lose` entries.
    pub(crate) fn miss(&self, lose: usize) {
        self.each(|channel| channel.miss(lose));
    }

    /// Lets every socket miss so many entries, without a word.
    pub(crate) fn lose(&self, entries: usize) {
        self.each(|channel| channel.lose(entries));
    }

    /// Closes every socket, and refuses new ones for a while.
    pub(crate) fn drop_sockets(&self, away: Duration) {
        self.each(|channel| channel.drop_sockets(away));
    }

    /// Waits until every socket can take another frame.
    pub(crate) async fn room(&self) {
        let mut channels = Vec::new();
        match self.pages() {
            None => channels.push(Arc::clone(&self.account)),
            Some(pages) => channels.extend(pages.iter().map(|page| Arc::clone(&page.channel))),
        }
        for channel in channels {
            channel.room().await;
        }
    }

    fn each(&self, act: impl Fn(&Channel)) {
        match self.pages() {
            None => act(&self.account),
            Some(pages) => pages.iter().for_each(|page| act(&page.channel)),
        }
    }

    fn pages(&self) -> Option<MutexGuard<'_, VecDeque<Page>>> {
        Some(self.pages.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::Out;

    fn channels(is_per_page: bool, frame: usize) -> Channels {
        Channels::new(
            Channel::new("c".into(), "h".into(), "b".into(), 0, Arc::default()),
            is_per_page,
            frame,
        )
    }

    fn entry(chat: u64, text: &str) -> Entry {
        Entry { chat: Some(chat), text: text.to_owned() }
    }

    fn frames(receiver: &mut tokio::sync::mpsc::Receiver<Out>) -> Vec<String> {
        let mut frames = Vec::new();
        while let Ok(Out::Text(text)) = receiver.try_recv() {
            frames.push(text.to_string());
        }
        frames
    }

    #[test]
    fn a_page_of_its_own_channel_hears_of_its_chats_alone() {
        let channels = channels(true, 0);
        let page = channels.open(None, Some(1));
        assert_eq!(channels.open(Some(&page.name), None).name, page.name);
        assert!(channels.find("c").is_none());
        let (_, mut heard) = page.join(None);
        channels.publish(vec![entry(1, "one"), entry(2, "two"), Entry::plain("all")]);
        assert_eq!(frames(&mut heard), [r#"{"messages":["one","all"],"min_seq":2}"#]);
        channels.follow(Some(&page.name), 2);
        channels.publish(vec![entry(2, "three")]);
        assert_eq!(frames(&mut heard), [r#"{"messages":["three"],"min_seq":3}"#]);
    }

    #[test]
    fn a_frame_has_as_many_entries_as_the_habit_says() {
        let channels = channels(false, 2);
        let (_, mut heard) = channels.open(None, None).join(None);
        channels.publish(vec![entry(1, "1"), entry(1, "2"), entry(1, "3")]);
        assert_eq!(frames(&mut heard), [r#"{"messages":["1","2"],"min_seq":2}"#]);
        channels.publish_now(vec![]);
        assert_eq!(frames(&mut heard), [r#"{"messages":["3"],"min_seq":3}"#]);
    }
}
