//! One question, from its place in the queue to the end of its answer.

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::FutureExt;
use lenore_provider::{Earlier, Error, ErrorKind, Event, FinishReason, Hold, Message, Result};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::time::Instant;

use crate::arrive::{self, Arrival, Reading};
use crate::attach::attach;
use crate::caller::Caller;
use crate::compose::{self, Unsent};
use crate::context::Context;
use crate::conversations::{Chat, Continuation, Stopping};
use crate::decode::TapMessage;
use crate::delete;
use crate::error::{challenge, is_loss, no_access};
use crate::follow::{Answered, Following, Source};
use crate::format_prompt;
use crate::pipe::EventPipe;
use crate::sign_in;
use crate::tabs::Tab;
use crate::watch::{Watch, unconfirmed};

/// How long a page may take to load at the least.
const LEAST_LOAD: Duration = Duration::from_secs(5);

/// A checked question.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) bot: String,
    /// Whether the caller named the bot, or takes that of the chat.
    pub(crate) is_bot_named: bool,
    pub(crate) messages: Vec<Message>,
    pub(crate) attachments: Vec<PathBuf>,
    pub(crate) chat: Option<String>,
    /// Whether the conversation may go on in the chat that has its beginning.
    pub(crate) resume: bool,
    /// Whether the chat is deleted in the end.
    pub(crate) temporary: bool,
    /// The chat of an answer that did not end well.
    pub(crate) begun: OnceLock<String>,
    /// Where the caller knows it to be.
    pub(crate) earlier: Option<Earlier>,
    pub(crate) silence: Duration,
    pub(crate) deadline: Option<Duration>,
    pub(crate) linger: Duration,
    /// What the caller keeps with the question's place.
    pub(crate) _hold: Hold,
}

/// Where a question goes, and what is typed there.
#[derive(Debug)]
struct Aim {
    url: String,
    prompt: String,
    /// The code of the chat, where it exists already.
    chat: Option<String>,
    /// The answer that must be the newest message there.
    after: Option<String>,
}

/// An attempt that came to nothing.
struct Failure {
    error: Error,
    /// Whether the site surely does not have the question, so that it may be asked again.
    is_untaken: bool,
    /// Whether that is because the site has refused it.
    is_refused: bool,
    /// Whether the tab was waiting since before the question, so that another may do better.
    was_warm: bool,
}

impl Failure {
    /// One that comes before the question is sent.
    fn before(error: Error, was_warm: bool) -> Self {
        Self { error, is_untaken: true, is_refused: false, was_warm }
    }

    /// Adds how long to wait before asking again, unless the site said so itself.
    fn or_retry_after(mut self, wait: Option<Duration>) -> Self {
        if let (None, Some(wait)) = (self.error.retry_after(), wait.filter(|wait| !wait.is_zero()))
        {
            self.error = self.error.with_retry_after(wait);
        }
        self
    }
}

impl Ask {
    /// Asks, and hands every event of the answer to the pipe.
    pub(crate) async fn run(self, poe: Arc<Context>, mut pipe: EventPipe) {
        let lease = poe.session.lease();
        poe.asked.fetch_add(1, Ordering::Relaxed);
        let mut caller = Caller::new(&mut pipe, &poe, self.deadline);
        let end = self.exchange(&poe, &mut caller).await;
        match &end {
            Ok(_) => poe.warm(&self.bot, Duration::ZERO),
            Err(error) if error.kind() == ErrorKind::Cancelled => tracing::debug!(%error, "left"),
            Err(error) => {
                tracing::warn!(bot = self.bot, kind = %error.kind(), %error, "no answer");
            }
        }
        // Before the end is told: who hears it may leave at once, and all is tidy then.
        drop(lease);
        drop(poe);
        drop(self);
        pipe.finish(end.map(|reason| Event::Finished { reason })).await;
    }

