//! Who asked leaves, or the page is lost, after the question was sent and before the site has said
//! so.

use std::sync::{Arc, Mutex};

use lenore_provider::{ChatRequest, Event, Message, Provider};
use lenore_sim::{LogEntry, Seen};

use crate::case::chat;
use crate::support::processes::kill;
use crate::support::{WAIT, World, ask, ask_and_see};

/// Long enough to be running whenever it is stopped.
const LONG: &str = "length=20000, chunks=400, gap=50";

fn request(words: &str, chat: Option<String>) -> ChatRequest {
    let prompt = format!("Tell me of ravens. [[sim: {words}]]");
    ChatRequest { chat, ..ChatRequest::new("gpt-4", vec![Message::user(prompt)]) }
}

/// The number of log entries so far.
fn now(world: &World) -> u64 {
    world.sim.log().len() as u64
}

/// Waits until the site has seen something since then.
async fn sees(world: &World, since: u64, what: impl Fn(&Seen) -> bool) -> LogEntry {
    let seen = world.sim.wait_for(|entry| entry.n >= since && what(&entry.what), WAIT).await;
    seen.expect("the site sees it")
}

#[tokio::test(flavor = "multi_thread")]
async fn leaving_before_the_reply_stops_the_answer() {
    let world = World::new().await;
    for words in ["slow-reply=2500", "slow-reply=2500, no-echo", "slow-take=300, lost-reply"] {
        let since = now(&world);
        let mut completion =
            world.poe.create_completion(request(&format!("{words}, {LONG}"), None));
        sees(&world, since, |seen| matches!(seen, Seen::Send { .. })).await;
        if words.contains("lost-reply") {
            // Once the list of chats tells of it, the chat can be found.
            while let Some(event) = completion.next().await {
                if matches!(event.expect("no failure"), Event::Started { .. }) {
                    break;
                }
            }
        }
        drop(completion);
        let end = sees(&world, since, |seen| matches!(seen, Seen::Answer { .. })).await;
        let Seen::Answer { state, text, .. } = end.what else { unreachable!("an answer") };
        assert_eq!(state, "cancelled", "{words}: {} characters", text.len());
        assert!(text.len() < 20_000);
    }
    world.end().await;
}

/// What was logged as a warning.
#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Warnings {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("nobody panics").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

// On one thread, so that no other test's warnings are heard.
#[tokio::test]
async fn where_nothing_can_be_pressed_that_is_said() {
    // With one log alone, another test's thread that comes first to a warning silences it.
    let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::new());
    let warnings = Warnings::default();
    let writer = warnings.clone();
    let log = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::WARN)
        .with_writer(move || writer.clone())
        .finish();
    let _log = tracing::subscriber::set_default(log);
    let world = World::new().await;
    let since = now(&world);
    let words = format!("slow-reply=40_000_000, no-title, {LONG}");
    let completion = world.poe.create_completion(request(&words, None));
    sees(&world, since, |seen| matches!(seen, Seen::Send { .. })).await;
    drop(completion);
    world.end().await;
    let said = String::from_utf8(warnings.0.lock().expect("nobody panics").clone());
    let said = said.expect("text");
    assert!(said.contains("the answer may go on at the site"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_lost_before_the_reply_is_made_up_for_in_a_chat_that_exists() {
    let world = World::new().await;
    let code = chat(&world, "GPT-4").await;
    let since = now(&world);
    let request = request("slow-reply=3000, no-echo, length=1000, gap=60", Some(code));
    let (answer, ()) = tokio::join!(ask(&world.poe, request), async {
        sees(&world, since, |seen| matches!(seen, Seen::Send { .. })).await;
        assert!(kill(world.profile.path(), "--type=renderer") > 0);
    });
    assert_eq!(answer.complete(), world.site_text());
    assert_eq!(world.prompts().len(), 2, "never sent twice");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_lost_before_the_reply_says_what_is_known() {
    let world = World::new().await;
    let mut has_killed = false;
    let request = request(&format!("slow-reply=40_000_000, no-title, {LONG}"), None);
    let answer = ask_and_see(&world.poe, request, |event| {
        if matches!(event, Event::Delta(_)) && !std::mem::replace(&mut has_killed, true) {
            assert!(kill(world.profile.path(), "--type=renderer") > 0);
        }
    });
    let answer = answer.await;
    match &answer.error {
        // The site of 2025 tells the chat's address on the channel, where another page hears it.
        None => assert_eq!(answer.complete(), world.site_text()),
        Some(error) => {
            assert!(error.to_string().contains("it has the question"), "{error}");
            assert_eq!(error.partial(), Some(&*answer.text));
        }
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_chat_is_told_though_the_reply_was_lost() {
    let world = World::new().await;
    let code = chat(&world, "GPT-4").await;
    let cases = [
        ("slow-take=300, lost-reply", None),
        ("slow-take=300, lost-reply, no-title, address", None),
        ("slow-take=300, slow-reply=40_000_000", None),
        ("slow-take=300, lost-reply, no-title", Some(code)),
    ];
    for (words, chat) in cases {
        let answer = ask(&world.poe, request(words, chat)).await;
        assert_eq!(answer.complete(), world.site_text(), "{words}");
        let sent = world.sim.log().into_iter().rev().find_map(|entry| match entry.what {
            Seen::Send { chat, .. } => chat,
            _ => None,
        });
        assert_eq!(answer.chat(), sent.as_deref(), "{words}");
        let is_first = answer.events.iter().find_map(|event| match event {
            Event::Started { bot, .. } => Some(bot.as_str()),
            _ => None,
        });
        assert_eq!(is_first, Some("GPT-4"), "{words}");
    }
    world.end().await;
}
