//! What stays of an answer: the log, the chat to go on in, a file, the clipboard.

#![cfg(unix)]

mod support;

#[path = "../../browser/tests/support/disk.rs"]
mod disk;
#[path = "support/terminal.rs"]
mod terminal;

use base64::Engine;
use lenore_sim::Seen;
use serde_json::{Value, json};
use support::{Ended, Home, Program, World};
use terminal::Terminal;

/// An answer that is over at once.
const SHORT: &str = "[[sim: gap=0, length=60]]";

async fn ask(world: &World, home: &Home, arguments: &[&str]) -> Ended {
    let mut command = world.lenore("ask");
    home.adopt(&mut command);
    command.args(arguments);
    Program::start(command).end().await
}

/// The log, newest first.
async fn log(home: &Home) -> Vec<Value> {
    let ended = home.run(&["logs", "--json"]).await.with_code(0);
    ended.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// The questions that the site took: the chat, the bot and the text.
fn sent(world: &World) -> Vec<(Option<String>, String, String)> {
    let send = |entry: lenore_sim::LogEntry| match entry.what {
        Seen::Send { chat, bot, query, .. } => Some((chat, bot, query)),
        _ => None,
    };
    world.sim.log().into_iter().filter_map(send).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_exchange_is_in_the_log() {
    let (world, home) = (World::new().await, Home::new());
    let prompt = "Ravens? [[sim: gap=0, length=60, cost=12, title=Of ravens, rewrite]]";
    let arguments = ["--json", "-m", "gpt-4", "--system", "Be brief.", prompt];
    ask(&world, &home, &arguments).await.with_code(0);
    let [whole] = &log(&home).await[..] else { panic!("one is due") };
    assert_eq!(whole["answer"], world.site_text());
    assert_eq!((&whole["prompt"], &whole["system"]), (&json!(prompt), &json!("Be brief.")));
    assert_eq!((&whole["model"], &whole["end"]), (&json!("gpt-4"), &json!("complete")));
    assert_eq!((&whole["points"], &whole["title"]), (&json!(12), &json!("Of ravens")));
    assert_eq!(whole["site"], world.sim.url());
    assert_eq!(whole["profile"], world.profile().to_str().expect("a name"));
    assert!(whole["chat"].is_string() && whole["bot"].is_string(), "{whole}");
    assert!(whole["first"].as_i64() <= whole["duration"].as_i64(), "{whole}");
    let cost = home.run(&["ask", "--dry-run", "-m", "gpt-4", "Hi"]).await.with_code(0);
    assert!(cost.stdout.contains("12 points, the last time"), "{}", cost.stdout);
    let models = home.run(&["models"]).await.with_code(0);
    assert!(models.stdout.lines().any(|line| line.ends_with("12 points")), "{}", models.stdout);

    let prompt = "Crows? [[sim: state=error_whatever, after=3]]";
    ask(&world, &home, &[prompt]).await.with_code(7);
    let half = &log(&home).await[0];
    assert_eq!((&half["end"], &half["answer"]), (&json!("bot"), &json!(world.site_text())));
    assert_eq!(half["model"], "gpt-3.5-turbo", "the default by its name");
    // What never became a question is no exchange.
    ask(&world, &home, &["Owls? [[sim: status=no_access]]"]).await.with_code(5);
    ask(&world, &home, &["-m", "gpt-40", "Owls?"]).await.with_code(3);
    assert_eq!(log(&home).await.len(), 2);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_wants_no_log_has_none() {
    let (world, home) = (World::new().await, Home::new());
    ask(&world, &home, &["--no-log", &format!("Hi {SHORT}")]).await.with_code(0);
    home.set("config.toml", "log = false");
    ask(&world, &home, &[&format!("Hi {SHORT}")]).await.with_code(0);
    assert!(!home.path("data").exists());
    let ended = home.run(&["logs"]).await.with_code(0);
    assert_eq!((&*ended.stdout, &*ended.stderr), ("", "nothing has been logged yet\n"));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_stopped_is_in_the_log_as_far_as_it_came() {
    let (world, home) = (World::new().await, Home::new());
    let prompt = "Ravens! [[sim: echo, no-complete]]";
    let mut command = world.lenore("ask");
    home.adopt(&mut command);
    command.arg(prompt);
    let mut program = Program::start(command);
    program.bytes(prompt.len()).await;
    program.signal(rustix::process::Signal::INT);
    program.end().await.with_code(130);
    let stopped = &log(&home).await[0];
    assert_eq!((&stopped["end"], &stopped["answer"]), (&json!("cancelled"), &json!(prompt)));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_cannot_be_written_spoils_no_answer() {
    let (world, home) = (World::new().await, Home::new());
    std::fs::create_dir_all(home.path("data/lenore/log.db")).expect("a directory in its place");
    let ended = ask(&world, &home, &[&format!("Hi {SHORT}")]).await.with_code(0);
    assert_eq!(ended.stdout, world.site_text() + "\n");
    assert!(ended.stderr.contains("not in the log"), "{ended:#?}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_chat_goes_on_with_the_new_turn_alone() {
    let (world, home) = (World::new().await, Home::new());
    ask(&world, &home, &["-m", "gpt-4", &format!("One {SHORT}")]).await.with_code(0);
    ask(&world, &home, &["-c", &format!("Two {SHORT}")]).await.with_code(0);
    ask(&world, &home, &["-m", "palm", &format!("Three {SHORT}")]).await.with_code(0);
    let logged = log(&home).await;
    let first = logged[2]["chat"].as_str().expect("its code").to_owned();
    ask(&world, &home, &["--chat", &first, &format!("Four {SHORT}")]).await.with_code(0);
    ask(&world, &home, &["-c", &format!("Five {SHORT}")]).await.with_code(0);
    let sent = sent(&world);
    let texts: Vec<_> = sent.iter().map(|(_, _, text)| text.replace(SHORT, "")).collect();
    assert_eq!(texts, ["One ", "Two ", "Three ", "Four ", "Five "], "only the new turns");
    let bots: Vec<_> = sent.iter().map(|(_, bot, _)| bot.as_str()).collect();
    assert_eq!(bots, ["GPT-4", "GPT-4", "Google-PaLM", "GPT-4", "GPT-4"]);
    let of = |chat: &Value| sent.iter().filter(|(it, ..)| it.as_deref() == chat.as_str()).count();
    let logged = log(&home).await;
    assert_eq!((of(&logged[0]["chat"]), of(&logged[2]["chat"])), (4, 1));
    assert_eq!(logged[0]["model"], "gpt-4");
    let show = home.run(&["logs", "show", "--chat", &first]).await.with_code(0);
    let places: Vec<_> =
        ["One", "Two", "Four", "Five"].map(|word| show.stdout.find(word).expect(word)).into();
    assert!(places.is_sorted() && !show.stdout.contains("Three"), "{}", show.stdout);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_gets_the_exact_text_or_stays_as_it_is() {
    let (world, home) = (World::new().await, Home::new());
    let path = home.path("answer.md");
    let file = path.to_str().expect("a name");
    let prompt = "Ravens? [[sim: rewrite, placeholder, emoji, gap=0]]";
    let ended = ask(&world, &home, &["-o", file, prompt]).await.with_code(0);
    assert_eq!((&*ended.stdout, ended.remarks().len()), ("", 0), "{ended:#?}");
    let first = world.site_text();
    assert_eq!(std::fs::read_to_string(&path).expect("written"), first);
    ask(&world, &home, &["-o", file, "Crows? [[sim: state=error_x, after=3]]"]).await.with_code(7);
    assert_eq!(std::fs::read_to_string(&path).expect("still there"), first);
    // With --json the events are on stdout all the same.
    let ended = ask(&world, &home, &["--json", "-o", file, prompt]).await.with_code(0);
    assert!(ended.stdout.lines().last().expect("a line").contains("finished"), "{ended:#?}");
    assert_eq!(std::fs::read_to_string(&path).expect("written"), world.site_text());
    let asked = world.prompts().len();
    ask(&world, &home, &["-o", "/no/such/place.md", prompt]).await.with_code(2);
    assert_eq!(world.prompts().len(), asked, "nothing is asked for nothing");
    let others = std::fs::read_dir(home.path("")).expect("readable").flatten();
    assert!(others.into_iter().all(|it| !it.file_name().to_string_lossy().starts_with(".lenore")));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clipboard_gets_the_exact_text() {
    use std::os::unix::fs::PermissionsExt;
    let (world, home) = (World::new().await, Home::new());
    let (program, copied) = (home.path("wl-copy"), home.path("copied"));
    let script = format!("#!/bin/sh\nexec cat > '{}'\n", copied.display());
    std::fs::write(&program, script).expect("written");
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).expect("our own file");
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = world.lenore("ask");
    home.adopt(&mut command);
    command.args(["--copy", "Ravens? [[sim: emoji, rewrite, gap=0]]"]);
    command.env("PATH", format!("{}:{path}", home.path("").display()));
    command.env("WAYLAND_DISPLAY", "wayland-0");
    let ended = Program::start(command).end().await.with_code(0);
    assert_eq!(std::fs::read_to_string(&copied).expect("copied"), world.site_text());
    assert!(ended.stderr.contains("copied by wl-copy"), "{ended:#?}");
    // A terminal is told to copy.
    let mut command = world.lenore("ask");
    home.adopt(&mut command);
    command.args(["--copy", "Ravens? [[sim: emoji, rewrite, gap=0]]"]);
    let mut terminal = Terminal::start(&command, 24, 80);
    assert_eq!(terminal.end().await, 0);
    let text = base64::prelude::BASE64_STANDARD.encode(world.site_text());
    let sequence = format!("\x1b]52;c;{text}\x07");
    assert!(String::from_utf8_lossy(&terminal.bytes()).contains(&sequence), "{text}");
    // Where there is no clipboard, the answer is printed and that is said.
    let ended = ask(&world, &home, &["--copy", &format!("Hi {SHORT}")]).await.with_code(1);
    assert_eq!(ended.stdout, world.site_text() + "\n");
    assert!(ended.error().contains("no way to a clipboard"), "{ended:#?}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_whose_file_cannot_be_written_is_in_the_log_or_on_stdout() {
    let Some(disk) = disk::SmallDisk::mount() else { return };
    let (world, home) = (World::new().await, Home::new());
    let path = disk.0.path().join("answer.txt");
    // A file can be begun there, and holds nothing.
    let mut rest = std::fs::File::create(disk.0.path().join("rest")).expect("made");
    let filled = std::io::copy(&mut std::io::repeat(0), &mut rest);
    assert_eq!(filled.expect_err("no room").kind(), std::io::ErrorKind::StorageFull);
    let path = path.to_str().expect("a name");
    let ended = ask(&world, &home, &["-o", path, "Ravens?", SHORT]).await.with_code(1);
    assert!(ended.error().contains("No space left"), "{ended:#?}");
    assert!(ended.stderr.contains("the answer is in the log: `lenore logs show 1`"), "{ended:#?}");
    let shown = home.run(&["logs", "show", "1"]).await.with_code(0);
    assert!(shown.stdout.contains(&world.site_text()), "{shown:#?}");
    let ended = ask(&world, &home, &["--no-log", "-o", path, "Crows?", SHORT]).await.with_code(1);
    assert_eq!(ended.stdout.trim_end(), world.site_text(), "{ended:#?}");
    world.end().await;
}
