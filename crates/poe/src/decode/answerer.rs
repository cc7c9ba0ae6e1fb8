//! Who answers. The page of a bot was asked, with that bot in the question, so the answer is that
//! bot's unless the site says otherwise: a name that nobody knows is no evidence.

use lenore_provider::{Error, ErrorKind};

/// The names of the bot that answers, as far as the site and the page tell them.
#[derive(Debug, Default)]
pub(super) struct Answerer {
    /// The handle of the bot that must answer, where that matters.
    asked: Option<String>,
    /// The handles of other bots, in the form of [`plain`].
    others: Vec<String>,
    /// The handle of the chat's bot, as the site tells it.
    of_chat: Option<String>,
    /// The name under which that bot's messages come.
    nickname: Option<String>,
    /// The handle of the bot that wrote the answer, as the site tells it.
    of_answer: Option<String>,
    /// The name under which the answer comes.
    author: Option<String>,
    /// The handle of another bot that the page has asked, in a new chat.
    addressed: Option<String>,
}

impl Answerer {
    /// `others` are handles of bots that are known.
    pub(super) fn new(asked: Option<&str>, others: &[String]) -> Self {
        let is_asked = |handle: &String| asked.is_some_and(|asked| plain(asked) == plain(handle));
        Self {
            asked: asked.map(str::to_owned),
            others: others.iter().filter(|handle| !is_asked(handle)).map(|h| plain(h)).collect(),
            ..Self::default()
        }
    }

    /// Takes what the site says of the chat's bot; the newest word counts.
    pub(super) fn set_chat_bot(&mut self, handle: Option<&str>, nickname: Option<&str>) {
        if handle.is_some() {
            self.of_chat = handle.map(str::to_owned);
            self.nickname = nickname.map(str::to_owned);
        }
    }

    /// Takes what the page itself has asked. A handle is capitalised; what is not is an inner name,
    /// of which nobody can say whose it is.
    pub(super) fn set_addressed(&mut self, bot: Option<&str>) {
        let is_other = |bot: &&str| {
            let is_handle = bot.contains(char::is_uppercase) || self.others.contains(&plain(bot));
            is_handle && self.asked.as_deref().is_some_and(|asked| plain(asked) != plain(bot))
        };
        self.addressed = bot.filter(is_other).map(str::to_owned);
    }

    /// Takes what the answer itself says.
    pub(super) fn set_author(&mut self, author: Option<&str>, handle: Option<&str>) {
        if self.author.is_none() {
            self.author = author.map(str::to_owned);
        }
        if handle.is_some() {
            self.of_answer = handle.map(str::to_owned);
        }
    }

    /// Whether the site has named the bot.
    pub(super) fn is_named(&self) -> bool {
        self.of_chat.is_some() || self.of_answer.is_some()
    }

    /// Whether a handle is the one that was asked for, or nobody minds.
    pub(super) fn is_asked(&self, handle: &str) -> bool {
        self.asked.as_deref().is_none_or(|asked| asked.eq_ignore_ascii_case(handle))
    }

    /// The best name of whoever answers.
    pub(super) fn name(&self) -> Option<&str> {
        let names = [&self.of_answer, &self.of_chat, &self.asked, &self.author];
        names.into_iter().find_map(|name| name.as_deref())
    }

    /// The bot that answers in place of the one that was asked for, where the site says so.
    pub(super) fn other(&self) -> Option<&str> {
        let asked = self.asked.as_deref()?;
        let named = self.of_answer.as_deref().or(self.of_chat.as_deref());
        if let Some(named) = named {
            return (!named.eq_ignore_ascii_case(asked)).then_some(named);
        }
        // The site names nobody. The question may, or the author is known all the same.
        if let Some(addressed) = &self.addressed {
            return Some(addressed);
        }
        let author = self.author.as_deref()?;
        self.others.contains(&plain(author)).then_some(author)
    }

    /// The error of an answer that is another bot's.
    pub(super) fn wrong(&self, other: &str) -> Error {
        let asked = self.asked.as_deref().unwrap_or_default();
        // A name that messages come under is no handle that could be asked for.
        let or = match self.is_named() {
            true => format!(", or ask for poe/{other}"),
            false => String::new(),
        };
        let message =
            format!("{other} answers instead of {asked}; look at the chat on the site{or}");
        Error::new(ErrorKind::Bot, message)
    }

    /// Notes for the log what the site has not told.
    pub(super) fn note_unknown(&self) {
        let author = self.author.as_deref();
        let is_known = author.is_some() && (author == self.nickname.as_deref() || self.is_named());
        if self.asked.is_some() && !is_known {
            tracing::debug!(author, "the site did not name the bot that answers");
        }
    }
}

/// A name without what spellings of it differ in.
fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
