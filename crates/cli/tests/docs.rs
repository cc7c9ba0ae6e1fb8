//! The commands of the other pages, and of the README: each is run, on the local site, or has its
//! test elsewhere.

#![cfg(unix)]

mod support;

use std::path::Path;
use std::process::Stdio;

use lenore::Poe;
use support::{EMAIL, Home, World, in_time};
use tokio::process::Command;

/// The pages with their texts; the tour has a test of its own.
const PAGES: &[(&str, &str)] = &[
    ("README.md", include_str!("../../../README.md")),
    ("browsers.md", include_str!("../../../docs/browsers.md")),
    ("cli.md", include_str!("../../../docs/cli.md")),
    ("front-ends.md", include_str!("../../../docs/front-ends.md")),
    ("gateway.md", include_str!("../../../docs/gateway.md")),
    ("mcp.md", include_str!("../../../docs/mcp.md")),
    ("performance.md", include_str!("../../../docs/performance.md")),
    ("proxies.md", include_str!("../../../docs/proxies.md")),
    ("reliability.md", include_str!("../../../docs/reliability.md")),
    ("scale.md", include_str!("../../../docs/scale.md")),
    ("security.md", include_str!("../../../docs/security.md")),
    ("sim.md", include_str!("../../../docs/sim.md")),
];

/// Where commands are tried that need a person or another browser, go on for ever, or bring
/// something from elsewhere; each by its beginning.
const ELSEWHERE: [(&str, &str); 14] = [
    ("make ", "the check that runs all tests"),
    ("cargo install", "the check that builds the program"),
    ("lenore login", "login.rs and window.rs"),
    ("lenore chat", "chat.rs"),
    ("lenore serve", "serve.rs"),
    ("lenore sim", "sim.rs"),
    ("lenore --browser firefox", "browsers.rs"),
    ("lenore --cdp", "browsers.rs"),
    ("lenore --webdriver", "browsers.rs"),
    ("chromedriver", "browsers.rs"),
    ("chromium", "browsers.rs"),
    ("docker", "a machine with Docker"),
    ("helm", "a machine with Kubernetes"),
    ("  --cap-drop", "a machine with Docker"),
];

/// Answers are short; each command is shown before it runs.
const SHIM: &str = r#"
    set -e -o pipefail
    lenore() {
        for word in "$@"; do
            case $word in ask) set -- "$@" "[[sim: gap=0, length=60]]"; break ;; esac
        done
        "$LENORE" "$@"
    }
"#;

