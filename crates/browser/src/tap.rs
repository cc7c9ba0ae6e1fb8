//! One channel out of a page, in order and without silent loss.
//!
//! A preload script is a function of one argument, `emit`. Whatever it emits arrives here as JSON.
//! Each message is numbered within its document, so that a loss is seen as a hole.

use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::mpsc;

use crate::{Error, ErrorKind, Result};

/// How many messages may wait for their reader. One more is dropped, and seen as a hole.
pub(crate) const TAPPED: usize = 8192;

/// What a tap yields.
#[derive(Debug)]
#[non_exhaustive]
pub enum TapEvent {
    /// A new document has begun; what was known of the last one's messages is void.
    Opened,
    /// What the preload script emitted.
    Message(Box<RawValue>),
    /// Messages are missing here: the page must be read again.
    Lost,
}

/// The receiving end of a page's channel.
#[derive(Debug)]
pub struct Tap {
    incoming: mpsc::Receiver<String>,
    order: Order,
    /// Read but not yet handed out: one envelope can mean two events.
    next: Option<TapEvent>,
}

impl Tap {
    pub(crate) fn new(incoming: mpsc::Receiver<String>) -> Self {
        Self { incoming, order: Order::default(), next: None }
    }

    /// The next event; `None` once the page is closed or has crashed. Cancel-safe.
    pub async fn next(&mut self) -> Option<TapEvent> {
        if let Some(event) = self.next.take() {
            return Some(event);
        }
        loop {
            let envelope = self.incoming.recv().await?;
            match self.order.take(&envelope) {
                (Some(first), second) => {
                    self.next = second;
                    return Some(first);
                }
                (None, Some(event)) => return Some(event),
                (None, None) => {}
            }
        }
    }
}

/// `[document, number, message]`.
#[derive(Deserialize)]
struct Envelope<'a>(&'a str, u64, Box<RawValue>);

/// Checks the numbers.
#[derive(Debug, Default)]
struct Order {
    document: String,
    expected: u64,
}

impl Order {
    fn take(&mut self, envelope: &str) -> (Option<TapEvent>, Option<TapEvent>) {
        let Ok(Envelope(document, number, message)) = serde_json::from_str(envelope) else {
            tracing::debug!("a tap's message is not understood");
            return (None, Some(TapEvent::Lost));
        };
        if number == 0 && document != self.document {
            document.clone_into(&mut self.document);
            self.expected = 1;
            return (Some(TapEvent::Opened), None);
        }
        let hole = document != self.document || number != self.expected;
        document.clone_into(&mut self.document);
        self.expected = number + 1;
        (hole.then_some(TapEvent::Lost), Some(TapEvent::Message(message)))
    }
}

/// The scripts that are installed in each document, before its own.
///
/// The function that leads out of the page exists only in a world of its own, in which no script of
/// a page ever runs. What the site's part of the tap emits, in the page's world, reaches it by
/// events of a target that nobody else has: the two scripts of a top document agree on it before
/// the page's first script, by a name that cannot be guessed. Frames have neither.
#[derive(Debug)]
pub(crate) struct Scripts {
    /// The name of the other world, and of the function that leads out where one needs a name.
    pub(crate) name: String,
    /// For the other world, to be installed first. A function body, with `send` to be put in front.
    pub(crate) relay: String,
    /// For the page's world.
    pub(crate) main: String,
}

impl Scripts {
    /// Of the site's part. `send` is an expression for the engine's function of one string, in the
    /// other world.
    pub(crate) fn new(script: &str, send: impl FnOnce(&str) -> String) -> Result<Self> {
        let [name, meeting] = [random_name()?, random_name()?];
        let send = send(&name);
        let relay = format!("({})(\"{meeting}\", {send})", include_str!("tap/relay.js"));
        let main = format!("({})(\"{meeting}\", {script})", include_str!("tap/main.js"));
        Ok(Self { name, relay, main })
    }
}

/// A name that nobody can guess.
fn random_name() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| {
        Error::new(ErrorKind::Launch, "the system gives no random numbers").with_source(error)
    })?;
    Ok(format!("w{:032x}", u128::from_ne_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(envelopes: &[&str]) -> String {
        let mut order = Order::default();
        let mut out = String::new();
        for envelope in envelopes {
            let (first, second) = order.take(envelope);
            for event in [first, second].into_iter().flatten() {
                match event {
                    TapEvent::Opened => out.push('o'),
                    TapEvent::Lost => out.push('!'),
                    TapEvent::Message(message) => out.push_str(message.get()),
                }
            }
        }
        out
    }

    #[test]
    fn messages_come_in_order_and_a_hole_is_seen() {
        assert_eq!(read(&[r#"["a",0,null]"#, r#"["a",1,10]"#, r#"["a",2,11]"#]), "o1011");
        assert_eq!(read(&[r#"["a",0,null]"#, r#"["a",2,11]"#, r#"["a",3,12]"#]), "o!1112");
    }

    #[test]
    fn a_new_document_counts_anew() {
        let twice = [r#"["a",0,null]"#, r#"["a",1,1]"#, r#"["b",0,null]"#, r#"["b",1,2]"#];
        assert_eq!(read(&twice), "o1o2");
        assert_eq!(read(&[r#"["a",0,null]"#, r#"["b",4,2]"#]), "o!2", "its beginning was lost");
    }

    #[test]
    fn nonsense_is_a_loss() {
        assert_eq!(read(&["", "[]", "7"]), "!!!");
    }
}
