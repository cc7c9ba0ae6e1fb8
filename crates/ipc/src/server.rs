//! The side that has the provider.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use lenore_provider::{ChatRequest, Error, ErrorKind, Hold, Provider, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout;
use tokio_util::codec::{FramedRead, FramedWrite, LinesCodec, LinesCodecError};
use tokio_util::sync::CancellationToken;

use crate::door::Connection;
use crate::wire::{About, Ask, BEAT, GREETING, Greeting, STOPPING, VERSION, line, lines};
use crate::{Listener, Token};

/// How many connections are served at once; further ones wait until one ends.
const CONNECTIONS: usize = 1_000;
/// How many of them may have said nothing yet; beyond that the oldest goes.
const MAX_SILENT: usize = 128;
/// How long a client may take to greet. Ours do so at once.
const GREETING_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a client may take to say what it wants.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a client may take to hear the last words.
const FAREWELL: Duration = Duration::from_secs(1);
/// How long to wait where a connection cannot be taken, as when too many files are open.
const PAUSE: Duration = Duration::from_millis(100);

/// Answers for `provider` on `listener`, to the user's own processes, until `shutdown` resolves.
///
/// Nobody new is heard then, running answers are stopped and their clients told so
/// ([`ErrorKind::Cancelled`]); nothing runs any more when this returns, some seconds later at most.
/// Dropping the future ends all of it at once.
///
/// A port should be one of a loopback address; who comes from elsewhere is not heard.
pub async fn serve(
    listener: impl Into<Listener>,
    provider: Arc<dyn Provider>,
    shutdown: impl Future<Output = ()>,
) {
    serve_some(listener.into(), provider, shutdown, CONNECTIONS).await;
}

/// Serves so many connections at once.
async fn serve_some(
    listener: Listener,
    provider: Arc<dyn Provider>,
    shutdown: impl Future<Output = ()>,
    connections: usize,
) {
    let token = Arc::new(listener.token());
    let mut silent = Silent::default();
    let closing = CancellationToken::new();
    let mut exchanges = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(_) = exchanges.join_next() => {}
            client = accept(&listener), if exchanges.len() < connections => {
                let (token, provider) = (Arc::clone(&token), Arc::clone(&provider));
                let has_greeted = Arc::new(AtomicBool::new(false));
                let guard = Guard { token, has_greeted: has_greeted.clone() };
                let task = exchanges.spawn(exchange(client, guard, provider, closing.clone()));
                silent.add(task, has_greeted);
            }
        }
    }
    drop(listener);
    closing.cancel();
    while exchanges.join_next().await.is_some() {}
}

/// The clients that have said nothing yet, the oldest first.
#[derive(Default)]
struct Silent(VecDeque<(AbortHandle, Arc<AtomicBool>)>);

impl Silent {
    /// Takes another one, in whose place the oldest goes where there are too many.
    fn add(&mut self, task: AbortHandle, has_greeted: Arc<AtomicBool>) {
        self.0.retain(|(task, has_greeted)| {
            !task.is_finished() && !has_greeted.load(Ordering::Relaxed)
        });
        if self.0.len() >= MAX_SILENT
            && let Some((oldest, _)) = self.0.pop_front()
        {
            oldest.abort();
        }
        self.0.push_back((task, has_greeted));
    }
}

/// What a client has to show, and whether it has.
struct Guard {
    token: Arc<Option<Token>>,
    has_greeted: Arc<AtomicBool>,
}

