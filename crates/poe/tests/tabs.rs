//! Many answers at once in one browser: each exact, in fair order, within the limits.

mod support;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use lenore_poe::{Poe, PoeBuilder};
use lenore_provider::{ChatRequest, ErrorKind, Event, Message, Provider, Transcript};
use lenore_sim::{LogEntry, Options, Seen};
use support::processes::kill;
use support::{Answer, WAIT, World, ask};

fn question(prompt: &str) -> ChatRequest {
    ChatRequest::new("gpt-4", vec![Message::user(prompt)])
}

/// Asks in a task of its own.
fn asking(poe: &Poe, prompt: &str) -> tokio::task::JoinHandle<Answer> {
    let (poe, request) = (poe.clone(), question(prompt));
    tokio::spawn(async move { ask(&poe, request).await })
}

/// How the site's answers ended, by chat.
fn site_texts(world: &World) -> BTreeSet<String> {
    let text = |entry: LogEntry| match entry.what {
        Seen::Answer { text, .. } => Some(text),
        _ => None,
    };
    world.sim.log().into_iter().filter_map(text).collect()
}

/// Waits until something holds that nothing tells.
async fn until(holds: impl Fn() -> bool) {
    let end = Instant::now() + WAIT;
    while !holds() {
        assert!(Instant::now() < end, "it does not come about");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// How often pages were loaded.
fn page_loads(world: &World) -> usize {
    world.sim.log().iter().filter(|entry| matches!(entry.what, Seen::Page { .. })).count()
}

#[tokio::test]
async fn twenty_four_answers_at_once_are_each_exact() {
    let world = World::with(|builder| builder.max_chats(24)).await;
    let answers: Vec<_> = (0..24)
        .map(|n| {
            let prompt = format!("Question {n} [[sim: chunks=50, gap=20, length=3000, others]]");
            asking(&world.poe, &prompt)
        })
        .collect();
    let mut texts = BTreeSet::new();
    for answer in answers {
        texts.insert(answer.await.expect("no panic").complete().to_owned());
    }
    assert_eq!(texts.len(), 24, "one for each question");
    assert!(texts.is_subset(&site_texts(&world)));
    let health = world.poe.health();
    assert_eq!((health.running, health.waiting, health.limit), (0, 0, Some(24)));
    assert!(health.pages <= 24, "{health:?}");
    world.end().await;
}

#[tokio::test]
async fn beyond_the_limit_questions_wait_in_order_and_beyond_the_queue_they_are_refused() {
    let world = World::with(|builder| builder.max_chats(1).max_waiting(2)).await;
    let slow = "delay=0, gap=300, chunks=4";
    let mut asked = Vec::new();
    for n in 0..4 {
        let mut completion =
            world.poe.create_completion(question(&format!("{n} [[sim: say=text {n}, {slow}]]")));
        let first = completion.next().await.expect("an event");
        let mut text = Transcript::default();
        match first {
            Ok(Event::Status(_)) if n == 1 || n == 2 => {}
            Ok(event) if n == 0 => text.apply(&event),
            Err(error) if n == 3 => {
                assert_eq!(error.kind(), ErrorKind::RateLimited);
                assert!(error.retry_after().is_some() && error.to_string().contains("--max-chats"));
                continue;
            }
            other => panic!("question {n}: {other:?}"),
        }
        asked.push((completion, text));
    }
    assert_eq!(world.poe.health().waiting, 2);
    for (n, (mut completion, mut text)) in asked.into_iter().enumerate() {
        while let Some(event) = completion.next().await {
            text.apply(&event.expect("complete"));
        }
        assert_eq!(text.text(), format!("text {n}"));
    }
    let prompts: Vec<_> = world.prompts().iter().map(|prompt| prompt[..1].to_owned()).collect();
    assert_eq!(prompts, ["0", "1", "2"]);
    world.end().await;
}

#[tokio::test]
async fn who_leaves_the_queue_frees_the_place() {
    let world = World::with(|builder| builder.max_chats(1).max_waiting(1)).await;
    let running = asking(&world.poe, "a [[sim: say=aaaaaaaaaa, gap=200, chunks=5]]");
    let wanted = |entry: &LogEntry| matches!(entry.what, Seen::Send { .. });
    world.sim.wait_for(wanted, WAIT).await.expect("asked");
    let mut leaver = world.poe.create_completion(question("never asked"));
    assert!(matches!(leaver.next().await, Some(Ok(Event::Status(_)))));
    drop(leaver);
    until(|| world.poe.health().waiting == 0).await;
    let next = asking(&world.poe, "b [[sim: say=b]]");
    assert_eq!(running.await.expect("no panic").complete(), "aaaaaaaaaa");
    assert_eq!(next.await.expect("no panic").complete(), "b");
    assert!(!world.prompts().iter().any(|prompt| prompt == "never asked"));
    world.end().await;
}

#[tokio::test]
async fn a_stuck_chat_does_not_hold_up_the_others() {
    let world = World::with(|builder| builder.max_chats(2).timeout(Duration::from_secs(4))).await;
    let stuck = asking(&world.poe, "stuck [[sim: length=900, chunks=9, silent=2]]");
    for n in 0..3 {
        let answer = world.ask(&format!("{n} [[sim: say={n}]]")).await;
        assert_eq!(answer.complete(), n.to_string());
    }
    assert!(!stuck.is_finished(), "it would be no proof");
    let error = stuck.await.expect("no panic").failed();
    assert!(matches!(error.kind(), ErrorKind::Timeout | ErrorKind::AnswerLost), "{error}");
    world.end().await;
}

#[tokio::test]
async fn a_tab_waits_at_the_prompt_for_each_question() {
    let world = World::new().await;
    world.poe.warm_up("gpt-4", 1).await.expect("a prompt");
    let loads = page_loads(&world);
    for n in 0..4 {
        assert_eq!(page_loads(&world), loads + n, "loaded ahead of the question, not for it");
        assert_eq!(world.ask("[[sim: say=ok]]").await.complete(), "ok");
        until(|| page_loads(&world) > loads + n).await;
        until(|| world.poe.health().pages == 2).await;
        // Nothing tells when a page that was loaded waits at its prompt.
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(world.poe.health().signed_in, Some(true));
    world.end().await;
}

#[tokio::test]
async fn a_tab_that_died_while_it_waited_is_replaced() {
    let world = World::new().await;
    world.poe.warm_up("gpt-4", 1).await.expect("a prompt");
    assert!(kill(world.profile.path(), "--type=renderer") > 0);
    until(|| world.poe.health().pages == 0).await;
    assert_eq!(world.ask("[[sim: say=still here]] Hi").await.complete(), "still here");
    world.end().await;
}

#[tokio::test]
async fn a_session_that_ended_while_a_tab_waited_is_noticed() {
    let world = World::new().await;
    world.poe.warm_up("gpt-4", 1).await.expect("a prompt");
    world.sim.sign_out_all();
    let error = world.ask("Hi").await.failed();
    assert_eq!(error.kind(), ErrorKind::NotSignedIn);
    assert_eq!(world.poe.health().signed_in, Some(false));
    world.end().await;
}

async fn world_of(options: Options, poe: impl FnOnce(PoeBuilder) -> PoeBuilder) -> World {
    let world = World::at(options, |builder| poe(builder.patience(Duration::from_secs(60)))).await;
    world.sign_in(&world.poe).await;
    world
}

#[tokio::test]
async fn where_the_site_allows_few_answers_at_once_the_others_come_after_them() {
    let world = world_of(support::site().concurrent(2), |builder| builder).await;
    let answers: Vec<_> =
        (0..5).map(|n| asking(&world.poe, &format!("{n} [[sim: say={n}, delay=2000]]"))).collect();
    let mut notices = 0;
    for (n, answer) in answers.into_iter().enumerate() {
        let answer = answer.await.expect("no panic");
        assert_eq!(answer.complete(), n.to_string());
        notices += answer.events.iter().filter(|event| matches!(event, Event::Status(_))).count();
    }
    assert!(notices > 0, "the waiting is told");
    let refused = refusals(&world);
    assert!(refused <= 12, "hammered: {refused} refusals");
    world.end().await;
}

#[tokio::test]
async fn where_the_site_limits_the_rate_questions_wait() {
    let options = support::site().rate(2, Duration::from_secs(4));
    let world = world_of(options, |builder| builder).await;
    for n in 0..4 {
        let answer = world.ask(&format!("{n} [[sim: say={n}]]")).await;
        assert_eq!(answer.complete(), n.to_string());
    }
    let refused = refusals(&world);
    assert!((1..=6).contains(&refused), "{refused} refusals");
    world.end().await;
}

#[tokio::test]
async fn a_wait_that_would_be_too_long_is_told_at_once() {
    let world = world_of(support::site(), |builder| builder).await;
    let answer = world.ask("Hi [[sim: http=429, retry-after=3600]]").await;
    let error = answer.failed();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3600)));
    assert_eq!(world.prompts().len(), 1);
    world.end().await;
}

#[tokio::test]
async fn who_gives_up_says_when_to_ask_again_though_the_site_does_not() {
    let patience = Duration::from_secs(1);
    let world = World::with(|builder| builder.patience(patience)).await;
    let answer = world.ask("Hi [[sim: status=rate_limit_exceeded]]").await;
    let error = answer.failed();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    let wait = error.retry_after().expect("a wait");
    assert!(!wait.is_zero() && wait <= patience, "{wait:?}");
    world.end().await;
}

fn refusals(world: &World) -> usize {
    let is_refusal = |entry: &LogEntry| match &entry.what {
        Seen::Send { status, .. } => status != "success",
        _ => false,
    };
    world.sim.log().iter().filter(|entry| is_refusal(entry)).count()
}
