//! Where answers come from: the one place of the program that chooses a provider.

use std::sync::Arc;

use lenore::{Poe, Provider, Result};

use crate::args::Shared;

/// A provider, and what has to be closed at its end.
pub(crate) struct Source {
    provider: Arc<dyn Provider>,
    /// The browser of ours, where the provider has one.
    poe: Option<Poe>,
}

impl Source {
    /// The provider that the options name.
    pub(crate) async fn open(shared: Shared) -> Result<Self> {
        Ok(Self::own(shared.builder()?.build()?))
    }

    /// A browser of our own.
    pub(crate) fn own(poe: Poe) -> Self {
        Self { provider: Arc::new(poe.clone()), poe: Some(poe) }
    }

    /// Whom to ask.
    pub(crate) fn provider(&self) -> &Arc<dyn Provider> {
        &self.provider
    }

    /// Stops running answers and leaves nothing behind.
    pub(crate) async fn close(self) {
        if let Some(poe) = self.poe {
            poe.close().await;
        }
    }
}
