//! `lenore login`: looking whether the profile is signed in, and signing it in.

mod support;

#[cfg(unix)]
#[path = "support/terminal.rs"]
mod terminal;

use std::time::{Duration, Instant};

use lenore_sim::Seen;
use support::{EMAIL, Ended, Program, World};

async fn login(world: &World, options: &[&str]) -> Ended {
    let mut command = world.lenore("login");
    command.args(options);
    Program::start(command).end().await
}

/// Signs in with a code that is made of the one that was mailed.
async fn with_code(world: &World, code: impl FnOnce(String) -> String) -> Ended {
    let mut command = world.lenore("login");
    command.args(["--email", EMAIL]).stdin(std::process::Stdio::piped());
    let mut program = Program::start(command);
    program.says("type it here").await;
    program.input(code(world.sim.inbox(EMAIL).expect("it was mailed")));
    program.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_changes_nothing() {
    let world = World::signed_out().await;
    let ended = login(&world, &["--check"]).await.with_code(4);
    assert!(ended.error().contains("`lenore login --email ADDRESS`"), "{ended:#?}");
    assert!(!world.profile().exists(), "a look makes no profile");
    world.end().await;

    let world = World::new().await;
    let ended = login(&world, &["--check"]).await.with_code(0);
    assert_eq!(ended.remarks(), [format!("signed in as {EMAIL}")]);
    world.sim.sign_out_all();
    login(&world, &["--check"]).await.with_code(4);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailed_code_signs_in_and_the_profile_keeps_it() {
    let world = World::signed_out().await;
    let ended = with_code(&world, |code| format!("  {code} \n")).await.with_code(0);
    assert_eq!(ended.stdout, "");
    assert!(ended.stderr.contains(EMAIL), "it says where to look: {ended:#?}");
    let last = ended.stderr.lines().last();
    assert_eq!(last, Some(&*format!("signed in as {EMAIL}")), "{ended:#?}");
    world.assert_tidy();
    login(&world, &["--check"]).await.with_code(0);
    for _ in 0..2 {
        let ended = world.ask(&["Ravens? [[sim: gap=0, length=200]]"]).await.with_code(0);
        assert_eq!(ended.stdout, world.site_text() + "\n");
    }
    // Who is signed in is asked for nothing.
    let ended = login(&world, &["--email", EMAIL]).await.with_code(0);
    assert_eq!(ended.remarks(), [format!("signed in as {EMAIL}")]);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_page_does_not_tell_the_address_is_remembered() {
    let world = World::signed_out().await;
    let facts = world.directory.path().join("site.toml");
    std::fs::write(&facts, "[account]\nname = ['viewer.nothing']\n").expect("written");
    let facts = facts.to_str().expect("a plain name");
    with_code(&world, |code| format!("{code}\n")).await.with_code(0);
    let kept = world.profile().join("lenore.account");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&kept).expect("kept").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let check = ["--site-file", facts, "--check"];
    let ended = login(&world, &check).await.with_code(0);
    assert_eq!(ended.remarks(), [format!("signed in as {EMAIL}")]);
    std::fs::remove_file(&kept).expect("it is there");
    let ended = login(&world, &check).await.with_code(0);
    assert_eq!(ended.remarks(), ["signed in"], "nothing is made up");
    world.sim.sign_out_all();
    std::fs::write(&kept, EMAIL).expect("written");
    login(&world, &check).await.with_code(4);
    assert!(!kept.exists(), "nobody is");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_code_is_refused() {
    let world = World::signed_out().await;
    let begin = Instant::now();
    let ended = with_code(&world, |right| wrong(&right) + "\n").await.with_code(4);
    assert!(begin.elapsed() < Duration::from_secs(12), "{:?}", begin.elapsed());
    assert!(ended.error().contains("did not take the code: That code is"), "{ended:#?}");
    world.seen("a wrong code", |seen| matches!(seen, Seen::CodeWrong)).await;
    assert!(!world.profile().exists(), "nobody is signed in there");
    world.end().await;
}

fn wrong(right: &str) -> String {
    if right == "123456" { "654321" } else { "123456" }.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_form_does_not_take_is_no_change_of_the_site() {
    let world = World::signed_out().await;
    for bad in ["not an address", "", "@example.org", "edgar@", "edgar"] {
        let ended = login(&world, &["--email", bad]).await.with_code(2);
        assert!(ended.stderr.contains("that is no e-mail address"), "{ended:#?}");
    }
    assert!(world.sim.log().is_empty(), "nothing was started for it");
    let ended = login(&world, &["--email", "edgar@nowhere"]).await.with_code(2);
    assert!(ended.error().contains("enter a valid email address"), "{ended:#?}");
    let ended = with_code(&world, |_| "wrongcode\n".to_owned()).await.with_code(2);
    assert!(ended.error().contains("does not accept the code"), "{ended:#?}");
    world.end().await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn on_a_terminal_a_wrong_code_can_be_typed_anew() {
    let world = World::signed_out().await;
    let mut command = world.lenore("login");
    command.args(["--email", EMAIL]);
    let start = || terminal::Terminal::start(&command, 24, 200);
    let count = |text: &str, words: &str| text.matches(words).count();
    for (codes, end) in [(3, 4), (2, 0)] {
        let mut terminal = start();
        for number in 1..=codes {
            let asks = |screen: &str| count(screen, "type it here:") == number;
            terminal.until("asked for the code", asks).await;
            let right = world.sim.inbox(EMAIL).expect("it was mailed");
            let is_last = number == codes && end == 0;
            terminal.keys(&(if is_last { right } else { wrong(&right) } + "\r"));
        }
        assert_eq!(terminal.end().await, end, "{}", terminal.screen());
        let refusals = if end == 0 { codes - 1 } else { codes };
        let screen = terminal.everything().split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(count(&screen, "did not take the code"), refusals, "{screen}");
    }
    login(&world, &["--check"]).await.with_code(0);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_keeps_one_account() {
    let world = World::new().await;
    let ended = login(&world, &["--email", "other@example.org"]).await.with_code(2);
    for words in [&format!("signed in as {EMAIL}"), "--profile NAME", "`lenore logout`"] {
        assert!(ended.error().contains(words), "{words}: {ended:#?}");
    }
    let ended = login(&world, &["--email", &EMAIL.to_uppercase()]).await.with_code(0);
    assert_eq!(ended.remarks(), [format!("signed in as {EMAIL}")]);
    world.end().await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn beside_a_program_that_has_the_profile_nobody_can_sign_in() {
    let world = World::new().await;
    let (server, _) = world.serving(&[]).await;
    let ended = login(&world, &["--email", EMAIL]).await.with_code(11);
    let who = format!("process {}", server.pid());
    for words in [&*who, "end it, sign in, and start it again"] {
        assert!(ended.error().contains(words), "{words}: {ended:#?}");
    }
    #[cfg(target_os = "linux")]
    assert!(ended.error().contains("`lenore serve`"), "{ended:#?}");
    let ended = login(&world, &["--check"]).await.with_code(11);
    assert!(ended.error().contains("(--profile NAME)"), "{ended:#?}");
    server.signal(rustix::process::Signal::TERM);
    server.end().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_types_no_code_is_not_signed_in() {
    let world = World::signed_out().await;
    let ended = login(&world, &["--email", EMAIL]).await.with_code(4);
    assert_eq!(ended.error(), "no code was typed");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_display_the_other_ways_are_named() {
    let world = World::signed_out().await;
    let ended = login(&world, &[]).await.with_code(11);
    for way in ["--email", "ssh -X", "copied", "--cdp"] {
        assert!(ended.error().contains(way), "{way}: {}", ended.error());
    }
    assert!(!ended.stderr.contains("a window opens"), "none does: {ended:#?}");
    assert!(!ended.stderr.contains("--headed"), "nobody has said that: {ended:#?}");
    world.end().await;
}
