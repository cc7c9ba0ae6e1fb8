//! `lenore logs` on a log that is there: list, show, search, export, delete.

#![cfg(unix)]

mod support;

#[path = "../../browser/tests/support/disk.rs"]
mod disk;
#[path = "support/terminal.rs"]
mod terminal;

use rusqlite::{Connection, params};
use serde_json::Value;
use support::{Ended, Home, Program};
use terminal::Terminal;

/// The first form of the log, which programs that came later understand.
const OLDEST: &str = "CREATE TABLE exchanges (id INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT \
    NULL, provider TEXT NOT NULL, site TEXT NOT NULL, profile TEXT NOT NULL, model TEXT NOT NULL, bot \
    TEXT, chat TEXT, title TEXT, system TEXT, prompt TEXT NOT NULL, files TEXT NOT NULL, answer TEXT \
    NOT NULL, duration INTEGER NOT NULL, first INTEGER, points INTEGER, \"end\" TEXT NOT NULL) STRICT;
    PRAGMA user_version = 1;";

/// 2025-06-01 12:00 UTC.
const JUNE: i64 = 1_748_779_200_000;

/// A home with three exchanges: of June 1, 2 and 3, 2025.
fn home() -> Home {
    let home = Home::new();
    std::fs::create_dir_all(home.path("data/lenore")).expect("made");
    let log = Connection::open(home.path("data/lenore/log.db")).expect("made");
    log.execute_batch(OLDEST).expect("a log");
    let rows = [
        ("Why is a raven like a writing desk?", "Poe wrote on both. \x1b[31mRed", "complete"),
        ("Naïve\nquestion", "```rust\nfn main() {}\n```", "complete"),
        ("And crows?", "", "timeout"),
    ];
    for (day, (prompt, answer, end)) in (0..).zip(rows) {
        let sql = "INSERT INTO exchanges (time, provider, site, profile, model, chat, prompt, files, \
            answer, duration, \"end\") VALUES (?1, 'poe', 'https://poe.com', 'default', 'gpt-4', \
            'abc', ?2, '[]', ?3, 1500, ?4)";
        let time = JUNE + day * 24 * 3600 * 1000;
        log.execute(sql, params![time, prompt, answer, end]).expect("written");
    }
    home
}

async fn logs(home: &Home, arguments: &[&str]) -> Ended {
    home.run(&[&["logs"], arguments].concat()).await
}

fn numbers(ended: &Ended) -> Vec<&str> {
    ended.stdout.lines().filter_map(|line| line.split_whitespace().next()).collect()
}

#[tokio::test]
async fn the_newest_are_listed_first() {
    let home = home();
    let ended = logs(&home, &[]).await.with_code(0);
    assert_eq!(numbers(&ended), ["3", "2", "1"]);
    let first = ended.stdout.lines().next().expect("a line");
    assert!(first.contains("2025-06-03") && first.contains("[timeout] And crows?"), "{first}");
    assert!(ended.stdout.contains("Naïve question"), "one line for each: {}", ended.stdout);
    assert_eq!(numbers(&logs(&home, &["list", "-n", "2"]).await), ["3", "2"]);
    assert_eq!(numbers(&logs(&home, &["-n", "1"]).await), ["3"]);
    let ended = logs(&home, &["--json", "-n", "1"]).await.with_code(0);
    let object: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    assert_eq!((&object["id"], &object["end"]), (&3.into(), &"timeout".into()));
}

#[tokio::test]
async fn one_is_shown_whole() {
    let home = home();
    let ended = logs(&home, &["show", "2"]).await.with_code(0);
    assert!(ended.stdout.contains("## Prompt\n\nNaïve\nquestion\n"), "{}", ended.stdout);
    assert!(ended.stdout.contains("## Answer\n\n```rust\nfn main() {}\n```\n"), "{}", ended.stdout);
    let ended = logs(&home, &["show"]).await.with_code(0);
    assert!(ended.stdout.contains("And crows?") && ended.stdout.contains("ended: timeout"));
    let ended = logs(&home, &["show", "9"]).await.with_code(2);
    assert!(ended.error().contains("no such exchange"), "{ended:#?}");
    logs(&home, &["show", "--chat", "none"]).await.with_code(2);
    let ended = logs(&home, &["show", "two"]).await.with_code(2);
    assert!(ended.error().contains("the number of an exchange"), "{ended:#?}");
}

