//! A person at the site's page, in every edition: what the page shows is what the site answered, and
//! it got every frame. `scripts/setup.sh ancestor` installs the driver; without it, this is skipped.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use lenore_sim::{Edition, Options, Seen, Sim};
use serde_json::{Value, json};

const SESSION: &str = "one-session-for-all-sites";
const ANSWER: &str = "One two three four five six seven eight.";

/// The program of that name on the `PATH`.
fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join(name)).find(|file| file.is_file())
}

/// Has a person do each case; `None`, said aloud, where something that is needed is missing.
async fn see(cases: Vec<Value>) -> Option<Vec<Value>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = root.join("../../target/ancestor/bin/python");
    let needs = (python.is_file(), program("chromium"), program("chromedriver"));
    let (true, Some(chromium), Some(chromedriver)) = needs else {
        eprintln!("skipped: selenium, Chromium or chromedriver is not installed");
        return None;
    };
    let run = tokio::task::spawn_blocking(move || {
        let mut command = Command::new(python);
        command.arg(root.join("tests/page/run.py")).args([chromium, chromedriver]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let lines: String = cases.iter().map(|case| format!("{case}\n")).collect();
        child.stdin.take().expect("a pipe").write_all(lines.as_bytes()).expect("it reads");
        let output = child.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let lines = String::from_utf8(output.stdout).expect("text");
        lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    });
    Some(run.await.expect("no panic"))
}

/// Sites, each with what its page must show.
async fn check(sites: Vec<(String, Options)>, words: &str) {
    let prompt = format!("Tell me of ravens. [[sim: say={ANSWER}, gap=15{words}]]");
    let mut sims = Vec::new();
    for (name, options) in sites {
        let sim = Sim::start(options.session(SESSION)).await.expect("a free port");
        sims.push((name, sim));
    }
    let case = |index: usize, sim: &Sim| json!({ "site": sim.url(), "sign_in": index == 0, "prompt": prompt, "answer": ANSWER, "linger": 0.7 });
    let cases = sims.iter().enumerate().map(|(index, (_, sim))| case(index, sim)).collect();
    let Some(seen) = see(cases).await else { return };
    for ((name, sim), saw) in sims.into_iter().zip(seen) {
        let is_answer = |message: &Value| {
            message[0] == "true" && message[1].as_str().is_some_and(|text| text.contains(ANSWER))
        };
        let messages = saw["messages"].as_array().expect("messages");
        assert!(messages.iter().any(is_answer), "{name}: {saw:#}");
        assert!(
            saw["address"].as_str().is_some_and(|it| it.starts_with("/chat/")),
            "{name}: {saw:#}"
        );
        assert_eq!(saw["console"], json!([]), "{name}");
        let log = sim.log();
        let taken = |what: &Seen| matches!(what, Seen::Send { duplicate: false, status, .. } if status == "success");
        assert_eq!(log.iter().filter(|entry| taken(&entry.what)).count(), 1, "{name}");
        let frames: Vec<_> =
            log.iter().filter(|entry| matches!(entry.what, Seen::Frames { .. })).collect();
        let Some(Seen::Frames { missing, frames, .. }) = frames.last().map(|entry| &entry.what)
        else {
            panic!("{name}: the page told nothing of its frames");
        };
        assert!(*missing == 0 && *frames > 3, "{name}: {missing} of {frames}");
        sim.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_answered_in_every_edition() {
    let editions = [Edition::Y2023, Edition::Y2025];
    let mixed = (1..=12).map(Edition::Mix);
    let sites = editions.into_iter().chain(mixed);
    let sites = sites.map(|edition| (edition.to_string(), Options::default().edition(edition)));
    check(sites.collect(), "").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_answered_with_every_habit() {
    let mut sites = Vec::new();
    let usual = Edition::Y2025.habits();
    for (name, values) in lenore_sim::Habit::known() {
        // Where nobody answers, there is nothing to see.
        let is_seen = |value: &&str| {
            !usual.contains(&(name.clone(), value)) && (name.as_str(), *value) != ("responds", "no")
        };
        for value in values.into_iter().filter(is_seen) {
            let habit = format!("{name}={value}").parse().expect("a known value");
            sites.push((format!("{name}={value}"), Options::default().habit(habit)));
        }
    }
    check(sites, "").await;
}
