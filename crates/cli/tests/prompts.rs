//! The site gets exactly what was given: arguments, stdin, or both.

mod support;

use support::{Ended, Home, Program, World, lenore};

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
        (&["-", "Review that"], "--- a\n", "--- a\n\nReview that"),
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

#[tokio::test]
async fn a_dash_stands_for_stdin() {
    let home = Home::new();
    std::fs::write(home.path("-x.txt"), "a name like an option").expect("written");
    let cases: [(&[&str], &str, &str); 9] = [
        (&["-"], "Why?\n", "Why?"),
        (&["Why", "-"], "ravens?\n", "Why\n\nravens?"),
        (&["-", "in French"], "ravens\n", "ravens\n\nin French"),
        (&["3", "-", "2"], "", "3 - 2"),
        (&["-f", "-", "Why?"], "ravens\n", "Why?\n\n`stdin`:\n\n```\nravens\n```"),
        (&["Why?", "--file=-"], "ravens", "Why?\n\n`stdin`:\n\n```\nravens\n```"),
        (&["Why?", "-f", "-x.txt"], "", "Why?\n\n`-x.txt`:\n\n```txt\na name like an option\n```"),
        (&["Why?", "-f-x.txt"], "", "Why?\n\n`-x.txt`:\n\n```txt\na name like an option\n```"),
        (&["Why?", "-o", "-"], "", "Why?"),
    ];
    for (arguments, input, expected) in cases {
        let ended = dry(&home, arguments, input).await.with_code(0);
        assert_eq!(ended.stdout.split_once("\n\n").expect("facts").1, format!("{expected}\n"));
    }
    let ended = dry(&home, &["-", "-f", "-"], "Why?").await.with_code(2);
    assert!(ended.error().contains("stdin can be read once"), "{ended:#?}");
    let ended = dry(&home, &["Why?", "-f", "--jsn"], "").await.with_code(6);
    assert!(ended.error().contains("the word after -f or -a"), "{ended:#?}");
}

#[tokio::test]
async fn what_is_attached_from_stdin_has_a_type() {
    let home = Home::new();
    let png: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    let cases: [(&[&str], &[u8], &str); 5] = [
        (&["-a", "-"], png, "stdin.png"),
        (&["-f", "-"], png, "stdin.png"),
        (&["-a", "-"], b"words", "stdin.txt"),
        (&["-a", "-", "--attach-type", "text/markdown"], b"words", "stdin.md"),
        (&["-a", "-", "--attach-type", "bin"], b"\xff\0", "stdin.bin"),
    ];
    for (arguments, input, name) in cases {
        let ended = dry(&home, &[arguments, &["What?"]].concat(), input).await.with_code(0);
        let line = ended.stdout.lines().find(|line| line.starts_with("attached")).expect("a file");
        let path = line.split_whitespace().nth(1).expect("its path");
        assert!(path.ends_with(&format!("/{name}")), "{line}");
        assert!(!std::path::Path::new(path).exists(), "it is left behind: {path}");
    }
    let ended = dry(&home, &["-a", "-", "What?"], b"\xff\0".as_slice()).await.with_code(6);
    assert!(ended.error().contains("--attach-type"), "{ended:#?}");
}

#[cfg(unix)]
#[tokio::test]
async fn what_has_no_end_is_refused_before_a_browser_starts() {
    let world = World::signed_out().await;
    let endless = |path: &str| std::process::Stdio::from(std::fs::File::open(path).expect("there"));
    let mut command = world.lenore("ask");
    command.arg("q").stdin(endless("/dev/zero"));
    let ended = Program::start(command).end().await.with_code(6);
    assert!(ended.error().contains("longer than 8 MB"), "{ended:#?}");
    for (option, name) in [("-f", "/dev/zero"), ("-a", "/dev/urandom"), ("-f", "/proc/kmsg")] {
        let ended = ask(&world, &[option, name, "q"], "").await.with_code(6);
        assert!(
            ended.error().starts_with(&format!("the file {name} cannot be sent")),
            "{ended:#?}"
        );
    }
    let mut command = world.lenore("ask");
    command.args(["-a", "-", "q"]).stdin(endless("/dev/zero"));
    command.args(["--attach-type", "bin"]);
    let ended = Program::start(command).end().await.with_code(6);
    assert!(ended.error().contains("larger than 150 MB"), "{ended:#?}");
    assert_eq!(world.sim.log(), []);
    world.end().await;
}

#[cfg(unix)]
#[tokio::test]
async fn pipes_are_read_to_their_end() {
    let home = Home::new();
    let pipe = home.path("pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR)
        .expect("made");
    let mut command = home.lenore(&["ask", "--dry-run", "-f", "pipe", "Why?"]);
    command.current_dir(home.path(""));
    let mut program = Program::start(command);
    program.says("waiting for pipe, which is a pipe").await;
    let write = tokio::task::spawn_blocking(move || std::fs::write(pipe, "ravens\n"));
    write.await.expect("no panic").expect("somebody reads");
    let ended = program.end().await.with_code(0);
    assert!(ended.stdout.ends_with("Why?\n\n`pipe`:\n\n```\nravens\n```\n"), "{ended:#?}");
    // One without a name, and a file that the system makes up.
    let script = "\"$0\" ask --dry-run -f <(echo ravens) -f /proc/version Why?";
    let mut command = home.lenore(&[]);
    let program = command.as_std().get_program().to_owned();
    let mut bash = tokio::process::Command::new("bash");
    bash.args(["-c", script])
        .arg(program)
        .envs(command.as_std().get_envs().filter_map(|(name, value)| Some((name, value?))));
    bash.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::piped());
    bash.stderr(std::process::Stdio::piped());
    let ended = Program::start(bash).end().await.with_code(0);
    assert!(ended.stdout.contains("```\nravens\n```\n\n`/proc/version`:\n"), "{ended:#?}");
    // Whoever does not want to wait any more need not.
    command = home.lenore(&["ask", "Why?"]);
    command.stdin(std::process::Stdio::piped());
    let mut waits = Program::start(command);
    waits.says("waiting for stdin").await;
    waits.signal(rustix::process::Signal::INT);
    waits.end().await.with_code(130);
}

/// What would be sent, asked in a home.
async fn dry(home: &Home, arguments: &[&str], input: impl Into<Vec<u8>>) -> Ended {
    let mut command = home.lenore(&["ask", "--dry-run"]);
    command.args(arguments).current_dir(home.path(""));
    Program::start_with(command, input).end().await
}

async fn ask(world: &World, arguments: &[&str], input: impl Into<Vec<u8>>) -> Ended {
    let mut command = world.lenore("ask");
    command.args(arguments);
    Program::start_with(command, input).end().await
}
