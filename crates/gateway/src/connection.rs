//! A client's connection: one that takes nothing for long is given up, and one that leaves is
//! noticed, whatever it sent before.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::FutureExt;
use hyper::rt::{Read, ReadBufCursor, Write};
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

/// How often to look whether a client has left whose last bytes nobody reads.
const LOOK: Duration = Duration::from_millis(250);

/// How long, and for how many bytes, a client that still sends is listened to after the answer.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: usize = 64 * 1024 * 1024;

/// A connection.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: Arc<TcpStream>,
    /// How long a write may wait.
    patience: Duration,
    /// When one that waits is given up.
    stall: Pin<Box<Sleep>>,
    is_stalled: bool,
}

impl Connection {
    pub(crate) fn new(stream: Arc<TcpStream>, patience: Duration) -> Self {
        let stall = Box::pin(tokio::time::sleep(patience));
        Self { stream, patience, stall, is_stalled: false }
    }

    /// Waits until the client has left. The server reads nothing while it answers, so it sees the
    /// end only where nothing else was sent before it.
    pub(crate) async fn left(stream: &TcpStream) {
        loop {
            tokio::time::sleep(LOOK).await;
            let ready = stream.ready(Interest::READABLE).now_or_never();
            if matches!(ready, Some(Ok(ready)) if ready.is_read_closed()) {
                return;
            }
        }
    }

    /// Writes once the client takes something.
    fn write(
        &mut self,
        cx: &mut Context<'_>,
        write: impl Fn(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            if self.stream.poll_write_ready(cx)?.is_pending() {
                return self.waiting(cx);
            }
            match write(&self.stream) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => {
                    self.is_stalled = false;
                    return Poll::Ready(written);
                }
            }
        }
    }

    fn waiting(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if !self.is_stalled {
            self.is_stalled = true;
            let end = Instant::now() + self.patience;
            self.stall.as_mut().reset(end);
        }
        ready!(self.stall.poll_unpin(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client takes nothing")))
    }
}

/// Ends a connection so that the client can read the answer, though it may still be sending: bytes
/// that nobody reads would have the system throw the answer away.
pub(crate) async fn linger(mut stream: TcpStream) {
    let mut bytes = [0; 8192];
    let mut read = 0;
    let rest = async {
        stream.shutdown().await?;
        while read < LINGER_BYTES {
            match stream.read(&mut bytes).await? {
                0 => break,
                count => read += count,
            }
        }
        io::Result::Ok(())
    };
    // Whatever goes wrong now, nobody is there to be told.
    let _ = tokio::time::timeout(LINGER, rest).await;
}

impl Read for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        // On the stack and copied: what hyper offers may be uninitialised, and we stay safe.
        let mut bytes = [0; 8192];
        loop {
            ready!(self.stream.poll_read_ready(cx))?;
            let room = bytes.len().min(buffer.remaining());
            match self.stream.try_read(&mut bytes[..room]) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Ok(count) => {
                    buffer.put_slice(&bytes[..count]);
                    return Poll::Ready(Ok(()));
                }
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl Write for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.write(cx, |stream| stream.try_write(bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.write(cx, |stream| stream.try_write_vectored(slices))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// The socket closes when the last holder lets go.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
