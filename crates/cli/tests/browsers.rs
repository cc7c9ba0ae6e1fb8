//! Other browsers than a Chromium of our own: which is meant, and how each is signed in.

mod support;
#[path = "../../poe/tests/support/webdriver.rs"]
mod webdriver;

use std::path::Path;

use support::{EMAIL, Ended, Home, Program, World, in_time};
use webdriver::{Driver, Kind};

#[tokio::test]
async fn what_contradicts_itself_is_told() {
    let home = Home::new();
    let cases: &[(&[&str], &str)] = &[
        (&["--webdriver", "http://127.0.0.1:1", "--cdp", "http://127.0.0.1:1"], "named twice"),
        (&["--webdriver-session", "s"], "name its address with --webdriver URL"),
        (&["--webdriver-capabilities", "{}"], "name its address with --webdriver URL"),
        (&["--chats-per-session", "2"], "name its address with --webdriver URL"),
        (&["--cookies", "session.json"], "name its address with --webdriver URL"),
        (&["--browser", "firefox", "--cdp", "http://127.0.0.1:1"], "no DevTools address"),
        (&["--browser-driver", "geckodriver"], "add --browser firefox"),
        (&["--cdp", "http://127.0.0.1:1", "--proxy", "http://127.0.0.1:1"], "keeps its own"),
        (&["--cdp", "http://127.0.0.1:1", "--headed"], "keeps its own"),
        (&["--cdp", "http://127.0.0.1:1", "--browser-arg=--mute-audio"], "keeps its own"),
        (&["--webdriver", "http://127.0.0.1:1", "--user-data-dir", "p"], "profiles of its own"),
        (&["--webdriver", "http://127.0.0.1:1", "--browser-binary", "b"], "profiles of its own"),
        (&["--webdriver", "http://127.0.0.1:1", "--profile", "work"], "keeps its own profile"),
        (
            &["--webdriver", "http://127.0.0.1:1", "--webdriver-session", "s", "--headed"],
            "stays as it is",
        ),
        (
            &[
                "--webdriver",
                "http://127.0.0.1:1",
                "--webdriver-session",
                "s",
                "--webdriver-capabilities",
                r#"{"browserName": "firefox"}"#,
            ],
            "stays as it is",
        ),
    ];
    for (options, said) in cases {
        let ended = home.run(&[*options, &["ask", "Hi"]].concat()).await.with_code(2);
        assert!(ended.error().contains(said), "{options:?}: {ended:#?}");
    }
}

#[tokio::test]
async fn capabilities_that_cannot_be_read_are_not_repeated() {
    let home = Home::new();
    for broken in [r#"{"key": "s3cret""#, r#""s3cret""#, "s3cret"] {
        let option = home.lenore(&["--webdriver-capabilities", broken, "models"]);
        let mut variable = home.lenore(&["models"]);
        variable.env("LENORE_WEBDRIVER_CAPABILITIES", broken);
        for command in [option, variable] {
            let ended = Program::start(command).end().await.with_code(2);
            assert!(ended.stderr.contains("object of JSON"), "{ended:#?}");
            assert!(!ended.stderr.contains("s3cret"), "{ended:#?}");
        }
    }
    home.set("config.toml", "webdriver_capabilities = 's3cret'");
    let ended = home.run(&["models"]).await.with_code(2);
    assert!(ended.stderr.contains("line 1: webdriver_capabilities takes a table"), "{ended:#?}");
    assert!(!ended.stderr.contains("s3cret"), "{ended:#?}");
}

/// The settings that hold, by `lenore config --json`.
async fn held(
    home: &Home,
    options: &[&str],
    environment: &[(&str, &str)],
) -> Vec<(String, String)> {
    let mut command = home.lenore(&[options, &["config", "--json"]].concat());
    command.envs(environment.iter().copied());
    let ended = Program::start(command).end().await.with_code(0);
    let setting = |line| {
        let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let value = match &line["value"] {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        (line["key"].as_str().expect("a name").to_owned(), value)
    };
    ended.stdout.lines().map(setting).collect()
}

fn value<'a>(held: &'a [(String, String)], key: &str) -> &'a str {
    let found = held.iter().find(|(name, _)| name == key);
    found.map_or_else(|| panic!("{key}: {held:?}"), |(_, value)| value)
}

