//! Answers drawn on terminals of every size, in pieces of every size.

use std::num::NonZeroU16;
use std::sync::{Arc, Mutex};

use lenore::{Event, Transcript};
use proptest::prelude::*;

use super::canvas::Size;
use super::live::Live;
use super::terminal::Screen;

/// A terminal on paper.
struct Paper {
    parser: vt100::Parser,
    bytes: Vec<u8>,
    size: Size,
}

impl Paper {
    fn new(height: u16, width: u16) -> Arc<Mutex<Self>> {
        let parser = vt100::Parser::new(nonzero(height), nonzero(width), 100_000);
        let size = Size { height: height.into(), width: width.into() };
        Arc::new(Mutex::new(Self { parser, bytes: Vec::new(), size }))
    }

    fn resize(&mut self, height: u16, width: u16) {
        self.parser.set_size(nonzero(height), nonzero(width));
        self.size = Size { height: height.into(), width: width.into() };
    }

    /// All lines, those that have left the screen included.
    fn text(&mut self) -> String {
        let screen = self.parser.screen_mut();
        let (rows, cols) = screen.size();
        let mut lines: Vec<String> = Vec::new();
        let mut offset = screen.scrollback_len();
        while offset > 0 {
            screen.set_scrollback(offset);
            let count = usize::from(rows.get()).min(offset);
            lines.extend(screen.rows(0, cols.get()).take(count));
            offset -= count;
        }
        screen.set_scrollback(0);
        lines.extend(screen.rows(0, cols.get()));
        lines
            .iter()
            .map(|line| line.trim_end())
            .collect::<Vec<_>>()
            .join("\n")
            .trim_end()
            .to_owned()
    }
}

fn nonzero(size: u16) -> NonZeroU16 {
    NonZeroU16::new(size).expect("a size")
}

fn screen(paper: &Arc<Mutex<Paper>>) -> Screen {
    let (one, other) = (paper.clone(), paper.clone());
    let measure = move || one.lock().expect("no panic").size;
    let write = move |text: &str| {
        let mut paper = other.lock().expect("no panic");
        paper.parser.process(text.as_bytes());
        paper.bytes.extend_from_slice(text.as_bytes());
        Ok(())
    };
    Screen::new(Live::new(measure, write, false), true)
}

/// What a terminal shows, and all that was written to it.
fn drawn(events: &[Event], height: u16, width: u16) -> (String, Vec<u8>) {
    let paper = Paper::new(height, width);
    let mut screen = screen(&paper);
    for event in events {
        screen.event(event).expect("paper is patient");
    }
    screen.end().expect("paper is patient");
    let mut paper = paper.lock().expect("no panic");
    (paper.text(), paper.bytes.clone())
}

fn whole(text: &str, height: u16, width: u16) -> String {
    drawn(&[Event::Delta(text.into())], height, width).0
}

/// A text in pieces of so many characters, in turn.
fn pieces(text: &str, sizes: &[usize]) -> Vec<Event> {
    let characters: Vec<char> = text.chars().collect();
    let mut rest = &characters[..];
    let mut events = Vec::new();
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, more) = rest.split_at((*size).clamp(1, rest.len()));
        events.push(Event::Delta(piece.iter().collect()));
        rest = more;
    }
    events
}

/// Parts of Markdown, whole and broken, in any order.
fn markdown() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        "[a-z]{1,8}( [a-z]{1,8}){0,12}",
        "(# |## |> |- |\\* |1\\. |3\\) |  - |    |\t)",
        "\n{1,3}",
        "(\\*\\*|\\*|_|`|``|```|~~~|~~|\\[|\\]\\(|\\)|!\\[|<|>|&#27;|\\$|\\\\)",
        "\n(```rust|```|~~~ x|````)\n",
        "\\| a \\| b \\|\n\\|---\\|:-:\\|\n\\| [a-z ]{0,30} \\| [a-z]{0,9} \\|\n",
        "(🐦‍⬛|日本語のテキスト|naïve|☀️|é)",
        "(\n---\n|\n===\n|\n\n\\[x\\]: /y\n\n|<br>|<!-- c -->|\\[ \\] |\r\n)",
        "[\\x00-\\x1f\\x7f-\\u{9f}\u{202e}]",
    ];
    prop::collection::vec(part, 0..40).prop_map(|parts| parts.concat())
}

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(1_usize..20, 1..6)
}

