//! What the tasks that answer share.

use std::sync::Arc;
use std::time::Duration;

use lenore_browser::{Page, Tap};
use lenore_provider::Result;
use regex_lite::Regex;
use tokio::sync::watch;

use crate::Site;
use crate::session::Session;

/// The site, the browser session, and what ends both.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) site: Site,
    pub(crate) placeholders: Arc<[Regex]>,
    pub(crate) session: Arc<Session>,
    /// The longest silence that is borne, where the caller does not say.
    pub(crate) silence: Duration,
    pub(crate) closing: watch::Sender<bool>,
}

impl Context {
    /// A new page with the tap in place.
    pub(crate) async fn open_page(&self) -> Result<(Page, Tap)> {
        self.session.open_page(include_str!("tap.js")).await
    }

    /// Waits until the provider is being closed.
    pub(crate) async fn closing(&self) {
        let _ = self.closing.subscribe().wait_for(|closing| *closing).await;
    }
}
