//! What stands in the way before anything is asked, by exit code and in words that help.

mod support;

use std::net::TcpListener;

use support::{Ended, Program, World, in_time, lenore};

/// It must not come back in any message.
const SECRET: &str = "Read the diary of Annabel.";

/// Asks what cannot be asked. Site and profile are in the environment, so that options go before.
async fn refused(world: &World, options: &[&str], code: i32) -> Ended {
    let mut command = lenore(&["ask"]);
    command.args(options).arg(SECRET);
    command.env("LENORE_SITE", world.sim.url()).env("LENORE_USER_DATA_DIR", world.profile());
    let ended = Program::start(command).end().await.with_code(code);
    assert_eq!(ended.stdout, "");
    assert!(!ended.stderr.contains("Annabel"), "{}", ended.stderr);
    assert_eq!(world.prompts(), Vec::<String>::new(), "nothing is sent");
    ended
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_not_as_known_is_said_to_be_so() {
    let world = World::new().await;
    let cases = [
        ("poe/Sim-NoBox", 8, "the prompt box was not found"),
        ("poe/Sim-NoFreeMessages", 5, "free messages"),
        ("poe/Sim-Challenge", 4, "human"),
        ("poe/NoSuchBotAtAll", 3, "NoSuchBotAtAll"),
    ];
    for (model, code, words) in cases {
        let ended = refused(&world, &["-m", model], code).await;
        assert!(ended.error().contains(words), "{model}: {}", ended.error());
        assert_eq!(ended.remarks().len(), 1, "{model}: {ended:#?}");
        world.assert_tidy();
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_known_before_needs_no_browser() {
    let world = World::signed_out().await;
    let cases: &[(&[&str], i32, &str)] = &[
        (&["-m", "gpt-40"], 3, "did you mean gpt-4?"),
        (&["-m", "poe/../login"], 3, "handle"),
        (&["-f", "/no/such/file.txt"], 6, "/no/such/file.txt"),
        (&["-f", "/"], 6, "directory"),
        (&["--proxy", "gopher://example.org"], 2, "proxy"),
        (&["--proxy", "http://ann:s3cret@example.org:99999"], 2, "proxy"),
        (&["--site", "not an address"], 2, "address"),
        (&["--site", "ftp://example.org"], 2, "http"),
        (&["--chat", "../login"], 2, "chat"),
        (&["--cdp", "http://127.0.0.1:9", "--headed"], 2, "running browser"),
    ];
    for (options, code, words) in cases {
        let ended = refused(&world, options, *code).await;
        assert!(ended.error().contains(words), "{options:?}: {}", ended.error());
        assert_eq!(ended.remarks().len(), 1, "{options:?}: {ended:#?}");
        assert!(!ended.stderr.contains("s3cret"), "{}", ended.stderr);
    }
    assert_eq!(world.sim.log(), []);
    assert!(!world.profile().exists());
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_signed_in_is_told_how_to() {
    let world = World::signed_out().await;
    let ended = refused(&world, &[], 4).await;
    assert!(ended.error().contains("lenore login"), "{}", ended.error());
    world.end().await;

    let world = World::new().await;
    world.sim.sign_out_all();
    let ended = refused(&world, &[], 4).await;
    assert!(ended.error().contains("lenore login"), "{}", ended.error());
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_will_not_start_is_said_to_be_so() {
    let world = World::signed_out().await;
    let cases: &[(&[&str], &str)] = &[
        (&["--browser-binary", "/bin/false"], "ended at once"),
        (&["--browser-binary", "/no/such/browser"], "/no/such/browser"),
        (&["--headed"], "display"),
    ];
    for (options, words) in cases {
        let ended = refused(&world, options, 11).await;
        assert!(ended.error().contains(words), "{options:?}: {}", ended.error());
        world.assert_tidy();
    }
    assert_eq!(world.sim.log(), []);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_in_use_names_its_user() {
    let world = World::new().await;
    let poe = world.poe();
    assert!(in_time("looking", poe.is_signed_in()).await.expect("a page"));
    // It may end soon, so it is waited for as long as for the site.
    let ended = refused(&world, &["--timeout", "1"], 11).await;
    let owner = format!("process {} ", std::process::id());
    assert!(ended.error().contains(&owner), "{}", ended.error());
    assert!(ended.error().contains("--user-data-dir"), "{}", ended.error());
    in_time("closing", poe.close()).await;
    world.ask(&["Ravens? [[sim: gap=0, length=20]]"]).await.with_code(0);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_fails_is_said_to_be_so() {
    let world = World::new().await;
    // A port that was free a moment ago.
    let free = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
    let nobody = format!("http://{}", free.expect("a free port"));
    let cases = [("--site", nobody.as_str(), "nothing answers"), ("--proxy", &nobody, "proxy")];
    for (option, value, words) in cases {
        let ended = refused(&world, &[option, value], 10).await;
        assert!(ended.error().contains(words), "{option}: {}", ended.error());
        assert_eq!(ended.remarks().len(), 1, "{option}: {ended:#?}");
        world.assert_tidy();
    }
    world.end().await;
}
