//! Signing in: by the user's own hand in a window, or by the site's form with a mailed code.

use std::time::Duration;

use lenore_browser::{Page, Profile, Tap};
use lenore_provider::{Error, ErrorKind, Result};
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;

use crate::arrive::{self, Arrival};
use crate::context::Context;
use crate::error::{browser_error, challenge, led_away, site_changed};
use crate::site::{Selectors, Site};

/// How long a person may take to sign in while a request waits.
const BY_HAND: Duration = Duration::from_secs(240);
/// How often it is looked at meanwhile whether there is a session.
const LOOK: Duration = Duration::from_secs(3);
/// How long each step of the form may take.
const STEP: Duration = Duration::from_secs(15);
/// How long the form's button may stay disabled after something was typed.
const ENABLING: Duration = Duration::from_secs(5);
/// So much of what the form says is passed on, in characters.
const LONGEST_WORDS: usize = 200;

const BUTTON: &str = "the login form's button";
const EMAIL_BOX: &str = "the box for the e-mail";
const CODE_BOX: &str = "the box for the code";

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
    let (page, tap) = match wait_for_person(poe, &page, url, BY_HAND).await? {
        Window::Open => (page, tap),
        Window::Closed => poe.open_page().await?,
    };
    // The way through the login form may have ended on another bot's page.
    match poe.arrive(&page, url).await? {
        Arrival::PromptBox => Ok((page, tap)),
        _ => Err(site_changed("the prompt box")),
    }
}

/// What became of the window that a person has signed in in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Window {
    Open,
    Closed,
}

