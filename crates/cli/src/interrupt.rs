//! Ctrl-C and its kin: the first one ends in order, the second one at once.

use std::process::exit;

use tokio::sync::watch;

/// Whether the user wants the program to end.
#[derive(Clone, Debug)]
pub(crate) struct Interrupt(watch::Receiver<Option<u8>>);

impl Interrupt {
    /// Begins to listen. From now on the first signal ends nothing by itself.
    pub(crate) fn listen() -> Self {
        let (signalled, receiver) = watch::channel(None);
        tokio::spawn(async move {
            let code = signal().await;
            signalled.send_replace(Some(code));
            let code = signal().await;
            // Whoever presses twice will not wait. The browser ends by itself when we are gone.
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
const INTERRUPTED: u8 = 130;

#[cfg(unix)]
async fn signal() -> u8 {
    use tokio::signal::unix::{SignalKind, signal};
    let listen = |kind| signal(kind).ok();
    let (mut terminate, mut hang_up) =
        (listen(SignalKind::terminate()), listen(SignalKind::hangup()));
    let next = async |stream: &mut Option<tokio::signal::unix::Signal>| match stream {
        Some(stream) => stream.recv().await,
        None => std::future::pending().await,
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => INTERRUPTED,
        _ = next(&mut terminate) => 143,
        _ = next(&mut hang_up) => 129,
    }
}

#[cfg(not(unix))]
async fn signal() -> u8 {
    let _ = tokio::signal::ctrl_c().await;
    INTERRUPTED
}
