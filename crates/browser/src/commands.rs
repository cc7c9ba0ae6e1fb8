//! What the protocols of browsers have in common: numbered commands in JSON, and their answers.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::{Error, ErrorKind, Result, socket};

/// How many commands may wait for the browser to read them.
pub(crate) const OUTGOING: usize = 256;

/// Whether there was no room in a queue. One that nobody reads any more loses nothing.
pub(crate) fn is_full<T>(sent: &Result<(), TrySendError<T>>) -> bool {
    matches!(sent, Err(TrySendError::Full(_)))
}

/// What the browser answers to a command.
pub(crate) type Answer = Result<Box<RawValue>>;

/// The way of commands to the browser.
#[derive(Debug)]
pub(crate) struct Outgoing {
    queue: Mutex<Option<mpsc::Sender<String>>>,
    next_id: AtomicU64,
}

impl Outgoing {
    pub(crate) fn new(queue: mpsc::Sender<String>) -> Self {
        Self { queue: Mutex::new(Some(queue)), next_id: AtomicU64::new(1) }
    }

    /// The number of the next command.
    pub(crate) fn next_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// Sends a command and waits for its answer, which is expected already. Whatever becomes of
    /// it, `forget` is called in the end.
    pub(crate) async fn exchange<T: DeserializeOwned>(
        &self,
        method: &'static str,
        text: String,
        answered: oneshot::Receiver<Answer>,
        wait: Duration,
        forget: impl Fn(),
    ) -> Result<T> {
        let _forget = AtLast(forget);
        let exchange = async {
            let queue = self.queue().ok_or_else(Error::closed)?;
            queue.send(text).await.map_err(|_| Error::closed())?;
            answered.await.unwrap_or_else(|_| Err(Error::closed()))
        };
        let result =
            timeout(wait, exchange).await.unwrap_or_else(|_| Err(Error::timeout(method, wait)))?;
        serde_json::from_str(result.get()).map_err(|error| {
            let message = format!("the browser's answer to {method} is not understood");
            Error::new(ErrorKind::Protocol, message).with_source(error)
        })
    }

    /// Sends a command without waiting for anything. Where it cannot be sent any more, the
    /// connection is gone, which every later call says.
    pub(crate) fn post(&self, text: String) {
        if let Some(queue) = self.queue() {
            socket::post(&queue, text);
        }
    }

    /// Ends it, once what was posted is sent.
    pub(crate) fn close(&self) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    fn queue(&self) -> Option<mpsc::Sender<String>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Does something when it is dropped.
struct AtLast<F: Fn()>(F);

impl<F: Fn()> Drop for AtLast<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// The commands that wait for their answers, each with what it is about.
#[derive(Debug)]
pub(crate) struct Pending<O>(HashMap<u64, (O, oneshot::Sender<Answer>)>);

impl<O> Default for Pending<O> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<O> Pending<O> {
    /// Takes note of a command, whose answer comes out of the receiver.
    pub(crate) fn expect(&mut self, id: u64, about: O) -> oneshot::Receiver<Answer> {
        let (answer, answered) = oneshot::channel();
        self.0.insert(id, (about, answer));
        answered
    }

    /// Takes a command off the list; gives where its answer goes, if anybody waits for it.
    pub(crate) fn take(&mut self, id: u64) -> Option<oneshot::Sender<Answer>> {
        self.0.remove(&id).map(|(_, answer)| answer)
    }

    /// Fails the commands that are about something.
    pub(crate) fn fail(&mut self, is_about: impl Fn(&O) -> bool, error: impl Fn() -> Error) {
        for (_, (_, answer)) in self.0.extract_if(|_, (about, _)| is_about(about)) {
            let _ = answer.send(Err(error()));
        }
    }
}

/// The parameters of an event, if they are understood.
pub(crate) fn parsed<'a, T: Deserialize<'a>>(params: Option<&'a RawValue>) -> Option<T> {
    let parsed = serde_json::from_str(params?.get());
    parsed.map_err(|error| tracing::debug!(%error, "an event is not understood")).ok()
}

/// What stands for an answer, or parameters, that are left out.
pub(crate) fn empty() -> Box<RawValue> {
    RawValue::from_string("{}".to_owned()).expect("an empty object is JSON")
}