/// Shows the person a page and waits until a prompt box says that they are signed in, or until
/// they have signed in and closed the window.
pub(crate) async fn wait_for_person(
    poe: &Context,
    page: &Page,
    url: &str,
    wait: Duration,
) -> Result<Window> {
    // Another account's sign-in may open one.
    page.leave_windows();
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
        match page.wait_for_any(&prompt_box, left.min(LOOK)).await {
            Ok(_) => {
                poe.session.saw_sign_in(true);
                return Ok(Window::Open);
            }
            Err(error) => match error.kind() {
                lenore_browser::ErrorKind::Timeout if !left.is_zero() => {
                    // Who has signed in on a page that is not as known need not do it again.
                    if let Some(profile) = poe.session.user_data_dir()
                        && is_signed_in(poe).await.unwrap_or(false)
                    {
                        Profile::keep(profile);
                    }
                }
                lenore_browser::ErrorKind::Timeout => {
                    return Err(not_signed_in(&format!("nobody signed in within {wait:?}")));
                }
                lenore_browser::ErrorKind::Closed if has_signed_in(poe).await => {
                    poe.session.saw_sign_in(true);
                    return Ok(Window::Closed);
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

/// Looks once more after the window was closed: a browser ends with its last window, and what it
/// kept is there for the next one.
async fn has_signed_in(poe: &Context) -> bool {
    if poe.session.shows_window().await {
        poe.session.close().await;
    }
    let looked = async {
        poe.session.open_browser().await?;
        is_signed_in(poe).await
    };
    looked.await.unwrap_or_else(|error| {
        tracing::debug!(%error, "it cannot be seen whether somebody has signed in");
        false
    })
}

/// What comes of a press of the login form's button; `login_form.js` says when.
#[derive(Deserialize)]
#[serde(tag = "end", rename_all = "snake_case")]
enum Pressed {
    Passed,
    Refused { words: String },
    Blocked,
    Missing,
    Silent,
}

/// Presses the login form's button, and waits until the box for the code comes or goes.
async fn press(page: &Page, selectors: &Selectors, comes: bool) -> Result<Pressed> {
    let form = json!({
        "next": selectors.login_next, "error": selectors.login_error,
        "box": selectors.code_box, "comes": comes,
    });
    let milliseconds = |wait: Duration| json!(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
    let arguments = [form, milliseconds(ENABLING), milliseconds(STEP)];
    let script = include_str!("login_form.js");
    match page.call(script, &arguments, ENABLING + STEP + Duration::from_secs(1)).await {
        Ok(told) => serde_json::from_value(told).map_err(|error| {
            Error::new(ErrorKind::Browser, "the page's answer is not understood").with_source(error)
        }),
        Err(error) => match error.kind() {
            // The form leads to another page.
            lenore_browser::ErrorKind::Navigated => Ok(Pressed::Passed),
            lenore_browser::ErrorKind::Timeout => Ok(Pressed::Silent),
            _ => Err(browser_error(error)),
        },
    }
}

/// Fills a box of the login form, on a page of the site's own alone.
async fn fill(page: &Page, site: &Site, boxes: &[String], element: &str, text: &str) -> Result<()> {
    let script = "(origins, boxes, text) => { \
                  if (!origins.includes(location.origin)) return { origin: location.origin }; \
                  const box = dom.find(boxes); if (!box) return false; \
                  dom.fill(box, text); return {}; }";
    let arguments = [json!(site.allowed_origins()), json!(boxes), json!(text)];
    let told = page.call_until(script, &arguments, STEP).await.map_err(missing(element))?;
    told["origin"].as_str().map_or(Ok(()), |origin| Err(led_away(origin)))
}

/// An element of the login form that did not come, or whatever else went wrong.
fn missing(element: &str) -> impl Fn(lenore_browser::Error) -> Error {
    move |error| match error.kind() {
        lenore_browser::ErrorKind::Timeout => site_changed(element),
        _ => browser_error(error),
    }
}

/// Signs in by the site's own form: the address, then the code that the site mails to it. Where
/// that is refused, `code` is called with the refusal, and yields another one or an error.
///
/// # Errors
/// [`ErrorKind::SiteChanged`] where the form is not as known, [`ErrorKind::InvalidRequest`] where
/// it does not take what was typed, [`ErrorKind::NotSignedIn`] where the site does not take the
/// code, and whatever `code` fails with.
pub(crate) async fn by_code<F>(
    poe: &Context,
    email: &str,
    mut code: impl FnMut(Option<Error>) -> F,
) -> Result<()>
where
    F: Future<Output = Result<String>>,
{
    let selectors = &poe.site.selectors;
    let (page, _tap) = poe.open_page().await?;
    page.navigate(&poe.site.login_url(), arrive::LOAD).await.map_err(browser_error)?;
    arrive::check_origin(&page, &poe.site).await?;
    let first = [&*selectors.email_box, &*selectors.challenge, &*selectors.prompt_box];
    match page.wait_for_any(&first, STEP).await.map_err(missing(EMAIL_BOX))? {
        0 => {}
        1 => return Err(challenge()),
        _ => {
            poe.session.saw_sign_in(true);
            return Ok(());
        }
    }
    fill(&page, &poe.site, &selectors.email_box, EMAIL_BOX, email).await?;
    match press(&page, selectors, true).await? {
        Pressed::Missing => return Err(site_changed(BUTTON)),
        Pressed::Blocked => return Err(refused("the e-mail address", "")),
        Pressed::Refused { words } => return Err(refused("the e-mail address", &words)),
        Pressed::Passed | Pressed::Silent => {}
    }
    let code_box: [&[String]; 1] = [&selectors.code_box];
    page.wait_for_any(&code_box, STEP).await.map_err(missing(CODE_BOX))?;
    arrive::check_origin(&page, &poe.site).await?;
    let mut refusal = None;
    loop {
        let typed = code(refusal.take()).await?;
        fill(&page, &poe.site, &selectors.code_box, CODE_BOX, typed.trim()).await?;
        let pressed = press(&page, selectors, false).await?;
        refusal = Some(match pressed {
            Pressed::Missing => return Err(site_changed(BUTTON)),
            Pressed::Passed if is_signed_in(poe).await? => {
                poe.session.saw_sign_in(true);
                return page.close(STEP).await.map_err(browser_error);
            }
            // There is no form any more to type another one into.
            Pressed::Passed => return Err(not_taken("")),
            Pressed::Blocked => refused("the code", ""),
            Pressed::Refused { words } => not_taken(&words),
            Pressed::Silent => not_taken(""),
        });
    }
}

/// The error of what the form does not take: it says why, or lets nobody press its button.
fn refused(what: &str, words: &str) -> Error {
    let message = format!("the site's login form does not accept {what}");
    Error::new(ErrorKind::InvalidRequest, with_words(message, words, "check it"))
}

/// The error of a code that is not the right one.
fn not_taken(words: &str) -> Error {
    let message = "the site did not take the code".to_owned();
    Error::new(ErrorKind::NotSignedIn, with_words(message, words, "use that of its newest mail"))
}

/// A message with what the page says, in one line of a bounded length; where it is silent, with
/// advice of ours.
fn with_words(message: String, words: &str, advice: &str) -> String {
    let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let line: String = line.chars().filter(|c| !c.is_control()).take(LONGEST_WORDS).collect();
    match line.trim_end_matches('.') {
        "" => format!("{message}; {advice}"),
        words => format!("{message}: {words}"),
    }
}
