//! A conversation on a terminal: keys in, screen out.

#![cfg(unix)]

mod support;

#[path = "support/terminal.rs"]
mod terminal;

use std::os::unix::fs::PermissionsExt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use lenore_sim::{LogEntry, Seen};
use rustix::process::Signal;
use support::{Home, Program, World};
use terminal::Terminal;

const ENTER: &str = "\r";
const PROMPT: &str = "gpt-4 ›";

/// A user who talks to GPT-4.
struct Talk {
    world: World,
    home: Home,
    terminal: Terminal,
}

impl Talk {
    async fn begin() -> Self {
        Self::with(&[]).await
    }

    async fn with(arguments: &[&str]) -> Self {
        let (world, home) = (World::new().await, Home::new());
        let terminal = start(&world, &home, arguments);
        let mut talk = Self { world, home, terminal };
        talk.terminal.waits_at(PROMPT).await;
        talk
    }

    /// Types a line, and waits for the prompt after what comes of it.
    async fn say(&mut self, line: &str) {
        self.terminal.keys(&format!("{line}{ENTER}"));
        self.terminal.shows_last(line, PROMPT).await;
    }

    async fn leave(mut self) {
        self.terminal.keys("\x04");
        assert_eq!(self.terminal.end().await, 0, "{}", self.terminal.screen());
        self.world.end().await;
    }

    fn sent(&self) -> Vec<(Option<String>, String, String)> {
        let send = |entry: LogEntry| match entry.what {
            Seen::Send { chat, bot, query, .. } => Some((chat, bot, query)),
            _ => None,
        };
        self.world.sim.log().into_iter().filter_map(send).collect()
    }
}

