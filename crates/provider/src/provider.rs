//! The seam between those who ask and those who answer.

use crate::{ChatRequest, Completion, Health};

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

    /// How it is doing, as far as it knows at this moment. Does nothing to find out.
    fn health(&self) -> Health;

    /// Asks. Returns at once; a refused request is the stream's first and only item.
    ///
    /// Providers may run a background task for the answer, so this must be called inside a Tokio
    /// runtime. Dropping the [`Completion`] stops the answer on the site.
    fn create_completion(&self, request: ChatRequest) -> Completion;
}
