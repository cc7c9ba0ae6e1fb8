//! One question of the chat, and its answer.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use lenore::{ChatRequest, Completion, Error, ErrorKind, Event, Message};
use tokio::time::{Instant, sleep, sleep_until};

use super::extras::{Listening, dim};
use super::keys::{Key, Keys};
use super::type_ahead::Ahead;
use super::{Chat, Next};
use crate::answer::WITHOUT_A_WORD;
use crate::interrupt::INTERRUPTED;
use crate::logs::Recording;
use crate::output::{Output, Progress, next_line, note, report, write};
use crate::prompt::Copies;
use crate::prompt::files::gather;

/// How long suggestions, the title and the cost are listened for after an answer. Nobody waits for
/// them, but where a bot never tells any.
const LINGER: Duration = Duration::from_secs(1);

/// After the first of them an answer that stays silent so long is complete.
const SILENCE: Duration = Duration::from_millis(100);

/// How long the site may take to stop an answer before the next question is put.
const STOPPING: Duration = Duration::from_secs(15);

/// What was asked, so that it can be asked again.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) text: String,
    pub(super) attachments: Vec<PathBuf>,
    /// Where what came from pipes is kept, as long as it can be asked again.
    #[allow(dead_code, reason = "it is only held")]
    pub(super) copies: Arc<Copies>,
}

/// How an answer ended.
enum End {
    /// The site said that it is complete.
    Complete,
    /// It has all come, while more is listened for that belongs to it.
    Settled,
    Stopped,
    Failed(Error),
    /// The program is asked to end.
    Leave(u8),
}

impl Chat {
    /// Asks what was typed, or the suggestion whose number it is.
    pub(super) async fn prompt_for_bot(&mut self, typed: &str) -> Next {
        let text = self.extras.suggestion(typed).unwrap_or_else(|| typed.to_owned());
        let gathered = match gather(&self.files) {
            Ok(gathered) => gathered,
            Err(error) => {
                report(&error.to_string());
                self.begun = match std::mem::take(&mut self.begun) {
                    begun if begun.is_empty() => typed.to_owned(),
                    begun => Ahead { lines: vec![typed.to_owned()], begun }.joined(),
                };
                return Next::GoOn;
            }
        };
        self.files.clear();
        let parts = [text, gathered.text];
        let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        let (attachments, copies) = (gathered.attachments, Arc::new(gathered.copies));
        self.ask(Question { text: parts.join("\n\n"), attachments, copies }).await
    }

    /// Asks, and shows the answer.
    pub(super) async fn ask(&mut self, question: Question) -> Next {
        if let Some(listening) = self.listening.take() {
            listening.end().await;
        }
        next_line();
        self.let_stop().await;
        let request = self.request(&question);
        self.last = Some(question.clone());
        self.extras.begin_answer();
        let provider = self.source.provider().clone();
        let recording = Recording::new(&self.shared, provider.as_ref(), &request);
        let mut answer = Answer {
            output: Output::new(false, false, self.shared.plain),
            completion: provider.create_completion(request),
            recording,
            keys: Keys::listen(std::mem::take(&mut self.begun)),
            settled: None,
        };
        answer.output.sending(&question.attachments);
        let _ = answer.show_what_is_typed();
        let end = answer.follow(self).await;
        let Answer { output, completion, recording, keys, .. } = answer;
        self.take_ahead(keys.finish(), matches!(end, End::Complete | End::Settled));
        self.keep(&question, recording.text(), &end);
        match end {
            End::Complete | End::Settled => {
                output.end();
                if recording.is_empty() {
                    note(WITHOUT_A_WORD);
                }
            }
            End::Stopped | End::Leave(_) => output.stop(),
            End::Failed(ref error) => drop(output.fail(error)),
        }
        match end {
            End::Complete => {
                self.has_extras = self.extras.came();
                drop(recording.end(Ok(())));
            }
            End::Settled => {
                let (extras, printer) = (self.extras.clone(), self.editor.printer().clone());
                self.listening = Some(Listening::start(completion, recording, extras, printer));
            }
            End::Stopped | End::Leave(_) => {
                drop(completion);
                self.stopped = true;
                drop(recording.end(Err(&Error::new(ErrorKind::Cancelled, "stopped"))));
            }
            End::Failed(ref error) => drop(recording.end(Err(error))),
        }
        let news = self.extras.news();
        if !news.is_empty() {
            write(&format!("\n{}", dim(&news)));
        }
        next_line();
        match end {
            End::Leave(code) => Next::Leave(code),
            _ => Next::GoOn,
        }
    }

