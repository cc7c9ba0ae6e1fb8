//! Whatever ends the program, the answer is stopped where there is time for it, and no browser is
//! left.

#![cfg(unix)]

mod support;

use std::time::Duration;

use lenore_sim::Seen;
use rustix::process::Signal;
use support::{Program, World, in_time, lenore};

/// An answer that goes on until it is stopped.
const ENDLESS: &str = "Ravens? [[sim: silent=4]]";

/// A question whose answer has begun.
async fn answering(world: &World, prompt: &str) -> Program {
    let mut command = world.lenore("ask");
    command.arg(prompt);
    let mut program = Program::start(command);
    program.bytes(1).await;
    program
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_stops_the_answer_and_ends_all() {
    let world = World::new().await;
    let signals =
        [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129), (Signal::QUIT, 131)];
    for (round, (signal, code)) in signals.into_iter().enumerate() {
        let program = answering(&world, ENDLESS).await;
        program.signal(signal);
        let ended = program.end().await.with_code(code);
        assert_eq!(ended.error(), "stopped");
        assert_eq!(ended.remarks().len(), 1, "{ended:#?}");
        assert!(ended.stdout.ends_with('\n'));
        assert_eq!(world.stops(), round + 1, "the site was told");
        world.assert_tidy();
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_before_the_question_leaves_it_unasked() {
    let world = World::new().await;
    let mut command = world.lenore("ask");
    command.args(["-m", "poe/Sim-NoBox", "Ravens?"]);
    let program = Program::start(command);
    let arrived = |seen: &Seen| matches!(seen, Seen::Page { path } if path.contains("Sim-NoBox"));
    world.seen("the bot's page", arrived).await;
    program.signal(Signal::INT);
    let ended = program.end().await.with_code(130);
    assert_eq!(ended.stdout, "");
    assert_eq!(world.prompts(), Vec::<String>::new());
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_insists_does_not_wait() {
    const AT_ONCE: Duration = Duration::from_secs(2);
    let world = World::new().await;
    // A stop that has no effect is waited for, for longer than anybody likes.
    let program = answering(&world, "Ravens? [[sim: silent=4, stop-ignored]]").await;
    program.signal(Signal::INT);
    world.stopped().await;
    program.signal(Signal::INT);
    let ended = tokio::time::timeout(AT_ONCE, program.end()).await.expect("it ends at once");
    ended.with_code(130);
    assert!(!world.profile().join("lenore.lock").exists(), "the lock is left");
    world.browser_gone().await;
    still_works(&world).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_insists_leaves_no_throw_away_profile() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut command = lenore(&["demo", "Ravens? [[sim: silent=4, stop-ignored]]"]);
    command.env("TMPDIR", directory.path());
    let mut program = Program::start(command);
    program.bytes(1).await;
    let made = std::fs::read_dir(directory.path()).expect("readable").count();
    assert!(made > 0, "the profile is there");
    program.signal(Signal::INT);
    program.says("stopped").await;
    program.signal(Signal::INT);
    in_time("the end", program.end()).await.with_code(130);
    // The user's own directory for what is thrown away may stay, empty.
    let own = std::fs::read_dir(directory.path()).expect("readable").flatten();
    let left = own.flat_map(|own| std::fs::read_dir(own.path()).expect("readable").flatten());
    let left: Vec<_> = left.map(|entry| entry.file_name()).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_is_killed_takes_its_browser_along() {
    let world = World::new().await;
    for _ in 0..3 {
        let program = answering(&world, ENDLESS).await;
        program.signal(Signal::KILL);
        let ended = in_time("dying", program.end()).await;
        assert_eq!(ended.code, None);
        world.browser_gone().await;
        still_works(&world).await;
    }
    world.end().await;
}

/// Asks on the same profile, which is still signed in.
async fn still_works(world: &World) {
    let ended = world.ask(&["Crows? [[sim: gap=0, length=200]]"]).await.with_code(0);
    assert_eq!(ended.stdout, world.site_text() + "\n");
    assert_eq!(ended.remarks(), Vec::<&str>::new());
    world.assert_tidy();
}
