//! One process owns a profile and its browser; the others of the same user ask through it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, stream};
use lenore::{
    ChatRequest, Completion, Error, ErrorKind, Event, Health, Model, Poe, Provider, Result,
};
use lenore_ipc::{Remote, Token};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

/// How long a process that offers its browser may take to answer.
const ANSWERS: Duration = Duration::from_secs(5);
/// How often a profile that is in use is tried again. Nothing tells when a lock is let go of.
const TRY_AGAIN: Duration = Duration::from_millis(100);

/// The way for other processes of the user to the browser of this one.
struct Door {
    close: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

impl Door {
    /// Lets other processes of the user ask through the browser, whose profile is owned already.
    /// `None` where the profile is a throw-away one, or not ours.
    async fn open(poe: &Poe) -> Result<Option<Self>> {
        if poe.user_data_dir().is_none() {
            return Ok(None);
        }
        let unable = |error| {
            let message = "no port of this machine is free for other processes of yours";
            Error::new(ErrorKind::Network, message).with_source(error)
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(unable)?;
        let address = listener.local_addr().map_err(unable)?;
        let token = Token::random().map_err(unable)?;
        poe.own_profile(Some(&format!("{address} {}", token.to_hex())))?;
        let (close, closed) = oneshot::channel();
        let closed = async {
            // An error means that the door is gone, which closes it as well.
            let _ = closed.await;
        };
        let served =
            tokio::spawn(lenore_ipc::serve(listener, token, Arc::new(poe.clone()), closed));
        Ok(Some(Self { close, served }))
    }

    /// Ends what others still ask.
    async fn close(self) {
        let _ = self.close.send(());
        let _ = self.served.await;
    }
}

/// Poe on its profile: through a browser of ours, or that of the process that owns the profile.
#[derive(Clone)]
pub(crate) struct ByOwner {
    poe: Poe,
    /// How long a process that offers no way in is waited for.
    patience: Duration,
    /// Whether others may ask through the browser, and how they do while it is ours.
    shares: Arc<AtomicBool>,
    door: Arc<Mutex<Option<Door>>>,
}

/// Where a question goes.
enum Way {
    To(Arc<dyn Provider>),
    /// This process owns the profile, and offers no way in.
    Busy(Option<u32>),
}

/// How far a question has come.
enum Step {
    /// Whether its caller knows that it waits, and until when it does.
    Waits(ChatRequest, Option<Instant>),
    Asked(Completion),
}

impl ByOwner {
    pub(crate) fn new(poe: Poe, patience: Duration) -> Self {
        Self { poe, patience, shares: Arc::default(), door: Arc::default() }
    }

