//! Where answers come from: the one place of the program that chooses a provider.

use std::sync::Arc;

use lenore::{ChatRequest, Poe, Provider, Result};

use serde::{Deserialize, Serialize};

use crate::args::Shared;
use crate::official::{self, ByName};
use crate::owner::ByOwner;

/// The providers that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Which {
    /// The site, through a browser
    Poe,
    /// Poe's official API, with a key
    PoeApi,
}

/// A provider, and what has to be closed at its end.
pub(crate) struct Source {
    provider: Arc<dyn Provider>,
    /// The browser of ours, where the provider has one.
    poe: Option<Poe>,
    /// The way to it, or to the process that owns its profile.
    by_owner: Option<ByOwner>,
}

impl Source {
    /// The provider that the options name.
    pub(crate) async fn open(shared: Shared) -> Result<Self> {
        if shared.provider == Some(Which::PoeApi) {
            let provider = Arc::new(official::open(&shared)?);
            return Ok(Self { provider, poe: None, by_owner: None });
        }
        let patience = shared.silence();
        let poe = shared.clone().builder()?.build()?;
        let by_owner = ByOwner::new(poe.clone(), patience);
        Ok(Self {
            provider: Arc::new(ByName::new(Arc::new(by_owner.clone()), shared)),
            poe: Some(poe),
            by_owner: Some(by_owner),
        })
    }

    /// A browser of our own.
    pub(crate) fn own(poe: Poe) -> Self {
        Self { provider: Arc::new(poe.clone()), poe: Some(poe), by_owner: None }
    }

    /// Lets other processes of the user ask through the browser, as long as this one owns the
    /// profile. Gives the browser of ours, where it does so now.
    ///
    /// # Errors
    /// The profile cannot be used.
    pub(crate) async fn share(&self) -> Result<Option<Poe>> {
        match &self.by_owner {
            Some(by_owner) if by_owner.share().await? => Ok(self.poe.clone()),
            _ => Ok(None),
        }
    }

    /// Refuses what would be refused before anything is asked.
    pub(crate) fn check(&self, request: &ChatRequest) -> Result<()> {
        match &self.poe {
            Some(poe) if !official::is_meant(&request.model) => poe.check(request),
            _ => Ok(()),
        }
    }

    /// Whom to ask.
    pub(crate) fn provider(&self) -> &Arc<dyn Provider> {
        &self.provider
    }

    /// Stops running answers and leaves nothing behind.
    pub(crate) async fn close(self) {
        if let Some(by_owner) = self.by_owner {
            by_owner.close_door().await;
        }
        if let Some(poe) = self.poe {
            poe.close().await;
        }
    }
}
