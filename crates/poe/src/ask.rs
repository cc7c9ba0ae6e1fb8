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
use crate::decode::{Exchange, Step};
use crate::error::{challenge, is_loss, signed_out, site_changed};
use crate::pipe::EventPipe;
use crate::sign_in;

/// How long the page may take from the click until it sends.
const SENDING: Duration = Duration::from_secs(10);
/// How long a page may take to close. Nobody waits for it.
const CLOSE: Duration = Duration::from_secs(5);
/// How long the page itself has to read the chat again after a gap, before it is reloaded. Each
/// further time it has twice as long.
const REREAD: Duration = Duration::from_secs(3);

/// A checked question.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) bot: String,
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
        if let Err(error) = &end {
            tracing::warn!(bot = self.bot, kind = %error.kind(), %error, "no answer");
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
        compose::send(&page, &poe.site, &self.prompt).await.map_err(|error| {
            if is_loss(&error) { unconfirmed().with_source(error) } else { error }
        })?;
        let mut watch = Watch {
            ask: self,
            poe,
            page: Some(page),
            tap,
            exchange: Exchange::new(poe.placeholders.clone()),
            heard: Instant::now(),
            reread: None,
            patience: REREAD,
            was_read_in_vain: false,
        };
        let end = watch.follow(deadline, pipe).await;
        watch.leave(end).await
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
        let url = match &self.chat {
            Some(chat) => poe.site.chat_url(chat),
            None => poe.site.bot_url(&self.bot),
        };
        let (mut page, mut tap) = poe.open_page().await?;
        match compose::arrive(&page, &poe.site, &url, compose::PROMPT_BOX).await? {
            Arrival::PromptBox => {}
            Arrival::UnknownBot => return Err(self.unknown()),
            Arrival::Challenge => {
                return Err(challenge());
            }
            Arrival::Nothing if sign_in::is_signed_in(poe).await? => {
                return Err(site_changed("the prompt box"));
            }
            Arrival::SignedOut | Arrival::Nothing => {
                drop(page);
                (page, tap) = sign_in::by_hand(poe, &url).await?;
            }
        }
        compose::attach(&page, &poe.site, &self.attachments).await?;
        Ok((page, tap))
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
struct Watch<'a> {
    ask: &'a Ask,
    poe: &'a Context,
    /// Gone while a lost page has not been replaced.
    page: Option<Page>,
    tap: Tap,
    exchange: Exchange,
    /// When the site last said something of our answer.
    heard: Instant,
    /// When the chat is read again, after a gap that the page has not closed by itself.
    reread: Option<Instant>,
    patience: Duration,
    /// Whether the chat has been read again since then.
    was_read_in_vain: bool,
}

/// What is to be done next.
enum Next {
    Go,
    Reread,
    Complete,
}

