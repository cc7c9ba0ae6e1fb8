//! `lenore models`: the names that are known here, without a browser.

mod support;

use serde_json::Value;
use support::{Program, lenore};

#[tokio::test]
async fn the_names_are_a_table() {
    let ended = Program::start(lenore(&["models"])).end().await.with_code(0);
    let rows: Vec<Vec<&str>> =
        ended.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    assert!(rows.contains(&vec!["gpt-4", "GPT-4"]), "{}", ended.stdout);
    assert!(rows.contains(&vec!["gpt-3.5-turbo", "GPT-3.5-Turbo", "(default)"]));
    assert_eq!(rows.len(), 10);
    assert!(ended.stderr.contains("poe/<Handle>"), "{}", ended.stderr);
}

#[tokio::test]
async fn the_names_are_objects_for_programs() {
    let ended = Program::start(lenore(&["models", "--json"])).end().await.with_code(0);
    let parsed = |line| serde_json::from_str(line).expect("JSON");
    let models: Vec<Value> = ended.stdout.lines().map(parsed).collect();
    assert_eq!(models.len(), 10);
    let default: Vec<_> = models.iter().filter(|model| model["default"] == true).collect();
    let [default] = default[..] else { panic!("one is the default: {models:#?}") };
    assert_eq!(
        (&default["name"], &default["bot"]),
        (&"gpt-3.5-turbo".into(), &"GPT-3.5-Turbo".into())
    );
    assert_eq!(ended.stderr, "");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_file_in_the_configuration_directory_counts() {
    let home = tempfile::tempdir().expect("a directory");
    let directory = home.path().join("lenore");
    std::fs::create_dir(&directory).expect("made");
    let file = "[models]\nraven = \"Raven-1\"\n";
    std::fs::write(directory.join("site.toml"), file).expect("written");
    let mut command = lenore(&["models"]);
    command.env("XDG_CONFIG_HOME", home.path());
    let ended = Program::start(command).end().await.with_code(0);
    let added = ended.stdout.lines().any(|line| line.split_whitespace().eq(["raven", "Raven-1"]));
    assert!(added, "{}", ended.stdout);
    assert!(ended.stdout.contains("gpt-4"), "the others stay: {}", ended.stdout);
}