    /// Takes what was typed meanwhile: each line is asked in its turn. After an answer that was
    /// stopped or failed nothing is asked by itself, and all of it stands in the next line.
    fn take_ahead(&mut self, ahead: Ahead, goes_on: bool) {
        let Ahead { lines, begun } = ahead;
        self.waiting.extend(lines);
        if goes_on {
            self.begun = begun;
            return;
        }
        let lines = std::mem::take(&mut self.waiting).into();
        self.begun = Ahead { lines, begun }.joined();
    }

    /// The new turn; before it what the chat on the site does not know yet.
    fn request(&self, question: &Question) -> ChatRequest {
        let mut messages = Vec::new();
        if self.code.is_none() {
            messages.extend(self.system.as_ref().map(Message::system));
            messages.extend_from_slice(&self.turns[self.turns.len() - self.untold..]);
        }
        messages.push(Message::user(&*question.text));
        ChatRequest {
            attachments: question.attachments.clone(),
            chat: self.code.clone(),
            resume: false,
            linger: if self.has_extras { LINGER } else { Duration::ZERO },
            ..ChatRequest::new(&*self.model, messages)
        }
    }

    /// Keeps the turn, where the site has taken it.
    fn keep(&mut self, question: &Question, answer: &str, end: &End) {
        let was_taken =
            self.code.is_some() && !(answer.is_empty() && matches!(end, End::Failed(_)));
        if was_taken {
            self.turns.push(Message::user(&*question.text));
            self.turns.push(Message::assistant(answer));
            self.untold = 0;
        }
    }

    /// Waits until the site has stopped the answer before: it takes one question at a time.
    async fn let_stop(&mut self) {
        if !std::mem::take(&mut self.stopped) {
            return;
        }
        let provider = self.source.provider();
        let _progress = Progress::start("stopping the answer before");
        let stopped = async {
            while provider.health().running > 0 {
                sleep(Duration::from_millis(20)).await;
            }
        };
        // Where it does not stop, the site says so to the next question.
        let _ = tokio::time::timeout(STOPPING, stopped).await;
    }
}

/// An answer on its way.
struct Answer {
    output: Output,
    completion: Completion,
    recording: Recording,
    keys: Keys,
    /// When it counts as complete unless more text comes.
    settled: Option<Instant>,
}

impl Answer {
    fn show_what_is_typed(&mut self) -> std::io::Result<()> {
        let shown = self.keys.shown().map(|line| format!("› {line}"));
        self.output.footer(shown.as_deref())
    }

    async fn follow(&mut self, chat: &mut Chat) -> End {
        loop {
            let settled = self.settled.unwrap_or_else(Instant::now);
            let event = tokio::select! {
                event = self.completion.next() => event,
                () = sleep_until(settled), if self.settled.is_some() => return End::Settled,
                key = self.keys.next() => match key {
                    Key::Stop => return End::Stopped,
                    Key::Typed => {
                        match self.show_what_is_typed() {
                            Ok(()) => continue,
                            Err(_) => return End::Leave(0),
                        }
                    }
                },
                code = chat.signals.next() => match code {
                    INTERRUPTED => return End::Stopped,
                    code => return End::Leave(code),
                },
                () = self.output.settle() => continue,
            };
            let event = match event {
                Some(Ok(event)) => event,
                Some(Err(error)) => return End::Failed(error),
                None => return End::Complete,
            };
            self.recording.event(&event);
            chat.extras.take(&event);
            match &event {
                Event::Started { chat: code, .. } => chat.code = Some(code.clone()),
                Event::Delta(_) | Event::Replace { .. } => self.settled = None,
                Event::Suggestion(_) | Event::Cost { .. } if !self.recording.text().is_empty() => {
                    self.settled = Some(Instant::now() + SILENCE);
                }
                _ => {}
            }
            // Nobody is left to read it.
            if self.output.event(&event).is_err() {
                return End::Leave(0);
            }
        }
    }
}
