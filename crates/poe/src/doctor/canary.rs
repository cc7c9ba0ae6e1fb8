//! A question that is really asked, on the page that was looked at.

use std::pin::pin;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::{Either, select};
use lenore_browser::{Page, TapEvent};
use lenore_provider::{Error, ErrorKind};
use tokio::time::timeout;

use super::page::Open;
use super::recorder::Recorder;
use super::{Examiner, Looked, Seen, Trouble};
use crate::context::Context;
use crate::decode::{Exchange, Step, TapMessage};
use crate::{compose, models};

/// Short to ask, short to answer, and nobody's secret.
const QUESTION: &str = "Reply with OK.";
/// How long the answer may take.
const ANSWER: Duration = Duration::from_secs(60);
/// What pressing send and stop may take besides.
const BUTTONS: Duration = Duration::from_secs(40);

impl Examiner<'_> {
    /// Whether a question is answered, and whether the answer could be stopped meanwhile.
    pub(super) async fn canary(&mut self, open: &mut Open) {
        let poe = self.poe;
        let Open { page, recorder } = open;
        let answered = self.check("answer", ANSWER + BUTTONS, ask(poe, page, recorder)).await;
        let Some(stoppable) = answered else { return };
        let look = async {
            if stoppable {
                return Ok(Seen::ok("seen while the answer ran"));
            }
            Ok(Seen::warning(
                "not seen while the answer ran",
                "a short answer may be too fast for it; if answers go on after Ctrl-C, put a \
                 selector for stop_button into a site file (--site-file)",
            ))
        };
        self.check("stop_button", BUTTONS, look).await;
    }
}

/// Asks, and follows the answer to its end; gives whether a stop button was seen.
async fn ask(poe: &Context, page: &Page, recorder: &mut Recorder) -> Looked<bool> {
    let bot = models::bot_of(&poe.site.models, "")?;
    let sent = compose::send(page, &poe.site, &poe.site.bot_url(&bot), QUESTION).await;
    sent.map_err(Error::from)?;
    let stop_button: [&[String]; 1] = [&poe.site.selectors.stop_button];
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
            if let Err(error) = compose::stop(page, &poe.site, compose::STOP).await {
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