impl Watch<'_> {
    /// Follows the answer to its end.
    async fn follow(
        &mut self,
        deadline: Option<Instant>,
        pipe: &mut EventPipe,
    ) -> Result<FinishReason> {
        let sent_by = Instant::now() + SENDING;
        loop {
            let silence =
                if self.exchange.is_sent() { self.heard + self.ask.silence } else { sent_by };
            let next = tokio::select! {
                biased;
                () = pipe.abandoned() => return Err(left()),
                () = self.poe.closing() => return Err(closing()),
                () = at(deadline) => return Err(self.lost(late("the answer was complete"))),
                event = self.tap.next() => self.take(event, pipe)?,
                () = at(self.reread) => Next::Reread,
                () = sleep_until(silence) => self.silent()?,
            };
            match next {
                Next::Go => {}
                Next::Reread => self.read_again().await?,
                Next::Complete => break,
            }
        }
        self.linger(pipe).await;
        Ok(FinishReason::Complete)
    }

    /// Takes what the tap tells; `None` is its end.
    fn take(&mut self, event: Option<TapEvent>, pipe: &mut EventPipe) -> Result<Next> {
        let steps = match event {
            Some(TapEvent::Message(message)) => match serde_json::from_str(message.get()) {
                Ok(message) => self.exchange.take(&message),
                Err(error) => {
                    tracing::debug!(%error, "a message of the tap is not understood");
                    return Ok(Next::Go);
                }
            },
            Some(TapEvent::Opened) => {
                self.exchange.document_opened();
                return Ok(Next::Go);
            }
            Some(_) => {
                tracing::warn!("messages of the tap were lost; the chat is read again");
                return Ok(Next::Reread);
            }
            None => return Ok(Next::Reread),
        };
        let mut next = Next::Go;
        for step in steps {
            // Reading the same again is no news.
            if !matches!(step, Step::Gap | Step::Read) {
                self.heard = Instant::now();
                self.was_read_in_vain = false;
            }
            match step {
                Step::Sent => {}
                Step::Event(event) => pipe.push(event),
                Step::Complete => next = Next::Complete,
                Step::Failed(error) => return Err(error),
                Step::Gap => {
                    self.reread.get_or_insert(Instant::now() + self.patience);
                }
                Step::Read => self.reread = None,
            }
        }
        Ok(next)
    }

    /// The site has said nothing for as long as we bear.
    fn silent(&mut self) -> Result<Next> {
        if !self.exchange.is_sent() {
            return Err(site_changed("what the send button does"));
        }
        if !std::mem::replace(&mut self.was_read_in_vain, true) {
            self.heard = Instant::now();
            return Ok(Next::Reread);
        }
        let message = format!(
            "the site said nothing of the answer for {} s, nor after reading the chat again; look \
             at the chat on the site",
            self.ask.silence.as_secs()
        );
        let nothing_came = self.exchange.text().is_empty();
        let kind = if nothing_came { ErrorKind::Timeout } else { ErrorKind::AnswerLost };
        Err(self.lost(Error::new(kind, message)))
    }

    /// Loads the chat anew, in a new tab where the old one is lost. The prompt is never sent again.
    async fn read_again(&mut self) -> Result<()> {
        self.reread = None;
        self.patience = (self.patience * 2).min(self.ask.silence);
        let Some(code) = self.exchange.chat_code() else {
            if self.page_is_alive().await {
                return Ok(());
            }
            return Err(self.lost(unconfirmed()));
        };
        let url = self.poe.site.chat_url(code);
        tracing::info!("reading the chat again");
        let loaded = match &self.page {
            Some(page) => page.navigate(&url, compose::LOAD).await.is_ok(),
            None => false,
        };
        if !loaded {
            self.page = None;
            let (page, tap) = self.poe.open_page().await.map_err(|error| self.lost(error))?;
            self.exchange.document_opened();
            let arrival = compose::arrive(&page, &self.poe.site, &url, compose::PROMPT_BOX).await;
            (self.page, self.tap) = (Some(page), tap);
            match arrival.map_err(|error| self.lost(error))? {
                Arrival::SignedOut => {
                    let error = signed_out();
                    return Err(self.lost(error));
                }
                arrival => tracing::debug!(?arrival, "the chat is open again"),
            }
        }
        // Should the page not come to read the chat, it is loaded once more.
        self.reread = Some(Instant::now() + self.patience);
        Ok(())
    }

    async fn page_is_alive(&self) -> bool {
        match &self.page {
            Some(page) => page.call("() => true", &[], CLOSE).await.is_ok(),
            None => false,
        }
    }

    /// Title, suggestions and cost, for as long as the caller wants to wait for them.
    async fn linger(&mut self, pipe: &mut EventPipe) {
        let end = Instant::now() + self.ask.linger;
        while let Ok(Some(event)) = timeout_at(end, self.tap.next()).await {
            if self.take(Some(event), pipe).is_err() {
                return;
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
        match self.exchange.text() {
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

fn unconfirmed() -> Error {
    Error::new(
        ErrorKind::AnswerLost,
        "the page was lost before the site confirmed the question; look at the chat on the site \
         before asking again",
    )
}

fn late(before: &str) -> Error {
    Error::new(
        ErrorKind::Timeout,
        format!("the request's deadline passed before {before}; allow more time"),
    )
}
