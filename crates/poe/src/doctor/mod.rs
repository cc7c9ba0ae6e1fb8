//! What stands between a profile and an answer: each step of the way, looked at on its own.

mod bundle;
mod canary;
mod evidence;
mod machine;
mod mend;
mod page;
mod recorder;
mod recording;
mod wire;

use std::time::Duration;

use lenore_browser::Program;
use lenore_provider::{Error, ErrorKind};
use serde_json::Value;
use tokio::time::timeout;

use self::evidence::Evidence;
use crate::context::Context;
use crate::source::Source;
use crate::{Mending, Poe, Site};

/// The checks of the machine; only where the browser is ours to start. The driver is Firefox's.
const MACHINE: &[&str] = &["browser_program", "browser_driver", "disk_space", "profile"];
/// The checks of the page, once it is there.
const PAGE: &[&str] = &[
    "site",
    "human_check",
    "signed_in",
    "prompt_box",
    "send_button",
    "file_input",
    "tap",
    "socket",
];
/// The checks of an answer.
const CANARY: &[&str] = &["answer", "stop_button", "messages"];

/// What an [examination](Poe::examine) may do beyond looking.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Examination {
    /// Ask the default bot a short question. It costs a message, and leaves a chat.
    pub ask: bool,
    /// Gather what a [bundle](Diagnosis::write_bundle) shows of the page even where nothing fails.
    pub evidence: bool,
    /// Go on with what was found in the place of a fact that has changed. What mends the facts is
    /// in [`Diagnosis::mendings`] either way.
    pub mend: bool,
    /// Make a [recording](Diagnosis::recording) of what the page sends, receives and shows.
    pub record: bool,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// All is as it should be.
    Ok,
    /// It works, but the user should know something.
    Warning,
    /// It does not work; a request would fail with this kind of error.
    Failed(ErrorKind),
    /// It was not looked at, since an earlier check failed.
    Skipped,
}

impl Outcome {
    /// The outcome's name in machine-readable output: `ok`, `warning`, `failed`, `skipped`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed(_) => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// One step of the way, and what was found there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Check {
    /// Its name in machine-readable output, such as `disk_space`. Those that look for an element
    /// are called as its selectors are in the site file.
    pub name: &'static str,
    /// How it ended.
    pub outcome: Outcome,
    /// What was found, in a few words. It holds no prompt, answer, title or cookie.
    pub finding: String,
    /// What to do, where there is something to do.
    pub advice: Option<String>,
}

/// What an examination tells while it runs.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// A check begins, by its name.
    Begins(&'static str),
    /// A check has ended.
    Done(&'a Check),
}

/// Everything that was found.
#[derive(Debug)]
pub struct Diagnosis {
    checks: Vec<Check>,
    browser: Option<String>,
    evidence: Evidence,
    mendings: Vec<Mending>,
    recording: Vec<String>,
}

impl Diagnosis {
    /// The checks, in the order of the way.
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }

    /// What the first failure is; `None` where nothing failed.
    pub fn failure(&self) -> Option<ErrorKind> {
        self.checks.iter().find_map(|check| match check.outcome {
            Outcome::Failed(kind) => Some(kind),
            _ => None,
        })
    }

    /// The facts of the site that have changed, with what was found in their places.
    pub fn mendings(&self) -> &[Mending] {
        &self.mendings
    }

    /// The lines of the recording, each a JSON object; none where none was asked for, or no page
    /// could be opened. It holds names, types, states, order and times, and nothing that the user
    /// or a bot wrote.
    pub fn recording(&self) -> &[String] {
        &self.recording
    }

    /// The browser's name and version, once it has told them.
    pub fn browser(&self) -> Option<&str> {
        self.browser.as_deref()
    }
}

impl Poe {
    /// Examines each step of the way to an answer, and tells of each as it goes. Every check has a
    /// deadline; one that fails ends those that depend on it, and no others.
    pub async fn examine(
        &self,
        examination: Examination,
        mut tell: impl FnMut(Progress<'_>) + Send,
    ) -> Diagnosis {
        let _lease = self.0.session.lease();
        let Examination { ask, evidence, mend, record } = examination;
        let records = record || (mend && ask);
        let mut examiner = Examiner {
            poe: &self.0,
            site: self.0.site.clone(),
            mends: mend,
            token: records.then(|| format!("t{:032x}", fastrand::u128(..))),
            mendings: Vec::new(),
            elements: None,
            checks: Vec::new(),
            tell: &mut tell,
        };
        let mut opened = None;
        if examiner.machine().await {
            opened = examiner.browser().await;
        }
        let mut shapes = Vec::new();
        if let Some(open) = &mut opened {
            let ready = examiner.page(open).await;
            if ready && ask {
                examiner.canary(open).await;
            }
            shapes = examiner.recorded(open).await;
        }
        examiner.skip_the_rest(ask);
        let Examiner { checks, mendings, elements, .. } = examiner;
        let mut diagnosis = Diagnosis {
            checks,
            browser: None,
            evidence: Evidence::default(),
            mendings,
            recording: Vec::new(),
        };
        if let Some(open) = opened {
            diagnosis.browser = self.0.session.version().await;
            let gather = evidence || diagnosis.failure().is_some();
            diagnosis.evidence = open.leave(gather).await;
            if record {
                let browser = diagnosis.browser.as_deref();
                let checks = &diagnosis.checks;
                diagnosis.recording = recording::lines(browser, &shapes, elements.as_ref(), checks);
            }
        }
        diagnosis
    }
}

/// What a check comes to, where it does not fail.
struct Seen<T = ()> {
    value: T,
    finding: String,
    /// What to do, where it is a warning.
    warning: Option<String>,
}

/// Why a check fails.
struct Trouble {
    kind: ErrorKind,
    finding: String,
    advice: Option<String>,
}

type Looked<T = ()> = Result<Seen<T>, Trouble>;

impl Seen {
    fn ok(finding: impl Into<String>) -> Self {
        Self::with((), finding)
    }

