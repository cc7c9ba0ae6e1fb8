//! `lenore doctor --mend` and `--record`, and `lenore sim --like`, as a user meets them.

mod support;

#[cfg(unix)]
#[path = "support/terminal.rs"]
mod terminal;

use support::{Program, World, lenore};

#[tokio::test(flavor = "multi_thread")]
async fn the_site_file_is_shown_and_written_only_when_that_is_agreed() {
    let world = World::new().await;
    let file = world.directory.path().join("site.toml");
    let wrong = "# mine\n[selectors]\nsend_button = ['.nowhere']\n";
    std::fs::write(&file, wrong).expect("written");
    let command = |options: &[&str]| {
        let mut command = world.lenore("doctor");
        command.arg("--output").arg(world.directory.path()).arg("--site-file").arg(&file);
        command.args(options);
        command
    };
    let looked = Program::start(command(&[])).end().await.with_code(8);
    assert!(looked.stdout.contains("\nsend_button = [\""), "{looked:#?}");
    assert!(looked.stderr.contains("doctor --mend"), "{looked:#?}");
    let refused = Program::start(command(&["--mend"])).end().await.with_code(2);
    assert!(refused.error().contains("--yes"), "{refused:#?}");
    assert_eq!(std::fs::read_to_string(&file).expect("there"), wrong);

    let mended = Program::start(command(&["--mend", "--yes"])).end().await.with_code(0);
    assert!(mended.stderr.contains("written into"), "{mended:#?}");
    let text = std::fs::read_to_string(&file).expect("there");
    assert!(text.starts_with("# mine\n[selectors]\n") && text.contains("\".nowhere\""), "{text}");
    Program::start(command(&[])).end().await.with_code(0);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_is_a_site() {
    let world = World::new().await;
    let file = world.directory.path().join("shape.jsonl");
    let mut command = world.lenore("doctor");
    command.arg("--record").arg(&file);
    Program::start(command).end().await.with_code(0);
    let path = file.to_str().expect("a plain name");
    let mut sim = Program::start(lenore(&["sim", "--port", "0", "--like", path]));
    assert!(sim.line().await.starts_with("http://127.0.0.1:"));
    sim.says("a site like that of 2023").await;
    drop(sim);

    let text = std::fs::read_to_string(&file).expect("there");
    let half: String = text.lines().take(3).map(|line| format!("{line}\n")).collect();
    let newer = text.replacen("\"lenore_recording\":1", "\"lenore_recording\":9", 1);
    for (text, words) in
        [(half.as_str(), "is cut"), (&newer, "version 9"), ("hello", "no recording")]
    {
        std::fs::write(&file, text).expect("written");
        let ended = Program::start(lenore(&["sim", "--port", "0", "--like", path])).end().await;
        let ended = ended.with_code(2);
        assert!(ended.error().contains(words) && ended.error().contains(path), "{ended:#?}");
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_in_a_site_file_is_told_with_its_line() {
    let world = World::signed_out().await;
    let file = world.directory.path().join("site.toml");
    let cases = [
        ("[selectors]\nsned_button = ['#a']\n", ", line 2: there is no key sned_button"),
        ("[selectors]\nsend_button = []\n", ", line 2: selectors.send_button is an empty list"),
        ("url = 7\n", ", line 1: url takes a text between quotes"),
    ];
    for (text, words) in cases {
        std::fs::write(&file, text).expect("written");
        let mut command = world.lenore("doctor");
        command.arg("--site-file").arg(&file);
        let ended = Program::start(command).end().await.with_code(2);
        assert!(ended.error().contains(words), "{ended:#?}");
    }
    // Only a page knows what is a selector.
    std::fs::write(&file, "[selectors]\n\nsend_button = ['[[bad']\n").expect("written");
    let mut command = world.lenore("doctor");
    command.arg("--output").arg(world.directory.path()).arg("--site-file").arg(&file);
    let ended = Program::start(command).end().await.with_code(2);
    assert!(ended.stdout.contains(", line 3: selectors.send_button holds"), "{ended:#?}");
    world.end().await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn on_a_terminal_it_is_asked_before_the_site_file_is_written() {
    let world = World::new().await;
    let file = world.directory.path().join("site.toml");
    let wrong = "# mine\n[selectors]\nsend_button = ['.nowhere']\n";
    std::fs::write(&file, wrong).expect("written");
    for (answer, is_written) in [("n\r", false), ("\r", false), ("y\r", true)] {
        let mut command = world.lenore("doctor");
        command.arg("--output").arg(world.directory.path()).arg("--site-file").arg(&file);
        command.arg("--mend");
        let mut terminal = terminal::Terminal::start(&command, 40, 200);
        terminal.shows("write this into ").await;
        assert_eq!(std::fs::read_to_string(&file).expect("there"), wrong, "{answer:?}");
        terminal.keys(answer);
        let code = terminal.end().await;
        let text = std::fs::read_to_string(&file).expect("there");
        let screen = terminal.everything();
        if is_written {
            assert_eq!(code, 0, "{screen}");
            assert!(text.starts_with("# mine\n") && text != wrong, "{text}");
            assert!(screen.contains("written into"), "{screen}");
        } else {
            assert_eq!(text, wrong, "{answer:?}");
            assert_eq!(code, 8, "{screen}");
            assert!(screen.contains("nothing is written"), "{screen}");
        }
    }
    world.end().await;
}
