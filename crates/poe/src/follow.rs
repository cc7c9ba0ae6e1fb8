//! What is done after send was pressed: the answer is followed to its end.
//!
//! The tab that asked tells of its answer until the listener has. From then on the listener alone
//! tells what comes on the channel, since changes of a text that two documents tell do not fit
//! together, and the tab is free for others once the reply to the question has come.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use lenore_browser::TapEvent;
use lenore_provider::{Error, ErrorKind, Result};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use crate::arrive::{self, Arrival, Reading};
use crate::ask::Ask;
use crate::caller::Caller;
use crate::compose::{self, Stopped};
use crate::context::Context;
use crate::decode::{PageView, Reply, TapMessage};
use crate::error::{challenge, is_loss};
use crate::listener::{News, Subscription};
use crate::pace::Turn;
use crate::tabs::{Tab, Writer};
use crate::watch::{Action, Happening, Watch, unconfirmed};

/// How long another tab is not yet brought to the bot's prompt, so that the first words of this
/// answer are not held up.
const QUIET: Duration = Duration::from_millis(300);
/// How long after send another question may not be typed yet, where the listener tells nothing of
/// this one: it may not hear this chat.
const EVIDENCE: Duration = Duration::from_millis(1500);
/// How long the listener may take to tell of a question whose tab was lost.
const LATE_EVIDENCE: Duration = Duration::from_secs(5);
/// How long the listener may tell nothing of an answer that has no tab before a tab is to show it.
/// Each further time it takes twice as long.
const UNSEEN: Duration = Duration::from_secs(20);
/// The least time that a page has to read a chat again.
const REREAD: Duration = Duration::from_secs(5);

/// How long the reply to a question may take after the end of its answer.
const REPLY: Duration = Duration::from_millis(100);

/// How long the stop button may take where the page knows of the answer.
const BUTTON: Duration = Duration::from_secs(1);

/// How long a service of browsers may take to come back, and what is waited between two tries.
const RETURN: Duration = Duration::from_secs(45);
const AGAIN: Duration = Duration::from_secs(1);
/// How many new tabs may be lost with the last one: tabs share processes.
const LOST_WITH_IT: u32 = 2;

/// An answer that is complete, or as far as it has come.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) text: String,
    /// The chat's code, where the site told it.
    pub(crate) chat: Option<String>,
    /// `messageId` of the answer.
    pub(crate) answer: Option<String>,
}

/// Where an answer comes from.
#[derive(Debug)]
pub(crate) struct Source {
    /// The tab that asks.
    pub(crate) tab: Tab,
    /// The turn to type in it.
    pub(crate) writer: Option<Writer>,
    /// What the listener tells, where there is one.
    pub(crate) subscription: Option<Subscription>,
}

/// Something that is heard.
enum Heard {
    Tab(Option<TapEvent>),
    Listener(Option<News>),
}

