//! A long answer: what it costs when it is twice as long.

use std::time::Duration;

use super::{Bench, check, row};
use crate::process;
use crate::table::{Cell, Row};

pub(super) async fn run(bench: &mut Bench<'_>) -> Vec<Row> {
    let site = bench.site;
    let updates = if bench.quick { 1_000 } else { 5_000 };
    let (mut once, mut twice) = (Vec::new(), Vec::new());
    for (updates, costs) in [(updates, &mut once), (2 * updates, &mut twice)] {
        let prompt = format!(
            "Measure this. [[sim: length={}, chunks={updates}, gap=0, delay=0]]",
            updates * 100
        );
        *costs = bench
            .in_turn(1, async |peer| {
                let Some(process) = peer.process().filter(|_| peer.many()) else { return Ok(None) };
                let before = process::cpu(process).ok_or("the system does not tell")?;
                let heard = peer.ask(&prompt, 1).await?;
                check(site, &heard).await?;
                Ok(process::cpu(process).map(|after| after.saturating_sub(before)))
            })
            .await;
    }
    let time = |rounds: &[Option<Duration>]| match rounds {
        [Some(time), ..] => Cell::Rounds(vec![*time]),
        _ => Cell::None,
    };
    let name =
        |updates| format!("processor time of the client, {updates} updates of 100 characters");
    let mut growth = row("growth with twice the length", "≤ 2.2×", &once, time);
    let long = row(name(2 * updates), "", &twice, time);
    for (cell, long) in growth.cells.iter_mut().zip(&long.cells) {
        if let (Cell::Rounds(one), Cell::Rounds(two)) = (&*cell, long) {
            *cell = Cell::Ratio(two[0].as_secs_f64() / one[0].as_secs_f64());
        }
    }
    vec![row(name(updates), "", &once, time), long, growth]
}
