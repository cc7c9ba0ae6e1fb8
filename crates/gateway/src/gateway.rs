//! The server as a value: its providers, its doors, its routes.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use lenore_provider::{Error, ErrorKind, Provider, Result};
use tokio::sync::watch;
use tower_http::cors::{AllowHeaders, CorsLayer, ExposeHeaders};
use tower_http::decompression::RequestDecompressionLayer;
use tower_http::map_request_body::MapRequestBodyLayer;

use crate::body::Budget;
use crate::keys::{FileOfKeys, KeyRing};
use crate::limits::{ANSWER_BYTES, CONNECTIONS, CONNECTIONS_PER_ADDRESS};
use crate::links::Links;
use crate::metrics::Metrics;
use crate::patience::Patience;
use crate::peer::Peers;
use crate::points::Points;
use crate::recent::Recent;
use crate::remote::Remote;
use crate::scratch::Scratch;
use crate::told::Told;
use crate::{chat, completions, doors, health, ids, messages, models, openapi, page, responses};

/// The largest body that is taken, in bytes, where nothing else is said.
const BODY: usize = 32 * 1024 * 1024;

/// A server over providers. Cheap to clone.
#[derive(Clone)]
pub struct Gateway(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    /// The default first. There is at least one.
    pub(crate) providers: Vec<Arc<dyn Provider>>,
    pub(crate) options: Options,
    pub(crate) keys: KeyRing,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) links: Arc<Links>,
    pub(crate) recent: Arc<Recent>,
    pub(crate) points: Arc<Points>,
    pub(crate) told: Arc<Told>,
    /// Whose connections of this machine are.
    pub(crate) peers: Peers,
    /// For the bodies of all requests.
    pub(crate) budget: Arc<Budget>,
    remote: Option<Remote>,
    scratch: Scratch,
    /// When it was made, in seconds since 1970.
    pub(crate) since: u64,
    pub(crate) stopping: watch::Sender<bool>,
}

/// What can be chosen.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) aliases: BTreeMap<String, String>,
    pub(crate) default_model: Option<String>,
    pub(crate) side_model: Option<String>,
    pub(crate) hosts: Vec<String>,
    pub(crate) origins: Vec<String>,
    pub(crate) strict: bool,
    pub(crate) prefills: bool,
    pub(crate) largest_body: usize,
    pub(crate) all_bodies: Option<usize>,
    pub(crate) largest_answer: usize,
    pub(crate) connections: usize,
    pub(crate) connections_per_address: usize,
    pub(crate) patience: Patience,
}

/// Builds a [`Gateway`].
pub struct GatewayBuilder {
    providers: Vec<Arc<dyn Provider>>,
    options: Options,
    key: Option<String>,
    key_file: Option<FileOfKeys>,
    recent: Vec<String>,
    fetch: bool,
}

impl GatewayBuilder {
    /// A further provider: its models are addressed `name/…`.
    #[must_use]
    pub fn provider(mut self, provider: Arc<dyn Provider>) -> Self {
        self.providers.push(provider);
        self
    }