#[tokio::test]
async fn what_is_said_nearest_names_the_browser() {
    let home = Home::new();
    home.set(
        "config.toml",
        "webdriver = 'http://ann:s3cret@grid.example:4444'\ncookies = 'session.json'\n\
         chats_per_session = 3\nbrowser_arg = ['--mute-audio']\n\
         [webdriver_capabilities]\nbrowserName = 'firefox'\n'cloud:options' = {key = 's3cret'}\n",
    );
    let file = held(&home, &[], &[]).await;
    assert_eq!(value(&file, "webdriver"), "http://***@grid.example:4444");
    assert!(Path::new(value(&file, "cookies")).is_absolute(), "{file:?}");
    let capabilities = value(&file, "webdriver_capabilities");
    assert!(capabilities.contains("firefox") && !capabilities.contains("s3cret"), "{file:?}");

    // Another browser is named nearer: what belongs to the service goes with it.
    let other = held(&home, &["--cdp", "http://127.0.0.1:1"], &[]).await;
    for name in ["webdriver", "cookies", "webdriver_capabilities"] {
        assert_eq!(value(&other, name), "null", "{name}");
    }
    assert_eq!(value(&other, "chats_per_session"), "4", "the usual");
    let other = held(&home, &["--profile", "work"], &[]).await;
    assert_eq!(value(&other, "webdriver"), "null");

    // An adopted session is not what the file says of new ones.
    let session = ["--webdriver", "http://127.0.0.1:1", "--webdriver-session", "s"];
    let adopted = held(&home, &session, &[]).await;
    assert_eq!(value(&adopted, "webdriver_session"), "s");
    assert_eq!(value(&adopted, "cookies"), "null");
    assert_eq!(value(&adopted, "webdriver_capabilities"), "null");
    let moved = held(&home, &session[..2], &[]).await;
    assert_eq!(value(&moved, "chats_per_session"), "3", "it is for any service");

    // What runs already stays as it is, whatever the file says of others.
    home.set(
        "config.toml",
        "webdriver = 'http://127.0.0.1:1'\nproxy = 'http://127.0.0.1:2'\n\
         proxy_bypass = 'example.org'\nheaded = true\nbrowser = 'firefox'\n",
    );
    let of_the_file = ["proxy", "proxy_bypass", "headed", "browser"];
    let values = |held: &[(String, String)]| of_the_file.map(|name| value(held, name).to_owned());
    let kept = ["http://127.0.0.1:2", "example.org", "true", "firefox"];
    assert_eq!(values(&held(&home, &[], &[]).await), kept);
    let left_out = ["null", "null", "false", "null"];
    for running in [&["--cdp", "http://127.0.0.1:1"][..], &["--webdriver-session", "s"]] {
        assert_eq!(values(&held(&home, running, &[]).await), left_out, "{running:?}");
        // It is tried, and nobody answers there.
        home.run(&[running, &["ask", "Hi"]].concat()).await.with_code(11);
    }
    let moved = held(&home, &session[..2], &[]).await;
    assert_eq!(values(&moved)[..3], kept[..3], "it is for any service");

    // Each browser has its own programs and profiles.
    home.set("config.toml", "browser_binary = '/opt/chromium'\nprofile = 'work'\n");
    let file = held(&home, &[], &[]).await;
    assert_eq!(value(&file, "browser_binary"), "/opt/chromium");
    assert_eq!(value(&file, "browser"), "chromium");
    let firefox = held(&home, &[], &[("LENORE_BROWSER", "firefox")]).await;
    assert_eq!(value(&firefox, "browser_binary"), "null");
    let other = held(&home, &["--webdriver", "http://127.0.0.1:1"], &[]).await;
    assert_eq!(value(&other, "profile"), "null", "a service has none");
    let place = value(&firefox, "user_data_dir");
    assert!(place.ends_with("lenore/firefox-profiles/work"), "{place}");
    home.set("config.toml", "cdp = 'http://127.0.0.1:1'");
    let firefox = held(&home, &["--browser", "firefox"], &[]).await;
    assert_eq!(value(&firefox, "cdp"), "null");
}

