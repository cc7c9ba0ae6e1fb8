//! The machine, and the versions of what is measured on it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The program of that name on the `PATH`.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join(name)).find(|file| file.is_file())
}

/// Where the peers are installed (`scripts/setup.sh peers`).
pub(crate) fn installed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/peers")
}

/// The Chromium that everybody drives: the headless-only one where it is installed.
pub(crate) fn chromium() -> Option<PathBuf> {
    const HEADLESS_ONLY: [&str; 2] = ["chromium-headless-shell", "chrome-headless-shell"];
    HEADLESS_ONLY.iter().find_map(|name| program(name)).or_else(full_chromium)
}

/// The whole program, which alone a chromedriver can start.
pub(crate) fn full_chromium() -> Option<PathBuf> {
    const FULL: [&str; 4] =
        ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];
    FULL.iter().find_map(|name| program(name))
}

/// A sentence about the machine and the versions.
pub(crate) fn description() -> String {
    let installed = installed();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory = fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let kilobytes = text.strip_prefix("MemTotal:")?.split_whitespace().next()?;
        Some(kilobytes.parse::<u64>().ok()?.div_ceil(1 << 20))
    });
    let mut parts = vec![system(), format!("{cores} cores")];
    parts.extend(memory.map(|memory| format!("{memory} GB")));
    parts.extend(chromium().and_then(|browser| first_line(Command::new(browser).arg("--version"))));
    parts.extend(first_line(Command::new("node").arg("--version")).map(|v| format!("Node {v}")));
    for (name, package) in [("Playwright", "playwright-core"), ("Puppeteer", "puppeteer-core")] {
        let file = installed.join("node_modules").join(package).join("package.json");
        let package = fs::read(file).ok().and_then(|text| serde_json::from_slice(&text).ok());
        let version = package.and_then(|package: serde_json::Value| {
            package["version"].as_str().map(|version| format!("{name} {version}"))
        });
        parts.extend(version);
    }
    let selenium = "import selenium, platform; \
                    print(f'Python {platform.python_version()}, Selenium {selenium.__version__}')";
    parts.extend(first_line(
        Command::new(installed.join("python/bin/python")).args(["-c", selenium]),
    ));
    parts.join(", ")
}

fn system() -> String {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    name.map_or_else(|| std::env::consts::OS.to_owned(), |name| name.trim_matches('"').to_owned())
}

fn first_line(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).lines().next()?.trim().to_owned())
}
