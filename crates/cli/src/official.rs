//! Poe's official API beside the usual provider: models that are named for it go there.

use std::sync::{Arc, OnceLock};

use futures_util::future::BoxFuture;
use lenore::{ChatRequest, Completion, Health, Model, PoeApi, Provider, Result};

use crate::args::Shared;

/// What the model's name begins with where the API is meant.
const PREFIX: &str = "poe-api/";

/// The API with the options that it shares with the browser.
pub(crate) fn open(shared: &Shared) -> Result<PoeApi> {
    let mut builder = PoeApi::builder().timeout(shared.silence());
    if let Some(url) = &shared.poe_api_url {
        builder = builder.url(url);
    }
    if let Some(proxy) = &shared.proxy {
        builder = builder.proxy(proxy);
    }
    builder.build()
}

/// The bot's handle in a model's name, where the API is meant.
pub(crate) fn handle<'a>(provider: &dyn Provider, model: &'a str) -> Option<&'a str> {
    let is_api = || provider.name() == PREFIX.trim_end_matches('/');
    model.strip_prefix(PREFIX).or_else(|| is_api().then_some(model))
}

/// Whether a model is named for the API.
pub(crate) fn is_meant(model: &str) -> bool {
    model.starts_with(PREFIX)
}

/// The usual provider, but for models that are named for the API.
pub(crate) struct ByName {
    usual: Arc<dyn Provider>,
    shared: Shared,
    /// Opened when it is first named: it needs a key, which few have.
    official: OnceLock<PoeApi>,
}

impl ByName {
    pub(crate) fn new(usual: Arc<dyn Provider>, shared: Shared) -> Self {
        Self { usual, shared, official: OnceLock::new() }
    }

    fn official(&self) -> Result<&PoeApi> {
        match self.official.get() {
            Some(api) => Ok(api),
            None => {
                let api = open(&self.shared)?;
                Ok(self.official.get_or_init(|| api))
            }
        }
    }
}

impl Provider for ByName {
    fn name(&self) -> &str {
        self.usual.name()
    }

    fn url(&self) -> &str {
        self.usual.url()
    }

    fn working(&self) -> bool {
        self.usual.working()
    }

    fn needs_auth(&self) -> bool {
        self.usual.needs_auth()
    }

    fn supports_stream(&self) -> bool {
        self.usual.supports_stream()
    }

    fn default_model(&self) -> &str {
        self.usual.default_model()
    }

    fn models(&self) -> Vec<Model> {
        self.usual.models()
    }

    fn refresh_models(&self) -> BoxFuture<'_, Result<Vec<Model>>> {
        self.usual.refresh_models()
    }

    fn takes_any_model(&self) -> bool {
        self.usual.takes_any_model()
    }

    fn health(&self) -> Health {
        self.usual.health()
    }

    fn check_health(&self) -> BoxFuture<'_, Health> {
        self.usual.check_health()
    }

    fn create_completion(&self, request: ChatRequest) -> Completion {
        if !is_meant(&request.model) {
            return self.usual.create_completion(request);
        }
        match self.official() {
            Ok(api) => api.create_completion(request),
            Err(error) => Completion::failed(error),
        }
    }
}