#[tokio::test]
async fn words_are_found_in_questions_and_answers() {
    let home = home();
    for (words, found) in [
        (&["raven"][..], &["1"][..]),
        (&["DESK", "poe"], &["1"]),
        (&["naive"], &["2"]),
        (&["crow*"], &["3"]),
        (&["AND", "?"], &["3"]),
        (&["\"(", "AND"], &[]),
        (&["rav", "writ"], &["1"]),
        (&["ｆn", "ma"], &[]),
        (&["fn", "ma"], &["2"]),
        (&["raven", "crows"], &[]),
    ] {
        let ended = logs(&home, &[&["search"], words].concat()).await.with_code(0);
        assert_eq!(numbers(&ended), found, "{words:?}");
        assert_eq!(ended.stderr.contains("nothing found"), found.is_empty(), "{words:?}");
    }
    logs(&home, &["search"]).await.with_code(2);
}

#[tokio::test]
async fn a_search_shows_where_the_words_stand() {
    let home = home();
    let ended = logs(&home, &["search", "both"]).await.with_code(0);
    assert!(ended.stdout.contains("answer: Poe wrote on both. ␛[31mRed"), "{}", ended.stdout);
    let long = "あ".repeat(200);
    let log = Connection::open(home.path("data/lenore/log.db")).expect("there");
    let sql = "UPDATE exchanges SET prompt = ?1 WHERE id = 3";
    log.execute(sql, [format!("{long}日本語のテキスト")]).expect("written");
    log.execute("INSERT INTO words (words) VALUES ('rebuild')", []).expect("searchable");
    drop(log);
    for words in ["日本語", "本", "テキスト", "トです", "のテ"] {
        let ended = logs(&home, &["search", words]).await.with_code(0);
        let is_there = words != "トです";
        assert_eq!(ended.stdout.contains("日本語のテキスト"), is_there, "{words}: {ended:#?}");
        assert_eq!(ended.stdout.contains('…'), is_there, "{words}: {ended:#?}");
    }
    let mut terminal = Terminal::start(&home.lenore(&["logs", "search", "wrote"]), 24, 100);
    assert_eq!(terminal.end().await, 0);
    terminal.shows("answer: Poe wrote on both. ␛[31mRed").await;
    let is_bold = terminal.look(|screen| {
        let line = screen.contents_between(0, 0, 0, 100);
        let column = line.find("wrote").expect("in the first line");
        screen.cell(0, u16::try_from(column).expect("small")).expect("a cell").bold()
    });
    assert!(is_bold, "{}", terminal.screen());
}

#[tokio::test]
async fn a_log_on_a_full_disk_is_read_and_called_so() {
    let home = home();
    logs(&home, &["search", "raven"]).await.with_code(0);
    let Some(disk) = disk::SmallDisk::mount() else { return };
    let data = disk.0.path().join("lenore");
    std::fs::create_dir_all(&data).expect("made");
    std::fs::copy(home.path("data/lenore/log.db"), data.join("log.db")).expect("copied");
    // Another file takes all the room there is.
    let mut rest = std::fs::File::create(disk.0.path().join("rest")).expect("made");
    let filled = std::io::copy(&mut std::io::repeat(0), &mut rest);
    assert_eq!(filled.expect_err("no room").kind(), std::io::ErrorKind::StorageFull);
    let run = async |arguments: &[&str]| {
        let mut command = home.lenore(&[&["logs"], arguments].concat());
        command.env("XDG_DATA_HOME", disk.0.path());
        Program::start(command).end().await
    };
    assert_eq!(numbers(&run(&[]).await.with_code(0)), ["3", "2", "1"]);
    assert_eq!(numbers(&run(&["search", "raven"]).await.with_code(0)), ["1"]);
    assert!(run(&["show", "2"]).await.with_code(0).stdout.contains("fn main() {}"));
    let ended = run(&["delete", "2"]).await.with_code(2);
    assert!(ended.error().starts_with("the disk is full"), "{ended:#?}");
    assert_eq!(numbers(&run(&[]).await.with_code(0)), ["3", "2", "1"]);
}

