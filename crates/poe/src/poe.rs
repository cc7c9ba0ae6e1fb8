//! The provider: its facts, its options, and the way in.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use lenore_browser::{Owner, Profile, Program};
use lenore_provider::{
    ChatRequest, Completion, Error, ErrorKind, Health, Model, Provider, Result, split_temporary,
};
use tokio::sync::watch;

use crate::account::Account;
use crate::arrive::Arrival;
use crate::ask::Ask;
use crate::builder::LONGEST;
use crate::context::Context;
use crate::error::{challenge, site_changed};
use crate::pipe::pipe;
use crate::{models, sign_in};

/// How long running answers have to stop when the provider is closed.
const CLOSING: Duration = Duration::from_secs(15);

/// Poe, through the user's own browser. Cheap to clone; clones share the browser.
///
/// ```no_run
/// use lenore_poe::Poe;
/// use lenore_provider::{ChatRequest, Message, Provider};
///
/// # async fn ask() -> lenore_provider::Result<()> {
/// let poe = Poe::builder().build()?;
/// let request = ChatRequest::new("gpt-4", vec![Message::user("Say hello")]);
/// println!("{}", poe.create_completion(request).text().await?);
/// poe.close().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Poe(pub(crate) Arc<Context>);

impl Poe {
    /// Where Chromium's profile is kept, unless another directory is named:
    /// `lenore/profiles/default` in the platform's data directory, such as `~/.local/share` on
    /// Linux.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] where the user has no home directory.
    pub fn default_user_data_dir() -> Result<PathBuf> {
        Ok(Self::profiles_dir(Program::Chromium)?.join("default"))
    }