fn start(world: &World, home: &Home, arguments: &[&str]) -> Terminal {
    let mut command = world.lenore("chat");
    home.adopt(&mut command);
    command.args(["-m", "gpt-4"]).args(arguments).current_dir(home.path(""));
    Terminal::start(&command, 40, 80)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_stays_in_its_chat_and_suggestions_have_numbers() {
    let mut talk = Talk::begin().await;
    talk.say("Why? [[sim: say=Because it is **so**., cost=7, title=Of reasons]]").await;
    talk.terminal.shows("  3 ").await;
    talk.terminal.assert_screen("suggestions.txt");
    let suggestion = line_with(&talk.terminal.screen(), "  2 ");
    talk.say("2").await;
    talk.say(" 2").await;
    talk.say("/title").await;
    let sent = talk.sent();
    let [(begun, bot, first), (chat, _, second), (same, _, third)] = &sent[..] else {
        panic!("{sent:?}")
    };
    assert_eq!(
        (bot.as_str(), first.as_str()),
        ("GPT-4", "Why? [[sim: say=Because it is **so**., cost=7, title=Of reasons]]")
    );
    assert_eq!(*second, suggestion.trim_start().trim_start_matches("2 "));
    assert_eq!(third, " 2", "a number that is meant itself");
    assert!(begun == chat && chat == same, "{sent:?}");
    let code = chat.clone().expect("its code");
    assert!(talk.terminal.screen().contains(&code), "{}", talk.terminal.screen());
    talk.terminal.keys("\x04");
    assert_eq!(talk.terminal.end().await, 0);
    let logs = talk.home.run(&["logs", "--json"]).await.with_code(0);
    assert_eq!(logs.stdout.lines().count(), 3);
    assert!(logs.stdout.contains("Of reasons"), "{logs:#?}");
    talk.world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_stops_the_answer_and_not_the_chat() {
    let mut talk = Talk::begin().await;
    for (round, stop) in ["\x03", "\x1b", "/stop\r"].into_iter().enumerate() {
        talk.terminal.keys(&format!("Ravens? [[sim: silent=4]]{ENTER}"));
        talk.world.seen("an answer", |seen| matches!(seen, Seen::Send { .. })).await;
        talk.terminal.until("text", |screen| has_text(screen, round)).await;
        talk.terminal.keys(stop);
        talk.terminal.until("stopped", |screen| screen.matches("\nstopped").count() > round).await;
        talk.terminal.waits_at(PROMPT).await;
        while talk.world.stops() <= round {
            talk.world.stopped().await;
        }
    }
    talk.say("Still there? [[sim: say=Yes.]]").await;
    let sent = talk.sent();
    assert_eq!(sent.len(), 4);
    assert!(sent.iter().all(|(chat, ..)| chat.is_some() && *chat == sent[0].0), "{sent:?}");
    // At the prompt it clears the line, and says how to leave.
    talk.terminal.keys("half a line");
    talk.terminal.waits_at("gpt-4 › half a line").await;
    talk.terminal.keys("\x03");
    talk.terminal.waits_at(PROMPT).await;
    talk.terminal.keys("\x03");
    talk.terminal.shows("Ctrl-D or /quit leaves").await;
    // A signal that comes where nothing is stopped any more was meant for the answer before.
    talk.terminal.signal(Signal::INT);
    let said_again = |screen: &str| screen.matches("Ctrl-D or /quit leaves").count() == 2;
    talk.terminal.until("how to leave", said_again).await;
    talk.say("And now? [[sim: say=Still yes.]]").await;
    talk.terminal.shows("\nStill yes.").await;
    assert_eq!(talk.sent().len(), 5);
    talk.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_typed_meanwhile_waits_for_the_next_line() {
    let mut talk = Talk::begin().await;
    talk.terminal.keys(&format!("Ravens? [[sim: silent=4]]{ENTER}"));
    talk.terminal.until("text", |screen| has_text(screen, 0)).await;
    talk.terminal.keys("And crowx\x7fs?");
    talk.terminal.shows("\n› And crows?").await;
    talk.terminal.keys("\x03");
    talk.terminal.waits_at("gpt-4 › And crows?").await;
    assert!(!talk.terminal.screen().contains("\n› And"), "{}", talk.terminal.screen());
    talk.terminal.keys(&format!(" [[sim: say=Too.]]{ENTER}"));
    talk.terminal.shows("\nToo.").await;
    assert_eq!(talk.sent()[1].2, "And crows? [[sim: say=Too.]]");
    talk.terminal.waits_at(PROMPT).await;
    talk.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_that_are_typed_ahead_are_questions_and_commands_in_order() {
    let mut talk = Talk::begin().await;
    talk.terminal.keys(&format!("Ravens? [[sim: echo, delay=2000, gap=100]]{ENTER}"));
    talk.world.asked().await;
    // Before the answer's first text, and amid it.
    talk.terminal.keys(&format!("And crows? [[sim: say=Too.]]{ENTER}"));
    talk.terminal.shows("› And crows?").await;
    talk.terminal.keys(&format!("/title{ENTER}And jays? [[sim: say=As well.]]{ENTER}"));
    talk.terminal.shows("⏎ /title ⏎ And jays?").await;
    talk.terminal.keys("And ro");
    talk.terminal.shows("As well.").await;
    talk.terminal.waits_at("gpt-4 › And ro").await;
    let asked: Vec<_> = talk.sent().into_iter().map(|(.., query)| query).collect();
    assert_eq!(asked[1..], ["And crows? [[sim: say=Too.]]", "And jays? [[sim: say=As well.]]"]);
    let everything = talk.terminal.everything();
    let at =
        |words: &str| everything.find(words).unwrap_or_else(|| panic!("{words}: {everything}"));
    let order = ["› Ravens?", "› And crows?", "\nToo.", "› /title", "› And jays?", "\nAs well."];
    assert!(order.windows(2).all(|pair| at(pair[0]) < at(pair[1])), "{everything}");
    // They are remembered as if they had been typed later.
    talk.terminal.keys("\x15\x1b[A");
    talk.terminal.waits_at("gpt-4 › And jays? [[sim: say=As well.]]").await;
    talk.terminal.keys("\x15");
    talk.terminal.waits_at(PROMPT).await;
    talk.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_stop_what_was_typed_ahead_stands_in_the_line() {
    let mut talk = Talk::begin().await;
    talk.terminal.keys(&format!("Ravens? [[sim: silent=4]]{ENTER}"));
    talk.terminal.until("text", |screen| has_text(screen, 0)).await;
    talk.terminal.keys(&format!("And crows?{ENTER}And ja"));
    talk.terminal.shows("\n› And crows? ⏎ And ja").await;
    talk.terminal.keys("\x03");
    talk.terminal.shows("gpt-4 › And crows?\n").await;
    talk.terminal.keys(&format!("ys? [[sim: say=Too.]]{ENTER}"));
    talk.terminal.shows("\nToo.").await;
    assert_eq!(talk.sent()[1].2, "And crows?\nAnd jays? [[sim: say=Too.]]");
    talk.terminal.waits_at(PROMPT).await;
    talk.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paste_without_brackets_loses_nothing() {
    let mut talk = Talk::begin().await;
    talk.terminal.keys("one [[sim: say=First.]]\rtwo [[sim: say=Second.]]\rthree");
    talk.terminal.shows("\nSecond.").await;
    talk.terminal.waits_at("gpt-4 › three").await;
    let asked: Vec<_> = talk.sent().into_iter().map(|(.., query)| query).collect();
    assert_eq!(asked, ["one [[sim: say=First.]]", "two [[sim: say=Second.]]"]);
    // One with brackets amid an answer is one.
    talk.terminal.keys(&format!(" [[sim: echo, delay=1500, gap=50]]{ENTER}"));
    while talk.sent().len() < 3 {
        talk.world.asked().await;
    }
    talk.terminal.shows("waiting for the answer").await;
    talk.terminal.keys(&format!("\x1b[200~four\rfive\x1b[201~ [[sim: say=Both.]]{ENTER}"));
    talk.terminal.shows("\nBoth.").await;
    assert_eq!(talk.sent()[3].2, "four\nfive [[sim: say=Both.]]");
    talk.terminal.waits_at(PROMPT).await;
    talk.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_between_two_lines_are_for_the_next_one() {
    let mut talk = Talk::begin().await;
    for round in 0..100 {
        talk.terminal.keys(&format!("/x{round}{ENTER}"));
        talk.terminal.shows(&format!("there is no /x{round};")).await;
        // The line editor deletes what it has under its cursor.
        talk.terminal.keys("y\x01\x04");
    }
    talk.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_typed_is_not_shown_where_an_answer_is_still_stopped() {
    let mut talk = Talk::begin().await;
    talk.terminal.keys(&format!("Ravens? [[sim: stop-ignored, silent=4]]{ENTER}"));
    talk.terminal.until("text", |screen| has_text(screen, 0)).await;
    let silent = talk.terminal.modes();
    talk.terminal.keys("\x03");
    talk.terminal.waits_at(PROMPT).await;
    talk.terminal.keys(&format!("And crows?{ENTER}"));
    talk.terminal.shows("stopping the answer before").await;
    assert_eq!(talk.terminal.modes(), silent, "{}", talk.terminal.screen());
    talk.terminal.keys("\x03");
    talk.terminal.signal(Signal::TERM);
    assert_eq!(talk.terminal.end().await, 143, "{}", talk.terminal.screen());
    assert_eq!(talk.terminal.modes(), talk.terminal.first_modes);
    talk.world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shell_gets_its_terminal_while_the_chat_is_stopped() {
    let (world, home) = (World::new().await, Home::new());
    let mut command = world.lenore("chat");
    home.adopt(&mut command);
    let words: Vec<_> =
        command.as_std().get_args().map(|word| word.to_str().expect("text")).collect();
    let program = command.as_std().get_program().to_str().expect("text");
    let line = format!("'{program}' '{}' -m gpt-4", words.join("' '"));
    // A shell that leaves the terminal's modes to its programs.
    let mut shell = tokio::process::Command::new("dash");
    shell
        .arg("-i")
        .envs(command.as_std().get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.env("PS1", "$ ").env_remove("ENV").current_dir(home.path(""));
    let mut terminal = Terminal::start(&shell, 24, 200);
    terminal.waits_at("$").await;
    let before = terminal.modes();
    terminal.keys(&format!("{line}{ENTER}"));
    terminal.waits_at(PROMPT).await;
    let typing = terminal.modes();
    for round in 1..=3 {
        terminal.keys("half a line");
        terminal.waits_at("gpt-4 › half a line").await;
        terminal.keys("\x1a");
        terminal.waits_at("$").await;
        assert_eq!(terminal.modes(), before);
        assert!(!terminal.look(|screen| screen.bracketed_paste()));
        terminal.keys(&format!("echo the {round}. time{ENTER}"));
        terminal.shows(&format!("\nthe {round}. time")).await;
        terminal.keys(&format!("fg{ENTER}"));
        terminal.waits_at("gpt-4 › half a line").await;
        assert_eq!(terminal.modes(), typing);
        assert!(terminal.look(|screen| screen.bracketed_paste()));
        terminal.keys("\x15");
        terminal.waits_at(PROMPT).await;
    }
    terminal.keys("\x04");
    terminal.waits_at("$").await;
    assert_eq!(terminal.modes(), before);
    terminal.keys(&format!("exit{ENTER}"));
    assert_eq!(terminal.end().await, 0);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_typed_pasted_and_remembered() {
    let mut talk = Talk::begin().await;
    let paste = "\x1b[200~fn a() {\n\tb \\\n}\x1b[201~";
    talk.terminal.keys(&format!("Look:\x1b\rone\\{ENTER}{paste} [[sim: say=Seen.]]"));
    talk.terminal.shows("} [[sim").await;
    talk.terminal.keys(ENTER);
    talk.terminal.shows("\nSeen.").await;
    talk.terminal.waits_at(PROMPT).await;
    let expected = "Look:\none\nfn a() {\n\tb \\\n} [[sim: say=Seen.]]";
    assert_eq!(talk.sent()[0].2, expected);
    // The first line can be edited, too.
    talk.terminal.keys("Hallo\x01\x1b[C\x1b[C\x1b[3~\x05!");
    talk.terminal.waits_at("gpt-4 › Halo!").await;
    talk.terminal.keys("\x15");
    talk.say("/title").await;
    let history = talk.home.path("data/lenore/history");
    let mode = std::fs::metadata(&history).expect("it is kept").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    talk.terminal.keys("\x04");
    assert_eq!(talk.terminal.end().await, 0);
    talk.terminal = start(&talk.world, &talk.home, &["--no-log"]);
    talk.terminal.waits_at(PROMPT).await;
    talk.terminal.keys("\x1b[A");
    talk.terminal.waits_at(PROMPT).await;
    talk.terminal.keys("\x04");
    assert_eq!(talk.terminal.end().await, 0);
    talk.terminal = start(&talk.world, &talk.home, &[]);
    talk.terminal.waits_at(PROMPT).await;
    talk.terminal.keys("\x1b[A");
    talk.terminal.waits_at("gpt-4 › /title").await;
    talk.terminal.keys("\x15");
    talk.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_say_what_they_do() {
    let mut talk = Talk::begin().await;
    talk.say("/help").await;
    talk.terminal.assert_screen("help.txt");
    talk.say("/hlep").await;
    talk.terminal.shows("did you mean /help?").await;
    talk.say("/retry").await;
    talk.terminal.shows("no question yet").await;
    talk.say("/stop").await;
    talk.terminal.shows("no answer comes now").await;
    talk.say("/model gtp-4").await;
    talk.terminal.shows("did you mean gpt-4?").await;
    talk.say("/copy").await;
    talk.terminal.shows("no answer yet to copy").await;
    talk.terminal.keys("/mod\t");
    talk.terminal.waits_at("gpt-4 › /model").await;
    talk.terminal.keys(&format!("gpt-3.5-turbo-\t{ENTER}"));
    talk.terminal.until("another bot", |screen| screen.contains("\ngpt-3.5-turbo-instruct")).await;
    assert_eq!(talk.sent().len(), 0);
    // Lines that are deleted meanwhile do not come back.
    talk.home.run(&["logs", "delete", "--all", "--yes"]).await.with_code(0);
    talk.terminal.keys(&format!("/title{ENTER}"));
    talk.terminal.shows("no title yet").await;
    talk.terminal.waits_at("gpt-3.5-turbo-instruct › ").await;
    let lines = std::fs::read_to_string(talk.home.path("data/lenore/history")).expect("kept");
    assert!(lines.contains("/title") && !lines.contains("/retry"), "{lines}");
    talk.terminal.keys("\x04");
    assert_eq!(talk.terminal.end().await, 0);
    talk.world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_go_along_with_the_next_question() {
    let mut talk = Talk::begin().await;
    std::fs::write(talk.home.path("a note.txt"), "once upon").expect("written");
    std::fs::write(talk.home.path("pixel.png"), b"\x89PNG\r\n\x1a\n\0").expect("written");
    talk.say("/file missing.txt").await;
    talk.terminal.shows("missing.txt cannot be sent").await;
    talk.terminal.keys("/file a\\ n\t");
    talk.terminal.shows("/file a\\ note.txt").await;
    talk.terminal.keys(ENTER);
    talk.terminal.waits_at("gpt-4 +1 file ›").await;
    talk.terminal.keys(&format!("/file pixel.png{ENTER}"));
    talk.terminal.waits_at("gpt-4 +2 files ›").await;
    talk.terminal.keys(&format!("What are these? [[sim: say=Files.]]{ENTER}"));
    talk.terminal.shows("\nFiles.").await;
    talk.terminal.waits_at(PROMPT).await;
    let sent = talk.world.sim.log().into_iter().find_map(|entry| match entry.what {
        Seen::Send { query, attachments, .. } => Some((query, attachments)),
        _ => None,
    });
    let (query, attachments) = sent.expect("a question");
    assert_eq!(attachments, ["pixel.png"]);
    assert!(query.starts_with("What are these? [[sim: say=Files.]]\n\n"), "{query}");
    assert!(query.contains("a note.txt") && query.contains("once upon"), "{query}");
    talk.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_is_saved_loaded_and_told_to_another_bot() {
    let mut talk = Talk::with(&["--system", "Be brief."]).await;
    talk.say("One? [[sim: say=First.]]").await;
    talk.say("/retry").await;
    talk.say("/copy").await;
    talk.terminal.shows("the terminal was asked to copy it").await;
    let copied = format!("\x1b]52;c;{}\x07", BASE64_STANDARD.encode("First."));
    let bytes = String::from_utf8(talk.terminal.bytes()).expect("text");
    assert!(bytes.contains(&copied), "{bytes:?}");
    std::fs::write(talk.home.path("mine.md"), "# My own notes\n").expect("written");
    talk.say("/save mine.md").await;
    talk.terminal.shows("mine.md is there already").await;
    let mine = std::fs::read_to_string(talk.home.path("mine.md")).expect("there");
    assert_eq!(mine, "# My own notes\n");
    talk.say("/save talk.md").await;
    talk.say("/save ./talk.md").await;
    talk.terminal.until("saved twice", |screen| screen.matches("turns in").count() == 2).await;
    let saved = std::fs::read_to_string(talk.home.path("talk.md")).expect("saved");
    assert!(saved.contains("### You\n\nOne?") && saved.contains("First."), "{saved}");
    talk.say("/new").await;
    talk.say("Fresh? [[sim: say=Fresh.]]").await;
    talk.say("/save ././talk.md").await;
    talk.terminal.shows("error: ././talk.md is there already").await;
    talk.say("/load talk.md").await;
    talk.say("Again? [[sim: say=Third.]]").await;
    talk.terminal.keys(&format!("/model gpt-3.5-turbo{ENTER}"));
    talk.terminal.waits_at("gpt-3.5-turbo ›").await;
    talk.terminal.keys(&format!("Another? [[sim: say=Fourth.]]{ENTER}"));
    talk.terminal.shows_last("Another? [[sim: say=Fourth.]]", "gpt-3.5-turbo ›").await;
    let sent = talk.sent();
    let has =
        |number: usize, words: &[&str]| words.iter().all(|word| sent[number].2.contains(word));
    assert!(has(0, &["Be brief.", "One?"]), "{sent:#?}");
    assert_eq!(sent[1].2, "One? [[sim: say=First.]]", "only the new turn");
    assert!(sent[1].0 == sent[0].0 && sent[2].0 != sent[0].0, "{sent:#?}");
    assert!(has(2, &["Be brief.", "Fresh?"]) && !has(2, &["One?"]), "{sent:#?}");
    assert!(
        has(3, &["Be brief.", "One?", "First.", "Again?"]) && sent[3].0 != sent[2].0,
        "{sent:#?}"
    );
    assert!(has(4, &["One?", "Again?", "Another?"]), "{sent:#?}");
    assert_eq!((sent[3].1.as_str(), sent[4].1.as_str()), ("GPT-4", "GPT-3.5-Turbo"));
    talk.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_chat_goes_on() {
    let mut talk = Talk::begin().await;
    talk.say("One? [[sim: say=First., title=Of one]]").await;
    talk.terminal.keys(&format!("/quit{ENTER}"));
    assert_eq!(talk.terminal.end().await, 0);
    talk.terminal = start(&talk.world, &talk.home, &["-c"]);
    talk.terminal.shows("you go on in Of one").await;
    talk.terminal.waits_at(PROMPT).await;
    talk.say("Two? [[sim: say=Second.]]").await;
    let sent = talk.sent();
    assert_eq!(sent[1].2, "Two? [[sim: say=Second.]]");
    assert_eq!(sent[1].0, sent[0].0, "in the same chat");
    talk.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_beside_it_goes_through_its_browser() {
    let mut talk = Talk::begin().await;
    talk.say("Ravens? [[sim: say=Croak.]]").await;
    let beside = talk.world.ask(&["-m", "gpt-4", "Crows? [[sim: say=Caw.]]"]).await.with_code(0);
    assert_eq!(beside.stdout, "Caw.\n");
    talk.say("And? [[sim: say=Still here.]]").await;
    let sent = talk.sent();
    assert!(sent[2].0 == sent[0].0 && sent[1].0 != sent[0].0, "each in its own chat: {sent:?}");
    talk.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_are_told_and_the_chat_goes_on() {
    let mut talk = Talk::begin().await;
    talk.say("One? [[sim: status=reached_limit]]").await;
    talk.terminal.shows("error: ").await;
    talk.say("Two? [[sim: state=error_bot, after=2]]").await;
    talk.terminal.until("two errors", |screen| screen.matches("error: ").count() == 2).await;
    talk.say("Three? [[sim: say=Fine.]]").await;
    talk.terminal.shows("\nFine.").await;
    talk.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_leaves_the_terminal_as_it_was() {
    for (signal, code) in [(Signal::TERM, 143), (Signal::HUP, 129)] {
        for is_answering in [false, true] {
            let (world, home) = (World::new().await, Home::new());
            let mut command = world.lenore("chat");
            home.adopt(&mut command);
            command.args(["-m", "gpt-4"]);
            let mut terminal = Terminal::start(&command, 24, 80);
            let before = terminal.first_modes.clone();
            terminal.waits_at(PROMPT).await;
            assert!(terminal.modes() != before, "a line editor has modes of its own");
            if is_answering {
                terminal.keys(&format!("Ravens? [[sim: silent=4]]{ENTER}"));
                terminal.until("text", |screen| has_text(screen, 0)).await;
            } else {
                terminal.keys("half a line");
                terminal.waits_at("gpt-4 › half a line").await;
            }
            terminal.signal(signal);
            assert_eq!(terminal.end().await, code, "{}", terminal.screen());
            assert_eq!(terminal.modes(), before);
            terminal.look(|screen| {
                assert!(!screen.hide_cursor() && !screen.bracketed_paste());
                assert_eq!(screen.fgcolor(), vt100::Color::Default);
                assert_eq!(screen.cursor_position().1, 0, "a shell's prompt begins a line");
            });
            world.end().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_while_a_line_is_typed_stands_above_it() {
    let (world, home) = (World::new().await, Home::new());
    let mut command = world.lenore("chat");
    home.adopt(&mut command);
    // The browser is opened while the line is typed, which is told of.
    command.args(["-m", "gpt-4"]).env("LENORE_LOG", "lenore_poe=trace,lenore_browser=trace,warn");
    let mut terminal = Terminal::start(&command, 40, 160);
    terminal.waits_at(PROMPT).await;
    terminal.keys("half a line");
    world.seen("a page", |seen| matches!(seen, Seen::Page { .. })).await;
    let is_told = |screen: &str| screen.contains("DEBUG") || screen.contains("TRACE");
    terminal.until("something", is_told).await;
    terminal.waits_at("gpt-4 › half a line").await;
    let screen = terminal.screen();
    let is_mixed = |line: &str| line.contains('›') && !line.ends_with("› half a line");
    assert!(!screen.lines().any(is_mixed), "{screen}");
    assert_eq!(screen.matches('›').count(), 1, "{screen}");
    terminal.keys("\x15\x04");
    assert_eq!(terminal.end().await, 0);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bots_that_were_asked_before_are_completed() {
    let mut talk = Talk::begin().await;
    talk.terminal.keys("/model poe/Web-Search\r");
    talk.terminal.waits_at("poe/Web-Search ›").await;
    talk.terminal.keys("One? [[sim: say=First.]]\r");
    talk.terminal.shows("\nFirst.").await;
    talk.terminal.waits_at("poe/Web-Search ›").await;
    talk.terminal.keys("\x04");
    assert_eq!(talk.terminal.end().await, 0);
    talk.terminal = start(&talk.world, &talk.home, &[]);
    talk.terminal.waits_at(PROMPT).await;
    talk.terminal.keys("/model poe/W\t");
    talk.terminal.waits_at("gpt-4 › /model poe/Web-Search").await;
    talk.terminal.keys("\x15/clear\r");
    talk.terminal.shows("there is no /clear; /help lists what there is").await;
    talk.leave().await;
}

#[tokio::test]
async fn without_a_terminal_there_is_no_chat_but_advice() {
    let ended = Program::start(support::lenore(&["chat"])).end().await.with_code(2);
    assert!(ended.error().contains("`lenore ask`"), "{ended:#?}");
}

/// Whether an answer has begun after so many that were stopped.
fn has_text(screen: &str, stopped: usize) -> bool {
    let last = screen.split("\nstopped").nth(stopped).unwrap_or_default();
    let answer = last.split_once("silent=4]]").map_or("", |(_, answer)| answer);
    answer.lines().filter(|line| !line.contains("answer") && !line.trim().is_empty()).count() > 0
}

fn line_with(screen: &str, words: &str) -> String {
    let line = screen.lines().find(|line| line.contains(words));
    line.unwrap_or_else(|| panic!("no {words:?}:\n{screen}")).to_owned()
}