    /// Lets other processes of the user ask, now or as soon as the profile is ours. Whether it is.
    ///
    /// # Errors
    /// The profile cannot be used.
    pub(crate) async fn share(&self) -> Result<bool> {
        self.shares.store(true, Ordering::Relaxed);
        match self.own().await {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::ProfileInUse => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Ends what others still ask.
    pub(crate) async fn close_door(&self) {
        self.shares.store(false, Ordering::Relaxed);
        if let Some(door) = self.door.lock().await.take() {
            door.close().await;
        }
    }

    /// Takes the profile, unless it is ours already.
    async fn own(&self) -> Result<()> {
        self.poe.own_profile(None)?;
        let mut door = self.door.lock().await;
        if door.is_none() && self.shares.load(Ordering::Relaxed) {
            *door = Door::open(&self.poe).await?;
        }
        Ok(())
    }

    async fn way(&self) -> Result<Way> {
        let in_use = match self.own().await {
            Ok(()) => return Ok(Way::To(Arc::new(self.poe.clone()))),
            Err(error) if error.kind() == ErrorKind::ProfileInUse => error,
            Err(error) => return Err(error),
        };
        let directory = self.poe.user_data_dir().map(PathBuf::from);
        // Only processes of Lenore are waited for.
        if directory.as_deref().and_then(Poe::foreign_browser).is_some() {
            return Err(in_use);
        }
        let Some(owner) = directory.and_then(|directory| Poe::owner(&directory)) else {
            tracing::debug!(%in_use, "by nobody that can be told");
            return Ok(Way::Busy(None));
        };
        let Some((address, token)) = owner.announced.as_deref().and_then(read) else {
            return Ok(Way::Busy(Some(owner.pid)));
        };
        match Remote::connect(address, token, ANSWERS).await {
            Ok(remote) if remote.url() == self.poe.url() => Ok(Way::To(Arc::new(remote))),
            Ok(remote) => Err(Error::new(
                ErrorKind::ProfileInUse,
                format!(
                    "process {} uses the profile for {}; end it, or name another profile",
                    owner.pid,
                    remote.url()
                ),
            )),
            // It is just ending.
            Err(error) if error.kind() == ErrorKind::Network => Ok(Way::Busy(Some(owner.pid))),
            Err(error) => Err(error),
        }
    }

    /// The next event of a question. Asks first where that is not done yet.
    async fn next(&self, mut step: Step) -> Option<(Result<Event>, Step)> {
        loop {
            let (request, until) = match step {
                Step::Asked(mut completion) => {
                    let event = completion.next().await?;
                    return Some((event, Step::Asked(completion)));
                }
                Step::Waits(request, until) => (request, until),
            };
            let pid = match self.way().await {
                Ok(Way::To(provider)) => {
                    step = Step::Asked(provider.create_completion(request));
                    continue;
                }
                Ok(Way::Busy(pid)) => pid,
                Err(error) => return Some((Err(error), Step::Waits(request, until))),
            };
            let who = process(pid);
            match until {
                None => {
                    let notice = format!("waiting for {who}, which uses the profile");
                    let until = Some(Instant::now() + self.patience);
                    return Some((Ok(Event::Status(notice)), Step::Waits(request, until)));
                }
                Some(end) if Instant::now() >= end => {
                    let error = Error::new(
                        ErrorKind::ProfileInUse,
                        format!(
                            "{who} still uses the profile after {} s; wait for it, end it, or \
                             name another profile with --profile or --user-data-dir",
                            self.patience.as_secs()
                        ),
                    );
                    return Some((Err(error), Step::Waits(request, until)));
                }
                Some(_) => sleep(TRY_AGAIN).await,
            }
            step = Step::Waits(request, until);
        }
    }
}

/// A process, for a person.
fn process(pid: Option<u32>) -> String {
    pid.map_or_else(|| "another process".into(), |pid| format!("process {pid}"))
}

/// What a [`Door`] announces.
fn read(announced: &str) -> Option<(SocketAddr, Token)> {
    let (address, token) = announced.split_once(' ')?;
    Some((address.parse().ok()?, token.parse().ok()?))
}

impl Provider for ByOwner {
    fn name(&self) -> &str {
        self.poe.name()
    }

    fn url(&self) -> &str {
        self.poe.url()
    }

    fn working(&self) -> bool {
        self.poe.working()
    }

    fn needs_auth(&self) -> bool {
        self.poe.needs_auth()
    }

    fn supports_stream(&self) -> bool {
        self.poe.supports_stream()
    }

    fn default_model(&self) -> &str {
        self.poe.default_model()
    }

    fn models(&self) -> Vec<Model> {
        self.poe.models()
    }

    fn health(&self) -> Health {
        self.poe.health()
    }

    /// How the browser is doing that questions go to, whoever owns it.
    fn check_health(&self) -> BoxFuture<'_, Health> {
        let found = async {
            let fault = match self.way().await {
                Ok(Way::To(provider)) => return provider.check_health().await,
                Ok(Way::Busy(pid)) => format!("{} uses the profile", process(pid)),
                Err(error) => error.to_string(),
            };
            Health { fault: Some(fault), ..self.poe.health() }
        };
        found.boxed()
    }

    fn create_completion(&self, request: ChatRequest) -> Completion {
        // What nobody can answer needs no profile.
        if let Err(error) = self.poe.check(&request) {
            return Completion::failed(error);
        }
        let (way, stream) = (self.clone(), request.stream);
        let events = stream::unfold(Step::Waits(request, None), move |step| {
            let way = way.clone();
            async move { way.next(step).await }
        });
        Completion::new(events, stream)
    }
}