/// A quarter of what is asked for: each case draws a whole answer several times.
fn config() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig { failure_persistence: None, cases: usual.cases / 4, ..usual }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_pieces_make_no_difference(text in markdown(), sizes in sizes()) {
        let (in_pieces, _) = drawn(&pieces(&text, &sizes), 2000, 40);
        prop_assert_eq!(in_pieces, whole(&text, 2000, 40));
    }

    #[test]
    fn rewrites_leave_no_trace(
        text in markdown(),
        changes in prop::collection::vec((0_usize..200, markdown()), 1..4),
        sizes in sizes(),
    ) {
        let mut events = pieces(&text, &sizes);
        for (keep, text) in changes {
            events.push(Event::Replace { keep, text: text.chars().take(80).collect() });
        }
        let mut transcript = Transcript::default();
        events.iter().for_each(|event| transcript.apply(event));
        let (shown, _) = drawn(&events, 2000, 40);
        prop_assert_eq!(shown, whole(transcript.text(), 2000, 40));
    }

    #[test]
    fn the_terminal_obeys_nothing_but_us(text in markdown(), sizes in sizes()) {
        let (_, bytes) = drawn(&pieces(&text, &sizes), 10, 40);
        let text = String::from_utf8(bytes).expect("text");
        let own = regex_lite::Regex::new("\x1b\\[[0-9;]*[mAJK]|\r\n|\r").expect("it parses");
        let rest = own.replace_all(&text, "");
        prop_assert!(!rest.contains(|c: char| c.is_control()), "{rest:?}");
    }

    #[test]
    fn nothing_is_lost_on_a_small_screen(
        count in 1_usize..120,
        sizes in sizes(),
        marks in prop::collection::vec(prop_oneof![Just(""), Just("\n\n"), Just("\n- "), Just("\n> "), Just("\n```\n")], 1..9),
        (height, width) in (3_u16..9, 8_u16..50),
    ) {
        let words: Vec<String> = (0..count).map(|number| format!("w{number}.")).collect();
        let text: String =
            words.iter().zip(marks.iter().cycle()).map(|(word, mark)| format!("{mark}{word} ")).collect();
        let (shown, _) = drawn(&pieces(&text, &sizes), height, width);
        // A word may be broken over two lines; frames and marks are none of the words.
        let shown: String = shown.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '.').collect();
        prop_assert_eq!(shown, words.concat());
    }

    #[test]
    fn a_window_may_change_while_an_answer_comes(
        widths in prop::collection::vec((3_u16..40, 20_u16..90), 1..5),
        sizes in sizes(),
    ) {
        let words: Vec<String> = (0..200).map(|number| format!("w{number}.")).collect();
        let text: String = words.chunks(23).map(|some| some.join(" ") + "\n\n").collect();
        let paper = Paper::new(24, 80);
        let mut screen = screen(&paper);
        let events = pieces(&text, &sizes);
        let part = events.len().div_ceil(widths.len() + 1);
        for (number, some) in events.chunks(part).enumerate() {
            for event in some {
                screen.event(event).expect("paper is patient");
            }
            if let Some((height, width)) = widths.get(number) {
                paper.lock().expect("no panic").resize(*height, *width);
                screen.catch_up().expect("paper is patient");
            }
        }
        screen.end().expect("paper is patient");
        let shown = paper.lock().expect("no panic").text();
        // This terminal cuts lines when it gets narrower, so that words at their ends go. Of what has
        // left a small screen a row may come once more, but no two.
        let number = |word: &str| word.strip_prefix('w')?.strip_suffix('.')?.parse().ok();
        let found: Vec<usize> = shown.split_whitespace().filter_map(number).collect();
        let is_in_order = found.windows(2).all(|pair| pair[0] < pair[1] + 20);
        prop_assert!(is_in_order && found.last() == Some(&199), "{shown}");
    }
}

#[test]
fn a_window_that_changes_has_all_on_it_drawn_anew() {
    let text = "# Of ravens\n\nA paragraph that is long enough to take two lines of it.\n\n\
        | Bird | Long column |\n|---|---|\n| raven | some more words in here |\n\n\
        ```rust\nlet caw = \"a long line of code, as they are at times\";\n```\n\nThe end.";
    for (before, after) in [(30, 70), (70, 30), (70, 34)] {
        let paper = Paper::new(40, before);
        let mut screen = screen(&paper);
        screen.event(&Event::Delta(text.into())).expect("paper is patient");
        paper.lock().expect("no panic").resize(40, after);
        screen.catch_up().expect("paper is patient");
        screen.end().expect("paper is patient");
        let shown = paper.lock().expect("no panic").text();
        assert_eq!(shown, whole(text, 40, after), "{before} to {after}");
    }
}

