//! One question, from an empty tab to the end of its answer. One task owns the page.

use std::future::pending;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use lenore_browser::{Page, Tap, TapEvent};
use lenore_provider::{Error, ErrorKind, Event, FinishReason, Result};
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::compose::{self, Arrival};
use crate::context::Context;
use crate::error::{challenge, is_loss, no_access, signed_out};
use crate::pipe::EventPipe;
use crate::sign_in;
use crate::watch::{Action, Happening, Watch, unconfirmed};

/// How long a page may take to close. Nobody waits for it.
const CLOSE: Duration = Duration::from_secs(5);
/// The least time that a page has to read a chat again.
const REREAD: Duration = Duration::from_secs(5);

/// A checked question.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) bot: String,
    /// Whether the caller named the bot, or takes that of the chat.
    pub(crate) is_bot_named: bool,
    pub(crate) prompt: String,
    pub(crate) attachments: Vec<PathBuf>,
    pub(crate) chat: Option<String>,
    pub(crate) silence: Duration,
    pub(crate) deadline: Option<Duration>,
    pub(crate) linger: Duration,
}

impl Ask {
    /// Asks, and hands every event of the answer to the pipe.
    pub(crate) async fn run(self, poe: Arc<Context>, mut pipe: EventPipe) {
        let lease = poe.session.lease();
        let deadline = self.deadline.map(|wait| Instant::now() + wait);
        let end = self.exchange(&poe, deadline, &mut pipe).await;
        match &end {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Cancelled => tracing::debug!(%error, "left"),
            Err(error) => {
                tracing::warn!(bot = self.bot, kind = %error.kind(), %error, "no answer");
            }
        }
        // Before the end is told: who hears it may leave at once, and all is tidy then.
        drop(lease);
        drop(poe);
        pipe.finish(end.map(|reason| Event::Finished { reason })).await;
    }

    async fn exchange(
        &self,
        poe: &Context,
        deadline: Option<Instant>,
        pipe: &mut EventPipe,
    ) -> Result<FinishReason> {
        let (page, tap) = tokio::select! {
            ready = self.prepare(poe) => ready?,
            () = pipe.abandoned() => return Err(left()),
            () = poe.closing() => return Err(closing()),
            () = at(deadline) => return Err(late("the prompt could be sent")),
        };
        let url = self.url(poe);
        let sent = tokio::select! {
            sent = compose::send(&page, &poe.site, &url, &self.prompt) => sent,
            () = pipe.abandoned() => Err(left()),
            () = poe.closing() => Err(closing()),
            () = at(deadline) => Err(late("send could be pressed")),
        };
        let now = std::time::Instant::now();
        let asked = self.is_bot_named.then_some(&*self.bot);
        let watch = Watch::new(poe.placeholders.clone(), asked, self.silence, now);
        let mut following = Following { ask: self, poe, page: Some(page), tap, watch };
        let end = match sent {
            Ok(()) => following.follow(deadline, pipe).await,
            Err(error) if is_loss(&error) => Err(unconfirmed().with_source(error)),
            Err(error) => Err(error),
        };
        following.leave(end).await
    }

    /// A page on which the prompt box waits, with the files attached. Nothing is sent yet, so a
    /// page that is lost on the way is replaced, once.
    async fn prepare(&self, poe: &Context) -> Result<(Page, Tap)> {
        match self.arrive(poe).await {
            Err(error) if is_loss(&error) => {
                tracing::info!(%error, "the page was lost before the prompt was sent; once more");
                self.arrive(poe).await
            }
            other => other,
        }
    }

    async fn arrive(&self, poe: &Context) -> Result<(Page, Tap)> {
        let url = self.url(poe);
        let (mut page, mut tap) = poe.open_page().await?;
        match compose::arrive(&page, &poe.site, &url).await? {
            Arrival::PromptBox => {}
            Arrival::UnknownBot => return Err(self.unknown()),
            Arrival::Challenge => return Err(challenge()),
            Arrival::NoAccess => return Err(no_access()),
            Arrival::Nothing if sign_in::is_signed_in(poe).await? => {
                return Err(compose::nothing_known(&page).await);
            }
            Arrival::SignedOut | Arrival::Nothing => {
                drop(page);
                (page, tap) = sign_in::by_hand(poe, &url).await?;
            }
        }
        compose::hear_socket(&mut tap).await;
        compose::attach(&page, &mut tap, &poe.site, &self.attachments).await?;
        Ok((page, tap))
    }

    /// The address of the page to ask on.
    fn url(&self, poe: &Context) -> String {
        match &self.chat {
            Some(chat) => poe.site.chat_url(chat),
            None => poe.site.bot_url(&self.bot),
        }
    }

    fn unknown(&self) -> Error {
        if self.chat.is_some() {
            return Error::new(
                ErrorKind::InvalidRequest,
                "the site does not know this chat; it may be deleted, or another account's",
            );
        }
        Error::new(
            ErrorKind::UnsupportedModel,
            format!("the site knows no bot called {}; check the handle there", self.bot),
        )
    }
}

/// What is watched after send was pressed.
struct Following<'a> {
    ask: &'a Ask,
    poe: &'a Context,
    /// Gone while a lost page has not been replaced.
    page: Option<Page>,
    tap: Tap,
    watch: Watch,
}