/// `lenore login --export FILE` on a world's profile.
async fn export(world: &World, file: &Path) -> Ended {
    let mut command = world.lenore("login");
    command.arg("--export").arg(file);
    Program::start(command).end().await
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_exported_for_its_user_alone() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new().await;
    let file = world.directory.path().join("session.json");
    std::fs::write(&file, "old").expect("written");
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).expect("our own file");
    let ended = export(&world, &file).await.with_code(0);
    assert_eq!(ended.stdout, "");
    assert!(ended.stderr.contains("whoever has this file is signed in as you"), "{ended:#?}");
    assert!(ended.stderr.contains("sign out of all devices"), "{ended:#?}");
    let mode = file.metadata().expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let saved = std::fs::read_to_string(&file).expect("readable");
    let saved: serde_json::Value = serde_json::from_str(&saved).expect("JSON");
    assert_eq!(saved["host"], "127.0.0.1");
    let cookies = saved["cookies"].as_array().expect("a list");
    let session = cookies.iter().find(|cookie| cookie["name"] == "p-b").expect("a session");
    let secret = session["value"].as_str().expect("text");
    assert!(!secret.is_empty() && !ended.stderr.contains(secret));

    // Nobody is signed in, or another process has the profile: nothing is written.
    let other = world.directory.path().join("other.json");
    let poe = world.poe();
    assert!(in_time("looking", poe.is_signed_in()).await.expect("the site works"));
    let ended = export(&world, &other).await.with_code(11);
    assert!(ended.error().contains(&format!("process {}", std::process::id())), "{ended:#?}");
    in_time("closing", poe.close()).await;
    world.sim.sign_out_all();
    let ended = export(&world, &other).await.with_code(4);
    assert!(ended.error().contains("lenore login"), "{ended:#?}");
    let ended = export(&world, Path::new("/dev/null")).await.with_code(2);
    assert!(ended.error().contains("no file"), "{ended:#?}");
    assert!(!other.exists());
    world.end().await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_will_not_do_is_refused_before_anything_starts() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new().await;
    let file = world.directory.path().join("session.json");
    export(&world, &file).await.with_code(0);
    let ask = async |site: &str| {
        let home = Home::new();
        let mut command = home.lenore(&["--site", site, "--webdriver", "http://127.0.0.1:1"]);
        command.arg("--cookies").arg(&file).args(["ask", "Hi"]);
        Program::start(command).end().await
    };
    let ended = ask("http://localhost:1").await.with_code(2);
    assert!(ended.error().contains("does not sign in to localhost"), "{ended:#?}");
    let open = std::fs::Permissions::from_mode(0o640);
    std::fs::set_permissions(&file, open).expect("our own file");
    let ended = ask(world.sim.url()).await.with_code(2);
    assert!(ended.error().contains("chmod 600"), "{ended:#?}");
    let text = std::fs::read_to_string(&file).expect("readable");
    std::fs::write(&file, text.replace("\"value\": \"", "\"value\": 7, \"x\": \""))
        .expect("written");
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).expect("our own file");
    let ended = ask(world.sim.url()).await.with_code(2);
    assert!(ended.error().contains("is no session: line"), "{ended:#?}");
    std::fs::remove_file(&file).expect("removed");
    let ended = ask(world.sim.url()).await.with_code(2);
    assert!(ended.error().contains("lenore login --export"), "{ended:#?}");
    world.end().await;
}

#[tokio::test]
async fn a_sign_in_that_would_be_lost_is_not_begun() {
    let home = Home::new();
    let options = ["--webdriver", "http://127.0.0.1:1", "login", "--email", EMAIL];
    let ended = home.run(&options).await.with_code(2);
    assert!(ended.error().contains("--export"), "{ended:#?}");
}

