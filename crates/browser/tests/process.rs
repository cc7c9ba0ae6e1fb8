//! A browser's start and end: nothing is left behind, whatever ends it.

#[cfg(target_os = "linux")]
#[path = "support/disk.rs"]
mod disk;
#[cfg(target_os = "linux")]
#[path = "../../poe/tests/support/processes.rs"]
mod processes;
mod support;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use lenore_browser::{
    Browser, ErrorKind, Isolation, LOCK_FILE, LaunchOptions, PageOptions, Profile, Program,
};
use serde_json::{Value, json};
use support::{browser, serve};
use tokio::sync::{Notify, mpsc};
use tokio_tungstenite::tungstenite::Message;

const WAIT: Duration = Duration::from_secs(20);

/// The processes, with their numbers, whose command line names a directory.
fn processes_of(directory: &std::path::Path) -> Vec<(u32, String)> {
    let needle = directory.to_str().expect("a plain name");
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let commands = entries.flatten().filter_map(|entry| {
        let command = std::fs::read(entry.path().join("cmdline")).ok()?;
        let command = String::from_utf8_lossy(&command).replace('\0', " ");
        let pid = entry.file_name().to_str()?.parse().ok()?;
        command.contains(needle).then_some((pid, command))
    });
    commands.collect()
}

