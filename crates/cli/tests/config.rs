//! `lenore config`: defaults, then the file, then the environment, then options.

mod support;

use serde_json::{Value, json};
use support::{Ended, Home, Program};

/// A setting's value and origin, by `lenore config --json`.
fn setting(ended: &Ended, key: &str) -> (Value, String) {
    let parsed = |line| serde_json::from_str::<Value>(line).expect("JSON");
    let mut lines = ended.stdout.lines().map(parsed);
    let line = lines.find(|line| line["key"] == key).unwrap_or_else(|| panic!("{key}: {ended:#?}"));
    (line["value"].clone(), line["origin"].as_str().expect("a word").to_owned())
}

#[tokio::test]
async fn each_setting_says_where_it_comes_from() {
    let home = Home::new();
    let show = async |options: &[&str], environment: &[(&str, &str)]| {
        let mut command = home.lenore(options);
        command.args(["config", "--json"]).envs(environment.iter().copied());
        Program::start(command).end().await.with_code(0)
    };
    let ended = show(&[], &[]).await;
    assert_eq!(setting(&ended, "timeout"), (120.into(), "default".into()));
    assert_eq!(setting(&ended, "model"), ("gpt-3.5-turbo".into(), "default".into()));
    home.set("config.toml", "model = 'gpt-4'\ntimeout = 7\nheaded = true\nlog = false\n");
    let ended = show(&[], &[]).await;
    assert_eq!(setting(&ended, "timeout"), (7.into(), "file".into()));
    assert_eq!(setting(&ended, "model"), ("gpt-4".into(), "file".into()));
    assert_eq!(setting(&ended, "log"), (false.into(), "file".into()));
    let ended = show(&[], &[("LENORE_TIMEOUT", "8"), ("LENORE_HEADED", "0")]).await;
    assert_eq!(setting(&ended, "timeout"), (8.into(), "LENORE_TIMEOUT".into()));
    assert_eq!(setting(&ended, "headed"), (false.into(), "LENORE_HEADED".into()));
    let ended = show(&["--timeout", "9", "--no-log"], &[("LENORE_TIMEOUT", "8")]).await;
    assert_eq!(setting(&ended, "timeout"), (9.into(), "--timeout".into()));
    assert_eq!(setting(&ended, "log"), (false.into(), "--no-log".into()));
    assert_eq!(setting(&ended, "headed"), (true.into(), "file".into()));
}

#[tokio::test]
async fn all_that_holds_is_shown_and_every_way_to_say_it_counts() {
    let home = Home::new();
    let ended = home.run(&["config", "--json"]).await.with_code(0);
    for (key, value) in [("max_chats", 8), ("patience", 60)] {
        assert_eq!(setting(&ended, key), (value.into(), "default".into()));
    }
    let ended = home.run(&["--webdriver", "http://127.0.0.1:1", "config", "--json"]).await;
    assert_eq!(setting(&ended, "chats_per_session"), (4.into(), "default".into()));
    home.set("config.toml", "model = 'gpt-4'\n[serve]\nlisten = '127.0.0.1:1'\nstrict = true\n");
    let mut command = home.lenore(&["config", "--json"]);
    command.env("LENORE_MODEL", "palm").env("LENORE_BROWSER_ARG", "--mute-audio");
    let ended = Program::start(command).end().await.with_code(0);
    assert_eq!(setting(&ended, "model"), ("palm".into(), "LENORE_MODEL".into()));
    let (switches, origin) = setting(&ended, "browser_arg");
    assert_eq!((switches, &*origin), (json!(["--mute-audio"]), "LENORE_BROWSER_ARG"));
    let serve = json!({ "listen": "127.0.0.1:1", "strict": true });
    assert_eq!(setting(&ended, "serve"), (serve, "file".into()));
    let mut command = home.lenore(&["ask", "--dry-run", "Hi"]);
    command.env("LENORE_MODEL", "palm");
    let ended = Program::start(command).end().await.with_code(0);
    assert!(ended.stdout.contains("Google-PaLM"), "{ended:#?}");
    // What listens there already is not ours.
    home.set("config.toml", "[serve]\nlisten = '192.0.2.1:1'\n");
    let ended = home.run(&["serve"]).await.with_code(2);
    assert!(ended.error().contains("192.0.2.1:1"), "{ended:#?}");
    home.set("config.toml", "listen = '127.0.0.1:1'\n");
    let ended = home.run(&["models"]).await.with_code(2);
    assert!(ended.error().ends_with("no setting called listen; it belongs under [serve]"));
}

#[tokio::test]
async fn a_file_can_be_named_and_paths_in_it_begin_there() {
    let home = Home::new();
    home.set("config.toml", "model = 'palm'");
    let other = home.set("elsewhere/other.toml", "site_file = 'facts.toml'");
    let ended = home.run(&["--config", other.to_str().expect("a name"), "config", "--json"]).await;
    let facts = other.with_file_name("facts.toml").to_str().expect("a name").to_owned();
    assert_eq!(setting(&ended, "site_file"), (facts.into(), "file".into()));
    assert_eq!(setting(&ended, "model").1, "default", "the usual file is not read");
    let mut command = home.lenore(&["config", "path"]);
    command.env("LENORE_CONFIG", &other);
    let ended = Program::start(command).end().await.with_code(0);
    assert_eq!(ended.stdout.trim_end(), other.to_str().expect("a name"));
    let ended = home.run(&["--config", "/no/such/file", "models"]).await.with_code(2);
    assert!(ended.error().contains("/no/such/file"), "{ended:#?}");
}