    /// Asks until the site takes the question, which is then never asked again.
    async fn exchange(&self, poe: &Arc<Context>, caller: &mut Caller<'_>) -> Result<FinishReason> {
        let _place = match poe.tabs.free_place() {
            Some(place) => place,
            None => {
                let waiting = poe.tabs.line_up()?;
                caller.pipe.push(Event::Status("waiting for another answer to end".into()));
                caller.stays("it was the question's turn", waiting.place()).await?
            }
        };
        let continuation = self.continuation(poe);
        let mut aim = match &continuation {
            Some(continuation) => {
                let stopped = continuation.known.until_stopped().map(Ok);
                caller.stays("the answer before it was stopped", stopped).await?;
                self.resumed(poe, continuation)
            }
            None => self.whole(poe),
        };
        match self.try_until_taken(poe, caller, &mut aim).await {
            Ok(answered) if self.temporary => {
                self.delete(poe, caller, answered.chat.as_deref()).await;
                Ok(FinishReason::Complete)
            }
            Ok(answered) => {
                self.remember(poe, answered);
                Ok(FinishReason::Complete)
            }
            Err(failure) => {
                if let Some(code) = self.begun.get().filter(|_| self.temporary) {
                    self.delete(poe, caller, Some(code)).await;
                }
                let can_go_on = failure.is_untaken && aim.after.is_some();
                if let Some(continuation) = continuation.filter(|_| can_go_on) {
                    poe.conversations.put_back(continuation);
                }
                Err(failure.error)
            }
        }
    }

    /// Asks again what the site surely has not taken, where another way may do better.
    async fn try_until_taken(
        &self,
        poe: &Arc<Context>,
        caller: &mut Caller<'_>,
        aim: &mut Aim,
    ) -> Result<Answered, Failure> {
        let (mut is_cold, since) = (false, Instant::now());
        loop {
            if let Some(wait) = poe.pace.wait() {
                let seconds = wait.as_secs_f64().ceil();
                let notice = format!("the site asks to slow down; asking in {seconds} s");
                caller.pipe.push(Event::Status(notice));
            }
            let failure = match self.attempt(poe, caller, aim, is_cold).await {
                Err(failure) if failure.is_untaken => failure,
                // Who knows whether the site has it. But the others take their time.
                Err(failure) if failure.error.kind() == ErrorKind::RateLimited => {
                    poe.pace.put_off(&failure.error, since);
                    return Err(failure.or_retry_after(poe.pace.wait()));
                }
                end => return end,
            };
            let error = &failure.error;
            match error.kind() {
                ErrorKind::RateLimited if failure.is_refused => {
                    if !poe.pace.put_off(error, since) {
                        return Err(failure.or_retry_after(poe.pace.wait()));
                    }
                }
                kind if failure.was_warm && is_of_the_page(kind) => {
                    tracing::info!(%error, "the waiting tab will not do; loading the page anew");
                    is_cold = true;
                }
                kind if aim.after.is_some() && is_of_the_chat(kind) => {
                    tracing::info!(%error, "the chat cannot go on; the conversation gets a new one");
                    *aim = self.whole(poe);
                }
                _ => return Err(failure),
            }
        }
    }

    /// The whole conversation as one prompt, in a new chat or the one that is named.
    fn whole(&self, poe: &Context) -> Aim {
        let url = match &self.chat {
            Some(chat) => poe.site.chat_url(chat),
            None => poe.site.bot_url(&self.bot),
        };
        let prompt = format_prompt(&self.messages);
        Aim { url, prompt, chat: self.chat.clone(), after: None }
    }

    fn continuation(&self, poe: &Context) -> Option<Continuation> {
        if !self.may_resume() {
            return None;
        }
        let told = self.earlier.as_ref().filter(|told| told.length < self.messages.len());
        let found = told.and_then(|told| poe.conversations.take_at(&self.bot, told));
        let why = if found.is_some() { "the place of its last answer" } else { "its words" };
        let found = found.or_else(|| poe.conversations.take(&self.bot, &self.messages))?;
        tracing::debug!(chat = found.known.chat.code, why, "the conversation goes on in its chat");
        Some(found)
    }

    /// What is new of a conversation, in the chat that has the rest.
    fn resumed(&self, poe: &Context, Continuation { known, length }: &Continuation) -> Aim {
        let chat = &known.chat;
        Aim {
            url: poe.site.chat_url(&chat.code),
            prompt: format_prompt(&self.messages[*length..]),
            chat: Some(chat.code.clone()),
            after: Some(chat.answer.clone()),
        }
    }

