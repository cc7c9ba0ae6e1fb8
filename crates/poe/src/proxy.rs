//! Which proxy is meant: the one that is named, none, or that of the usual variables.

use lenore_browser::Proxy;
use lenore_provider::Result;

use crate::error::browser_error;

/// What is said about a proxy.
#[derive(Clone, Default)]
pub(crate) struct ProxyChoice {
    /// Its address; an empty one, or `direct`, says that there is none.
    pub(crate) address: Option<String>,
    /// The hosts to go past it.
    pub(crate) bypass: Option<String>,
    /// Whether the usual variables are read where no address is given.
    pub(crate) from_env: bool,
}

impl ProxyChoice {
    /// The one that is named.
    pub(crate) fn named(&self) -> Result<Option<Proxy>> {
        let is_one = |address: &&str| !matches!(*address, "" | "direct");
        let Some(address) = self.address.as_deref().map(str::trim).filter(is_one) else {
            return Ok(None);
        };
        let proxy: Proxy = address.parse().map_err(browser_error)?;
        proxy.with_bypass(self.bypass.as_deref().unwrap_or_default()).map_err(browser_error)
    }

    /// The one that is named, else the one that the usual variables name for a site.
    pub(crate) fn for_site(&self, url: &str) -> Result<Option<Proxy>> {
        if self.address.is_some() || !self.from_env {
            return self.named();
        }
        let found = Proxy::from_env(url, self.bypass.as_deref()).map_err(browser_error)?;
        Ok(found.map(|(proxy, variable)| {
            tracing::debug!(%proxy, variable, "the environment names a proxy");
            proxy
        }))
    }
}
