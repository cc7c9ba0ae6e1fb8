//! Many streams at once.

use std::time::Duration;

use super::latency::SHORT;
use super::{Bench, check, row};
use crate::Failure;
use crate::figures::meanwhile;
use crate::table::{Cell, Row};

/// So many streams, with so many pieces a second.
struct Load {
    streams: usize,
    rate: usize,
    rounds: usize,
    goal: &'static str,
}

const LOADS: [Load; 3] = [
    Load { streams: 24, rate: 50, rounds: 5, goal: "p95 ≤ 4 ms over the floor, all exact" },
    Load { streams: 64, rate: 20, rounds: 5, goal: "p95 ≤ 15 ms over the floor, all exact" },
    Load { streams: 256, rate: 4, rounds: 3, goal: "p95 ≤ 30 ms over the floor, all exact" },
];

/// How many questions are asked at once, to see how long the last one waits.
const AT_ONCE: [usize; 2] = [32, 64];

/// For how long all streams run, in seconds.
const SECONDS: usize = 4;
/// How long the bot waits for the other questions, in milliseconds for each.
const ASKING: usize = 50;
/// How long the pages rest before they are asked: they go on after their prompt is there.
const REST: Duration = Duration::from_secs(1);

pub(super) async fn run(bench: &mut Bench<'_>) -> Vec<Row> {
    let site = bench.site;
    let mut rows = Vec::new();
    // A browser that many streams are too much for takes half a minute to show it.
    let loads = if bench.quick { &LOADS[..1] } else { &LOADS[..] };
    for &Load { streams, rate, rounds, goal } in loads {
        // The bot begins when all have asked, which is measured elsewhere.
        let prompt = format!(
            "Measure this. [[sim: stamp, chunks={}, gap={}, delay={}]]",
            rate * SECONDS,
            1000 / rate,
            ASKING * streams
        );
        let heard = bench.in_turn(rounds, async |peer| {
            if !peer.many() {
                return Ok(None);
            }
            peer.ready(streams).await?;
            tokio::time::sleep(REST).await;
            let heard = peer.ask(&prompt, streams).await?;
            check(site, &heard).await?;
            let ages = meanwhile(&heard);
            if ages.is_empty() {
                return Err::<_, Failure>("the streams never ran all at once".into());
            }
            Ok(Some(ages))
        });
        let name = format!("age of a piece, {streams} streams × {rate}/s");
        rows.push(row(name, goal, &heard.await, |rounds| match rounds {
            [None, ..] => Cell::None,
            rounds => Cell::Times(rounds.iter().flatten().flatten().copied().collect()),
        }));
    }
    let at_once = if bench.quick { &[][..] } else { &AT_ONCE[..] };
    for &streams in at_once {
        let last = bench.in_turn(3, async |peer| {
            if !peer.many() {
                return Ok(None);
            }
            peer.ready(streams).await?;
            tokio::time::sleep(REST).await;
            let heard = peer.ask(SHORT, streams).await?;
            check(site, &heard).await?;
            Ok(heard.iter().map(|heard| heard.first).max())
        });
        let name = format!("{streams} questions at once: to the last one's first piece");
        rows.push(row(name, "linear", &last.await, |rounds| match rounds {
            [None, ..] => Cell::None,
            rounds => Cell::Rounds(rounds.iter().flatten().copied().collect()),
        }));
    }
    rows
}
