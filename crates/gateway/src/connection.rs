//! A client's connection: one that sends no head or takes nothing for long is given up, and one that
//! leaves is noticed, whatever it sent before.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::FutureExt;
use hyper::rt::{Read, ReadBufCursor, Write};
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio::time::{Instant, Sleep};

use crate::limits::Limit;
use crate::metrics::Metrics;
use crate::patience::Patience;
use crate::peer::{Ends, Owner, Peers};
use crate::places::{Busy, Place};
use crate::refusal::{self, Head};

/// How often to look whether a client has left whose last bytes nobody reads.
const LOOK: Duration = Duration::from_millis(250);

/// How long, and for how many bytes, a client that still sends is listened to after the answer.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: usize = 64 * 1024 * 1024;

/// Who is at the other end, and how far its request has come.
#[derive(Debug)]
pub(crate) struct Client {
    stream: TcpStream,
    /// Where it is, and the address by which it came.
    ends: Option<Ends>,
    /// Since when it is there.
    since: Instant,
    /// Whose it is, once somebody wanted to know.
    owner: OnceCell<Owner>,
    place: Arc<Place>,
    request: Mutex<Request>,
}

/// What a client has said since its last answer.
#[derive(Debug, Default)]
struct Request {
    head: Head,
    /// Whether its head was whole, and it is answered.
    is_answered: bool,
}

impl Client {
    pub(crate) fn new(stream: TcpStream, place: Arc<Place>) -> Arc<Self> {
        let ends = stream.peer_addr().ok().zip(stream.local_addr().ok());
        Arc::new(Self {
            stream,
            ends,
            since: Instant::now(),
            owner: OnceCell::new(),
            place,
            request: Mutex::default(),
        })
    }

    /// Whose it is.
    pub(crate) async fn owner(&self, peers: &Peers) -> Owner {
        let Some(ends) = self.ends else { return Owner::Unlisted };
        *self.owner.get_or_init(|| peers.owner(ends, self.since)).await
    }

    /// A head is whole. What is returned is kept until its answer has ended.
    pub(crate) fn asks(self: &Arc<Self>) -> Asking {
        self.request().is_answered = true;
        Asking(self.clone())
    }

    /// It was let in: its place is its own while it is answered.
    pub(crate) fn is_let_in(&self) -> Busy {
        self.place.begin()
    }

    /// What is to be said to one whose head did not come in time; nothing to one that was silent.
    pub(crate) fn late(&self, wait: Duration) -> Option<Vec<u8>> {
        let request = self.request();
        let is_begun = !request.is_answered && !request.head.is_empty();
        is_begun.then(|| refusal::too_slow(wait, &request.head))
    }

    /// Whether it has said something that is not answered.
    pub(crate) fn has_begun(&self) -> bool {
        let request = self.request();
        let is_waiting = || {
            let bytes = self.stream.peek(&mut [0]).now_or_never();
            matches!(bytes, Some(Ok(1)))
        };
        !request.is_answered && (!request.head.is_empty() || is_waiting())
    }

    /// Waits until the client has left. The server reads nothing while it answers, so it sees the
    /// end only where nothing else was sent before it.
    pub(crate) async fn left(&self) {
        loop {
            tokio::time::sleep(LOOK).await;
            let ready = self.stream.ready(Interest::READABLE).now_or_never();
            if matches!(ready, Some(Ok(ready)) if ready.is_read_closed()) {
                return;
            }
        }
    }

    pub(crate) fn set_nodelay(&self) -> io::Result<()> {
        self.stream.set_nodelay(true)
    }

    /// The bare connection.
    pub(crate) fn into_stream(self) -> TcpStream {
        self.stream
    }

