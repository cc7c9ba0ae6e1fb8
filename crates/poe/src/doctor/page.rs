//! The page: from the browser's start to the socket on which answers come.

use std::time::Duration;

use lenore_browser::Page;
use lenore_provider::{ErrorKind, Result};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::recorder::Recorder;
use super::{Examiner, Looked, Seen, Trouble, mend, recording, wire};
use crate::arrive::{self, Arrival};
use crate::error::{browser_error, challenge};
use crate::source::Source;
use crate::{Mending, models, sign_in};

/// How long the browser may take to start and to open a page.
const START: Duration = Duration::from_secs(60);
/// How long an element may take that should be there already.
const ELEMENT: Duration = Duration::from_secs(3);
/// How long the page may take to open its socket.
const SOCKET: Duration = Duration::from_secs(15);
/// What a check may take beyond the waits inside it.
const MARGIN: Duration = Duration::from_secs(10);

/// A page, and what its tap has told.
pub(super) struct Open {
    pub(super) page: Page,
    pub(super) recorder: Recorder,
}

impl Examiner<'_> {
    /// Whether the browser starts, or answers.
    pub(super) async fn browser(&mut self) -> Option<Open> {
        let (poe, token, mends) = (self.poe, self.token.clone(), self.mends);
        self.check("browser", START, async {
            let script = token.map(|token| recording::script(&poe.site, &token, mends));
            let (page, tap) = poe.open_page_with(script.as_deref()).await?;
            let version = poe.session.version().await;
            let version = version.unwrap_or_else(|| "the browser".to_owned());
            let finding = match poe.session.source() {
                Source::Launch(_) => format!("{version} starts and opens a page"),
                _ => format!("{version} answers and opens a page"),
            };
            Ok(Seen::with(Open { page, recorder: Recorder::new(tap) }, finding))
        })
        .await
    }

    /// Everything about the page that needs no question. Whether one may be asked.
    pub(super) async fn page(&mut self, open: &mut Open) -> bool {
        let Some(arrival) = self.arrive(open).await else { return false };
        if self.signed_in(arrival).await.is_none() {
            return false;
        }
        let mut ready = true;
        for (name, visible) in [("prompt_box", true), ("send_button", true), ("file_input", false)]
        {
            ready &= self.element(&open.page, name, visible, arrival).await;
            if name == "prompt_box" {
                ready &= self.uncovered(&open.page).await;
            }
        }
        ready &= self.check("tap", MARGIN, tapped(open)).await.is_some();
        ready &= self.check("socket", SOCKET + MARGIN, connected(open)).await.is_some();
        ready
    }

    /// Loads the default bot's page, by way of the proxy, and finds out what it is.
    async fn arrive(&mut self, open: &Open) -> Option<Arrival> {
        let poe = self.poe;
        let proxy = poe.session.source().proxy();
        let page = &open.page;
        let load = async || {
            let url = poe.site.bot_url(&models::bot_of(&poe.site.models, "")?);
            page.navigate(&url, arrive::LOAD).await.map(drop).map_err(browser_error)
        };
        let mut loaded = None;
        if let Some(proxy) = proxy {
            let through = async { through_proxy(load().await, proxy.server()) };
            loaded = Some(self.check("proxy", arrive::LOAD + MARGIN, through).await?);
        }
        let reached = async {
            match loaded {
                Some(loaded) => loaded?,
                None => load().await?,
            }
            let reached = reached(page, &poe.site.url).await?;
            arrive::check_selectors(page, &poe.site).await?;
            Ok(reached)
        };
        self.check("site", arrive::LOAD + MARGIN, reached).await?;
        let human_check = async {
            match arrive::look(page, &poe.site, arrive::PROMPT_BOX).await? {
                Arrival::Challenge => Err(challenge().into()),
                arrival => Ok(Seen::with(arrival, "none in the way")),
            }
        };
        self.check("human_check", arrive::PROMPT_BOX + MARGIN, human_check).await
    }

    async fn signed_in(&mut self, arrival: Arrival) -> Option<()> {
        let poe = self.poe;
        self.check("signed_in", MARGIN, async {
            let signed_in = match arrival {
                Arrival::PromptBox => true,
                Arrival::SignedOut => false,
                _ => sign_in::is_signed_in(poe).await?,
            };
            if !signed_in {
                return Err(poe.session.signed_out().into());
            }
            Ok(Seen::ok("the profile holds a session"))
        })
        .await
    }
}