/// Answers of one kind of block without end.
fn endless(count: usize) -> Vec<(&'static str, String)> {
    let line = "some words of **bold** and `code` in a line that goes on\n";
    vec![
        ("paragraph", line.replace('\n', " ").repeat(count)),
        ("lines", line.repeat(count)),
        ("paragraphs", format!("{line}\n").repeat(count)),
        ("list", format!("- {line}").repeat(count)),
        ("one item", format!("- {}", format!("  {line}").repeat(count))),
        ("quote", format!("> {line}").repeat(count)),
        ("code", format!("```rust\n{}", line.repeat(count))),
        ("code in a list", format!("- x\n\n  ```\n{}", format!("  {line}").repeat(count))),
        ("table", format!("|a|b|\n|-|-|\n{}", "| one | two |\n".repeat(count))),
        ("marks", "**`[".repeat(count * 12)),
    ]
}

#[test]
fn the_cost_is_linear_in_the_length() {
    let cost = |text: &str| {
        let paper = Paper::new(24, 80);
        let mut screen = screen(&paper);
        for event in pieces(text, &[9]) {
            screen.event(&event).expect("paper is patient");
        }
        screen.end().expect("paper is patient");
        (screen.read(), paper.lock().expect("no panic").bytes.len())
    };
    for ((name, short), (_, long)) in endless(150).into_iter().zip(endless(600)) {
        let ((read, written), (more_read, more_written)) = (cost(&short), cost(&long));
        let most = 70 * long.len() + (1 << 20);
        assert!(more_read <= most, "{name}: {more_read} bytes read of {}", long.len());
        assert!(
            more_written <= 6 * written && more_read <= 6 * read + (1 << 20),
            "{name}: {read}, then {more_read} bytes read; {written}, then {more_written} written"
        );
        assert!(
            more_written <= 60 * long.len(),
            "{name}: {more_written} written of {}",
            long.len()
        );
    }
}

#[test]
fn what_cannot_be_reached_follows_anew_once_and_then_at_the_end() {
    let lines: String = (0..40).map(|number| format!("line {number}\n\n")).collect();
    let replace = |text: &str| Event::Replace { keep: 0, text: text.into() };
    let events = [Event::Delta(lines.clone()), replace(&lines), replace("short"), replace(&lines)];
    let (shown, _) = drawn(&events[..2], 10, 40);
    assert_eq!(shown.matches("rewritten its answer").count(), 1, "{shown}");
    assert_eq!(shown.matches("line 39").count(), 2, "{shown}");
    let (shown, _) = drawn(&events, 10, 40);
    assert_eq!(shown.matches("line 39").count(), 3, "{shown}");
    assert!(shown.ends_with("line 39"), "{shown}");
}

#[test]
fn a_status_stands_below_the_answer_for_a_while() {
    let paper = Paper::new(10, 40);
    let mut screen = screen(&paper);
    let text = || paper.lock().expect("no panic").text();
    screen.event(&Event::Delta("Let me look.".into())).expect("paper");
    screen.event(&Event::Status("Searching\x1b[2J…".into())).expect("paper");
    assert_eq!(text(), "Let me look.\nSearching␛[2J…");
    screen.footer(Some("› typed")).expect("paper");
    assert_eq!(text(), "Let me look.\nSearching␛[2J…\n› typed");
    screen.event(&Event::Delta(" Found.".into())).expect("paper");
    assert_eq!(text(), "Let me look. Found.\n› typed");
    screen.end().expect("paper");
    assert_eq!(text(), "Let me look. Found.");
}

#[test]
fn definitions_of_links_are_one_line_apart_however_they_came() {
    let text = "some words\n\n[x]: /y\n\n**\n```rust\n";
    let mut events = pieces(text, &[1]);
    let kept = "some words\n\n[x]: /y\n\n";
    events.push(Event::Replace { keep: kept.len(), text: "\n\n[x]: /y\n\n".into() });
    let (shown, _) = drawn(&events, 2000, 40);
    assert_eq!(shown, "some words\n\n[x]: /y\n\n[x]: /y");
    assert_eq!(shown, whole(&format!("{kept}\n\n[x]: /y\n\n"), 2000, 40));
}
