//! An exchange that is under way, on its way into the log.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use lenore::{ChatRequest, Error, Event, Provider, Role, Transcript, split_temporary};

use super::{COMPLETE, Exchange, Made, Place, Store};
use crate::args::Shared;
use crate::official;

/// Follows an answer, and writes the exchange at its end.
#[derive(Debug)]
pub(crate) struct Recording {
    exchange: Exchange,
    answer: Transcript,
    begun: Instant,
    /// Whether the log is on.
    kept: bool,
    /// Whether the chat is not there any more once the answer has ended.
    temporary: bool,
}

impl Recording {
    /// Begins when the question is put.
    pub(crate) fn new(shared: &Shared, provider: &dyn Provider, request: &ChatRequest) -> Self {
        let mut place = Place::of(shared, provider);
        // A model may be named for the API beside the usual provider.
        if place.provider == "poe" && official::handle(provider, &request.model).is_some() {
            place.provider = "poe-api".into();
            place.site.clear();
        }
        let (system, prompt) = turn(request);
        let model = match (&*request.model, &request.chat) {
            // A chat has its own bot.
            ("", None) => provider.default_model(),
            (model, _) => model,
        };
        let name = |path: &std::path::PathBuf| {
            path.file_name().map(|name| name.to_string_lossy().into_owned())
        };
        let exchange = Exchange {
            time: milliseconds(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()),
            provider: place.provider,
            site: place.site,
            profile: place.profile,
            model: model.to_owned(),
            chat: request.chat.clone(),
            system,
            prompt,
            files: request.attachments.iter().filter_map(name).collect(),
            ..Exchange::default()
        };
        let kept = !shared.no_log && shared.log != Some(false);
        let temporary = request.temporary || split_temporary(&request.model).1;
        Self { exchange, answer: Transcript::default(), begun: Instant::now(), kept, temporary }
    }

    /// Follows an answer that is not kept.
    pub(crate) fn none() -> Self {
        let (exchange, answer) = (Exchange::default(), Transcript::default());
        Self { exchange, answer, begun: Instant::now(), kept: false, temporary: false }
    }

    /// Takes an event of the answer.
    pub(crate) fn event(&mut self, event: &Event) {
        let exchange = &mut self.exchange;
        match event {
            Event::Started { chat, bot, .. } => {
                // Not every provider has chats.
                let stays = !chat.is_empty() && !self.temporary;
                exchange.chat = stays.then(|| chat.clone());
                exchange.bot = Some(bot.clone());
            }
            Event::Delta(_) | Event::Replace { .. } if exchange.first.is_none() => {
                exchange.first = Some(milliseconds(self.begun.elapsed()));
            }
            Event::Attachment { name, url } => {
                exchange.made.push(Made { name: name.clone(), url: url.clone() });
            }
            Event::Title(title) => exchange.title = Some(title.clone()),
            Event::Cost { points } => exchange.points = i64::try_from(*points).ok(),
            _ => {}
        }
        self.answer.apply(event);
    }

    /// The answer so far.
    pub(crate) fn text(&self) -> &str {
        self.answer.text()
    }

    /// Whether nothing has come, no file either.
    pub(crate) fn is_empty(&self) -> bool {
        self.answer.text().trim().is_empty() && self.exchange.made.is_empty()
    }

    /// Writes the exchange. A log that cannot be written is no failure of the answer.
    pub(crate) fn end(self, end: Result<(), &Error>) -> Recorded {
        let text = self.answer.into_text();
        // What was refused before it was sent is no exchange. Not every provider tells of a start.
        let was_sent = self.exchange.bot.is_some() || !text.is_empty() || end.is_ok();
        if self.kept && was_sent {
            let end = end.map_or_else(|error| error.kind().as_str(), |()| COMPLETE);
            let duration = milliseconds(self.begun.elapsed());
            let answer = text.clone();
            let exchange = Exchange { answer, duration, end: end.to_owned(), ..self.exchange };
            match Store::open().and_then(|store| store.record(&exchange)) {
                Ok(number) => return Recorded { text, number: Some(number) },
                Err(error) => tracing::warn!("this exchange is not in the log: {error}"),
            }
        }
        Recorded { text, number: None }
    }
}

/// What came of an answer.
#[derive(Debug)]
pub(crate) struct Recorded {
    pub(crate) text: String,
    /// Its number in the log, where it is there.
    pub(crate) number: Option<i64>,
}

/// The instructions, and the turn that is new.
fn turn(request: &ChatRequest) -> (Option<String>, String) {
    let is_instruction = |role| matches!(role, Role::System | Role::Developer);
    let instructions: Vec<_> = request
        .messages
        .iter()
        .filter(|message| is_instruction(message.role))
        .map(|message| message.content.as_str())
        .collect();
    let prompt = request.messages.last().map(|message| message.content.clone());
    ((!instructions.is_empty()).then(|| instructions.join("\n\n")), prompt.unwrap_or_default())
}

fn milliseconds(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_a_bot_makes_are_kept() {
        let mut recording = Recording::none();
        let (name, url) = ("raven.png".to_owned(), "https://poe.example/raven.png".to_owned());
        recording.event(&Event::Attachment { name: name.clone(), url: url.clone() });
        assert_eq!(recording.exchange.made, [Made { name, url }]);
        let shown = super::super::export::markdown(&recording.exchange);
        assert!(shown.ends_with("- raven.png: <https://poe.example/raven.png>\n"), "{shown}");
    }
}
