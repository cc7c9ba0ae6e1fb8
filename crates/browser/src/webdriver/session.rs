//! One session of a service: its socket, and its end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use url::Url;

use super::attendant::Attendant;
use super::bidi::{Connection, Nothing, Of};
use super::service::{Created, Service};
use crate::proxy::Credentials;
use crate::{Error, ErrorKind, Result, SessionCookie};

/// How long giving a session back may take, and the farewell to our tabs in somebody else's.
const GIVE_BACK: Duration = Duration::from_secs(5);

/// How often a session is asked whether it is there, and how long its answer may take.
const BEAT: Duration = Duration::from_secs(5);
const ANSWER: Duration = Duration::from_secs(10);

/// How long a socket may take to open: at an address of another network nobody ever answers.
const SOCKET: Duration = Duration::from_secs(10);

/// A session that can be spoken to.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) connection: Arc<Connection>,
    service: Service,
    id: String,
    is_ours: bool,
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
        let unfinished = Unfinished { service: service.clone(), id: Some(id.clone()) };
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
        let session =
            Self::over_first(service, service.sockets_at(&address), &id, credentials, left);
        let mut session = session.await?;
        for cookie in cookies {
            session.set_cookie(cookie, wait).await?;
        }
        unfinished.finish();
        session.is_ours = true;
        session.version = version.join("/");
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
        Self::over_first(service, sockets, id, credentials, wait).await.map_err(|error| {
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
        id: &str,
        credentials: Option<Credentials>,
        wait: Duration,
    ) -> Result<Self> {
        let end = Instant::now() + wait;
        let mut failure = None;
        for address in addresses {
            let left = end.saturating_duration_since(Instant::now()).min(SOCKET);
            match Self::over(service, &address, id, credentials.clone(), left).await {
                Ok(session) => return Ok(session),
                Err(error) => failure = Some(error),
            }
        }
        Err(failure.unwrap_or_else(Error::closed))
    }

    async fn over(
        service: &Service,
        address: &Url,
        id: &str,
        credentials: Option<Credentials>,
        wait: Duration,
    ) -> Result<Self> {
        let socket = service.open_socket(address, wait).await?;
        let (connection, events) = Connection::over(socket);
        let connection = Arc::new(connection);
        // A gateway may take the socket and have nobody behind it.
        connection.call::<Value>(Of::Session, "session.status", json!({}), wait).await?;
        let answers_proxy = credentials.is_some();
        tokio::spawn(Attendant::new(connection.clone(), credentials).attend_all(events));
        Ok(Self {
            connection,
            service: service.clone(),
            id: id.to_owned(),
            is_ours: false,
            version: String::new(),
            answers_proxy,
        })
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
    pub(super) async fn lost(&self) {
        let mut closed = self.connection.closed();
        loop {
            tokio::select! {
                _ = closed.wait_for(|closed| *closed) => return,
                () = tokio::time::sleep(BEAT) => {}
            }
            let answer: Result<Value> =
                self.connection.call(Of::Session, "session.status", json!({}), ANSWER).await;
            if answer.is_err_and(|error| error.kind() == ErrorKind::Timeout) {
                tracing::debug!("a session does not answer");
                self.connection.close();
            }
        }
    }

    async fn set_cookie(&self, cookie: &SessionCookie, wait: Duration) -> Result<()> {
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
            self.connection.call(Of::Session, "storage.setCookie", params, wait).await;
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
        if self.is_ours {
            connection.close();
            self.service.clone().end(&self.id, GIVE_BACK).await;
        } else {
            for context in connection.contexts() {
                let params = json!({ "context": context });
                let _: Result<Nothing> =
                    connection.call(Of::Session, "browsingContext.close", params, GIVE_BACK).await;
            }
            connection.close();
        }
    }
}

/// A session that has begun at the service and that nobody holds yet. Dropping it gives it back.
struct Unfinished {
    service: Service,
    id: Option<String>,
}

impl Unfinished {
    fn finish(mut self) {
        self.id = None;
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let (Some(id), Ok(runtime)) = (self.id.take(), tokio::runtime::Handle::try_current()) {
            let service = self.service.clone();
            runtime.spawn(async move { service.end(&id, GIVE_BACK).await });
        }
    }
}
