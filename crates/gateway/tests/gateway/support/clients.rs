//! Clients that others have made, as `scripts/setup.sh clients` installs them.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::process::Command;

/// Longer than any client takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// Where a client is. Where everything is to be checked, none may be missing.
pub(crate) fn installed(part: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/clients").join(part);
    if path.exists() {
        return Some(path);
    }
    let is_needed = std::env::var_os("CI").is_some_and(|value| !value.is_empty());
    assert!(!is_needed, "{part} is not installed, and CI is set; run scripts/setup.sh clients");
    eprintln!("skipped: {part} is not installed; run scripts/setup.sh clients");
    None
}

/// The directory in which Node finds OpenAI's client.
pub(crate) fn node_modules() -> Option<PathBuf> {
    let client = installed("node/node_modules/openai")?;
    Some(client.parent().and_then(Path::parent).expect("two levels up").to_owned())
}

/// A check that is written in a client's own language.
pub(crate) fn script_path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(name)
}

/// Runs a client to its end.
pub(crate) async fn output(mut command: Command) -> Output {
    command.kill_on_drop(true).stdin(Stdio::null());
    let running = tokio::time::timeout(PATIENCE, command.output());
    running.await.expect("it ends in time").expect("it starts")
}
