//! From the start of a process to the first piece of an answer, on a profile that is signed in:
//! with a browser of its own, and through an owner that runs.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::Command;

use super::Entrant;
use super::latency::SHORT;
use crate::Failure;
use crate::peer::Peer;
use crate::peers::OURS;
use crate::site::{Site, program};
use crate::table::{Cell, Row};

/// How long a start may take.
const WAIT: Duration = Duration::from_secs(60);

pub(super) async fn run(site: &Site, entrants: &[Entrant], quick: bool) -> Row {
    let rounds = if quick { 1 } else { 4 };
    let mut cells: Vec<Cell> = entrants.iter().map(|_| Cell::Rounds(Vec::new())).collect();
    // One round more, whose starts read the programs from the disk.
    for round in 0..=rounds {
        for (Entrant { script, profile }, cell) in entrants.iter().zip(&mut cells) {
            let Cell::Rounds(times) = cell else { continue };
            // Lenore's users start the program, not the harness's role.
            let time = match script.name {
                OURS => ask(&site.url, profile.path()).await,
                _ => Peer::cold(script, &site.url, profile.path(), SHORT).await,
            };
            match time {
                Ok(_) if round == 0 => {}
                Ok(time) => times.push(time),
                Err(error) => {
                    eprintln!("{}, cold: {error}", script.name);
                    *cell = Cell::Failed;
                }
            }
        }
    }
    let goal = "≤ 0.5 × the best peer's";
    Row { name: "cold: start of the process to first piece".into(), goal, cells }
}

/// `lenore ask` while `lenore serve` owns the profile and its browser.
pub(super) async fn through_owner(site: &Site, entrants: &[Entrant], quick: bool) -> Row {
    let mut cells: Vec<Cell> = entrants.iter().map(|_| Cell::None).collect();
    for (Entrant { script, profile }, cell) in entrants.iter().zip(&mut cells) {
        if script.name == OURS {
            let rounds = if quick { 3 } else { 10 };
            *cell = asked_of_owner(&site.url, profile.path(), rounds).await.map_or_else(
                |error| {
                    eprintln!("through an owner: {error}");
                    Cell::Failed
                },
                Cell::Times,
            );
        }
    }
    let goal = "≤ 60 ms over warm";
    Row { name: "`lenore ask` through a running owner: start to first piece".into(), goal, cells }
}

async fn asked_of_owner(
    site: &str,
    profile: &Path,
    rounds: usize,
) -> Result<Vec<Duration>, Failure> {
    let mut owner = Command::new(program()?)
        .args(["serve", "--listen", "127.0.0.1:0", "--site", site, "--user-data-dir"])
        .arg(profile)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let stdout = owner.stdout.take().ok_or("no stdout")?;
    let mut lines = BufReader::new(stdout).lines();
    tokio::time::timeout(WAIT, lines.next_line()).await??.ok_or("the owner did not start")?;
    // The first question pays for what is warm later on.
    ask(site, profile).await?;
    let mut times = Vec::new();
    for _ in 0..rounds {
        super::pause().await;
        times.push(ask(site, profile).await?);
    }
    owner.kill().await?;
    // Its browser ends with it, and lets the profile go.
    super::pause().await;
    Ok(times)
}

/// From the start of `lenore ask` to the first byte on its stdout.
async fn ask(site: &str, profile: &Path) -> Result<Duration, Failure> {
    let begin = Instant::now();
    let mut child = Command::new(program()?)
        .args(["ask", "-m", "gpt-4", "--site", site, "--user-data-dir"])
        .arg(profile)
        .arg(SHORT)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let mut stdout = child.stdout.take().ok_or("no stdout")?;
    tokio::time::timeout(WAIT, stdout.read_u8()).await??;
    let first = begin.elapsed();
    let mut rest = Vec::new();
    stdout.read_to_end(&mut rest).await?;
    if !child.wait().await?.success() {
        return Err("the program failed".into());
    }
    Ok(first)
}
