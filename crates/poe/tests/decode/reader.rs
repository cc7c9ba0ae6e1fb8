//! A page, and the way from what its tap emits to the text that a caller gets.

use lenore_poe::Site;
use lenore_poe::decode::{Exchange, Step, TapMessage, WireFacts};
use lenore_provider::{Error, Event, Transcript};
use serde_json::{Value, json};

use crate::page::{Ending, Page};
use crate::wire::{Entry, NONCE, Style, frame};

/// Reads one exchange as the provider does, and checks all the while what always holds.
pub(crate) struct Reader {
    pub(crate) page: Page,
    pub(crate) exchange: Exchange,
    transcript: Transcript,
    pub(crate) events: Vec<Event>,
    pub(crate) completed: usize,
    pub(crate) failed: Vec<Error>,
    /// Whether the last failure is a doubt only.
    doubted: bool,
    pub(crate) gaps: usize,
    pub(crate) reads: usize,
    /// How many bytes the tap has emitted.
    pub(crate) emitted: usize,
    /// What the tap could not make sense of.
    pub(crate) trouble: Vec<String>,
}

/// What the provider knows of the site.
pub(crate) fn facts() -> WireFacts {
    WireFacts::of(&Site::poe())
}

impl Reader {
    pub(crate) fn new() -> Self {
        Self {
            page: Page::new(),
            exchange: Exchange::new(facts(), None, None),
            transcript: Transcript::default(),
            events: Vec::new(),
            completed: 0,
            failed: Vec::new(),
            doubted: false,
            gaps: 0,
            reads: 0,
            emitted: 0,
            trouble: Vec::new(),
        }
    }

    /// The same, for an answer that must be a certain bot's.
    pub(crate) fn of_bot(bot: &str) -> Self {
        Self { exchange: Exchange::new(facts(), Some(bot), None), ..Self::new() }
    }

    /// The page sends the question, in a chat that it knows or in a new one; gives the call.
    pub(crate) fn ask(&mut self, chat: Option<u64>) -> usize {
        self.ask_with(chat, json!(NONCE), false)
    }

    /// The same, with any nonce, with or without a file.
    pub(crate) fn ask_with(&mut self, chat: Option<u64>, nonce: Value, file: bool) -> usize {
        let body = json!({
            "queryName": "SendMessageMutation",
            "variables": { "chatId": chat, "bot": "GPT-4", "query": "?", "clientNonce": nonce },
        });
        let body = body.to_string();
        let call = if file { self.page.upload(&body) } else { self.page.call(&body) };
        self.follow();
        assert!(self.exchange.is_sent());
        call
    }

    /// The page asks for the chat with its messages; gives the call.
    pub(crate) fn ask_for_the_chat(&mut self) -> usize {
        let body = json!({ "queryName": "ChatPageQuery", "variables": { "chatCode": "x" } });
        let call = self.page.call(&body.to_string());
        self.follow();
        call
    }

    pub(crate) fn end_call(&mut self, call: usize, ending: &Ending) {
        self.page.end_call(call, ending);
        self.follow();
    }

    pub(crate) fn frame(&mut self, entries: &[Entry], style: Style) {
        if !entries.is_empty() {
            self.deliver(&frame(entries, style));
        }
    }

    pub(crate) fn deliver(&mut self, frame: &str) {
        self.page.deliver(frame);
        self.follow();
    }

    /// A new document takes the place of the page's.
    pub(crate) fn open_document(&mut self) {
        self.page = Page::new();
        self.exchange.reset_document();
    }

    pub(crate) fn load(&mut self, next_data: &str) {
        self.page.load(next_data);
        self.follow();
    }

    /// Drops the first of what the tap has emitted, as an overflow of its channel does.
    pub(crate) fn lose_and_follow(&mut self) {
        let emitted = self.page.emitted();
        self.exchange.reset_document();
        emitted.iter().skip(1).for_each(|message| self.take(message));
    }

    /// Takes what the tap has emitted.
    pub(crate) fn follow(&mut self) {
        for message in self.page.emitted() {
            self.take(&message);
        }
        assert_eq!(self.page.thrown(), Vec::<String>::new(), "thrown into the page");
    }

    fn take(&mut self, message: &str) {
        self.emitted += message.len();
        match serde_json::from_str(message) {
            Ok(TapMessage::Trouble { what }) => self.trouble.push(what),
            Ok(message) => self.take_message(&message),
            Err(error) => panic!("the tap emits what is not understood: {error}: {message}"),
        }
    }

    pub(crate) fn take_message(&mut self, message: &TapMessage) {
        for step in self.exchange.take(message) {
            match step {
                Step::Event(event) => {
                    self.transcript.apply(&event);
                    self.events.push(event);
                }
                Step::Complete => self.completed += 1,
                Step::Failed(error) => self.failed.push(error),
                // A doubt is a failure unless the site confirms the question after all.
                Step::Unconfirmed { error, .. } => {
                    self.doubted = true;
                    self.failed.push(error);
                }
                Step::Confirmed => {
                    if std::mem::take(&mut self.doubted) {
                        self.failed.pop();
                    }
                }
                Step::Gap => self.gaps += 1,
                Step::Read => self.reads += 1,
                Step::Sent | Step::JobEnded | Step::Unanswered => {}
            }
        }
        assert_eq!(self.exchange.text(), self.transcript.text(), "the fold is the text");
        assert!(self.completed + self.failed.len() <= 1, "an end comes once");
    }

    pub(crate) fn text(&self) -> &str {
        self.transcript.text()
    }

    /// How many events are of a kind.
    pub(crate) fn count(&self, kind: impl Fn(&Event) -> bool) -> usize {
        self.events.iter().filter(|event| kind(event)).count()
    }

    pub(crate) fn suggestions(&self) -> Vec<&str> {
        let suggestions = self.events.iter().filter_map(|event| match event {
            Event::Suggestion(text) => Some(text.as_str()),
            _ => None,
        });
        suggestions.collect()
    }
}
