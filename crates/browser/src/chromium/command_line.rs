//! The switches that Chromium is started with, and why.

use std::ffi::OsString;
use std::path::Path;

use crate::profile::MARK;
use crate::{LaunchOptions, Proxy};

/// Always.
const COMMON: &[&str] = &[
    "--no-first-run",
    "--no-default-browser-check",
    // Nothing of the browser's own goes out to its maker.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-domain-reliability",
    "--disable-client-side-phishing-detection",
    "--disable-default-apps",
    "--disable-breakpad",
    "--no-pings",
    "--metrics-recording-only",
    // The same key for cookies in every kind of Chromium, so that a profile that was signed in
    // with one is signed in with the other, and no keyring asks for a password.
    "--password-store=basic",
    "--use-mock-keychain",
    // Tabs that nobody looks at go on at full speed.
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    // Tabs of one site share a few processes: half the memory for each, and opened faster. When
    // one crashes, the answers of its tabs are read again.
    "--renderer-process-limit=4",
    // /dev/shm is small in containers.
    "--disable-dev-shm-usage",
    "--disable-features=Translate,OptimizationHints,MediaRouter",
];

/// With no window.
const HEADLESS: &[&str] =
    &["--headless=new", "--hide-scrollbars", "--mute-audio", "--window-size=1280,900"];

/// The switches of every Chromium that is started for us, by us or by a driver.
pub(crate) fn switches(headless: bool, on_this_machine: bool) -> Vec<&'static str> {
    let mut switches = COMMON.to_vec();
    if headless {
        switches.extend(HEADLESS);
    }
    if on_this_machine && runs_as_root() {
        tracing::warn!(
            "running as root, so the browser's sandbox is off; prefer a user of its own"
        );
        switches.push("--no-sandbox");
    }
    switches
}

/// The switches of a Chromium behind a proxy.
pub(crate) fn proxy_switches(proxy: &Proxy) -> [String; 2] {
    [
        format!("--proxy-server={}", proxy.server()),
        format!("--proxy-bypass-list={}", proxy.bypass().for_chromium()),
    ]
}

/// The whole command line but for the program.
pub(super) fn arguments(
    options: &LaunchOptions,
    proxy: Option<&Proxy>,
    profile: &Path,
) -> Vec<OsString> {
    let switches = switches(options.headless, true);
    let mut arguments: Vec<OsString> =
        [MARK].into_iter().chain(switches).map(OsString::from).collect();
    let mut user_data_dir = OsString::from("--user-data-dir=");
    user_data_dir.push(profile);
    arguments.push(user_data_dir);
    // With a pipe alone no port is open to which another user of the machine could attach.
    arguments.push(
        if cfg!(unix) { "--remote-debugging-pipe" } else { "--remote-debugging-port=0" }.into(),
    );
    arguments.extend(proxy.map(proxy_switches).into_iter().flatten().map(OsString::from));
    arguments.extend(options.args.iter().map(OsString::from));
    arguments.push("about:blank".into());
    arguments
}

#[cfg(unix)]
fn runs_as_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[cfg(not(unix))]
fn runs_as_root() -> bool {
    false
}
