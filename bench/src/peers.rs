//! Who is measured here: what is installed of them.

use std::path::{Path, PathBuf};

use crate::peer::Script;
use crate::{Failure, Options, machine};

/// The one whose bench this is.
pub(crate) const OURS: &str = "Lenore";

/// The floor, Lenore, and the peers that are installed; the others are named on stderr.
pub(crate) fn found(options: &Options) -> Result<Vec<Script>, Failure> {
    let browser = machine::chromium().ok_or("no Chromium was found (scripts/setup.sh browser)")?;
    let lenore = Script {
        browser: options.browser.clone().unwrap_or_else(|| browser.clone()),
        switches: options.switch.clone(),
        ..role(OURS, "lenore", &browser)?
    };
    let mut found = vec![role("the floor", "floor", &browser)?, lenore];
    let all = ["Playwright", "Puppeteer", "Selenium", "the original"];
    let wanted = |name: &&str| {
        let is_start = |start: &String| name.to_lowercase().contains(&start.to_lowercase());
        options.peers.is_empty() || options.peers.iter().any(is_start)
    };
    for name in all.into_iter().filter(wanted) {
        match peer(name, &browser) {
            Some(script) => found.push(script),
            None => eprintln!("skipped: {name} is not installed (scripts/setup.sh ancestor peers)"),
        }
    }
    Ok(found)
}

/// This program in one of its own roles.
fn role(name: &'static str, role: &str, browser: &Path) -> Result<Script, Failure> {
    let command = vec![std::env::current_exe()?, "--role".into(), role.into()];
    Ok(Script {
        name,
        command,
        browser: browser.into(),
        switches: Vec::new(),
        many: true,
        own: true,
    })
}

/// A script with what it needs; `None` where that is not installed.
fn peer(name: &'static str, browser: &Path) -> Option<Script> {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
    let installed = machine::installed();
    let node = |script: &str, package: &str| -> Option<Vec<PathBuf>> {
        let node = machine::program("node")?;
        let is_there = installed.join("node_modules").join(package).is_dir();
        is_there.then(|| vec![node, scripts.join(script), installed.clone()])
    };
    let python = |venv: PathBuf, script: &str| -> Option<Vec<PathBuf>> {
        let python = venv.join("bin/python");
        let is_there = python.is_file() && machine::program("chromedriver").is_some();
        is_there.then(|| vec![python, scripts.join(script), installed.join("original")])
    };
    let ancestor = installed.with_file_name("ancestor");
    let (command, many) = match name {
        "Playwright" => (node("playwright.mjs", "playwright-core")?, true),
        "Puppeteer" => (node("puppeteer.mjs", "puppeteer-core")?, true),
        // These look at one chat at a time.
        "Selenium" => (python(installed.join("python"), "polling.py")?, false),
        _ => (python(ancestor, "original.py")?, false),
    };
    let browser = if many { browser.into() } else { machine::full_chromium()? };
    Some(Script { name, command, browser, switches: Vec::new(), many, own: false })
}
