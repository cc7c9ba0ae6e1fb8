//! Where answers come from: the one place of the program that chooses a provider.

use std::sync::Arc;
use std::time::Duration;

use lenore::{Poe, Provider, Result};

use serde::{Deserialize, Serialize};

use crate::args::Shared;
use crate::official::{self, ByName};
use crate::owner::{ByOwner, Door};

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
    door: Option<Door>,
}

impl Source {
    /// The provider that the options name.
    pub(crate) async fn open(shared: Shared) -> Result<Self> {
        if shared.provider == Some(Which::PoeApi) {
            return Ok(Self { provider: Arc::new(official::open(&shared)?), poe: None, door: None });
        }
        let patience = Duration::from_secs(shared.timeout.unwrap_or(Shared::TIMEOUT));
        let poe = shared.clone().builder()?.build()?;
        let by_owner = Arc::new(ByOwner::new(poe.clone(), patience));
        Ok(Self {
            provider: Arc::new(ByName::new(by_owner, shared)),
            poe: Some(poe),
            door: None,
        })
    }

    /// A browser of our own.
    pub(crate) fn own(poe: Poe) -> Self {
        Self { provider: Arc::new(poe.clone()), poe: Some(poe), door: None }
    }

    /// Takes the profile, and lets other processes of the user ask through the browser, until
    /// this is closed.
    ///
    /// # Errors
    /// [`ErrorKind::ProfileInUse`](lenore::ErrorKind::ProfileInUse) where another process owns it.
    pub(crate) async fn share(&mut self) -> Result<()> {
        if let Some(poe) = &self.poe {
            self.door = Door::open(poe).await?;
        }
        Ok(())
    }

    /// The browser of ours, where the provider has one.
    pub(crate) fn poe(&self) -> Option<&Poe> {
        self.poe.as_ref()
    }

    /// Whom to ask.
    pub(crate) fn provider(&self) -> &Arc<dyn Provider> {
        &self.provider
    }

    /// Stops running answers and leaves nothing behind.
    pub(crate) async fn close(self) {
        if let Some(door) = self.door {
            door.close().await;
        }
        if let Some(poe) = self.poe {
            poe.close().await;
        }
    }
}