#[tokio::test]
async fn a_mistake_in_the_file_is_told_with_its_line() {
    let home = Home::new();
    let path = home.set("config.toml", "# mine\nsiet = 'https://poe.com'\n");
    for command in [&["models"][..], &["ask", "Hi"], &["config"]] {
        let ended = home.run(command).await.with_code(2);
        let said = format!("{}, line 2: there is no setting called siet", path.display());
        assert!(ended.error().starts_with(&said), "{ended:#?}");
        assert!(ended.error().ends_with("did you mean site?"), "{ended:#?}");
    }
    // What helps to mend it works all the same.
    home.run(&["config", "path"]).await.with_code(0);
    home.run(&["--help"]).await.with_code(0);
    home.run(&["completions", "bash"]).await.with_code(0);
    let mut edit = home.lenore(&["config", "edit"]);
    edit.env("EDITOR", "sed -i s/siet/site/");
    Program::start(edit).end().await.with_code(0);
    home.run(&["models"]).await.with_code(0);
}

#[tokio::test]
async fn a_value_that_is_none_is_told_with_its_line() {
    let home = Home::new();
    for (line, words) in [
        ("timeout = 0", "timeout takes a number of seconds"),
        ("max_chats = 0", "max_chats takes a whole number"),
        ("site = 'ftp://x'", "is no address of a site"),
        ("profile = 'a/b'", "is no name for a profile"),
    ] {
        let path = home.set("config.toml", &format!("# mine\n{line}\n"));
        let ended = home.run(&["models"]).await.with_code(2);
        assert!(ended.error().starts_with(&format!("{}, line 2: ", path.display())), "{ended:#?}");
        assert!(ended.error().contains(words), "{ended:#?}");
    }
    home.set("config.toml", "[aliases]\na = 'b'\nb = 'a'\n");
    let ended = home.run(&["ask", "--dry-run", "Hi"]).await.with_code(2);
    assert!(ended.error().contains("the aliases a and b stand for each other"), "{ended:#?}");
}

#[tokio::test]
async fn an_editor_finds_a_file_to_fill() {
    let home = Home::new();
    let mut edit = home.lenore(&["config", "edit"]);
    edit.env("VISUAL", "cat");
    let ended = Program::start(edit).end().await.with_code(0);
    assert!(ended.stdout.contains("[aliases]"), "{ended:#?}");
    home.run(&["models"]).await.with_code(0);
    let mut edit = home.lenore(&["config", "edit"]);
    edit.env("VISUAL", "/no/such/editor");
    Program::start(edit).end().await.with_code(2);
}

#[tokio::test]
async fn secrets_are_not_shown() {
    let home = Home::new();
    home.set(
        "config.toml",
        "proxy = 'http://ann:s3cret@proxy.example:3128'\n\
         cdp = 'wss://cloud.example/?token=s3cret'",
    );
    let options = ["config"];
    for json in [&[][..], &["--json"]] {
        let ended = home.run(&[&options[..], json].concat()).await.with_code(0);
        assert!(ended.stdout.contains("proxy.example:3128"), "{ended:#?}");
        assert!(!ended.stdout.contains("s3cret") && !ended.stdout.contains("ann"), "{ended:#?}");
    }
}

#[tokio::test]
async fn what_is_said_nearest_names_the_profile() {
    let home = Home::new();
    home.set("config.toml", "profile = 'work'");
    let profile = async |options: &[&str], environment: &[(&str, &str)]| {
        let mut command = home.lenore(&[options, &["config", "--json"]].concat());
        command.envs(environment.iter().copied());
        let ended = Program::start(command).end().await.with_code(0);
        setting(&ended, "user_data_dir").0.as_str().map(str::to_owned)
    };
    let named = |name: &str| {
        let path = home.path("data/lenore/profiles").join(name);
        Some(path.to_str().expect("a name").to_owned())
    };
    assert_eq!(profile(&[], &[]).await, named("work"));
    assert_eq!(profile(&["--profile", "home"], &[]).await, named("home"));
    assert_eq!(profile(&["--user-data-dir", "/p"], &[]).await, Some("/p".into()));
    assert_eq!(profile(&[], &[("LENORE_USER_DATA_DIR", "/p")]).await, Some("/p".into()));
    let environment = [("LENORE_USER_DATA_DIR", "/p")];
    assert_eq!(profile(&["--profile", "default"], &environment).await, named("default"));
    assert_eq!(profile(&["--cdp", "http://127.0.0.1:1"], &[]).await, None);
    let twice = ["--profile", "a", "--user-data-dir", "/p", "models"];
    let ended = home.run(&twice).await.with_code(2);
    assert!(ended.error().contains("named twice"), "{ended:#?}");
    let ended = home.run(&["--profile", "../a", "models"]).await.with_code(2);
    assert!(ended.error().contains("no name for a profile"), "{ended:#?}");
}
