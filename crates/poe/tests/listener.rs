//! One page listens for all answers, and few tabs type: each answer is exact whatever happens to
//! them, and a tab is free again as soon as the listener hears its chat.

mod support;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use lenore_provider::{ChatRequest, Event, Message, Provider};
use lenore_sim::{LogEntry, Seen};
use support::processes::kill;
use support::{Answer, WAIT, World, ask};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// No answer takes longer, whatever happens.
const HANG: Duration = Duration::from_secs(120);
/// The tabs that type.
const WRITERS: usize = 3;

/// The most pages that were open at once.
struct Pages(Arc<AtomicUsize>, JoinHandle<()>);

impl Pages {
    fn watch(world: &World) -> Self {
        let (most, poe) = (Arc::new(AtomicUsize::new(0)), world.poe.clone());
        let seen = most.clone();
        let watching = tokio::spawn(async move {
            loop {
                seen.fetch_max(poe.health().pages, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        Self(most, watching)
    }

    fn most(self) -> usize {
        self.1.abort();
        self.0.load(Ordering::Relaxed)
    }
}

/// Asks in a task of its own.
fn asking(world: &World, n: usize, scenario: &str) -> JoinHandle<Answer> {
    let prompt = format!("Question {n} [[sim: {scenario}]]");
    let (poe, request) =
        (world.poe.clone(), ChatRequest::new("gpt-4", vec![Message::user(prompt)]));
    tokio::spawn(async move { ask(&poe, request).await })
}

/// Waits for answers, and checks that each is one that the site has.
async fn all_are_exact(world: &World, answers: Vec<JoinHandle<Answer>>) {
    let asked = answers.len();
    let mut texts = BTreeSet::new();
    for answer in answers {
        let answer = timeout(HANG, answer).await.expect("no hang").expect("no panic");
        texts.insert(answer.complete().to_owned());
    }
    let text = |entry: LogEntry| match entry.what {
        Seen::Answer { text, .. } => Some(text),
        _ => None,
    };
    let due: BTreeSet<_> = world.sim.log().into_iter().filter_map(text).collect();
    assert_eq!(texts.len(), asked, "one for each question");
    for text in &texts {
        assert!(due.contains(text), "the site has no such answer: {text:?}");
    }
    let prompts = world.prompts();
    assert_eq!(prompts.iter().collect::<BTreeSet<_>>().len(), prompts.len(), "none twice");
}

/// How many pages were loaded, and how many of them are chats.
fn loads(world: &World) -> (usize, usize) {
    let path = |entry: LogEntry| match entry.what {
        Seen::Page { path } => Some(path),
        _ => None,
    };
    let paths: Vec<_> = world.sim.log().into_iter().filter_map(path).collect();
    let chats = paths.iter().filter(|path| path.starts_with("/chat/")).count();
    (paths.len(), chats)
}

/// Waits until something holds that nothing tells.
async fn until(holds: impl Fn() -> bool) {
    let waited = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(WAIT, waited).await.expect("it comes about");
}

/// Waits until so many questions are with the site.
async fn sent(world: &World, questions: usize) {
    until(|| world.prompts().len() >= questions).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_single_question_opens_one_page() {
    let world = World::new().await;
    let before = loads(&world).0;
    let pages = Pages::watch(&world);
    assert_eq!(world.ask("[[sim: say=alone, delay=500]]").await.complete(), "alone");
    assert_eq!((pages.most(), loads(&world).0 - before), (1, 1));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_answers_at_once_are_exact_and_have_few_pages() {
    let world = World::with(|builder| builder.max_chats(64).writers(WRITERS)).await;
    let pages = Pages::watch(&world);
    let scenario = "chunks=60, gap=250, length=3000";
    let answers = (0..64).map(|n| asking(&world, n, scenario)).collect();
    all_are_exact(&world, answers).await;
    let (most, chats) = (pages.most(), loads(&world).1);
    // Those that type, those that wait, the one that listens, and that of the first question.
    assert!(most <= 2 * WRITERS + 2, "{most} pages");
    assert_eq!(chats, 0, "no chat was loaded");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_socket_of_the_listener_loses_nothing() {
    let world = World::with(|builder| builder.max_chats(8).timeout(Duration::from_secs(10))).await;
    for (round, fault) in ["drop-socket=10, away=300", "missed=10", "refetch=10"].iter().enumerate()
    {
        let scenario = |n| if n == 5 { *fault } else { "others" };
        let answers = (0..6).map(|n| {
            let scenario = format!("length=1500, chunks=60, gap=60, {}", scenario(n));
            asking(&world, 10 * round + n, &scenario)
        });
        all_are_exact(&world, answers.collect()).await;
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_whose_page_dies_is_made_up_for() {
    let world = World::with(|builder| builder.max_chats(6)).await;
    let answers = (0..6).map(|n| asking(&world, n, "length=2000, chunks=60, gap=100")).collect();
    sent(&world, 6).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    // All pages share a few processes, the listener among them.
    assert!(kill(world.profile.path(), "--type=renderer") > 0);
    all_are_exact(&world, answers).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_is_renewed_amid_sixteen_answers() {
    let world = World::with(|builder| builder.max_chats(18)).await;
    let long = (0..16).map(|n| asking(&world, n, "length=4000, chunks=80, gap=150"));
    let mut answers: Vec<_> = long.collect();
    sent(&world, 16).await;
    let sockets = sockets(&world);
    // Some megabytes of answers, after which the next question has the listener renewed.
    for n in 16..20 {
        let large = asking(&world, n, "length=3000000, chunks=3, gap=20");
        answers.push(large);
        until(|| world.poe.health().running < 18).await;
    }
    all_are_exact(&world, answers).await;
    assert!(self::sockets(&world) > sockets, "another page listens");
    world.end().await;
}

fn sockets(world: &World) -> usize {
    world.sim.log().iter().filter(|entry| matches!(entry.what, Seen::SocketOpen)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tab_that_dies_before_its_answer_is_heard_is_made_up_for() {
    let world = World::with(|builder| builder.max_chats(4)).await;
    let first = asking(&world, 0, "length=1500, chunks=60, gap=120");
    sent(&world, 1).await;
    let second = asking(&world, 1, "length=1500, chunks=60, gap=60, slow-reply=3000, delay=1500");
    sent(&world, 2).await;
    assert!(kill(world.profile.path(), "--type=renderer") > 0);
    let second = timeout(HANG, second).await.expect("no hang").expect("no panic");
    // With the tab and the listener gone nobody knows where the chat is; with either, it is exact.
    match &second.error {
        None => {
            assert!(world.sim.log().iter().any(
                |entry| matches!(&entry.what, Seen::Answer { text, .. } if *text == second.text)
            ))
        }
        Some(error) => assert_eq!(error.kind(), lenore_provider::ErrorKind::AnswerLost),
    }
    all_are_exact(&world, vec![first]).await;
    assert_eq!(world.prompts().len(), 2, "none was asked twice");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_each_page_hears_its_own_chat_alone_tabs_stay_with_their_answers() {
    let site = support::site().habit("channel=page".parse().expect("a habit"));
    let world = World::at(site, |builder| builder.max_chats(8)).await;
    world.sign_in(&world.poe).await;
    let answers = (0..8).map(|n| asking(&world, n, "length=1500, chunks=30, gap=100")).collect();
    all_are_exact(&world, answers).await;
    world.end().await;
}

/// Two answers run, the first of which ends when the second has lost its tab to it.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_stopped_though_its_tab_was_given_back() {
    let world = World::with(|builder| builder.max_chats(4)).await;
    let first = asking(&world, 0, "length=2000, chunks=60, gap=200");
    sent(&world, 1).await;
    let request = ChatRequest::new(
        "gpt-4",
        vec![Message::user("Leave [[sim: length=4000, chunks=200, gap=200]]")],
    );
    let mut left = world.poe.create_completion(request);
    let mut pieces = 0;
    while pieces < 5 {
        let event = timeout(WAIT, left.next()).await.expect("no hang").expect("an event");
        pieces += usize::from(matches!(event.expect("no error"), Event::Delta(_)));
    }
    drop(left);
    let is_stopped = |entry: &LogEntry| match &entry.what {
        Seen::Answer { state, .. } => state == "cancelled",
        _ => false,
    };
    world.sim.wait_for(is_stopped, WAIT).await.expect("stopped");
    all_are_exact(&world, vec![first]).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_goes_on_though_its_tab_was_given_back() {
    let world = World::with(|builder| builder.max_chats(6)).await;
    let background = asking(&world, 0, "length=2000, chunks=60, gap=400");
    sent(&world, 1).await;
    let mut messages = vec![Message::user("Who was Poe? [[sim: length=600, chunks=20, gap=60]]")];
    for next in ["When was that? [[sim: length=500, gap=30]]", "And where?"] {
        let answer = ask(&world.poe, ChatRequest::new("gpt-4", messages.clone())).await;
        messages.push(Message::assistant(answer.complete()));
        // Another question has the tab meanwhile.
        let other = format!("Something else than {next:?} [[sim: length=100, gap=10]]");
        world.ask(&other).await.complete();
        messages.push(Message::user(next));
    }
    ask(&world.poe, ChatRequest::new("gpt-4", messages)).await.complete();
    let chat = |entry: LogEntry| match entry.what {
        Seen::Send { query, chat, .. } => (!query.starts_with("Something")).then_some(chat),
        _ => None,
    };
    let chats: BTreeSet<_> = world.sim.log().into_iter().filter_map(chat).collect();
    assert_eq!(chats.len(), 2, "the conversation has one chat, the other question another");
    all_are_exact(&world, vec![background]).await;
    world.end().await;
}
