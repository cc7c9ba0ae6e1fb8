//! What the site's page tells of the account: who is signed in, and which bots are at hand.

use std::time::Duration;

use lenore_browser::Page;
use serde::Deserialize;
use serde_json::json;

use crate::{Site, models};

/// How long it may take to read the page.
const READ: Duration = Duration::from_secs(5);

/// An account, as far as the site's page tells of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Account {
    /// The address or the name that it goes by; `None` where the page does not tell.
    pub name: Option<String>,
    /// The handles of the bots that the page names: those that the site offers the account, and
    /// those of its chats. A page need not name all that there are.
    pub bots: Vec<String>,
}

impl Account {
    /// Reads the page that is open. Nothing is asked of the site for it. A page that cannot be read
    /// tells nothing, and is as good as ever for everything else.
    pub(crate) async fn on(page: &Page, site: &Site) -> Self {
        let facts = &site.account;
        let arguments = [
            json!({
                "data": facts.data, "name": facts.name, "bots": facts.bots,
                "handle": facts.handle, "links": facts.links,
            }),
            json!(site.routes.bot),
        ];
        let told = page.call(include_str!("account.js"), &arguments, READ).await;
        let told = told.inspect_err(|error| tracing::debug!(%error, "the account is not told"));
        let mut account: Self =
            serde_json::from_value(told.unwrap_or_default()).unwrap_or_default();
        account.name = account.name.map(|name| name.trim().to_owned());
        account.bots.retain(|handle| models::is_handle(handle));
        account
    }
}
