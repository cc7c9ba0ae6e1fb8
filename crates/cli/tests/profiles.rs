//! Several accounts, each with a profile: made, listed, used, forgotten.

mod support;

use lenore::Poe;
use serde_json::Value;
use support::{EMAIL, Ended, Home, Program, World, in_time};

async fn run(world: &World, home: &Home, arguments: &[&str]) -> Ended {
    let mut command = home.lenore(&["--site", world.sim.url()]);
    command.args(arguments);
    Program::start(command).end().await
}

/// The profiles, by `lenore profiles --json`.
async fn listed(home: &Home, options: &[&str]) -> Vec<Value> {
    let ended = home.run(&[options, &["profiles", "--json"]].concat()).await.with_code(0);
    ended.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_signed_in_used_and_forgotten_by_its_profiles_name() {
    let (world, home) = (World::signed_out().await, Home::new());
    assert!(listed(&home, &[]).await.is_empty());
    let mut login = home.lenore(&["--site", world.sim.url(), "--profile", "work", "login"]);
    login.args(["--email", EMAIL]).stdin(std::process::Stdio::piped());
    let mut login = Program::start(login);
    login.says("type it here").await;
    login.input(world.sim.inbox(EMAIL).expect("it was mailed") + "\n");
    login.end().await.with_code(0);
    let prompt = "Ravens? [[sim: gap=0, length=60]]";
    let ended = run(&world, &home, &["--profile", "work", "ask", prompt]).await.with_code(0);
    assert_eq!(ended.stdout, world.site_text() + "\n");
    run(&world, &home, &["login", "--check"]).await.with_code(4);
    let names = |found: &[Value]| -> Vec<String> {
        found.iter().map(|it| it["name"].as_str().expect("a name").to_owned()).collect()
    };
    let found = listed(&home, &["--profile", "work"]).await;
    assert_eq!(names(&found), ["work"], "who only looks makes none");
    std::fs::create_dir(home.path("data/lenore/profiles/default")).expect("made");
    let found = listed(&home, &["--profile", "work"]).await;
    assert_eq!(names(&found), ["default", "work"]);
    assert_eq!((&found[0]["current"], &found[1]["current"]), (&false.into(), &true.into()));
    assert_eq!((&found[0]["account"], &found[1]["account"]), (&Value::Null, &EMAIL.into()));
    assert!(found[1]["bytes"].as_u64() > Some(1000) && found[1]["last_used"].is_u64(), "{found:?}");
    let ended = home.run(&["profiles"]).await.with_code(0);
    let [first, second] = ended.stdout.lines().collect::<Vec<_>>()[..] else {
        panic!("{ended:#?}")
    };
    assert!(first.starts_with("* default  never signed in "), "{first}");
    assert!(second.contains(EMAIL) && second.ends_with("~/data/lenore/profiles/work"), "{second}");

    // The other profile is not touched, nor its chats.
    let ended = run(&world, &home, &["ask", "-c", "Hi"]).await.with_code(2);
    assert!(ended.error().contains("no chat of the profile default"), "{ended:#?}");
    let ended = run(&world, &home, &["--profile", "work", "logout"]).await.with_code(2);
    assert!(ended.error().contains("--yes"), "{ended:#?}");
    run(&world, &home, &["--profile", "work", "login", "--check"]).await.with_code(0);
    run(&world, &home, &["--profile", "work", "logout", "--yes"]).await.with_code(0);
    assert_eq!(names(&listed(&home, &[]).await), ["default"]);
    let left = std::fs::read_dir(home.path("data/lenore/profiles")).expect("readable").count();
    assert_eq!(left, 1);
    run(&world, &home, &["--profile", "work", "login", "--check"]).await.with_code(4);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_that_is_used_stays() {
    let world = World::new().await;
    let home = Home::new();
    let profile = home.path("data/lenore/profiles/work");
    std::fs::create_dir_all(profile.parent().expect("a directory")).expect("made");
    std::fs::rename(world.profile(), &profile).expect("a profile can be moved");
    let poe = Poe::builder().url(world.sim.url()).user_data_dir(&profile).build();
    let poe = poe.expect("valid options");
    assert!(in_time("looking", poe.is_signed_in()).await.expect("the site works"));
    let arguments = ["--profile", "work", "logout", "--yes"];
    let ended = run(&world, &home, &arguments).await.with_code(11);
    let pid = std::process::id();
    assert!(ended.error().contains(&format!("process {pid}")), "{ended:#?}");
    let found = listed(&home, &[]).await;
    assert_eq!(found[0]["pid"], pid);
    in_time("closing", poe.close()).await;
    assert_eq!(listed(&home, &[]).await[0]["pid"], Value::Null);
    run(&world, &home, &arguments).await.with_code(0);
    assert!(!profile.exists());
    // There is nothing to forget any more, and that is no failure.
    let ended = run(&world, &home, &arguments).await.with_code(0);
    assert!(ended.stderr.contains("nothing to forget"), "{ended:#?}");
    world.sim.stop().await;
}

#[tokio::test]
async fn what_is_no_profile_is_not_removed() {
    let home = Home::new();
    let precious = home.path("thesis");
    std::fs::create_dir(&precious).expect("made");
    std::fs::write(precious.join("chapter1.md"), "Once upon").expect("written");
    let name = precious.to_str().expect("a name");
    let ended = home.run(&["--user-data-dir", name, "logout", "--yes"]).await.with_code(2);
    assert!(ended.error().contains("no browser's profile"), "{ended:#?}");
    for command in [&["ask", "Hi"][..], &["login", "--email", EMAIL], &["doctor"]] {
        let output = home.path("bundles");
        let mut program = home.lenore(&[&["--user-data-dir", name], command].concat());
        if command[0] == "doctor" {
            program.arg("--output").arg(output);
        }
        let ended = Program::start(program).end().await.with_code(2);
        let said = ended.stdout + &ended.stderr;
        assert!(said.contains("no browser's profile"), "{command:?}: {said}");
        let left = std::fs::read_dir(&precious).expect("readable").count();
        assert_eq!(left, 1, "{command:?} adds nothing");
    }
    assert!(precious.join("chapter1.md").exists());
    let ended = home.run(&["--cdp", "http://127.0.0.1:1", "logout", "--yes"]).await.with_code(2);
    assert!(ended.error().contains("sign out in its window"), "{ended:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_that_nobody_signs_in_is_not_left() {
    let (world, home) = (World::signed_out().await, Home::new());
    let old = home.path("data/lenore/profiles/old");
    std::fs::create_dir_all(&old).expect("made");
    run(&world, &home, &["--profile", "wrok", "ask", "Hi"]).await.with_code(4);
    let output = home.path("bundles").to_str().expect("a plain name").to_owned();
    let doctor = ["--profile", "wrok", "doctor", "--json", "--output", &output];
    run(&world, &home, &doctor).await.with_code(4);
    run(&world, &home, &["--profile", "old", "ask", "Hi"]).await.with_code(4);
    let fox = ["--browser", "firefox", "--browser-driver", "/no/such/driver", "ask", "Hi"];
    run(&world, &home, &fox).await.with_code(11);
    let found = listed(&home, &[]).await;
    let paths: Vec<_> = found.iter().map(|it| it["path"].as_str().expect("a path")).collect();
    assert_eq!(paths, [old.to_str().expect("a plain name")]);
    for place in ["profiles", "firefox-profiles"] {
        let left = std::fs::read_dir(home.path(&format!("data/lenore/{place}"))).expect("made");
        assert_eq!(left.count(), usize::from(place == "profiles"), "{place}");
    }
    world.sim.stop().await;
}
