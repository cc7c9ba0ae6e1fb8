//! The scenario language: what a prompt asks the site to do with its answer.
//!
//! `[[sim: word, word=value, …]]` anywhere in the prompt; the first one counts.
//! Reading it is pure and total: an unknown word or an unreadable value is kept
//! aside in [`Scenario::unknown`], nothing fails.

use std::time::Duration;

use crate::quirks::Quirks;

/// Everything a prompt can ask for. The default is an ordinary answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Scenario {
    // The answer's text.
    pub(crate) echo: bool,
    pub(crate) length: Option<usize>,
    pub(crate) chunks: Option<usize>,
    pub(crate) stamp: bool,
    pub(crate) emoji: bool,
    pub(crate) code: bool,
    pub(crate) empty: bool,
    pub(crate) say: Option<String>,
    pub(crate) shrink: Option<usize>,
    // Its pace.
    pub(crate) delay: Option<Duration>,
    pub(crate) gap: Option<Duration>,
    pub(crate) batch: Option<usize>,
    // The site's habits.
    pub(crate) placeholder: bool,
    pub(crate) rewrite: bool,
    pub(crate) others: bool,
    pub(crate) stale: bool,
    pub(crate) noise: bool,
    pub(crate) early: bool,
    pub(crate) slow_reply: Option<Duration>,
    pub(crate) no_echo: bool,
    pub(crate) address: bool,
    pub(crate) completed: bool,
    pub(crate) end_twice: bool,
    pub(crate) late_copy: bool,
    pub(crate) reorder: bool,
    pub(crate) textless: bool,
    pub(crate) growing: Option<String>,
    pub(crate) author: Option<String>,
    pub(crate) default_bot: bool,
    pub(crate) quirks: Quirks,
    pub(crate) title: Title,
    pub(crate) suggestions: Option<usize>,
    pub(crate) cost: Option<u64>,
    // Refusals in the reply.
    pub(crate) status: Option<String>,
    pub(crate) status_message: Option<String>,
    pub(crate) errors: bool,
    pub(crate) http: Option<u16>,
    pub(crate) retry_after: Option<u64>,
    pub(crate) retry_date: bool,
    pub(crate) html: bool,
    pub(crate) challenge: bool,
    pub(crate) slow_take: Option<Duration>,
    pub(crate) taken: bool,
    pub(crate) lost_reply: bool,
    pub(crate) cut_reply: bool,
    // How the answer ends.
    pub(crate) state: Option<String>,
    pub(crate) state_text: Option<String>,
    pub(crate) after: Option<usize>,
    // Faults on the way.
    pub(crate) drop_socket: Option<usize>,
    pub(crate) away: Option<Duration>,
    pub(crate) missed: Option<usize>,
    pub(crate) lost: Option<usize>,
    pub(crate) lose: Option<usize>,
    pub(crate) refetch: Option<usize>,
    pub(crate) reload: Option<usize>,
    pub(crate) expire: Option<usize>,
    pub(crate) cancel: Option<usize>,
    pub(crate) delete: Option<usize>,
    pub(crate) silent: Option<usize>,
    pub(crate) stop_ignored: bool,
    pub(crate) no_complete: bool,
    /// Words that mean nothing here.
    pub(crate) unknown: Vec<String>,
}

/// Whether and how the chat gets its title.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Title {
    /// New chats get one from the prompt.
    #[default]
    Usual,
    /// One is sent in every case.
    Always,
    /// This one is sent.
    Exactly(String),
    /// The usual one, after the end of the answer.
    Late,
    /// None is sent.
    Never,
}

const OPENING: &str = "[[sim:";
const CLOSING: &str = "]]";

/// Reads the first directive of a prompt.
pub(crate) fn read(query: &str) -> Scenario {
    let mut scenario = Scenario::default();
    for item in directive(query).unwrap_or_default().split(',') {
        let (word, value) = match item.split_once('=') {
            Some((word, value)) => (word.trim(), value.trim()),
            None => (item.trim(), ""),
        };
        if !word.is_empty() && scenario.set(word, value).is_none() {
            scenario.unknown.push(item.trim().to_owned());
        }
    }
    scenario
}

/// The prompt without its directive: what the answer's prose is about.
pub(crate) fn subject(query: &str) -> String {
    let Some(inner) = directive(query) else {
        return query.trim().to_owned();
    };
    let whole = format!("{OPENING}{inner}{CLOSING}");
    query.replacen(&whole, " ", 1).trim().to_owned()
}

fn directive(query: &str) -> Option<&str> {
    let start = query.find(OPENING)? + OPENING.len();
    let length = query[start..].find(CLOSING)?;
    Some(&query[start..start + length])
}

