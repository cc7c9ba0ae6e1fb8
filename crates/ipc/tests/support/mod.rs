//! What the tests share: a provider that plays a script, served on a port of its own.

#![allow(dead_code, reason = "no test file uses all of it")]

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::stream::{self, BoxStream, Stream, StreamExt};
use lenore_ipc::{Remote, Token, serve};
use lenore_provider::{
    ChatRequest, Completion, Event, FinishReason, Health, Hold, Message, Model, Provider, Result,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

/// No wait of a test is longer.
pub(crate) const WAIT: Duration = Duration::from_secs(20);

pub(crate) const FINISHED: Event = Event::Finished { reason: FinishReason::Complete };

pub(crate) type Events = BoxStream<'static, Result<Event>>;

/// A provider that answers by a function.
pub(crate) struct Fake {
    script: Box<dyn Fn(&ChatRequest) -> Events + Send + Sync>,
    pub(crate) asked: Mutex<Vec<ChatRequest>>,
    pub(crate) health: Mutex<Health>,
    /// How many completions are alive.
    alive: watch::Sender<usize>,
}

impl Fake {
    pub(crate) fn new(
        script: impl Fn(&ChatRequest) -> Events + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            script: Box::new(script),
            asked: Mutex::default(),
            health: Mutex::default(),
            alive: watch::channel(0).0,
        })
    }

    /// One that says these events and no more.
    pub(crate) fn saying(events: Vec<Event>) -> Arc<Self> {
        Self::new(move |_| stream::iter(events.clone().into_iter().map(Ok)).boxed())
    }

    /// One that says these events, and then nothing, without an end.
    pub(crate) fn stuck_after(events: Vec<Event>) -> Arc<Self> {
        Self::new(move |_| {
            stream::iter(events.clone().into_iter().map(Ok)).chain(stream::pending()).boxed()
        })
    }

    /// Waits until so many completions are alive.
    pub(crate) async fn alive(&self, count: usize) {
        let mut alive = self.alive.subscribe();
        in_time(&format!("{count} completions"), alive.wait_for(|now| *now == count))
            .await
            .expect("the provider is there");
    }

    pub(crate) fn times_asked(&self) -> usize {
        self.asked.lock().expect("no panic").len()
    }
}

impl Provider for Fake {
    fn name(&self) -> &str {
        "fake"
    }

    fn url(&self) -> &str {
        "https://fake.example"
    }

    fn working(&self) -> bool {
        true
    }

    fn needs_auth(&self) -> bool {
        true
    }

    fn supports_stream(&self) -> bool {
        false
    }

    fn default_model(&self) -> &str {
        "raven"
    }

    fn models(&self) -> Vec<Model> {
        vec![Model { name: "raven".into(), bot: "Raven-1".into() }]
    }

    fn health(&self) -> Health {
        self.health.lock().expect("no panic").clone()
    }

    fn create_completion(&self, request: ChatRequest) -> Completion {
        let events = (self.script)(&request);
        let in_pieces = request.stream;
        // The place is free at once, unless the script keeps it.
        let asked = ChatRequest { hold: Hold::default(), ..request };
        self.asked.lock().expect("no panic").push(asked);
        self.alive.send_modify(|alive| *alive += 1);
        Completion::new(Alive { events, count: self.alive.clone() }, in_pieces)
    }
}

/// A stream that is counted as long as it is there.
struct Alive {
    events: Events,
    count: watch::Sender<usize>,
}

impl Stream for Alive {
    type Item = Result<Event>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.events.poll_next_unpin(cx)
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.count.send_modify(|alive| *alive -= 1);
    }
}

/// A server that runs.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    pub(crate) token: Token,
    shutdown: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Served {
    pub(crate) async fn new(provider: Arc<dyn Provider>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let token = Token::random().expect("randomness");
        let (shutdown, told) = oneshot::channel();
        let told = async { told.await.unwrap_or_default() };
        let task = tokio::spawn(serve((listener, token.clone()), provider, told));
        Self { address, token, shutdown, task }
    }

    pub(crate) async fn remote(&self) -> Remote {
        let remote = Remote::connect((self.address, self.token.clone()), WAIT);
        in_time("connecting", remote).await.expect("it serves")
    }

    pub(crate) async fn socket(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("it listens")
    }

    /// The first line of a client, with its end.
    pub(crate) fn greeting(&self) -> String {
        format!("{{\"token\":\"{}\",\"version\":1}}\n", self.token.to_hex())
    }

    /// Ends it in order.
    pub(crate) async fn end(self) {
        self.shutdown.send(()).expect("it runs");
        in_time("the server's end", self.task).await.expect("no panic");
    }

    /// Ends it as a kill does: its sockets close, and nothing more is said.
    pub(crate) async fn kill(self) {
        self.task.abort();
        assert!(self.task.await.expect_err("it was aborted").is_cancelled());
    }
}

/// What a future yields, which it must do in time.
pub(crate) async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    let result = tokio::time::timeout(WAIT, future).await;
    result.unwrap_or_else(|_| panic!("{what} takes longer than {WAIT:?}"))
}

pub(crate) fn question(text: &str) -> ChatRequest {
    ChatRequest::new("raven", vec![Message::user(text)])
}

pub(crate) fn delta(text: &str) -> Event {
    Event::Delta(text.into())
}
