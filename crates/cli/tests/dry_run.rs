//! `lenore ask --dry-run`: what would be sent, without a browser. It also shows how a prompt is put
//! together: from arguments, stdin, files, roles and templates.

mod support;

use serde_json::{Value, json};
use support::{Ended, Home, Program};

async fn run(home: &Home, arguments: &[&str], input: &str) -> Ended {
    let mut command = home.lenore(&["ask", "--dry-run"]);
    command.args(arguments).current_dir(home.path(""));
    Program::start_with(command, input).end().await
}

/// What would be sent, as an object.
async fn sent(home: &Home, arguments: &[&str], input: &str) -> Value {
    let arguments = [&["--json"], arguments].concat();
    let ended = run(home, &arguments, input).await.with_code(0);
    assert_eq!(ended.stderr, "");
    serde_json::from_str(&ended.stdout).expect("JSON")
}

#[tokio::test]
async fn it_says_whom_what_and_how_much() {
    let home = Home::new();
    let ended =
        run(&home, &["-m", "gpt-4", "Why is a", "raven?"], "like a desk\n").await.with_code(0);
    let expected = "bot       GPT-4 (model gpt-4)\nchat      a new one\nlength    28 characters, \
        about 7 tokens\ncost      not known\n\nWhy is a raven?\n\nlike a desk\n";
    assert_eq!(ended.stdout, expected);
    let found = sent(&home, &["-m", "poe/Raven-1", "--chat", "abc", "日本"], "").await;
    let expected = json!({
        "model": "poe/Raven-1", "bot": "Raven-1", "chat": "abc", "prompt": "日本", "characters": 2,
        "tokens": 2, "points": null, "attachments": [],
    });
    assert_eq!(found, expected);
    let found = sent(&home, &["--chat", "abc", "Hi"], "").await;
    assert_eq!((&found["bot"], &found["model"]), (&Value::Null, &json!("")), "the chat's own");
    let ended = run(&home, &["-m", "gpt-40", "Hi"], "").await.with_code(3);
    assert!(ended.error().contains("gpt-40"), "{ended:#?}");
    let ended = run(&home, &[], " \n").await.with_code(2);
    assert!(ended.error().contains("nothing to ask"), "{ended:#?}");
    assert!(!home.path("data").exists(), "nothing is written");
}

#[tokio::test]
async fn it_refuses_what_would_be_refused() {
    let home = Home::new();
    let found = sent(&home, &["--chat", "https://poe.com/chat/abc?x=y", "Hi"], "").await;
    assert_eq!(found["chat"], "abc", "an address will do");
    for (chat, words) in [
        ("http://elsewhere.example/chat/abc", "is not at https://poe.com"),
        ("https://poe.com/GPT-4", "no chat's address"),
        ("a b", "no chat's code"),
    ] {
        let ended = run(&home, &["--chat", chat, "Hi"], "").await.with_code(2);
        assert!(ended.error().contains(words), "{ended:#?}");
    }
    let script = "\"$0\" ask --dry-run \"$1\" <(printf 'a\\0b') Hi </dev/null";
    for option in ["-a", "-f"] {
        let mut shell = home.lenore(&[]);
        let program = shell.as_std().get_program().to_owned();
        let variables: Vec<_> = shell
            .as_std()
            .get_envs()
            .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
            .collect();
        shell = tokio::process::Command::new("bash");
        shell.args(["-c", script]).arg(program).arg(option).envs(variables);
        shell.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        let ended = Program::start(shell).end().await.with_code(6);
        assert!(ended.error().contains("/dev/fd/"), "{ended:#?}");
    }
}

#[tokio::test]
async fn a_pattern_that_a_shell_has_opened_is_pointed_out() {
    let home = Home::new();
    for name in ["one.rs", "two.rs"] {
        std::fs::write(home.path(name), "fn x() {}\n").expect("written");
    }
    let ended = run(&home, &["-f", "one.rs", "two.rs", "What?"], "").await.with_code(0);
    assert!(ended.stderr.contains("two.rs is a file"), "{ended:#?}");
    let ended = run(&home, &["-f", "one.rs", "-f", "two.rs", "one.rs"], "").await.with_code(0);
    assert_eq!(ended.stderr, "", "the prompt may be a file's name");
}