/// Tells a proxy's failure from the site's, which is handed on.
fn through_proxy(loaded: Result<()>, server: &str) -> Looked<Result<()>> {
    match loaded {
        // The browser's reasons for a proxy all begin so.
        Err(error) if error.to_string().starts_with("the proxy") => Err(error.into()),
        Err(error) if error.kind() == ErrorKind::Timeout => {
            let finding = format!("nothing came through {server} in time");
            let warning = Some("see whether the proxy works with another program".to_owned());
            Ok(Seen { value: Err(error), finding, warning })
        }
        loaded => Ok(Seen::with(loaded, format!("{server} lets us through"))),
    }
}

/// What the site says to a request for its page.
async fn reached(page: &Page, url: &str) -> Looked {
    let status = "() => performance.getEntriesByType('navigation')[0]?.responseStatus ?? 0";
    let status = page.call(status, &[], MARGIN).await?.as_u64().unwrap_or_default();
    let finding = format!("{url} answers with HTTP {status}");
    match status {
        0 => Ok(Seen::ok(format!("{url} answers"))),
        429 => Err(Trouble::new(ErrorKind::RateLimited, finding, "wait some minutes")),
        500.. => Err(Trouble::new(
            ErrorKind::Network,
            finding,
            "the site is in trouble itself; look again in a while",
        )),
        // What it means is for the next checks to say.
        400.. => Ok(Seen::warning(finding, "see what the next checks find")),
        _ => Ok(Seen::ok(finding)),
    }
}

impl Examiner<'_> {
    /// Whether an element is there. One that its selectors do not find is looked for by its
    /// position.
    async fn element(
        &mut self,
        page: &Page,
        name: &'static str,
        visible: bool,
        arrival: Arrival,
    ) -> bool {
        let (site, mends) = (self.site.clone(), self.mends);
        let mut mending = None;
        let look = async {
            let selectors = &site.selectors;
            let selectors = match name {
                "prompt_box" => &selectors.prompt_box,
                "send_button" => &selectors.send_button,
                _ => &selectors.file_input,
            };
            let looked = element(page, name, selectors, visible, arrival).await;
            let missing = match looked {
                Err(trouble) if trouble.kind == ErrorKind::SiteChanged => trouble,
                looked => return looked,
            };
            mending = mend::find(page, &site, name).await;
            match &mending {
                Some(mending) => found_elsewhere(mending, missing, mends),
                None => Err(missing),
            }
        };
        let is_there = self.check(name, ELEMENT + MARGIN, look).await.is_some();
        mending.into_iter().for_each(|mending| self.mend(mending));
        is_there
    }

    /// Whether nothing lies over the box that is not known to be closed. It is no check where
    /// nothing does.
    async fn uncovered(&mut self, page: &Page) -> bool {
        let is_known = "(selectors) => Boolean(dom.find(selectors))";
        let known = json!(self.site.selectors.popup_close);
        if page.call(is_known, &[known], MARGIN).await.is_ok_and(|known| known == true) {
            return true;
        }
        let site = self.site.clone();
        let Some(mending) = mend::find(page, &site, "popup_close").await else { return true };
        let missing = Trouble::new(
            ErrorKind::SiteChanged,
            "something lies over the prompt box",
            "open the site in a window (`lenore login`) and close it",
        );
        let looked = found_elsewhere(&mending, missing, self.mends);
        let is_well = self.check("popup_close", MARGIN, async { looked }).await.is_some();
        self.mend(mending);
        is_well
    }

    /// What was recorded of the page.
    pub(super) async fn recorded(&mut self, open: &mut Open) -> Vec<Value> {
        let Some(token) = &self.token else { return Vec::new() };
        let tell = "(token) => { dispatchEvent(new Event(token)); }";
        if let Err(error) = open.page.call(tell, &[json!(token)], MARGIN).await {
            tracing::debug!(%error, "the page cannot tell what was recorded");
        }
        let (shapes, names) = open.recorder.shapes(MARGIN).await;
        for mending in wire::mendings(&self.site, &shapes, &names) {
            self.mend(mending);
        }
        shapes
    }
}

