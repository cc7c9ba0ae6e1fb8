//! A provider that does as it is told, and counts what is asked of it.

use std::collections::VecDeque;
use std::future::ready;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, stream};
use lenore_provider::{
    ChatRequest, Completion, Error, ErrorKind, Event, FinishReason, Health, Hold, Model, Provider,
    Result,
};
use tokio::sync::watch;

use super::in_time;

/// What the provider does next.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Say(Event),
    Fail(ErrorKind),
    /// Fails, and nobody knows whether the question was taken.
    Doubt(ErrorKind),
    Wait(Duration),
    /// Says a number and the time, in microseconds since 1970.
    Stamp(usize),
    /// Goes on saying this, so often a second, until it is stopped.
    Endless(&'static str, u64),
    /// Says nothing more, until it is stopped.
    Hang,
    /// Keeps its place for so long after it is stopped.
    Lag(Duration),
}

type Answering = dyn Fn(&ChatRequest) -> Vec<Step> + Send + Sync;

pub(crate) struct Fake {
    name: &'static str,
    answering: Box<Answering>,
    asked: Mutex<Vec<Asked>>,
    running: watch::Sender<usize>,
    said: Arc<AtomicUsize>,
    /// Models that it tells only once it was asked for them.
    far: Vec<&'static str>,
    were_asked_for: AtomicBool,
    pub(crate) health: Mutex<Health>,
}

/// A question, and the files that came with it, as they were then.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) request: ChatRequest,
    pub(crate) files: Vec<(PathBuf, Vec<u8>)>,
}

/// Counts an answer while it is not dropped.
struct Running(watch::Sender<usize>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

/// Keeps what belongs to an answer's place for some time after it was dropped.
struct Lagging {
    lag: Duration,
    hold: Option<Hold>,
}

impl Drop for Lagging {
    fn drop(&mut self) {
        let (lag, hold) = (self.lag, self.hold.take());
        if !lag.is_zero() {
            tokio::spawn(async move {
                tokio::time::sleep(lag).await;
                drop(hold);
            });
        }
    }
}

impl Fake {
    pub(crate) fn new(
        answering: impl Fn(&ChatRequest) -> Vec<Step> + Send + Sync + 'static,
    ) -> Self {
        Self::named("fake", answering)
    }

    pub(crate) fn named(
        name: &'static str,
        answering: impl Fn(&ChatRequest) -> Vec<Step> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name,
            answering: Box::new(answering),
            asked: Mutex::default(),
            running: watch::Sender::new(0),
            said: Arc::default(),
            far: Vec::new(),
            were_asked_for: AtomicBool::new(false),
            health: Mutex::default(),
        }
    }

    /// One that knows more models than it lists.
    pub(crate) fn with_far_models(mut self, names: impl Into<Vec<&'static str>>) -> Self {
        self.far = names.into();
        self
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("no panic").clone()
    }

    /// The one question.
    pub(crate) fn only(&self) -> Asked {
        let asked = self.asked();
        assert_eq!(asked.len(), 1, "{asked:#?}");
        asked[0].clone()
    }

    pub(crate) fn running(&self) -> usize {
        *self.running.borrow()
    }

    /// How many events were taken, of all answers.
    pub(crate) fn said(&self) -> usize {
        self.said.load(Ordering::Relaxed)
    }

    /// Waits until so many answers run.
    pub(crate) async fn until_running(&self, count: usize) {
        let mut running = self.running.subscribe();
        let waiting = running.wait_for(|running| *running == count);
        in_time(&format!("{count} running answers"), waiting).await.expect("it lives");
    }
}

impl Provider for Fake {
    fn name(&self) -> &str {
        self.name
    }

    fn url(&self) -> &str {
        "http://fake.invalid"
    }

    fn working(&self) -> bool {
        true
    }

    fn needs_auth(&self) -> bool {
        false
    }

    fn supports_stream(&self) -> bool {
        true
    }

    fn default_model(&self) -> &str {
        "raven"
    }

    fn models(&self) -> Vec<Model> {
        let far = if self.were_asked_for.load(Ordering::Relaxed) { &*self.far } else { &[] };
        let names = ["raven", "family/crow"].iter().chain(far);
        names.map(|name| Model { name: (*name).into(), bot: name.to_uppercase() }).collect()
    }

