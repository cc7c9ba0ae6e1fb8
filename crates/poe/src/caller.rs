//! Who waits for an answer, and until when. All waits of a question end with it.

use std::future::pending;
use std::time::Duration;

use lenore_provider::{Error, ErrorKind, Event, Result};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, sleep_until};

use crate::context::Context;
use crate::pipe::EventPipe;

/// Who waits for the answer, and until when.
pub(crate) struct Caller<'a> {
    pub(crate) pipe: &'a mut EventPipe,
    poe: &'a Context,
    deadline: Option<Instant>,
}

impl<'a> Caller<'a> {
    /// One who waits at a pipe, no longer than so.
    pub(crate) fn new(pipe: &'a mut EventPipe, poe: &'a Context, wait: Option<Duration>) -> Self {
        Self { pipe, poe, deadline: wait.map(|wait| Instant::now() + wait) }
    }

    /// Does some work, unless the caller leaves, the provider is closed or the deadline passes
    /// before.
    pub(crate) async fn stays<T>(
        &mut self,
        before: &str,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        tokio::select! {
            done = work => done,
            error = self.leaves(before) => Err(error),
        }
    }

    /// The same, and hands on what is told of the work meanwhile.
    pub(crate) async fn stays_and_hears<T>(
        &mut self,
        before: &str,
        work: impl Future<Output = Result<T>>,
        told: &mut UnboundedReceiver<Event>,
    ) -> Result<T> {
        let mut work = std::pin::pin!(work);
        let done = loop {
            tokio::select! {
                biased;
                Some(event) = told.recv() => self.pipe.push(event),
                done = self.stays(before, work.as_mut()) => break done,
            }
        };
        // What was told last, and done with it.
        while let Ok(event) = told.try_recv() {
            self.pipe.push(event);
        }
        done
    }

    /// Waits until nobody waits for the answer any more, and says why. Events that wait are handed
    /// on meanwhile.
    pub(crate) async fn leaves(&mut self, before: &str) -> Error {
        let cancelled = |message: &'static str| Error::new(ErrorKind::Cancelled, message);
        tokio::select! {
            () = self.pipe.abandoned() => {
                cancelled("the caller left before the answer was complete")
            }
            () = self.poe.closing() => {
                cancelled("the provider was closed before the answer was complete")
            }
            () = at(self.deadline) => Error::new(
                ErrorKind::Timeout,
                format!("the request's deadline passed before {before}; allow more time"),
            ),
        }
    }
}

/// Waits until an instant; for ever where there is none.
async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => pending().await,
    }
}
