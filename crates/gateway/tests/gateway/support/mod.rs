//! What the tests share: a provider that does as it is told, a server over it, and a plain client.

pub(crate) mod clients;
mod fake;
mod http;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use lenore_gateway::{Gateway, GatewayBuilder};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub(crate) use self::fake::{Fake, Step, delta, finished, script, started};
pub(crate) use self::http::{Reply, Wire, frames, get, post, request};

/// No wait of a test is longer.
pub(crate) const WAIT: Duration = Duration::from_secs(40);

/// What a future yields, which it must do in time.
pub(crate) async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    let result = tokio::time::timeout(WAIT, future).await;
    result.unwrap_or_else(|_| panic!("{what} takes longer than {WAIT:?}"))
}

/// A server, and the provider behind it.
pub(crate) struct Server {
    pub(crate) fake: Arc<Fake>,
    pub(crate) address: SocketAddr,
    shutdown: Option<oneshot::Sender<()>>,
    serving: JoinHandle<std::io::Result<()>>,
}

impl Server {
    /// Over a provider that does the same for every question.
    pub(crate) async fn start(steps: impl Into<Vec<Step>>) -> Self {
        let steps = steps.into();
        Self::over(Fake::new(move |_| steps.clone())).await
    }

    /// Over a provider that follows the question's own words; see [`script`].
    pub(crate) async fn scripted() -> Self {
        Self::over(Fake::new(script)).await
    }

    pub(crate) async fn over(fake: Fake) -> Self {
        Self::with(fake, |builder| builder).await
    }

    pub(crate) async fn with(
        fake: Fake,
        options: impl FnOnce(GatewayBuilder) -> GatewayBuilder,
    ) -> Self {
        Self::graceful(fake, options, Duration::from_secs(5)).await
    }

    pub(crate) async fn graceful(
        fake: Fake,
        options: impl FnOnce(GatewayBuilder) -> GatewayBuilder,
        grace: Duration,
    ) -> Self {
        let fake = Arc::new(fake);
        let gateway = options(Gateway::builder(fake.clone())).build().expect("valid options");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let (shutdown, signal) = oneshot::channel();
        let serving = tokio::spawn(async move {
            let signal = async {
                let _ = signal.await;
            };
            gateway.serve(listener, signal, grace).await
        });
        Self { fake, address, shutdown: Some(shutdown), serving }
    }

    /// Tells it to end.
    pub(crate) fn shut_down(&mut self) {
        let _ = self.shutdown.take().expect("once").send(());
    }

    /// Waits for its end.
    pub(crate) async fn ended(self) -> Arc<Fake> {
        let ended = in_time("the server's end", self.serving).await;
        ended.expect("no panic").expect("no error");
        self.fake
    }

    /// Ends it, and checks that no answer is left running.
    pub(crate) async fn end(mut self) {
        self.shut_down();
        let fake = self.ended().await;
        assert_eq!(fake.running(), 0, "answers are left");
    }
}