#[tokio::test]
async fn a_log_on_a_disk_that_can_only_be_read_is_read() {
    let home = home();
    let Some(disk) = disk::SmallDisk::mount() else { return };
    let data = disk.0.path().join("lenore");
    std::fs::create_dir_all(&data).expect("made");
    // Of the first form, which cannot be brought up to date there.
    std::fs::copy(home.path("data/lenore/log.db"), data.join("log.db")).expect("copied");
    let mut mount = std::process::Command::new("mount");
    let mounted = mount.args(["-o", "remount,ro"]).arg(disk.0.path()).status();
    assert!(mounted.expect("mount runs").success());
    let run = async |arguments: &[&str]| {
        let mut command = home.lenore(&[&["logs"], arguments].concat());
        command.env("XDG_DATA_HOME", disk.0.path());
        Program::start(command).end().await
    };
    assert_eq!(numbers(&run(&[]).await.with_code(0)), ["3", "2", "1"]);
    assert_eq!(numbers(&run(&["search", "aven"]).await.with_code(0)), ["1"]);
    let ended = run(&["delete", "2"]).await.with_code(2);
    assert!(ended.error().contains("Read-only file system"), "{ended:#?}");
}

#[tokio::test]
async fn everything_can_be_taken_elsewhere() {
    let home = home();
    let ended = logs(&home, &["export", "--format", "json"]).await.with_code(0);
    let all: Vec<Value> = serde_json::from_str(&ended.stdout).expect("JSON");
    let prompts: Vec<_> = all.iter().map(|it| it["prompt"].as_str().expect("text")).collect();
    assert_eq!(prompts, ["Why is a raven like a writing desk?", "Naïve\nquestion", "And crows?"]);
    assert_eq!(all[0]["answer"], "Poe wrote on both. \u{1b}[31mRed", "a program gets it as it is");
    let path = home.path("all.md");
    let ended = logs(&home, &["export", "-o", path.to_str().expect("a name")]).await.with_code(0);
    assert_eq!(ended.stdout, "");
    let text = std::fs::read_to_string(path).expect("written");
    assert_eq!(text.matches("## Answer").count(), 3, "{text}");
    logs(&home, &["export", "--format", "xml"]).await.with_code(2);
}

#[tokio::test]
async fn only_what_is_named_is_deleted() {
    let home = home();
    let ended = logs(&home, &["delete", "2"]).await.with_code(0);
    assert_eq!(ended.remarks(), ["deleted: 1"]);
    logs(&home, &["delete", "2"]).await.with_code(2);
    let ended = logs(&home, &["delete", "--before", "2025-06-02"]).await.with_code(2);
    assert!(ended.error().contains("--yes"), "nobody is there to be asked: {ended:#?}");
    for bad in ["soon", "2025", "2025-02-31x", "now", "2025-13-01", "2026-02-30"] {
        let ended = logs(&home, &["delete", "--yes", "--before", bad]).await.with_code(2);
        assert!(ended.error().contains("no date"), "{bad}: {ended:#?}");
    }
    assert_eq!(numbers(&logs(&home, &[]).await), ["3", "1"]);
    logs(&home, &["delete", "--yes", "--before", "2025-06-03"]).await.with_code(0);
    assert_eq!(numbers(&logs(&home, &[]).await), ["3"]);
    logs(&home, &["delete"]).await.with_code(2);
    logs(&home, &["delete", "3", "--all"]).await.with_code(2);
    logs(&home, &["delete", "--all", "-y"]).await.with_code(0);
    assert_eq!(logs(&home, &[]).await.with_code(0).stdout, "");
}