#[tokio::test]
async fn the_settings_name_the_model_and_aliases() {
    let home = Home::new();
    home.set("config.toml", "model = 'fast'\n[aliases]\nfast = 'poe/Raven-1'\nold = 'palm'\n");
    let bot = async |arguments: &[&str]| sent(&home, arguments, "Hi").await["bot"].clone();
    assert_eq!(bot(&[]).await, "Raven-1");
    assert_eq!(bot(&["-m", "old"]).await, "Google-PaLM");
    assert_eq!(bot(&["-m", "gpt-4"]).await, "GPT-4");
    let ended = home.run(&["models", "--json"]).await.with_code(0);
    let alias = ended.stdout.lines().find(|line| line.contains(r#""name":"old""#));
    let alias: Value = serde_json::from_str(alias.expect("it is listed")).expect("JSON");
    assert_eq!((&alias["bot"], &alias["alias_of"]), (&json!("Google-PaLM"), &json!("palm")));
}

#[tokio::test]
async fn files_of_text_go_into_the_prompt_and_others_along() {
    let home = Home::new();
    let write = |name: &str, bytes: &[u8]| {
        let path = home.path(name);
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("made");
        std::fs::write(path, bytes).expect("written");
    };
    write("src/b.rs", b"fn b() {}\n");
    write("src/a.rs", "// naïve\n".as_bytes());
    write("raven.png", b"\x89PNG\r\n\x1a\n");
    write("long.txt", &vec![b'x'; 64 * 1024 + 1]);
    let arguments =
        ["-f", "src/*.rs", "-f", "raven.png", "-f", "long.txt", "-a", "src/a.rs", "Review"];
    let found = sent(&home, &arguments, "this").await;
    let expected = "Review\n\nthis\n\n`src/a.rs`:\n\n```rs\n// naïve\n```\n\n`src/b.rs`:\n\n```rs\n\
        fn b() {}\n```";
    assert_eq!(found["prompt"], expected);
    let files = json!([
        { "path": "raven.png", "bytes": 8 },
        { "path": "long.txt", "bytes": 65537 },
        { "path": "src/a.rs", "bytes": 10 },
    ]);
    assert_eq!(found["attachments"], files);
    for bad in ["none.txt", "*.py", "src"] {
        for option in ["-f", "-a"] {
            let ended = run(&home, &[option, bad, "Hi"], "").await.with_code(6);
            assert!(ended.error().contains(bad), "{ended:#?}");
        }
    }
}

#[tokio::test]
async fn a_role_brings_its_instructions_and_its_model() {
    let home = Home::new();
    home.set("roles/poet.md", "+++\nmodel = \"palm\"\n+++\n\nAnswer in verse.\n");
    home.set("roles/plain.md", "Be plain.");
    let found = sent(&home, &["--role", "poet", "Ravens?"], "").await;
    assert_eq!(found["prompt"], "System: Answer in verse.\nUser: Ravens?\nAssistant:");
    assert_eq!(found["model"], "palm");
    assert_eq!(sent(&home, &["--role", "poet", "-m", "gpt-4", "Hi"], "").await["model"], "gpt-4");
    let found = sent(&home, &["--role", "plain", "Hi"], "").await;
    assert_eq!(found["prompt"], "System: Be plain.\nUser: Hi\nAssistant:");
    for bad in ["poem", "../roles/poet", ""] {
        let ended = run(&home, &["--role", bad, "Hi"], "").await.with_code(2);
        assert!(ended.error().contains("there are plain, poet"), "{ended:#?}");
    }
    home.set("roles/broken.md", "+++\nmodle = 1\n+++\nx");
    let ended = run(&home, &["--role", "broken", "Hi"], "").await.with_code(2);
    assert!(ended.error().contains("broken.md") && ended.error().contains("modle"), "{ended:#?}");
    home.set("roles/open.md", "+++\nmodel = 'palm'\nx");
    let ended = run(&home, &["--role", "open", "Hi"], "").await.with_code(2);
    assert!(ended.error().contains("no end"), "{ended:#?}");
    run(&home, &["--role", "poet", "--system", "x", "Hi"], "").await.with_code(2);
}

#[tokio::test]
async fn a_template_has_its_places_filled() {
    let home = Home::new();
    let text = "+++\nmodel = 'gpt-4'\nrole = 'poet'\nvars.tone = 'kind'\n+++\n\
        In {{lang}}, {{tone}}:\n{{input}}\n";
    home.set("templates/translate.md", text);
    home.set("templates/review.md", "Review what follows.");
    home.set("roles/poet.md", "Verse.");
    let arguments = ["-t", "translate", "--var", "lang=French", "one"];
    let found = sent(&home, &arguments, "two").await;
    let expected = "System: Verse.\nUser: In French, kind:\none\n\ntwo\nAssistant:";
    assert_eq!((&found["prompt"], &found["model"]), (&json!(expected), &json!("gpt-4")));
    let arguments = ["-t", "translate", "--var=lang=a=b", "--var=tone=", "--system", "S", "one"];
    let found = sent(&home, &arguments, "").await;
    assert_eq!(found["prompt"], "System: S\nUser: In a=b, :\none\nAssistant:");
    let found = sent(&home, &["-t", "review"], "a diff").await;
    assert_eq!(found["prompt"], "Review what follows.\n\na diff");
    assert_eq!(sent(&home, &["-t", "review"], "").await["prompt"], "Review what follows.");
    let ended = run(&home, &["-t", "translate", "x"], "").await.with_code(2);
    assert!(ended.error().contains("--var lang="), "{ended:#?}");
    let ended = run(&home, &["-t", "review", "--var", "a=b"], "").await.with_code(2);
    assert!(ended.error().contains("no place for"), "{ended:#?}");
    run(&home, &["-t", "review", "--var", "a"], "").await.with_code(2);
    run(&home, &["--var", "a=b", "x"], "").await.with_code(2);
}

#[tokio::test]
async fn without_a_chat_in_the_log_there_is_none_to_go_on_in() {
    let home = Home::new();
    let ended = run(&home, &["-c", "Hi"], "").await.with_code(2);
    assert!(ended.error().contains("no chat of the profile default"), "{ended:#?}");
    run(&home, &["-c", "--chat", "abc", "Hi"], "").await.with_code(2);
}

#[cfg(unix)]
#[tokio::test]
async fn settings_without_an_end_are_refused() {
    let home = Home::new();
    let ended = home.run(&["--config", "/dev/zero", "ask", "--dry-run", "Hi"]).await.with_code(2);
    assert!(ended.error().contains("/dev/zero cannot be read: it is no file"), "{ended:#?}");
    let role = home.set("roles/zero.md", "");
    std::fs::remove_file(&role).expect("there");
    std::os::unix::fs::symlink("/dev/zero", &role).expect("made");
    let ended = home.run(&["ask", "--dry-run", "--role", "zero", "Hi"]).await.with_code(2);
    assert!(ended.error().contains("it is no file"), "{ended:#?}");
}
