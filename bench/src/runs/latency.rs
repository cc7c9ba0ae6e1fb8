//! One stream: how old its pieces are when they come, and the way to the first one.

use super::{Bench, check, row};
use crate::table::{Cell, Row};

/// Two hundred pieces, 20 ms apart, the first one at once.
const STREAM: &str = "Measure this. [[sim: stamp, chunks=200, gap=20, delay=0]]";

/// A short answer, for what comes before its first piece.
pub(super) const SHORT: &str = "Measure this. [[sim: stamp, chunks=3, gap=5, delay=0]]";

/// How long a long prompt is, in characters.
const LONG: usize = 100 * 1024;

pub(super) async fn run(bench: &mut Bench<'_>) -> Vec<Row> {
    let site = bench.site;
    let streams = bench.in_turn(3, async |peer| {
        peer.ready(1).await?;
        let heard = peer.ask(STREAM, 1).await?;
        check(site, &heard).await?;
        Ok(heard)
    });
    let streams = streams.await;
    let first = bench.in_turn(10, async |peer| {
        peer.ready(1).await?;
        Ok(peer.ask(SHORT, 1).await?.swap_remove(0).first)
    });
    let first = first.await;
    let prompt = "0123456789abcde\n".repeat(LONG / 16) + SHORT;
    let long = bench.in_turn(3, async |peer| {
        peer.ready(1).await?;
        Ok(peer.ask(&prompt, 1).await?.swap_remove(0).first)
    });
    let ages = |rounds: &[Vec<crate::heard::Heard>]| {
        let pieces = rounds.iter().flatten().flat_map(|heard| &heard.pieces);
        Cell::Times(pieces.map(|piece| piece.1).collect())
    };
    let times = |rounds: &[std::time::Duration]| Cell::Times(rounds.to_vec());
    vec![
        row("age of a piece, 1 stream", "below every peer's", &streams, ages),
        row("warm: question to first piece", "≤ 15 ms over the floor", &first, times),
        row("the same, a prompt of 100 kB", "≤ 300 ms", &long.await, times),
    ]
}
