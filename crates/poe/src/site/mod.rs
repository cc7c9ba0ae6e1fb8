//! What is known of the site, as data: built in, and mended by a file without a build.

mod mend;
pub(crate) mod mistake;
mod wire;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lenore_provider::{Error, ErrorKind, Result};
use regex_lite::Regex;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};
use url::Url;

pub use mend::{Fact, Mending};
pub use wire::{Failure, States, Wire};

const BUILT_IN: &str = include_str!("site.toml");

/// Everything about the site that drifts. `site.toml` beside this file's source is the built-in
/// one, and says what each key is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Site {
    /// The site's address, without a slash at the end.
    pub url: String,
    /// The name of the cookie that a session consists of.
    pub session_cookie: String,
    /// Patterns of texts that are notices while an answer grows.
    pub placeholders: Vec<String>,
    /// The paths of pages.
    pub routes: Routes,
    /// How elements are found; each a list, in the order in which they are tried.
    pub selectors: Selectors,
    /// How the page shows messages.
    pub messages: MessageFacts,
    /// The names of what the page sends and receives.
    pub wire: Wire,
    /// The states of an answer.
    pub states: States,
    /// Why the site refuses a question or a file.
    pub refusals: Vec<Failure>,
    /// Where a page tells of the account.
    pub account: AccountFacts,
    /// Further origins, such as `https://www.poe.com`, on whose pages prompts may be typed.
    #[serde(default)]
    pub origins: Vec<String>,
    /// The models with a name of their own, and the bots behind them.
    pub models: BTreeMap<String, String>,
    /// The file that mends the built-in facts.
    #[serde(skip)]
    pub(crate) file: Option<PathBuf>,
    /// Whether the address was given without a scheme.
    #[serde(skip)]
    pub(crate) is_https_assumed: bool,
}

/// The paths of pages; `{bot}` and `{chat}` stand for what is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Routes {
    /// A new chat with a bot.
    pub bot: String,
    /// An existing chat.
    pub chat: String,
    /// The login form.
    pub login: String,
}

/// How the page shows messages.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct MessageFacts {
    /// A message's element.
    pub element: String,
    /// What of its `id` comes before the message's number.
    pub id_prefix: String,
    /// The attribute that tells whether a message is complete.
    pub complete: String,
    /// The element of its text, the best first.
    pub text: Vec<String>,
    /// What stands in a message, or behind it, once it is complete.
    pub finished: Vec<String>,
    /// What only a person's message has.
    pub human: Vec<String>,
}

/// Where a page tells of the account.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct AccountFacts {
    /// The element that holds the page's data, as JSON.
    pub data: String,
    /// Where in the data the account's name stands: keys with dots between, the best first.
    pub name: Vec<String>,
    /// The keys in the data under which bots stand.
    pub bots: Vec<String>,
    /// The keys of a bot that may be its handle, the best first.
    pub handle: Vec<String>,
    /// The links to pages of bots.
    pub links: Vec<String>,
}