#[tokio::test]
async fn the_lines_of_chats_go_with_the_log() {
    let typed = |home: &Home| {
        let path = home.path("data/lenore/history");
        std::fs::write(&path, "#V2\nmy secret\n").expect("written");
        path
    };
    let home = home();
    let lines = typed(&home);
    logs(&home, &["delete", "--yes", "--before", "2030-01-01"]).await.with_code(0);
    assert!(lines.exists(), "nobody knows when they were typed");
    let ended = logs(&home, &["delete", "--yes", "--all"]).await.with_code(0);
    assert!(!lines.exists());
    assert_eq!(ended.remarks(), ["deleted: 0, and the lines that were typed into chats"]);
    // And where there is no log beside them.
    std::fs::remove_file(home.path("data/lenore/log.db")).expect("there");
    let lines = typed(&home);
    logs(&home, &["delete", "--yes", "--all"]).await.with_code(0);
    assert!(!lines.exists());
}

#[tokio::test]
async fn who_sits_at_a_terminal_is_asked() {
    let home = home();
    for (answer, said, left) in [("\r", "nothing is deleted", 3), ("y\r", "deleted: 3", 0)] {
        let mut terminal = Terminal::start(&home.lenore(&["logs", "delete", "--all"]), 24, 80);
        terminal.shows("typed into chats? [y/N]").await;
        terminal.keys(answer);
        assert_eq!(terminal.end().await, 0);
        assert!(terminal.screen().contains(said), "{}", terminal.screen());
        assert_eq!(numbers(&logs(&home, &[]).await).len(), left);
    }
}

#[tokio::test]
async fn a_chat_goes_on_with_its_own_bot_only() {
    let home = home();
    let asked = async |model: &str| home.run(&["ask", "-c", "-m", model, "--dry-run", "Hi"]).await;
    for model in ["gpt-4", "poe/GPT-4"] {
        asked(model).await.with_code(0);
    }
    for model in ["palm", "poe/Claude-3-Opus"] {
        let ended = asked(model).await.with_code(2);
        assert!(ended.error().starts_with("the last chat was with GPT-4; "), "{ended:#?}");
    }
    let mut chat = Terminal::start(&home.lenore(&["chat", "-c", "-m", "palm"]), 24, 80);
    assert_eq!(chat.end().await, 2);
    assert!(chat.screen().contains("the last chat was with GPT-4"), "{}", chat.screen());
}

#[tokio::test]
async fn a_terminal_obeys_nothing_that_a_bot_wrote_and_lines_fit_it() {
    let home = home();
    let mut terminal = Terminal::start(&home.lenore(&["logs", "show", "1"]), 24, 80);
    assert_eq!(terminal.end().await, 0);
    assert!(terminal.screen().contains("Poe wrote on both. ␛[31mRed"), "{}", terminal.screen());
    let mut terminal = Terminal::start(&home.lenore(&["logs"]), 24, 60);
    assert_eq!(terminal.end().await, 0);
    let screen = terminal.screen();
    assert_eq!(screen.lines().count(), 3, "{screen}");
    assert!(screen.lines().last().is_some_and(|line| line.ends_with('…')), "{screen}");
}

#[tokio::test]
async fn a_log_of_another_kind_is_refused_and_left_alone() {
    let home = Home::new();
    let path = home.path("data/lenore/log.db");
    let ended = logs(&home, &["path"]).await.with_code(0);
    assert_eq!(ended.stdout.trim_end(), path.to_str().expect("a name"));
    logs(&home, &["show"]).await.with_code(0);
    assert!(!path.exists(), "looking makes nothing");
    std::fs::create_dir_all(path.parent().expect("a directory")).expect("made");
    std::fs::write(&path, "no database at all, only words").expect("written");
    let ended = logs(&home, &[]).await.with_code(2);
    for words in ["database", path.to_str().expect("a name"), "move the file away", "--no-log"] {
        assert!(ended.error().contains(words), "{words}: {ended:#?}");
    }
    assert_eq!(std::fs::read(&path).expect("there"), b"no database at all, only words");
}
