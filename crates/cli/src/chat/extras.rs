//! What comes beside an answer, and after it: suggested replies, the title, the cost.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lenore::{Completion, Event};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::editor::Printer;
use crate::logs::Recording;
use crate::output::{hanging, one_line};

/// What is known beside the answer's text. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Extras(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    suggestions: Vec<String>,
    /// How many of them the user has seen.
    shown: usize,
    title: Option<String>,
    points: Option<u64>,
    is_cost_shown: bool,
}

impl Extras {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets what belongs to the answer before.
    pub(super) fn begin_answer(&self) {
        let title = self.known().title.take();
        *self.known() = Known { title, ..Known::default() };
    }

    pub(super) fn begin_chat(&self, title: Option<String>) {
        *self.known() = Known { title, ..Known::default() };
    }

    pub(super) fn take(&self, event: &Event) {
        let mut known = self.known();
        match event {
            Event::Suggestion(text) => known.suggestions.push(one_line(text)),
            Event::Title(title) => known.title = Some(one_line(title)),
            Event::Cost { points } => known.points = Some(*points),
            _ => {}
        }
    }

    pub(super) fn title(&self) -> Option<String> {
        self.known().title.clone()
    }

    /// Whether anything came after the answer.
    pub(super) fn came(&self) -> bool {
        let known = self.known();
        known.points.is_some() || !known.suggestions.is_empty()
    }

    /// The suggestion with a number that the user has seen.
    pub(super) fn suggestion(&self, number: &str) -> Option<String> {
        let number: usize = number.parse().ok()?;
        let known = self.known();
        known.suggestions[..known.shown].get(number.checked_sub(1)?).cloned()
    }

    /// Lines that tell what the user has not seen; nothing where there is nothing new.
    pub(super) fn news(&self) -> String {
        let mut known = self.known();
        let mut text = String::new();
        if let Some(points) = known.points.filter(|_| !known.is_cost_shown) {
            known.is_cost_shown = true;
            text.push_str(&format!("  {points} points\n"));
        }
        for (at, suggestion) in known.suggestions.iter().enumerate().skip(known.shown) {
            text.push_str(&hanging(&format!("  {} ", at + 1), suggestion));
            text.push('\n');
        }
        known.shown = known.suggestions.len();
        text
    }
}

/// Listens on after an answer, while the next line is typed.
pub(super) struct Listening {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Listening {
    pub(super) fn start(
        completion: Completion,
        recording: Recording,
        extras: Extras,
        printer: Printer,
    ) -> Self {
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(listen(completion, recording, extras, printer, stopped));
        Self { stop, task }
    }

    /// Ends it, and waits until the exchange is in the log.
    pub(super) async fn end(self) {
        drop(self.stop);
        // A task that has panicked has said so.
        let _ = self.task.await;
    }
}

async fn listen(
    mut completion: Completion,
    mut recording: Recording,
    extras: Extras,
    printer: Printer,
    mut stopped: oneshot::Receiver<()>,
) {
    let before = recording.text().len();
    let mut failure = None;
    loop {
        let event = tokio::select! {
            event = completion.next() => event,
            _ = &mut stopped => break,
        };
        match event {
            Some(Ok(event)) => {
                recording.event(&event);
                extras.take(&event);
                let news = extras.news();
                if !news.is_empty() {
                    printer.print(dim(&news));
                }
            }
            Some(Err(error)) => failure = Some(error),
            None => break,
        }
    }
    let text = recording.end(failure.as_ref().map_or(Ok(()), Err)).text;
    // It had seemed to be complete, and was not.
    if text.len() != before {
        let text = crate::output::printable(&text).into_owned();
        printer.print(format!("{}\n{text}\n", dim("the answer went on; this is all of it")));
    }
}

/// Text that is not the answer's.
pub(super) fn dim(text: &str) -> String {
    text.lines().map(|line| format!("{}\n", console::style(line).dim())).collect()
}
