//! One question and its answer: which of the tap's messages are ours, and what they mean.

use lenore_provider::{Error, ErrorKind, Event};

use super::answer_text::{AnswerText, Missing};
use super::answerer::Answerer;
use super::candidates::Candidates;
use super::facts::WireFacts;
use super::refusal;
use super::tap_message::{ChatInfo, MessageUpdate, Reply, TapMessage};

/// Follows one question from its sending to the end of its answer.
///
/// The question is ours by its nonce: the reply to it and the site's echo of it name the chat.
/// Only messages of that chat that are newer than the question count, and where the site names the
/// job that answers, only that job's.
#[derive(Debug)]
pub struct Exchange {
    facts: WireFacts,
    bot: Answerer,
    question: Question,
    answer: Option<MessageId>,
    candidates: Candidates,
    text: AnswerText,
    extras: Extras,
    is_started: bool,
    end: End,
}

/// What is known of the question.
#[derive(Debug)]
struct Question {
    is_sent: bool,
    nonce: Option<String>,
    chat: Option<String>,
    code: Option<String>,
    id: Option<MessageId>,
    /// The job that answers it.
    job: Option<String>,
    reply: ReplyState,
    /// Whether the chat is a new one.
    is_new: bool,
}

/// What became of the call that carried the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ReplyState {
    Awaited,
    /// It says that the site has the question.
    Taken,
    /// It says, beyond doubt, that the site has not.
    Refused,
    /// It says neither.
    Unclear,
}

/// How the answer has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Open,
    /// Its job has ended, and its own last state is to come.
    Job,
    Complete,
    /// `is_over` is whether nothing of it runs on the site.
    Failed {
        is_over: bool,
    },
}

/// How much of what comes beside the text was handed on.
#[derive(Debug, Default)]
struct Extras {
    suggestions: usize,
    attachments: usize,
    title: Option<String>,
}

/// What one message of the tap means for the exchange.
#[derive(Debug)]
pub enum Step {
    /// The page has sent the question.
    Sent,
    /// The site has the question.
    Confirmed,
    /// The reply to the question says neither yes nor no: unless the site confirms the question
    /// otherwise, this is the error.
    Unconfirmed {
        /// The error.
        error: Error,
        /// Whether the site has turned the request away, though without its own word for it.
        is_denied: bool,
    },
    /// Something for the caller.
    Event(Event),
    /// The site said that the answer is complete.
    Complete,
    /// The site said that the work on the answer has ended, and not yet that it is complete.
    JobEnded,
    /// The site said that no bot answers in this chat by itself.
    Unanswered,
    /// The answer, or the question, failed.
    Failed(Error),
    /// Updates may be missing: the chat must be read again.
    Gap,
    /// The page has read the chat again, up to now.
    Read,
}

/// `messageId`s grow with time. They are numbers; where one is not, its digits still order it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct MessageId(usize, String);

impl MessageId {
    pub(crate) fn new(id: &str) -> Self {
        let digits = id.trim_start_matches('0');
        Self(digits.len(), digits.to_owned())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.1
    }
}

/// Whether a bot's message is the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    Answer,
    /// Not known yet.
    Undecided,
    /// A message of our chat that another job or another bot has written.
    Other,
    No,
}

impl Exchange {
    /// An exchange that begins with the next question that the page sends. `bot` is the handle of
    /// the bot that must answer, where that matters, and `code` that of the chat, where it exists
    /// already.
    pub fn new(facts: WireFacts, bot: Option<&str>, code: Option<&str>) -> Self {
        Self {
            bot: Answerer::new(bot, &facts.bots),
            facts,
            question: Question {
                is_sent: false,
                nonce: None,
                chat: None,
                code: code.map(str::to_owned),
                id: None,
                job: None,
                reply: ReplyState::Awaited,
                is_new: code.is_none(),
            },
            answer: None,
            candidates: Candidates::default(),
            text: AnswerText::default(),
            extras: Extras::default(),
            is_started: false,
            end: End::Open,
        }
    }

    /// The chat's code, once the site has told it.
    pub fn chat_code(&self) -> Option<&str> {
        self.question.code.as_deref()
    }

    /// The chat's number, once it is known.
    pub fn chat(&self) -> Option<&str> {
        self.question.chat.as_deref()
    }

    /// What the page has marked the question with.
    pub fn nonce(&self) -> Option<&str> {
        self.question.nonce.as_deref()
    }

    /// Whether the page has sent the question.
    pub fn is_sent(&self) -> bool {
        self.question.is_sent
    }

