//! `lenore doctor`: what it finds in each kind of trouble, by exit code, and what it shows of it.

#[cfg(target_os = "linux")]
#[path = "../../browser/tests/support/disk.rs"]
mod disk;
mod support;

use std::net::TcpListener;
use std::path::{Path, PathBuf};

use serde_json::Value;
use support::{EMAIL, Ended, Program, World, in_time, lenore};

/// It stands in a prompt, an answer, a title; it must come out nowhere.
const MARKER: &str = "Nevermore";

const WAY: [&str; 12] = [
    "browser_program",
    "disk_space",
    "profile",
    "browser",
    "site",
    "human_check",
    "signed_in",
    "prompt_box",
    "send_button",
    "file_input",
    "tap",
    "socket",
];

/// What the program found.
struct Found {
    checks: Vec<Value>,
    ended: Ended,
    /// What is in the bundle's place goes with it.
    output: tempfile::TempDir,
}

/// Runs it with these options before, so that they come before those of the environment.
async fn doctor(world: &World, options: &[&str], code: i32) -> Found {
    let output = tempfile::tempdir().expect("a directory");
    let mut command = lenore(&["doctor", "--json", "--output"]);
    command.arg(output.path()).args(options);
    command.env("LENORE_SITE", world.sim.url()).env("LENORE_USER_DATA_DIR", world.profile());
    let ended = Program::start(command).end().await.with_code(code);
    let check = |line: &str| {
        let check: Value = serde_json::from_str(line).expect("a JSON object a line");
        let mut names: Vec<_> = check.as_object().expect("an object").keys().collect();
        names.sort();
        assert_eq!(names, ["advice", "check", "finding", "outcome"], "{check}");
        check
    };
    let checks = ended.stdout.lines().map(check).collect();
    Found { checks, ended, output }
}

impl Found {
    fn is_bundled(&self) -> bool {
        std::fs::read_dir(self.output.path()).expect("readable").next().is_some()
    }

    fn outcome(&self, name: &str) -> &str {
        self.check(name)["outcome"].as_str().expect("a word")
    }

    #[track_caller]
    fn check(&self, name: &str) -> &Value {
        let found = self.checks.iter().find(|check| check["check"] == name);
        found.unwrap_or_else(|| panic!("no {name} in {:#?}", self.checks))
    }

    /// The checks before this one are fine, it failed in these words, the others were skipped.
    #[track_caller]
    fn assert_ends_at(&self, name: &str, words: &str) {
        let at = self.checks.iter().position(|check| check["check"] == name).expect(name);
        for (number, check) in self.checks.iter().enumerate() {
            let due: &[&str] = match number.cmp(&at) {
                std::cmp::Ordering::Less => &["ok", "warning"],
                std::cmp::Ordering::Equal => &["failed"],
                std::cmp::Ordering::Greater => &["skipped"],
            };
            let outcome = check["outcome"].as_str().expect("a word");
            assert!(due.contains(&outcome), "{check} in {:#?}", self.checks);
        }
        let finding = self.checks[at]["finding"].as_str().expect("words");
        assert!(finding.contains(words), "{finding}");
    }

    /// The bundle's directory; `None` where there is none.
    fn bundle(&self) -> Option<PathBuf> {
        let made = std::fs::read_dir(self.output.path()).expect("a directory");
        let mut made = made.map(|entry| entry.expect("readable").path());
        let bundle = made.next()?;
        assert!(made.next().is_none(), "there is more than one");
        let name = bundle.file_name().and_then(|name| name.to_str()).expect("a name");
        assert!(name.starts_with("lenore-doctor-2"), "{name}");
        assert!(self.ended.stderr.contains(name), "it says where: {:#?}", self.ended);
        Some(bundle)
    }