    fn request(&self) -> MutexGuard<'_, Request> {
        self.request.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that is answered, until it is dropped.
#[derive(Debug)]
pub(crate) struct Asking(Arc<Client>);

impl Drop for Asking {
    fn drop(&mut self) {
        *self.0.request() = Request::default();
    }
}

/// A connection.
#[derive(Debug)]
pub(crate) struct Connection {
    client: Arc<Client>,
    metrics: Arc<Metrics>,
    patience: Patience,
    /// When one whose head has begun is given up.
    head: Option<Pin<Box<Sleep>>>,
    /// When one that takes nothing is given up.
    stall: Pin<Box<Sleep>>,
    is_stalled: bool,
    /// What is sent in the place of a refusal that the HTTP layer made, and how much of it is out.
    instead: Option<(Vec<u8>, usize)>,
    /// Whether that was done: nothing more is read.
    is_refused: bool,
}

impl Connection {
    pub(crate) fn new(client: Arc<Client>, metrics: Arc<Metrics>, patience: Patience) -> Self {
        let stall = Box::pin(tokio::time::sleep(patience.stall));
        // A new one has no longer than for a head.
        let head = Some(Box::pin(tokio::time::sleep(patience.head)));
        Self {
            client,
            metrics,
            patience,
            head,
            stall,
            is_stalled: false,
            instead: None,
            is_refused: false,
        }
    }

    /// Writes once the client takes something.
    fn write(
        &mut self,
        cx: &mut Context<'_>,
        write: impl Fn(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            if self.client.stream.poll_write_ready(cx)?.is_pending() {
                return self.waiting(cx);
            }
            match write(&self.client.stream) {
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
            let end = Instant::now() + self.patience.stall;
            self.stall.as_mut().reset(end);
        }
        ready!(self.stall.poll_unpin(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client takes nothing")))
    }

    /// Writes what stands in the place of these bytes, if something does, to its end.
    fn write_instead(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Option<Poll<io::Result<usize>>> {
        if self.instead.is_none() {
            let (refusal, limit) = {
                let request = self.client.request();
                refusal::instead_of(bytes, &request.head)?
            };
            if let Some(limit) = limit {
                self.metrics.limit_met(limit);
            }
            self.instead = Some((refusal, 0));
        }
        while let Some((refusal, out)) = self.instead.take() {
            let written = self.write(cx, |stream| stream.try_write(&refusal[out..]));
            match written {
                Poll::Ready(Ok(count)) if out + count < refusal.len() => {
                    self.instead = Some((refusal, out + count));
                }
                // All that it stands for is out, too.
                Poll::Ready(Ok(_)) => {
                    self.is_refused = true;
                    self.client.request().is_answered = true;
                    cx.waker().wake_by_ref();
                    return Some(Poll::Ready(Ok(bytes.len())));
                }
                Poll::Pending => {
                    self.instead = Some((refusal, out));
                    return Some(Poll::Pending);
                }
                failed => return Some(failed),
            }
        }
        None
    }

    /// Notes what has come of a head, and when it must be whole.
    fn has_read(&mut self, bytes: &[u8]) {
        let mut request = self.client.request();
        if request.is_answered {
            self.head = None;
        } else {
            request.head.add(bytes);
            let wait = self.patience.head;
            self.head.get_or_insert_with(|| Box::pin(tokio::time::sleep(wait)));
        }
    }

    /// Whether the head takes too long.
    fn is_late(&mut self, cx: &mut Context<'_>) -> bool {
        if self.client.request().is_answered {
            self.head = None;
        }
        self.head.as_mut().is_some_and(|head| head.poll_unpin(cx).is_ready())
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

/// Says a last word on a connection and ends it.
pub(crate) async fn part(mut stream: TcpStream, words: &[u8]) {
    if matches!(tokio::time::timeout(LINGER, stream.write_all(words)).await, Ok(Ok(()))) {
        linger(stream).await;
    }
}

impl Read for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        // On the stack and copied: what hyper offers may be uninitialised, and we stay safe.
        let mut bytes = [0; 8192];
        if self.is_refused {
            return Poll::Ready(Ok(()));
        }
        loop {
            if self.client.stream.poll_read_ready(cx)?.is_pending() {
                if self.is_late(cx) {
                    self.metrics.limit_met(Limit::HeadTime);
                    let error = io::Error::new(io::ErrorKind::TimedOut, "the head is late");
                    return Poll::Ready(Err(error));
                }
                return Poll::Pending;
            }
            let room = bytes.len().min(buffer.remaining());
            match self.client.stream.try_read(&mut bytes[..room]) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Ok(count) => {
                    self.has_read(&bytes[..count]);
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
        if let Some(written) = self.write_instead(cx, bytes) {
            return written;
        }
        self.write(cx, |stream| stream.try_write(bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let [bytes] = slices
            && let Some(written) = self.write_instead(cx, bytes)
        {
            return written;
        }
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
