//! The command line itself: help, version, and what it does not understand.

mod support;

use std::time::{Duration, Instant};

use support::{Ended, Home, Program, lenore};

async fn run(arguments: &[&str]) -> Ended {
    Program::start(lenore(arguments)).end().await
}

#[tokio::test]
async fn help_and_version_are_an_answer() {
    let ended = run(&["--help"]).await.with_code(0);
    for word in ["ask", "demo", "sim", "models", "login", "--user-data-dir", "Exit codes"] {
        assert!(ended.stdout.contains(word), "{word}: {}", ended.stdout);
    }
    assert_eq!(ended.stderr, "");
    let ended = run(&["ask", "--help"]).await.with_code(0);
    for word in ["--no-stream", "--json", "--file", "--chat", "--system", "LENORE_SITE"] {
        assert!(ended.stdout.contains(word), "{word}: {}", ended.stdout);
    }
    let ended = run(&["--version"]).await.with_code(0);
    assert_eq!(ended.stdout, format!("lenore {}\n", env!("CARGO_PKG_VERSION")));
}

#[tokio::test]
async fn every_command_has_examples() {
    let help = run(&["--help"]).await.with_code(0).stdout;
    let commands = help.split_once("Commands:\n").expect("they are listed").1;
    let commands: Vec<_> = commands
        .lines()
        .map_while(|line| line.strip_prefix("  "))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(commands.len() > 14, "{commands:?}");
    for command in commands.into_iter().filter(|command| *command != "help") {
        let help = run(&[command, "--help"]).await.with_code(0).stdout;
        assert!(help.contains("\nExamples:\n"), "{command}: {help}");
    }
}

#[tokio::test]
async fn it_starts_at_once() {
    // Built to be debugged, on a machine that has other things to do; docs/performance.md has what
    // was measured.
    const BOUND: Duration = Duration::from_millis(100);
    for arguments in [&["--version"][..], &["--help"], &["ask", "--help"]] {
        let mut quickest = Duration::MAX;
        for _ in 0..10 {
            let begin = Instant::now();
            run(arguments).await.with_code(0);
            quickest = quickest.min(begin.elapsed());
        }
        assert!(quickest < BOUND, "{arguments:?} takes {quickest:?}");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn output_that_is_lost_is_a_failure() {
    let home = Home::new();
    home.run(&["keys", "add", "laptop"]).await.with_code(0);
    for arguments in [
        &["--help"][..],
        &["keys", "list"],
        &["logs", "--help"],
        &["--version"],
        &["completions", "bash"],
        &["man"],
        &["models"],
        &["models", "--json"],
        &["config"],
        &["config", "path"],
        &["logs", "path"],
        &["ask", "--dry-run", "Hi"],
    ] {
        let mut command = home.lenore(arguments);
        command.stdout(std::fs::File::options().write(true).open("/dev/full").expect("there"));
        let ended = Program::start(command).end().await.with_code(1);
        assert!(ended.error().starts_with("the output cannot be written: "), "{ended:#?}");
        // Whoever has seen enough is no failure.
        let mut program = Program::start(home.lenore(arguments));
        program.close_stdout();
        let ended = program.end().await.with_code(0);
        assert!(!ended.stderr.contains("error"), "{ended:#?}");
    }
}

#[tokio::test]
async fn the_environment_is_not_mistaken_for_what_was_typed() {
    let run = async |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = lenore(arguments);
        command.envs(variables.iter().copied());
        Program::start(command).end().await
    };
    let set = [("LENORE_PROFILE", "work"), ("LENORE_SITE", "http://127.0.0.1:1")];
    for arguments in [
        &["logs", "search"][..],
        &["logs", "delete"],
        &["completions"],
        &["ask", "--var", "a=b", "Hi"],
        &["ask", "--bogus"],
    ] {
        let ended = run(arguments, &set).await.with_code(2);
        assert!(ended.stderr.contains("Usage: lenore "), "{ended:#?}");
        assert!(!ended.stderr.contains("--profile <"), "{ended:#?}");
        assert!(!ended.stderr.contains("--site <"), "{ended:#?}");
    }
    for (variable, value) in [
        ("LENORE_TIMEOUT", "soon"),
        ("LENORE_TIMEOUT", "0"),
        ("LENORE_MAX_CHATS", "0"),
        ("LENORE_HEADED", "perhaps"),
        ("LENORE_BROWSER", "opera"),
        ("LENORE_SITE", "ftp://x"),
        ("LENORE_PROFILE", "a/b"),
    ] {
        let ended = run(&["models"], &[(variable, value)]).await.with_code(2);
        assert!(ended.error().contains(variable), "{ended:#?}");
        assert!(!ended.stderr.contains("--timeout"), "{ended:#?}");
        // An empty variable says nothing.
        run(&["models"], &[(variable, "")]).await.with_code(0);
    }
    let ended = run(&["ask", "--help"], &[("LENORE_SITE", "")]).await.with_code(0);
    assert!(ended.stdout.contains("LENORE_SITE"), "{}", ended.stdout);
}

#[tokio::test]
async fn what_belongs_there_is_said() {
    for (arguments, words) in [
        (&["--timeout", "0", "models"][..], "a number of seconds belongs there, at least 1"),
        (&["--max-chats", "0", "models"], "a whole number belongs there, at least 1"),
        (&["--patience=-1", "models"], "a number of seconds belongs there"),
        (&["sim", "--port", "80x"], "a port belongs there"),
        (&["sim", "--edition", "1999"], "there are 2023, 2025 and mix:N"),
        (&["demo", "--habit", "tempo=fast"], "the site has no habit `tempo`"),
        (&["sim", "--habit", "ids=roman"], "there are number, string"),
        (&["sim", "--drift", "call:SendMessageMutation"], "FACT=HOW belongs there"),
        (&["logs", "-n", "x"], "a whole number belongs there"),
    ] {
        let ended = run(arguments).await.with_code(2);
        assert!(ended.error().contains(words), "{ended:#?}");
    }
}

#[tokio::test]
async fn without_arguments_the_help_is_on_stderr() {
    let ended = run(&[]).await.with_code(2);
    assert_eq!(ended.stdout, "");
    assert!(ended.stderr.contains("Usage: lenore"), "{}", ended.stderr);
}

#[tokio::test]
async fn what_is_not_understood_is_said() {
    for arguments in [
        &["aks", "Ravens?"][..],
        &["ask", "--jason", "Ravens?"],
        &["ask", "--timeout", "soon", "Ravens?"],
        &["sim", "--port", "99999"],
        &["login", "--check", "--email", "a@example.org"],
    ] {
        let ended = run(arguments).await.with_code(2);
        assert_eq!(ended.stdout, "", "{arguments:?}");
        ended.error();
    }
}

#[tokio::test]
async fn a_secret_of_the_environment_is_not_shown() {
    let mut command = lenore(&["--help"]);
    command.env("LENORE_PROXY", "http://ann:s3cret@proxy.example:3128");
    let ended = Program::start(command).end().await.with_code(0);
    assert!(!ended.stdout.contains("s3cret"), "{}", ended.stdout);
}