/// The next connection of the user's own.
async fn accept(listener: &Listener) -> Box<dyn Connection> {
    loop {
        match listener.accept().await {
            Ok(Some(client)) => return client,
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(%error, "a connection was not taken");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

type Read = ReadHalf<Box<dyn Connection>>;
type Reader = FramedRead<Read, LinesCodec>;
type Writer = FramedWrite<WriteHalf<Box<dyn Connection>>, LinesCodec>;

/// Serves one connection to its end.
async fn exchange(
    client: Box<dyn Connection>,
    guard: Guard,
    provider: Arc<dyn Provider>,
    closing: CancellationToken,
) {
    let (reader, writer) = tokio::io::split(client);
    let mut reader = FramedRead::new(reader, LinesCodec::new_with_max_length(GREETING));
    let mut writer = FramedWrite::new(writer, lines());
    let asked = tokio::select! {
        asked = timeout(PATIENCE, hear(&mut reader, &guard)) => asked.unwrap_or_else(|_| {
            Err(refused("nothing was asked in time"))
        }),
        () = closing.cancelled() => Err(stopped()),
    };
    let last = match asked {
        Ok(Some(Ask::About)) => line(&About::of(&*provider)),
        Ok(Some(Ask::Health)) => line(&provider.check_health().await),
        Ok(Some(Ask::Complete(mut request))) => {
            let place_is_free = CancellationToken::new();
            request.hold = Hold::new(Arc::new(place_is_free.clone().drop_guard()));
            let last = tokio::select! {
                // A client that has given up by now is not asked for, and an answer that is complete
                // is told so, whatever else comes at the same time.
                biased;
                () = left(reader.get_mut()) => None,
                () = relay(provider, *request, &mut writer) => Some(String::new()),
                () = closing.cancelled() => Some(line(&stopped())),
            };
            // The end of the connection tells a client that the question's place is free again.
            tokio::select! {
                () = place_is_free.cancelled() => {}
                () = tokio::time::sleep(STOPPING) => {}
                () = closing.cancelled() => {}
            }
            let Some(last) = last else { return };
            last
        }
        // Came and went.
        Ok(None) => return,
        Err(error) => line(&error),
    };
    let _ = timeout(FAREWELL, part(reader.get_mut(), writer, last)).await;
}

/// What a client wants; `None` where it left before it said so.
async fn hear(reader: &mut Reader, guard: &Guard) -> Result<Option<Ask>> {
    let greeting = timeout(GREETING_TIMEOUT, next(reader)).await;
    let greeting = greeting.unwrap_or_else(|_| Err(refused("nothing was said in time")))?;
    let Some(greeting) = greeting else { return Ok(None) };
    let greeting: Greeting = serde_json::from_str(&greeting)
        .map_err(|_| refused("the first line is not what a client of this version sends"))?;
    let is_let_in = guard
        .token
        .as_ref()
        .as_ref()
        .is_none_or(|token| greeting.token.parse().is_ok_and(|shown: Token| shown == *token));
    if !is_let_in {
        return Err(Error::new(
            ErrorKind::NoAccess,
            "the running process does not know this token; end that process and try again",
        ));
    }
    if greeting.version != VERSION {
        let theirs = greeting.version;
        return Err(refused(format!(
            "the running process is of another version (it speaks {VERSION}, this one {theirs}); \
             end that process and try again"
        )));
    }
    guard.has_greeted.store(true, Ordering::Relaxed);
    *reader.decoder_mut() = lines();
    let Some(ask) = next(reader).await? else { return Ok(None) };
    // The parser's own words may quote the prompt.
    let ask = serde_json::from_str(&ask).map_err(|_| refused("the question is not understood"))?;
    Ok(Some(ask))
}

/// The next line; `None` where the client left, in whatever way.
async fn next(reader: &mut Reader) -> Result<Option<String>> {
    match reader.next().await {
        Some(Ok(line)) => Ok(Some(line)),
        Some(Err(LinesCodecError::MaxLineLengthExceeded)) => {
            Err(Error::new(ErrorKind::TooLong, "the line is too long; send a shorter prompt"))
        }
        Some(Err(LinesCodecError::Io(error)))
            if error.kind() == std::io::ErrorKind::InvalidData =>
        {
            Err(refused("the line is no UTF-8"))
        }
        Some(Err(_)) | None => Ok(None),
    }
}

/// Asks, and hands events on as the client takes them, to the end.
async fn relay(provider: Arc<dyn Provider>, request: ChatRequest, writer: &mut Writer) {
    if writer.send("").await.is_err() {
        return;
    }
    let mut completion = provider.create_completion(request);
    loop {
        let line = match timeout(BEAT, completion.next()).await {
            Ok(Some(Ok(event))) => line(&event),
            Ok(Some(Err(error))) => line(&error),
            Ok(None) => return,
            Err(_) => String::new(),
        };
        if writer.send(line).await.is_err() {
            return;
        }
    }
}

/// Resolves when the client has closed its end, or does what it should not: say more.
async fn left(reader: &mut Read) {
    let _ = reader.read(&mut [0]).await;
}

/// Says the last words and waits until the client has left. Whoever closes a socket that holds
/// bytes unread may take the last words back.
async fn part(reader: &mut Read, mut writer: Writer, last: String) {
    if !last.is_empty() && writer.send(last).await.is_err() {
        return;
    }
    let _ = writer.get_mut().shutdown().await;
    let _ = tokio::io::copy(reader, &mut tokio::io::sink()).await;
}

fn refused(why: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidRequest, why)
}

fn stopped() -> Error {
    Error::new(ErrorKind::Cancelled, "the process that answers was ended; ask again")
}

#[cfg(test)]
mod tests {
    use lenore_provider::{Completion, Health, Model};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::Remote;

    struct Nobody;

    impl Provider for Nobody {
        fn name(&self) -> &str {
            "nobody"
        }

        fn url(&self) -> &str {
            ""
        }

        fn working(&self) -> bool {
            false
        }

        fn needs_auth(&self) -> bool {
            false
        }

        fn supports_stream(&self) -> bool {
            false
        }

        fn default_model(&self) -> &str {
            ""
        }

        fn models(&self) -> Vec<Model> {
            Vec::new()
        }

        fn health(&self) -> Health {
            Health::default()
        }

        fn create_completion(&self, _: ChatRequest) -> Completion {
            Completion::failed(stopped())
        }
    }

    #[tokio::test]
    async fn beyond_the_bound_clients_wait_for_their_turn() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let token = Token::random().expect("randomness");
        let listener = Listener::from((listener, token.clone()));
        let served = serve_some(listener, Arc::new(Nobody), pending(), 2);
        let served = tokio::spawn(served);
        let connect = || Remote::connect((address, token.clone()), Duration::from_secs(5));
        let mut idle = Vec::new();
        for _ in 0..2 {
            idle.push(TcpStream::connect(address).await.expect("it listens"));
        }
        let mut third = std::pin::pin!(connect());
        let early = timeout(Duration::from_millis(100), &mut third).await;
        assert!(early.is_err(), "a third connection is served: {early:?}");
        drop(idle.pop());
        assert_eq!(third.await.expect("there is room now").name(), "nobody");
        served.abort();
    }

    fn pending() -> impl Future<Output = ()> {
        std::future::pending()
    }
}
