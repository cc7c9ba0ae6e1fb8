//! The tour in docs/guide.md: every command of it is run, on the local site.

#![cfg(unix)]

mod support;

use std::path::Path;
use std::process::Stdio;

use lenore::Poe;
use support::{EMAIL, Home, World, in_time};
use tokio::process::Command;

const GUIDE: &str = include_str!("../../../docs/guide.md");

/// What needs a person, goes on for ever or has a test of its own, by its beginning.
const ELSEWHERE: [&str; 13] = [
    "cargo install",
    "lenore demo",
    "lenore sim",
    "export LENORE_",
    "lenore login  ",
    "lenore login --email",
    "lenore --profile work login",
    "lenore --browser firefox",
    "lenore --webdriver",
    "lenore ask --copy",
    "lenore chat",
    "lenore serve",
    "lenore mcp",
];

/// Answers are short, and nobody is there to be asked.
const SHIM: &str = r#"
    set -e -o pipefail
    lenore() {
        for word in "$@"; do
            case $word in
                ask) set -- "$@" "[[sim: gap=0, length=60]]"; break ;;
                logout | delete) set -- "$@" --yes; break ;;
            esac
        done
        "$LENORE" "$@"
    }
"#;

/// The commands, a line each; those with a text of several lines are one.
fn commands() -> Vec<String> {
    let mut blocks = GUIDE.split("```sh\n").skip(1);
    let block = |block: &str| block.split("```").next().unwrap_or_default().to_owned();
    let commands = std::iter::from_fn(|| blocks.next().map(block)).flat_map(|block| {
        let lines = |block: &str| block.lines().map(str::to_owned).collect::<Vec<_>>();
        match (block.find("cat >"), block.rfind("EOF\n")) {
            (Some(begin), Some(end)) => {
                let end = end + "EOF\n".len();
                let whole = block[begin..end].to_owned();
                [lines(&block[..begin]), vec![whole], lines(&block[end..])].concat()
            }
            _ => lines(&block),
        }
    });
    commands.filter(|command| !command.trim().is_empty()).collect()
}

/// Signs a profile in.
async fn sign_in(world: &World, profile: &Path) {
    let poe = Poe::builder().url(world.sim.url()).user_data_dir(profile).build();
    let poe = poe.expect("valid options");
    let code = async { Ok(world.sim.inbox(EMAIL).expect("a code was mailed")) };
    in_time("signing in", poe.sign_in_with_code(EMAIL, code)).await.expect("signed in");
    in_time("closing", poe.close()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_of_the_tour_works() {
    let (world, home) = (World::signed_out().await, Home::new());
    for profile in ["trial", "work"] {
        sign_in(&world, &home.path(".local/share/lenore/profiles").join(profile)).await;
    }
    let settings = GUIDE.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next());
    let directory = home.path(".config/lenore");
    std::fs::create_dir_all(&directory).expect("made");
    std::fs::write(directory.join("config.toml"), settings.expect("it is shown")).expect("written");
    let mut run = 0;
    for command in commands() {
        let is_here = !ELSEWHERE.iter().any(|begin| (command.clone() + "  ").starts_with(begin));
        if !is_here {
            continue;
        }
        let needs =
            [("| jq", "jq", which("jq").is_some()), ("man -l", "man", which("man").is_some())];
        let missing = needs.iter().find(|(words, _, there)| command.contains(words) && !there);
        if let Some((_, program, _)) = missing {
            eprintln!("skipped: {program} is not installed");
            continue;
        }
        let (ended, stdout, stderr) = shell(&home, &world, &format!("{SHIM}\n{command}")).await;
        assert!(ended, "{command}\n{stdout}{stderr}");
        run += 1;
    }
    assert!(run > 30, "only {run} commands were found");
    let poem = std::fs::read_to_string(home.path("haiku.txt")).expect("an answer in a file");
    assert_eq!(poem.chars().count(), 60);
    let morning = std::fs::read_to_string(home.path("morning.txt")).expect("a translation");
    assert_eq!(morning.chars().count(), 60);
    let translation = world.prompts().into_iter().find(|prompt| prompt.contains("into French"));
    assert!(
        translation.is_some_and(|it| it.contains("a friendly tone") && it.contains("Good morning"))
    );
    assert!(std::fs::read_to_string(home.path("all.md")).expect("a log").contains("ravens"));
    assert!(!home.path(".local/share/lenore/profiles/work").exists());
    world.sim.stop().await;
}

fn which(program: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|place| place.join(program)).find(|place| place.exists())
}

/// Runs a command in a shell; whether it ended well, and what it said.
async fn shell(home: &Home, world: &World, script: &str) -> (bool, String, String) {
    let mut command = Command::new("bash");
    command.args(["-c", script]).current_dir(home.path("")).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("LENORE_") {
            command.env_remove(name);
        }
    }
    command.env("HOME", home.path("")).env("LENORE", env!("CARGO_BIN_EXE_lenore"));
    command.env("XDG_CONFIG_HOME", home.path(".config"));
    command.env("XDG_DATA_HOME", home.path(".local/share"));
    command.env("LENORE_SITE", world.sim.url()).env("LENORE_PROFILE", "trial");
    command.env("EDITOR", "true").env_remove("VISUAL").env_remove("DISPLAY");
    command.kill_on_drop(true);
    let ended = in_time(script, command.output()).await.expect("bash runs");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (ended.status.success(), text(ended.stdout), text(ended.stderr))
}
