//! What the site refuses or fails at, by exit code and in words that help.

mod support;

use std::time::Instant;

use support::{Ended, World};

/// It must not come back in any message.
const SECRET: &str = "the diary of Annabel";

/// What is said, but for the warning where the site may have taken the question all the same.
fn told(ended: &Ended) -> Vec<&str> {
    let is_doubt = |line: &&str| line.contains("may go on at the site");
    ended.remarks().into_iter().filter(|line| !is_doubt(line)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_refusal_has_its_exit_code_and_its_words() {
    let world = World::new().await;
    let cases = [
        ("status=reached_limit", 5, "allowance"),
        ("status=rate_limit_exceeded", 5, "slow down"),
        ("status=concurrent_messages", 5, "still running"),
        ("status=no_access", 5, "subscription"),
        ("status=too_many_tokens", 6, "shorten"),
        ("status=unsupported_file_type", 6, "files of this type"),
        ("status=file_too_large", 6, "larger"),
        ("status=something_new, status-message=Ask the owl", 7, "Ask the owl"),
        ("errors", 7, "could not be created"),
        ("html", 7, "502"),
        ("http=500", 7, "500"),
        ("http=401", 4, "lenore login"),
        ("http=403", 5, "403"),
    ];
    for (round, (scenario, code, words)) in cases.into_iter().enumerate() {
        let prompt = format!("Read {SECRET}. [[sim: {scenario}]]");
        let ended = world.ask(&["--patience", "0", &prompt]).await.with_code(code);
        assert!(ended.error().contains(words), "{scenario}: {}", ended.error());
        assert_eq!(told(&ended).len(), 1, "{scenario}: {ended:#?}");
        assert_eq!(ended.stdout, "", "{scenario}");
        assert!(!ended.stderr.contains("Annabel"), "{scenario}: {}", ended.stderr);
        assert_eq!(world.prompts().len(), round + 1, "{scenario}: it is sent once");
        world.assert_tidy();
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_too_fast_is_told_how_long_to_wait() {
    let world = World::new().await;
    for (scenario, seconds) in [("http=429", 30), ("http=429, retry-after=7", 7)] {
        let prompt = format!("Read {SECRET}. [[sim: {scenario}]]");
        let ended = world.ask(&["--patience", "0", &prompt]).await.with_code(5);
        assert!(ended.error().contains("slow down"), "{ended:#?}");
        let [_, wait] = told(&ended)[..] else { panic!("the wait is due: {ended:#?}") };
        assert_eq!(wait, format!("ask again in {seconds} s"));
    }
    assert_eq!(world.prompts().len(), 2);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_fails_keeps_what_came() {
    let world = World::new().await;
    let cases = [
        ("state=error_user_message_too_long, after=0", 6, "shorten"),
        ("state=error_whatever", 7, "error_whatever"),
        ("state=error_whatever, state-text=The raven is out", 7, "The raven is out"),
        ("state=error_whatever, after=0", 7, "error_whatever"),
        ("state=cancelled", 130, "stopped on the site"),
    ];
    for (round, (scenario, code, words)) in cases.into_iter().enumerate() {
        let prompt = format!("Read {SECRET}. [[sim: {scenario}, no-title]]");
        let ended = world.ask(&[&prompt]).await.with_code(code);
        assert!(ended.error().contains(words), "{scenario}: {}", ended.error());
        assert_eq!(ended.remarks().len(), 1, "{scenario}: {ended:#?}");
        let came = world.site_text();
        let expected = if came.is_empty() { came } else { came + "\n" };
        assert_eq!(ended.stdout, expected, "{scenario}");
        assert!(!ended.stderr.contains("Annabel"), "{scenario}: {}", ended.stderr);
        assert_eq!(world.prompts().len(), round + 1, "{scenario}: it is sent once");
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silence_is_borne_as_long_as_was_said_and_then_the_answer_is_stopped() {
    let world = World::new().await;
    let cases =
        [("silent=3", true), ("no-complete, length=50", true), ("placeholder, silent=0", false)];
    for (round, (scenario, text_came)) in cases.into_iter().enumerate() {
        let begin = Instant::now();
        let prompt = format!("Read {SECRET}. [[sim: {scenario}]]");
        let ended = world.ask(&["--timeout", "2", &prompt]).await.with_code(9);
        assert!(begin.elapsed().as_secs() >= 2, "{scenario}");
        assert!(ended.error().contains("said nothing"), "{scenario}: {ended:#?}");
        let came = if text_came { world.site_text() + "\n" } else { String::new() };
        assert_eq!(ended.stdout, came, "{scenario}");
        assert!(!ended.stderr.contains("Annabel"), "{scenario}: {}", ended.stderr);
        assert_eq!((world.prompts().len(), world.stops()), (round + 1, round + 1), "{scenario}");
    }
    world.end().await;
}