    fn refresh_models(&self) -> BoxFuture<'_, Result<Vec<Model>>> {
        self.were_asked_for.store(true, Ordering::Relaxed);
        ready(Ok(self.models())).boxed()
    }

    fn takes_any_model(&self) -> bool {
        !self.far.is_empty()
    }

    fn health(&self) -> Health {
        let told = self.health.lock().expect("no panic").clone();
        Health { running: self.running() + told.running, ..told }
    }

    fn create_completion(&self, request: ChatRequest) -> Completion {
        let steps: VecDeque<_> = (self.answering)(&request).into();
        let read = |path: &PathBuf| (path.clone(), std::fs::read(path).expect("a file"));
        let files = request.attachments.iter().map(read).collect();
        let stream = request.stream;
        let hold = request.hold.clone();
        let mut request = request;
        request.hold = Hold::default();
        self.asked.lock().expect("no panic").push(Asked { request, files });
        self.running.send_modify(|count| *count += 1);
        let running = Arc::new(Running(self.running.clone()));
        let said = self.said.clone();
        let lag = steps.iter().find_map(|step| match step {
            Step::Lag(time) => Some(*time),
            _ => None,
        });
        let lagging = Lagging { lag: lag.unwrap_or_default(), hold: Some(hold) };
        let state = (steps, (running, lagging), said);
        let events = stream::unfold(state, |(mut steps, running, said)| async move {
            loop {
                let item = match steps.pop_front()? {
                    Step::Say(event) => Ok(event),
                    Step::Fail(kind) => Err(Error::new(kind, format!("it failed: {kind}"))),
                    Step::Doubt(kind) => Err(Error::new(kind, "who knows").with_doubt()),
                    Step::Stamp(number) => {
                        let now = SystemTime::now().duration_since(UNIX_EPOCH);
                        let now = now.unwrap_or_default().as_micros();
                        Ok(Event::Delta(format!("<{number}@{now}>")))
                    }
                    Step::Wait(time) => {
                        tokio::time::sleep(time).await;
                        continue;
                    }
                    Step::Endless(text, rate) => {
                        tokio::time::sleep(
                            Duration::from_secs(1) / u32::try_from(rate).expect("few"),
                        )
                        .await;
                        steps.push_front(Step::Endless(text, rate));
                        Ok(Event::Delta(text.into()))
                    }
                    Step::Hang => std::future::pending().await,
                    Step::Lag(_) => continue,
                };
                said.fetch_add(1, Ordering::Relaxed);
                return Some((item, (steps, running, said)));
            }
        });
        Completion::new(events, stream)
    }
}

pub(crate) fn started() -> Step {
    Step::Say(Event::Started { chat: "c0de".into(), message: "m1".into(), bot: "RAVEN".into() })
}

pub(crate) fn delta(text: &str) -> Step {
    Step::Say(Event::Delta(text.into()))
}

pub(crate) fn finished() -> Step {
    Step::Say(Event::Finished { reason: FinishReason::Complete })
}

/// What the words of the question ask for, so that any client can ask for it.
pub(crate) fn script(request: &ChatRequest) -> Vec<Step> {
    let words = &request.messages.last().expect("a message").content;
    let kind = words.split_once("[fail ").and_then(|(_, rest)| rest.split_once(']'));
    if let Some((kind, _)) = kind {
        let kind = serde_json::from_value(kind.into()).expect("a kind");
        return vec![Step::Fail(kind)];
    }
    if words.contains("[break]") {
        return vec![started(), delta("Once "), Step::Fail(ErrorKind::AnswerLost)];
    }
    if words.contains("[endless]") {
        return vec![started(), Step::Endless("quoth ", 100)];
    }
    if words.contains("[rewrite]") {
        let rewrite = Event::Replace { keep: 0, text: "Found 🐦.".into() };
        return vec![started(), delta("Searching 🐦"), Step::Say(rewrite), finished()];
    }
    if words.contains("[think]") {
        let thoughts = ["Let me", " see."].map(|text| Step::Say(Event::Thought(text.into())));
        let begin = [Step::Say(Event::Status("Thinking…".into())), started()];
        return begin.into_iter().chain(thoughts).chain([delta("42"), finished()]).collect();
    }
    let text = if words.contains("<tool_result") {
        "It is raining."
    } else if words.contains("[call]") {
        "I look.\n<tool_call>{\"name\": \"weather\", \"arguments\": {\"city\": \"Köln\"}}</tool_call>"
    } else if words.contains("[json]") {
        "```json\n{\"name\": \"raven\", \"wings\": 2}\n```"
    } else if !request.attachments.is_empty() {
        "I see a file."
    } else {
        "Once upon a midnight dreary 🐦‍⬛, “while” I pondered."
    };
    let pieces: Vec<_> = text.split_inclusive(' ').map(delta).collect();
    let mut steps = vec![Step::Say(Event::Status("Thinking…".into())), started()];
    steps.extend(pieces);
    steps.push(finished());
    steps
}