    fn remember(&self, poe: &Context, answered: Answered) {
        let Answered { text, chat: Some(code), answer: Some(answer) } = answered else { return };
        let chat = Chat { code, answer };
        if self.may_resume() {
            poe.conversations.remember(&self.bot, &self.messages, &text, chat);
        } else {
            // Nobody here knows what else the chat holds.
            poe.conversations.remember_end(&self.bot, chat);
        }
    }

    /// Deletes the chat of the question, or says that it could not be deleted.
    async fn delete(&self, poe: &Arc<Context>, caller: &mut Caller<'_>, code: Option<&str>) {
        if let Err(error) = delete::delete(poe, code, self.load()).await {
            let notice = format!("the chat was not deleted ({error}); delete it on the site");
            caller.pipe.push(Event::Status(notice));
        }
    }

    /// Takes note of an answer that ended like this. Where nobody waits for it any more, its chat can
    /// go on once it has been stopped.
    pub(crate) fn leaves(
        &self,
        poe: &Context,
        error: &Error,
        answered: &Answered,
    ) -> Option<Stopping> {
        let Answered { text, chat: Some(code), answer } = answered else { return None };
        // Set once, as a question is taken once.
        let _ = self.begun.set(code.clone());
        let is_left = matches!(error.kind(), ErrorKind::Cancelled | ErrorKind::Timeout);
        let answer = answer.as_ref().filter(|_| is_left && !self.temporary)?;
        let chat = Chat { code: code.clone(), answer: answer.clone() };
        let said = self.may_resume().then_some((&*self.messages, &**text));
        Some(poe.conversations.remember_stopped(&self.bot, said, chat))
    }

    /// Files are no part of what tells conversations apart.
    fn may_resume(&self) -> bool {
        self.resume && self.chat.is_none() && self.attachments.is_empty()
    }

