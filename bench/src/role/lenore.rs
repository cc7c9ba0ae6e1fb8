//! Lenore, as a library with a warm browser.

use std::time::Instant;

use futures_util::future::try_join_all;
use lenore::{ChatRequest, Completion, Event, Message, Poe, Provider, Transcript};
use serde_json::{Value, json};

use super::{Command, First, Opening, streams};
use crate::Failure;
use crate::heard::Heard;

/// More chats at once than are measured.
const MANY: usize = 512;

pub(super) struct Lenore {
    poe: Poe,
    held: Vec<Completion>,
}

impl Lenore {
    pub(super) fn open(opening: &Opening) -> Result<Self, Failure> {
        let mut builder = Poe::builder()
            .url(&opening.site)
            .user_data_dir(&opening.profile)
            .max_chats(MANY)
            .max_waiting(0);
        if let Some(binary) = &opening.browser {
            builder = builder.browser_binary(binary);
        }
        for switch in &opening.switches {
            builder = builder.browser_arg(switch);
        }
        Ok(Self { poe: builder.build()?, held: Vec::new() })
    }

    pub(super) async fn close(self) {
        drop(self.held);
        self.poe.close().await;
    }

    pub(super) async fn obey(&mut self, command: Command) -> Result<Value, Failure> {
        match command {
            Command::Ask { prompt, streams: many } => {
                let first = First::default();
                let heard = (0..many).map(|_| self.exchange(&prompt, usize::MAX, &first));
                let heard = try_join_all(heard).await?;
                Ok(streams(&heard.into_iter().map(|(heard, _)| heard).collect::<Vec<_>>()))
            }
            Command::Hold { prompt, streams, pieces } => {
                let first = First::default();
                let held = (0..streams).map(|_| self.exchange(&prompt, pieces, &first));
                let held = try_join_all(held).await?;
                self.held.extend(held.into_iter().map(|(_, completion)| completion));
                Ok(json!({}))
            }
            Command::Release => {
                self.held.clear();
                Ok(json!({}))
            }
            Command::Ready { pages } => {
                self.poe.warm_up("gpt-4", pages).await?;
                Ok(json!({}))
            }
            Command::Open(_) | Command::Close => Ok(json!({})),
        }
    }

    /// Asks, and reads the answer to its end or until so many pieces have come.
    async fn exchange(
        &self,
        prompt: &str,
        enough: usize,
        first: &First,
    ) -> Result<(Heard, Completion), Failure> {
        let begin = Instant::now();
        let request = ChatRequest::new("gpt-4", vec![Message::user(prompt)]);
        let mut completion = self.poe.create_completion(request);
        let (mut heard, mut transcript) = (Heard::default(), Transcript::default());
        let mut last = begin;
        while let Some(event) = completion.next().await {
            let event = event?;
            transcript.apply(&event);
            if let Event::Delta(text) | Event::Replace { text, .. } = event {
                if heard.pieces.is_empty() {
                    heard.first = begin.elapsed();
                    first.came();
                }
                last = Instant::now();
                heard.take(&text);
                if heard.pieces.len() >= enough {
                    break;
                }
            }
        }
        heard.end = last.elapsed();
        heard.text = transcript.into_text();
        Ok((heard, completion))
    }
}
