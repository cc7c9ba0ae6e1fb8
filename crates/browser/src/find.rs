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

/// Whether a window can be shown here: on Linux, whether there is a display to show it on.
pub fn can_show_window() -> bool {
    cfg!(any(windows, target_os = "macos"))
        || ["WAYLAND_DISPLAY", "DISPLAY"]
            .iter()
            .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}