/// What is watched after send was pressed.
pub(crate) struct Following<'a> {
    ask: &'a Ask,
    poe: &'a Arc<Context>,
    /// Gone while a lost page has not been replaced, and once the listener tells all that matters.
    tab: Option<Tab>,
    /// Held until the tab is free again, or is to stay with its answer.
    writer: Option<Writer>,
    subscription: Option<Subscription>,
    /// Whether the listener tells what comes on the channel, rather than the tab.
    listens: bool,
    /// Until when the listener may begin to.
    evidence: Option<Instant>,
    /// When the listener told something last, and for how long it may be silent.
    heard: Instant,
    unseen: Duration,
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
        Source { tab, writer, subscription }: Source,
        watch: Watch,
        turn: Turn,
    ) -> Self {
        let now = Instant::now();
        Self {
            ask,
            poe,
            tab: Some(tab),
            writer: writer.filter(|_| subscription.is_some()),
            evidence: subscription.is_some().then(|| now + EVIDENCE),
            subscription,
            listens: false,
            heard: now,
            unseen: UNSEEN,
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
            let evidence = self.evidence.unwrap_or(wake);
            let actions = tokio::select! {
                biased;
                error = caller.leaves("the answer was complete") => return Err(self.lost(error)),
                heard = self.next() => self.heard(heard),
                () = sleep_until(evidence), if self.evidence.is_some() => self.unheard(),
                () = sleep_until(wake) => self.happened(&Happening::Time),
            };
            self.free_tab();
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
                        return Ok(self.answered());
                    }
                    Action::Fail(error) => return Err(error),
                }
            }
        }
    }

    /// The answer as far as it has come.
    fn answered(&self) -> Answered {
        let exchange = self.watch.exchange();
        Answered {
            text: exchange.text().to_owned(),
            chat: exchange.chat_code().map(str::to_owned),
            answer: exchange.answer().map(str::to_owned),
        }
    }

    /// What the tab or the listener tells next. Cancel-safe.
    async fn next(&mut self) -> Heard {
        let is_heard = self.subscription.is_some();
        tokio::select! {
            biased;
            event = next(self.tab.as_mut()), if self.tab.is_some() || !is_heard => {
                Heard::Tab(event)
            }
            news = next_news(self.subscription.as_mut()), if is_heard => Heard::Listener(news),
        }
    }

    fn heard(&mut self, heard: Heard) -> Vec<Action> {
        match heard {
            Heard::Tab(event) => self.heard_tab(event),
            Heard::Listener(news) => self.heard_listener(news),
        }
    }

    /// Takes what the tab's tap tells; `None` is its end.
    fn heard_tab(&mut self, event: Option<TapEvent>) -> Vec<Action> {
        match event {
            Some(TapEvent::Message(message)) => match arrive::understood_message(&message) {
                // What comes on the channel is the listener's to tell.
                Some(message) if self.listens && !is_of_the_question(&message) => Vec::new(),
                Some(message) => {
                    let actions = self.happened(&Happening::Message(&message));
                    self.claim();
                    actions
                }
                None => Vec::new(),
            },
            Some(TapEvent::Opened) => {
                self.is_same_document = false;
                if self.listens { Vec::new() } else { self.happened(&Happening::Opened) }
            }
            Some(_) if self.listens => Vec::new(),
            Some(_) => {
                tracing::warn!("messages of the tap were lost");
                self.happened(&Happening::Hole)
            }
            None => self.tab_lost(),
        }
    }

    /// Tells the listener whose news these are, as far as that is known.
    fn claim(&self) {
        if let Some(subscription) = self.subscription.as_ref().filter(|_| !self.listens) {
            let exchange = self.watch.exchange();
            subscription.claim(exchange.nonce(), exchange.chat());
        }
    }

    /// The tab is gone. Where the site has the question, the listener will tell of it.
    fn tab_lost(&mut self) -> Vec<Action> {
        self.tab = None;
        self.writer = None;
        if self.listens {
            return self.reply_lost();
        }
        if self.subscription.is_some() && self.watch.exchange().is_sent() {
            self.evidence = Some(Instant::now() + LATE_EVIDENCE);
            return Vec::new();
        }
        self.subscription = None;
        self.happened(&Happening::PageLost)
    }

    /// The reply to the question comes no more.
    fn reply_lost(&mut self) -> Vec<Action> {
        let exchange = self.watch.exchange();
        if !exchange.awaits_reply() {
            return Vec::new();
        }
        let nonce = exchange.nonce().map(str::to_owned);
        let reply = TapMessage::Reply(Box::new(Reply { nonce, ..Reply::default() }));
        self.happened(&Happening::Message(&reply))
    }

    /// Takes what the listener tells; `None` where it is gone, or has lost something. The first
    /// news are the evidence that it hears the chat, of which it has told all from the question on.
    fn heard_listener(&mut self, news: Option<News>) -> Vec<Action> {
        let Some(news) = news else {
            self.subscription = None;
            return match std::mem::take(&mut self.listens) {
                true => self.happened(&Happening::Hole),
                false => self.unheard(),
            };
        };
        self.heard = Instant::now();
        self.unseen = UNSEEN;
        let mut actions = Vec::new();
        if !std::mem::replace(&mut self.listens, true) {
            self.evidence = None;
            actions.extend(self.happened(&Happening::Opened));
        }
        actions.extend(match news {
            News::Opened => self.happened(&Happening::Opened),
            News::Message(message) => self.happened(&Happening::Message(&message)),
        });
        if self.tab.is_none() {
            actions.extend(self.reply_lost());
        }
        actions
    }

    /// The listener tells nothing of the chat in time: the tab stays with its answer.
    fn unheard(&mut self) -> Vec<Action> {
        self.evidence = None;
        self.writer = None;
        if self.tab.is_some() {
            return Vec::new();
        }
        self.subscription = None;
        self.happened(&Happening::PageLost)
    }

    /// Gives the tab back, once the listener tells all that is still to be told.
    fn free_tab(&mut self) {
        let exchange = self.watch.exchange();
        let is_done = self.listens && exchange.chat_code().is_some() && !exchange.awaits_reply();
        if !is_done {
            return;
        }
        if let Some(tab) = self.tab.take() {
            self.put_back(tab);
            self.writer = None;
            self.poe.warm(&self.ask.bot, QUIET);
        }
    }

    /// Gives back a tab that shows the chat, unless it was loaded anew meanwhile, so that its tap
    /// does not know which chat is ours.
    fn put_back(&self, mut tab: Tab) {
        let exchange = self.watch.exchange();
        if self.is_same_document && exchange.is_shown() {
            tab.at =
                exchange.chat_code().map(|code| self.poe.site.chat_url(code)).unwrap_or_default();
            tab.bot = self.ask.is_bot_named.then(|| self.ask.bot.clone());
            self.poe.tabs.put_back_used(tab, exchange.text().len());
        }
    }

    /// A tab that shows the chat: one that is there, else one in which it is loaded.
    async fn tab_at(&self, code: &str) -> Result<Tab> {
        let url = self.poe.site.chat_url(code);
        if let Some(tab) = self.poe.tabs.take_at(&url) {
            return Ok(tab);
        }
        let mut tab = self.poe.tab().await?;
        arrive::arrive(&tab.page, &self.poe.site, &url, self.ask.load()).await?;
        arrive::hear_socket(&mut tab.tap, Reading::Awaited).await;
        tab.at = url;
        Ok(tab)
    }

    fn happened(&mut self, happening: &Happening<'_>) -> Vec<Action> {
        self.watch.take(happening, std::time::Instant::now())
    }

    /// Sees what the page shows of the answer. A page that cannot be looked at shows nothing.
    async fn look(&mut self) -> Result<Vec<Action>> {
        let view = match &self.tab {
            Some(tab) => self.view(tab).await,
            None if self.listens => return Ok(self.look_elsewhere().await),
            None => return Ok(Vec::new()),
        };
        Ok(self.happened(&Happening::Looked(view.as_ref())))
    }

    async fn view(&self, tab: &Tab) -> Option<PageView> {
        let exchange = self.watch.exchange();
        let (question, answer) = (exchange.question(), exchange.answer());
        let view = compose::look(&tab.page, &self.poe.site, question, answer).await;
        view.inspect_err(|error| tracing::debug!(%error, "no look at the page")).ok()
    }

    /// The same where the answer has no tab: the listener has told all, unless it tells nothing for
    /// long.
    async fn look_elsewhere(&mut self) -> Vec<Action> {
        if self.watch.exchange().is_job_over() {
            let actions = self.happened(&Happening::Looked(Some(&PageView::default())));
            if !actions.is_empty() {
                return actions;
            }
        } else if self.heard.elapsed() < self.unseen {
            return Vec::new();
        }
        self.unseen *= 2;
        let Some(code) = self.watch.exchange().chat_code() else { return Vec::new() };
        let _writer = self.poe.tabs.writer().await;
        let view = match self.tab_at(code).await {
            Ok(tab) => {
                let view = self.view(&tab).await;
                self.poe.tabs.put_back(tab);
                view
            }
            Err(error) => {
                tracing::debug!(%error, "no page shows the chat");
                None
            }
        };
        // First what has come meanwhile, so that the page does not show more than that.
        let mut actions = Vec::new();
        while let Some(news) = next_news(self.subscription.as_mut()).now_or_never() {
            actions.extend(self.heard_listener(news));
            if self.subscription.is_none() {
                return actions;
            }
        }
        actions.extend(self.happened(&Happening::Looked(view.as_ref())));
        actions
    }

    /// Loads the chat anew, in a new page where the old one is lost. The prompt is never sent
    /// again.
    async fn read_again(&mut self, code: &str) -> Result<()> {
        let site = &self.poe.site;
        let url = site.chat_url(code);
        let wait = self.ask.load();
        tracing::info!("reading the chat again");
        // From now on the loaded page tells all.
        (self.subscription, self.evidence) = (None, None);
        if std::mem::take(&mut self.listens) {
            self.happened(&Happening::Opened);
        }
        let turn = match self.writer.take() {
            None if self.tab.is_none() => self.poe.tabs.writer().await,
            turn => turn,
        };
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
        drop(turn);
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

    /// Another tab. Where it crashes with the last one, another is tried; a service of browsers that
    /// has just lost one, or is starting anew, is given some time.
    async fn another_tab(&self) -> Result<Tab> {
        let end = Instant::now() + RETURN.min(self.ask.silence);
        let mut failures = 0;
        loop {
            let error = match self.poe.tab().await {
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

    /// Title, suggestions and cost, for as long as the caller wants to wait for them; and for a
    /// moment the reply to the question, where it alone tells the chat's address.
    async fn linger(&mut self, caller: &mut Caller<'_>) {
        let now = Instant::now();
        loop {
            let exchange = self.watch.exchange();
            let is_reply_due = exchange.chat_code().is_none() && exchange.awaits_reply();
            let wait = if is_reply_due { REPLY.max(self.ask.linger) } else { self.ask.linger };
            let Ok(heard) = timeout_at(now + wait, self.next()).await else { return };
            if matches!(heard, Heard::Tab(None) | Heard::Listener(None)) {
                return;
            }
            for action in self.heard(heard) {
                if let Action::Emit(event) = action {
                    caller.pipe.push(event);
                }
            }
        }
    }

    /// Gives the tab back after a complete answer. Else stops what may still run, and closes it.
    pub(crate) async fn leave(mut self, end: Result<Answered>) -> Result<Answered> {
        self.turn = None;
        if let Some(subscription) = self.subscription.as_ref().filter(|_| end.is_ok()) {
            subscription.was_heard(self.listens);
        }
        let error = end.as_ref().err();
        let _stopping = error.and_then(|error| self.ask.leaves(self.poe, error, &self.answered()));
        match (&end, self.tab.take()) {
            (Ok(_), Some(tab)) => self.put_back(tab),
            (Ok(_), None) => {}
            (Err(_), Some(tab)) => drop(self.stop(tab).await),
            (Err(_), None) => self.stop_elsewhere().await,
        }
        end
    }

    /// Stops the answer in another tab than the one that asked, which was given back.
    async fn stop_elsewhere(&mut self) {
        let exchange = self.watch.exchange();
        let Some(code) = exchange.chat_code().filter(|_| self.listens && !exchange.is_over())
        else {
            return;
        };
        match self.tab_at(code).await {
            Ok(tab) => {
                self.subscription = None;
                self.listens = false;
                self.is_same_document = false;
                let tab = self.stop(tab).await;
                self.poe.tabs.put_back(tab);
            }
            Err(error) => {
                tracing::warn!(%error, "stop could not be pressed: the answer may go on at the site");
            }
        }
    }

    /// Stops what may still run on the site.
    async fn stop(&mut self, mut tab: Tab) -> Tab {
        if self.watch.exchange().is_over() || !self.shows_chat {
            return tab;
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
        tab
    }

    /// Presses stop, unless the site tells meanwhile that there is nothing to stop (`None`).
    async fn press_stop(&mut self, tab: &mut Tab, wait: Duration) -> Result<Option<Stopped>> {
        let mut pressed = std::pin::pin!(compose::stop(&tab.page, &self.poe.site, wait));
        let mut is_told = true;
        while !self.watch.exchange().is_over() {
            let heard = tokio::select! {
                stopped = &mut pressed => return stopped.map(Some),
                event = tab.tap.next(), if is_told => Heard::Tab(event),
                news = next_news(self.subscription.as_mut()), if self.subscription.is_some() => {
                    Heard::Listener(news)
                }
            };
            match heard {
                Heard::Tab(None) => is_told = false,
                Heard::Tab(event @ Some(TapEvent::Message(_))) => drop(self.heard_tab(event)),
                Heard::Tab(Some(_)) => {}
                Heard::Listener(None) => self.subscription = None,
                Heard::Listener(news) => drop(self.heard_listener(news)),
            }
        }
        Ok(None)
    }

    /// Adds what was received to an error.
    fn lost(&self, error: Error) -> Error {
        match self.watch.text() {
            "" => error,
            text => error.with_partial(text),
        }
    }
}

/// Whether something is told of the page's question and its chat, and not of what comes on the
/// channel.
fn is_of_the_question(message: &TapMessage) -> bool {
    use TapMessage::{Chat, Opened, Reply, Sent};
    matches!(message, Sent { .. } | Reply(_) | Chat(_) | Opened { .. })
}

/// What the listener tells next; `None` where it tells no more.
async fn next_news(subscription: Option<&mut Subscription>) -> Option<News> {
    subscription?.next().await
}

/// What the tab's tap tells next; `None` where it is gone.
async fn next(tab: Option<&mut Tab>) -> Option<TapEvent> {
    tab?.tap.next().await
}
