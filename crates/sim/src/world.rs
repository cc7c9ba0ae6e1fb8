//! The site's database: accounts, sessions, mails, chats and messages, all in memory.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::bots::Bot;
use crate::channel::Channel;
use crate::channels::Channels;
use crate::drift::Drifts;
use crate::habits::{ChannelOf, FrameSize, Habits};
use crate::options::Options;

/// Somebody who can sign in.
pub(crate) struct Account {
    pub(crate) email: String,
    pub(crate) number: u64,
    pub(crate) channels: Channels,
}

/// A mail with a code.
#[derive(Clone)]
pub(crate) struct Mail {
    pub(crate) to: String,
    pub(crate) code: String,
    pub(crate) sent_us: u64,
}

/// A chat of one account with one bot.
pub(crate) struct Chat {
    pub(crate) id: u64,
    pub(crate) code: String,
    pub(crate) owner: u64,
    pub(crate) bot: &'static Bot,
    /// The client's own word for a new chat.
    pub(crate) nonce: Option<String>,
    pub(crate) title: Option<String>,
    pub(crate) messages: Vec<Message>,
    pub(crate) running: Option<Running>,
}

/// The answer that a chat is busy with.
#[derive(Clone, Copy)]
pub(crate) struct Running {
    pub(crate) message: u64,
    pub(crate) ignores_stop: bool,
}

/// A question, an answer, or a break of the context.
#[derive(Clone)]
pub(crate) struct Message {
    pub(crate) id: u64,
    pub(crate) created_us: u64,
    pub(crate) author: String,
    pub(crate) text: String,
    pub(crate) state: String,
    pub(crate) state_text: Option<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) attachments: Vec<Attachment>,
    pub(crate) suggestions: Vec<String>,
    /// The job that makes it.
    pub(crate) job: Option<u64>,
    pub(crate) is_edited: bool,
    pub(crate) is_deleted: bool,
}

/// An uploaded file; its content is not kept.
#[derive(Clone, Debug)]
pub(crate) struct Attachment {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) media_type: String,
    pub(crate) size: u64,
}

/// Where a question and its answer are.
#[derive(Clone, Copy)]
pub(crate) struct Exchange {
    pub(crate) chat: u64,
    pub(crate) question: u64,
    /// None where nobody answers.
    pub(crate) answer: Option<u64>,
}

/// Everything the site knows.
pub(crate) struct World {
    rng: fastrand::Rng,
    accounts: HashMap<String, Arc<Account>>,
    sessions: HashMap<String, Arc<Account>>,
    pub(crate) mails: Vec<Mail>,
    chats: BTreeMap<u64, Chat>,
    pub(crate) uploads: HashMap<String, Attachment>,
    /// By account and nonce, so that a question sent twice is asked once.
    pub(crate) asked: HashMap<(u64, String), Exchange>,
    /// When questions of which account were taken.
    pub(crate) taken: VecDeque<(u64, Instant)>,
    next_message: u64,
    next_chat: u64,
    is_channel_per_page: bool,
    frame: usize,
    /// What every session is called, where that was chosen.
    token: Option<String>,
    drifts: Arc<Drifts>,
}

impl World {
    pub(crate) fn new(
        seed: u64,
        habits: &Habits,
        token: Option<String>,
        drifts: Arc<Drifts>,
    ) -> World {
        World {
            rng: fastrand::Rng::with_seed(seed),
            accounts: HashMap::new(),
            sessions: HashMap::new(),
            mails: Vec::new(),
            chats: BTreeMap::new(),
            uploads: HashMap::new(),
            asked: HashMap::new(),
            taken: VecDeque::new(),
            next_message: 251_000_000_000,
            next_chat: 730_000_000,
            is_channel_per_page: habits.channel == ChannelOf::Page,
            frame: match habits.frame {
                FrameSize::Some => 0,
                FrameSize::One => 1,
                FrameSize::Two => 2,
                FrameSize::Four => 4,
                FrameSize::Nine => 9,
            },
            token,
            drifts,
        }
    }

    /// A random word of small letters and digits.
    pub(crate) fn word(&mut self, length: usize) -> String {
        const LETTERS: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";
        (0..length).map(|_| char::from(LETTERS[self.rng.usize(..LETTERS.len())])).collect()
    }

    /// Mails a new code; earlier ones for the same address are void.
    pub(crate) fn mail_code(&mut self, email: &str) {
        let code = format!("{:06}", self.rng.u32(..1_000_000));
        self.mails.push(Mail { to: email.to_owned(), code, sent_us: now_us() });
    }

    pub(crate) fn newest_code(&self, email: &str) -> Option<&str> {
        let newest = self.mails.iter().rev().find(|mail| mail.to.eq_ignore_ascii_case(email))?;
        Some(&newest.code)
    }

