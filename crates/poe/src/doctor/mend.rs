//! What has drifted, found by its role and position, and the facts that mend it.

use std::time::Duration;

use lenore_browser::Page;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Site;
use crate::site::Mending;

/// How long a look for an element may take; one of them types a word and waits for a button.
const LOOK: Duration = Duration::from_secs(8);

const ELEMENTS: &str = include_str!("elements.js");
const FOLLOW: &str = include_str!("follow.js");

/// An element that was found by its position.
#[derive(Debug, Deserialize)]
struct Found {
    /// How it is found again, the best first.
    selectors: Vec<String>,
}

/// What was seen of a page while a question was answered on it.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Followed {
    stop_button: Option<Found>,
    messages: Option<Messages>,
    /// What can be shown of the elements.
    pub(super) shapes: Value,
}

#[derive(Debug, Deserialize)]
struct Messages {
    element: String,
    id_prefix: String,
    text: Vec<String>,
    human: Vec<String>,
    complete: Option<String>,
}

/// A script of ours with the finder of elements in it.
fn with_elements(script: &str) -> String {
    script.replacen("ELEMENTS", &format!("({ELEMENTS})"), 1)
}

/// Looks for an element by its role, which is its key among the selectors.
pub(super) async fn find(page: &Page, site: &Site, role: &str) -> Option<Mending> {
    let script = with_elements(include_str!("look.js"));
    let found = page.call(&script, &[json!(role), json!(site.selectors.prompt_box)], LOOK).await;
    let found = found.inspect_err(|error| tracing::debug!(%error, "no look at the page")).ok()?;
    let found: Found = serde_json::from_value(found).ok()?;
    let why = match role {
        "prompt_box" => "the largest box for text near the bottom",
        "send_button" => "the button beside the box that typing enables",
        "file_input" => "the input for files nearest to the box",
        _ => "what closes that which lies over the box",
    };
    of_selectors(site, role, found, why)
}

fn of_selectors(site: &Site, role: &str, found: Found, why: &str) -> Option<Mending> {
    if found.selectors.is_empty() {
        return None;
    }
    Some(Mending::list(site, &format!("selectors.{role}"), found.selectors, why))
}

/// Follows a page for at most `wait`, from before a question is sent until `token` is heard there.
pub(super) async fn follow(
    page: &Page,
    site: &Site,
    question: &str,
    token: &str,
    wait: Duration,
) -> Option<Followed> {
    let milliseconds = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
    let facts = json!({
        "prompt_box": site.selectors.prompt_box,
        "send_button": site.selectors.send_button,
    });
    let arguments = [facts, json!(question), json!(token), json!(milliseconds)];
    let seen = page.call(&with_elements(FOLLOW), &arguments, wait + LOOK).await;
    let seen = seen.inspect_err(|error| tracing::debug!(%error, "the page was not followed"));
    serde_json::from_value(seen.ok()?).ok()
}

impl Followed {
    /// The stop button, by its position.
    pub(super) fn stop_button(&mut self, site: &Site) -> Option<Mending> {
        let found = self.stop_button.take()?;
        of_selectors(site, "stop_button", found, "what came beside the box while the answer ran")
    }

    /// What is otherwise with the messages than the facts say. `tells` is what the page itself says
    /// of the facts: which of them find something there.
    pub(super) fn messages(&self, site: &Site, tells: &Tells) -> Vec<Mending> {
        let Some(found) = &self.messages else { return Vec::new() };
        let mut mendings = Vec::new();
        let why = "by the question's own text";
        if !tells.element && found.element != site.messages.element {
            mendings.push(Mending::text("messages.element", &found.element, why));
            mendings.push(Mending::text("messages.id_prefix", &found.id_prefix, why));
        }
        if !tells.text && !found.text.is_empty() {
            mendings.push(Mending::list(site, "messages.text", found.text.clone(), why));
        }
        if !tells.human && !found.human.is_empty() {
            let why = "what only the question's message has";
            mendings.push(Mending::list(site, "messages.human", found.human.clone(), why));
        }
        if let Some(complete) = &found.complete
            && !tells.complete
        {
            let why = "what turned to true at the answer's end";
            mendings.push(Mending::text("messages.complete", complete, why));
        }
        mendings
    }
}

/// Which of the facts about messages find something on a page.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Tells {
    element: bool,
    text: bool,
    human: bool,
    complete: bool,
}

impl Tells {
    pub(super) async fn of(page: &Page, site: &Site) -> Self {
        let look = "(facts) => { const find = (list) => list.some((it) => document.querySelector(it)); \
                    return { element: find([facts.element]), text: find(facts.text), \
                    human: find(facts.human), complete: find([`[${facts.complete}]`]) }; }";
        let told = page.call(look, &[json!(site.messages)], LOOK).await;
        told.ok().and_then(|told| serde_json::from_value(told).ok()).unwrap_or_default()
    }

    /// The facts that find nothing, by their keys.
    pub(super) fn silent(&self) -> Vec<&'static str> {
        let all = [
            ("messages.element", self.element),
            ("messages.text", self.text),
            ("messages.human", self.human),
            ("messages.complete", self.complete),
        ];
        all.into_iter().filter(|(_, tells)| !tells).map(|(key, _)| key).collect()
    }
}