    /// Whether the site is known to have the question.
    pub fn is_taken(&self) -> bool {
        self.question.id.is_some() || self.question.chat.is_some()
    }

    /// Whether the site has said, beyond doubt, that it has not taken the question.
    pub fn is_refused(&self) -> bool {
        self.question.reply == ReplyState::Refused
    }

    /// Whether the reply to the question is still to come.
    pub fn awaits_reply(&self) -> bool {
        self.is_sent() && self.question.reply == ReplyState::Awaited
    }

    /// Whether the page that asked shows the chat: it did before, or the reply has led it there.
    pub fn is_shown(&self) -> bool {
        !self.question.is_new || self.question.reply == ReplyState::Taken
    }

    /// Whether nothing of the answer runs on the site: it has refused the question, or told the
    /// end.
    pub fn is_over(&self) -> bool {
        self.is_refused() || matches!(self.end, End::Complete | End::Failed { is_over: true })
    }

    /// Whether the work on the answer has ended, and its last state is to come.
    pub fn is_job_over(&self) -> bool {
        self.end == End::Job
    }

    /// `messageId` of the question, once it is known.
    pub fn question(&self) -> Option<&str> {
        self.question.id.as_ref().map(MessageId::as_str)
    }

    /// `messageId` of the answer, once it is known.
    pub fn answer(&self) -> Option<&str> {
        self.answer.as_ref().map(MessageId::as_str)
    }

    /// Whether a bot's message is there of which it is not known whether it is the answer, and
    /// none that surely is.
    pub fn is_undecided(&self) -> bool {
        self.candidates.iter().any(|update| self.may_be_answer(update))
    }

    /// The text that the events so far add up to.
    pub fn text(&self) -> &str {
        self.text.shown()
    }

    /// A new document has begun, and the tap tells texts from their beginnings again. The same
    /// holds where messages of the tap were lost: no text counts until it is told from its
    /// beginning.
    pub fn reset_document(&mut self) {
        self.text.told_anew();
        self.candidates.clear();
    }

    /// Takes one message of the tap.
    pub fn take(&mut self, message: &TapMessage) -> Vec<Step> {
        let mut steps = Vec::new();
        match message {
            TapMessage::Sent { nonce, bot, handle, nickname } if !self.is_sent() => {
                self.question.is_sent = true;
                self.question.nonce.clone_from(nonce);
                // In a chat that exists the page asks the chat's bot, whoever that is.
                self.bot.set_addressed(bot.as_deref().filter(|_| self.question.is_new));
                self.bot.set_chat_bot(handle.as_deref(), nickname.as_deref());
                steps.push(Step::Sent);
            }
            TapMessage::Reply(reply) => self.take_reply(reply, &mut steps),
            // Before, the page tells of the question that was asked there last.
            TapMessage::Message(_) if !self.is_sent() => {}
            TapMessage::Message(update) if update.human => {
                self.take_question(update, &mut steps);
            }
            TapMessage::Message(update) if !update.pause => self.place(update, &mut steps),
            TapMessage::Gap { why } => {
                tracing::debug!(why, "updates may have been missed");
                steps.push(Step::Gap);
            }
            TapMessage::Read(info) if self.is_about_our_chat(info) => {
                self.learn(info, &mut steps);
                steps.push(Step::Read);
            }
            TapMessage::Chat(info) if self.is_about_our_chat(info) => self.learn(info, &mut steps),
            TapMessage::Opened { code } if self.is_sent() => {
                self.question.code.get_or_insert_with(|| code.clone());
                self.start(false, &mut steps);
            }
            TapMessage::Job { chat, id, state, own, nonce } => {
                let is_ours = *own || self.is_nonce(nonce.as_deref());
                self.take_job(chat.as_deref(), id, state.as_deref(), is_ours, &mut steps);
            }
            TapMessage::Deleted { chat, id }
                if self.is_answer(id)
                    && chat.as_ref().is_none_or(|chat| self.is_our_chat(chat)) =>
            {
                self.deleted(&mut steps);
            }
            TapMessage::Cancelled { chat, id } if self.is_our_chat(chat) => {
                self.cancelled(id.as_deref(), &mut steps);
            }
            TapMessage::Title { chat, title } if self.is_our_chat(chat) => {
                self.titled(title, &mut steps);
            }
            TapMessage::Cost { chat, points } if self.is_our_chat(chat) => {
                steps.push(Step::Event(Event::Cost { points: *points }));
            }
            TapMessage::Trouble { what } => tracing::debug!(what, "the tap failed at something"),
            _ => {}
        }
        steps
    }

