//! The listening side: connections, their bounds, and an end in order.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Request, Response};
use futures_util::future::BoxFuture;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::TokioTimer;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinSet;

use crate::connection::{self, Asking, Client, Connection};
use crate::limits::{HEAD_BYTES, HEAD_FIELDS, Limit};
use crate::metrics::Metrics;
use crate::patience::Patience;
use crate::places::{Busy, Places, Room};
use crate::{Gateway, models, open_files, refusal};

/// How long streams have to say that the server ends.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// How long clients that are still sending have to take the end of their answer.
const LINGER: Duration = Duration::from_secs(1);

/// How long to wait where no connection can be accepted: at first, and at most.
const NO_ROOM: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// It is said so often at most that none can be accepted.
const NEWS: Duration = Duration::from_secs(10);

/// So many are told at once that there is no place for them; others are closed without a word.
const PARTINGS: usize = 32;

impl Gateway {
    /// Serves until `shutdown`; then takes nothing new, and gives running answers `grace` to
    /// finish. Those that do not are told so and stopped.
    ///
    /// The process's soft limit of open files is raised to its hard one, and there are as many
    /// places for connections as fit into that. No failure to accept one ends this: it is tried
    /// again, at least every second.
    ///
    /// # Errors
    /// None today; a later version may know one.
    pub async fn serve(
        &self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()>,
        grace: Duration,
    ) -> io::Result<()> {
        let graceful = GracefulShutdown::new();
        let mut connections = JoinSet::new();
        let mut reception = Reception::new(self);
        let mut shutdown = std::pin::pin!(shutdown);
        let mut lists = JoinSet::new();
        for provider in self.providers() {
            lists.spawn(models::keep_fresh(provider.clone()));
        }
        loop {
            let accepted = tokio::select! {
                accepted = reception.accept(&listener) => accepted,
                () = &mut shutdown => break,
            };
            if let Some(connection) = reception.receive(accepted, &graceful) {
                connections.spawn(connection);
            }
            while connections.try_join_next().is_some() {}
        }
        drop(listener);
        self.end(graceful, connections, grace).await;
        Ok(())
    }

    async fn end(&self, graceful: GracefulShutdown, mut connections: JoinSet<()>, grace: Duration) {
        let mut patience = LINGER;
        if tokio::time::timeout(grace, graceful.shutdown()).await.is_err() {
            tracing::warn!("answers that are still running are stopped");
            patience = LAST_WORDS;
        }
        self.0.stopping.send_replace(true);
        // A client that is still sending must not lose its answer to a reset.
        let all = async { while connections.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(patience, all).await;
        connections.shutdown().await;
    }
}

/// Takes connections, each to a place.
struct Reception {
    router: Router,
    metrics: Arc<Metrics>,
    patience: Patience,
    room: Room,
    places: Arc<Places>,
    partings: Arc<Semaphore>,
    /// How long to wait after the next failure, and when one was told.
    wait: Duration,
    told: Option<Instant>,
}

impl Reception {
    fn new(gateway: &Gateway) -> Self {
        let options = &gateway.0.options;
        let all = open_files::connections(options.connections, open_files::raise());
        if all < options.connections {
            tracing::info!(all, "so many connections fit into the system's limit of open files");
        }
        let room = Room { all, each: options.connections_per_address };
        Self {
            router: gateway.router(),
            metrics: gateway.metrics().clone(),
            patience: options.patience,
            room,
            places: Places::new(room),
            partings: Arc::new(Semaphore::new(PARTINGS)),
            wait: NO_ROOM.0,
            told: None,
        }
    }

