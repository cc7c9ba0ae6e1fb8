//! What another open chat takes of the memory: the proportional size of all processes, with one
//! chat and with nine.

use std::time::Duration;

use super::{Bench, row};
use crate::process;
use crate::table::{Cell, Row};

/// An answer that has no end.
const OPEN: &str = "Measure this. [[sim: stamp, chunks=51, silent=50, gap=10, delay=0]]";
const PIECES: usize = 50;

/// How many chats more are opened.
const MORE: usize = 8;

pub(super) async fn run(bench: &mut Bench<'_>) -> Row {
    let sizes = bench.in_turn(1, async |peer| {
        if !peer.many() {
            return Ok(None);
        }
        peer.hold(OPEN, 1, PIECES).await?;
        let one = settled(peer.process()).await;
        peer.hold(OPEN, MORE, PIECES).await?;
        let many = settled(peer.process()).await;
        peer.release().await?;
        // Without a browser there are no chats to hold open.
        Ok(one.zip(many).map(|(one, many)| (many - one) / MORE as i64))
    });
    row("memory of a further chat", "≤ 1 MB", &sizes.await, |rounds| {
        let sizes: Vec<i64> =
            rounds.iter().flatten().copied().filter(|size| *size > 1 << 16).collect();
        if sizes.is_empty() { Cell::None } else { Cell::Bytes(sizes) }
    })
}

/// The memory of a process and its descendants, some time after the last event.
async fn settled(process: Option<u32>) -> Option<i64> {
    tokio::time::sleep(Duration::from_millis(1000)).await;
    i64::try_from(process::memory(&process::tree(process?))?).ok()
}