    /// Takes the best of the messages of which it is not known whether they are the answer: the one
    /// that names the bot that was asked, else the first.
    pub fn decide(&mut self) -> Vec<Step> {
        let mut steps = Vec::new();
        let asked = |update: &&MessageUpdate| {
            update.handle.as_deref().is_some_and(|handle| self.bot.is_asked(handle))
        };
        let eligible = || self.candidates.iter().filter(|update| self.may_be_answer(update));
        let best = eligible().find(asked).or_else(|| eligible().next());
        if let Some((id, chat)) =
            best.map(|update| (MessageId::new(&update.id), update.chat.clone()))
        {
            tracing::debug!("the site did not say which message is the answer");
            self.answer = Some(id);
            self.question.chat = self.question.chat.take().or(chat);
            self.place_candidates(&mut steps);
        }
        steps
    }

    /// The page shows this message as the newest answer to our question.
    pub fn adopt(&mut self, id: &str) -> Vec<Step> {
        let mut steps = Vec::new();
        let id = MessageId::new(id);
        let is_newer = self.question.id.as_ref().is_none_or(|question| id > *question);
        if self.answer.is_none() && is_newer {
            self.answer = Some(id);
            self.place_candidates(&mut steps);
        }
        steps
    }

    /// The page shows that the answer is complete, and all of it was received.
    pub fn complete(&mut self) -> Vec<Step> {
        let mut steps = Vec::new();
        if matches!(self.end, End::Open | End::Job) {
            self.completed(&mut steps);
        }
        steps
    }

    /// The page shows that the answer is complete, and not all of it was received: nothing of it
    /// runs on.
    pub fn give_up(&mut self) {
        self.end = End::Failed { is_over: true };
    }

    fn is_our_chat(&self, chat: &str) -> bool {
        self.question.chat.as_deref() == Some(chat)
    }

    fn is_answer(&self, id: &str) -> bool {
        self.answer.as_ref().is_some_and(|answer| *answer == MessageId::new(id))
    }

    /// The same where only the address is known yet.
    fn is_about_our_chat(&self, info: &ChatInfo) -> bool {
        match (&self.question.chat, &info.chat) {
            (Some(ours), Some(chat)) => ours == chat,
            _ => self.question.code.is_some() && info.code == self.question.code,
        }
    }

    /// Whether it is our question's. A document that did not ask does not know it, and tells it.
    fn is_nonce(&self, nonce: Option<&str>) -> bool {
        nonce.is_some_and(|nonce| !nonce.is_empty()) && nonce == self.question.nonce.as_deref()
    }

    /// Takes what the site says of our chat.
    fn learn(&mut self, info: &ChatInfo, steps: &mut Vec<Step>) {
        self.question.code = self.question.code.take().or_else(|| info.code.clone());
        self.bot.set_chat_bot(info.handle.as_deref(), info.nickname.as_deref());
        self.start(false, steps);
        self.check_bot(steps);
    }

    fn take_reply(&mut self, reply: &Reply, steps: &mut Vec<Step>) {
        if !self.is_sent() || reply.nonce != self.question.nonce {
            return;
        }
        if let Some(error) = refusal::of_reply(reply, &self.facts) {
            self.question.reply = ReplyState::Unclear;
            if refusal::is_certain(reply) {
                if !self.is_taken() && refusal::is_refusal(reply) {
                    self.question.reply = ReplyState::Refused;
                }
                self.fail(error, self.is_refused(), steps);
            } else if !self.is_taken() {
                let is_denied = refusal::is_denied(reply);
                steps.push(Step::Unconfirmed { error, is_denied });
            }
            return;
        }
        self.question.reply = ReplyState::Taken;
        steps.push(Step::Confirmed);
        self.bot.set_chat_bot(reply.handle.as_deref(), reply.nickname.as_deref());
        let question = &mut self.question;
        question.code = question.code.take().or_else(|| reply.code.clone());
        question.id = question.id.take().or(reply.question.as_deref().map(MessageId::new));
        question.job = question.job.take().or_else(|| reply.job.clone());
        question.chat = question.chat.take().or_else(|| reply.chat.clone());
        self.answer = self.answer.take().or(reply.answer.as_deref().map(MessageId::new));
        self.place_candidates(steps);
        if let Some(title) = &reply.title {
            self.titled(title, steps);
        }
        self.start(false, steps);
        self.check_bot(steps);
        if reply.silent {
            steps.push(Step::Unanswered);
        }
    }

