//! One session of a service: its socket, and its end.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::runtime::Handle;
use url::Url;

use super::attendant::Attendant;
use super::bidi::{Connection, Nothing, Of};
use super::service::{Created, Service};
use crate::given_back::{GIVE_BACK, Left};
use crate::proxy::Credentials;
use crate::{Error, ErrorKind, Result, SessionCookie};

/// How often a session is asked whether it is there, and how long its answer may take.
const BEAT: Duration = Duration::from_secs(5);
const ANSWER: Duration = Duration::from_secs(10);

/// How long a socket may take to open: at an address of another network nobody ever answers.
const SOCKET: Duration = Duration::from_secs(10);

/// A session that can be spoken to. Dropping it closes its socket, and gives one of ours back.
pub(super) struct Session {
    pub(super) connection: Arc<Connection>,
    /// None where it is somebody else's.
    owned: Option<Owned>,
    version: String,
    /// Whether a proxy asks for credentials of ours.
    pub(super) answers_proxy: bool,
}

impl Session {
    /// Begins one of our own.
    pub(super) async fn begin(
        service: &Service,
        capabilities: &Value,
        credentials: Option<Credentials>,
        cookies: &[SessionCookie],
        wait: Duration,
    ) -> Result<Self> {
        let end = Instant::now() + wait;
        let Created { session_id: id, capabilities } = service.create(capabilities, wait).await?;
        let owned = Owned { service: service.clone(), id, is_given_back: AtomicBool::new(false) };
        let word = |name: &str| capabilities.get(name).and_then(Value::as_str);
        let address = word("webSocketUrl").and_then(|address| Url::parse(address).ok());
        let address = address.ok_or_else(|| {
            let message = "the service opened a session without a socket; it must speak WebDriver \
                           BiDi (a chromedriver, a geckodriver, a Selenium Grid of 2023 or later)";
            Error::new(ErrorKind::Launch, message)
        })?;
        let left = end.saturating_duration_since(Instant::now());
        let version =
            [word("browserName"), word("browserVersion")].into_iter().flatten().collect::<Vec<_>>();
        let session = Self::over_first(service, service.sockets_at(&address), credentials, left);
        let mut session = session.await?;
        session.owned = Some(owned);
        session.version = version.join("/");
        for cookie in cookies {
            session.set_cookie(cookie).await?;
        }
        tracing::debug!(browser = session.version, "a session has begun");
        Ok(session)
    }

    /// Takes part in one that runs already.
    pub(super) async fn adopt(
        service: &Service,
        id: &str,
        credentials: Option<Credentials>,
        wait: Duration,
    ) -> Result<Self> {
        if !service.is_socket() {
            service.check(id, wait).await?;
        }
        let sockets = service.sockets_of(id);
        Self::over_first(service, sockets, credentials, wait).await.map_err(|error| {
            let message = format!(
                "the session at {} has no socket; begin it with the capability webSocketUrl: true, \
                 or, where a geckodriver runs it, name the ws:// address that it was begun with",
                service.place()
            );
            Error::new(ErrorKind::Launch, message).with_source(error)
        })
    }

    /// Speaks over the first of some addresses at which the session answers.
    async fn over_first(
        service: &Service,
        addresses: Vec<Url>,
        credentials: Option<Credentials>,
        wait: Duration,
    ) -> Result<Self> {
        let end = Instant::now() + wait;
        let mut failure = None;
        for address in addresses {
            let left = end.saturating_duration_since(Instant::now()).min(SOCKET);
            match Self::over(service, &address, credentials.clone(), left).await {
                Ok(session) => return Ok(session),
                Err(error) => failure = Some(error),
            }
        }
        Err(failure.unwrap_or_else(Error::closed))
    }

    async fn over(
        service: &Service,
        address: &Url,
        credentials: Option<Credentials>,
        wait: Duration,
    ) -> Result<Self> {
        let socket = service.open_socket(address, wait).await?;
        let (connection, events) = Connection::over(socket);
        let connection = Arc::new(connection);
        // A gateway may take the socket and have nobody behind it.
        connection.call::<Value>(Of::Session, "session.status", json!({}), wait).await?;
        let windows = json!({ "events": ["browsingContext.contextCreated"] });
        connection.call::<Value>(Of::Session, "session.subscribe", windows, wait).await?;
        let answers_proxy = credentials.is_some();
        tokio::spawn(Attendant::new(connection.clone(), credentials).attend_all(events));
        Ok(Self { connection, owned: None, version: String::new(), answers_proxy })
    }

