//! Who answers: the bot that was asked for, another, or one that the site has not named yet.

use lenore_provider::{Error, ErrorKind};

/// Whose answer it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Whose<'a> {
    /// The bot's that was asked for, or nobody minds.
    Ours,
    /// Another one's, of this name.
    Others(&'a str),
    /// The site has not told yet.
    Unknown,
}

/// All the names of a bot that the site and the page tell.
#[derive(Debug)]
pub(super) struct Answerer {
    /// The handle of the bot that must answer.
    asked: Option<String>,
    /// The handle of the chat's bot, and the name under which its messages come.
    handle: Option<String>,
    nickname: Option<String>,
    /// The bot that the page itself has asked, where the page is surely that bot's.
    addressed: Option<String>,
    is_bots_page: bool,
    /// The name that the answer came under.
    author: Option<String>,
}

impl Answerer {
    pub(super) fn new(asked: Option<&str>, is_bots_page: bool) -> Self {
        Self {
            asked: asked.map(str::to_owned),
            handle: None,
            nickname: None,
            addressed: None,
            is_bots_page,
            author: None,
        }
    }

    /// The page asks nobody but the bot that must answer.
    pub(super) fn is_of_that_bot(&mut self) {
        self.is_bots_page = true;
    }

    /// The page has asked a bot. In a chat that exists that is the chat's bot, whoever that is.
    pub(super) fn is_addressed(&mut self, bot: Option<&str>) {
        self.addressed = bot.filter(|_| self.is_bots_page).map(str::to_owned);
    }

    /// The site names the chat's bot; the newest word counts.
    pub(super) fn is_named(&mut self, handle: Option<&str>, nickname: Option<&str>) {
        if handle.is_some() {
            self.handle = handle.map(str::to_owned);
            self.nickname = nickname.map(str::to_owned);
        }
    }

    /// The answer comes under a name.
    pub(super) fn writes(&mut self, author: &str) {
        self.author.get_or_insert_with(|| author.to_owned());
    }

    /// Whether the site has named the chat's bot.
    pub(super) fn has_name(&self) -> bool {
        self.handle.is_some()
    }

    /// The best name of whoever answers, once somebody does.
    pub(super) fn name(&self) -> Option<&str> {
        let author = self.author.as_deref()?;
        let asked = self.asked.as_deref().filter(|_| self.addressed.as_deref() == Some(author));
        self.handle.as_deref().or(asked).or(Some(author))
    }

    /// Whether all that is known is that the page has asked the right bot, by its handle.
    pub(super) fn is_only_addressed(&self) -> bool {
        let names = self.asked.as_deref().zip(self.addressed.as_deref());
        self.handle.is_none() && names.is_some_and(|(one, other)| one.eq_ignore_ascii_case(other))
    }

    /// Whose answer it is, as far as the site has told.
    pub(super) fn whose(&self) -> Whose<'_> {
        let Some(asked) = &self.asked else { return Whose::Ours };
        let is_asked = |name: &str| name.eq_ignore_ascii_case(asked);
        let (handle, author) = (self.handle.as_deref(), self.author.as_deref());
        match (handle, self.nickname.as_deref().or(handle), author) {
            (Some(handle), ..) if !is_asked(handle) => Whose::Others(handle),
            (.., None) => Whose::Unknown,
            (.., Some(author)) if is_asked(author) => Whose::Ours,
            // The page is the bot's own, and knows how it is called.
            (.., author) if self.nickname.is_none() && author == self.addressed.as_deref() => {
                Whose::Ours
            }
            (_, Some(known), Some(author)) if known != author => Whose::Others(author),
            (_, Some(_), _) => Whose::Ours,
            (_, None, _) => Whose::Unknown,
        }
    }

    /// The error of an answer that is another bot's.
    pub(super) fn wrong(&self, other: &str) -> Error {
        let asked = self.asked.as_deref().unwrap_or_default();
        // A name that messages come under is no handle that could be asked for.
        let or = match self.handle.as_deref() == Some(other) {
            true => format!(", or ask for poe/{other}"),
            false => String::new(),
        };
        let message =
            format!("{other} answers instead of {asked}; look at the chat on the site{or}");
        Error::new(ErrorKind::Bot, message)
    }

    /// The error of an answer of which it stays unknown whose it is.
    pub(super) fn unidentified(&self) -> Error {
        let message = format!(
            "{} answers, and the site did not tell whether that is {}; look at the chat on the \
             site",
            self.author.as_deref().unwrap_or("somebody"),
            self.asked.as_deref().unwrap_or("the bot that was asked for"),
        );
        Error::new(ErrorKind::Bot, message)
    }
}
