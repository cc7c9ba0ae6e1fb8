//! A question as the body of a request.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lenore_provider::{ChatRequest, Error, ErrorKind, Message, Result, Role};
use serde_json::{Value, json};

use crate::PoeApi;

/// How much may be attached to a question, in bytes.
const ATTACHED: u64 = 50 << 20;

/// What keeps a question from being asked here at all.
pub(crate) fn check(request: &ChatRequest) -> Result<()> {
    let invalid = |why| Err(Error::new(ErrorKind::InvalidRequest, why));
    match request.messages.last() {
        None => invalid("there is no message to answer; add one"),
        Some(last) if last.content.trim().is_empty() && request.attachments.is_empty() => {
            invalid("the last message is empty; write what to answer")
        }
        Some(_) if request.chat.is_some() => {
            invalid("the API keeps no chats; send the messages before, or ask through the browser")
        }
        Some(_) => Ok(()),
    }
}

/// The body, with the files read.
pub(crate) async fn of(request: ChatRequest) -> Result<String> {
    let ChatRequest { model, messages, attachments, .. } = request;
    let mut messages: Vec<_> = messages.iter().map(message).collect();
    if let (Some(last), false) = (messages.last_mut(), attachments.is_empty()) {
        // A disk may be slow, and the runtime is not to wait for it.
        let parts = tokio::task::spawn_blocking(move || parts(&attachments)).await;
        let parts = parts.map_err(|_| Error::new(ErrorKind::Cancelled, "the program ends"))??;
        let text = match last["content"].take() {
            Value::String(text) if text.is_empty() => None,
            text => Some(json!({ "type": "text", "text": text })),
        };
        last["content"] = text.into_iter().chain(parts).collect();
    }
    let body = json!({ "model": PoeApi::handle(&model), "messages": messages, "stream": true });
    Ok(body.to_string())
}

fn message(message: &Message) -> Value {
    match message.role {
        // The API wants the id of a call that it has made itself; ours are made in words.
        Role::Tool => json!({ "role": "user", "content": format!("Tool: {}", message.content) }),
        role => json!({ "role": role.as_str(), "content": message.content }),
    }
}

/// The files as parts of a message.
fn parts(paths: &[PathBuf]) -> Result<Vec<Value>> {
    let mut room = ATTACHED;
    paths.iter().map(|path| part(path, &mut room)).collect()
}

fn part(path: &Path, room: &mut u64) -> Result<Value> {
    let refused = |why: &dyn std::fmt::Display| {
        let message = format!("the file {} cannot be sent: {why}", path.display());
        Error::new(ErrorKind::Attachment, message)
    };
    let found = std::fs::metadata(path).map_err(|error| refused(&error))?;
    if !found.is_file() {
        return Err(refused(&"it is no file"));
    }
    *room = room
        .checked_sub(found.len())
        .ok_or_else(|| refused(&format!("all files together may have {} MB", ATTACHED >> 20)))?;
    let bytes = std::fs::read(path).map_err(|error| refused(&error))?;
    let mime = mime_guess::from_path(path).first_or_octet_stream();
    let url = format!("data:{mime};base64,{}", STANDARD.encode(bytes));
    Ok(if mime.type_() == "image" {
        json!({ "type": "image_url", "image_url": { "url": url } })
    } else {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        json!({ "type": "file", "file": { "filename": name, "file_data": url } })
    })
}
