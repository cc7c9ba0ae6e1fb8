//! Asks the cases, several at once, in one warm browser that is signed in at all of their sites.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use lenore_poe::Poe;
use lenore_provider::{ChatRequest, Message};
use lenore_sim::{Options, Seen, Sim};
use tokio::time::timeout;

use crate::case::{Case, LONGEST, Outcome};
use crate::support::{World, ask};

/// The session cookie that all sites accept. A browser sends it to each of them, since ports share
/// cookies.
const SESSION: &str = "a-session-of-the-drift-test";
/// The number of cases that run at once.
const AT_ONCE: usize = 6;
/// When a case is given up.
const HANGS: Duration = Duration::from_secs(60);
/// The longest time without news of the site: answers take less than a second here.
const IDLE: Duration = Duration::from_secs(3);

/// A warm browser.
pub(crate) struct Runner {
    owner: World,
    address: String,
}

impl Runner {
    pub(crate) async fn new() -> Self {
        let options = Options::default().session(SESSION);
        let port = |builder: lenore_poe::PoeBuilder| {
            builder.browser_arg("--remote-debugging-port=0").idle_timeout(Duration::from_secs(3600))
        };
        let owner = World::at(options, port).await;
        owner.sign_in(&owner.poe).await;
        owner.ask("Hi").await.complete();
        let port = owner.profile.path().join("DevToolsActivePort");
        let port = std::fs::read_to_string(port).expect("written by the browser");
        let address = format!("http://127.0.0.1:{}", port.lines().next().expect("a port"));
        Self { owner, address }
    }

    /// Runs the cases, and gives what came of each, in their order.
    pub(crate) async fn run(self, cases: Vec<Case>) -> Vec<(Case, Outcome)> {
        let address: Arc<str> = self.address.as_str().into();
        let (done, all) = (Arc::new(AtomicUsize::new(0)), cases.len());
        let runs = cases.into_iter().map(|case| {
            let (address, done) = (address.clone(), done.clone());
            async move {
                let mut outcome = run(&address, &case).await;
                // A machine that is short of time is no fault of the site's.
                if matches!(outcome, Outcome::Late(_)) {
                    outcome = run(&address, &case).await;
                }
                if outcome != Outcome::Exact {
                    println!("{case}: {outcome}");
                }
                let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                if done.is_multiple_of(50) {
                    println!("{done} of {all}");
                }
                (case, outcome)
            }
        });
        let outcomes = futures_util::stream::iter(runs).buffered(AT_ONCE).collect().await;
        self.owner.ask("Is the browser still there?").await.complete();
        self.owner.end().await;
        outcomes
    }
}

/// Asks one question at a site that has drifted.
async fn run(address: &str, case: &Case) -> Outcome {
    let mut options = Options::default().edition(case.edition).session(SESSION);
    for drift in &case.drifts {
        options = options.drift(drift.clone());
    }
    let sim = Sim::start(options).await.expect("a site that can be so");
    let poe = Poe::builder()
        .url(sim.url())
        .cdp(address)
        .timeout(IDLE)
        .patience(Duration::ZERO)
        .build()
        .expect("valid options");
    let prompt = format!("What drifts? {}", case.directives());
    let begun = Instant::now();
    let request = ChatRequest::new("gpt-4", vec![Message::user(prompt)]);
    let asked = timeout(HANGS, ask(&poe, request)).await;
    let time = begun.elapsed();
    poe.close().await;
    let log = sim.log();
    sim.stop().await;
    let taken = log.iter().filter(|entry| match &entry.what {
        Seen::Send { status, duplicate, .. } => status == "success" && !duplicate,
        _ => false,
    });
    let taken = taken.count();
    if taken > 1 {
        return Outcome::Repeated(taken);
    }
    let Ok(answer) = asked else { return Outcome::Late(time) };
    if time > LONGEST + Duration::from_secs(2) {
        return Outcome::Late(time);
    }
    if let Some(error) = answer.error {
        return Outcome::Named(error.kind(), error.to_string());
    }
    let text = log.iter().rev().find_map(|entry| match &entry.what {
        Seen::Answer { text, .. } => Some(text),
        _ => None,
    });
    match text {
        Some(text) if *text == answer.text => Outcome::Exact,
        Some(text) => {
            let (got, all) = (answer.text.chars().count(), text.chars().count());
            Outcome::Wrong(format!("{got} characters instead of {all}"))
        }
        None => Outcome::Wrong("an answer that the site does not have".into()),
    }
}
