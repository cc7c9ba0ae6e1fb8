//! Stdout carries the answer, exact to the character, and nothing else.

mod support;

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use lenore_sim::Seen;
use support::{Ended, Program, World};

/// All of the site's habits that leave the text as it is.
const HABITS: &str = "batch=3, placeholder, others, stale, noise, early";
/// The same, in a hurry.
const QUICK: &str = "batch=3, placeholder, others, stale, noise, early, gap=5";

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_through_a_pipe_is_exact() {
    let world = World::new().await;
    for scenario in [HABITS, "emoji, code, gap=5", "empty", "early, no-echo, slow-reply=300"] {
        let prompt = format!("Tell me of ravens. [[sim: {scenario}]]");
        let ended = world.ask(&[&prompt]).await.with_code(0);
        assert_eq!(ended.stdout, world.site_text() + "\n", "{scenario}");
        let is_empty = scenario == "empty";
        let remarks: &[&str] =
            if is_empty { &["the bot has ended its answer without a word"] } else { &[] };
        assert_eq!(ended.remarks(), remarks, "{scenario}");
        assert_eq!(world.prompts().last(), Some(&prompt));
        world.assert_tidy();
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_streaming_a_rewritten_answer_is_exact_too() {
    let world = World::new().await;
    for scenario in [QUICK.to_owned(), format!("rewrite, {QUICK}")] {
        let prompt = format!("Tell me of ravens. [[sim: {scenario}]]");
        let ended = world.ask(&["--no-stream", &prompt]).await.with_code(0);
        assert_eq!(ended.stdout, world.site_text() + "\n", "{scenario}");
        assert_eq!(ended.remarks(), Vec::<&str>::new(), "{scenario}");
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rewrite_of_what_is_in_a_pipe_is_followed_by_the_whole_text() {
    let world = World::new().await;
    let prompt = format!("Tell me of ravens. [[sim: rewrite, {HABITS}]]");
    let ended = world.ask(&[&prompt]).await.with_code(0);
    let whole = format!("\n\n{}\n", world.site_text());
    assert!(ended.stdout.ends_with(&whole), "{ended:#?}");
    assert!(ended.stdout.len() > whole.len(), "the draft was printed as it came");
    let [remark] = ended.remarks()[..] else { panic!("one remark is due: {ended:#?}") };
    assert!(remark.contains("rewritten") && remark.contains("--no-stream"), "{remark}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_mended_where_the_answer_is_rewritten() {
    /// How a shell may open a file.
    type Way = fn(&Path) -> File;
    const EARLIER: &str = "What was there: naïve 🙂";
    let world = World::new().await;
    let path = world.directory.path().join("answer.txt");
    let fresh: Way = |path| File::create(path).expect("a file");
    let appended: Way = |path| {
        std::fs::write(path, EARLIER).expect("written");
        File::options().append(true).open(path).expect("a file")
    };
    let continued: Way = |path| {
        let mut file = File::create(path).expect("a file");
        file.write_all(EARLIER.as_bytes()).expect("written");
        file.seek(SeekFrom::End(0)).expect("a regular file");
        file
    };
    for (open, earlier) in [(fresh, ""), (appended, EARLIER), (continued, EARLIER)] {
        for scenario in [QUICK, "rewrite, emoji, batch=2, placeholder, gap=5"] {
            let prompt = format!("Tell me of ravens. [[sim: {scenario}]]");
            let ended = ask_into(&world, open(&path), None, &prompt).await;
            assert_eq!(ended.remarks(), Vec::<&str>::new(), "{scenario}");
            let written = std::fs::read_to_string(&path).expect("UTF-8");
            assert_eq!(written, format!("{earlier}{}\n", world.site_text()), "{scenario}");
        }
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_stderr_goes_into_too_loses_nothing() {
    let world = World::new().await;
    let path = world.directory.path().join("all.txt");
    let file = File::create(&path).expect("a file");
    let errors = file.try_clone().expect("a descriptor");
    ask_into(&world, file, Some(errors), "Tell me of ravens. [[sim: rewrite]]").await;
    let written = std::fs::read_to_string(&path).expect("UTF-8");
    assert!(written.contains("rewritten its answer"), "{written}");
    assert!(written.ends_with(&format!("\n\n{}\n", world.site_text())), "{written}");
    world.end().await;
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_full_is_said_and_the_answer_is_stopped() {
    let world = World::new().await;
    let full = File::options().write(true).open("/dev/full").expect("a device");
    let mut command = world.lenore("ask");
    command.arg("Tell me of ravens. [[sim: length=20000, chunks=1000, gap=20]]").stdout(full);
    let ended = Program::start(command).end().await.with_code(1);
    assert!(ended.error().contains("cannot be printed"), "{ended:#?}");
    world.stopped().await;
    world.end().await;
}

/// Asks with stdout, and perhaps stderr, in a file.
async fn ask_into(world: &World, out: File, errors: Option<File>, prompt: &str) -> Ended {
    let mut command = world.lenore("ask");
    command.arg(prompt).stdout(out);
    if let Some(errors) = errors {
        command.stderr(errors);
    }
    Program::start(command).end().await.with_code(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_temporary_chat_is_gone_after_its_answer() {
    let world = World::new().await;
    let ended = world.ask(&["-m", "gpt-4:temporary", "Tell me of ravens."]).await.with_code(0);
    assert_eq!(ended.stdout, world.site_text() + "\n");
    assert_eq!(ended.remarks(), Vec::<&str>::new());
    world.seen("the deletion", |seen| matches!(seen, Seen::Delete { .. })).await;
    // Nothing leads to it any more.
    let ended = world.ask(&["-c", "And why?"]).await.with_code(2);
    assert!(ended.error().contains("chat"), "{ended:#?}");
    assert_eq!(world.prompts().len(), 1);
    world.end().await;
}
