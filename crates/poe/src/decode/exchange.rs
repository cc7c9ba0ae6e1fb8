//! One question and its answer: which of the tap's messages are ours, and what they mean.

use std::sync::Arc;

use lenore_provider::{Error, Event};
use regex_lite::Regex;

use super::answer_text::{AnswerText, Missing};
use super::answerer::{Answerer, Whose};
use super::candidates::Candidates;
use super::refusal;
use super::tap_message::{ChatInfo, MessageUpdate, Reply, TapMessage};

/// Follows one question from its sending to the end of its answer.
///
/// The question is ours by its nonce: the reply to it and the site's echo of it name the chat.
/// Only messages of that chat that are newer than the question count.
#[derive(Debug)]
pub struct Exchange {
    placeholders: Arc<[Regex]>,
    answerer: Answerer,
    nonce: Option<String>,
    chat: Option<String>,
    code: Option<String>,
    question: Option<MessageId>,
    answer: Option<MessageId>,
    started: bool,
    is_wrong_bot: bool,
    is_refused: bool,
    /// Whether the end was told, or is complete but for whose answer it is.
    ended: bool,
    is_unidentified: bool,
    is_over: bool,
    text: AnswerText,
    suggested: usize,
    attached: usize,
    title: Option<String>,
    /// Whether the reply has come, and whether it took the question.
    is_replied: bool,
    has_reply: bool,
    /// Whether the chat is a new one.
    is_new: bool,
    candidates: Candidates,
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
    /// The same, but the site has not told whose answer it is. [`Step::Complete`] or
    /// [`Step::Failed`] comes once it does.
    Unidentified,
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
}

impl Exchange {
    /// An exchange that begins with the next question that the page sends. The texts that match
    /// one of `placeholders` are notices while an answer grows. `bot` is the handle of the bot that
    /// must answer, where that matters, and `code` that of the chat, where it exists already.
    pub fn new(placeholders: Arc<[Regex]>, bot: Option<&str>, code: Option<&str>) -> Self {
        Self {
            placeholders,
            answerer: Answerer::new(bot, code.is_none()),
            nonce: None,
            chat: None,
            code: code.map(str::to_owned),
            question: None,
            answer: None,
            started: false,
            is_wrong_bot: false,
            is_refused: false,
            ended: false,
            is_unidentified: false,
            is_over: false,
            text: AnswerText::default(),
            suggested: 0,
            attached: 0,
            title: None,
            is_replied: false,
            has_reply: false,
            is_new: code.is_none(),
            candidates: Candidates::default(),
        }
    }

    /// The chat exists, and the bot that must answer has answered there before. So it is the one
    /// that the page asks.
    pub fn is_of_that_bot(&mut self) {
        self.answerer.is_of_that_bot();
    }

    /// The chat's code, once the site has told it.
    pub fn chat_code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// Whether the page has sent the question.
    pub fn is_sent(&self) -> bool {
        self.nonce.is_some()
    }

    /// Whether the site is known to have the question.
    pub fn is_taken(&self) -> bool {
        self.question.is_some() || self.chat.is_some()
    }

    /// Whether the site has said, beyond doubt, that it has not taken the question.
    pub fn is_refused(&self) -> bool {
        self.is_refused
    }

    /// Whether the reply to the question is still to come.
    pub fn awaits_reply(&self) -> bool {
        self.is_sent() && !self.is_replied
    }

    /// Whether nothing of the answer runs on the site: it has refused the question, or told the
    /// end.
    pub fn is_over(&self) -> bool {
        self.is_over
    }

    /// Whether the answer is complete, and the site has not told whose it is.
    pub fn is_unidentified(&self) -> bool {
        self.is_unidentified
    }

    /// The error of an answer of which it stays unknown whose it is.
    pub fn unidentified(&self) -> Error {
        self.with_text(self.answerer.unidentified())
    }

    /// `messageId` of the answer, once it is known.
    pub fn answer(&self) -> Option<&str> {
        self.answer.as_ref().map(|id| &*id.1)
    }

    /// The text that the events so far add up to.
    pub fn text(&self) -> &str {
        self.text.shown()
    }

    /// A new document has begun, and the tap tells texts from their beginnings again. The same
    /// holds where messages of the tap were lost: no text counts until it is told from its
    /// beginning.
    pub fn document_opened(&mut self) {
        self.text.told_anew();
        self.candidates.clear();
    }