    /// A key without limits that clients must give.
    #[must_use]
    pub fn api_key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// A file of keys, as [`KeyFile`](crate::KeyFile) writes it. Its changes are followed.
    #[must_use]
    pub fn key_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.key_file = Some(FileOfKeys { path: path.into(), is_needed: true });
        self
    }

    /// A file of keys that need not be there yet: keys are needed from when it is, for good.
    #[must_use]
    pub fn key_file_if_any(mut self, path: impl Into<PathBuf>) -> Self {
        self.key_file = Some(FileOfKeys { path: path.into(), is_needed: false });
        self
    }

    /// Another name for a model; the name `*` stands for all that are not known otherwise.
    #[must_use]
    pub fn alias(mut self, name: impl Into<String>, model: impl Into<String>) -> Self {
        self.options.aliases.insert(name.into(), model.into());
        self
    }

    /// The model that is asked where a client names none.
    #[must_use]
    pub fn default_model(mut self, model: impl Into<String>) -> Self {
        self.options.default_model = Some(model.into());
        self
    }

    /// The model that is asked what front ends ask on the side: titles, tags, follow-ups.
    #[must_use]
    pub fn side_model(mut self, model: impl Into<String>) -> Self {
        self.options.side_model = Some(model.into());
        self
    }

    /// The models that were asked before, the newest first, for the list of those whose key has no
    /// name.
    #[must_use]
    pub fn recent_models(mut self, models: impl IntoIterator<Item = String>) -> Self {
        self.recent.extend(models);
        self
    }

    /// A name by which the server may be addressed, beside addresses and `localhost`.
    #[must_use]
    pub fn allow_host(mut self, host: impl Into<String>) -> Self {
        self.options.hosts.push(host.into().to_ascii_lowercase());
        self
    }

    /// A web page's origin, such as `https://chat.example.org`, whose scripts may ask.
    #[must_use]
    pub fn allow_origin(mut self, origin: impl Into<String>) -> Self {
        self.options.origins.push(origin.into().to_ascii_lowercase());
        self
    }

    /// Whether what cannot be honoured is refused rather than reported.
    #[must_use]
    pub fn strict(mut self, strict: bool) -> Self {
        self.options.strict = strict;
        self
    }

    /// Whether a conversation that ends with the beginning of an answer is asked, with an instruction
    /// to go on from there, rather than refused.
    #[must_use]
    pub fn prefill_by_prompt(mut self, by_prompt: bool) -> Self {
        self.options.prefills = by_prompt;
        self
    }

    /// Whether files at public addresses that clients name are fetched.
    #[must_use]
    pub fn fetch_files(mut self, fetch: bool) -> Self {
        self.fetch = fetch;
        self
    }

    /// The largest body that is taken, in bytes.
    #[must_use]
    pub fn largest_body(mut self, bytes: usize) -> Self {
        self.options.largest_body = bytes;
        self
    }

    /// The largest answer that is handed out, in bytes, with its thoughts.
    #[must_use]
    pub fn largest_answer(mut self, bytes: usize) -> Self {
        self.options.largest_answer = bytes;
        self
    }

    /// Bytes of the bodies of all requests together, and of what is parsed of them; a key may have
    /// half of them.
    #[must_use]
    pub fn all_bodies(mut self, bytes: usize) -> Self {
        self.options.all_bodies = Some(bytes);
        self
    }

    /// As many connections are open at once, where the system allows so many files.
    #[must_use]
    pub fn most_connections(mut self, count: usize) -> Self {
        self.options.connections = count.max(1);
        self
    }

    /// As many connections of one address are open at once; this machine's own are not counted.
    #[must_use]
    pub fn most_connections_per_address(mut self, count: usize) -> Self {
        self.options.connections_per_address = count.max(1);
        self
    }

    /// How long clients are waited for.
    #[must_use]
    pub fn patience(mut self, patience: Patience) -> Self {
        self.options.patience = patience;
        self
    }

    /// The server.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] for an option that makes no sense.
    pub fn build(self) -> Result<Gateway> {
        let Self { providers, mut options, key, key_file, recent, fetch } = self;
        for origin in &options.origins {
            let named = origin.split_once("://").filter(|(_, host)| !host.contains('/'));
            if HeaderValue::from_str(origin).is_err() || named.is_none() {
                return Err(Error::new(
                    ErrorKind::InvalidRequest,
                    format!("{origin:?} is no origin; one looks like https://chat.example.org"),
                ));
            }
        }
        for host in &mut options.hosts {
            // In the form in which clients give it.
            *host = url::Host::parse(host).map(|host| host.to_string()).map_err(|error| {
                let message = format!(
                    "{host:?} is no host's name; write the name alone, such as chat.example.org"
                );
                Error::new(ErrorKind::InvalidRequest, message).with_source(error)
            })?;
        }
        let names: Vec<_> = providers.iter().map(|provider| provider.name()).collect();
        if let Some(twice) = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name))
        {
            return Err(Error::new(
                ErrorKind::InvalidRequest,
                format!("two providers are called {:?}", twice.1),
            ));
        }
        Ok(Gateway(Arc::new(Inner {
            keys: KeyRing::new(key, key_file)?,
            peers: Peers::default(),
            budget: Budget::new(options.all_bodies, options.largest_body),
            remote: fetch.then(Remote::public).transpose()?,
            scratch: Scratch::new(),
            providers,
            options,
            metrics: Arc::new(Metrics::new()),
            links: Arc::default(),
            points: Arc::default(),
            told: Arc::default(),
            recent: Arc::new(Recent::new(recent)),
            since: ids::now(),
            stopping: watch::Sender::new(false),
        })))
    }
}

