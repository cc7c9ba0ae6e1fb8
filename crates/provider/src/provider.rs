//! The seam between those who ask and those who answer.

use std::future::ready;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::{ChatRequest, Completion, Health, Result};

/// A model that a [`Provider`] offers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Model {
    /// The name that callers use.
    pub name: String,
    /// The name that the site uses for the bot behind it.
    pub bot: String,
}

/// A source of chat completions. Safe to use as `Arc<dyn Provider>`.
pub trait Provider: Send + Sync {
    /// A short name in lower case.
    fn name(&self) -> &str;

    /// The address of the site or service.
    fn url(&self) -> &str;

    /// Whether the provider is known to work at present.
    fn working(&self) -> bool;

    /// Whether the user must have an account and be signed in.
    fn needs_auth(&self) -> bool;

    /// Whether answers can be had as they grow.
    fn supports_stream(&self) -> bool;

    /// The model that an empty name stands for.
    fn default_model(&self) -> &str;

    /// The models with a name of their own here.
    fn models(&self) -> Vec<Model>;

    /// Asks the service for its models, where it can tell them;
    /// [`models`](Provider::models) tells them from then on.
    ///
    /// # Errors
    /// Those of any request.
    fn refresh_models(&self) -> BoxFuture<'_, Result<Vec<Model>>> {
        ready(Ok(self.models())).boxed()
    }

    /// Whether bots can be asked by names that are not among the [`models`](Provider::models).
    fn takes_any_model(&self) -> bool {
        false
    }

    /// How it is doing, as far as it knows at this moment. Does nothing to find out.
    fn health(&self) -> Health;

    /// Finds out how it is doing. What is broken and can be mended without the user begins to be,
    /// so that who waits for it to be well again need not ask a question for that.
    fn check_health(&self) -> BoxFuture<'_, Health> {
        ready(self.health()).boxed()
    }

    /// Asks. Returns at once; a refused request is the stream's first and only item.
    ///
    /// Providers may run a background task for the answer, so this must be called inside a Tokio
    /// runtime. Dropping the [`Completion`] stops the answer on the site.
    fn create_completion(&self, request: ChatRequest) -> Completion;
}