/// Signs the profile in with a mailed code, by a program that is being started.
async fn sign_in(world: &World, mut login: tokio::process::Command) -> Ended {
    login.args(["--email", EMAIL]).stdin(std::process::Stdio::piped());
    let mut login = Program::start(login);
    login.says("type it here").await;
    login.input(world.sim.inbox(EMAIL).expect("it was mailed") + "\n");
    login.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_firefox_profile_is_signed_in_used_and_forgotten() {
    let Some(driver) = webdriver::firefox_driver() else { return };
    let (world, home) = (World::signed_out().await, Home::new());
    let driver = driver.to_str().expect("a plain name");
    let firefox = |arguments: &[&str]| {
        let mut command = home.lenore(&["--browser", "firefox", "--browser-driver", driver]);
        command.args(["--site", world.sim.url(), "--profile", "work"]).args(arguments);
        command
    };
    sign_in(&world, firefox(&["login"])).await.with_code(0);
    for _ in 0..2 {
        let ask = firefox(&["ask", "Ravens? 🐦 [[sim: echo, rewrite]]"]);
        let ended = Program::start(ask).end().await.with_code(0);
        assert_eq!(ended.stdout, world.site_text() + "\n");
    }
    let ended = Program::start(firefox(&["doctor", "--ask"])).end().await.with_code(0);
    assert!(ended.stdout.contains("geckodriver 0."), "{ended:#?}");

    // A Chromium's profile of the same name is another one.
    let listed = Program::start(firefox(&["profiles", "--json"])).end().await.with_code(0);
    let found: Vec<serde_json::Value> =
        listed.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let named = |it: &serde_json::Value| (it["name"].clone(), it["browser"].clone());
    assert_eq!(found.iter().map(named).collect::<Vec<_>>(), [("work".into(), "firefox".into())]);
    assert!(found[0]["last_used"].is_u64() && found[0]["current"] == true, "{found:?}");
    let profile = home.path("data/lenore/firefox-profiles/work");
    let directory = profile.to_str().expect("a plain name");
    let chromium = ["--user-data-dir", directory, "ask", "Hi"];
    let ended = home.run(&chromium).await.with_code(2);
    assert!(ended.error().contains("is Firefox's"), "{ended:#?}");
    Program::start(firefox(&["logout", "--yes"])).end().await.with_code(0);
    assert!(!profile.exists());
    let checked = firefox(&["login", "--check"]);
    Program::start(checked).end().await.with_code(4);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_was_exported_signs_a_webdrivers_browser_in() {
    for kind in [Kind::Chromedriver, Kind::Geckodriver] {
        let Some(driver) = Driver::start(kind).await else { continue };
        let world = World::new().await;
        let file = world.directory.path().join("session.json");
        export(&world, &file).await.with_code(0);
        let home = Home::new();
        let with = async |arguments: &[&str]| {
            let mut command = home.lenore(&["--site", world.sim.url(), "--webdriver", &driver.url]);
            command.args(arguments);
            Program::start(command).end().await
        };
        let file = file.to_str().expect("a plain name");
        let ended = with(&["ask", "Hi"]).await.with_code(4);
        assert!(ended.error().contains("--cookies FILE"), "{ended:#?}");
        let ended = with(&["--cookies", file, "ask", "Hi 🐦 [[sim: echo]]"]).await.with_code(0);
        assert_eq!(ended.stdout, "Hi 🐦 [[sim: echo]]\n");
        let ended = with(&["--cookies", file, "doctor"]).await.with_code(0);
        assert!(ended.stdout.contains("the service answers with a session of"), "{ended:#?}");
        driver.is_free().await;

        // The file is as good as the session, and no longer.
        world.sim.sign_out_all();
        with(&["--cookies", file, "ask", "Hi"]).await.with_code(4);
        driver.is_free().await;
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_runs_already_is_used_and_left() {
    let Some(driver) = Driver::start(Kind::Chromedriver).await else { return };
    let (world, home) = (World::signed_out().await, Home::new());
    let (session, _) = driver.session().await;
    let with = |arguments: &[&str]| {
        let mut command = home.lenore(&["--site", world.sim.url(), "--webdriver", &driver.url]);
        command.args(["--webdriver-session", &session]).args(arguments);
        command
    };
    let ended = Program::start(with(&["ask", "Hi"])).end().await.with_code(4);
    assert!(ended.error().contains("its own window"), "{ended:#?}");
    sign_in(&world, with(&["login"])).await.with_code(0);
    let ended = Program::start(with(&["ask", "Hi [[sim: echo]]"])).end().await.with_code(0);
    assert_eq!(ended.stdout, "Hi [[sim: echo]]\n");
    assert!(driver.tabs(&session).await.is_array(), "it still runs");
    let unknown = ["--webdriver-session", "0123", "ask", "Hi"];
    let mut command = home.lenore(&["--site", world.sim.url(), "--webdriver", &driver.url]);
    command.args(unknown);
    let ended = Program::start(command).end().await.with_code(11);
    assert!(ended.error().contains("session"), "{ended:#?}");
    world.end().await;
}
