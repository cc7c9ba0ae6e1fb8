//! Where browsers live on this machine.

use std::path::PathBuf;

use crate::{Error, ErrorKind, Result};

/// The old headless mode as a program of its own: smaller, and up to three times as fast to start.
const HEADLESS_ONLY: &[&str] =
    &["chromium-headless-shell", "chrome-headless-shell", "headless_shell"];

const FULL: &[&str] = &[
    "chromium",
    "chromium-browser",
    "google-chrome-stable",
    "google-chrome",
    "chrome",
    "microsoft-edge-stable",
    "msedge",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
];

const FIREFOX: &[&str] = &[
    "firefox",
    "firefox-esr",
    "firefox-developer-edition",
    "/Applications/Firefox.app/Contents/MacOS/firefox",
    r"C:\Program Files\Mozilla Firefox\firefox.exe",
    r"C:\Program Files (x86)\Mozilla Firefox\firefox.exe",
];

/// Finds a Chromium on the `PATH` or in the platform's usual places. For headless work the
/// headless-only program comes first; a visible window needs a full one.
///
/// # Errors
/// [`ErrorKind::NotFound`], with what to install.
pub fn find_chromium(headless: bool) -> Result<PathBuf> {
    let headless_only = if headless { HEADLESS_ONLY } else { &[] };
    headless_only.iter().chain(FULL).find_map(|name| which::which(name).ok()).ok_or_else(|| {
        let install = if cfg!(target_os = "macos") {
            "brew install --cask chromium"
        } else if cfg!(windows) {
            "winget install Google.Chrome"
        } else {
            "apt install chromium (Debian), dnf install chromium (Fedora), pacman -S chromium \
             (Arch), snap install chromium (Ubuntu)"
        };
        Error::new(
            ErrorKind::NotFound,
            format!(
                "no Chromium or Chrome was found; install one ({install}) or name its program \
                 with --browser-binary"
            ),
        )
    })
}

/// Finds a Firefox on the `PATH` or in the platform's usual places.
///
/// # Errors
/// [`ErrorKind::NotFound`], with what to install.
pub fn find_firefox() -> Result<PathBuf> {
    FIREFOX.iter().find_map(|name| which::which(name).ok()).ok_or_else(|| {
        let install = if cfg!(target_os = "macos") {
            "brew install --cask firefox"
        } else if cfg!(windows) {
            "winget install Mozilla.Firefox"
        } else {
            "apt install firefox-esr (Debian), snap install firefox (Ubuntu), dnf install firefox \
             (Fedora), pacman -S firefox (Arch)"
        };
        Error::new(
            ErrorKind::NotFound,
            format!(
                "no Firefox was found; install one ({install}) or name its program with \
                 --browser-binary"
            ),
        )
    })
}

/// Finds a geckodriver on the `PATH`; a Firefox is driven by it.
///
/// # Errors
/// [`ErrorKind::NotFound`], with what to install.
pub fn find_geckodriver() -> Result<PathBuf> {
    which::which("geckodriver").map_err(|_| {
        let install = if cfg!(target_os = "macos") {
            "brew install geckodriver"
        } else if cfg!(windows) {
            "winget install Mozilla.GeckoDriver"
        } else {
            "cargo install geckodriver, pacman -S geckodriver (Arch), or \
             https://github.com/mozilla/geckodriver/releases"
        };
        Error::new(
            ErrorKind::NotFound,
            format!(
                "no geckodriver was found, which drives Firefox; install it ({install}) or name \
                 its program with --browser-driver"
            ),
        )
    })
}

/// Whether a window can be shown here: on Linux, whether there is a display to show it on.
pub fn can_show_window() -> bool {
    cfg!(any(windows, target_os = "macos"))
        || ["WAYLAND_DISPLAY", "DISPLAY"]
            .iter()
            .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}
