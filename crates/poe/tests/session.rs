//! The browser session opens, closes and reopens by itself, and nothing is left of it.

mod support;
#[path = "support/webdriver.rs"]
mod webdriver;

use std::time::{Duration, Instant};

use lenore_poe::Poe;
use lenore_provider::{
    BrowserState, ChatRequest, Completion, Error, ErrorKind, Event, Message, Provider,
};
use lenore_sim::Seen;
use support::processes::kill;
use support::{WAIT, World, ask, processes_of};

fn hi(words: &str) -> ChatRequest {
    ChatRequest::new("gpt-4", vec![Message::user(format!("Hi [[sim: {words}]]"))])
}

/// Reads up to the first piece of the answer.
async fn first_delta(completion: &mut Completion) {
    while let Some(event) = completion.next().await {
        if let Event::Delta(_) = event.expect("no error yet") {
            return;
        }
    }
    panic!("no text came");
}

async fn until_gone(world: &World) {
    let gone = async {
        while !processes_of(world.profile.path()).is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(WAIT, gone).await.expect("the browser ends");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_closes_when_idle_and_reopens_signed_in() {
    let world = World::with(|builder| builder.idle_timeout(Duration::from_millis(200))).await;
    until_gone(&world).await;
    world.ask("Hi").await.complete();
    until_gone(&world).await;
    // It is there as soon as it is needed, and not before.
    let health = world.poe.check_health().await;
    assert_eq!((health.browser, health.fault), (Some(BrowserState::Closed), None));
    world.ask("Hi again").await.complete();
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_was_lost_while_nobody_asked_is_noticed_and_started_again() {
    let world = World::new().await;
    world.ask("Hi").await.complete();
    let is = async |state: BrowserState| {
        let is_so = async {
            while world.poe.health().browser != Some(state) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let is_so = tokio::time::timeout(WAIT, is_so).await;
        is_so.unwrap_or_else(|_| panic!("{state:?}: {:?}", world.poe.health()));
    };
    is(BrowserState::Open).await;
    assert!(kill(world.profile.path(), "--user-data-dir") > 0);
    is(BrowserState::Lost).await;
    assert_eq!(world.poe.health().restarts, 0, "who only looks changes nothing");
    assert_eq!(world.poe.check_health().await.browser, Some(BrowserState::Lost));
    is(BrowserState::Open).await;
    assert_eq!(world.poe.health().restarts, 1);
    world.ask("Hi again").await.complete();
    assert_eq!(world.prompts().len(), 2);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_outlives_the_provider_on_disk() {
    let world = World::new().await;
    world.poe.close().await;
    let again = Poe::builder()
        .url(world.sim.url())
        .user_data_dir(world.profile.path())
        .build()
        .expect("valid options");
    assert!(again.is_signed_in().await.expect("it looks"));
    again.close().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_is_refused_is_known_at_once_and_another_can_follow() {
    const ADDRESS: &str = "lenore@example.org";
    let world = World::signed_out(|builder| builder).await;
    let begin = Instant::now();
    let mut refusals: Vec<Error> = Vec::new();
    let code = |refused: Option<Error>| {
        refusals.extend(refused);
        let right = world.sim.inbox(ADDRESS).expect("it was mailed");
        let wrong = if right == "123456" { "654321" } else { "123456" };
        // The same words come twice.
        let code = match refusals.len() {
            0 => "no digits".to_owned(),
            1 | 2 => wrong.to_owned(),
            _ => right,
        };
        async move { Ok(code) }
    };
    world.poe.sign_in_with_codes(ADDRESS, code).await.expect("the last one is right");
    assert!(begin.elapsed() < Duration::from_secs(15), "after {:?}", begin.elapsed());
    let kinds: Vec<_> = refusals.iter().map(Error::kind).collect();
    let due = [ErrorKind::InvalidRequest, ErrorKind::NotSignedIn, ErrorKind::NotSignedIn];
    assert_eq!(kinds, due, "{refusals:?}");
    for refusal in &refusals[1..] {
        assert!(refusal.to_string().contains("That code is not correct"), "{refusal}");
    }
    let wrong = world.sim.log().iter().filter(|it| matches!(it.what, Seen::CodeWrong)).count();
    assert_eq!(wrong, 2);
    world.ask("Hi").await.complete();
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_the_form_does_not_take_is_no_change_of_the_site() {
    let world = World::signed_out(|builder| builder).await;
    let never = || async { panic!("no code is mailed") };
    for (address, words) in [("nobody", "accept the e-mail address;"), ("a@b", "valid email")] {
        let error = world.poe.sign_in_with_code(address, never()).await.expect_err(address);
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_that_was_made_is_kept_only_where_somebody_signs_in() {
    let world = World::signed_out(|builder| builder).await;
    let place = tempfile::tempdir().expect("a directory");
    let on = |name: &str| {
        let builder = Poe::builder().url(world.sim.url()).user_data_dir(place.path().join(name));
        builder.build().expect("valid options")
    };
    std::fs::create_dir(place.path().join("old")).expect("made");
    for name in ["new", "old"] {
        let poe = on(name);
        assert!(!poe.is_signed_in().await.expect("it looks"));
        assert!(place.path().join(name).join("lenore.lock").exists(), "in use");
        poe.close().await;
    }
    let poe = on("signed in");
    let code = async { Ok(world.sim.inbox("a@example.org").expect("it was mailed")) };
    poe.sign_in_with_code("a@example.org", code).await.expect("signed in");
    poe.close().await;
    let mut left: Vec<_> = std::fs::read_dir(place.path())
        .expect("readable")
        .map(|entry| entry.expect("readable").file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["old", "signed in"]);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_was_killed_is_started_again() {
    let world = World::new().await;
    world.ask("Hi").await.complete();
    let profile = world.profile.path().to_str().expect("a plain name");
    let killed = std::process::Command::new("pkill").args(["-9", "-f", profile]).status();
    assert!(killed.expect("pkill runs").success());
    until_gone(&world).await;
    world.ask("Hi again").await.complete();
    assert_eq!(world.prompts().len(), 2);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_browser_amid_an_answer_loses_nothing() {
    let world = World::new().await;
    let mut completion = world.poe.create_completion(hi("length=2000, chunks=60, gap=40"));
    first_delta(&mut completion).await;
    let profile = world.profile.path().to_str().expect("a plain name");
    let killed = std::process::Command::new("pkill").args(["-9", "-f", profile]).status();
    assert!(killed.expect("pkill runs").success());
    let mut finished = false;
    while let Some(event) = completion.next().await {
        finished = matches!(event.expect("recovered"), Event::Finished { .. });
    }
    assert!(finished);
    assert_eq!(world.prompts().len(), 1, "never sent twice");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_completion_stops_the_answer_on_the_site() {
    let world = World::new().await;
    let mut completion = world.poe.create_completion(hi("length=100000, chunks=3000, gap=50"));
    first_delta(&mut completion).await;
    drop(completion);
    let stop = world.sim.wait_for(|entry| matches!(entry.what, Seen::Stop { .. }), WAIT).await;
    assert!(stop.is_some());
    world.ask("And now?").await.complete();
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_stops_what_runs() {
    let world = World::new().await;
    let mut completion = world.poe.create_completion(hi("length=100000, chunks=3000, gap=50"));
    first_delta(&mut completion).await;
    world.poe.close().await;
    let stopped = world.sim.log().iter().any(|entry| matches!(entry.what, Seen::Stop { .. }));
    assert!(stopped);
    let error = completion.text().await.expect_err("stopped");
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    world.end().await;
}

#[test]
fn a_panic_amid_an_answer_leaves_nothing() {
    let profile = tempfile::tempdir().expect("a directory");
    let path = profile.path().to_owned();
    let panicked = std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let options = |builder: lenore_poe::PoeBuilder| builder.user_data_dir(path);
            let world = World::with(options).await;
            let mut completion = world.poe.create_completion(hi("no-complete"));
            first_delta(&mut completion).await;
            panic!("on purpose");
        })
    })
    .join();
    assert!(panicked.is_err());
    assert_eq!(processes_of(profile.path()), Vec::<String>::new());
    assert!(!profile.path().join("lenore.lock").exists());
}

#[test]
fn each_answer_may_have_a_runtime_of_its_own() {
    let runtime = || tokio::runtime::Runtime::new().expect("a runtime");
    let sites = runtime();
    let world =
        sites.block_on(World::with(|builder| builder.idle_timeout(Duration::from_millis(200))));
    sites.block_on(until_gone(&world));
    for _ in 0..2 {
        let answer = runtime().block_on(ask(&world.poe, hi("say=Still here.")));
        assert_eq!(answer.complete(), "Still here.");
    }
    sites.block_on(world.end());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_has_one_owner() {
    let world = World::new().await;
    world.ask("Hi").await.complete();
    let second = Poe::builder()
        .url(world.sim.url())
        .user_data_dir(world.profile.path())
        .build()
        .expect("valid options");
    let error = ask(&second, hi("echo")).await.failed();
    assert_eq!(error.kind(), ErrorKind::ProfileInUse);
    assert!(error.to_string().contains(&std::process::id().to_string()), "{error}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_answers_at_once_are_each_exact() {
    let world = World::new().await;
    let ask_one = async |n: usize| {
        let words = format!("echo, chunks=20, gap=10, others, rewrite, placeholder, n{n}");
        let answer = ask(&world.poe, hi(&words)).await;
        assert_eq!(answer.complete(), format!("Hi [[sim: {words}]]"));
    };
    tokio::join!(ask_one(1), ask_one(2), ask_one(3), ask_one(4));
    assert_eq!(world.prompts().len(), 4);
    world.end().await;
}

/// The tabs of a Chrome by its DevTools address, and where each is.
async fn tabs(address: &str) -> Vec<(String, String)> {
    let listed = webdriver::request(address, "GET", "/json/list", "").await;
    let text = |value: &serde_json::Value| value.as_str().expect("text").to_owned();
    let pages = listed.as_array().expect("a list").iter().filter(|it| it["type"] == "page");
    let mut tabs: Vec<_> = pages.map(|it| (text(&it["id"]), text(&it["url"]))).collect();
    tabs.sort();
    tabs
}

/// Waits until a Chrome's own tabs are left, where they were.
async fn only_these_are_left(address: &str, those: &[(String, String)]) {
    let left = async {
        while tabs(address).await != those {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(WAIT, left).await.expect("no tab of ours");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_chrome_is_used_and_left_as_it_is() {
    let owner = World::with(|builder| builder.browser_arg("--remote-debugging-port=0")).await;
    owner.ask("Hi").await.complete();
    let port = owner.profile.path().join("DevToolsActivePort");
    let port = std::fs::read_to_string(port).expect("written by the browser");
    let address = format!("127.0.0.1:{}", port.lines().next().expect("a port"));
    let tabs = tabs(&address).await;
    assert!(!tabs.is_empty());
    let guest = || Poe::builder().url(owner.sim.url()).cdp(format!("http://{address}"));
    let idle = guest().idle_timeout(Duration::from_millis(300)).build().expect("valid options");
    for _ in 0..2 {
        ask(&idle, hi("echo")).await.complete();
        only_these_are_left(&address, &tabs).await;
    }
    let dropped = guest().build().expect("valid options");
    ask(&dropped, hi("echo")).await.complete();
    drop(dropped);
    only_these_are_left(&address, &tabs).await;
    let guest = guest().build().expect("valid options");
    ask(&guest, hi("rewrite, others")).await.complete();
    owner.sim.sign_out_all();
    let error = ask(&guest, hi("echo")).await.failed();
    assert_eq!(error.kind(), ErrorKind::NotSignedIn, "another's browser is never reopened");
    guest.close().await;
    only_these_are_left(&address, &tabs).await;
    assert!(!processes_of(owner.profile.path()).is_empty(), "it still runs");
    owner.end().await;
}