impl Gateway {
    /// A server whose plain model names go to `provider`.
    pub fn builder(provider: Arc<dyn Provider>) -> GatewayBuilder {
        let options = Options {
            aliases: BTreeMap::new(),
            default_model: None,
            side_model: None,
            hosts: Vec::new(),
            origins: Vec::new(),
            strict: false,
            prefills: false,
            largest_body: BODY,
            all_bodies: None,
            largest_answer: ANSWER_BYTES,
            connections: CONNECTIONS,
            connections_per_address: CONNECTIONS_PER_ADDRESS,
            patience: Patience::default(),
        };
        GatewayBuilder {
            providers: vec![provider],
            options,
            key: None,
            key_file: None,
            recent: Vec::new(),
            fetch: false,
        }
    }

    /// All its routes, with the doors before them.
    pub fn router(&self) -> Router {
        self.all_routes()
            .fallback(doors::unknown)
            .layer(from_fn_with_state(self.clone(), doors::door))
            .layer(self.cors())
            .with_state(self.clone())
    }

    /// The routes alone.
    pub(crate) fn routes(&self) -> Router {
        self.all_routes().fallback(doors::nothing).with_state(self.clone())
    }

    fn all_routes(&self) -> Router<Self> {
        Router::new()
            .route("/v1/chat/completions", post(chat::create))
            .route("/v1/completions", post(completions::create))
            .route("/v1/responses", post(responses::create))
            .route("/v1/messages", post(messages::create))
            .route("/v1/messages/count_tokens", post(messages::count_tokens))
            .route("/v1/models", get(models::list))
            .route("/v1/models/{*id}", get(models::retrieve))
            .route("/health/live", get(health::live))
            .route("/health/ready", get(health::ready))
            .route("/metrics", get(metrics))
            .route("/openapi.json", get(openapi::document))
            .route("/", get(page::show))
            .method_not_allowed_fallback(doors::wrong_method)
            // Compressed bodies are unpacked as they are read, within the bounds of all bodies.
            .layer((
                RequestDecompressionLayer::new().pass_through_unaccepted(true),
                MapRequestBodyLayer::new(Body::new),
            ))
    }

    fn cors(&self) -> CorsLayer {
        let origins = self.0.options.origins.iter();
        let origins: Vec<_> = origins.filter_map(|name| HeaderValue::from_str(name).ok()).collect();
        if origins.is_empty() {
            return CorsLayer::new();
        }
        CorsLayer::new()
            .allow_origin(origins)
            .allow_methods([Method::GET, Method::POST])
            .allow_headers(AllowHeaders::mirror_request())
            .expose_headers(ExposeHeaders::list(
                [
                    "request-id",
                    "retry-after",
                    "x-lenore-chat",
                    "x-lenore-error",
                    "x-lenore-ignored",
                    "x-lenore-usage",
                    "x-request-id",
                    // The official clients ask again by themselves where they do not see it.
                    "x-should-retry",
                ]
                .map(HeaderName::from_static),
            ))
    }

    /// Whether clients must give a key.
    pub fn needs_key(&self) -> bool {
        self.0.keys.is_needed()
    }

    pub(crate) fn providers(&self) -> &[Arc<dyn Provider>] {
        &self.0.providers
    }

    pub(crate) fn remote(&self) -> Option<&Remote> {
        self.0.remote.as_ref()
    }

    pub(crate) fn scratch(&self) -> &Scratch {
        &self.0.scratch
    }

    pub(crate) fn metrics(&self) -> &Arc<Metrics> {
        &self.0.metrics
    }

    pub(crate) fn stopping(&self) -> watch::Receiver<bool> {
        self.0.stopping.subscribe()
    }
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gateway").field("options", &self.0.options).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for GatewayBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GatewayBuilder").field("options", &self.options).finish_non_exhaustive()
    }
}

/// `GET /metrics`
async fn metrics(
    axum::extract::State(gateway): axum::extract::State<Gateway>,
) -> impl axum::response::IntoResponse {
    const TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let states = health::states(&gateway).await;
    ([(axum::http::header::CONTENT_TYPE, TYPE)], gateway.0.metrics.text(&states))
}
