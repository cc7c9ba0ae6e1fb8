//! The provider.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use lenore_provider::{ChatRequest, Completion, Error, ErrorKind, Health, Model, Provider, Result};
use reqwest::{RequestBuilder, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;
use url::Url;

use crate::answer;
use crate::builder::PoeApiBuilder;
use crate::failure;

/// What stands before a handle where several providers are told apart.
const PREFIX: &str = "poe-api/";
/// The bot that an empty name stands for.
const DEFAULT: &str = "GPT-3.5-Turbo";
/// The longest answer to a question that is no prompt, in bytes.
const SHORT: usize = 8 << 20;

/// Poe's official API.
///
/// Clones are cheap and share their connections.
#[derive(Clone)]
pub struct PoeApi(Arc<Inner>);

struct Inner {
    client: reqwest::Client,
    url: Url,
    key: String,
    silence: Duration,
    known: Mutex<Known>,
}

/// What has been learnt on the way.
#[derive(Default)]
struct Known {
    models: Vec<Model>,
    health: Health,
}

impl PoeApi {
    /// Begins to set it up.
    pub fn builder() -> PoeApiBuilder {
        PoeApiBuilder::default()
    }

    pub(crate) fn new(client: reqwest::Client, url: Url, key: String, silence: Duration) -> Self {
        Self(Arc::new(Inner { client, url, key, silence, known: Mutex::default() }))
    }

    /// The account's points.
    ///
    /// # Errors
    /// Those of any request.
    pub async fn balance(&self) -> Result<i64> {
        #[derive(Deserialize)]
        struct Balance {
            current_point_balance: f64,
        }
        let balance: Balance = self.get("/usage/current_balance").await?;
        // Points are whole; the cast saturates.
        Ok(balance.current_point_balance as i64)
    }

    /// Asks the service for its bots; [`models`](Provider::models) tells them from then on.
    ///
    /// # Errors
    /// Those of any request.
    pub async fn refresh_models(&self) -> Result<Vec<Model>> {
        #[derive(Deserialize)]
        struct List {
            data: Vec<Entry>,
        }
        #[derive(Deserialize)]
        struct Entry {
            id: String,
        }
        let list: List = self.get("models").await?;
        let models: Vec<_> = list
            .data
            .into_iter()
            .map(|Entry { id }| Model { name: format!("{PREFIX}{id}"), bot: id })
            .collect();
        self.0.learn(|known| known.models = models.clone());
        Ok(models)
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let url = self.0.endpoint(path)?;
        let silence = self.0.silence;
        let body = async {
            let mut response = self.send(self.0.client.get(url)).await?;
            let mut body = Vec::new();
            while let Some(bytes) = response.chunk().await.map_err(failure::of_transport)? {
                body.extend_from_slice(&bytes);
                if body.len() > SHORT {
                    return Err(failure::not_understood());
                }
            }
            Ok(body)
        };
        let body =
            timeout(silence, body).await.unwrap_or_else(|_| Err(failure::silent(silence)))?;
        serde_json::from_slice(&body).map_err(|_| failure::not_understood())
    }

    /// The response, where it is no refusal.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Response> {
        let response = request.send().await.map_err(failure::of_transport)?;
        if response.status().is_success() {
            self.0.learn(|known| known.health.signed_in = Some(true));
            return Ok(response);
        }
        let error = failure::of_response(response, &self.0.key).await;
        if error.kind() == ErrorKind::NotSignedIn {
            self.0.learn(|known| known.health.signed_in = Some(false));
        }
        Err(error)
    }

    /// A request for an answer.
    pub(crate) fn post(&self, body: String) -> Result<RequestBuilder> {
        let url = self.0.endpoint("chat/completions")?;
        let headers = [("content-type", "application/json"), ("accept", "text/event-stream")];
        let request = self.0.client.post(url).body(body);
        Ok(headers.into_iter().fold(request, |request, (name, value)| request.header(name, value)))
    }

    pub(crate) fn key(&self) -> &str {
        &self.0.key
    }

    pub(crate) fn silence(&self) -> Duration {
        self.0.silence
    }

    /// The handle behind a model's name.
    pub(crate) fn handle(model: &str) -> &str {
        match model.strip_prefix(PREFIX).unwrap_or(model) {
            "" => DEFAULT,
            handle => handle,
        }
    }

    /// Counts an answer as under way for as long as this is held.
    pub(crate) fn running(&self) -> Running {
        self.0.learn(|known| known.health.running += 1);
        Running(self.clone())
    }
}

impl Inner {
    fn endpoint(&self, path: &str) -> Result<Url> {
        let url = self.url.join(path);
        url.map_err(|_| Error::new(ErrorKind::InvalidRequest, "the API's address takes no path"))
    }

    fn learn<T>(&self, what: impl FnOnce(&mut Known) -> T) -> T {
        what(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// An answer under way.
pub(crate) struct Running(PoeApi);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.0.learn(|known| known.health.running -= 1);
    }
}

impl Provider for PoeApi {
    fn name(&self) -> &str {
        "poe-api"
    }

    fn url(&self) -> &str {
        self.0.url.as_str()
    }

    fn working(&self) -> bool {
        true
    }

    fn needs_auth(&self) -> bool {
        true
    }

    fn supports_stream(&self) -> bool {
        true
    }

    fn default_model(&self) -> &str {
        DEFAULT
    }

    /// Those that [`refresh_models`](PoeApi::refresh_models) has found; any handle can be asked.
    fn models(&self) -> Vec<Model> {
        self.0.learn(|known| known.models.clone())
    }

    fn refresh_models(&self) -> BoxFuture<'_, Result<Vec<Model>>> {
        Self::refresh_models(self).boxed()
    }

    fn takes_any_model(&self) -> bool {
        true
    }

    fn health(&self) -> Health {
        self.0.learn(|known| known.health.clone())
    }

    fn create_completion(&self, request: ChatRequest) -> Completion {
        let in_pieces = request.stream;
        Completion::new(answer::events(self.clone(), request), in_pieces)
    }
}

/// The key is left out.
impl fmt::Debug for PoeApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PoeApi").field("url", &self.0.url.as_str()).finish_non_exhaustive()
    }
}
