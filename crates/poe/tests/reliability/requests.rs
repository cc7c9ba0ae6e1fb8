//! Prompts and files that the page or the site will not have.

use std::path::PathBuf;
use std::time::Duration;

use lenore_poe::PoeBuilder;
use lenore_provider::{ChatRequest, ErrorKind, Message};
use lenore_sim::{LogEntry, Seen};

use crate::support::{World, ask};

#[tokio::test(flavor = "multi_thread")]
async fn awkward_prompts_arrive_as_they_are() {
    let world = World::new().await;
    let prompts = [
        "a NUL \0 within",
        "control characters \u{1} \u{7} \u{8} \u{b} \u{c} \u{1b}[31m \u{7f}",
        "\u{200b}",
        "[[sim: never closed",
        "<|endoftext|> ${7*7} {{7*7}} %s %00 '; DROP TABLE chats; --",
        "\u{fdd0} \u{ffff} \u{e000} noncharacters and private ones",
    ];
    for prompt in prompts {
        let answer = world.ask(&format!("{prompt}[[sim: gap=0]]")).await;
        assert_eq!(answer.complete(), world.site_text(), "{prompt:?}");
        assert_eq!(world.prompts().last().expect("sent"), &format!("{prompt}[[sim: gap=0]]"));
    }
    assert_eq!(world.prompts().len(), prompts.len());
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn waits_for_ever_are_waits() {
    let forever = Duration::MAX;
    let options =
        |builder: PoeBuilder| builder.timeout(forever).patience(forever).idle_timeout(forever);
    let world = World::with(options).await;
    let request = ChatRequest {
        timeout: Some(forever),
        deadline: Some(forever),
        ..ChatRequest::new("gpt-4", vec![Message::user("Hi [[sim: drop-socket=2]]")])
    };
    assert_eq!(ask(&world.poe, request).await.complete(), world.site_text());
    let refused = world.ask("Hi [[sim: status=no_access]]").await.failed();
    assert_eq!(refused.kind(), ErrorKind::NoAccess);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_that_is_too_long_for_the_site_is_said_to_be() {
    let world = World::new().await;
    let error = world.ask(&"x".repeat(5_000_001)).await.failed();
    assert_eq!(error.kind(), ErrorKind::TooLong, "{error}");
    assert!(error.to_string().len() < 1000, "the prompt is not in it");
    assert_eq!(world.prompts().len(), 1);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_the_site_will_not_have_are_said_so() {
    let world = World::new().await;
    let directory = tempfile::tempdir().expect("a directory");
    let file = |name: &str, size: u64| -> PathBuf {
        let path = directory.path().join(name);
        let file = std::fs::File::create(&path).expect("created");
        file.set_len(size).expect("its size");
        path
    };
    let request = |attachments: Vec<PathBuf>| ChatRequest {
        attachments,
        ..ChatRequest::new("gpt-4", vec![Message::user("What is this?")])
    };
    let refused = [
        vec![file("raven.exe", 10)],
        vec![file("raven.txt", 10), file("raven.iso", 10)],
        vec![file("raven.bin", (50 << 20) + 1)],
    ];
    for files in refused {
        let error = ask(&world.poe, request(files.clone())).await.failed();
        assert_eq!(error.kind(), ErrorKind::Attachment, "{files:?}: {error}");
    }
    let taken = || {
        let log = world.sim.log();
        let is_taken = |entry: &&LogEntry| match &entry.what {
            Seen::Send { status, .. } => status == "success",
            _ => false,
        };
        log.iter().filter(is_taken).count()
    };
    assert_eq!(taken(), 0, "nothing was asked without its files");
    let odd = vec![file("empty.txt", 0), file(" two  spaces .md", 3), file("no-ending", 3)];
    ask(&world.poe, request(odd)).await.complete();
    assert_eq!(taken(), 1);
    world.end().await;
}
