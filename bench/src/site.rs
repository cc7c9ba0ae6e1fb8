//! The local site, as a process of its own.

use std::collections::HashSet;
use std::path::PathBuf;
use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::Failure;

/// A running `lenore sim`, which ends with the value.
pub(crate) struct Site {
    pub(crate) url: String,
    _child: Child,
}

/// The program, built beside this one.
pub(crate) fn program() -> Result<PathBuf, Failure> {
    let here = std::env::current_exe()?;
    Ok(here.with_file_name("lenore").with_extension(std::env::consts::EXE_EXTENSION))
}

impl Site {
    /// Of an edition, with further habits.
    pub(crate) async fn start(edition: &str, habits: &[String]) -> Result<Self, Failure> {
        let mut child = Command::new(program()?)
            .args(["sim", "--port", "0", "--edition", edition])
            .args(habits.iter().flat_map(|habit| ["--habit", habit]))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let stdout = child.stdout.take().ok_or("no stdout")?;
        let mut lines = BufReader::new(stdout).lines();
        let url = lines.next_line().await?.ok_or("the site did not start")?;
        Ok(Self { url, _child: child })
    }

    /// The texts of all answers that have ended, without the space at their ends, which nobody can
    /// see on the page.
    pub(crate) async fn answers(&self) -> Result<HashSet<String>, Failure> {
        let log = reqwest::get(format!("{}/sim/log", self.url)).await?.text().await?;
        let entries = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let answers = entries.filter(|entry| entry["kind"] == "answer");
        Ok(answers
            .filter_map(|answer| Some(answer["text"].as_str()?.trim_end().to_owned()))
            .collect())
    }
}

/// The newest code that was mailed to an address.
pub(crate) async fn code(site: &str, email: &str) -> Result<String, Failure> {
    let url = format!("{site}/sim/inbox.json?email={email}");
    let mail: Value = serde_json::from_slice(&reqwest::get(url).await?.bytes().await?)?;
    Ok(mail["code"].as_str().ok_or("no code was mailed")?.to_owned())
}
