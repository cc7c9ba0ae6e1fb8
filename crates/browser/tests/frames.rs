//! Tabs whose frames wait for our word come and go, and the graphics process bears it.

#![cfg(target_os = "linux")]

#[path = "../../poe/tests/support/processes.rs"]
mod processes;
mod support;

use std::path::Path;
use std::time::Duration;

use futures_util::future::join_all;
use lenore_browser::{Browser, Isolation, LaunchOptions, PageOptions, Profile};
use support::serve;

const WAIT: Duration = Duration::from_secs(20);
const PAGE: &str = "<p>0</p><script>
    const count = () => {
        document.querySelector('p').textContent++;
        requestAnimationFrame(count);
    };
    count();
</script>";

const NEVER: &str = "() => new Promise(() => {})";

/// The graphics processes of a profile's browser.
fn graphics(profile: &Path) -> Vec<u32> {
    let ours = processes::of_profile(profile).into_iter();
    ours.filter(|(_, command)| command.contains("--type=gpu-process")).map(|(pid, _)| pid).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn tabs_come_and_go_and_the_graphics_process_stays() {
    let site = serve(&[("/", PAGE)]).await;
    let dir = tempfile::tempdir().expect("a directory");
    let profile = Profile::Directory(dir.path().to_owned());
    let isolation = Isolation::Browser;
    let options = LaunchOptions { profile, isolation, ..LaunchOptions::default() };
    let browser = Browser::launch(&options).await.expect("started");
    let (page, _tap) = browser.open_page(&PageOptions::default(), WAIT).await.expect("opened");
    page.navigate(&site, WAIT).await.expect("loaded");
    let before = graphics(dir.path());
    assert_eq!(before.len(), 1);
    let come_and_go = |worker: u64| {
        let (browser, site) = (&browser, &site);
        async move {
            for round in 0..20 {
                let opened = browser.open_page(&PageOptions::default(), WAIT).await;
                let (page, tap) = opened.expect("opened");
                page.navigate(site, WAIT).await.expect("loaded");
                // Frames come fast while something is awaited of the page.
                let awaited = page.call(NEVER, &[], WAIT);
                let some_time = Duration::from_millis((7 * worker + 13 * round) % 40);
                let _ = tokio::time::timeout(some_time, awaited).await;
                match round % 3 {
                    0 => drop((page, tap)),
                    1 => page.close(WAIT).await.expect("closed"),
                    _ => {
                        page.navigate(site, WAIT).await.expect("loaded");
                    }
                }
            }
        }
    };
    join_all((0..4).map(come_and_go)).await;
    assert_eq!(graphics(dir.path()), before, "it was started anew");
}
