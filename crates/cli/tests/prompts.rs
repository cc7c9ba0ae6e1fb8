//! The site gets exactly what was given: arguments, stdin, or both.

mod support;

use support::{Ended, Program, World, lenore};

/// An answer that is over at once.
const SHORT: &str = "[[sim: gap=0, length=20]]";

/// Whatever a shell, a form or a decoder could spoil.
const AWKWARD: &str = "He said \"it's `fine`\" \\ $HOME %s <b>&amp;</b>\n\n\tA tab,  two spaces, \
    naïve e\u{301}, 日本語, עברית, 👩‍👩‍👧‍👦 🇨🇭 👍🏽 \u{1F426}\u{200D}\u{2B1B}, 𝒳, a \u{a0} and the end";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_typed_is_what_was_given() {
    let world = World::new().await;
    let long = "nevermore ".repeat(30_000);
    let cases: &[(&[&str], &str, &str)] = &[
        (&["Tell", "me of", "ravens."], "", "Tell me of ravens."),
        (&[], "Why?\n", "Why?"),
        (&[], "  indented\nand two lines\n\n", "  indented\nand two lines\n"),
        (&[], "from elsewhere\r\nwith other line ends\r\n", "from elsewhere\nwith other line ends"),
        (&["Review this"], "--- a\n+++ b\n", "Review this\n\n--- a\n+++ b"),
        (&["Review this"], "no line end", "Review this\n\nno line end"),
        (&["Review this"], "\n", "Review this"),
        (&["--system", "Be brief.", "Hi"], "", "System: Be brief.\nUser: Hi\nAssistant:"),
        (&["--", "--model", "-x"], "", "--model -x"),
        (&[AWKWARD], "", AWKWARD),
        (&[], AWKWARD, AWKWARD),
        (&[], &long, &long),
    ];
    for (arguments, input, expected) in cases {
        // The directive goes first, wherever the prompt begins.
        let (mut arguments, mut input) = (arguments.to_vec(), (*input).to_owned());
        let first = arguments.last().map_or_else(String::new, |first| format!("{SHORT}{first}"));
        let expected = if arguments.is_empty() {
            input.insert_str(0, SHORT);
            format!("{SHORT}{expected}")
        } else {
            let last = arguments.len() - 1;
            let plain = arguments[last].to_owned();
            arguments[last] = &first;
            expected.replacen(&plain, &first, 1)
        };
        let shown: String = expected.chars().take(60).collect();
        let ended = ask(&world, &arguments, input).await.with_code(0);
        assert_eq!(ended.stdout, world.site_text() + "\n", "{shown}");
        let sent = world.prompts();
        assert!(sent.last() == Some(&expected), "{shown}: {:?}", sent.last());
    }
    assert_eq!(world.prompts().len(), cases.len(), "each was sent once");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_to_ask_is_said_and_no_browser_is_started() {
    let world = World::signed_out().await;
    let cases: [(&[&str], &[u8], &str); 6] = [
        (&[], b"", "nothing to ask"),
        (&[], b"\n", "nothing to ask"),
        (&["  ", "\t"], b"", "nothing to ask"),
        (&[], b" \n\t\n", "nothing to ask"),
        (&[], b"caf\xe9\n", "UTF-8"),
        (&["What is this?"], b"\x89PNG\r\n\x1a\n", "UTF-8"),
    ];
    for (arguments, input, reason) in cases {
        let ended = ask(&world, arguments, input).await.with_code(2);
        assert!(ended.error().contains(reason), "{ended:#?}");
        assert_eq!((&*ended.stdout, ended.remarks().len()), ("", 1), "{ended:#?}");
    }
    assert_eq!(world.sim.log(), []);
    assert!(!world.profile().exists());
    world.end().await;
}

#[tokio::test]
async fn a_pipe_that_nobody_closes_is_told_of() {
    let mut command = lenore(&["ask", "--dry-run", "Hello"]);
    command.stdin(std::process::Stdio::piped());
    let mut program = Program::start(command);
    program.says("waiting for stdin").await;
    program.input("there\n");
    let ended = program.end().await.with_code(0);
    assert!(ended.stdout.ends_with("Hello\n\nthere\n"), "{ended:#?}");
}

async fn ask(world: &World, arguments: &[&str], input: impl Into<Vec<u8>>) -> Ended {
    let mut command = world.lenore("ask");
    command.args(arguments);
    Program::start_with(command, input).end().await
}