impl Following<'_> {
    /// Follows the answer to its end.
    async fn follow(
        &mut self,
        deadline: Option<Instant>,
        pipe: &mut EventPipe,
    ) -> Result<FinishReason> {
        loop {
            let wake = Instant::from_std(self.watch.wake_at());
            let actions = tokio::select! {
                biased;
                () = pipe.abandoned() => return Err(left()),
                () = self.poe.closing() => return Err(closing()),
                () = at(deadline) => return Err(self.lost(late("the answer was complete"))),
                event = self.tap.next() => self.heard(event),
                () = sleep_until(wake) => self.happened(&Happening::Time),
            };
            for action in actions {
                match action {
                    Action::Emit(event) => pipe.push(event),
                    Action::ReadAgain(code) => {
                        let poe = self.poe;
                        tokio::select! {
                            read = self.read_again(&code) => read?,
                            () = pipe.abandoned() => return Err(left()),
                            () = poe.closing() => return Err(closing()),
                            () = at(deadline) => {
                                return Err(self.lost(late("the answer was complete")));
                            }
                        }
                    }
                    Action::Complete => {
                        self.linger(pipe).await;
                        return Ok(FinishReason::Complete);
                    }
                    Action::Fail(error) => return Err(error),
                }
            }
        }
    }

    /// Takes what the tap tells; `None` is its end.
    fn heard(&mut self, event: Option<TapEvent>) -> Vec<Action> {
        match event {
            Some(TapEvent::Message(message)) => match serde_json::from_str(message.get()) {
                Ok(message) => self.happened(&Happening::Message(&message)),
                Err(error) => {
                    tracing::debug!(%error, "a message of the tap is not understood");
                    Vec::new()
                }
            },
            Some(TapEvent::Opened) => self.happened(&Happening::Opened),
            Some(_) => {
                tracing::warn!("messages of the tap were lost");
                self.happened(&Happening::Hole)
            }
            None => self.happened(&Happening::PageLost),
        }
    }

    fn happened(&mut self, happening: &Happening<'_>) -> Vec<Action> {
        self.watch.take(happening, std::time::Instant::now())
    }

    /// Loads the chat anew, in a new page where the old one is lost. The prompt is never sent
    /// again.
    async fn read_again(&mut self, code: &str) -> Result<()> {
        let site = &self.poe.site;
        let url = site.chat_url(code);
        let wait = self.ask.silence.clamp(REREAD, compose::LOAD);
        tracing::info!("reading the chat again");
        let mut arrival = match &self.page {
            Some(page) => compose::arrive_within(page, site, &url, wait).await,
            None => Err(unconfirmed()),
        };
        if self.page.is_none() || arrival.as_ref().is_err_and(is_loss) {
            self.page = None;
            let (page, tap) = self.poe.open_page().await.map_err(|error| self.lost(error))?;
            self.tap = tap;
            self.happened(&Happening::Opened);
            arrival = compose::arrive_within(&page, site, &url, wait).await;
            self.page = Some(page);
        }
        let error = match arrival {
            Ok(Arrival::SignedOut) => signed_out(),
            Ok(Arrival::Challenge) => challenge(),
            Ok(Arrival::UnknownBot) => Error::new(
                ErrorKind::AnswerLost,
                "the site does not know the chat any more; it may have been deleted meanwhile",
            ),
            // The tap reads the chat on any page that has it; without it, time goes on.
            Ok(Arrival::PromptBox | Arrival::NoAccess | Arrival::Nothing) => return Ok(()),
            // No page would get through now; the watch tries again, or loses its patience.
            Err(error) => {
                tracing::debug!(%error, "the chat could not be read again");
                return Ok(());
            }
        };
        Err(self.lost(error))
    }

    /// Title, suggestions and cost, for as long as the caller wants to wait for them.
    async fn linger(&mut self, pipe: &mut EventPipe) {
        let end = Instant::now() + self.ask.linger;
        while let Ok(Some(event)) = timeout_at(end, self.tap.next()).await {
            for action in self.heard(Some(event)) {
                if let Action::Emit(event) = action {
                    pipe.push(event);
                }
            }
        }
    }

    /// Stops an answer that still runs, and closes the page.
    async fn leave(mut self, end: Result<FinishReason>) -> Result<FinishReason> {
        let Some(page) = self.page.take() else { return end };
        let still_runs = end.as_ref().is_err_and(|error| {
            matches!(
                error.kind(),
                ErrorKind::Cancelled | ErrorKind::Timeout | ErrorKind::AnswerLost
            )
        });
        if still_runs {
            match compose::stop(&page, &self.poe.site).await {
                Ok(true) => tracing::debug!("stopped"),
                Ok(false) => tracing::warn!("the site did not confirm the stop"),
                Err(error) => tracing::debug!(%error, "stop could not be pressed"),
            }
        }
        if let Err(error) = page.close(CLOSE).await {
            tracing::debug!(%error, "the page was gone already");
        }
        end
    }

    /// Adds what was received to an error.
    fn lost(&self, error: Error) -> Error {
        match self.watch.text() {
            "" => error,
            text => error.with_partial(text),
        }
    }
}

/// Waits until an instant; for ever where there is none.
async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => pending().await,
    }
}

fn left() -> Error {
    Error::new(ErrorKind::Cancelled, "the caller left before the answer was complete")
}

fn closing() -> Error {
    Error::new(ErrorKind::Cancelled, "the provider was closed before the answer was complete")
}

fn late(before: &str) -> Error {
    Error::new(
        ErrorKind::Timeout,
        format!("the request's deadline passed before {before}; allow more time"),
    )
}