    /// Asks once.
    async fn attempt(
        &self,
        poe: &Arc<Context>,
        caller: &mut Caller<'_>,
        aim: &Aim,
        is_cold: bool,
    ) -> Result<Answered, Failure> {
        let mut was_warm = false;
        let (tell, mut told) = unbounded_channel();
        let prepared = async {
            let turn = poe.pace.turn().await?;
            let writer = poe.tabs.writer().await;
            let (tab, subscription) = tokio::join!(
                self.prepare(poe, aim, is_cold, &mut was_warm, &tell),
                poe.listener.subscribe(poe),
            );
            Ok((turn, Source { tab: tab?, writer, subscription }))
        };
        let prepared =
            caller.stays_and_hears("the prompt could be sent", prepared, &mut told).await;
        let (turn, mut source) = prepared.map_err(|error| Failure::before(error, was_warm))?;
        source.tab.goes_on = aim.chat.is_some();
        let page = &source.tab.page;
        let sending = async { Ok(compose::send(page, &poe.site, &aim.url, &aim.prompt).await) };
        let sent = match caller.stays("send could be pressed", sending).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(Unsent::Surely(error))) => return Err(Failure::before(error, was_warm)),
            Ok(Err(Unsent::Perhaps(error))) => Err(perhaps_sent(error)),
            Err(error) => Err(error),
        };
        let now = std::time::Instant::now();
        let asked = self.is_bot_named.then_some(&*self.bot);
        let watch = Watch::new(poe.facts.clone(), asked, aim.chat.as_deref(), self.silence, now);
        let mut following = Following::new(self, poe, source, watch, turn);
        let end = match sent {
            Ok(()) => following.follow(caller).await,
            Err(error) => Err(error),
        };
        let is_refused = following.is_refused();
        if end.as_ref().is_err_and(|error| error.kind() == ErrorKind::NotSignedIn) {
            poe.session.saw_sign_in(false);
        }
        let failed = |error| Failure { error, is_untaken: is_refused, is_refused, was_warm };
        following.leave(end).await.map_err(failed)
    }

    /// A tab on which the prompt box waits, with the files attached. Nothing is sent yet, so a page
    /// that is lost on the way is replaced, once.
    async fn prepare(
        &self,
        poe: &Arc<Context>,
        aim: &Aim,
        is_cold: bool,
        was_warm: &mut bool,
        tell: &UnboundedSender<Event>,
    ) -> Result<Tab> {
        if !is_cold && let Some((tab, told)) = self.waiting_tab(poe, aim) {
            *was_warm = true;
            if let Some(after) = &aim.after {
                arrive::check_newest(&told, after, false)?;
            }
            match self.with_files(poe, tab, tell).await {
                Err(error) if is_loss(&error) => {}
                other => return other,
            }
        }
        match self.arrive(poe, aim, tell).await {
            Err(error) if is_loss(&error) => {
                tracing::info!(%error, "the page was lost before the prompt was sent; once more");
                self.arrive(poe, aim, tell).await
            }
            other => other,
        }
    }

    /// A tab that waits at the prompt, with what was told there meanwhile. One that has missed
    /// something, or is another document by now, will not do, nor one in a chat whose bot is not
    /// known to be the right one.
    fn waiting_tab(&self, poe: &Context, aim: &Aim) -> Option<(Tab, Vec<TapMessage>)> {
        let mut tab = poe.tabs.take_at(&aim.url)?;
        let minds = self.is_bot_named && aim.chat.is_some();
        if minds && tab.bot.as_deref() != Some(&*self.bot) {
            return None;
        }
        let told: Option<Vec<_>> = tab.told()?.into_iter().map(arrive::understood).collect();
        let told = told?;
        let has_gap = told.iter().any(|message| matches!(message, TapMessage::Gap { .. }));
        (!has_gap).then_some((tab, told))
    }

    async fn with_files(
        &self,
        poe: &Context,
        mut tab: Tab,
        tell: &UnboundedSender<Event>,
    ) -> Result<Tab> {
        attach(&tab.page, &mut tab.tap, &poe.site, &poe.facts, &self.attachments, tell).await?;
        Ok(tab)
    }

    async fn arrive(&self, poe: &Context, aim: &Aim, tell: &UnboundedSender<Event>) -> Result<Tab> {
        let mut tab = poe.tab().await?;
        match poe.arrive_within(&tab.page, &aim.url, self.load()).await? {
            Arrival::PromptBox => {}
            Arrival::UnknownBot => return Err(self.unknown(aim)),
            Arrival::Challenge => return Err(challenge()),
            Arrival::NoAccess => return Err(no_access()),
            Arrival::Nothing if sign_in::is_signed_in(poe).await? => {
                return Err(arrive::nothing_known(&tab.page).await);
            }
            Arrival::SignedOut | Arrival::Nothing => {
                drop(tab);
                tab = poe.tabs.tab(sign_in::by_hand(poe, &aim.url).await?);
            }
        }
        let chat = match (&aim.after, &aim.chat) {
            (Some(_), _) => Reading::Awaited,
            (None, Some(_)) if self.is_bot_named => Reading::Welcome,
            _ => Reading::Unneeded,
        };
        let told = arrive::hear_socket(&mut tab.tap, chat).await;
        match (&aim.after, &aim.chat) {
            (Some(after), _) => arrive::check_newest(&told, after, true)?,
            (None, Some(chat)) if self.is_bot_named => arrive::check_bot(&told, chat, &self.bot)?,
            _ => {}
        }
        self.with_files(poe, tab, tell).await
    }

    /// How long a page may take to load: no longer than silence is borne.
    pub(crate) fn load(&self) -> Duration {
        self.silence.clamp(LEAST_LOAD, arrive::LOAD)
    }

    fn unknown(&self, aim: &Aim) -> Error {
        if aim.chat.is_some() {
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

/// The error of a question that the page may have sent before it failed.
fn perhaps_sent(error: Error) -> Error {
    let doubt = match error.kind() {
        _ if is_loss(&error) => unconfirmed(),
        ErrorKind::Timeout => Error::new(
            ErrorKind::AnswerLost,
            "the page took too long over the prompt, and may have sent it in the end; look at the \
             chat on the site before asking again",
        ),
        _ => return error,
    };
    doubt.with_source(error)
}

/// Whether an error may come of a page that was loaded too long ago.
fn is_of_the_page(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::SiteChanged | ErrorKind::UnsupportedModel | ErrorKind::NotSignedIn)
}

/// Whether an error may come of the chat that a conversation would go on in.
fn is_of_the_chat(kind: ErrorKind) -> bool {
    is_of_the_page(kind)
        || matches!(kind, ErrorKind::InvalidRequest | ErrorKind::Bot | ErrorKind::NoAccess)
}
