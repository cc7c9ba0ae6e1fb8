//! Deletes a chat whose question was a temporary one, by the page's own menu.

use std::sync::Arc;
use std::time::Duration;

use lenore_provider::{Error, ErrorKind, Result};
use serde_json::json;

use crate::Site;
use crate::arrive::{Arrival, MARGIN};
use crate::compose::{milliseconds, path_of};
use crate::context::Context;
use crate::error::{browser_error, site_changed};
use crate::tabs::Tab;

/// How long the page may take to show each button.
const BUTTON: Duration = Duration::from_secs(3);
/// How long it may take to leave a chat that was deleted.
const GONE: Duration = Duration::from_secs(5);

/// Deletes a chat, and makes sure that it is gone. A page may take `load` to load.
///
/// # Errors
/// [`ErrorKind::SiteChanged`] where a button is not there, or the chat still is; whatever stands in
/// the way of a page. The log has a warning, too.
pub(crate) async fn delete(poe: &Arc<Context>, code: Option<&str>, load: Duration) -> Result<()> {
    let deleted = match code {
        Some(code) => delete_at(poe, code, load).await,
        None => Err(Error::new(ErrorKind::SiteChanged, "the site did not tell its address")),
    };
    deleted.inspect_err(|error| {
        tracing::warn!(%error, "the temporary chat was not deleted; delete it on the site");
    })
}

async fn delete_at(poe: &Arc<Context>, code: &str, load: Duration) -> Result<()> {
    let url = poe.site.chat_url(code);
    let tab = match poe.tabs.take_at(&url) {
        Some(tab) => tab,
        None => {
            let _writer = poe.tabs.writer().await;
            let tab = poe.tab().await?;
            match poe.arrive_within(&tab.page, &url, load).await? {
                Arrival::UnknownBot => return Ok(()),
                Arrival::PromptBox | Arrival::NoAccess => tab,
                _ => return Err(site_changed("the page of the chat")),
            }
        }
    };
    let path = path_of(&url);
    press(&tab, &poe.site, &path).await?;
    let is_gone = "(path) => location.pathname !== path";
    // A page need not leave a chat that is gone.
    let left = tab.page.call_until(is_gone, &[json!(path)], GONE).await;
    tracing::debug!(is_left = left.is_ok(), "delete was pressed");
    // Only the site itself knows.
    let arrival = poe.arrive_within(&tab.page, &url, load).await?;
    let at = tab.page.call("() => location.pathname", &[], MARGIN).await.map_err(browser_error)?;
    if arrival == Arrival::UnknownBot || at.as_str().is_some_and(|at| at != path) {
        tracing::debug!("the chat is deleted");
        return Ok(());
    }
    Err(Error::new(ErrorKind::SiteChanged, "the site has the chat still after delete was pressed"))
}

/// Presses what deletes the chat that a tab shows.
async fn press(tab: &Tab, site: &Site, path: &str) -> Result<()> {
    let selectors = &site.selectors;
    let facts = json!({
        "origins": site.allowed_origins(),
        "chat_row": selectors.chat_row,
        "chat_menu": selectors.chat_menu,
        "menu_delete": selectors.menu_delete,
        "dialog": selectors.dialog,
        "dialog_delete": selectors.dialog_delete,
    });
    let arguments = [facts, json!(path), milliseconds(BUTTON)];
    let pressed = tab.page.call(include_str!("delete.js"), &arguments, BUTTON * 3 + MARGIN).await;
    let missing = match pressed {
        Ok(pressed) => pressed,
        // The last button leads away.
        Err(error) if error.kind() == lenore_browser::ErrorKind::Navigated => return Ok(()),
        Err(error) => return Err(browser_error(error)),
    };
    Err(site_changed(match missing.as_str().unwrap_or_default() {
        "pressed" => return Ok(()),
        "chat" => "the page of the chat",
        "chat_menu" => "the button of the chat's menu",
        "menu_delete" => "what deletes the chat in its menu",
        _ => "the button that confirms the deletion",
    }))
}
