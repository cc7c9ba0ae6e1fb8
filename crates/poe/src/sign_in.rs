//! Signing in: by the user's own hand in a window, or by the site's form with a mailed code.

use std::time::Duration;

use lenore_browser::{Page, Tap};
use lenore_provider::{Error, ErrorKind, Result};
use tokio::time::Instant;

use crate::arrive::{self, Arrival};
use crate::context::Context;
use crate::error::{browser_error, challenge, site_changed};

/// How long a person may take to sign in while a request waits.
const BY_HAND: Duration = Duration::from_secs(240);
/// How long each step of the form may take.
const STEP: Duration = Duration::from_secs(15);

/// Whether the browser holds a session of the site.
pub(crate) async fn is_signed_in(poe: &Context) -> Result<bool> {
    poe.session.has_cookie(&poe.site.session_cookie, &poe.site.host()).await
}

/// Shows the page in a window, waits until the user has signed in there, and goes on to `url`.
///
/// # Errors
/// [`ErrorKind::NotSignedIn`] where no window can be shown, the browser is not ours, or nobody
/// signs in.
pub(crate) async fn by_hand(poe: &Context, url: &str) -> Result<(Page, Tap)> {
    if !poe.session.shows_window().await {
        if !poe.session.may_show_window() {
            return Err(poe.session.signed_out());
        }
        tracing::warn!("not signed in: sign in in the window that opens now");
        poe.session.show_window().await?;
    }
    let (page, tap) = poe.open_page().await?;
    wait_for_person(poe, &page, url, BY_HAND).await?;
    // The way through the login form may have ended on another bot's page.
    match poe.arrive(&page, url).await? {
        Arrival::PromptBox => Ok((page, tap)),
        _ => Err(site_changed("the prompt box")),
    }
}

/// Shows the person a page and waits until a prompt box says that they are signed in.
pub(crate) async fn wait_for_person(
    poe: &Context,
    page: &Page,
    url: &str,
    wait: Duration,
) -> Result<()> {
    match page.navigate(url, arrive::LOAD).await {
        // The person may already be on the way elsewhere, or have closed the window.
        Err(error) if error.kind() != lenore_browser::ErrorKind::Navigated => {
            return Err(browser_error(error));
        }
        _ => {}
    }
    let end = Instant::now() + wait;
    let prompt_box: [&[String]; 1] = [&poe.site.selectors.prompt_box];
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let not_signed_in = |why: &str| {
            Error::new(ErrorKind::NotSignedIn, format!("{why}; sign in with `lenore login`"))
        };
        match page.wait_for_any(&prompt_box, left).await {
            Ok(_) => return Ok(()),
            Err(error) => match error.kind() {
                lenore_browser::ErrorKind::Timeout => {
                    return Err(not_signed_in(&format!("nobody signed in within {wait:?}")));
                }
                lenore_browser::ErrorKind::Closed => {
                    return Err(not_signed_in("the window was closed before the sign-in"));
                }
                lenore_browser::ErrorKind::Navigated => {}
                _ => return Err(browser_error(error)),
            },
        }
    }
}

/// Signs in by the site's own form: the address, then the code that the site mails to it.
///
/// # Errors
/// [`ErrorKind::SiteChanged`] where the form is not as known, [`ErrorKind::NotSignedIn`] where
/// the site does not take the code, and whatever `code` fails with.
pub(crate) async fn by_code(
    poe: &Context,
    email: &str,
    code: impl Future<Output = Result<String>>,
) -> Result<()> {
    let selectors = &poe.site.selectors;
    let (page, _tap) = poe.open_page().await?;
    page.navigate(&poe.site.login_url(), arrive::LOAD).await.map_err(browser_error)?;
    let missing = |element| {
        move |error: lenore_browser::Error| match error.kind() {
            lenore_browser::ErrorKind::Timeout => site_changed(element),
            _ => browser_error(error),
        }
    };
    let first = [&*selectors.email_box, &*selectors.challenge, &*selectors.prompt_box];
    match page.wait_for_any(&first, STEP).await.map_err(missing("the box for the e-mail"))? {
        0 => {}
        1 => return Err(challenge()),
        _ => return Ok(()),
    }
    let button = || missing("the login form's button");
    page.fill(&selectors.email_box, email, STEP)
        .await
        .map_err(missing("the box for the e-mail"))?;
    page.click(&selectors.login_next, STEP).await.map_err(button())?;
    let code_box: [&[String]; 1] = [&selectors.code_box];
    page.wait_for_any(&code_box, STEP).await.map_err(missing("the box for the code"))?;
    let code = code.await?;
    page.fill(&selectors.code_box, code.trim(), STEP)
        .await
        .map_err(missing("the box for the code"))?;
    page.click(&selectors.login_next, STEP).await.map_err(button())?;
    let gone = "(selectors) => !dom.find(selectors)";
    let arguments = [serde_json::json!(selectors.code_box)];
    let passed = page.call_until(gone, &arguments, STEP).await;
    let signed_in = passed.is_ok() && is_signed_in(poe).await?;
    page.close(STEP).await.map_err(browser_error)?;
    if signed_in {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::NotSignedIn,
        "the site did not take the code; ask for a new one and try again",
    ))
}
