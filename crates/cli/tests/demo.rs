//! `lenore demo`: everything at work without an account, and nothing left of it.

#![cfg(unix)]

mod support;

use std::path::Path;

use rustix::process::Signal;
use support::{Home, Program, lenore, processes_of};

fn demo(directory: &Path, prompt: &str) -> Program {
    let mut command = lenore(&["demo", prompt]);
    command.env("TMPDIR", directory);
    Program::start(command)
}

/// No process, and no throw-away profile.
fn assert_tidy(directory: &Path) {
    assert_eq!(processes_of(directory), Vec::<String>::new());
    // The user's own directory for what is thrown away may stay, empty.
    let entries = std::fs::read_dir(directory).expect("a directory").flatten();
    let own = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("lenore-"));
    let left = own.flat_map(|own| std::fs::read_dir(own.path()).expect("a directory").flatten());
    let left: Vec<_> = left.map(|entry| entry.file_name()).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_is_on_stdout_and_nothing_is_left() {
    let directory = tempfile::tempdir().expect("a directory");
    let prompt = "Ravens 🐦, \"nevermore\". [[sim: echo, placeholder, others, stale]]";
    let ended = demo(directory.path(), prompt).end().await.with_code(0);
    assert_eq!(ended.stdout, format!("{prompt}\n"));
    assert!(ended.stderr.contains("signed in"), "{}", ended.stderr);
    assert!(ended.stderr.contains("lenore login"), "it says how to go on: {}", ended.stderr);
    assert_tidy(directory.path());
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_for_the_real_site_do_not_matter() {
    let (home, directory) = (Home::new(), tempfile::tempdir().expect("a directory"));
    // Facts that do not hold for the local site.
    let facts = home.set("site.toml", "session_cookie = 'other'\n[routes]\nlogin = '/no/such'\n");
    let mut command = home.lenore(&["demo", "Ravens? [[sim: echo]]"]);
    command.env("TMPDIR", directory.path()).env("LENORE_SITE_FILE", facts);
    command.env("LENORE_PROXY", "http://127.0.0.1:1").env("LENORE_PROXY_BYPASS", "example.org");
    let ended = Program::start(command).end().await.with_code(0);
    assert_eq!(ended.stdout, "Ravens? [[sim: echo]]\n");
    assert_tidy(directory.path());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_leaves_nothing_either() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut starting = demo(directory.path(), "Ravens?");
    starting.says("a local site").await;
    starting.signal(Signal::INT);
    starting.end().await.with_code(130);
    assert_tidy(directory.path());

    let mut answering = demo(directory.path(), "Ravens? [[sim: silent=3]]");
    answering.bytes(1).await;
    answering.signal(Signal::INT);
    answering.end().await.with_code(130);
    assert_tidy(directory.path());
}
