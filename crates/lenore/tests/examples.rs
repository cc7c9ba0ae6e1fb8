//! The examples are run as a user would run them, against the local site.

#[path = "../../cli/tests/support/display.rs"]
mod display;
#[path = "../../poe/tests/support/tinyproxy.rs"]
mod tinyproxy;

use std::path::{Path, PathBuf};
use std::time::Duration;

use display::Display;
use lenore::Poe;
use lenore_sim::{Edition, Options, Seen, Sim};
use tinyproxy::TinyProxy;
use tokio::process::Command;

const EMAIL: &str = "virginia@example.org";

/// The options of a site: the edition that `LENORE_SIM_EDITION` names, else that of 2023.
fn site() -> Options {
    let edition = std::env::var("LENORE_SIM_EDITION");
    Options::default()
        .edition(edition.map_or(Edition::Y2023, |word| word.parse().expect("an edition")))
}

/// A profile that is signed in to the site.
async fn signed_in(sim: &Sim) -> tempfile::TempDir {
    let profile = tempfile::tempdir().expect("a directory");
    let poe = Poe::builder().url(sim.url()).user_data_dir(profile.path());
    let poe = poe.build().expect("valid options");
    let code = async { Ok(sim.inbox(EMAIL).expect("a code was mailed")) };
    poe.sign_in_with_code(EMAIL, code).await.expect("signed in");
    poe.close().await;
    profile
}

/// The example's program, which is built with the tests.
fn example(name: &str) -> PathBuf {
    let tests = std::env::current_exe().expect("this program has a path");
    let target = tests.parent().and_then(Path::parent).expect("target/…/deps/test");
    target.join("examples").join(name).with_extension(std::env::consts::EXE_EXTENSION)
}

/// Runs an example and returns what it says.
async fn run(name: &str, arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let mut command = Command::new(example(name));
    command.args(arguments).envs(environment.iter().copied()).kill_on_drop(true);
    let ended = tokio::time::timeout(Duration::from_secs(60), command.output());
    let output = ended.await.expect("in time").expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name} failed: {said}");
    String::from_utf8(output.stdout).expect("text")
}

/// The newest answer that the site has given, and the bot that gave it.
fn newest(sim: &Sim) -> (String, String) {
    let (mut asked, mut answered) = (None, None);
    for entry in sim.log() {
        match entry.what {
            Seen::Send { bot, .. } => asked = Some(bot),
            Seen::Answer { text, .. } => answered = Some(text),
            _ => {}
        }
    }
    (asked.expect("it asked"), answered.expect("it was answered"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_least_example_prints_the_answer() {
    let sim = Sim::start(site()).await.expect("a free port");
    let profile = signed_in(&sim).await;
    let profile = profile.path().to_str().expect("a plain name");
    let environment = [("LENORE_SITE", sim.url()), ("LENORE_USER_DATA_DIR", profile)];
    let printed = run("least", &[], &environment).await;
    let (bot, text) = newest(&sim);
    assert_eq!(bot, "GPT-3.5-Turbo");
    assert_eq!(printed, format!("{text}\n"));
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_full_example_goes_through_a_proxy_in_a_window() {
    let Some(display) = Display::start() else { return };
    let Some(proxy) = TinyProxy::start("").await else { return };
    let sim = Sim::start(site()).await.expect("a free port");
    let profile = signed_in(&sim).await;
    let profile = profile.path().to_str().expect("a plain name");
    let environment =
        [("LENORE_SITE", sim.url()), ("LENORE_USER_DATA_DIR", profile), ("DISPLAY", &display.name)];
    let printed = run("full", &[&format!("http://{}", proxy.address)], &environment).await;
    let (bot, text) = newest(&sim);
    assert_eq!(bot, "GPT-4");
    assert!(printed.contains(&format!("[complete]\n{text}\n")), "{printed}");
    assert!(proxy.log().contains("/GPT-4"), "the page went through the proxy");
    sim.stop().await;
}