/// What is said of an element that was found in another way than by its selectors.
fn found_elsewhere(mending: &Mending, missing: Trouble, mends: bool) -> Looked {
    let finding = format!("{}, but {} is there", missing.finding, mending.why);
    if mends {
        return Ok(Seen::warning(finding, "the site file that is shown below mends it"));
    }
    let advice = "`lenore doctor --mend` writes what is shown below into a site file";
    Err(Trouble::new(missing.kind, finding, advice))
}

/// Whether an element is there, and which of its selectors finds it.
async fn element(
    page: &Page,
    name: &'static str,
    selectors: &[String],
    visible: bool,
    arrival: Arrival,
) -> Looked {
    let look = "(selectors, visible) => { const at = selectors.findIndex((selector) => \
                visible ? dom.find([selector]) : document.querySelector(selector)); \
                return at >= 0 && { at }; }";
    let arguments = [json!(selectors), json!(visible)];
    match page.call_until(look, &arguments, ELEMENT).await {
        Ok(found) => {
            let at = found["at"].as_u64().unwrap_or_default() + 1;
            Ok(Seen::ok(format!("there, by selector {at} of {}", selectors.len())))
        }
        Err(error) if error.kind() == lenore_browser::ErrorKind::Timeout => {
            let why = match arrival {
                Arrival::UnknownBot => "; the page says that there is no such bot",
                _ => "",
            };
            Err(Trouble::new(
                ErrorKind::SiteChanged,
                format!("not found; selectors tried: {}{why}", selectors.len()),
                format!(
                    "the site has changed: a newer version of Lenore may know it; until then put \
                     a selector for {name} into a site file (--site-file)"
                ),
            ))
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether what the page sends and receives comes by us.
async fn tapped(open: &mut Open) -> Looked {
    // What is not the tap's is native, or the constructor of its own sockets.
    let native = "() => [WebSocket.prototype.constructor === WebSocket && 'WebSocket', \
                  /\\[native code\\]/.test(Function.prototype.toString.call(fetch)) && 'fetch'] \
                  .filter(Boolean)";
    let native = open.page.call(native, &[], MARGIN).await?;
    let native: Vec<_> =
        native.as_array().into_iter().flatten().filter_map(|name| name.as_str()).collect();
    open.recorder.catch_up();
    let finding = match (open.recorder.is_opened(), native.is_empty()) {
        (true, true) => return Ok(Seen::ok("WebSocket and fetch are wrapped")),
        (false, _) => "the tap's script has not run in the page".to_owned(),
        (true, false) => format!("the page has put back its own {}", native.join(" and ")),
    };
    Err(Trouble::new(
        ErrorKind::SiteChanged,
        finding,
        "see whether an extension or a --browser-arg meddles with the page; else report it",
    ))
}

/// Whether the page is connected to what brings its answers.
async fn connected(open: &mut Open) -> Looked {
    let end = Instant::now() + SOCKET;
    loop {
        if open.recorder.socket() == Some(true) {
            return Ok(Seen::ok("the page's socket is open"));
        }
        if !matches!(tokio::time::timeout_at(end, open.recorder.next()).await, Ok(Some(_))) {
            break;
        }
    }
    Err(match open.recorder.socket() {
        Some(_) => Trouble::new(
            ErrorKind::Network,
            "the page's socket does not connect",
            "see whether a proxy or a firewall stops WebSockets",
        ),
        None => Trouble::new(
            ErrorKind::SiteChanged,
            format!("the page has opened no socket within {SOCKET:?}"),
            "see whether a proxy or a firewall holds WebSockets up; else report it",
        ),
    })
}
