//! What is done after send was pressed: the answer is followed to its end.

use std::sync::Arc;
use std::time::Duration;

use lenore_browser::TapEvent;
use lenore_provider::{Error, ErrorKind, Result};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use crate::ask::{Ask, Caller};
use crate::compose::{self, Arrival};
use crate::context::Context;
use crate::error::{challenge, is_loss};
use crate::pace::Turn;
use crate::tabs::Tab;
use crate::watch::{Action, Happening, Watch, unconfirmed};

/// How long another tab is not yet brought to the bot's prompt, so that the first words of this
/// answer are not held up.
const QUIET: Duration = Duration::from_millis(300);
/// The least time that a page has to read a chat again.
const REREAD: Duration = Duration::from_secs(5);

/// How long a service of browsers may take to come back, and what is waited between two tries.
const RETURN: Duration = Duration::from_secs(45);
const AGAIN: Duration = Duration::from_secs(1);
/// How many new tabs may be lost with the last one: tabs share processes.
const LOST_WITH_IT: u32 = 2;

/// An answer that is complete.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) text: String,
    /// The chat's code, where the site told it.
    pub(crate) chat: Option<String>,
    /// `messageId` of the answer.
    pub(crate) answer: Option<String>,
}

/// What is watched after send was pressed.
pub(crate) struct Following<'a> {
    ask: &'a Ask,
    poe: &'a Arc<Context>,
    /// Gone while a lost page has not been replaced.
    tab: Option<Tab>,
    watch: Watch,
    /// Whether the document is still the one that asked.
    is_same_document: bool,
    /// Held until the site takes the question or refuses it.
    turn: Option<Turn>,
}

impl<'a> Following<'a> {
    pub(crate) fn new(
        ask: &'a Ask,
        poe: &'a Arc<Context>,
        tab: Tab,
        watch: Watch,
        turn: Turn,
    ) -> Self {
        Self { ask, poe, tab: Some(tab), watch, is_same_document: true, turn: Some(turn) }
    }

    /// Whether the site has said that it has not taken the question.
    pub(crate) fn is_refused(&self) -> bool {
        self.watch.exchange().is_refused()
    }

    /// Follows the answer to its end.
    pub(crate) async fn follow(&mut self, caller: &mut Caller<'_>) -> Result<Answered> {
        loop {
            let wake = Instant::from_std(self.watch.wake_at());
            let actions = tokio::select! {
                biased;
                error = caller.leaves("the answer was complete") => return Err(self.lost(error)),
                event = next(self.tab.as_mut()) => self.heard(event),
                () = sleep_until(wake) => self.happened(&Happening::Time),
            };
            if self.watch.exchange().is_taken()
                && let Some(turn) = self.turn.take()
            {
                self.poe.pace.taken(&turn);
                self.poe.warm(&self.ask.bot, QUIET);
            }
            for action in actions {
                match action {
                    Action::Emit(event) => caller.pipe.push(event),
                    Action::ReadAgain(code) => {
                        let read = caller.stays("the answer was complete", self.read_again(&code));
                        read.await.map_err(|error| self.lost(error))?;
                    }
                    Action::Complete => {
                        self.linger(caller).await;
                        let exchange = self.watch.exchange();
                        return Ok(Answered {
                            text: exchange.text().to_owned(),
                            chat: exchange.chat_code().map(str::to_owned),
                            answer: exchange.answer().map(str::to_owned),
                        });
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
            Some(TapEvent::Opened) => {
                self.is_same_document = false;
                self.happened(&Happening::Opened)
            }
            Some(_) => {
                tracing::warn!("messages of the tap were lost");
                self.happened(&Happening::Hole)
            }
            None => {
                self.tab = None;
                self.happened(&Happening::PageLost)
            }
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
        let mut arrival = match &self.tab {
            Some(tab) => compose::arrive_within(&tab.page, site, &url, wait).await,
            None => Err(unconfirmed()),
        };
        if self.tab.is_none() || arrival.as_ref().is_err_and(is_loss) {
            self.tab = None;
            let tab = self.another_tab().await?;
            self.happened(&Happening::Opened);
            // In its place before it is loaded: who leaves meanwhile has stop pressed on it.
            let tab = self.tab.insert(tab);
            arrival = compose::arrive_within(&tab.page, site, &url, wait).await;
        }
        match arrival {
            Ok(Arrival::SignedOut) => Err(self.poe.session.signed_out()),
            Ok(Arrival::Challenge) => Err(challenge()),
            Ok(Arrival::UnknownBot) => Err(Error::new(
                ErrorKind::AnswerLost,
                "the site does not know the chat any more; it may have been deleted meanwhile",
            )),
            // The tap reads the chat on any page that has it; without it, time goes on.
            Ok(Arrival::PromptBox | Arrival::NoAccess | Arrival::Nothing) => Ok(()),
            // No page would get through now; the watch tries again, or loses its patience.
            Err(error) => {
                tracing::debug!(%error, "the chat could not be read again");
                Ok(())
            }
        }
    }

    /// A new tab. Where it crashes with the last one, another is tried; a service of browsers that
    /// has just lost one, or is starting anew, is given some time.
    async fn another_tab(&self) -> Result<Tab> {
        let end = Instant::now() + RETURN.min(self.ask.silence);
        let mut failures = 0;
        loop {
            let error = match self.poe.open_page().await {
                Err(error) if error.kind() == ErrorKind::Browser => error,
                opened => return opened.map(Tab::new),
            };
            failures += 1;
            let may_return = self.poe.session.may_return() && Instant::now() < end;
            if failures > LOST_WITH_IT && !may_return {
                return Err(error);
            }
            tracing::debug!(%error, "another tab is tried");
            sleep(AGAIN).await;
        }
    }

    /// Title, suggestions and cost, for as long as the caller wants to wait for them.
    async fn linger(&mut self, caller: &mut Caller<'_>) {
        let end = Instant::now() + self.ask.linger;
        while let Ok(Some(event)) = timeout_at(end, next(self.tab.as_mut())).await {
            for action in self.heard(Some(event)) {
                if let Action::Emit(event) = action {
                    caller.pipe.push(event);
                }
            }
        }
    }

    /// Gives the tab back after a complete answer, unless it was loaded anew meanwhile, so that its
    /// tap does not know which chat is ours. Else stops what may still run, and closes it.
    pub(crate) async fn leave(mut self, end: Result<Answered>) -> Result<Answered> {
        self.turn = None;
        let Some(mut tab) = self.tab.take() else { return end };
        let error = match &end {
            Ok(_) if !self.is_same_document => return end,
            Ok(answered) => {
                let chat = answered.chat.as_deref();
                tab.at = chat.map(|code| self.poe.site.chat_url(code)).unwrap_or_default();
                self.poe.tabs.put_back_used(tab, answered.text.len());
                return end;
            }
            Err(error) => error,
        };
        let still_runs = matches!(
            error.kind(),
            ErrorKind::Cancelled | ErrorKind::Timeout | ErrorKind::AnswerLost
        );
        if still_runs {
            match compose::stop(&tab.page, &self.poe.site).await {
                Ok(true) => tracing::debug!("stopped"),
                Ok(false) => tracing::warn!("the site did not confirm the stop"),
                Err(error) => tracing::debug!(%error, "stop could not be pressed"),
            }
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

/// What the tab's tap tells next; `None` where it is gone.
async fn next(tab: Option<&mut Tab>) -> Option<TapEvent> {
    tab?.tap.next().await
}
