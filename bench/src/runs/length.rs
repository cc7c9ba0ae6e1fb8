//! A long answer: what it costs, and what it costs when it is twice as long.

use std::path::Path;
use std::time::Duration;

use tokio::process::Command;

use super::{Bench, check, row};
use crate::peers::OURS;
use crate::table::{self, Cell, Row};
use crate::{Failure, machine, process};

/// How long the tap may take for its frames.
const WAIT: Duration = Duration::from_secs(60);
/// How often the tap is measured alone: a few milliseconds of it vary.
const TAPPED: usize = 7;

pub(super) async fn run(bench: &mut Bench<'_>) -> Vec<Row> {
    let updates = if bench.quick { 1_000 } else { 5_000 };
    let once = client(bench, updates).await;
    let twice = client(bench, 2 * updates).await;
    let mut rows = pair(once, twice);
    let tapped = if bench.quick { 250 } else { 500 };
    match (tap(bench, tapped).await, tap(bench, 2 * tapped).await) {
        (Ok(once), Ok(twice)) => rows.extend(pair(once, twice)),
        (Err(error), _) | (_, Err(error)) => eprintln!("skipped: the tap alone: {error}"),
    }
    rows
}

/// The processor time of the client's own process. Its browser is not counted, which has every
/// text to read again from its beginning. The updates come at a steady pace that both lengths can
/// keep: as fast as can be, those of a short text would come several at a time, and each of a long
/// one would have to wake the client, which costs more than what it brings.
async fn client(bench: &mut Bench<'_>, updates: usize) -> Row {
    let site = bench.site;
    let prompt = format!(
        "Measure this. [[sim: length={}, chunks={updates}, gap=2, delay=0]]",
        updates * 100
    );
    let times = bench.in_turn(1, async |peer| {
        let Some(process) = peer.process().filter(|_| peer.own()) else { return Ok(None) };
        let before = process::cpu(process).ok_or("the system does not tell")?;
        let heard = peer.ask(&prompt, 1).await?;
        let after = process::cpu(process).ok_or("the system does not tell")?;
        check(site, &heard).await?;
        Ok(Some(after.saturating_sub(before)))
    });
    let name = format!("processor time of the client, {updates} updates of 100 characters");
    row(name, "", &times.await, |rounds| match rounds {
        [Some(time), ..] => Cell::Rounds(vec![*time]),
        _ => Cell::None,
    })
}

/// The time that the tap takes of the page, in the same engine without a page.
async fn tap(bench: &Bench<'_>, updates: usize) -> Result<Row, Failure> {
    let mut times = Vec::new();
    for _ in 0..TAPPED {
        times.push(tap_once(updates).await?);
    }
    let cells = bench.entrants.iter().map(|entrant| {
        if entrant.script.name == OURS { Cell::Rounds(times.clone()) } else { Cell::None }
    });
    let name = format!("time in the tap, {updates} updates of 1,000 characters");
    Ok(Row { name, goal: "", cells: cells.collect() })
}

async fn tap_once(updates: usize) -> Result<Duration, Failure> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let node = machine::program("node").ok_or("Node is not installed")?;
    let run = Command::new(node)
        .arg(here.join("peers/tap.mjs"))
        .arg(here.join("../crates/poe/src"))
        .arg(updates.to_string())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(WAIT, run).await??;
    let told: serde_json::Value = serde_json::from_slice(&output.stdout)
        .map_err(|_| String::from_utf8_lossy(&output.stderr).into_owned())?;
    Ok(Duration::from_micros(told["cpu_us"].as_u64().ok_or("it told no time")?))
}

/// Two rows, and one that says how much more the second is.
fn pair(once: Row, twice: Row) -> Vec<Row> {
    let cells = once.cells.iter().zip(&twice.cells).map(|cells| match cells {
        (Cell::Failed, _) | (_, Cell::Failed) => Cell::Failed,
        (once, twice) => match (table::middle(once), table::middle(twice)) {
            (Some(once), Some(twice)) => Cell::Ratio(twice / once),
            _ => Cell::None,
        },
    });
    let growth = Row { name: "… growth".into(), goal: "≤ 2.1×", cells: cells.collect() };
    vec![once, twice, growth]
}
