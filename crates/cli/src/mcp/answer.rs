//! An answer on its way to an agent.

use std::time::{Duration, Instant};

use lenore::{Error, ErrorKind, Event, FinishReason};
use rmcp::RoleServer;
use rmcp::model::{CallToolResult, ContentBlock, ProgressNotificationParam, ProgressToken};
use rmcp::schemars::{self, JsonSchema};
use rmcp::service::{Peer, RequestContext};
use serde::Serialize;

/// How often a client is told that an answer grows.
const PAUSE: Duration = Duration::from_millis(500);

/// An answer.
#[derive(Default, Serialize, JsonSchema)]
pub(super) struct Answer {
    /// The whole text
    text: String,
    /// The chat's code, for the tool `continue`
    #[serde(skip_serializing_if = "Option::is_none")]
    chat: Option<String>,
    /// The bot that answered
    #[serde(skip_serializing_if = "Option::is_none")]
    bot: Option<String>,
    /// What it cost, in the account's points
    #[serde(skip_serializing_if = "Option::is_none")]
    points: Option<u64>,
    /// Addresses of files that the bot made
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<String>,
    /// Whether the text stops short because it reached the longest that the bot gives
    is_cut: bool,
}

impl Answer {
    /// Takes what an event tells beside the text.
    pub(super) fn event(&mut self, event: Event) {
        match event {
            Event::Started { chat, bot, .. } => (self.chat, self.bot) = (Some(chat), Some(bot)),
            Event::Attachment { url, .. } => self.files.push(url),
            Event::Cost { points } => self.points = Some(points),
            Event::Finished { reason } => self.is_cut = reason == FinishReason::Length,
            _ => {}
        }
    }

    /// The text for whoever reads only that, with the chat's code, and all of it as data.
    pub(super) fn into_result(mut self, text: String) -> CallToolResult {
        let mut content = vec![ContentBlock::text(text.clone())];
        self.text = text;
        if let Some(chat) = &self.chat {
            content.push(ContentBlock::text(format!("[chat {chat}: go on in it with `continue`]")));
        }
        let mut result = CallToolResult::success(content);
        result.structured_content = serde_json::to_value(&self).ok();
        result
    }
}

/// A failure that the agent can read: what kind it is, what to do, and what came before it.
pub(super) fn failed(error: &Error, text: &str) -> CallToolResult {
    let wait = error.retry_after().map(|wait| format!(" [ask again after {wait:?}]"));
    let message = format!("{}: {error}{}", error.kind(), wait.unwrap_or_default());
    let partial = Some(text).filter(|text| !text.is_empty()).or(error.partial());
    let partial = partial.map(|text| format!("This much of the answer came before:\n\n{text}"));
    let content = [Some(message), partial].into_iter().flatten().map(ContentBlock::text).collect();
    CallToolResult::error(content)
}

/// How the protocol's library begins to say that it does not understand a tool's arguments.
const ARGUMENTS: &str = "failed to deserialize parameters: ";

/// Gives the failure of arguments that a tool does not take its kind, as others have.
pub(super) fn with_kind(result: CallToolResult) -> CallToolResult {
    let text = result.content.first().and_then(|block| block.as_text());
    match text.and_then(|text| text.text.strip_prefix(ARGUMENTS)) {
        Some(why) if result.is_error == Some(true) => {
            let message = format!("these are not the tool's arguments: {why}");
            failed(&Error::new(ErrorKind::InvalidRequest, message), "")
        }
        _ => result,
    }
}

pub(super) fn stopped() -> Error {
    Error::new(ErrorKind::Cancelled, "the client does not want the answer any more")
}

/// Tells a client that wants to know how an answer goes on.
pub(super) struct Progress {
    to: Option<(Peer<RoleServer>, ProgressToken)>,
    told: Option<Instant>,
    /// Rises with each notice.
    notices: u32,
    characters: usize,
}

impl Progress {
    pub(super) fn new(context: &RequestContext<RoleServer>) -> Self {
        let token = context.meta.get_progress_token();
        let to = token.map(|token| (context.peer.clone(), token));
        Self { to, told: None, notices: 0, characters: 0 }
    }

    /// Tells a status at once, and growth now and then.
    pub(super) async fn event(&mut self, event: &Event) {
        let Some((peer, token)) = &self.to else { return };
        let message = match event {
            Event::Status(status) => status.clone(),
            Event::Delta(text) | Event::Replace { text, .. } => {
                self.characters += text.chars().count();
                if self.told.is_some_and(|told| told.elapsed() < PAUSE) {
                    return;
                }
                format!("{} characters", self.characters)
            }
            _ => return,
        };
        self.told = Some(Instant::now());
        self.notices += 1;
        let notice = ProgressNotificationParam::new(token.clone(), self.notices.into());
        // A client that does not hear it hears the answer, or nothing any more.
        let _ = peer.notify_progress(notice.with_message(message)).await;
    }
}