    /// Takes a person's message: it may be the site's echo of our question.
    fn take_question(&mut self, update: &MessageUpdate, steps: &mut Vec<Step>) {
        if !update.own && !self.is_nonce(update.nonce.as_deref()) {
            return;
        }
        // The same, read again, is no news.
        if self.question.id.is_none() {
            steps.push(Step::Confirmed);
            self.question.id = Some(MessageId::new(&update.id));
        }
        // The reply need not have named the chat, where the page knew it before.
        if self.question.chat.is_none() {
            self.question.chat.clone_from(&update.chat);
        }
        self.place_candidates(steps);
    }

    fn take_job(
        &mut self,
        chat: Option<&str>,
        id: &str,
        state: Option<&str>,
        own: bool,
        steps: &mut Vec<Step>,
    ) {
        if own && self.question.job.is_none() {
            self.question.job = Some(id.to_owned());
            self.place_candidates(steps);
        }
        let is_ours = match &self.question.job {
            Some(job) => job == id,
            // A site whose messages name no jobs: the chat has one running answer.
            None => self.answer.is_some() && chat.is_some_and(|chat| self.is_our_chat(chat)),
        };
        if is_ours
            && state.is_some_and(|state| !self.facts.states.is_growing(state))
            && self.end == End::Open
        {
            self.end = End::Job;
            steps.push(Step::JobEnded);
        }
    }

    /// What a bot's message is to our question.
    fn relation(&self, update: &MessageUpdate) -> Relation {
        let (id, question) = (MessageId::new(&update.id), &self.question);
        let is_ours = match (&update.chat, &question.chat) {
            (Some(chat), Some(ours)) if chat != ours => return Relation::No,
            (Some(_), Some(_)) => true,
            _ => false,
        };
        match &self.answer {
            Some(answer) if id != *answer => return Relation::No,
            // Which chat is ours is still to be told.
            Some(_) if update.chat.is_some() && !is_ours => return Relation::Undecided,
            Some(_) => return Relation::Answer,
            None => {}
        }
        if question.id.as_ref().is_some_and(|question| id <= *question) {
            return Relation::No;
        }
        match (&update.job, &question.job) {
            (Some(job), Some(ours)) if job == ours => return Relation::Answer,
            (Some(_), Some(_)) if is_ours => return Relation::Other,
            (Some(_), None) if self.awaits_reply() => return Relation::Undecided,
            _ => {}
        }
        let is_newer = question.id.is_some() || question.is_new;
        if !is_ours || !is_newer {
            return Relation::Undecided;
        }
        match &update.handle {
            Some(handle) if !self.bot.is_asked(handle) => Relation::Other,
            _ => Relation::Answer,
        }
    }

    /// Whether a message of which that is not known can be the answer. Another job's is not, unless
    /// ours has ended without one.
    fn may_be_answer(&self, update: &MessageUpdate) -> bool {
        let is_ours = match &self.question.chat {
            Some(chat) => update.chat.as_ref() == Some(chat),
            None => self.is_answer(&update.id),
        };
        let jobs = update.job.as_ref().zip(self.question.job.as_ref());
        let is_of_job = self.end == End::Job || jobs.is_none_or(|(job, ours)| job == ours);
        let may_be = matches!(self.relation(update), Relation::Undecided | Relation::Other);
        is_ours && is_of_job && may_be
    }

    /// Takes an update of a bot's message, if it is our answer's.
    fn place(&mut self, update: &MessageUpdate, steps: &mut Vec<Step>) {
        match self.relation(update) {
            Relation::Answer => {
                self.answer.get_or_insert_with(|| MessageId::new(&update.id));
                self.update(update, steps);
            }
            Relation::Undecided | Relation::Other => {
                if let Err(Missing) = self.candidates.keep(update) {
                    steps.push(Step::Gap);
                }
            }
            Relation::No => {}
        }
    }

    /// More is known of our question: what arrived before may count now.
    fn place_candidates(&mut self, steps: &mut Vec<Step>) {
        let candidates: Vec<_> = self.candidates.take_all().collect();
        for update in candidates {
            self.place(&update, steps);
        }
    }

