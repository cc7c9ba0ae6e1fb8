//! From the start of a process to the first piece of an answer, on a profile that is signed in.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::io::AsyncReadExt;
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
    let rounds = if quick { 2 } else { 5 };
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
    let goal = "≤ 0.5 s, a third of the original's";
    Row { name: "cold: start of the process to first piece".into(), goal, cells }
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
