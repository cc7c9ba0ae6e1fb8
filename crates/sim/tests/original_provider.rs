//! The Python provider that Lenore descends from runs on this site, unchanged but for its URL, so
//! the site is not made to fit Lenore alone. `scripts/setup.sh ancestor` installs it; without it,
//! this is skipped.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use lenore_sim::{Edition, LogEntry, Options, Seen, Sim};
use serde_json::Value;

/// The program of that name on the `PATH`.
fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join(name)).find(|file| file.is_file())
}

/// Has the ancestor ask each prompt; `None`, said aloud, where something that it needs is missing.
async fn ask(sim: &Sim, prompts: &[&str]) -> Option<Vec<Value>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = root.join("../../target/ancestor/bin/python");
    let needs = (python.is_file(), program("chromium"), program("chromedriver"));
    let (true, Some(chromium), Some(chromedriver)) = needs else {
        eprintln!("skipped: the original provider, Chromium or chromedriver is not installed");
        return None;
    };
    let mut command = Command::new(python);
    command
        .arg(root.join("tests/original_provider/run.py"))
        .args([sim.url()])
        .args([chromium, chromedriver])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let lines: String =
        prompts.iter().map(|prompt| Value::from(*prompt).to_string() + "\n").collect();
    let run = tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().expect("it starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin.write_all(lines.as_bytes()).expect("it reads");
        drop(stdin);
        let output = child.wait_with_output().expect("it ends");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        let lines = BufReader::new(&*output.stdout).lines();
        lines
            .map(|line| serde_json::from_str(&line.expect("text")).expect("JSON"))
            .collect::<Vec<Value>>()
    });
    Some(run.await.expect("no panic"))
}

/// The text of the answer that has ended.
fn answer(sim: &Sim) -> Option<String> {
    sim.log().into_iter().find_map(|entry| match entry.what {
        Seen::Answer { text, .. } => Some(text),
        _ => None,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_original_provider_gets_its_answers_here() {
    let prompts =
        ["Tell me of ravens.", "Short, please. [[sim: gap=20, chunks=5]]", "With an emoji 🙂"];
    for prompt in prompts {
        // It looks at the page ten times a second and misses something now and then.
        let mut tries = Vec::new();
        for _ in 0..3 {
            // A site for each: what comes late of one answer, it takes for the next one.
            let sim =
                Sim::start(Options::default().edition(Edition::Y2023)).await.expect("a free port");
            let Some(heard) = ask(&sim, &[prompt]).await else { return };
            let sent = sim.log().into_iter().filter_map(|entry| match entry.what {
                Seen::Send { query, .. } => Some(query.trim_end().to_owned()),
                _ => None,
            });
            assert_eq!(sent.collect::<Vec<_>>(), [prompt], "it was sent once");
            let text = heard[0]["text"].as_str().map(str::to_owned);
            tries.push((text, answer(&sim)));
            sim.stop().await;
            if tries.last().is_some_and(|(heard, answer)| heard == answer) {
                break;
            }
        }
        assert!(tries.iter().any(|(heard, answer)| heard == answer), "{prompt}: {tries:#?}");
    }
}

/// What it makes of the site's faults, for comparison; printed, not judged.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "minutes long: most of these hang it; the results stand in docs/reliability.md"]
async fn what_the_original_provider_makes_of_faults() {
    let sim = Sim::start(Options::default().edition(Edition::Y2023)).await.expect("a free port");
    let faults = [
        "batch=3",
        "placeholder",
        "rewrite",
        "others",
        "stale",
        "noise",
        "completed",
        "drop-socket=5",
        "missed=4",
        "status=reached_limit",
        "state=error_off_topic",
        "silent=4",
    ];
    for fault in faults {
        let prompt = format!("Tell me of ravens. [[sim: {fault}]]");
        let Some(heard) = ask(&sim, &[&prompt]).await else { return };
        let asked = sim.log().into_iter().rev().find_map(|entry| match entry.what {
            Seen::Send { chat, query, .. } if query.trim_end() == prompt => chat,
            _ => None,
        });
        // The provider may have left before the answer's end.
        let is_ours = |entry: &LogEntry| match &entry.what {
            Seen::Answer { chat, .. } => Some(chat) == asked.as_ref(),
            _ => false,
        };
        let truth = match sim.wait_for(is_ours, Duration::from_secs(10)).await {
            Some(LogEntry { what: Seen::Answer { text, .. }, .. }) => text,
            _ => String::new(),
        };
        let text = heard[0]["text"].as_str().unwrap_or_default();
        let verdict = if text == truth { "exact" } else { "wrong" };
        let (got, should) = (text.chars().count(), truth.chars().count());
        println!("{fault}: {}, {verdict} ({got} of {should} characters)", heard[0]["end"]);
    }
    sim.stop().await;
}
