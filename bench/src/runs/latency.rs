//! One stream: how old its pieces are when they come, and the way to the first one.

use std::time::Duration;

use super::{Bench, check, row};
use crate::heard::Heard;
use crate::table::{Cell, Row};

/// Two hundred pieces, 20 ms apart, the first one at once.
const STREAM: &str = "Measure this. [[sim: stamp, chunks=200, gap=20, delay=0]]";

/// A short answer, for what comes before its first piece.
pub(crate) const SHORT: &str = "Measure this. [[sim: stamp, chunks=3, gap=5, delay=0]]";

/// How long a long prompt is, in characters.
const LONG: usize = 100 * 1024;

pub(super) async fn run(bench: &mut Bench<'_>) -> Vec<Row> {
    let site = bench.site;
    let streams = bench.in_turn(5, async |peer| {
        peer.ready(1).await?;
        let heard = peer.ask(STREAM, 1).await?;
        check(site, &heard).await?;
        Ok(heard)
    });
    let streams = streams.await;
    let short = bench.in_turn(20, async |peer| {
        peer.ready(1).await?;
        let heard = peer.ask(SHORT, 1).await?.swap_remove(0);
        Ok((heard.first, heard.end))
    });
    let short = short.await;
    let prompt = "0123456789abcde\n".repeat(LONG / 16) + SHORT;
    let long = bench.in_turn(5, async |peer| {
        peer.ready(1).await?;
        Ok(peer.ask(&prompt, 1).await?.swap_remove(0).first)
    });
    let long = long.await;
    let ages = |rounds: &[Vec<Heard>]| {
        let pieces = rounds.iter().flatten().flat_map(|heard| &heard.pieces);
        Cell::Times(pieces.map(|piece| piece.1).collect())
    };
    let times = |rounds: &[Duration]| Cell::Times(rounds.to_vec());
    let first = |rounds: &[(Duration, Duration)]| {
        Cell::Times(rounds.iter().map(|(first, _)| *first).collect())
    };
    let end = |rounds: &[(Duration, Duration)]| match rounds {
        // Who does not tell of it has no time for it.
        [(_, Duration::ZERO), ..] => Cell::None,
        rounds => Cell::Times(rounds.iter().map(|(_, end)| *end).collect()),
    };
    vec![
        row(
            "age of a piece, 1 stream",
            "≤ 0.8 × the best peer's median, ≤ 0.5 × its p95",
            &streams,
            ages,
        ),
        row("warm: question to first piece", "≤ 0.6 × the best peer's", &short, first),
        row("the same, a prompt of 100 kB", "below every peer's", &long, times),
        row("last piece to the end of the answer", "≤ 100 ms", &short, end),
    ]
}
