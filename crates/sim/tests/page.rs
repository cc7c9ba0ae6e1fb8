//! A person at the site's page, in every edition: what the page shows is what the site answered, and
//! it got every frame. `scripts/setup.sh ancestor` installs the driver; without it, this is skipped.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use lenore_sim::{Edition, LogEntry, Options, Seen, Sim};
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
        let is_count =
            |entry: &LogEntry| matches!(entry.what, Seen::Frames { frames, .. } if frames > 1);
        let counted = sim.wait_for(is_count, Duration::from_secs(5)).await;
        let Some(Seen::Frames { missing, .. }) = counted.map(|entry| entry.what) else {
            panic!("{name}: the page told nothing of its frames");
        };
        assert_eq!(missing, 0, "{name}");
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

#[tokio::test(flavor = "multi_thread")]
async fn the_markup_drifts_in_the_browser() {
    let bar = "[class*='ChatMessageActionBar_actionBar__']";
    let look = [
        "textarea[class^='GrowingTextArea_textArea__']",
        "[data-complete]",
        bar,
        &format!("section{bar}"),
        "[data-button-send]",
        "[id^='message-']",
        "[class^='ChatMessage_chatMessage__']",
    ];
    // How many of each there are then.
    let cases = [
        ("header:poegraphql=missing", [1, 2, 1, 1, 1, 2, 2]),
        ("class:box:GrowingTextArea_textArea__=renamed", [0, 2, 1, 1, 1, 2, 2]),
        ("attribute:message:data-complete=renamed", [1, 0, 1, 1, 1, 2, 2]),
        ("element:actionBar=missing", [1, 2, 0, 0, 1, 2, 2]),
        ("tag:actionBar=renamed", [1, 2, 1, 0, 1, 2, 2]),
        ("element:send=doubled", [1, 2, 1, 1, 2, 2, 2]),
        ("attribute:message:id=other_type", [1, 2, 1, 1, 1, 0, 2]),
        ("element:message=late", [1, 2, 1, 1, 1, 2, 2]),
        ("class:message:ChatMessage_chatMessage__=missing", [1, 2, 1, 1, 1, 2, 0]),
    ];
    let mut sims = Vec::new();
    for (drift, _) in cases {
        let options = Options::default().session(SESSION).drift(drift.parse().expect("a drift"));
        sims.push(Sim::start(options).await.expect("a free port"));
    }
    let prompt = format!("Tell me of ravens. [[sim: say={ANSWER}, gap=15]]");
    let case = |(index, sim): (usize, &Sim)| {
        json!({
            "site": sim.url(), "sign_in": index == 0, "page": "/GPT-4", "prompt": prompt,
            "answer": ANSWER, "linger": 1, "look": look,
        })
    };
    let Some(seen) = see(sims.iter().enumerate().map(case).collect()).await else { return };
    for ((drift, counts), saw) in cases.into_iter().zip(seen) {
        let found: Vec<_> = look.iter().map(|css| saw["found"][css].as_u64()).collect();
        assert_eq!(found, counts.map(Some), "{drift}: {saw:#}");
    }
}

/// Drifts of the site that a person does not notice: the page is told of them. `LENORE_SIM_CASES`
/// chooses how many of each edition, by lot with the seed `LENORE_SIM_SEED`.
#[tokio::test(flavor = "multi_thread")]
async fn a_person_does_not_notice_that_the_site_drifts() {
    let number = |name: &str| std::env::var(name).ok().and_then(|word| word.parse::<u64>().ok());
    let count = number("LENORE_SIM_CASES").unwrap_or(24) as usize;
    let mut rng = fastrand::Rng::with_seed(number("LENORE_SIM_SEED").unwrap_or(1));
    for edition in [Edition::Y2023, Edition::Y2025] {
        let facts = lenore_sim::facts(edition);
        let seen = facts.into_iter().filter(|fact| fact.scene == "ask");
        let all = seen
            .flat_map(|fact| fact.hows.clone().into_iter().map(move |how| (fact.id.clone(), how)));
        let mut all: Vec<_> = all.collect();
        rng.shuffle(&mut all);
        all.truncate(count);
        let mut sims = vec![Sim::start(Options::default().session(SESSION)).await.expect("a port")];
        for (fact, how) in &all {
            let options = Options::default().edition(edition).session(SESSION);
            let options = options.drift(lenore_sim::Drift::new(fact.clone(), *how));
            sims.push(Sim::start(options).await.expect("a free port"));
        }
        let prompt = format!("Tell me of ravens. [[sim: say={ANSWER}, gap=15, delay=30]]");
        let case = |(index, sim): (usize, &Sim)| {
            let moved = index > 0 && all[index - 1].0 == "route:/{bot}";
            let page = if moved { "/" } else { "/GPT-4" };
            json!({
                "site": sim.url(), "sign_in": index == 0, "page": page, "prompt": prompt,
                "answer": ANSWER, "linger": 0,
            })
        };
        let Some(seen) = see(sims.iter().enumerate().map(case).collect()).await else { return };
        let mut failed = Vec::new();
        for (index, saw) in seen.iter().enumerate().skip(1) {
            let (fact, how) = &all[index - 1];
            let taken = |what: &Seen| matches!(what, Seen::Send { duplicate: false, status, .. } if status == "success");
            let asked = sims[index].log().iter().filter(|entry| taken(&entry.what)).count();
            if saw["times"].as_u64() < Some(2) || saw["console"] != json!([]) || asked != 1 {
                failed.push(format!("{edition}: {fact}={how}: asked {asked} times, {saw:#}"));
            }
        }
        assert!(failed.is_empty(), "{} of {}: {}", failed.len(), all.len(), failed.join("\n"));
    }
}
