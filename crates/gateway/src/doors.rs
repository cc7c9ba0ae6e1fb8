//! What every request passes: who may come in, and in which shape it is told what went wrong.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{
    AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN,
};
use axum::http::{StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tower::ServiceExt as _;
use url::{Host, Url};

use crate::Gateway;
use crate::connection::Client;
use crate::failure::{Failure, Wire};
use crate::ids;
use crate::models::is_anthropic;
use crate::paths;

/// The name of a request, as its failures tell it.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(pub(crate) String);

/// Where the name stands, for both kinds of clients.
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
/// Where Anthropic's clients put the key.
const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Tells more to who has a key.
const READY: &str = "/health/ready";

/// Whether who asks may know more than everybody.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trusted(pub(crate) bool);

/// Paths that need no key: they tell nothing that is anybody's own.
const OPEN: &[&str] = &["/", "/health/live", READY, "/openapi.json"];

/// The door.
pub(crate) async fn door(
    State(gateway): State<Gateway>,
    mut request: Request,
    next: Next,
) -> Response {
    let begin = Instant::now();
    let id = ids::new("req_");
    let path = request.uri().path();
    let meant = paths::meant(path);
    let wire = Wire::of(meant.as_deref().unwrap_or(path), is_anthropic(request.headers()));
    let endpoint = endpoint(request.extensions().get::<MatchedPath>());
    let method = request.method().clone();
    request.extensions_mut().insert(RequestId(id.clone()));
    let client = request.extensions().get::<Arc<Client>>().cloned();
    let mut response = match admit(&gateway, &mut request, client.as_deref()).await {
        Ok(is_let_in) => {
            let busy = client.filter(|_| is_let_in).map(|client| client.is_let_in());
            let mut response = next.run(request).await;
            // It lasts as long as the response's body.
            if let Some(busy) = busy {
                response.extensions_mut().insert(Arc::new(busy));
            }
            response
        }
        Err(failure) => failure.into_response(),
    };
    if let Some(mut failure) = response.extensions_mut().remove::<Failure>() {
        if let Some(limit) = failure.limit() {
            gateway.metrics().limit_met(limit);
        }
        // What came of an answer may be large, and is not copied.
        let partial = failure.take_partial();
        let mut body = failure.body(wire, &id);
        if let Some(partial) = partial {
            body["error"]["partial"] = partial.into();
        }
        *response.body_mut() = Body::from(body.to_string());
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(CONTENT_TYPE, json);
        // Routes within routes have told the length of no body.
        response.headers_mut().remove(CONTENT_LENGTH);
    }
    let status = response.status().as_u16();
    let headers = response.headers_mut();
    let value = HeaderValue::from_str(&id).expect("letters and digits");
    headers.insert(REQUEST_ID, value.clone());
    headers.insert(X_REQUEST_ID, value);
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    gateway.metrics().request(endpoint, status);
    tracing::info!(%id, %method, endpoint, status, elapsed = ?begin.elapsed(), "request");
    response
}

/// A name for logs and counters that no client chooses.
fn endpoint(path: Option<&MatchedPath>) -> &'static str {
    const KNOWN: &[&str] = &[
        "/v1/chat/completions",
        "/v1/completions",
        "/v1/responses",
        "/v1/messages",
        "/v1/messages/count_tokens",
        "/v1/models",
        "/v1/models/{*id}",
        "/health/live",
        "/health/ready",
        "/metrics",
        "/openapi.json",
        "/",
    ];
    let path = path.map(MatchedPath::as_str).unwrap_or_default();
    KNOWN.iter().find(|known| **known == path).copied().unwrap_or("other")
}

