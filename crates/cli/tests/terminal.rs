//! An answer of `lenore ask` on a terminal: markdown, rewrites, resizing, signals.

#![cfg(unix)]

mod support;

#[path = "support/terminal.rs"]
mod terminal;

use rustix::process::Signal;
use support::{Home, World};
use terminal::Terminal;

const MARKDOWN: &str = "\
# Corvids

Ravens are *clever*, **big** and `black`; see [the list](https://example.org/corvids).
Wide: 日本語のテキスト, joined: 🐦‍⬛ 👩‍👩‍👧, plain: naïve.

1. one
1. two, which is a rather long item that has to go on in another line of the screen
   - nested

> Quoted

```rust
fn main() {
    println!(\"caw\"); // says it
}
```

| Bird | Span |
|:-----|-----:|
| raven | 130 cm |
| crow | 95 cm |

---
The end [[sim: echo, gap=5]]";

fn ask(world: &World, arguments: &[&str]) -> tokio::process::Command {
    let mut command = world.lenore("ask");
    command.args(arguments);
    command
}

/// Asks on a terminal, to the end of the answer.
async fn answer(world: &World, arguments: &[&str], rows: u16, cols: u16) -> Terminal {
    let mut terminal = Terminal::start(&ask(world, arguments), rows, cols);
    assert_eq!(terminal.end().await, 0, "{}", terminal.screen());
    terminal
}

#[tokio::test(flavor = "multi_thread")]
async fn markdown_is_drawn_as_it_comes() {
    let world = World::new().await;
    let terminal = answer(&world, &[MARKDOWN], 50, 72).await;
    terminal.assert_screen("markdown.txt");
    terminal.look(|screen| {
        let colours = |words: &str| {
            let (row, line) = screen
                .rows(0, 72)
                .enumerate()
                .find(|(_, line)| line.contains(words))
                .unwrap_or_else(|| panic!("no {words}"));
            let col = line[..line.find(words).expect("found")].chars().count();
            let at = |number: usize| u16::try_from(number).expect("small");
            screen.cell(at(row), at(col)).expect("a cell").clone()
        };
        assert!(colours("Corvids").bold() && colours("Corvids").underline());
        assert!(colours("clever").italic() && colours("big").bold());
        assert_eq!(colours("fn main").fgcolor(), vt100::Color::Idx(5));
        assert_eq!(colours("\"caw\"").fgcolor(), vt100::Color::Idx(2));
        assert_eq!(colours("raven ").fgcolor(), vt100::Color::Default);
    });
    // The same on a screen that is too small for it: what leaves it has been right by then.
    let small = answer(&world, &[MARKDOWN], 7, 72).await;
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let lost: Vec<_> = {
        let shown = words(&small.everything());
        words(&terminal.everything()).into_iter().filter(|word| !shown.contains(word)).collect()
    };
    assert_eq!(lost, Vec::<String>::new(), "{}", small.everything());
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_text_and_no_colours_on_demand() {
    let world = World::new().await;
    let terminal = answer(&world, &["--plain", MARKDOWN], 60, 72).await;
    terminal.assert_screen("plain.txt");
    let bytes = String::from_utf8(terminal.bytes()).expect("text");
    let answer = bytes.split_once("# Corvids").expect("as it is").1;
    assert!(!answer.contains("\x1b[1m") && !answer.contains("\x1b[3"), "{answer:?}");
    let mut command = ask(&world, &[MARKDOWN]);
    command.env("NO_COLOR", "1");
    let mut terminal = Terminal::start_with(&command, 50, 72, &["NO_COLOR"]);
    assert_eq!(terminal.end().await, 0);
    let bytes = String::from_utf8(terminal.bytes()).expect("text");
    // Weight and slant stay.
    let colour = |number: u8| bytes.contains(&format!("\x1b[{number}m"));
    assert!((30..38).chain(90..98).all(|number| !colour(number)) && colour(1), "{bytes:?}");
    assert!(terminal.screen().contains("`black`"), "{}", terminal.screen());
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_cannot_play_with_the_terminal() {
    let world = World::new().await;
    let evil = "a&#27;]0;owned&#7; b\u{1b}]52;c;aGk=\u{7}c \u{1b}[2J \u{9b}31m &#x9b;2J \u{202e} done \
        [[sim: echo]]";
    let forms: [(&[&str], &str); 6] = [
        (&["--plain"], "xterm-256color"),
        (&[], "xterm-256color"),
        (&["--no-stream"], "xterm-256color"),
        (&["--json"], "xterm-256color"),
        (&[], "dumb"),
        (&["-o", "-"], "xterm-256color"),
    ];
    for (options, term) in forms {
        let mut command = ask(&world, &[options, &[evil]].concat());
        command.env("TERM", term);
        let mut terminal = Terminal::start_with(&command, 24, 80, &["TERM"]);
        assert_eq!(terminal.end().await, 0, "{}", terminal.screen());
        let bytes = String::from_utf8(terminal.bytes()).expect("text");
        let is_obeyed = bytes.contains("\x1b]") || bytes.contains(['\x07', '\u{9b}', '\u{202e}']);
        assert!(!is_obeyed && !bytes.contains("\x1b[2J"), "{options:?}, {term}: {bytes:?}");
        assert!(terminal.screen().contains("done"), "{}", terminal.screen());
    }
    world.end().await;
}

#[tokio::test]
async fn what_was_typed_wrongly_cannot_play_with_the_terminal() {
    let home = Home::new();
    let evil = "--m\u{1b}]0;owned\u{7}odel\u{9b}2J";
    for arguments in [
        &["ask", evil][..],
        &["ask", "--var", evil],
        &["logs", "show", evil],
        &[evil],
        &["models", evil],
    ] {
        let mut terminal = Terminal::start(&home.lenore(arguments), 24, 80);
        assert_eq!(terminal.end().await, 2, "{}", terminal.screen());
        let bytes = String::from_utf8(terminal.bytes()).expect("text");
        assert!(!bytes.contains("\x1b]") && !bytes.contains(['\x07', '\u{9b}']), "{bytes:?}");
        assert!(terminal.screen().contains("error:"), "{}", terminal.screen());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_text_never_moves_the_cursor() {
    let world = World::new().await;
    let line = "Once upon a midnight dreary, while I pondered, weak and weary. ".repeat(6);
    let text = format!("{line}\n\n日本語のテキスト\n{line}[[sim: echo, chunks=40, gap=10]]");
    let mut terminal = Terminal::start(&ask(&world, &["--plain", &text]), 24, 33);
    for round in 0..50_u16 {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        terminal.resize(10 + round % 20, 20 + (round * 37) % 60);
    }
    assert_eq!(terminal.end().await, 0, "{}", terminal.screen());
    let bytes = String::from_utf8(terminal.bytes()).expect("text");
    // A spinner shows that it is waited for, before.
    let (_, answer) = bytes.split_once("Once").expect("the answer");
    let expected = text.strip_prefix("Once").expect("so it begins").replace('\n', "\r\n");
    assert_eq!(answer, expected + "\r\n");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_text_that_is_rewritten_follows_anew() {
    let world = World::new().await;
    let terminal =
        answer(&world, &["--plain", "Hi [[sim: rewrite, gap=0, length=80]]"], 24, 80).await;
    let screen = terminal.screen();
    assert_eq!(screen.matches("it follows anew").count(), 1, "{screen}");
    let joined = screen.replace('\n', "");
    assert!(joined.ends_with(&world.site_text().replace('\n', "")), "{screen}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rewrite_is_drawn_over_what_was_there() {
    let world = World::new().await;
    let prompt = "Ravens? [[sim: rewrite, placeholder, length=500]]";
    for options in [&[][..], &["--plain"]] {
        let terminal = answer(&world, &[options, &[prompt]].concat(), 40, 60).await;
        // Marks and frames are the renderer's own.
        let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
        let (shown, due) = (letters(&terminal.everything()), letters(&world.site_text()));
        // Without markdown the cursor is not moved: it follows anew.
        let is_plain = !options.is_empty();
        assert!(shown.ends_with(&due), "{shown}");
        assert_eq!(shown == due, !is_plain, "{shown}");
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_that_changes_leaves_no_garbage() {
    let world = World::new().await;
    let words: Vec<String> = (0..160).map(|number| format!("w{number}.")).collect();
    let prompt = format!("{} [[sim: echo, chunks=16, gap=500]]", words.join(" "));
    let mut terminal = Terminal::start(&ask(&world, &[&prompt]), 30, 60);
    // What is drawn while the window changes is drawn for the one of before.
    terminal.shows("w30.").await;
    terminal.is_at_rest().await;
    terminal.resize(20, 90);
    terminal.shows("w90.").await;
    terminal.is_at_rest().await;
    terminal.resize(30, 72);
    assert_eq!(terminal.end().await, 0);
    let shown = terminal.everything();
    let found: Vec<_> =
        shown.split_whitespace().filter(|word| words.iter().any(|it| it == word)).collect();
    assert_eq!(found, words, "{shown}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_presses_ctrl_c_sees_no_more_of_the_spinner() {
    let world = World::new().await;
    let file = world.directory.path().join("answer.txt");
    let file = file.to_str().expect("a plain name");
    for options in [&["--no-stream"][..], &["-o", file], &["--json"], &[]] {
        let arguments = [options, &["Ravens? [[sim: delay=20000]]"]].concat();
        let mut terminal = Terminal::start(&ask(&world, &arguments), 24, 80);
        terminal.shows("waiting for the answer 1s").await;
        terminal.keys("\x03");
        assert_eq!(terminal.end().await, 130);
        let screen = terminal.screen();
        assert!(screen.ends_with("error: stopped"), "{options:?}: {screen}");
        assert!(!screen.contains("waiting"), "{options:?}: {screen}");
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spinner_tells_the_time_and_what_the_site_says() {
    let world = World::new().await;
    let prompt = "Ravens? [[sim: delay=1500, placeholder, gap=300, say=Birds.]]";
    let mut terminal = Terminal::start(&ask(&world, &[prompt]), 24, 80);
    terminal.shows("waiting for the answer 0s").await;
    terminal.shows("Thinking").await;
    assert_eq!(terminal.end().await, 0);
    assert_eq!(terminal.screen(), "Birds.");
    let file = world.directory.path().join("pixel.png");
    std::fs::write(&file, b"\x89PNG\r\n\x1a\n\0").expect("written");
    let arguments = ["-f", file.to_str().expect("a plain name"), "What? [[sim: say=A pixel.]]"];
    let mut terminal = Terminal::start(&ask(&world, &arguments), 24, 80);
    terminal.shows("sending pixel.png (9 B)").await;
    assert_eq!(terminal.end().await, 0);
    assert_eq!(terminal.screen(), "A pixel.");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_told_how_far_files_have_come() {
    let world = World::new().await;
    let files = ["one.bin", "two.bin", "three.bin"].map(|name| world.directory.path().join(name));
    for file in &files {
        std::fs::write(file, b"\0\0").expect("written");
    }
    let mut command = world.lenore("ask");
    command.args(["--json", "What? [[sim: say=Files.]]"]);
    for file in &files {
        command.arg("-a").arg(file);
    }
    let ended = support::Program::start(command).end().await.with_code(0);
    let told = ended.stdout.lines().filter(|line| line.contains(r#""status""#));
    let told = told.collect::<Vec<_>>().join("\n");
    for words in ["sending 2 of 3: two.bin", "3 of 3 files sent"] {
        assert!(told.contains(words), "{words}: {}", ended.stdout);
    }
    // A terminal shows it where the time that passes is shown.
    let mut command = world.lenore("ask");
    command.arg("What? [[sim: say=Files.]]").arg("-a").arg(&files[0]).arg("-a").arg(&files[1]);
    let mut terminal = Terminal::start(&command, 24, 80);
    terminal.shows("2 of 2 files sent").await;
    assert_eq!(terminal.end().await, 0);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_back_from_the_shell_types_unseen_again() {
    let world = World::new().await;
    let prompt = "Ravens? [[sim: length=20000, gap=30]]";
    let mut terminal = Terminal::start(&ask(&world, &[prompt]), 24, 80);
    let text = |screen: &str| !screen.contains("waiting") && screen.contains(' ');
    terminal.until("text", text).await;
    let (silent, before) = (terminal.modes(), terminal.first_modes.clone());
    terminal.signal(Signal::STOP);
    terminal.show_what_is_typed();
    assert_eq!(terminal.modes(), before);
    terminal.signal(Signal::CONT);
    let begin = std::time::Instant::now();
    // Nothing tells of a terminal's modes.
    while terminal.modes() != silent {
        assert!(begin.elapsed() < support::WAIT, "what is typed is shown");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    terminal.signal(Signal::INT);
    assert_eq!(terminal.end().await, 130);
    assert_eq!(terminal.modes(), before);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_and_dry_runs_play_with_no_terminal_either() {
    let world = World::new().await;
    let evil = "\x1b[31mred\x1b]0;owned\x07";
    let prompt = format!("Hi [[sim: status=no_access, status-message={evil}]]");
    let ended = world.ask(&[prompt.as_str()]).await.with_code(5);
    assert!(ended.error().contains("␛[31mred␛]0;owned␇"), "{ended:#?}");
    let file = world.directory.path().join("evil.txt");
    std::fs::write(&file, evil).expect("written");
    let path = file.to_str().expect("a plain name");
    let terminal = answer(&world, &["--dry-run", "-f", path, "hi"], 24, 80).await;
    let bytes = String::from_utf8(terminal.bytes()).expect("text");
    assert!(!bytes.contains("\x1b]") && bytes.contains("␛]0;owned␇"), "{bytes:?}");
    // Into a pipe it goes as it is.
    let ended = world.ask(&["--dry-run", "-f", path, "hi"]).await.with_code(0);
    assert!(ended.stdout.contains(evil), "{ended:#?}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_are_broken_between_words() {
    let world = World::signed_out().await;
    let mut terminal = Terminal::start(&world.lenore("login"), 24, 50);
    assert_eq!(terminal.end().await, 11);
    let screen = terminal.screen();
    let joined = screen.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(joined.contains("types the mailed code here; `ssh -X` shows the window"), "{screen}");
    assert!(screen.lines().all(|line| line.chars().count() <= 50), "{screen}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_typed_meanwhile_does_not_show_and_is_the_shells() {
    let world = World::new().await;
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::QUIT, 131)] {
        let prompt = "Ravens? [[sim: length=20000, gap=30]]";
        let mut terminal = Terminal::start(&ask(&world, &[prompt]), 24, 80);
        let before = terminal.first_modes.clone();
        let text = |screen: &str| !screen.contains("waiting") && screen.contains(' ');
        terminal.until("text", text).await;
        assert!(terminal.modes() != before);
        terminal.keys("secret");
        let length = terminal.screen().len();
        terminal.until("more text", |screen| screen.len() > length + 100).await;
        terminal.signal(signal);
        assert_eq!(terminal.end().await, code);
        assert_eq!(terminal.modes(), before);
        let screen = terminal.screen();
        assert!(screen.ends_with("error: stopped") && !screen.contains("secret"), "{screen}");
        assert!(terminal.look(|screen| !screen.hide_cursor()));
    }
    world.end().await;
}
