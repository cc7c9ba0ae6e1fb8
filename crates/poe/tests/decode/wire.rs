//! What the site sends, as text: JSON in JSON, which may cut a text within a character.

use std::fmt;

use serde_json::{Value, json};

/// A text as JavaScript has it; it need not be well-formed.
pub(crate) type Units = Vec<u16>;

pub(crate) const CHAT: u64 = 4711;
pub(crate) const CODE: &str = "3abcodexyz";
pub(crate) const NONCE: &str = "nonce-of-ours";
pub(crate) const BOT: &str = "chinchilla";
/// The answer's id has more digits: ids are numbers, not words.
pub(crate) const QUESTION: u64 = 994;
pub(crate) const ANSWER: u64 = 1000;
/// A character that stands in every text that is not of our answer, and never in our answer's.
pub(crate) const FOREIGN: char = 'ζ';

/// Stands in a [`Value`] for a text that a [`Value`] cannot hold.
pub(crate) const TEXT: &str = "<text>";

/// Which characters are escaped, beyond those that must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    Ascii,
}

pub(crate) fn units(text: &str) -> Units {
    text.encode_utf16().collect()
}

/// One entry of a frame.
#[derive(Clone)]
pub(crate) enum Entry {
    /// A string, as the site sends them; JSON in most cases.
    Text(Units),
    /// Anything else.
    Odd(Value),
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(&String::from_utf16_lossy(text)),
            Self::Odd(value) => write!(f, "{value}"),
        }
    }
}

impl Entry {
    pub(crate) fn of(value: &Value) -> Self {
        Self::Text(units(&value.to_string()))
    }
}

/// The data of a subscription, as an entry. `text` takes the place of [`TEXT`].
pub(crate) fn update(
    subscription: &str,
    chat: u64,
    data: Value,
    text: &[u16],
    style: Style,
) -> Entry {
    let unique = format!("{subscription}:{chat}");
    let entry = json!({
        "message_type": "subscriptionUpdate",
        "payload": {
            "subscription_name": subscription,
            "unique_id": unique,
            "data": { subscription: data },
        },
    });
    Entry::Text(write(&entry, &[text], style))
}

/// A text frame of the channel.
pub(crate) fn frame(entries: &[Entry], style: Style) -> String {
    let mut frame = units(r#"{"messages":["#);
    for (at, entry) in entries.iter().enumerate() {
        if at > 0 {
            frame.push(u16::from(b','));
        }
        match entry {
            Entry::Text(text) => frame.extend(quote(text, style)),
            Entry::Odd(value) => frame.extend(units(&value.to_string())),
        }
    }
    frame.extend(units(r#"],"min_seq":77}"#));
    match String::from_utf16(&frame) {
        Ok(frame) => frame,
        // What is not well-formed can only be sent in escapes.
        Err(_) => self::frame(entries, Style::Ascii),
    }
}

/// A value as JSON, each text in the place of one [`TEXT`], in their order.
pub(crate) fn write(value: &Value, texts: &[&[u16]], style: Style) -> Units {
    let json = value.to_string();
    let place = format!("\"{TEXT}\"");
    let mut parts = json.split(&place);
    let mut written = units(parts.next().expect("the first part is always there"));
    for (part, text) in parts.zip(texts) {
        written.extend(quote(text, style));
        written.extend(units(part));
    }
    written
}

/// A value as the JSON of a whole body.
pub(crate) fn body(value: &Value, texts: &[&[u16]]) -> String {
    String::from_utf16(&write(value, texts, Style::Ascii)).expect("escapes are well-formed")
}

fn quote(text: &[u16], style: Style) -> Units {
    let mut quoted = units("\"");
    for &unit in text {
        let escape = match unit {
            0x22 | 0x5c => format!("\\{}", char::from(unit as u8)),
            0..0x20 => format!("\\u{unit:04x}"),
            0x80.. if style == Style::Ascii => format!("\\u{unit:04x}"),
            _ => {
                quoted.push(unit);
                continue;
            }
        };
        quoted.extend(units(&escape));
    }
    quoted.push(u16::from(b'"'));
    quoted
}

/// The question as the site repeats it.
pub(crate) fn question() -> Value {
    json!({
        "messageId": QUESTION, "author": "human", "state": "complete",
        "text": format!("the question {FOREIGN}"), "clientNonce": NONCE,
    })
}

/// The reply to an accepted question.
pub(crate) fn accepted(chat: Value, answer: Option<u64>) -> Value {
    let bot_message = answer.map(|id| json!({ "node": { "messageId": id, "author": BOT } }));
    json!({ "data": { "messageEdgeCreate": {
        "status": "success", "statusMessage": null, "chat": chat,
        "message": { "node": question() }, "botMessage": bot_message,
    } } })
}

/// The chat, as replies have it.
pub(crate) fn chat() -> Value {
    json!({ "chatId": CHAT, "chatCode": CODE, "title": null })
}

/// A chat with its messages.
pub(crate) fn chat_page(chat: u64, nodes: &[Value]) -> Value {
    let edges: Vec<_> = nodes.iter().map(|node| json!({ "node": node })).collect();
    json!({ "chatId": chat, "chatCode": CODE, "messagesConnection": { "edges": edges } })
}