    fn warning(finding: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { warning: Some(advice.into()), ..Self::ok(finding) }
    }
}

impl<T> Seen<T> {
    fn with(value: T, finding: impl Into<String>) -> Self {
        Self { value, finding: finding.into(), warning: None }
    }
}

impl Trouble {
    fn new(kind: ErrorKind, finding: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { kind, finding: finding.into(), advice: Some(advice.into()) }
    }
}

impl From<Error> for Trouble {
    /// Our messages say what happened and, after a semicolon, what to do.
    fn from(error: Error) -> Self {
        let message = error.to_string();
        if error.kind() == ErrorKind::SiteChanged {
            let finding = message.split("; ").next().unwrap_or_default();
            return Self::new(ErrorKind::SiteChanged, finding, "put newer facts into a site file");
        }
        let (finding, advice) = match message.split_once("; ") {
            Some((finding, advice)) => (finding.to_owned(), Some(advice.to_owned())),
            None => (message, None),
        };
        Self { kind: error.kind(), finding, advice }
    }
}

impl From<lenore_browser::Error> for Trouble {
    fn from(error: lenore_browser::Error) -> Self {
        crate::error::browser_error(error).into()
    }
}

/// Goes the way, and keeps what it finds.
struct Examiner<'a> {
    poe: &'a Context,
    /// The facts, with what was found in the places of those that have changed.
    site: Site,
    /// Whether it goes on with those.
    mends: bool,
    /// The event at which the page tells what was recorded, where that is done.
    token: Option<String>,
    mendings: Vec<Mending>,
    /// What can be shown of the page's elements.
    elements: Option<Value>,
    checks: Vec<Check>,
    tell: &'a mut (dyn FnMut(Progress<'_>) + Send),
}

impl Examiner<'_> {
    /// Does a check, within `wait`; `None` where it fails.
    async fn check<T>(
        &mut self,
        name: &'static str,
        wait: Duration,
        work: impl Future<Output = Looked<T>>,
    ) -> Option<T> {
        (self.tell)(Progress::Begins(name));
        let late = |_| {
            let finding = format!("no end of it within {wait:?}");
            Err(Trouble { kind: ErrorKind::Timeout, finding, advice: None })
        };
        match timeout(wait, work).await.unwrap_or_else(late) {
            Ok(Seen { value, finding, warning }) => {
                let outcome = if warning.is_some() { Outcome::Warning } else { Outcome::Ok };
                self.done(Check { name, outcome, finding, advice: warning });
                Some(value)
            }
            Err(Trouble { kind, finding, advice }) => {
                self.done(Check { name, outcome: Outcome::Failed(kind), finding, advice });
                None
            }
        }
    }

    /// Keeps what mends a fact, and goes on with it where that is wanted.
    fn mend(&mut self, mending: Mending) {
        self.mendings.push(mending);
        if self.mends {
            match self.poe.site.mended(&self.mendings) {
                Ok(site) => self.site = site,
                Err(error) => tracing::warn!(%error, "what was found cannot be used"),
            }
        }
    }

    fn done(&mut self, check: Check) {
        (self.tell)(Progress::Done(&check));
        self.checks.push(check);
    }

    /// What was not come to is said to be skipped.
    fn skip_the_rest(&mut self, ask: bool) {
        let source = self.poe.session.source();
        let machine = match source {
            Source::Launch(_) => MACHINE,
            Source::WebDriver(_) => &["webdriver"],
            Source::Attach(_) => &[],
        };
        let proxy: &[_] = if source.proxy().is_some() { &["proxy"] } else { &[] };
        let canary = if ask { CANARY } else { &[] };
        let has_driver =
            matches!(source, Source::Launch(options) if options.program == Program::Firefox);
        let names = [machine, &["browser"], proxy, PAGE, canary].concat();
        let is_failed = |check: &Check| matches!(check.outcome, Outcome::Failed(_));
        let why = match self.checks.iter().any(is_failed) {
            true => "since an earlier check failed",
            false => "since another process has the profile",
        };
        for name in names.into_iter().filter(|name| *name != "browser_driver" || has_driver) {
            if self.checks.iter().all(|check| check.name != name) {
                let finding = format!("not looked at, {why}");
                self.done(Check { name, outcome: Outcome::Skipped, finding, advice: None });
            }
        }
    }
}
