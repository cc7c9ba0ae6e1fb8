//! What is done after send was pressed: the answer is followed to its end.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use lenore_browser::TapEvent;
use lenore_provider::{Error, ErrorKind, Result};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use crate::arrive::{self, Arrival};
use crate::ask::Ask;
use crate::caller::Caller;
use crate::compose::{self, Stopped};
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

/// How long the stop button may take where the page knows of the answer.
const BUTTON: Duration = Duration::from_secs(1);

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
    /// Whether the page can show the chat, as far as is known.
    shows_chat: bool,
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
        Self {
            ask,
            poe,
            tab: Some(tab),
            watch,
            is_same_document: true,
            shows_chat: true,
            turn: Some(turn),
        }
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
                // Each idle tab hears all that comes as well. Who asks one question at a time needs
                // none before the answer's end.
                if self.poe.tabs.running() > 1 {
                    self.poe.warm(&self.ask.bot, QUIET);
                }
            }
            let mut actions = VecDeque::from(actions);
            while let Some(action) = actions.pop_front() {
                match action {
                    Action::Emit(event) => caller.pipe.push(event),
                    Action::ReadAgain(code) => {
                        let read = caller.stays("the answer was complete", self.read_again(&code));
                        read.await.map_err(|error| self.lost(error))?;
                    }
                    Action::Look => {
                        let looked = caller.stays("the answer was complete", self.look());
                        actions.extend(looked.await.map_err(|error| self.lost(error))?);
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

    /// Sees what the page shows of the answer. A page that cannot be looked at shows nothing.
    async fn look(&mut self) -> Result<Vec<Action>> {
        let Some(tab) = &self.tab else { return Ok(Vec::new()) };
        let exchange = self.watch.exchange();
        let (question, answer) = (exchange.question(), exchange.answer());
        let view = compose::look(&tab.page, &self.poe.site, question, answer).await;
        let view = view.inspect_err(|error| tracing::debug!(%error, "no look at the page"));
        Ok(self.happened(&Happening::Looked(view.ok().as_ref())))
    }

    /// Loads the chat anew, in a new page where the old one is lost. The prompt is never sent
    /// again.
    async fn read_again(&mut self, code: &str) -> Result<()> {
        let site = &self.poe.site;
        let url = site.chat_url(code);
        let wait = self.ask.load();
        tracing::info!("reading the chat again");
        let mut arrival = match &self.tab {
            Some(tab) => arrive::arrive(&tab.page, site, &url, wait).await,
            None => Err(unconfirmed()),
        };
        if self.tab.is_none() || arrival.as_ref().is_err_and(is_loss) {
            self.tab = None;
            let tab = self.another_tab().await?;
            self.happened(&Happening::Opened);
            // In its place before it is loaded: who leaves meanwhile has stop pressed on it.
            let tab = self.tab.insert(tab);
            arrival = arrive::arrive(&tab.page, site, &url, wait).await;
        }
        self.shows_chat =
            !matches!(arrival, Ok(Arrival::SignedOut | Arrival::Challenge | Arrival::UnknownBot));
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
            let error = match self.poe.open_tab().await {
                Err(error) if error.kind() == ErrorKind::Browser => error,
                opened => return opened,
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
        match &end {
            Ok(answered) if self.is_same_document => {
                let chat = answered.chat.as_deref();
                tab.at = chat.map(|code| self.poe.site.chat_url(code)).unwrap_or_default();
                tab.bot = self.ask.is_bot_named.then(|| self.ask.bot.clone());
                self.poe.tabs.put_back_used(tab, answered.text.len());
            }
            Ok(_) => {}
            Err(_) => self.stop(tab).await,
        }
        end
    }

    /// Stops what may still run on the site.
    async fn stop(&mut self, mut tab: Tab) {
        if self.watch.exchange().is_over() || !self.shows_chat {
            return;
        }
        let mut stopped = loop {
            // A page shows no button before it knows of the answer.
            let awaits_reply = self.watch.exchange().awaits_reply();
            let wait = if awaits_reply { compose::STOP } else { BUTTON };
            let stopped = self.press_stop(&mut tab, wait).await;
            // That the question was sent may be heard of only now.
            let is_sent_late = !awaits_reply && self.watch.exchange().awaits_reply();
            if !is_sent_late || !matches!(stopped, Ok(Some(Stopped::NoButton))) {
                break stopped;
            }
        };
        // A page that lost the reply need not know of the answer, but the chat does.
        let exchange = self.watch.exchange();
        let is_known = self.is_same_document && !exchange.awaits_reply();
        let code = exchange.chat_code().filter(|_| is_known);
        if let (Ok(Some(Stopped::NoButton)), Some(code)) = (&stopped, code) {
            let url = self.poe.site.chat_url(code);
            let arrival = arrive::arrive(&tab.page, &self.poe.site, &url, REREAD).await;
            if arrival.is_ok_and(|arrival| arrival == Arrival::PromptBox) {
                stopped = self.press_stop(&mut tab, BUTTON).await;
            }
        }
        let is_sent = self.watch.exchange().is_sent();
        match stopped {
            Ok(None) => tracing::debug!("it has ended by itself"),
            Ok(Some(Stopped::Confirmed)) => tracing::debug!("stopped"),
            Ok(Some(Stopped::NoButton)) if !is_sent => tracing::debug!("nothing was to be stopped"),
            Ok(Some(Stopped::Unconfirmed)) => {
                tracing::warn!(
                    "the site did not confirm the stop: the answer may go on at the site"
                );
            }
            Ok(Some(Stopped::NoButton)) => {
                tracing::warn!("the page showed no stop button: the answer may go on at the site");
            }
            Err(error) if !is_sent => tracing::debug!(%error, "nothing was to be stopped"),
            Err(error) => {
                tracing::warn!(%error, "stop could not be pressed: the answer may go on at the site");
            }
        }
    }

    /// Presses stop, unless the site tells meanwhile that there is nothing to stop (`None`).
    async fn press_stop(&mut self, tab: &mut Tab, wait: Duration) -> Result<Option<Stopped>> {
        let mut pressed = std::pin::pin!(compose::stop(&tab.page, &self.poe.site, wait));
        let mut is_told = true;
        loop {
            tokio::select! {
                stopped = &mut pressed => return stopped.map(Some),
                event = tab.tap.next(), if is_told => {
                    is_told = event.is_some();
                    if let Some(TapEvent::Message(message)) = event
                        && let Ok(message) = serde_json::from_str(message.get())
                    {
                        self.happened(&Happening::Message(&message));
                    }
                    if self.watch.exchange().is_over() {
                        return Ok(None);
                    }
                }
            }
        }
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
