//! A question that is really asked, on the page that was looked at.

use std::pin::pin;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::{Either, select};
use lenore_browser::{Page, TapEvent};
use lenore_provider::{Error, ErrorKind};
use tokio::time::timeout;

use super::mend::{self, Followed, Tells};
use super::page::Open;
use super::recorder::Recorder;
use super::{Examiner, Looked, Seen, Trouble};
use crate::Site;
use crate::context::Context;
use crate::decode::{Exchange, Step, TapMessage};
use crate::{compose, models};

/// Short to ask, short to answer, and nobody's secret.
const QUESTION: &str = "Reply with OK.";
/// How long the answer may take.
const ANSWER: Duration = Duration::from_secs(60);
/// How long a recording goes on after an answer's end.
const AFTERWARDS: Duration = Duration::from_secs(2);
/// What pressing send and stop may take besides.
const BUTTONS: Duration = Duration::from_secs(40);

impl Examiner<'_> {
    /// Whether a question is answered, and whether the answer could be stopped meanwhile.
    pub(super) async fn canary(&mut self, open: &mut Open) {
        let (poe, site) = (self.poe, self.site.clone());
        let Open { page, recorder } = open;
        let mut seen = Followed::default();
        // What comes after an answer's end belongs to a recording too.
        let linger = self.token.as_ref().map_or(Duration::ZERO, |_| AFTERWARDS);
        let asked = ask(poe, &site, page, recorder, linger, &mut seen);
        let answered = self.check("answer", ANSWER + BUTTONS, asked).await;
        self.elements = Some(std::mem::take(&mut seen.shapes));
        if let Some(stoppable) = answered {
            self.stop_button(stoppable, &mut seen).await;
            self.messages(page, &seen).await;
        }
    }

    async fn stop_button(&mut self, was_seen: bool, seen: &mut Followed) {
        let found = if was_seen { None } else { seen.stop_button(&self.site) };
        let looked = match &found {
            _ if was_seen => Seen::ok("seen while the answer ran"),
            Some(found) => Seen::warning(
                format!("not found, but {} is there", found.why),
                "`lenore doctor --ask --mend` writes what is shown below into a site file",
            ),
            None => Seen::warning(
                "not seen while the answer ran",
                "a short answer may be too fast for it; if answers go on after Ctrl-C, put a \
                 selector for stop_button into a site file (--site-file)",
            ),
        };
        self.check("stop_button", BUTTONS, async { Ok(looked) }).await;
        found.into_iter().for_each(|mending| self.mend(mending));
    }

    /// Whether the page's messages are as the facts say. They matter where an answer was lost on
    /// its way, and the page is all that has it.
    async fn messages(&mut self, page: &Page, seen: &Followed) {
        let site = self.site.clone();
        let mut found = Vec::new();
        let look = async {
            let tells = Tells::of(page, &site).await;
            found = seen.messages(&site, &tells);
            let silent = tells.silent();
            Ok(match (found.is_empty(), silent.is_empty()) {
                (false, _) => Seen::warning(
                    format!("not as known: {}", keys(&found)),
                    "`lenore doctor --ask --mend` writes what is shown below into a site file",
                ),
                (true, true) => Seen::ok("the page shows them as is known"),
                (true, false) => Seen::ok(format!("shown, though not by {}", silent.join(", "))),
            })
        };
        self.check("messages", BUTTONS, look).await;
        found.into_iter().for_each(|mending| self.mend(mending));
    }
}

fn keys(mendings: &[crate::Mending]) -> String {
    let keys: Vec<_> = mendings.iter().map(|mending| mending.key.as_str()).collect();
    keys.join(", ")
}

/// Asks, and follows the answer to its end; gives whether a stop button was seen.
async fn ask(
    poe: &Context,
    site: &Site,
    page: &Page,
    recorder: &mut Recorder,
    linger: Duration,
    seen: &mut Followed,
) -> Looked<bool> {
    let end = format!("e{:032x}", fastrand::u128(..));
    let watching = mend::follow(page, site, QUESTION, &end, ANSWER);
    let asking = async {
        let answered = ask_and_follow(poe, site, page, recorder).await;
        recorder.linger(linger).await;
        let tell = "(token) => { dispatchEvent(new Event(token)); }";
        if let Err(error) = page.call(tell, &[serde_json::json!(end)], BUTTONS).await {
            tracing::debug!(%error, "the page cannot be told that the answer has ended");
        }
        answered
    };
    let (watched, answered) = futures_util::future::join(watching, asking).await;
    *seen = watched.unwrap_or_default();
    answered
}

async fn ask_and_follow(
    poe: &Context,
    site: &Site,
    page: &Page,
    recorder: &mut Recorder,
) -> Looked<bool> {
    let bot = models::bot_of(&site.models, "")?;
    let sent = compose::send(page, site, &site.bot_url(&bot), QUESTION).await;
    sent.map_err(Error::from)?;
    let stop_button: [&[String]; 1] = [&site.selectors.stop_button];
    let button = pin!(page.wait_for_any(&stop_button, ANSWER));
    let answer = pin!(follow(poe, recorder));
    let (answered, seen) = match select(button, answer).await {
        Either::Left((seen, answer)) => (answer.await, seen.is_ok()),
        Either::Right((answered, button)) => {
            (answered, button.now_or_never().is_some_and(|seen| seen.is_ok()))
        }
    };
    match answered {
        Ok(finding) => Ok(Seen::with(seen, finding)),
        Err(trouble) => {
            if let Err(error) = compose::stop(page, site, compose::STOP).await {
                tracing::debug!(%error, "stop could not be pressed");
            }
            Err(trouble)
        }
    }
}

async fn follow(poe: &Context, recorder: &mut Recorder) -> Result<String, Trouble> {
    let begun = Instant::now();
    let mut exchange = Exchange::new(poe.facts.clone(), None, None);
    let mut missed = false;
    loop {
        let left = ANSWER.saturating_sub(begun.elapsed());
        let Ok(event) = timeout(left, recorder.next()).await else {
            return Err(late(&exchange, missed));
        };
        match event {
            None => {
                let finding = "the page is gone";
                return Err(Trouble::new(ErrorKind::Browser, finding, "run the check again"));
            }
            Some(TapEvent::Opened) => exchange.reset_document(),
            Some(TapEvent::Message(message)) => {
                let message = serde_json::from_str::<TapMessage>(message.get());
                let steps = message.map(|message| exchange.take(&message)).unwrap_or_default();
                for step in steps {
                    match step {
                        Step::Complete => {
                            return Ok(format!("complete after {:.1?}", begun.elapsed()));
                        }
                        Step::Failed(error) | Step::Unconfirmed { error, .. } => {
                            return Err(error.into());
                        }
                        Step::Gap => missed = true,
                        _ => {}
                    }
                }
            }
            Some(_) => missed = true,
        }
    }
}

/// How far it got.
fn late(exchange: &Exchange, missed: bool) -> Trouble {
    let (kind, finding) = if !exchange.is_sent() {
        (ErrorKind::SiteChanged, "send was pressed, but the tap saw no question go out")
    } else if exchange.chat_code().is_none() {
        (ErrorKind::Timeout, "the question went out, but no reply to it was seen")
    } else if exchange.text().is_empty() {
        (ErrorKind::Timeout, "the site took the question, but no text of the answer arrived")
    } else {
        (ErrorKind::Timeout, "the answer began, but its end did not arrive")
    };
    let missed = if missed { "; updates were missed" } else { "" };
    let finding = format!("{finding} within {ANSWER:?}{missed}");
    Trouble::new(kind, finding, "look at the chat on the site; if it has the answer, report this")
}