    /// Whether it was begun for us.
    pub(super) fn is_ours(&self) -> bool {
        self.owned.is_some()
    }

    /// The browser's name and version, where it told.
    pub(super) fn version(&self) -> &str {
        &self.version
    }

    pub(super) fn is_alive(&self) -> bool {
        !self.connection.is_closed()
    }

    /// Waits until it is lost, and sees to it that everybody who waits for it knows.
    ///
    /// The end of the socket alone does not tell: a Grid leaves it open, and even answers its
    /// pings, where the node has died or the session has timed out. So the session itself is
    /// asked, which also keeps it from timing out while it has nothing else to say.
    pub(super) fn lost(&self) -> impl Future<Output = ()> + use<> {
        let connection = self.connection.clone();
        async move {
            let mut closed = connection.closed();
            loop {
                tokio::select! {
                    _ = closed.wait_for(|closed| *closed) => return,
                    () = tokio::time::sleep(BEAT) => {}
                }
                let answer: Result<Value> =
                    connection.call(Of::Session, "session.status", json!({}), ANSWER).await;
                if answer.is_err_and(|error| error.kind() == ErrorKind::Timeout) {
                    tracing::debug!("a session does not answer");
                    connection.close();
                }
            }
        }
    }

    async fn set_cookie(&self, cookie: &SessionCookie) -> Result<()> {
        let mut wanted = json!({
            "name": cookie.name,
            "value": { "type": "string", "value": cookie.value },
            "domain": cookie.domain,
            "path": cookie.path,
            "secure": cookie.secure,
            "httpOnly": cookie.http_only,
        });
        if let Some(same_site) = &cookie.same_site {
            wanted["sameSite"] = json!(same_site);
        }
        if let Some(expires) = cookie.expires {
            wanted["expiry"] = json!(expires);
        }
        let params = json!({ "cookie": wanted });
        let set: Result<Value> =
            self.connection.call(Of::Session, "storage.setCookie", params, ANSWER).await;
        set.map(drop).map_err(|error| {
            if error.kind() != ErrorKind::Protocol {
                return error;
            }
            let message = format!(
                "the browser takes no cookie {} for {}; export the cookies anew",
                cookie.name, cookie.domain
            );
            Error::new(ErrorKind::InvalidOption, message).with_source(error)
        })
    }

    /// Gives one of our own back to the service; somebody else's loses our tabs, and nothing more.
    pub(super) async fn end(&self) {
        let connection = &self.connection;
        if let Some(owned) = &self.owned {
            connection.close();
            owned.give_back().await;
            return;
        }
        let closing = connection.contexts().into_iter().map(|context| async move {
            let params = json!({ "context": context });
            let _: Result<Nothing> =
                connection.call(Of::Session, "browsingContext.close", params, GIVE_BACK).await;
        });
        join_all(closing).await;
        connection.close();
    }

    /// Leaves somebody else's without waiting for the end of our tabs.
    pub(super) fn leave(&self) {
        for context in self.connection.contexts() {
            self.connection.post("browsingContext.close", &json!({ "context": context }));
        }
        self.connection.close();
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Its attendant holds the connection too.
        self.connection.close();
    }
}

/// The id is a key to the browser.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("version", &self.version).finish_non_exhaustive()
    }
}

/// A session that has begun for us. Dropping it gives it back, where that was not done in order.
struct Owned {
    service: Service,
    id: String,
    is_given_back: AtomicBool,
}

impl Owned {
    async fn give_back(&self) {
        let _left = Left::one_more();
        self.service.end(&self.id, GIVE_BACK).await;
        self.is_given_back.store(true, Ordering::Relaxed);
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        if *self.is_given_back.get_mut() {
            return;
        }
        let Ok(runtime) = Handle::try_current() else {
            tracing::warn!("a session could not be given back");
            return;
        };
        let (service, id, left) =
            (self.service.clone(), std::mem::take(&mut self.id), Left::one_more());
        runtime.spawn(async move {
            service.end(&id, GIVE_BACK).await;
            drop(left);
        });
    }
}