    fn update(&mut self, update: &MessageUpdate, steps: &mut Vec<Step>) {
        self.bot.set_author(update.author.as_deref(), update.handle.as_deref());
        self.start(false, steps);
        if self.check_bot(steps) {
            return;
        }
        if update.deleted {
            return self.deleted(steps);
        }
        let state = update.state.as_deref();
        let grows = state.is_none_or(|state| self.facts.states.is_growing(state));
        let has_ended = matches!(self.end, End::Complete | End::Failed { .. });
        // What a new document tells can be older than the end that is known.
        let event = if has_ended && (grows || !self.text.is_changed_by(update)) {
            self.text.follow(update).map(|()| None)
        } else {
            let facts = &self.facts;
            self.text.update(update, grows, |text| grows && facts.is_notice(text))
        };
        match event {
            Ok(event) => steps.extend(event.map(Step::Event)),
            Err(Missing) => return steps.push(Step::Gap),
        }
        self.beside(update, steps);
        match state {
            Some(state) if self.facts.states.is_complete(state) => self.completed(steps),
            Some(state) => {
                let reason = update.reason.as_deref();
                if let Some(error) = refusal::of_state(&self.facts, state, reason) {
                    self.fail(error, true, steps);
                }
            }
            None => {}
        }
    }

    /// What comes beside the text.
    fn beside(&mut self, update: &MessageUpdate, steps: &mut Vec<Step>) {
        let new = update.suggestions.iter().skip(self.extras.suggestions).cloned();
        steps.extend(new.map(Event::Suggestion).map(Step::Event));
        self.extras.suggestions = self.extras.suggestions.max(update.suggestions.len());
        let new = update.attachments.iter().skip(self.extras.attachments).cloned();
        let event =
            |file: super::tap_message::File| Event::Attachment { name: file.name, url: file.url };
        steps.extend(new.map(event).map(Step::Event));
        self.extras.attachments = self.extras.attachments.max(update.attachments.len());
    }

    /// The site said that the answer is complete.
    fn completed(&mut self, steps: &mut Vec<Step>) {
        if !matches!(self.end, End::Open | End::Job) {
            return;
        }
        self.end = End::Complete;
        self.start(true, steps);
        self.bot.note_unknown();
        steps.push(Step::Complete);
    }

    /// Tells the caller where the answer is, once it is known. Whoever may still name the bot as
    /// the site does is waited for, but not for longer than the answer.
    fn start(&mut self, is_last: bool, steps: &mut Vec<Step>) {
        let (Some(chat), Some(answer), Some(bot)) =
            (&self.question.code, &self.answer, self.bot.name())
        else {
            return;
        };
        let is_named =
            self.question.reply == ReplyState::Taken || self.bot.is_named() || self.question.is_new;
        if (is_named || is_last) && !std::mem::replace(&mut self.is_started, true) {
            steps.push(Step::Event(Event::Started {
                chat: chat.clone(),
                message: answer.1.clone(),
                bot: bot.to_owned(),
            }));
        }
    }

    /// Fails where the site says that another bot answers than the one that was asked for.
    fn check_bot(&mut self, steps: &mut Vec<Step>) -> bool {
        let Some(error) = self.bot.other().map(|other| self.bot.wrong(other)) else {
            return false;
        };
        self.fail(error, false, steps);
        true
    }

    fn deleted(&mut self, steps: &mut Vec<Step>) {
        let message = "the answer was deleted on the site; look at the chat there";
        self.fail(Error::new(ErrorKind::AnswerLost, message), true, steps);
    }

    fn cancelled(&mut self, id: Option<&str>, steps: &mut Vec<Step>) {
        let ours = match (id.map(MessageId::new), &self.answer, &self.question.id) {
            (Some(id), Some(answer), _) => id == *answer,
            (Some(id), None, Some(question)) => id > *question,
            (_, _, question) => question.is_some(),
        };
        if ours {
            self.fail(refusal::stopped(), true, steps);
        }
    }

    fn titled(&mut self, title: &str, steps: &mut Vec<Step>) {
        if self.extras.title.as_deref() != Some(title) {
            self.extras.title = Some(title.to_owned());
            steps.push(Step::Event(Event::Title(title.to_owned())));
        }
    }

    /// Ends the exchange by an error, once. `is_over` is whether nothing of the answer runs on.
    fn fail(&mut self, error: Error, is_over: bool, steps: &mut Vec<Step>) {
        match &mut self.end {
            End::Open | End::Job => {
                self.end = End::Failed { is_over };
                steps.push(Step::Failed(self.with_text(error)));
            }
            End::Failed { is_over: known } => *known |= is_over,
            End::Complete => {}
        }
    }

    /// Adds what was received to an error.
    fn with_text(&self, error: Error) -> Error {
        match self.text() {
            "" => error,
            text => error.with_partial(text),
        }
    }
}