    /// Where the profiles of a browser are kept, each a directory. Chromium and Firefox cannot
    /// share one, so that Firefox's are in `lenore/firefox-profiles`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] where the user has no home directory.
    pub fn profiles_dir(program: Program) -> Result<PathBuf> {
        let directories = directories::ProjectDirs::from("", "", "lenore").ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidRequest,
                "there is no home directory for the profile; name one with --user-data-dir",
            )
        })?;
        let name = match program {
            Program::Chromium => "profiles",
            Program::Firefox => "firefox-profiles",
        };
        Ok(directories.data_local_dir().join(name))
    }

    /// Takes the profile now, and until [`close`](Self::close) or the end, so that one process owns
    /// it whether its browser is open or not. Nothing happens where the profile is not ours.
    ///
    /// `announced` is a line that other processes of the user can read by [`Poe::owner`], and nobody
    /// else: how to reach this one.
    ///
    /// # Errors
    /// [`ErrorKind::ProfileInUse`], [`ErrorKind::InvalidRequest`] for a directory that cannot be
    /// used.
    pub fn own_profile(&self, announced: Option<&str>) -> Result<()> {
        self.0.session.own_profile(announced)
    }

    /// The process that owns the profile in a directory, if any does.
    pub fn owner(user_data_dir: &Path) -> Option<Owner> {
        Profile::owner(user_data_dir)
    }

    /// The directory of the profile; `None` where it is a throw-away one, or not ours.
    pub fn user_data_dir(&self) -> Option<&Path> {
        self.0.session.user_data_dir()
    }

    /// Whether the profile is signed in: opens a page and looks.
    ///
    /// # Errors
    /// As for a question that is asked: [`ErrorKind::Challenge`], [`ErrorKind::Network`],
    /// [`ErrorKind::SiteChanged`], [`ErrorKind::Browser`], …
    pub async fn is_signed_in(&self) -> Result<bool> {
        self.account().await.map(|account| account.is_some())
    }

    /// The account that the profile is signed in with, as the default bot's page tells of it;
    /// `None` where nobody is signed in.
    ///
    /// # Errors
    /// As [`Poe::is_signed_in`].
    pub async fn account(&self) -> Result<Option<Account>> {
        let _lease = self.0.session.lease();
        let site = &self.0.site;
        let (page, _tap) = self.0.open_page().await?;
        let url = site.bot_url(&models::bot_of(&site.models, "")?);
        match self.0.arrive(&page, &url).await? {
            Arrival::PromptBox | Arrival::NoAccess => Ok(Some(Account::on(&page, site).await)),
            Arrival::SignedOut => Ok(None),
            Arrival::Challenge => Err(challenge()),
            Arrival::UnknownBot | Arrival::Nothing => {
                if sign_in::is_signed_in(&self.0).await? {
                    return Err(site_changed("the prompt box"));
                }
                Ok(None)
            }
        }
    }

    /// Opens the browser and brings so many tabs to the prompt of a model's bot, ahead of the first
    /// questions, but no more than type at once; for more than one question, the page that hears
    /// the answers of all as well.
    ///
    /// # Errors
    /// As for a question that is asked.
    pub async fn warm_up(&self, model: &str, tabs: usize) -> Result<()> {
        let _lease = self.0.session.lease();
        let bot = models::bot_of(&self.0.site.models, split_temporary(model).0)?;
        self.0.asked.fetch_max(1, Ordering::Relaxed);
        if tabs > 1 {
            self.0.listener.open(&self.0).await;
        }
        self.0.bring_tabs_to(&self.0.site.bot_url(&bot), tabs).await
    }

    /// Signs in by the site's own form: it mails a code to the address, which `code` then yields.
    /// `code` is awaited only once the site asks for it.
    ///
    /// Other sessions of a WebDriver are signed in with it only where nothing else is under way at
    /// that time, so that there it belongs before the first question.
    ///
    /// # Errors
    /// [`ErrorKind::NotSignedIn`] where the site does not take the code,
    /// [`ErrorKind::InvalidRequest`] where its form takes neither that nor the address,
    /// [`ErrorKind::SiteChanged`] where the form is not as known, and whatever `code` fails with.
    pub async fn sign_in_with_code(
        &self,
        email: &str,
        code: impl Future<Output = Result<String>>,
    ) -> Result<()> {
        let mut code = Some(code);
        let once = |refused: Option<Error>| {
            let code = code.take();
            async move {
                match code {
                    Some(code) => code.await,
                    None => Err(refused.expect("a further code is asked for after a refusal")),
                }
            }
        };
        self.sign_in_with_codes(email, once).await
    }

    /// The same, with further codes where one is refused: `code` is called with the refusal then,
    /// and ends the sign-in by an error, such as that one.
    ///
    /// # Errors
    /// As [`sign_in_with_code`](Self::sign_in_with_code).
    pub async fn sign_in_with_codes<F>(
        &self,
        email: &str,
        code: impl FnMut(Option<Error>) -> F,
    ) -> Result<()>
    where
        F: Future<Output = Result<String>>,
    {
        let lease = self.0.session.lease();
        sign_in::by_code(&self.0, email, code).await?;
        lease.keep_cookies(&self.0.site.host()).await
    }

    /// Opens the site in a window, on our own profile, and waits until the user has signed in.
    ///
    /// # Errors
    /// [`ErrorKind::NotSignedIn`] where nobody does within `wait` or the window is closed;
    /// [`ErrorKind::Browser`] where no window can be shown.
    pub async fn sign_in_by_hand(&self, wait: Duration) -> Result<()> {
        let lease = self.0.session.lease();
        self.0.session.show_window().await?;
        let (page, _tap) = self.0.open_page().await?;
        let url = self.0.site.login_url();
        sign_in::wait_for_person(&self.0, &page, &url, wait.min(LONGEST)).await?;
        lease.keep_cookies(&self.0.site.host()).await
    }

    /// Checks what can be known of a request before anything starts.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`], [`ErrorKind::UnsupportedModel`] and [`ErrorKind::Attachment`],
    /// as [`create_completion`](Provider::create_completion) would yield them.
    pub fn check(&self, request: &ChatRequest) -> Result<()> {
        self.checked(request).map(drop)
    }

    /// The process of a browser that was not started by Lenore and is at work on a profile: it is
    /// no use to wait for its end.
    pub fn foreign_browser(user_data_dir: &Path) -> Option<u32> {
        lenore_browser::Profile::foreign_browser(user_data_dir)
    }

    /// Stops running answers and ends the browser, with all that belongs to it. Dropping the last
    /// clone ends the browser too, but blocks for it, and leaves answers running on the site.
    ///
    /// A directory that was made for the profile, and that nobody was signed in in, is removed.
    pub async fn close(&self) {
        // A caller who does not wait for the end does not leave the provider closing for ever.
        let _closing = Closing::begin(&self.0.closing);
        self.0.session.unused(CLOSING).await;
        self.0.tabs.clear();
        self.0.listener.close();
        self.0.session.close().await;
        self.0.session.disown_profile();
    }

    fn checked(&self, request: &ChatRequest) -> Result<Ask> {
        let invalid = |message: String| Err(Error::new(ErrorKind::InvalidRequest, message));
        let (model, is_suffixed) = split_temporary(&request.model);
        let bot = models::bot_of(&self.0.site.models, model)?;
        let temporary = request.temporary || is_suffixed;
        if temporary && request.chat.is_some() {
            return invalid(
                "a chat that is named is not deleted; leave out `:temporary`, or the chat".into(),
            );
        }
        if request.messages.is_empty() {
            return invalid("there is no message to send".into());
        }
        // White space as JavaScript trims it: the page would send nothing.
        let is_blank = |c: char| c.is_whitespace() || c == '\u{feff}';
        let is_empty = request.messages.iter().all(|message| message.content.chars().all(is_blank));
        if is_empty && request.attachments.is_empty() {
            return invalid("the message is empty; there is nothing to ask".into());
        }
        let chat = request.chat.clone();
        let is_code = |code: &String| {
            !code.is_empty()
                && code.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        };
        if chat.as_ref().is_some_and(|code| !is_code(code)) {
            return invalid(
                "that is no chat's code; it is the last part of the chat's address".into(),
            );
        }
        let attachments: Result<Vec<_>> =
            request.attachments.iter().map(|path| checked_file(path)).collect();
        Ok(Ask {
            bot,
            is_bot_named: chat.is_none() || !request.model.is_empty(),
            messages: request.messages.clone(),
            attachments: attachments?,
            chat,
            resume: request.resume && !temporary,
            temporary,
            begun: OnceLock::new(),
            earlier: request.earlier.clone(),
            silence: request.timeout.unwrap_or(self.0.silence).min(LONGEST),
            deadline: request.deadline.map(|wait| wait.min(LONGEST)),
            linger: request.linger.min(LONGEST),
            _hold: request.hold.clone(),
        })
    }
}