    /// Opens a session for an address, whose account is made when it is new.
    pub(crate) fn sign_in(&mut self, email: &str) -> String {
        let key = email.to_lowercase();
        let account = match self.accounts.get(&key) {
            Some(account) => Arc::clone(account),
            None => {
                let channel = Channel::new(
                    format!("poe-chan{}-8888-{}", self.rng.u32(50..60), self.word(14)),
                    self.rng.u64(..).to_string(),
                    format!("chan{}-8888", self.rng.u32(50..60)),
                    self.rng.u64(3_000_000_000..4_000_000_000),
                    Arc::clone(&self.drifts),
                );
                let account = Arc::new(Account {
                    email: key.clone(),
                    number: self.accounts.len() as u64 + 1,
                    channels: Channels::new(channel, self.is_channel_per_page, self.frame),
                });
                self.accounts.insert(key, Arc::clone(&account));
                account
            }
        };
        let token = match &self.token {
            Some(token) => token.clone(),
            None => format!("{}%3D%3D", self.word(22)),
        };
        self.sessions.insert(token.clone(), account);
        token
    }

    pub(crate) fn account_of(&self, token: &str) -> Option<Arc<Account>> {
        self.sessions.get(token).cloned()
    }

    pub(crate) fn account_of_channel(&self, channel: &str) -> Option<Arc<Account>> {
        self.accounts.values().find(|account| account.channels.find(channel).is_some()).cloned()
    }

    pub(crate) fn sign_out(&mut self, token: &str) {
        self.sessions.remove(token);
    }

    pub(crate) fn sign_out_all(&mut self) {
        self.sessions.clear();
    }

    /// Starts a chat.
    pub(crate) fn open_chat(&mut self, owner: u64, bot: &'static Bot) -> &mut Chat {
        self.next_chat += self.rng.u64(1..900);
        let id = self.next_chat;
        let code = format!("3{}", self.word(19));
        self.chats.entry(id).or_insert(Chat {
            id,
            code,
            owner,
            bot,
            nonce: None,
            title: None,
            messages: Vec::new(),
            running: None,
        })
    }

    pub(crate) fn chat(&self, id: u64) -> Option<&Chat> {
        self.chats.get(&id)
    }

    pub(crate) fn chat_mut(&mut self, id: u64) -> Option<&mut Chat> {
        self.chats.get_mut(&id)
    }

    /// A chat by its code, if the account owns it.
    pub(crate) fn chat_of(&self, owner: u64, code: &str) -> Option<&Chat> {
        self.chats.values().find(|chat| chat.owner == owner && chat.code == code)
    }

    /// The account's chats, the newest first.
    pub(crate) fn chats_of(&self, owner: u64) -> impl Iterator<Item = &Chat> {
        self.chats.values().rev().filter(move |chat| chat.owner == owner)
    }

    pub(crate) fn delete_chat_of_code(&mut self, code: &str) -> bool {
        let before = self.chats.len();
        self.chats.retain(|_, chat| chat.code != code);
        self.chats.len() < before
    }

    /// The refusal of an account that asks too much at present.
    pub(crate) fn over_limit(&mut self, owner: u64, limits: &Options) -> Option<&'static str> {
        let running = self.chats_of(owner).filter(|chat| chat.running.is_some()).count();
        if limits.concurrent.is_some_and(|most| running >= most) {
            return Some("concurrent_messages");
        }
        let (most, window) = limits.rate?;
        self.taken.retain(|(_, at)| at.elapsed() < window);
        let recent = self.taken.iter().filter(|(account, _)| *account == owner).count();
        (recent >= most).then_some("rate_limit_exceeded")
    }

    pub(crate) fn delete_chat(&mut self, owner: u64, id: u64) -> Option<Chat> {
        self.chats.get(&id).filter(|chat| chat.owner == owner)?;
        self.chats.remove(&id)
    }

    /// Adds a message to a chat, with the next number.
    pub(crate) fn add(
        &mut self,
        chat: u64,
        author: &str,
        text: &str,
        state: &str,
    ) -> Option<&mut Message> {
        self.next_message += self.rng.u64(1..90);
        let message = Message {
            id: self.next_message,
            created_us: now_us(),
            author: author.to_owned(),
            text: text.to_owned(),
            state: state.to_owned(),
            state_text: None,
            nonce: None,
            attachments: Vec::new(),
            suggestions: Vec::new(),
            job: None,
            is_edited: false,
            is_deleted: false,
        };
        let messages = &mut self.chats.get_mut(&chat)?.messages;
        messages.push(message);
        messages.last_mut()
    }
}

impl Chat {
    pub(crate) fn message(&self, id: u64) -> Option<&Message> {
        self.messages.iter().rev().find(|message| message.id == id)
    }

    pub(crate) fn message_mut(&mut self, id: u64) -> Option<&mut Message> {
        self.messages.iter_mut().rev().find(|message| message.id == id)
    }

    /// Whether this answer is still being written.
    pub(crate) fn runs(&self, message: u64) -> bool {
        self.running.is_some_and(|running| running.message == message)
    }
}

impl Message {
    /// Whether a bot wrote it.
    pub(crate) fn is_answer(&self) -> bool {
        !matches!(self.author.as_str(), "human" | "chat_break")
    }

    pub(crate) fn is_complete(&self) -> bool {
        matches!(self.state.as_str(), "complete" | "completed")
    }
}

/// Wall-clock time in microseconds since the epoch.
pub(crate) fn now_us() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| u64::try_from(since.as_micros()).ok())
        .unwrap_or_default()
}