/// Lets a request in, with its caller, or says why not. Whether the door was not open to all.
async fn admit(
    gateway: &Gateway,
    request: &mut Request,
    client: Option<&Client>,
) -> Result<bool, Failure> {
    let headers = request.headers();
    let host = host(headers, request.uri())?;
    check_host(gateway, &host)?;
    check_origin(gateway, headers, &host)?;
    let path = request.uri().path();
    let is_open = OPEN.contains(&path);
    let caller = if is_open && path != READY {
        Ok(gateway.0.keys.nobody())
    } else {
        // Some clients give both, one of which is a placeholder.
        let [first, second] = keys(headers);
        let caller = gateway.0.keys.caller(first.or(second));
        let caller = match (first, second) {
            (Some(_), Some(_)) => caller.or_else(|_| gateway.0.keys.caller(second)),
            _ => caller,
        };
        match (caller, client) {
            (Ok(caller), Some(client)) if caller.name().is_none() => {
                let owner = client.owner(&gateway.0.peers).await;
                owner.refused().map_or(Ok(caller), Err)
            }
            (caller, _) => caller,
        }
    };
    let is_trusted = caller.is_ok();
    let caller = match caller {
        Err(_) if is_open => gateway.0.keys.nobody(),
        caller => caller?,
    };
    request.extensions_mut().insert(caller);
    request.extensions_mut().insert(Trusted(is_trusted));
    Ok(!is_open)
}

/// The key, wherever the client puts it.
fn keys(headers: &HeaderMap) -> [Option<&str>; 2] {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let bearer = text(AUTHORIZATION).and_then(|value| {
        let (scheme, key) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
    });
    [text(X_API_KEY), bearer]
}

/// What the client calls this server: name and port.
fn host(headers: &HeaderMap, uri: &Uri) -> Result<String, Failure> {
    let mut named = headers.get_all(HOST).iter();
    let host = match (named.next(), named.next()) {
        (Some(host), None) => host.to_str().ok(),
        (None, _) => uri.authority().map(|authority| authority.as_str()),
        _ => None,
    };
    host.map(str::to_ascii_lowercase)
        .ok_or_else(|| Failure::invalid("the request needs one Host header"))
}

/// A page of another site whose name leads here (DNS rebinding) gives its own name. An address
/// cannot be such a name.
fn check_host(gateway: &Gateway, host: &str) -> Result<(), Failure> {
    let url = Url::parse(&format!("http://{host}/")).ok().filter(|url| url.username().is_empty());
    let is_allowed = match url.as_ref().and_then(Url::host) {
        Some(Host::Domain(name)) => {
            name == "localhost"
                || name.ends_with(".localhost")
                || gateway.0.options.hosts.iter().any(|allowed| allowed == name)
        }
        Some(_) => true,
        None => false,
    };
    if is_allowed {
        return Ok(());
    }
    Err(Failure::new(
        StatusCode::FORBIDDEN,
        "host_not_allowed",
        "this server is not known by the name in the Host header; start it with --allow-host NAME",
    ))
}

/// A script of another page names the page.
fn check_origin(gateway: &Gateway, headers: &HeaderMap, host: &str) -> Result<(), Failure> {
    let Some(origin) = headers.get(ORIGIN) else { return Ok(()) };
    let origin = origin.to_str().unwrap_or_default().to_ascii_lowercase();
    let is_own = origin.split_once("://").is_some_and(|(_, from)| from == host);
    if is_own || gateway.0.options.origins.contains(&origin) {
        return Ok(());
    }
    Err(Failure::new(
        StatusCode::FORBIDDEN,
        "origin_not_allowed",
        "pages of this origin may not ask here; start the server with --cors-origin ORIGIN",
    ))
}

/// There is nothing at that path; where another one is meant, that answers.
pub(crate) async fn unknown(State(gateway): State<Gateway>, mut request: Request) -> Response {
    let Some(path) = paths::meant(request.uri().path()) else {
        return paths::unknown(request.uri(), request.headers()).into_response();
    };
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    match format!("{path}{query}").parse() {
        Ok(uri) => *request.uri_mut() = uri,
        Err(_) => return paths::unknown(request.uri(), request.headers()).into_response(),
    }
    // It was let in already.
    match gateway.routes().oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// There is nothing at the path that is meant, either.
pub(crate) async fn nothing(request: Request) -> Failure {
    paths::unknown(request.uri(), request.headers())
}

/// There is something at that path, but not so.
pub(crate) async fn wrong_method() -> Failure {
    Failure::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "this path does not take that method; see /openapi.json",
    )
}