macro_rules! selectors {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// How elements are found: CSS selectors, the preferred ones first.
        #[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
        #[serde(deny_unknown_fields)]
        #[non_exhaustive]
        pub struct Selectors {
            $($(#[$doc])* pub $name: Vec<String>,)*
        }

        impl Selectors {
            /// All of them, each list with its key in the file.
            fn all(&self) -> Vec<(&'static str, &[String])> {
                vec![$((concat!("selectors.", stringify!($name)), self.$name.as_slice()),)*]
            }
        }
    };
}

selectors! {
    /// The box for the prompt.
    prompt_box,
    /// The button that sends it.
    send_button,
    /// The button that stops a running answer.
    stop_button,
    /// The input for files, which may be hidden.
    file_input,
    /// What shows the files that go with the prompt.
    attachments,
    /// What closes a popup that covers the page.
    popup_close,
    /// What a page shows instead of the box to those who are not signed in.
    signed_out,
    /// What the page of an unknown bot shows.
    unknown_bot,
    /// What a human check shows.
    challenge,
    /// What a page shows instead of the box where the account may not use the bot.
    no_access,
    /// What shows that the free messages are used up.
    no_free_messages,
    /// A row in the list of chats.
    chat_row,
    /// The button that opens a chat's menu.
    chat_menu,
    /// What deletes the chat in that menu.
    menu_delete,
    /// The button of the dialog that asks before a chat is deleted.
    dialog_delete,
    /// A dialog that asks something.
    dialog,
    /// The login form's box for the e-mail address.
    email_box,
    /// The login form's box for the code.
    code_box,
    /// The login form's button.
    login_next,
    /// What the login form says against what was typed.
    login_error,
}

impl Site {
    /// The built-in facts of poe.com.
    pub fn poe() -> Self {
        Self::parse(BUILT_IN, None).expect("the built-in file is tested")
    }

    /// The facts with those of a file in their places: the file that is named, else `site.toml` in
    /// the platform's configuration directory for Lenore (such as `~/.config/lenore`) where there
    /// is one.
    ///
    /// # Errors
    /// As [`Site::from_file`].
    pub fn load(file: Option<&Path>) -> Result<Self> {
        match (file, Self::usual_file()) {
            (Some(file), _) => Self::from_file(file),
            (None, Some(file)) if file.exists() => Self::from_file(&file),
            (None, _) => Ok(Self::poe()),
        }
    }

    /// The built-in facts, with those that a file gives put in their places.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`], naming the file, the line and what belongs there.
    pub fn from_file(path: &Path) -> Result<Self> {
        let invalid = |error: &dyn std::fmt::Display| {
            Error::new(
                ErrorKind::InvalidRequest,
                format!("the site file {} cannot be used: {error}", path.display()),
            )
        };
        let text = std::fs::read_to_string(path).map_err(|error| invalid(&error))?;
        let built_in: Table = BUILT_IN.parse().expect("the built-in file is tested");
        mistake::check(&text, &built_in).map_err(|mistake| {
            let file = path.display();
            Error::new(ErrorKind::InvalidRequest, format!("the site file {file}{mistake}"))
        })?;
        let site = Self::parse(BUILT_IN, Some(&text)).map_err(|error| invalid(&error))?;
        site.placeholder_patterns().map_err(|error| invalid(&error))?;
        Ok(Self { file: Some(path.to_owned()), ..site })
    }

    /// All selectors, each list with its key in the file.
    pub(crate) fn all_selectors(&self) -> Vec<(&'static str, &[String])> {
        let mut all = self.selectors.all();
        all.push(("messages.text", &self.messages.text));
        all.push(("messages.finished", &self.messages.finished));
        all.push(("messages.human", &self.messages.human));
        all.push(("account.links", &self.account.links));
        let single = std::slice::from_ref::<String>;
        all.push(("messages.element", single(&self.messages.element)));
        all.push(("account.data", single(&self.account.data)));
        all.push(("wire.inline", single(&self.wire.inline)));
        all
    }

    fn parse(text: &str, over: Option<&str>) -> std::result::Result<Self, toml::de::Error> {
        let mut table: Table = text.parse()?;
        if let Some(over) = over {
            merge(&mut table, over.parse()?);
        }
        table.try_into()
    }

    /// Changes the site's address: `https://host`, with or without a scheme.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] where it is no address of a web site.
    pub fn set_url(&mut self, url: &str) -> Result<()> {
        let has_scheme = url.contains("://");
        let full = if has_scheme { url.to_owned() } else { format!("https://{}", url.trim()) };
        let parsed = Url::parse(&full).ok().filter(|url| {
            matches!(url.scheme(), "http" | "https") && url.has_host() && url.query().is_none()
        });
        let Some(parsed) = parsed else {
            return Err(Error::new(
                ErrorKind::InvalidRequest,
                format!("{url:?} is no address of a site; write it as https://poe.com"),
            ));
        };
        parsed.as_str().trim_end_matches('/').clone_into(&mut self.url);
        self.is_https_assumed = !has_scheme;
        Ok(())
    }

    /// The address of a new chat with a bot.
    pub(crate) fn bot_url(&self, bot: &str) -> String {
        self.url.clone() + &self.routes.bot.replace("{bot}", bot)
    }

    /// The address of an existing chat.
    pub(crate) fn chat_url(&self, chat: &str) -> String {
        self.url.clone() + &self.routes.chat.replace("{chat}", chat)
    }

    /// The address of the login form.
    pub(crate) fn login_url(&self) -> String {
        self.url.clone() + &self.routes.login
    }

    /// The names of the wire and the states, as `tap.js` takes them.
    #[doc(hidden)]
    pub fn tap_names(&self) -> serde_json::Value {
        self.wire.for_tap(&self.states)
    }

    /// The origins on whose pages prompts may be typed: the site's own, and those that a site file
    /// adds.
    pub(crate) fn allowed_origins(&self) -> Vec<String> {
        let own = Url::parse(&self.url).map(|url| url.origin().ascii_serialization());
        own.into_iter().chain(self.origins.iter().cloned()).collect()
    }

    /// Whether an address is the login form's.
    pub(crate) fn is_login(&self, url: &str) -> bool {
        let path = |url: &str| Url::parse(url).map(|url| url.path().to_owned()).ok();
        path(url).is_some() && path(url) == path(&self.login_url())
    }

    /// Whether an address is on one of these origins.
    pub(crate) fn is_allowed(&self, url: &str) -> bool {
        let origin = Url::parse(url).map(|url| url.origin().ascii_serialization());
        origin.is_ok_and(|origin| self.allowed_origins().contains(&origin))
    }

    /// The host that the session's cookie belongs to.
    pub(crate) fn host(&self) -> String {
        let url = Url::parse(&self.url).ok();
        url.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
    }

    pub(crate) fn placeholder_patterns(
        &self,
    ) -> std::result::Result<Vec<Regex>, regex_lite::Error> {
        self.placeholders.iter().map(|pattern| Regex::new(pattern)).collect()
    }
}

/// Puts the values of `over` into `table`, table by table.
fn merge(table: &mut Table, over: Table) {
    for (key, value) in over {
        match (table.get_mut(&key), value) {
            (Some(Value::Table(inner)), Value::Table(over)) => merge(inner, over),
            (_, value) => {
                table.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_file_is_whole() {
        let site = Site::poe();
        assert_eq!(site.url, "https://poe.com");
        let patterns = site.placeholder_patterns().expect("they compile");
        let is_notice = |text: &str| patterns.iter().any(|pattern| pattern.is_match(text));
        for notice in ["Thinking…", "Thinking...", "Thinking... (2s elapsed)", "...", "…"] {
            assert!(is_notice(notice), "{notice}");
        }
        for answer in ["", "Thinking about it", "... and so on", "Thinking... hard\n"] {
            assert!(!is_notice(answer), "{answer}");
        }
    }

    #[test]
    fn a_file_mends_what_it_names_and_nothing_else() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), "[selectors]\nsend_button = ['#go']\n").expect("written");
        let site = Site::from_file(file.path()).expect("valid");
        assert_eq!(site.selectors.send_button, ["#go"]);
        assert_eq!(site.selectors.prompt_box, Site::poe().selectors.prompt_box);
        for bad in ["[selectors]\nsned_button = []", "url = 7", "placeholders = ['(']", "url = "] {
            std::fs::write(file.path(), bad).expect("written");
            let error = Site::from_file(file.path()).expect_err(bad);
            assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        }
    }

    #[test]
    fn an_address_is_completed_or_refused() {
        let mut site = Site::poe();
        site.set_url("http://127.0.0.1:8765/").expect("valid");
        assert_eq!(site.bot_url("GPT-4"), "http://127.0.0.1:8765/GPT-4");
        site.set_url("poe.example").expect("a scheme is optional");
        assert_eq!(site.chat_url("abc"), "https://poe.example/chat/abc");
        for bad in ["ftp://poe.com", "", "http://", "https://poe.com/?a=b", "not a url"] {
            assert_eq!(site.set_url(bad).expect_err(bad).kind(), ErrorKind::InvalidRequest);
        }
    }
}