impl Scenario {
    /// One word; `None` when it is not known or its value cannot be read.
    fn set(&mut self, word: &str, value: &str) -> Option<()> {
        match word {
            "echo" => self.echo = true,
            "length" => self.length = Some(number(value)?),
            "chunks" => self.chunks = Some(number(value)?),
            "stamp" => self.stamp = true,
            "emoji" => self.emoji = true,
            "code" => self.code = true,
            "empty" => self.empty = true,
            "say" => self.say = Some(value.to_owned()),
            "shrink" => self.shrink = Some(number(value)?),
            "delay" => self.delay = Some(millis(value)?),
            "gap" => self.gap = Some(millis(value)?),
            "batch" => self.batch = Some(number(value)?),
            "placeholder" => self.placeholder = true,
            "rewrite" => self.rewrite = true,
            "others" => self.others = true,
            "stale" => self.stale = true,
            "noise" => self.noise = true,
            "early" => self.early = true,
            "slow-reply" => self.slow_reply = Some(millis(value)?),
            "no-echo" => self.no_echo = true,
            "address" => self.address = true,
            "completed" => self.completed = true,
            "end-twice" => self.end_twice = true,
            "late-copy" => self.late_copy = true,
            "reorder" => self.reorder = true,
            "textless" => self.textless = true,
            "growing" => self.growing = Some(nonempty(value)?),
            "author" => self.author = Some(nonempty(value)?),
            "default-bot" => self.default_bot = true,
            "twice" => self.quirks.twice = true,
            "string-ids" => self.quirks.string_ids = true,
            "extra-fields" => self.quirks.extra_fields = true,
            "no-answer-id" => self.quirks.no_answer_id = true,
            "bare-reply" => self.quirks.bare_reply = true,
            "late-title" => self.title = Title::Late,
            "title" if value.is_empty() => self.title = Title::Always,
            "title" => self.title = Title::Exactly(value.to_owned()),
            "no-title" => self.title = Title::Never,
            "suggestions" => self.suggestions = Some(number(value)?),
            "cost" => self.cost = Some(number(value)? as u64),
            "status" => self.status = Some(nonempty(value)?),
            "status-message" => self.status_message = Some(value.to_owned()),
            "errors" => self.errors = true,
            "http" => {
                self.http = Some(value.parse().ok().filter(|code| (200..600).contains(code))?)
            }
            "retry-after" => self.retry_after = Some(number(value)? as u64),
            "retry-date" => self.retry_date = true,
            "html" => self.html = true,
            "challenge" => self.challenge = true,
            "slow-take" => self.slow_take = Some(millis(value)?),
            "taken" => self.taken = true,
            "lost-reply" => self.lost_reply = true,
            "cut-reply" => self.cut_reply = true,
            "state" => self.state = Some(nonempty(value)?),
            "state-text" => self.state_text = Some(value.to_owned()),
            "after" => self.after = Some(number(value)?),
            "drop-socket" => self.drop_socket = Some(number(value)?),
            "away" => self.away = Some(millis(value)?),
            "missed" => self.missed = Some(number(value)?),
            "lost" => self.lost = Some(number(value)?),
            "lose" => self.lose = Some(number(value)?),
            "refetch" => self.refetch = Some(number(value)?),
            "reload" => self.reload = Some(number(value)?),
            "expire" => self.expire = Some(number(value)?),
            "cancel" => self.cancel = Some(number(value)?),
            "delete" => self.delete = Some(number(value)?),
            "silent" => self.silent = Some(number(value)?),
            "stop-ignored" => self.stop_ignored = true,
            "no-complete" => self.no_complete = true,
            _ => return None,
        }
        Some(())
    }
}

fn number(value: &str) -> Option<usize> {
    // Above this nothing is a sensible wish, and sums cannot overflow.
    const MOST: usize = 50_000_000;
    value.replace('_', "").parse().ok().filter(|n| *n <= MOST)
}

fn millis(value: &str) -> Option<Duration> {
    Some(Duration::from_millis(number(value)? as u64))
}

fn nonempty(value: &str) -> Option<String> {
    (!value.is_empty()).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ordinary_prompt_asks_for_nothing() {
        assert_eq!(read("What is [[this]]?"), Scenario::default());
        assert_eq!(read("[[sim: echo"), Scenario::default());
        assert_eq!(read("[[sim:]] [[sim: ,, ]]"), Scenario::default());
    }

    #[test]
    fn words_and_values_are_read_wherever_they_stand() {
        let scenario = read(
            "Hi\n[[sim: gap=0,chunks = 1_000 , title=Three words, status=rate_limit_exceeded, http=429, retry-after=7]] there",
        );
        assert_eq!(scenario.gap, Some(Duration::ZERO));
        assert_eq!(scenario.chunks, Some(1000));
        assert_eq!(scenario.title, Title::Exactly("Three words".to_owned()));
        assert_eq!(scenario.status.as_deref(), Some("rate_limit_exceeded"));
        assert_eq!((scenario.http, scenario.retry_after), (Some(429), Some(7)));
        assert!(scenario.unknown.is_empty());
    }

    #[test]
    fn the_first_directive_counts_and_leaves_the_subject() {
        let query = "[[sim: echo]] tea 🍵 [[sim: empty]]";
        assert!(read(query).echo && !read(query).empty);
        assert_eq!(subject(query), "tea 🍵 [[sim: empty]]");
        assert_eq!(subject("[[sim: echo]]"), "");
    }

    #[test]
    fn what_cannot_be_read_is_kept_aside() {
        let scenario = read("[[sim: lenght=3, gap=soon, http=9, length=99999999999, echo]]");
        assert_eq!(scenario.unknown, ["lenght=3", "gap=soon", "http=9", "length=99999999999"]);
        assert!(scenario.echo);
    }
}
