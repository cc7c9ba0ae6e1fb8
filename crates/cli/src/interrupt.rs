//! Ctrl-C and its kin: the first one ends in order, the second one at once.

use std::process::exit;
#[cfg(unix)]
use std::task::Poll;

use tokio::sync::watch;

use crate::output::tty;

/// Whether the user wants the program to end.
#[derive(Clone, Debug)]
pub(crate) struct Interrupt(watch::Receiver<Option<u8>>);

impl Interrupt {
    /// Begins to listen. From now on the first signal ends nothing by itself.
    pub(crate) fn listen() -> Self {
        let (signalled, receiver) = watch::channel(None);
        // Before anything else is done: a signal that comes in between must not be lost.
        let mut signals = Signals::listen();
        tokio::spawn(async move {
            let code = signals.next().await;
            signalled.send_replace(Some(code));
            let code = signals.next().await;
            // Whoever presses twice will not wait. The browser ends by itself when we are gone.
            tty::recover();
            lenore::abandon_profiles();
            exit(code.into());
        });
        Self(receiver)
    }

    /// Waits for the first signal and returns the exit code that stands for it.
    pub(crate) async fn wait(&mut self) -> u8 {
        match self.0.wait_for(Option::is_some).await {
            Ok(code) => code.unwrap_or(INTERRUPTED),
            Err(_) => std::future::pending().await,
        }
    }
}

/// 128 and the number of SIGINT, by the shells' convention.
pub(crate) const INTERRUPTED: u8 = 130;

/// The signals that ask a program to end, with the exit codes that stand for them.
#[cfg(unix)]
pub(crate) struct Signals(Vec<(tokio::signal::unix::Signal, u8)>);

#[cfg(unix)]
impl Signals {
    pub(crate) fn listen() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let kinds = [
            (SignalKind::interrupt(), INTERRUPTED),
            (SignalKind::terminate(), 143),
            (SignalKind::hangup(), 129),
            (SignalKind::quit(), 131),
        ];
        let listen = |(kind, code)| signal(kind).ok().map(|signals| (signals, code));
        Self(kinds.into_iter().filter_map(listen).collect())
    }

    pub(crate) async fn next(&mut self) -> u8 {
        std::future::poll_fn(|cx| {
            let came = self
                .0
                .iter_mut()
                .find_map(|(signals, code)| signals.poll_recv(cx).is_ready().then_some(*code));
            came.map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}

#[cfg(not(unix))]
pub(crate) struct Signals;

#[cfg(not(unix))]
impl Signals {
    pub(crate) fn listen() -> Self {
        Self
    }

    pub(crate) async fn next(&mut self) -> u8 {
        let _ = tokio::signal::ctrl_c().await;
        INTERRUPTED
    }
}
