//! The side that has the provider.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use lenore_provider::{ChatRequest, Error, ErrorKind, Provider, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::codec::{FramedRead, FramedWrite, LinesCodec, LinesCodecError};
use tokio_util::sync::CancellationToken;

use crate::Token;
use crate::wire::{About, Ask, BEAT, GREETING, Greeting, VERSION, line, lines};

/// How many connections are served at once; further ones wait until one ends.
const CONNECTIONS: usize = 1_000;
/// How long a client may take to say what it wants.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a client may take to hear the last words.
const FAREWELL: Duration = Duration::from_secs(1);
/// How long to wait where a connection cannot be taken, as when too many files are open.
const PAUSE: Duration = Duration::from_millis(100);

/// Answers for `provider` on `listener`, to whoever shows `token`, until `shutdown` resolves.
///
/// Nobody new is heard then, running answers are stopped and their clients told so
/// ([`ErrorKind::Cancelled`]); nothing runs any more when this returns, some seconds later at most.
/// Dropping the future ends all of it at once.
///
/// The listener should be bound to a loopback address; who comes from elsewhere is not heard.
pub async fn serve(
    listener: TcpListener,
    token: Token,
    provider: Arc<dyn Provider>,
    shutdown: impl Future<Output = ()>,
) {
    serve_some(listener, token, provider, shutdown, CONNECTIONS).await;
}

/// Serves so many connections at once.
async fn serve_some(
    listener: TcpListener,
    token: Token,
    provider: Arc<dyn Provider>,
    shutdown: impl Future<Output = ()>,
    connections: usize,
) {
    let token = Arc::new(token);
    let closing = CancellationToken::new();
    let mut exchanges = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(_) = exchanges.join_next() => {}
            client = accept(&listener), if exchanges.len() < connections => {
                let (token, provider) = (Arc::clone(&token), Arc::clone(&provider));
                exchanges.spawn(exchange(client, token, provider, closing.clone()));
            }
        }
    }
    drop(listener);
    closing.cancel();
    while exchanges.join_next().await.is_some() {}
}

/// The next connection from this machine.
async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((client, from)) if from.ip().is_loopback() => return client,
            Ok((_, from)) => tracing::warn!(%from, "a connection from elsewhere was closed"),
            Err(error) => {
                tracing::warn!(%error, "a connection was not taken");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

type Reader = FramedRead<OwnedReadHalf, LinesCodec>;
type Writer = FramedWrite<OwnedWriteHalf, LinesCodec>;

/// Serves one connection to its end.
async fn exchange(
    client: TcpStream,
    token: Arc<Token>,
    provider: Arc<dyn Provider>,
    closing: CancellationToken,
) {
    let _ = client.set_nodelay(true);
    let (reader, writer) = client.into_split();
    let mut reader = FramedRead::new(reader, LinesCodec::new_with_max_length(GREETING));
    let mut writer = FramedWrite::new(writer, lines());
    let asked = tokio::select! {
        asked = timeout(PATIENCE, hear(&mut reader, &token)) => asked.unwrap_or_else(|_| {
            Err(refused("nothing was asked in time"))
        }),
        () = closing.cancelled() => Err(stopped()),
    };
    let last = match asked {
        Ok(Some(Ask::About)) => line(&About::of(&*provider)),
        Ok(Some(Ask::Health)) => line(&provider.check_health().await),
        Ok(Some(Ask::Complete(request))) => tokio::select! {
            // A client that has given up by now is not asked for, and an answer that is complete is
            // told so, whatever else comes at the same time.
            biased;
            () = left(reader.get_mut()) => return,
            () = relay(provider, *request, &mut writer) => String::new(),
            () = closing.cancelled() => line(&stopped()),
        },
        // Came and went.
        Ok(None) => return,
        Err(error) => line(&error),
    };
    let _ = timeout(FAREWELL, part(reader.get_mut(), writer, last)).await;
}

/// What a client wants; `None` where it left before it said so.
async fn hear(reader: &mut Reader, token: &Token) -> Result<Option<Ask>> {
    let Some(greeting) = next(reader).await? else { return Ok(None) };
    let greeting: Greeting = serde_json::from_str(&greeting)
        .map_err(|_| refused("the first line is not what a client of this version sends"))?;
    if !greeting.token.parse().is_ok_and(|shown: Token| shown == *token) {
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
async fn left(reader: &mut OwnedReadHalf) {
    let _ = reader.read(&mut [0]).await;
}

/// Says the last words and waits until the client has left. Whoever closes a socket that holds
/// bytes unread may take the last words back.
async fn part(reader: &mut OwnedReadHalf, mut writer: Writer, last: String) {
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
        let served = serve_some(listener, token.clone(), Arc::new(Nobody), pending(), 2);
        let served = tokio::spawn(served);
        let connect = || Remote::connect(address, token.clone(), Duration::from_secs(5));
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
