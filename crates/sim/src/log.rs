//! What the site saw, in order, for tests and for curious users.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::sync::watch;

/// One thing the site saw.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LogEntry {
    /// Its number, from 0 on, without holes.
    pub n: u64,
    /// Milliseconds since the site started.
    pub at_ms: u64,
    /// The e-mail address of the account, when somebody was signed in.
    pub account: Option<String>,
    /// What it was.
    #[serde(flatten)]
    pub what: Seen,
}

/// The kinds of things that the site logs.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Seen {
    /// A page was loaded.
    Page {
        /// Its path, without the query.
        path: String,
    },
    /// Somebody signed in with the right code.
    Login {
        /// The account's address.
        email: String,
    },
    /// Somebody tried a wrong code.
    CodeWrong,
    /// A session was closed by its user.
    Logout,
    /// A question reached the server, accepted or not.
    Send {
        /// The chat's code; none when a new chat was refused.
        chat: Option<String>,
        /// The bot's handle; what the client wrote when there is no such bot.
        bot: String,
        /// The question exactly as received.
        query: String,
        /// The client's nonce.
        nonce: String,
        /// Names of the attached files.
        attachments: Vec<String>,
        /// `success` or the refusal (`http_429`, `errors`, `html`, `challenge` for those outside
        /// `status`).
        status: String,
        /// Whether this nonce had been accepted before, so that nothing new was asked.
        duplicate: bool,
    },
    /// An answer ended.
    Answer {
        /// The chat's code.
        chat: String,
        /// The answer's message number.
        message: u64,
        /// Its final text.
        text: String,
        /// Its final state.
        state: String,
    },
    /// A client asked to stop an answer.
    Stop {
        /// The answer's message number.
        message: u64,
        /// How much text the client said it had.
        text_length: u64,
    },
    /// The context of a chat was cleared.
    ChatBreak {
        /// The chat's code.
        chat: String,
    },
    /// A file was uploaded.
    Upload {
        /// Its name.
        name: String,
        /// Its length in bytes.
        size: u64,
        /// Its media type as the client named it.
        #[serde(rename = "type")]
        media_type: String,
    },
    /// A socket was opened on the account's channel.
    SocketOpen,
    /// A socket of the account's channel was closed.
    SocketClose,
    /// A page pinged over its socket.
    Ping,
    /// A page told what it got of its channel's frames so far.
    Frames {
        /// How many frames.
        frames: u64,
        /// How many entries were in them.
        entries: u64,
        /// How many entries, by their numbers, were missing between them.
        missing: u64,
    },
    /// A chat was read again over HTTP.
    ChatQuery {
        /// The chat's code.
        chat_code: String,
    },
    /// A page's data were read over HTTP, for a page that was there already.
    NextData {
        /// The chat's code.
        chat_code: String,
    },
    /// The settings of the channel were read again over HTTP.
    Settings,
    /// A chat was deleted.
    Delete {
        /// The chat's code.
        chat: String,
    },
}

/// The growing list, and a bell for those who wait for an entry.
pub(crate) struct Log {
    start: Instant,
    entries: Mutex<Vec<LogEntry>>,
    length: watch::Sender<usize>,
}

impl Log {
    pub(crate) fn new() -> Log {
        Log {
            start: Instant::now(),
            entries: Mutex::new(Vec::new()),
            length: watch::Sender::new(0),
        }
    }

    pub(crate) fn add(&self, account: Option<&str>, what: Seen) {
        let at_ms = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        let length = {
            let mut entries = self.lock();
            let n = entries.len() as u64;
            tracing::debug!(n, account, ?at_ms, "seen");
            entries.push(LogEntry { n, at_ms, account: account.map(str::to_owned), what });
            entries.len()
        };
        self.length.send_replace(length);
    }

    pub(crate) fn all(&self) -> Vec<LogEntry> {
        self.lock().clone()
    }

    pub(crate) async fn wait_for(
        &self,
        wanted: impl Fn(&LogEntry) -> bool,
        deadline: Duration,
    ) -> Option<LogEntry> {
        let mut length = self.length.subscribe();
        let mut read = 0;
        let search = async {
            loop {
                length.mark_unchanged();
                {
                    let entries = self.lock();
                    if let Some(found) = entries[read..].iter().find(|entry| wanted(entry)) {
                        return Some(found.clone());
                    }
                    read = entries.len();
                }
                length.changed().await.ok()?;
            }
        };
        tokio::time::timeout(deadline, search).await.ok().flatten()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<LogEntry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
