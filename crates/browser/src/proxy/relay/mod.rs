//! A proxy on this machine that stands before a SOCKS5 proxy with a password, since no browser
//! gives one a password.
//!
//! The browser speaks to it as to an HTTP proxy, with a password of its own that is made for this
//! browser alone, so that it is no open door for others on the machine. The names of hosts are
//! left to the SOCKS5 proxy.

mod failures;

use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http_body_util::{Either, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::header::{
    CONNECTION, HeaderMap, HeaderName, HeaderValue, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE,
    TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use hyper::http::uri::PathAndQuery;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper::{Method, Request, Response, StatusCode, Uri, client};
use hyper_util::rt::{TokioIo, TokioTimer};
use subtle::ConstantTimeEq;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use tokio_socks::tcp::Socks5Stream;

pub(crate) use self::failures::Failures;
use self::failures::{Failure, Site};
use super::{Credentials, Proxy};
use crate::{Error, ErrorKind, Result};

/// How long the SOCKS5 proxy may take for a connection.
const CONNECT: Duration = Duration::from_secs(30);

/// How long to wait where no more connections can be taken.
const FULL: Duration = Duration::from_millis(50);

/// The user's name for the browser.
const USER: &str = "relay";

/// A running relay. It ends with the value, with all that goes through it.
#[derive(Debug)]
pub(crate) struct Relay {
    proxy: Proxy,
    failures: Failures,
    task: JoinHandle<()>,
}

impl Relay {
    /// Starts one before a proxy that [needs it](Proxy::needs_relay).
    pub(crate) async fn start(socks: &Proxy) -> Result<Self> {
        let refused = |error: io::Error| {
            let message = format!("the way to the proxy cannot be opened on this machine: {error}");
            Error::new(ErrorKind::Launch, message).with_source(error)
        };
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).map_err(|error| refused(error.into()))?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let password = URL_SAFE_NO_PAD.encode(secret);
        let failures = Failures::default();
        let door = Arc::new(Door {
            expected: format!("Basic {}", STANDARD.encode(format!("{USER}:{password}"))),
            socks: socks.clone(),
            failures: failures.clone(),
        });
        let proxy = Proxy {
            server: format!("http://{address}"),
            credentials: Some(Credentials { user: USER.to_owned(), password }),
            bypass: socks.bypass.clone(),
        };
        Ok(Self { proxy, failures, task: tokio::spawn(listen(listener, door)) })
    }

    /// What the browser is to use.
    pub(crate) fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    /// Why pages could not be loaded, which the browser does not know.
    pub(crate) fn failures(&self) -> &Failures {
        &self.failures
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Takes the browser's connections, all of which end with it.
async fn listen(listener: TcpListener, door: Arc<Door>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((client, _)) => drop(connections.spawn(carry(client, door.clone()))),
                Err(_) => tokio::time::sleep(FULL).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// What becomes of a connection once its `CONNECT` is granted.
type Tunnel = Arc<Mutex<Option<(OnUpgrade, TcpStream)>>>;

/// Carries one connection of the browser to its end.
async fn carry(client: TcpStream, door: Arc<Door>) {
    let tunnel = Tunnel::default();
    let service = service_fn(|request| {
        let (door, tunnel) = (door.clone(), tunnel.clone());
        async move { Ok::<_, Infallible>(door.answer(request, &tunnel).await) }
    });
    // With a timer the connection of somebody who never asks for anything is closed.
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(client), service)
        .with_upgrades();
    let _ = connection.await;
    let granted = tunnel.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some((upgrade, mut far)) = granted
        && let Ok(near) = upgrade.await
    {
        // Either end may break off; the other then sees it.
        let _ = copy_bidirectional(&mut TokioIo::new(near), &mut far).await;
    }
}

/// The relay's side of each request.
struct Door {
    /// The header that only our browser can send.
    expected: String,
    socks: Proxy,
    failures: Failures,
}

type Answer = Response<Either<Incoming, Empty<Bytes>>>;

impl Door {
    async fn answer(&self, request: Request<Incoming>, tunnel: &Tunnel) -> Answer {
        if !self.lets_in(request.headers()) {
            let mut answer = nothing(StatusCode::PROXY_AUTHENTICATION_REQUIRED);
            let challenge = HeaderValue::from_static("Basic realm=\"relay\"");
            answer.headers_mut().insert(PROXY_AUTHENTICATE, challenge);
            return answer;
        }
        let Some(site) = Site::of(request.uri()) else { return nothing(StatusCode::BAD_REQUEST) };
        let far = match self.connect(&site).await {
            Ok(far) => far,
            Err(words) => {
                tracing::debug!("{words}");
                return nothing(StatusCode::BAD_GATEWAY);
            }
        };
        if request.method() == Method::CONNECT {
            let granted = (hyper::upgrade::on(request), far);
            *tunnel.lock().unwrap_or_else(PoisonError::into_inner) = Some(granted);
            return nothing(StatusCode::OK);
        }
        // Each on a connection of its own: sites that are asked like this are few.
        forward(request, far).await.unwrap_or_else(|_| nothing(StatusCode::BAD_GATEWAY))
    }

    fn lets_in(&self, headers: &HeaderMap) -> bool {
        let shown = headers.get(PROXY_AUTHORIZATION).map_or(&[][..], HeaderValue::as_bytes);
        // Takes the same time whatever the difference.
        shown.ct_eq(self.expected.as_bytes()).into()
    }

    /// A connection to the site through the SOCKS5 proxy.
    async fn connect(&self, site: &Site) -> Result<TcpStream, String> {
        let connected = timeout(CONNECT, through(&self.socks, site)).await;
        let failure = match connected {
            Ok(Ok(far)) => {
                self.failures.set(None);
                return Ok(far);
            }
            Ok(Err(failure)) => failure,
            Err(_) => Failure::Proxy("the proxy does not answer; check its address".to_owned()),
        };
        let words = failure.words().to_owned();
        self.failures.set(Some((site.clone(), failure)));
        Err(words)
    }
}

async fn through(socks: &Proxy, site: &Site) -> Result<TcpStream, Failure> {
    let unreachable = |error: io::Error| {
        Failure::Proxy(format!("the proxy cannot be reached; check its address ({error})"))
    };
    let far = TcpStream::connect(socks.address()).await.map_err(unreachable)?;
    // What is sent is whole already.
    let _ = far.set_nodelay(true);
    let to = (site.host.as_str(), site.port);
    let connected = match socks.credentials() {
        Some(Credentials { user, password }) => {
            Socks5Stream::connect_with_password_and_socket(far, to, user, password).await
        }
        None => Socks5Stream::connect_with_socket(far, to).await,
    };
    connected.map(Socks5Stream::into_inner).map_err(Failure::from)
}

/// Sends a request for a plain-text site on, and its answer back.
async fn forward(request: Request<Incoming>, far: TcpStream) -> hyper::Result<Answer> {
    let (mut head, body) = request.into_parts();
    let path = head.uri.path_and_query().map_or("/", PathAndQuery::as_str);
    head.uri = path.parse().unwrap_or_else(|_| Uri::from_static("/"));
    keep_to_the_end(&mut head.headers);
    let (mut sender, connection) = client::conn::http1::handshake(TokioIo::new(far)).await?;
    // It ends with the answer's body, whether that is read or dropped.
    tokio::spawn(connection);
    let mut answer = sender.send_request(Request::from_parts(head, body)).await?;
    keep_to_the_end(answer.headers_mut());
    Ok(answer.map(Either::Left))
}

/// Takes out what is meant for the next station alone.
fn keep_to_the_end(headers: &mut HeaderMap) {
    let named = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let named = named.flat_map(|names| names.split(','));
    let named = named.filter_map(|name| name.trim().parse::<HeaderName>().ok());
    for name in named.collect::<Vec<_>>() {
        headers.remove(name);
    }
    for name in [CONNECTION, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, UPGRADE] {
        headers.remove(name);
    }
    // How a body is cut up is settled anew for each connection.
    headers.remove(TRANSFER_ENCODING);
    headers.remove("keep-alive");
    headers.remove("proxy-connection");
}

fn nothing(status: StatusCode) -> Answer {
    let mut answer = Response::new(Either::Right(Empty::new()));
    *answer.status_mut() = status;
    answer
}