    /// Takes one message of the tap.
    pub fn take(&mut self, message: &TapMessage) -> Vec<Step> {
        let mut steps = Vec::new();
        match message {
            TapMessage::Sent { nonce, bot, handle, nickname } if !self.is_sent() => {
                self.nonce = Some(nonce.clone().unwrap_or_default());
                self.answerer.is_addressed(bot.as_deref());
                self.answerer.is_named(handle.as_deref(), nickname.as_deref());
                steps.push(Step::Sent);
            }
            TapMessage::Reply(reply) => self.reply(reply, &mut steps),
            TapMessage::Message(update) => self.message(update, &mut steps),
            TapMessage::Gap { why } => {
                tracing::debug!(why, "updates may have been missed");
                steps.push(Step::Gap);
            }
            TapMessage::Read(info) if self.is_about_our_chat(info) => {
                self.learn(info, &mut steps);
                self.take_the_pages_word(&mut steps);
                steps.push(Step::Read);
            }
            TapMessage::Chat(info) if self.is_about_our_chat(info) => self.learn(info, &mut steps),
            TapMessage::Opened { code } if self.is_sent() => {
                self.code.get_or_insert_with(|| code.clone());
                self.start(false, &mut steps);
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

    fn is_our_chat(&self, chat: &str) -> bool {
        self.chat.as_deref() == Some(chat)
    }

    /// The same where only the address is known yet.
    fn is_about_our_chat(&self, info: &ChatInfo) -> bool {
        match &self.chat {
            Some(chat) => info.chat == *chat,
            None => self.code.is_some() && info.code == self.code,
        }
    }

    /// Takes what the site says of our chat.
    fn learn(&mut self, info: &ChatInfo, steps: &mut Vec<Step>) {
        self.code = self.code.take().or_else(|| info.code.clone());
        self.answerer.is_named(info.handle.as_deref(), info.nickname.as_deref());
        self.start(false, steps);
        self.check_bot(steps);
    }

    /// A site whose chats name no bots tells no more than this: the page has asked that very bot, by
    /// its handle.
    fn take_the_pages_word(&mut self, steps: &mut Vec<Step>) {
        if self.answerer.is_only_addressed() && std::mem::take(&mut self.is_unidentified) {
            tracing::warn!(
                "the site does not tell which bot has answered; it was asked the right one"
            );
            steps.push(Step::Complete);
        }
    }

    fn reply(&mut self, reply: &Reply, steps: &mut Vec<Step>) {
        let ours = self.nonce.is_some() && reply.nonce.as_deref() == self.nonce.as_deref();
        if !ours {
            return;
        }
        self.is_replied = true;
        if let Some(error) = refusal::of_reply(reply) {
            if refusal::is_certain(reply) {
                self.is_refused = !self.is_taken() && refusal::is_refusal(reply);
                self.is_over |= self.is_refused;
                self.fail(error, steps);
            } else if !self.is_taken() {
                let is_denied = refusal::is_denied(reply);
                steps.push(Step::Unconfirmed { error, is_denied });
            }
            return;
        }
        steps.push(Step::Confirmed);
        self.has_reply = true;
        self.answerer.is_named(reply.handle.as_deref(), reply.nickname.as_deref());
        self.code = self.code.take().or_else(|| reply.code.clone());
        self.question = self.question.take().or(reply.question.as_deref().map(MessageId::new));
        self.answer = self.answer.take().or(reply.answer.as_deref().map(MessageId::new));
        if let Some(chat) = &reply.chat {
            self.settle(chat, steps);
        }
        if let Some(title) = &reply.title {
            self.titled(title, steps);
        }
        self.start(false, steps);
        self.check_bot(steps);
    }

    fn message(&mut self, update: &MessageUpdate, steps: &mut Vec<Step>) {
        match update.author.as_deref() {
            Some("human") => {
                // The reply need not have named the chat, where the page knew it before.
                // A document that was loaded since does not know the nonce, and tells it.
                let nonce = update.nonce.as_deref().filter(|nonce| !nonce.is_empty());
                if update.own || (nonce.is_some() && nonce == self.nonce.as_deref()) {
                    // The same, read again, is no news.
                    if self.question.is_none() {
                        steps.push(Step::Confirmed);
                        self.question = Some(MessageId::new(&update.id));
                    }
                    self.settle(&update.chat, steps);
                }
            }
            Some("chat_break") => {}
            _ if self.chat.is_none() => {
                // While it is not known yet which chat is ours.
                if let Err(Missing) = self.candidates.keep(update) {
                    steps.push(Step::Gap);
                }
            }
            _ => self.update(update, steps),
        }
    }

    /// The chat is known: what arrived before counts now, or never.
    fn settle(&mut self, chat: &str, steps: &mut Vec<Step>) {
        if self.chat.is_some() {
            return;
        }
        self.chat = Some(chat.to_owned());
        for update in self.candidates.take_all() {
            self.update(&update, steps);
        }
    }

    /// Takes an update of a bot's message, if it is our answer's.
    fn update(&mut self, update: &MessageUpdate, steps: &mut Vec<Step>) {
        if !self.is_our_chat(&update.chat) || !self.is_answer(&update.id) {
            return;
        }
        if let Some(author) = &update.author {
            self.answerer.writes(author);
        }
        self.is_over |= update.state.as_deref().is_some_and(refusal::is_end);
        self.start(false, steps);
        self.check_bot(steps);
        if self.is_wrong_bot {
            return;
        }
        let growing = update.state.as_deref().is_none_or(|state| state == "incomplete");
        // What a new document tells can be older than the end that is known.
        let event = if self.ended && (growing || !self.text.is_changed_by(update)) {
            self.text.follow(update).map(|()| None)
        } else {
            let placeholders = &self.placeholders;
            let is_notice = |text: &str| {
                growing && text.len() < 100 && placeholders.iter().any(|known| known.is_match(text))
            };
            self.text.update(update, growing, is_notice)
        };
        match event {
            Ok(event) => steps.extend(event.map(Step::Event)),
            Err(Missing) => return steps.push(Step::Gap),
        }
        let new = update.suggestions.iter().skip(self.suggested).cloned();
        steps.extend(new.map(Event::Suggestion).map(Step::Event));
        self.suggested = self.suggested.max(update.suggestions.len());
        let new = update.attachments.iter().skip(self.attached).cloned();
        steps.extend(
            new.map(|file| Event::Attachment { name: file.name, url: file.url }).map(Step::Event),
        );
        self.attached = self.attached.max(update.attachments.len());
        self.state(update, steps);
    }

    fn state(&mut self, update: &MessageUpdate, steps: &mut Vec<Step>) {
        match update.state.as_deref() {
            None | Some("incomplete") => {}
            Some("complete" | "completed") => {
                if !std::mem::replace(&mut self.ended, true) {
                    self.start(true, steps);
                    self.is_unidentified = self.answerer.whose() == Whose::Unknown;
                    steps.push(match self.is_unidentified {
                        true => Step::Unidentified,
                        false => Step::Complete,
                    });
                }
            }
            Some(state) => self.fail(refusal::of_state(state, update.reason.as_deref()), steps),
        }
    }

    /// Whether a bot's message of our chat is the answer. The site may have named it; else it is
    /// the first that is newer than the question.
    fn is_answer(&mut self, id: &str) -> bool {
        let id = MessageId::new(id);
        match (&self.answer, &self.question) {
            (Some(answer), _) => id == *answer,
            (None, Some(question)) if id > *question => {
                self.answer = Some(id);
                true
            }
            _ => false,
        }
    }

    /// Tells the caller where the answer is, once it is known. Whoever may still name the bot as
    /// the site does is waited for, but not for longer than the answer.
    fn start(&mut self, is_last: bool, steps: &mut Vec<Step>) {
        let (Some(chat), Some(answer), Some(bot)) =
            (&self.code, &self.answer, self.answerer.name())
        else {
            return;
        };
        let is_named = self.has_reply || self.answerer.has_name() || self.is_new;
        if (is_named || is_last) && !std::mem::replace(&mut self.started, true) {
            steps.push(Step::Event(Event::Started {
                chat: chat.clone(),
                message: answer.1.clone(),
                bot: bot.to_owned(),
            }));
        }
    }

    /// The bot that answers must be the one that was asked for.
    fn check_bot(&mut self, steps: &mut Vec<Step>) {
        let error = match self.answerer.whose() {
            Whose::Unknown => return,
            Whose::Ours => {
                if std::mem::take(&mut self.is_unidentified) {
                    steps.push(Step::Complete);
                }
                return;
            }
            Whose::Others(other) => self.answerer.wrong(other),
        };
        self.is_wrong_bot = true;
        // An answer whose end was held back has not ended.
        self.ended &= !std::mem::take(&mut self.is_unidentified);
        self.fail(error, steps);
    }

    fn cancelled(&mut self, id: Option<&str>, steps: &mut Vec<Step>) {
        let ours = match (id.map(MessageId::new), &self.answer, &self.question) {
            (Some(id), Some(answer), _) => id == *answer,
            (Some(id), None, Some(question)) => id > *question,
            (_, _, question) => question.is_some(),
        };
        if ours {
            self.is_over = true;
            self.fail(refusal::of_state("cancelled", None), steps);
        }
    }

    fn titled(&mut self, title: &str, steps: &mut Vec<Step>) {
        if self.title.as_deref() != Some(title) {
            self.title = Some(title.to_owned());
            steps.push(Step::Event(Event::Title(title.to_owned())));
        }
    }

    fn fail(&mut self, error: Error, steps: &mut Vec<Step>) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        steps.push(Step::Failed(self.with_text(error)));
    }

    /// Adds what was received to an error.
    fn with_text(&self, error: Error) -> Error {
        match self.text() {
            "" => error,
            text => error.with_partial(text),
        }
    }
}
