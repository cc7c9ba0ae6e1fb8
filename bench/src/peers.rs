//! Who is measured here: what is installed of them.

use std::path::{Path, PathBuf};

use crate::peer::Script;
use crate::{Failure, Options, machine};

/// The floor, Lenore, and the peers that are installed; the others are named on stderr.
pub(crate) fn found(options: &Options) -> Result<Vec<Script>, Failure> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let scripts = root.join("peers");
    let installed = machine::installed();
    let program = std::env::current_exe()?;
    let role = |role: &str| vec![program.clone(), "--role".into(), role.into()];
    let python = |venv: PathBuf, script: &str| vec![venv.join("bin/python"), scripts.join(script)];
    let node = |script: &str| vec!["node".into(), scripts.join(script), installed.clone()];
    let modules = |name: &str| installed.join("node_modules").join(name);
    let ancestor = root.join("../target/ancestor");
    let mut original = python(ancestor.clone(), "original.py");
    original.push(installed.join("original"));
    let browser = machine::chromium().ok_or("no Chromium was found (scripts/setup.sh browser)")?;
    let peers = [
        ("the floor", role("floor"), None, true),
        ("Lenore", role("lenore"), None, true),
        ("Playwright", node("playwright.mjs"), Some(modules("playwright-core")), true),
        ("Puppeteer", node("puppeteer.mjs"), Some(modules("puppeteer-core")), true),
        ("Selenium", python(installed.join("python"), "polling.py"), Some(installed.join("python")), false),
        ("the original", original, Some(ancestor), false),
    ];
    let mut found = Vec::new();
    for (name, command, needs, many) in peers {
        let wanted = |prefix: &String| name.to_lowercase().starts_with(&prefix.to_lowercase());
        if found.len() > 0 && !options.peers.is_empty() && !options.peers.iter().any(wanted) {
            continue;
        }
        if needs.is_some_and(|needs| !needs.exists()) {
            eprintln!("skipped: {name} is not installed (scripts/setup.sh peers)");
            continue;
        }
        found.push(Script { name, command, browser: browser.clone(), many });
    }
    Ok(found)
}
