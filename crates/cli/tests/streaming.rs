//! Text goes out as it comes, and a reader who leaves ends the answer.

#![cfg(unix)]

mod support;

use lenore_sim::{LogEntry, Seen};
use rustix::process::Signal;
use support::{Program, World};

#[tokio::test(flavor = "multi_thread")]
async fn text_is_out_while_the_answer_still_runs() {
    let world = World::new().await;
    // The answer is the prompt; that it is over is never said.
    let prompt = "Ravens 🐦‍⬛ fly. [[sim: echo, no-complete]]";
    let mut command = world.lenore("ask");
    command.arg(prompt);
    let mut program = Program::start(command);
    let text = program.bytes(prompt.len()).await;
    assert_eq!(String::from_utf8_lossy(&text), prompt);
    assert!(!has_ended(&world));
    program.signal(Signal::INT);
    let ended = program.end().await.with_code(130);
    assert_eq!(ended.stdout, "\n", "the line is ended, so that a shell's prompt begins a new one");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_out_while_the_answer_still_runs() {
    let world = World::new().await;
    let mut command = world.lenore("ask");
    command.args(["--json", "Ravens? [[sim: silent=4]]"]);
    let mut program = Program::start(command);
    assert!(program.line().await.contains(r#""type":"started""#));
    assert!(program.line().await.contains(r#""type":"delta""#));
    assert!(!has_ended(&world));
    program.signal(Signal::INT);
    let ended = program.end().await.with_code(130);
    let last = ended.stdout.lines().last().expect("a line");
    assert!(last.contains(r#""kind":"cancelled""#), "{last}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_streaming_nothing_is_out_before_the_end() {
    let world = World::new().await;
    let mut command = world.lenore("ask");
    command.args(["--no-stream", "Ravens? [[sim: echo, no-complete]]"]);
    let program = Program::start(command);
    world.asked().await;
    program.signal(Signal::INT);
    let ended = program.end().await.with_code(130);
    assert_eq!(ended.stdout, "");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_who_leaves_ends_the_answer_and_that_is_no_failure() {
    let world = World::new().await;
    for (round, options) in [&[][..], &["--json"][..]].into_iter().enumerate() {
        let mut command = world.lenore("ask");
        command.args(options).arg("Ravens? [[sim: length=50000, chunks=2500, gap=20]]");
        let mut program = Program::start(command);
        program.bytes(20).await;
        program.close_stdout();
        let ended = program.end().await.with_code(0);
        assert_eq!(ended.remarks(), Vec::<&str>::new());
        assert_eq!(world.stops(), round + 1);
        assert_eq!(world.prompts().len(), round + 1);
        world.assert_tidy();
    }
    world.end().await;
}

fn has_ended(world: &World) -> bool {
    let is_end = |entry: &LogEntry| matches!(entry.what, Seen::Answer { .. });
    world.sim.log().iter().any(is_end)
}