    /// The bundle's files, by name.
    fn files(&self) -> Vec<(String, Vec<u8>)> {
        let bundle = self.bundle().expect("a bundle");
        assert_private(&bundle, 0o700);
        let files = std::fs::read_dir(&bundle).expect("a directory").map(|entry| {
            let path = entry.expect("readable").path();
            assert_private(&path, 0o600);
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name, std::fs::read(&path).expect("readable"))
        });
        let mut files: Vec<_> = files.collect();
        files.sort();
        files
    }
}

#[cfg(unix)]
#[track_caller]
fn assert_private(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    let found = path.metadata().expect("it is there").permissions().mode();
    assert_eq!(found & 0o777, mode, "{}", path.display());
}

#[cfg(not(unix))]
fn assert_private(_: &Path, _: u32) {}

#[tokio::test(flavor = "multi_thread")]
async fn where_all_is_fine_it_says_so() {
    let world = World::new().await;
    let found = doctor(&world, &[], 0).await;
    let names: Vec<_> = found.checks.iter().map(|check| check["check"].clone()).collect();
    assert_eq!(names, WAY);
    for check in &found.checks {
        assert!(check["outcome"] == "ok" || check["check"] == "disk_space", "{check}");
    }
    assert_eq!(found.bundle(), None);
    assert_eq!(world.prompts(), Vec::<String>::new(), "nothing is asked");
    world.assert_tidy();

    let mut command = world.lenore("doctor");
    command.arg("--output").arg(found.output.path());
    let ended = Program::start(command).end().await.with_code(0);
    let lines: Vec<_> = ended.stdout.lines().filter(|line| !line.contains("disk space")).collect();
    assert_eq!(lines.len(), WAY.len() - 1, "{ended:#?}");
    assert!(lines.iter().all(|line| line.starts_with("✓ ")), "{ended:#?}");
    assert!(lines.iter().any(|line| line.contains("prompt box")), "{ended:#?}");
    assert_eq!(ended.remarks(), Vec::<&str>::new());
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_asked_on_request_and_answered() {
    let world = World::new().await;
    let found = doctor(&world, &["--ask"], 0).await;
    assert_eq!(found.outcome("answer"), "ok");
    assert_eq!(found.outcome("stop_button"), "ok");
    assert_eq!(world.prompts(), ["Reply with OK."]);
    assert_eq!(found.bundle(), None);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_a_session_is_skipped_without_one() {
    let world = World::signed_out().await;
    let found = doctor(&world, &["--ask"], 4).await;
    found.assert_ends_at("signed_in", "not signed in");
    let advice = &found.check("signed_in")["advice"];
    assert!(advice.as_str().is_some_and(|advice| advice.contains("lenore login")), "{advice}");
    assert_eq!(found.outcome("stop_button"), "skipped");
    let names: Vec<_> = found.files().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["page.html", "report.txt", "screenshot.png", "tap.jsonl"]);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_or_a_proxy_that_cannot_be_reached_is_told_apart() {
    let world = World::new().await;
    // A port that was free a moment ago, and one that no browser goes to.
    let free = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
    let nobody = format!("http://{}", free.expect("a free port"));
    for (site, words) in [(&*nobody, "nothing answers"), ("http://127.0.0.1:1", "loaded")] {
        let found = doctor(&world, &["--site", site], 10).await;
        found.assert_ends_at("site", words);
        assert!(!found.checks.iter().any(|check| check["check"] == "proxy"));
    }
    world.assert_tidy();
    let found = doctor(&world, &["--proxy", "http://ann:s3cret@127.0.0.1:1"], 10).await;
    found.assert_ends_at("proxy", "the proxy cannot be reached");
    let report = &found.files().into_iter().find(|(name, _)| name == "report.txt");
    let report = report.as_ref().map(|(_, text)| String::from_utf8_lossy(text).into_owned());
    let report = report.expect("a report");
    assert!(report.contains("✗ proxy") && !report.contains("s3cret"), "{report}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_element_that_is_gone_is_named() {
    let world = World::new().await;
    let file = world.directory.path().join("site.toml");
    let path = file.to_str().expect("a plain name");
    for (name, ready) in [("send_button", "ok"), ("file_input", "ok"), ("prompt_box", "ok")] {
        std::fs::write(&file, format!("[selectors]\n{name} = ['.nowhere']\n")).expect("written");
        let found = doctor(&world, &["--site-file", path, "--ask"], 8).await;
        for check in &found.checks {
            let due = match check["check"].as_str().expect("a name") {
                "disk_space" => continue,
                "answer" | "stop_button" | "messages" => "skipped",
                other if other == name => "failed",
                _ => ready,
            };
            assert_eq!(check["outcome"], due, "{check}");
        }
        let advice = &found.check(name)["advice"];
        let is_told = |advice: &str| advice.contains(name) || advice.contains("--mend");
        assert!(advice.as_str().is_some_and(is_told), "{advice}");
        assert!(found.bundle().is_some());
    }
    assert_eq!(world.prompts(), Vec::<String>::new(), "nothing is asked");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_human_check_is_left_to_the_human() {
    let world = World::new().await;
    let file = world.directory.path().join("site.toml");
    let text = "[models]\n\"gpt-3.5-turbo\" = 'Sim-Challenge'\n";
    std::fs::write(&file, text).expect("written");
    let path = file.to_str().expect("a plain name");
    let found = doctor(&world, &["--site-file", path], 4).await;
    found.assert_ends_at("human_check", "human");
    assert_eq!(found.outcome("site"), "warning", "it came with status 403");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_will_not_start_is_found_out() {
    let world = World::signed_out().await;
    let found = doctor(&world, &["--browser-binary", "/bin/false"], 11).await;
    found.assert_ends_at("browser", "ended at once");
    assert_eq!(found.outcome("browser_program"), "warning");
    let names: Vec<_> = found.files().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["report.txt"]);
    let found = doctor(&world, &["--browser-binary", "/no/such/browser"], 11).await;
    found.assert_ends_at("browser_program", "/no/such/browser");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_that_cannot_be_used_is_found_out() {
    let world = World::new().await;
    let poe = world.poe();
    assert!(in_time("looking", poe.is_signed_in()).await.expect("a page"));
    let found = doctor(&world, &[], 11).await;
    found.assert_ends_at("profile", &format!("process {}", std::process::id()));
    in_time("closing", poe.close()).await;
    let file = world.directory.path().join("a file");
    std::fs::write(&file, "").expect("written");
    let found = doctor(&world, &["--user-data-dir", file.to_str().expect("plain")], 2).await;
    found.assert_ends_at("profile", "cannot be used");
    world.end().await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_profile_that_others_can_read_is_a_warning() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new().await;
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(world.profile(), open).expect("ours");
    let found = doctor(&world, &[], 0).await;
    assert_eq!(found.outcome("profile"), "warning");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bundle_holds_nothing_that_anybody_wrote() {
    let world = World::new().await;
    let prompt = format!(
        "# {MARKER}\n\n[{MARKER}](https://{MARKER}.example/{MARKER}?{MARKER}=1) \
         `{MARKER}`\n\n```{MARKER}\n{MARKER}\n```\n\n[[sim: echo, gap=0, title=The {MARKER}]]"
    );
    let ended = world.ask(&["--json", &prompt]).await.with_code(0);
    let first = ended.stdout.lines().next().expect("a line");
    let first: Value = serde_json::from_str(first).expect("an object");
    let chat = first["chat"].as_str().expect("its code").to_owned();

    // The chat with the question and the answer, in the place of the bot's page.
    let file = world.directory.path().join("site.toml");
    let route = format!("[routes]\nbot = '/chat/{chat}?bot={{bot}}'\n");
    std::fs::write(&file, route).expect("written");
    let site_file = ["--site-file", file.to_str().expect("a plain name")];
    for options in [&["--bundle"][..], &[&["--bundle"][..], &site_file].concat()] {
        let found = doctor(&world, options, 0).await;
        let files = found.files();
        let names: Vec<_> = files.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["page.html", "report.txt", "screenshot.png", "tap.jsonl"]);
        let name = EMAIL.split('@').next().expect("a name");
        for (file, bytes) in &files {
            let text = String::from_utf8_lossy(bytes).to_lowercase();
            for secret in [MARKER, EMAIL, name, &chat, "p-b"] {
                assert!(!text.contains(&secret.to_lowercase()), "{secret} is in {file}: {text}");
            }
        }
        let page = String::from_utf8_lossy(&files[0].1);
        // It was there: the sidebar has the chat, and the classes can be read.
        let row = "class=\"ChatHistoryListItem_wrapper__";
        assert!(page.contains(row) && page.contains("GrowingTextArea_textArea__"), "{page}");
        let title = format!("<span>{} {}</span>", "xxx", "x".repeat(MARKER.len()));
        assert!(page.contains(&title), "{page}");
        let is_chat = options.len() > 1;
        assert_eq!(page.contains("Message_"), is_chat, "{page}");
        assert!(files[2].1.starts_with(b"\x89PNG"));
        let report = String::from_utf8_lossy(&files[1].1);
        assert!(report.contains("✓ socket") && report.contains("Chrome"), "{report}");
        for line in String::from_utf8_lossy(&files[3].1).lines() {
            let line: Value = serde_json::from_str(line).expect("an object");
            let mut names: Vec<_> = line.as_object().expect("an object").keys().collect();
            names.sort();
            assert_eq!(names, ["bytes", "k", "ms"]);
        }
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_that_others_ask_through_is_no_failure() {
    let world = World::new().await;
    let poe = world.poe();
    poe.own_profile(Some("127.0.0.1:1 token")).expect("it is free");
    let found = doctor(&world, &[], 0).await;
    assert_eq!(found.outcome("profile"), "warning");
    let finding = found.check("profile")["finding"].as_str().expect("words").to_owned();
    assert!(finding.contains(&format!("process {}", std::process::id())), "{finding}");
    assert_eq!(found.outcome("socket"), "skipped");
    assert!(!found.is_bundled());
    // One that nobody can ask through stands in the way, of which there is nothing to show.
    in_time("closing", poe.close()).await;
    poe.own_profile(None).expect("it is free");
    let found = doctor(&world, &[], 11).await;
    assert_eq!(found.outcome("profile"), "failed");
    assert!(!found.is_bundled());
    in_time("closing", poe.close()).await;
    world.end().await;
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_told_before_the_profile() {
    let Some(disk) = disk::SmallDisk::mount() else { return };
    let world = World::signed_out().await;
    let full = disk.0.path().to_str().expect("a plain name").to_owned();
    let profile = disk.0.path().join("profile");
    std::fs::create_dir(&profile).expect("made");
    std::fs::write(profile.join("Local State"), "{}").expect("written");
    // Its last byte is taken too.
    let mut filler = std::fs::File::create(disk.0.path().join("filler")).expect("made");
    while std::io::Write::write_all(&mut filler, &[0; 4096]).is_ok() {}
    let profile = profile.to_str().expect("a plain name");
    let found = doctor(&world, &["--user-data-dir", profile], 11).await;
    found.assert_ends_at("disk_space", "disk is full");
    let advice = &found.check("disk_space")["advice"];
    assert!(advice.as_str().is_some_and(|advice| advice.contains("make room")), "{advice}");
    assert!(found.bundle().is_some());

    let mut command = lenore(&["--site", world.sim.url(), "--user-data-dir", profile, "doctor"]);
    command.args(["--output", &full]);
    let ended = Program::start(command).end().await.with_code(11);
    assert!(ended.stdout.contains("✗ disk space"), "{ended:#?}");
    assert!(ended.error().contains("the bundle"), "{ended:#?}");
    assert!(ended.error().contains("--output DIR"), "{ended:#?}");
    let bundles = std::fs::read_dir(&full).expect("readable").flatten();
    let bundles = bundles.filter(|it| it.file_name().to_string_lossy().contains("doctor"));
    assert_eq!(bundles.count(), 0, "half a bundle is left");
    world.end().await;
}
