//! One answer, from the question to its last line: printed, logged, written, copied.

use std::io;
use std::process::ExitCode;

use lenore::{ChatRequest, Completion, Error, ErrorKind, Event, Result};

use crate::copy::to_clipboard;
use crate::interrupt::Interrupt;
use crate::logs::{Recorded, Recording};
use crate::output::{Output, note, print_foreign, report};
use crate::provider::Source;
use crate::whole_file::Pending;

/// What is said of an answer that is complete, and empty.
pub(crate) const WITHOUT_A_WORD: &str = "the bot has ended its answer without a word";

/// An answer that is to come, and what becomes of it.
pub(crate) struct Answer {
    pub(crate) output: Output,
    /// Whether the text goes to the output; else only what comes beside it.
    pub(crate) is_text_shown: bool,
    pub(crate) recording: Recording,
    pub(crate) delivery: Delivery,
}

/// Where the whole text goes at the end.
#[derive(Debug, Default)]
pub(crate) struct Delivery {
    pub(crate) file: Option<Pending>,
    pub(crate) copy: bool,
}

impl Answer {
    /// Asks, prints, and leaves nothing behind.
    pub(crate) async fn of(
        mut self,
        source: Source,
        request: ChatRequest,
        interrupt: &mut Interrupt,
    ) -> ExitCode {
        self.output.sending(&request.attachments);
        let completion = source.provider().create_completion(request);
        let code = self.print(completion, interrupt).await;
        source.close().await;
        code
    }

    async fn print(mut self, mut completion: Completion, interrupt: &mut Interrupt) -> ExitCode {
        loop {
            let event = tokio::select! {
                event = completion.next() => event,
                () = self.output.settle() => continue,
                code = interrupt.wait() => {
                    self.fail(&stopped());
                    return ExitCode::from(code);
                }
            };
            let printed = match event {
                Some(Ok(event)) => self.event(&event),
                Some(Err(error)) => return self.fail(&error),
                None => return self.end(),
            };
            if let Err(error) = printed {
                let recorded = self.recording.end(Err(&stopped()));
                // Whoever reads our output has seen enough; that is no failure.
                if error.kind() == io::ErrorKind::BrokenPipe {
                    return ExitCode::SUCCESS;
                }
                report(&format!("the answer cannot be printed: {error}"));
                if let Some(number) = recorded.number {
                    note(&format!("what has come is in the log: `lenore logs show {number}`"));
                }
                return ExitCode::FAILURE;
            }
        }
    }

    fn event(&mut self, event: &Event) -> io::Result<()> {
        self.recording.event(event);
        if self.is_text_shown || !matches!(event, Event::Delta(_) | Event::Replace { .. }) {
            return self.output.event(event);
        }
        Ok(())
    }

    fn fail(self, error: &Error) -> ExitCode {
        let code = self.output.fail(error);
        self.recording.end(Err(error));
        code
    }

    /// The end of an answer that is complete.
    fn end(self) -> ExitCode {
        let code = if self.is_text_shown {
            self.output.end()
        } else {
            drop(self.output);
            ExitCode::SUCCESS
        };
        if self.recording.is_empty() {
            note(WITHOUT_A_WORD);
        }
        let Recorded { text, number } = self.recording.end(Ok(()));
        let Err(error) = self.delivery.deliver(&text) else { return code };
        report(&error.to_string());
        match number {
            Some(number) => note(&format!("the answer is in the log: `lenore logs show {number}`")),
            None if self.is_text_shown => {}
            None => {
                note("the answer is not in the log; it follows on stdout");
                print_foreign(&text);
            }
        }
        ExitCode::FAILURE
    }
}

impl Delivery {
    fn deliver(self, text: &str) -> Result<()> {
        let written = self.file.map_or(Ok(()), |file| file.write(text));
        if self.copy {
            note(&to_clipboard(text)?);
        }
        written
    }
}

fn stopped() -> Error {
    Error::new(ErrorKind::Cancelled, "stopped")
}
