//! The keyboard while an answer comes.

use super::type_ahead::{Ahead, TypeAhead};
#[cfg(unix)]
use crate::output::tty;

/// What a key did.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// It wrote.
    Typed,
    /// It stops the answer.
    Stop,
}

/// Reads what is typed, while the terminal does not show it itself.
pub(super) struct Keys {
    #[cfg(unix)]
    terminal: Option<tokio::net::unix::pipe::Receiver>,
    ahead: TypeAhead,
}

impl Keys {
    /// Where the terminal cannot be watched, what is typed waits for the line editor.
    /// `begun` is what stands in the next line already.
    pub(super) fn listen(begun: String) -> Self {
        #[cfg(unix)]
        tty::tell_of_pastes(true);
        Self {
            #[cfg(unix)]
            terminal: open().ok(),
            ahead: TypeAhead::new(begun),
        }
    }

    /// What was typed for the next lines.
    pub(super) fn finish(mut self) -> Ahead {
        #[cfg(unix)]
        tty::tell_of_pastes(false);
        self.ahead.finish()
    }

    /// What was typed, as it can be shown.
    pub(super) fn shown(&self) -> Option<String> {
        self.ahead.shown()
    }

    /// Waits for a key.
    #[cfg(unix)]
    pub(super) async fn next(&mut self) -> Key {
        use tokio::io::AsyncReadExt;
        let Some(terminal) = &mut self.terminal else { return std::future::pending().await };
        let mut bytes = [0; 256];
        match terminal.read(&mut bytes).await {
            Ok(count) if count > 0 => {
                if self.ahead.take(&bytes[..count]) {
                    Key::Stop
                } else {
                    Key::Typed
                }
            }
            // It is gone, and would be ready for ever.
            _ => {
                self.terminal = None;
                Key::Typed
            }
        }
    }

    #[cfg(not(unix))]
    pub(super) async fn next(&mut self) -> Key {
        std::future::pending().await
    }
}

/// The terminal, opened once more: that reading it does not block is nobody else's matter then.
#[cfg(unix)]
fn open() -> std::io::Result<tokio::net::unix::pipe::Receiver> {
    let terminal = std::fs::File::open("/dev/tty")?;
    rustix::io::ioctl_fionbio(&terminal, true)?;
    tokio::net::unix::pipe::Receiver::from_file_unchecked(terminal)
}