    /// The next connection. Nearly all that a system says instead passes: the peer was too quick,
    /// its network failed, or too much is open here; then somebody goes for whom nobody is asking.
    async fn accept(&mut self, listener: &TcpListener) -> (TcpStream, SocketAddr) {
        loop {
            let error = match listener.accept().await {
                Ok(accepted) => {
                    self.wait = NO_ROOM.0;
                    return accepted;
                }
                Err(error) => error,
            };
            if self.told.is_none_or(|told| told.elapsed() >= NEWS) {
                self.told = Some(Instant::now());
                tracing::warn!(%error, "a connection cannot be accepted; it is tried again");
            }
            if self.places.relieve() {
                self.metrics.limit_met(Limit::Connections);
                self.wait = NO_ROOM.0;
            }
            tokio::time::sleep(self.wait).await;
            self.wait = (self.wait * 2).min(NO_ROOM.1);
        }
    }

    /// Gives a connection a place, and serves it to its end; or says that there is none.
    fn receive(
        &self,
        (stream, peer): (TcpStream, SocketAddr),
        graceful: &GracefulShutdown,
    ) -> Option<BoxFuture<'static, ()>> {
        match self.places.take(peer.ip()) {
            Ok((place, gone)) => {
                let client = Client::new(stream, place);
                Some(Box::pin(self.serve(client, gone, graceful)))
            }
            Err(limit) => {
                self.metrics.limit_met(limit);
                let parting = self.partings.clone().try_acquire_owned().ok()?;
                let room = match limit {
                    Limit::ConnectionsPerAddress => self.room.each,
                    _ => self.room.all,
                };
                Some(Box::pin(async move {
                    connection::part(stream, &refusal::no_place(limit, room)).await;
                    drop(parting);
                }))
            }
        }
    }

    /// Serves a connection to its end.
    fn serve(
        &self,
        client: Arc<Client>,
        gone: oneshot::Receiver<()>,
        graceful: &GracefulShutdown,
    ) -> impl Future<Output = ()> + Send + 'static {
        // Small pieces are all that there is.
        let _ = client.set_nodelay();
        let (metrics, patience) = (self.metrics.clone(), self.patience);
        let service = Serving {
            routes: TowerToHyperService::new(self.router.clone()),
            client: client.clone(),
        };
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(patience.idle.max(patience.head))
            .max_headers(HEAD_FIELDS)
            .max_buf_size(HEAD_BYTES)
            .serve_connection(Connection::new(client.clone(), metrics.clone(), patience), service);
        let connection = graceful.watch(connection);
        let open = metrics.connection();
        let (partings, all) = (self.partings.clone(), self.room.all);
        async move {
            let ended = tokio::select! {
                ended = connection => Some(ended),
                () = client.left() => return,
                // The place is another's.
                Ok(()) = gone => None,
            };
            let Some(ended) = ended else {
                metrics.limit_met(Limit::Connections);
                // Who has said nothing is told nothing; one whose request was to be read next is
                // told to send it again.
                let has_begun = client.has_begun();
                let Some(client) = Arc::into_inner(client).filter(|_| has_begun) else { return };
                let Ok(_parting) = partings.try_acquire_owned() else { return };
                drop(open);
                connection::part(client.into_stream(), &refusal::no_place(Limit::Connections, all))
                    .await;
                return;
            };
            let mut last = None;
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended");
                if error.is_timeout() {
                    metrics.limit_met(Limit::IdleTime);
                }
                last = client.late(patience.head);
            }
            let Some(client) = Arc::into_inner(client) else { return };
            let stream = client.into_stream();
            match last {
                Some(words) => connection::part(stream, &words).await,
                None => connection::linger(stream).await,
            }
        }
    }
}

/// The routes, for one client.
struct Serving {
    routes: TowerToHyperService<Router>,
    client: Arc<Client>,
}

impl Service<Request<Incoming>> for Serving {
    type Response = Response<Held>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Held>, Infallible>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        let asking = self.client.asks();
        request.extensions_mut().insert(self.client.clone());
        let response = self.routes.call(request);
        Box::pin(async move {
            let mut response = response.await?;
            let busy = response.extensions_mut().remove::<Arc<Busy>>();
            Ok(response.map(|body| Held { body, _asking: asking, _busy: busy }))
        })
    }
}

/// A response's body, and what is held until it has ended.
struct Held {
    body: Body,
    _asking: Asking,
    _busy: Option<Arc<Busy>>,
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
