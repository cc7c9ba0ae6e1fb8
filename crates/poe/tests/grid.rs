//! Chats on a real Selenium Grid: exact answers or errors that say why, and every session given
//! back. Where no Grid is installed, this is skipped.

#[path = "support/grid.rs"]
mod grid;
mod support;

use std::time::Duration;

use grid::{Grid, Size};
use lenore_poe::{Poe, WebDriver};
use lenore_provider::{ChatRequest, Error, ErrorKind, Event, Message};
use lenore_sim::Seen;
use support::{Answer, World, ask_and_see};
use tokio::sync::{Mutex, MutexGuard, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// No question of a test takes longer, whatever breaks.
const LONGEST: Duration = Duration::from_secs(90);

/// Two Grids at once are too much for a small machine.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

/// A provider that is signed in by cookies, with its chats on a Grid.
struct OnGrid {
    grid: Grid,
    world: World,
    poe: Poe,
    _turn: MutexGuard<'static, ()>,
}

impl OnGrid {
    async fn new(size: Size, chats: usize, silence: Duration) -> Option<Self> {
        Self::with(size, chats, silence, "chrome").await
    }

    async fn with(size: Size, chats: usize, silence: Duration, browser: &str) -> Option<Self> {
        let turn = ONE_AT_A_TIME.lock().await;
        let grid = Grid::start(size).await?;
        let world = World::new().await;
        let session = world.poe.export_session().await.expect("signed in");
        world.poe.close().await;
        let mut webdriver = WebDriver::new(grid.url());
        webdriver.capabilities.insert("browserName".into(), browser.into());
        webdriver.cookies = Some(session);
        let poe = Poe::builder()
            .url(world.sim.url())
            .webdriver(webdriver)
            .max_chats(chats)
            .timeout(silence)
            .patience(Duration::ZERO);
        let poe = poe.build().expect("valid options");
        Some(Self { grid, world, poe, _turn: turn })
    }

    async fn ask(&self, prompt: &str) -> Answer {
        self.start(prompt).answer.await.expect("no panic")
    }

    fn start(&self, prompt: &str) -> Asked {
        let (poe, request) =
            (self.poe.clone(), ChatRequest::new("gpt-4", vec![Message::user(prompt)]));
        let (first, begun) = oneshot::channel();
        let mut first = Some(first);
        let answer = tokio::spawn(async move {
            let asked = ask_and_see(&poe, request, |event| {
                if matches!(event, Event::Delta(_)) {
                    // Nobody may listen.
                    first.take().map(|first| first.send(()));
                }
            });
            timeout(LONGEST, asked).await.expect("no hang")
        });
        Asked { answer, begun }
    }

    /// Whether an answer is what the site has, or failed with words; never something else.
    fn is_exact(&self, answer: &Answer) -> bool {
        if let Some(error) = &answer.error {
            assert_is_told(error);
            return false;
        }
        let chat = answer.events.iter().find_map(|event| match event {
            Event::Started { chat, .. } => Some(chat),
            _ => None,
        });
        let text = self.world.sim.log().into_iter().find_map(|entry| match entry.what {
            Seen::Answer { chat: ended, text, .. } if chat == Some(&ended) => Some(text),
            _ => None,
        });
        assert_eq!(Some(answer.complete()), text.as_deref());
        true
    }

    /// Ends it, and checks that the Grid has all its places back.
    async fn end(self) {
        self.poe.close().await;
        self.grid.is_free().await;
        self.world.end().await;
    }
}

/// A question on its way.
struct Asked {
    answer: JoinHandle<Answer>,
    /// The first words have come.
    begun: oneshot::Receiver<()>,
}

fn assert_is_told(error: &Error) {
    let kinds = [ErrorKind::Browser, ErrorKind::AnswerLost, ErrorKind::Timeout];
    assert!(kinds.contains(&error.kind()), "{:?}: {error}", error.kind());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_over_a_grid_is_exact_and_its_session_given_back() {
    for browser in ["chrome", "firefox"] {
        if browser == "firefox" && grid::geckodriver().is_none() {
            eprintln!("skipped: Firefox or geckodriver is not installed");
            continue;
        }
        let silence = Duration::from_secs(30);
        let Some(on) = OnGrid::with(Size::default(), 2, silence, browser).await else { return };
        let answer = on.ask("Hello 👋 [[sim: emoji, rewrite, placeholder, others]]").await;
        assert!(on.is_exact(&answer), "{:?}", answer.error);
        assert_eq!(on.grid.sessions().len(), 1);
        on.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_node_held_is_read_again() {
    let size = Size { nodes: 2, sessions: 4, ..Size::default() };
    let Some(mut on) = OnGrid::new(size, 16, Duration::from_secs(60)).await else { return };
    let question = |n| format!("Question {n} [[sim: length=5000, chunks=100, gap=150]]");
    let asked: Vec<Asked> = (0..16).map(|n| on.start(&question(n))).collect();
    let mut answers = Vec::new();
    for Asked { answer, begun } in asked {
        begun.await.expect("it begins");
        answers.push(answer);
    }
    let sessions = on.grid.sessions().len();
    on.grid.kill_node(0);
    let (mut exact, mut told) = (0, Vec::new());
    for answer in answers {
        let answer = answer.await.expect("no panic");
        if on.is_exact(&answer) {
            exact += 1;
        } else {
            told.push(answer.failed().to_string());
        }
    }
    eprintln!("{sessions} sessions on two nodes, one killed: {exact} exact, {told:?}");
    assert_eq!(on.world.prompts().len(), 16, "never sent twice");
    assert_eq!(exact, 16, "what is lost is read again: {told:?}");
    on.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_grid_is_waited_for_and_then_told() {
    let size = Size { sessions: 1, queue_timeout: 12, ..Size::default() };
    let Some(on) = OnGrid::new(size, 2, Duration::from_secs(6)).await else { return };
    let other = on.grid.begin_session();
    let error = on.ask("Hi").await.failed();
    assert_eq!(error.kind(), ErrorKind::Browser, "{error}");
    assert!(error.to_string().contains("no session"), "{error}");
    assert!(on.world.prompts().is_empty());
    on.grid.until("somebody still waits", |count| count.queued == 0).await;

    let asked = on.start("Hi");
    on.grid.until("it waits for no place", |count| count.queued == 1).await;
    on.grid.end_session(&other);
    let answer = asked.answer.await.expect("no panic");
    assert!(on.is_exact(&answer), "{:?}", answer.error);
    on.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_the_grid_ends_is_replaced() {
    let silence = Duration::from_secs(30);
    let Some(on) = OnGrid::new(Size::default(), 2, silence).await else { return };
    let asked = on.start("Hi [[sim: length=3000, chunks=60, gap=100]]");
    asked.begun.await.expect("it begins");
    for session in on.grid.sessions() {
        on.grid.end_session(&session);
    }
    let answer = asked.answer.await.expect("no panic");
    assert!(on.is_exact(&answer), "{:?}", answer.error);
    assert_eq!(on.world.prompts().len(), 1, "never sent twice");
    on.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_starts_anew_is_found_again() {
    let size = Size { nodes: 1, session_timeout: 15, ..Size::default() };
    let Some(mut on) = OnGrid::new(size, 2, Duration::from_secs(30)).await else { return };
    let asked = on.start("Hi [[sim: length=3000, chunks=60, gap=100]]");
    asked.begun.await.expect("it begins");
    on.grid.restart().await;
    let answer = asked.answer.await.expect("no panic");
    assert!(on.is_exact(&answer), "{:?}", answer.error);
    assert_eq!(on.world.prompts().len(), 1, "never sent twice");
    let again = on.ask("And now?").await;
    assert!(on.is_exact(&again), "{:?}", again.error);
    on.end().await;
}