fn on(directory: &std::path::Path) -> LaunchOptions {
    LaunchOptions { profile: Profile::Directory(directory.to_owned()), ..LaunchOptions::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_browser_leaves_no_process_and_no_lock() {
    let dir = tempfile::tempdir().expect("a directory");
    let browser = Browser::launch(&on(dir.path())).await.expect("started");
    assert!(!processes_of(dir.path()).is_empty());
    assert!(dir.path().join(LOCK_FILE).exists());
    let error = Browser::launch(&on(dir.path())).await.expect_err("taken");
    assert_eq!(error.kind(), ErrorKind::ProfileInUse { pid: Some(std::process::id()) });
    drop(browser);
    assert_eq!(processes_of(dir.path()), Vec::new());
    assert!(!dir.path().join(LOCK_FILE).exists());
    assert!(std::fs::symlink_metadata(dir.path().join("SingletonLock")).is_err());
}

/// The environments of the processes of a profile.
#[cfg(target_os = "linux")]
fn environments_of(directory: &std::path::Path) -> String {
    let processes = processes_of(directory).into_iter();
    let environments = processes.map(|(pid, _)| std::fs::read(format!("/proc/{pid}/environ")));
    let environments = environments.map(|found| found.unwrap_or_default());
    let text = environments.map(|found| String::from_utf8_lossy(&found).replace('\0', "\n"));
    text.collect::<Vec<_>>().join("\n")
}

/// The lines of the kernel's list of TCP sockets that listen and belong to one of these processes.
#[cfg(target_os = "linux")]
fn listening(pids: &[u32]) -> Vec<String> {
    let links = pids.iter().flat_map(|pid| {
        let files = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        files.filter_map(|file| std::fs::read_link(file.path()).ok()).collect::<Vec<_>>()
    });
    let sockets: std::collections::HashSet<_> =
        links.map(|link| link.to_string_lossy().into_owned()).collect();
    let lists = ["/proc/net/tcp", "/proc/net/tcp6"];
    let lists = lists.map(|list| std::fs::read_to_string(list).unwrap_or_default());
    let lines = lists.iter().flat_map(|list| list.lines().skip(1));
    let is_theirs = |line: &&str| {
        let fields: Vec<_> = line.split_whitespace().collect();
        fields[3] == "0A" && sockets.contains(&format!("socket:[{}]", fields[9]))
    };
    lines.filter(is_theirs).map(str::to_owned).collect()
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_browser_of_ours_listens_on_no_port() {
    let dir = tempfile::tempdir().expect("a directory");
    let browser = Browser::launch(&on(dir.path())).await.expect("started");
    let (page, _tap) = browser.open_page(&PageOptions::default(), WAIT).await.expect("opened");
    page.navigate(&serve(&[("/", "<p>here</p>")]).await, WAIT).await.expect("loaded");
    let ours = processes::of_profile(dir.path());
    assert!(ours.len() > 1, "{ours:#?}");
    let pids: Vec<_> = ours.iter().map(|(pid, _)| *pid).collect();
    assert_eq!(listening(&pids), Vec::<String>::new());
    // The look itself: this process listens, for the page.
    assert!(!listening(&[std::process::id()]).is_empty());
    browser.close().await;
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_browser_gets_no_key_of_our_environment() {
    // What cargo runs a test with stands for all that is of no use to a browser.
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    let dir = tempfile::tempdir().expect("a directory");
    let browser = Browser::launch(&on(dir.path())).await.expect("started");
    let found = environments_of(dir.path());
    assert!(found.lines().any(|line| line.starts_with("PATH=")), "{found}");
    assert!(!found.lines().any(|line| line.starts_with("CARGO")), "{found}");
    browser.close().await;
}

/// The files that the processes of a profile have open.
#[cfg(target_os = "linux")]
fn open_files_of(directory: &std::path::Path) -> Vec<PathBuf> {
    let processes = processes_of(directory).into_iter();
    let open = processes.filter_map(|(pid, _)| std::fs::read_dir(format!("/proc/{pid}/fd")).ok());
    open.flatten().flatten().filter_map(|open| std::fs::read_link(open.path()).ok()).collect()
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_browser_inherits_nothing_that_is_open_here() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = tempfile::NamedTempFile::new().expect("a file");
    // As a shell hands descriptors down, and as a pipe of whoever waits for our output.
    let mut handed_down = Vec::new();
    for _ in 0..8 {
        let open = file.reopen().expect("it is there");
        rustix::io::fcntl_setfd(&open, rustix::io::FdFlags::empty()).expect("a descriptor");
        handed_down.push(open);
    }
    let browser = Browser::launch(&on(dir.path())).await.expect("started");
    let open = open_files_of(dir.path());
    assert!(open.len() > 3, "{open:?}");
    assert!(!open.iter().any(|path| path == file.path()), "{open:?}");
    browser.close().await;
}

/// The frames of a browser that have a process of their own, by their hosts.
async fn frames_apart(isolation: Isolation) -> Vec<String> {
    let other = serve(&[("/", "<p>a frame</p>")]).await.replace("127.0.0.1", "localhost");
    let page: &'static str = format!("<iframe src='{other}'></iframe>").leak();
    let site = serve(&[("/", page)]).await;
    let dir = tempfile::tempdir().expect("a directory");
    let mut options = LaunchOptions { isolation, ..on(dir.path()) };
    options.args.push("--remote-debugging-port=0".into());
    let browser = Browser::launch(&options).await.expect("started");
    let port = std::fs::read_to_string(dir.path().join("DevToolsActivePort")).expect("written");
    let address = format!("http://127.0.0.1:{}", port.lines().next().expect("a port"));
    let (tab, _tap) = browser.open_page(&PageOptions::default(), WAIT).await.expect("opened");
    tab.navigate(&site, WAIT).await.expect("loaded");
    tab.call_until("() => document.readyState === 'complete'", &[], WAIT).await.expect("loaded");
    let found = targets(&address, "iframe").await;
    browser.close().await;
    found.iter().map(|frame| frame["url"].as_str().expect("an address").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_of_another_site_has_a_process_of_its_own() {
    let origins = Isolation::Origins(vec!["http://127.0.0.1".to_owned()]);
    for isolation in [Isolation::Sites, origins] {
        let apart = frames_apart(isolation.clone()).await;
        assert!(
            matches!(&*apart, [frame] if frame.contains("localhost")),
            "{isolation:?} {apart:?}"
        );
    }
}

#[test]
fn a_panic_leaves_nothing_either() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().to_owned();
    let panicked = std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let _browser = Browser::launch(&on(&path)).await.expect("started");
            panic!("on purpose");
        })
    })
    .join();
    assert!(panicked.is_err());
    assert_eq!(processes_of(dir.path()), Vec::new());
    assert!(!dir.path().join(LOCK_FILE).exists());
}

#[tokio::test]
async fn a_drop_inside_a_runtime_of_one_thread_ends_the_browser_in_order() {
    let dir = tempfile::tempdir().expect("a directory");
    let browser = Browser::launch(&on(dir.path())).await.expect("started");
    let begin = std::time::Instant::now();
    drop(browser);
    // A browser that had to be killed would have taken the whole grace time of three seconds.
    assert!(begin.elapsed() < Duration::from_millis(2500));
    assert_eq!(processes_of(dir.path()), Vec::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_is_killed_fails_its_pages_at_once() {
    let site = serve(&[("/", "<p>alive</p>")]).await;
    let dir = tempfile::tempdir().expect("a directory");
    let browser = Browser::launch(&on(dir.path())).await.expect("started");
    let (page, mut tap) = browser.open_page(&PageOptions::default(), WAIT).await.expect("opened");
    page.navigate(&site, WAIT).await.expect("loaded");
    let processes = processes_of(dir.path());
    // Neither a helper nor a packager's shell script around the program.
    let is_main = |command: &str| {
        command.contains("--remote-debugging-pipe")
            && !command.contains("--type=")
            && !command.contains("/sh ")
    };
    let main = processes.iter().find(|process| is_main(&process.1)).expect("it runs");
    let pid = main.0.to_string();
    let call = page.call("() => new Promise(() => {})", &[], WAIT);
    let kill = async {
        let status = std::process::Command::new("kill").args(["-9", &pid]).status();
        assert!(status.expect("kill runs").success());
    };
    let (result, ()) = tokio::join!(call, kill);
    assert_eq!(result.expect_err("gone").kind(), ErrorKind::Closed);
    while tokio::time::timeout(WAIT, tap.next()).await.expect("in time").is_some() {}
    assert!(!browser.is_alive());
    drop(browser);
    assert_eq!(processes_of(dir.path()), Vec::new());
}

#[tokio::test]
async fn what_is_no_browser_is_said_so() {
    for (program, said) in [("/bin/false", "ended"), ("/etc/hostname", "ended"), ("/none", "start")]
    {
        let options = LaunchOptions {
            binary: Some(PathBuf::from(program)),
            wait: Duration::from_secs(5),
            ..LaunchOptions::default()
        };
        let error = Browser::launch(&options).await.expect_err(program);
        assert_eq!(error.kind(), ErrorKind::Launch, "{program}");
        assert!(error.to_string().contains(said), "{error}");
    }
}

#[tokio::test]
async fn what_cannot_be_attached_to_is_told_apart() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let nobody = format!("http://{}", listener.local_addr().expect("bound"));
    drop(listener);
    let site = serve(&[("/", "a site")]).await;
    let junk = serve(&[("/json/version", "<p>no browser</p>")]).await;
    let socket = format!("{}/devtools/browser/gone", site.replace("http:", "ws:"));
    for (address, said) in [
        (nobody, "nothing listens"),
        (site, "/devtools/browser/ID"),
        (junk, "is no Chromium"),
        (socket, "its ID changes"),
    ] {
        let error = Browser::connect(&address, WAIT).await.expect_err("no browser");
        assert_eq!(error.kind(), ErrorKind::Launch, "{address}");
        let words = error.to_string();
        assert!(words.contains(said), "{address}: {words}");
        assert!(said == "its ID changes" || words.contains("--user-data-dir"), "{words}");
    }
}

#[test]
fn a_program_is_taken_for_what_its_name_says() {
    let named = |name: &str| Program::named(std::path::Path::new(name));
    assert_eq!(named("/usr/bin/firefox"), Some(Program::Firefox));
    assert_eq!(named("/opt/firefox-esr/firefox-bin"), Some(Program::Firefox));
    assert_eq!(named("/usr/bin/chromium-headless-shell"), Some(Program::Chromium));
    assert_eq!(named("/usr/bin/google-chrome-stable"), Some(Program::Chromium));
    assert_eq!(named("/usr/local/bin/browser"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_browser_is_attached_to_and_left_running() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut options = on(dir.path());
    options.args.push("--remote-debugging-port=0".into());
    let browser = Browser::launch(&options).await.expect("started");
    let port = std::fs::read_to_string(dir.path().join("DevToolsActivePort")).expect("written");
    let address = format!("http://127.0.0.1:{}", port.lines().next().expect("a port"));
    let attached = Browser::connect(&address, WAIT).await.expect("attached");
    assert!(!attached.is_ours());
    let (page, _tap) = attached.open_page(&PageOptions::default(), WAIT).await.expect("opened");
    assert_eq!(page.call("() => 6 * 7", &[], WAIT).await.expect("alive"), json!(42));
    page.close(WAIT).await.expect("closed");
    attached.close().await;
    assert!(browser.is_alive());
    browser.cookies(WAIT).await.expect("still answers");
    browser.close().await;
    let error = Browser::connect(&address, WAIT).await.expect_err("gone");
    assert_eq!(error.kind(), ErrorKind::Launch);
}

/// What a browser lists itself, of one kind.
async fn targets(address: &str, kind: &str) -> Vec<Value> {
    let listed = reqwest::get(format!("{address}/json/list")).await.expect("it answers");
    let listed: Vec<Value> = listed.json().await.expect("a list");
    listed.into_iter().filter(|target| target["type"] == kind).collect()
}

/// The tabs of a browser.
async fn tabs(address: &str) -> Vec<String> {
    let tabs = targets(address, "page").await;
    tabs.iter().map(|tab| tab["id"].as_str().expect("a name").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_tab_of_ours_is_left_in_a_browser_that_was_attached_to() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut options = on(dir.path());
    options.args.push("--remote-debugging-port=0".into());
    let browser = Browser::launch(&options).await.expect("started");
    let port = std::fs::read_to_string(dir.path().join("DevToolsActivePort")).expect("written");
    let address = format!("http://127.0.0.1:{}", port.lines().next().expect("a port"));
    let before = tabs(&address).await;
    for is_closed in [true, false] {
        let attached = Browser::connect(&address, WAIT).await.expect("attached");
        let mut pages = Vec::new();
        for _ in 0..3 {
            pages.push(attached.open_page(&PageOptions::default(), WAIT).await.expect("opened"));
        }
        assert_eq!(tabs(&address).await.len(), before.len() + 3);
        pages.pop();
        if is_closed {
            attached.close().await;
        } else {
            drop(attached);
        }
        let begin = std::time::Instant::now();
        while tabs(&address).await != before {
            assert!(begin.elapsed() < WAIT, "ours are closed, theirs are not");
        }
    }
    browser.close().await;
}

/// Attaches to the browser that the environment names, opens tabs, and ends as it is told to. It is
/// run as a program of its own, by the test after it.
#[test]
#[ignore = "it is a part of another test"]
fn attach_and_end() {
    let (Ok(address), Ok(how)) = (std::env::var("ATTACH_TO"), std::env::var("END")) else { return };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let attached = Browser::connect(&address, WAIT).await.expect("attached");
        let mut open = Vec::new();
        for _ in 0..3 {
            open.push(attached.open_page(&PageOptions::default(), WAIT).await.expect("opened"));
        }
        let page = PageOptions::default();
        let late = attached.open_page(&page, WAIT);
        // Nobody waits for it any more.
        let _ = tokio::time::timeout(Duration::from_micros(200), late).await;
        open.pop();
        match &*how {
            "killed" => {
                std::fs::write(std::env::var("OPENED").expect("named"), "").expect("written");
                std::future::pending::<()>().await;
            }
            "closed" => {
                drop(open);
                attached.close().await;
            }
            _ => {
                drop((attached, open));
                lenore_browser::sessions_given_back().await;
            }
        }
    });
    // As a program ends that waits for nothing.
    runtime.shutdown_background();
    std::process::exit(0);
}

/// A program that does not outlive the test.
struct Ended(std::process::Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_ends_leaves_no_tab_and_the_next_closes_what_a_killed_one_left() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut options = on(dir.path());
    options.args.push("--remote-debugging-port=0".into());
    let browser = Browser::launch(&options).await.expect("started");
    let port = std::fs::read_to_string(dir.path().join("DevToolsActivePort")).expect("written");
    let address = format!("http://127.0.0.1:{}", port.lines().next().expect("a port"));
    let before = tabs(&address).await;
    let opened = dir.path().join("opened");
    let run = |how: &str| {
        let mut program = std::process::Command::new(std::env::current_exe().expect("it runs"));
        program.args(["--exact", "attach_and_end", "--ignored"]).env("ATTACH_TO", &address);
        program.env("END", how).env("OPENED", &opened).stdout(std::process::Stdio::null());
        Ended(program.spawn().expect("started"))
    };
    for how in ["closed", "dropped", "closed", "dropped", "closed", "dropped"] {
        let mut program = run(how);
        let ended = tokio::task::spawn_blocking(move || program.0.wait());
        let status = tokio::time::timeout(3 * WAIT, ended).await.expect("in time").expect("waited");
        assert!(status.expect("it ended").success(), "{how}");
        are_only(&address, &before).await;
    }
    let mut killed = run("killed");
    let begin = std::time::Instant::now();
    while !opened.exists() {
        assert!(begin.elapsed() < 3 * WAIT, "it opens its tabs");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // The owner of tabs lives still.
    Browser::connect(&address, WAIT).await.expect("attached").close().await;
    assert!(tabs(&address).await.len() >= before.len() + 2);
    killed.0.kill().expect("it ran");
    killed.0.wait().expect("it ended");
    Browser::connect(&address, WAIT).await.expect("attached").close().await;
    are_only(&address, &before).await;
    browser.close().await;
}

/// Waits until a browser has those tabs alone; one that was told to close goes a moment later.
async fn are_only(address: &str, before: &[String]) {
    let begin = std::time::Instant::now();
    while tabs(address).await != before {
        assert!(begin.elapsed() < WAIT, "ours are closed, theirs are not");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A browser that opens a tab only once it is told to; what it was asked to close comes out.
async fn slow_browser() -> (String, Arc<Notify>, mpsc::Receiver<Value>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = format!("ws://{}/", listener.local_addr().expect("bound"));
    let (opens, (closing, closed)) = (Arc::new(Notify::new()), mpsc::channel(8));
    let opening = opens.clone();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("attached to");
        let mut socket = tokio_tungstenite::accept_async(stream).await.expect("a socket");
        while let Some(Ok(command)) = socket.next().await {
            let Ok(command) = serde_json::from_slice::<Value>(&command.into_data()) else { break };
            if command["method"] == "Target.createTarget" {
                opening.notified().await;
            }
            if command["method"] == "Target.closeTarget" {
                closing.send(command["params"]["targetId"].clone()).await.expect("looked at");
            }
            let result = json!({ "product": "Slow/1", "targetId": "T", "sessionId": "S",
                "identifier": "1" });
            let mut answer = json!({ "id": command["id"], "result": result });
            if let Some(session) = command.get("sessionId") {
                answer["sessionId"] = session.clone();
            }
            let answer = Message::text(answer.to_string());
            socket.send(answer).await.expect("it listens");
        }
    });
    (address, opens, closed)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tab_that_comes_late_is_closed() {
    let (address, opens, mut closed) = slow_browser().await;
    let browser = Browser::connect(&address, WAIT).await.expect("attached");
    let error = browser.open_page(&PageOptions::default(), Duration::from_millis(100)).await;
    assert_eq!(error.expect_err("it takes longer").kind(), ErrorKind::Timeout);
    opens.notify_one();
    let late = tokio::time::timeout(WAIT, closed.recv()).await.expect("in time");
    assert_eq!(late, Some(json!("T")));
    browser.close().await;
}

#[tokio::test]
async fn a_key_in_a_browsers_address_is_not_repeated() {
    for address in ["ws://127.0.0.1:1/s3cret?token=s3cret", "wss://s3cret@127.0.0.1:1/?t=s3cret"] {
        let error = Browser::connect(address, WAIT).await.expect_err("nobody there");
        assert_eq!(error.kind(), ErrorKind::Launch);
        assert!(error.to_string().contains("127.0.0.1:1"), "{error}");
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_browsers_run_side_by_side() {
    let (one, two) = tokio::join!(browser(), browser());
    drop(one);
    two.cookies(WAIT).await.expect("the other one's end is its own");
    two.close().await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_is_said_to_be_full() {
    let Some(disk) = disk::SmallDisk::mount() else { return };
    let error = Browser::launch(&on(&disk.0.path().join("profile"))).await.expect_err("full");
    assert_eq!(error.kind(), ErrorKind::Launch);
    assert!(error.to_string().contains("full"), "{error}");
}