/// The blocks of a page for a shell, without the commands that are tried elsewhere.
fn scripts(page: &str) -> Vec<String> {
    let blocks = page.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    let is_here = |line: &&str| !ELSEWHERE.iter().any(|(begin, _)| line.starts_with(begin));
    let here = |block: &str| block.lines().filter(is_here).collect::<Vec<_>>().join("\n");
    blocks.map(here).filter(|script| !script.trim().is_empty()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_of_the_pages_works() {
    let (world, home) = (World::signed_out().await, Home::new());
    let profile = home.path(".local/share/lenore/profiles/trial");
    let poe = Poe::builder().url(world.sim.url()).user_data_dir(&profile).build();
    let poe = poe.expect("valid options");
    let code = async { Ok(world.sim.inbox(EMAIL).expect("a code was mailed")) };
    in_time("signing in", poe.sign_in_with_code(EMAIL, code)).await.expect("signed in");
    in_time("closing", poe.close()).await;
    let mut run = Vec::new();
    for &(name, page) in PAGES {
        // A clone of the project, as far as the README takes it for one.
        let directory = home.path(name);
        std::fs::create_dir(&directory).expect("made");
        std::fs::write(directory.join("README.md"), PAGES[0].1).expect("written");
        if !std::process::Command::new("git")
            .args(["init", "-q"])
            .current_dir(&directory)
            .status()
            .is_ok_and(|ended| ended.success())
        {
            eprintln!("skipped: git is not installed");
            return;
        }
        for script in scripts(page) {
            let missing = ["jq", "curl"]
                .into_iter()
                .find(|program| script.contains(program) && !is_installed(program));
            if let Some(program) = missing {
                eprintln!("skipped: {program} is not installed");
                continue;
            }
            let script = script.replace("http://127.0.0.1:8765", world.sim.url());
            let (ended, said) = shell(&home, &directory, &world, &script).await;
            assert!(ended, "{name}:\n{script}\n{said}");
            run.push(name);
        }
    }
    for name in ["README.md", "cli.md", "sim.md"] {
        assert!(run.contains(&name), "no command of {name} is run: {run:?}");
    }
    world.sim.stop().await;
}

/// Docker is not everywhere; that the server takes the options can be seen without it.
#[tokio::test]
async fn the_server_takes_the_options_of_the_compose_file_of_open_webui() {
    let file = include_str!("../../../examples/open-webui/compose.yaml");
    let options = file.lines().filter_map(|line| line.trim().strip_prefix("- --"));
    let options: Vec<_> = options.filter_map(|option| option.split('=').next()).collect();
    assert!(options.contains(&"side-model"), "{options:?}");
    let help = Home::new().run(&["serve", "--help"]).await.with_code(0).stdout;
    for option in options {
        assert!(help.contains(&format!("--{option} ")), "--{option} is no option of {help}");
    }
    let page = include_str!("../../../docs/front-ends.md");
    let switches = file.lines().filter_map(|line| line.trim().strip_suffix(": \"false\""));
    for switch in switches.filter(|name| name.ends_with("_GENERATION")) {
        assert!(page.contains(&format!("`{switch}=false`")), "{switch} is on no page");
    }
}

#[test]
fn what_is_tried_elsewhere_is_on_a_page() {
    for (begin, _) in ELSEWHERE {
        let is_there = |page: &str| page.lines().any(|line| line.starts_with(begin));
        assert!(PAGES.iter().any(|(_, page)| is_there(page)), "{begin:?} is on no page any more");
    }
}

/// Tests that a page names, each with its file below `crates/`.
fn named_tests(page: &str) -> Vec<(&str, &str)> {
    let words = page.split('`').skip(1).step_by(2);
    words
        .filter_map(|word| word.split_once("::"))
        .filter(|(file, _)| file.ends_with(".rs"))
        .collect()
}

#[test]
fn the_threat_model_names_tests_that_there_are() {
    let page = include_str!("../../../docs/security.md");
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let named = named_tests(page);
    for (file, name) in &named {
        let source = std::fs::read_to_string(crates.join(file));
        let source = source.unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(source.contains(&format!("fn {name}(")), "{file} has no test {name}");
    }
    // Each row of what is tried has one.
    for table in page.split("| tried |").skip(1) {
        for row in table.lines().skip(2).take_while(|line| line.starts_with('|')) {
            let is_tried = !named_tests(row).is_empty() || row.ends_with("`deny.toml` |");
            assert!(is_tried, "no test tries this: {row}");
        }
    }
    assert!(named.len() > 40, "{}", named.len());
}

fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|place| place.join(program).exists())
}

/// Runs a script in a shell; whether it ended well, and what it said.
async fn shell(home: &Home, directory: &Path, world: &World, script: &str) -> (bool, String) {
    let mut command = Command::new("bash");
    command.args(["-c", &format!("{SHIM}\n{script}")]).current_dir(directory);
    command.stdin(Stdio::null()).kill_on_drop(true);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("LENORE_") {
            command.env_remove(name);
        }
    }
    command.env("HOME", home.path("")).env("LENORE", env!("CARGO_BIN_EXE_lenore"));
    command.env("XDG_CONFIG_HOME", home.path(".config"));
    command.env("XDG_DATA_HOME", home.path(".local/share"));
    command.env("LENORE_SITE", world.sim.url()).env("LENORE_PROFILE", "trial");
    command.env_remove("DISPLAY");
    // Several commands, each of which may take as long as a wait of a test.
    let ended = tokio::time::timeout(support::WAIT * 4, command.output()).await;
    let ended = ended.unwrap_or_else(|_| panic!("it does not end: {script}")).expect("bash runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (ended.status.success(), text(&ended.stdout) + &text(&ended.stderr))
}