/// Running answers are told to stop, as long as this lives.
struct Closing<'a>(&'a watch::Sender<bool>);

impl<'a> Closing<'a> {
    fn begin(closing: &'a watch::Sender<bool>) -> Self {
        closing.send_replace(true);
        Self(closing)
    }
}

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.send_replace(false);
    }
}

/// The absolute path of a file that can be read.
fn checked_file(path: &Path) -> Result<PathBuf> {
    let refused = |why: &dyn std::fmt::Display| {
        Error::new(
            ErrorKind::Attachment,
            format!("the file {} cannot be attached: {why}", path.display()),
        )
    };
    let file = std::fs::File::open(path).map_err(|error| refused(&error))?;
    if !file.metadata().is_ok_and(|found| found.is_file()) {
        return Err(refused(&"it is not a file"));
    }
    std::path::absolute(path).map_err(|error| refused(&error))
}

impl Provider for Poe {
    fn name(&self) -> &str {
        "poe"
    }

    fn url(&self) -> &str {
        &self.0.site.url
    }

    fn working(&self) -> bool {
        true
    }

    fn needs_auth(&self) -> bool {
        true
    }

    fn supports_stream(&self) -> bool {
        true
    }

    fn default_model(&self) -> &str {
        models::DEFAULT
    }

    fn models(&self) -> Vec<Model> {
        let models = &self.0.site.models;
        models.iter().map(|(name, bot)| Model { name: name.clone(), bot: bot.clone() }).collect()
    }

    fn health(&self) -> Health {
        let tabs = &self.0.tabs;
        Health {
            running: tabs.running(),
            waiting: tabs.waiting(),
            limit: Some(tabs.limit()),
            queue: Some(tabs.queue()),
            pages: tabs.open() + self.0.listener.pages(),
            ..self.0.session.health()
        }
    }

    /// Has a browser that was lost, or would not open, opened in the background.
    fn check_health(&self) -> BoxFuture<'_, Health> {
        let health = self.health();
        self.0.session.mend(&health);
        std::future::ready(health).boxed()
    }

    fn create_completion(&self, request: ChatRequest) -> Completion {
        let ask = match self.checked(&request) {
            Ok(ask) => ask,
            Err(error) => {
                tracing::warn!(kind = %error.kind(), %error, "the request is refused");
                return Completion::failed(error);
            }
        };
        let (sender, events) = pipe();
        tokio::spawn(ask.run(self.0.clone(), sender));
        Completion::new(events, request.stream)
    }
}
