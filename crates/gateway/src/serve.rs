//! The listening side: connections, their bounds, and an end in order.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::TokioTimer;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::connection::{self, Connection};
use crate::patience::Patience;
use crate::{Gateway, models};

/// As many connections are open at once; more wait to be accepted.
const CONNECTIONS: usize = 4096;

/// Bytes held for a connection: the longest head, and what waits for a slow reader.
const BUFFER: usize = 64 * 1024;

/// A head has no more fields.
const HEADERS: usize = 100;

/// How long streams have to say that the server ends.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// How long clients that are still sending have to take the end of their answer.
const LINGER: Duration = Duration::from_secs(1);

/// How long to wait where the system has no room for another connection.
const NO_ROOM: Duration = Duration::from_millis(100);

/// A listener that fails so often in a row is broken.
const FAULTS: u32 = 100;

impl Gateway {
    /// Serves until `shutdown`; then takes nothing new, and gives running answers `grace` to
    /// finish. Those that do not are told so and stopped.
    ///
    /// # Errors
    /// Where the listener fails for good.
    pub async fn serve(
        &self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()>,
        grace: Duration,
    ) -> io::Result<()> {
        let graceful = GracefulShutdown::new();
        let mut connections = JoinSet::new();
        let room = Arc::new(Semaphore::new(CONNECTIONS));
        let router = self.router();
        let patience = self.0.options.patience;
        let mut shutdown = std::pin::pin!(shutdown);
        let mut faults = Faults::default();
        let mut lists = JoinSet::new();
        for provider in self.providers() {
            lists.spawn(models::keep_fresh(provider.clone()));
        }
        let ended = loop {
            let accepted = async {
                let slot = room.clone().acquire_owned().await;
                (slot, listener.accept().await)
            };
            let (slot, accepted) = tokio::select! {
                accepted = accepted => accepted,
                () = &mut shutdown => break Ok(()),
            };
            match accepted {
                Ok((stream, _)) => {
                    faults = Faults::default();
                    let connection = connect(stream, router.clone(), patience, &graceful);
                    connections.spawn(async move {
                        let _slot = slot;
                        connection.await;
                    });
                }
                Err(error) => match faults.bear(error) {
                    Ok(()) => tokio::time::sleep(NO_ROOM).await,
                    Err(error) => break Err(error),
                },
            }
            while connections.try_join_next().is_some() {}
        };
        drop(listener);
        self.end(graceful, connections, grace).await;
        ended
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

/// Serves a connection to its end.
fn connect(
    stream: TcpStream,
    router: Router,
    patience: Patience,
    graceful: &GracefulShutdown,
) -> impl Future<Output = ()> + Send + 'static {
    // Small pieces are all that there is.
    let _ = stream.set_nodelay(true);
    let stream = Arc::new(stream);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience.head)
        .max_headers(HEADERS)
        .max_buf_size(BUFFER)
        .serve_connection(
            Connection::new(stream.clone(), patience.stall),
            TowerToHyperService::new(router),
        );
    let connection = graceful.watch(connection);
    async move {
        tokio::select! {
            ended = connection => if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended");
            },
            () = Connection::left(&stream) => return,
        }
        if let Some(stream) = Arc::into_inner(stream) {
            connection::linger(stream).await;
        }
    }
}

/// How often in a row no connection could be accepted. Nearly all that a system says then passes:
/// the peer was too quick, its network failed, or too much is open here.
#[derive(Debug, Default)]
struct Faults(u32);

impl Faults {
    /// Gives an error back once there are too many.
    fn bear(&mut self, error: io::Error) -> io::Result<()> {
        self.0 += 1;
        if self.0 >= FAULTS {
            return Err(error);
        }
        tracing::warn!(%error, "a connection cannot be accepted");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_pass_is_borne_and_a_broken_listener_is_not_for_ever() {
        const PROTOCOL_ERROR: i32 = 71;
        let mut faults = Faults::default();
        for _ in 1..FAULTS {
            faults.bear(io::Error::from_raw_os_error(PROTOCOL_ERROR)).expect("it may pass");
        }
        faults.bear(io::Error::from_raw_os_error(PROTOCOL_ERROR)).expect_err("it does not");
    }
}
