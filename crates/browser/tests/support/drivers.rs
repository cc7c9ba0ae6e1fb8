//! Drivers of browsers, where they are installed.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A chromedriver of the test's own, with a directory for what its browsers write.
#[derive(Debug)]
pub(crate) struct Chromedriver {
    pub(crate) child: Child,
    pub(crate) url: String,
    _files: tempfile::TempDir,
}

impl Chromedriver {
    /// Starts one, where it is installed.
    pub(crate) fn start() -> Option<Self> {
        let files = tempfile::tempdir().expect("a directory");
        let child = Command::new("chromedriver")
            .arg("--port=0")
            .env("TMPDIR", files.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn();
        let Ok(mut child) = child else {
            eprintln!("skipped: chromedriver is not installed");
            return None;
        };
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let port = loop {
            let line = lines.next().expect("it says where it listens").expect("text");
            if let Some((_, port)) = line.split_once("successfully on port ") {
                break port.trim_end_matches('.').to_owned();
            }
        };
        // Read to its end, so that it never blocks.
        std::thread::spawn(move || lines.for_each(drop));
        Some(Self { child, url: format!("http://127.0.0.1:{port}"), _files: files })
    }
}

impl Drop for Chromedriver {
    fn drop(&mut self) {
        // Its number is its own until it is waited for, and that of its browsers' group.
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-9", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.child.wait();
    }
}

/// A geckodriver, where one is installed, or was put into the directory of what is built.
pub(crate) fn geckodriver() -> Option<PathBuf> {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/geckodriver/geckodriver");
    let found = [PathBuf::from("geckodriver"), built].into_iter().find(|program| runs(program));
    if found.is_none() {
        eprintln!("skipped: geckodriver is not installed");
    }
    let has_firefox = ["firefox", "firefox-esr"].iter().any(|name| runs(Path::new(name)));
    if !has_firefox {
        eprintln!("skipped: firefox is not installed");
    }
    found.filter(|_| has_firefox)
}

fn runs(program: &Path) -> bool {
    let mut version = Command::new(program);
    version.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    version.status().is_ok_and(|status| status.success())
}
