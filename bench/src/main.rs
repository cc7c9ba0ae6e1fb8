//! What Lenore costs, beside a plain socket client on the same site, in one run.
//!
//! The site stamps each piece of its answers with the time of its making, so that every client's
//! delay is measured the same way: the stamp's age when the client has the piece. Run it by
//! `make bench`; it prints a table in Markdown.

mod floor;
mod measure;
mod site;
mod through;

use std::error::Error;

use measure::{Figures, row};
use site::Site;

/// An error of anything.
type Failure = Box<dyn Error + Send + Sync>;

/// How often each thing is measured, the clients in turn.
const ROUNDS: usize = 7;

/// Two hundred pieces, 20 ms apart, the first one at once.
const STREAM: &str = "Measure this. [[sim: stamp, chunks=200, gap=20, delay=0]]";

/// A short answer, for what comes before its first piece.
const SHORT: &str = "Measure this. [[sim: stamp, chunks=3, gap=5, delay=0]]";

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let site = Site::start().await?;
    let floor = floor::Client::sign_in(&site).await?;
    let lenore = through::Library::sign_in(&site).await?;
    let mut figures = Figures::default();
    // The first question of each pays for what is warm later on.
    floor.ask(SHORT).await?;
    lenore.ask(SHORT).await?;
    for round in 1..=ROUNDS {
        eprintln!("round {round} of {ROUNDS}");
        figures.floor_stream.extend(floor.ask(STREAM).await?.ages);
        figures.lenore_stream.extend(lenore.ask(STREAM).await?.ages);
        figures.floor_first.push(floor.ask(SHORT).await?.first);
        let warm = lenore.ask(SHORT).await?;
        figures.lenore_first.push(warm.first);
        figures.lenore_sent.push(warm.sent_to_first);
        figures.typed.push(lenore.type_long_prompt().await?);
    }
    lenore.close().await;
    for _ in 0..ROUNDS {
        figures.cold.push(through::cold(&site, &lenore, SHORT).await?);
    }
    println!("| figure | p50 | p95 | over the floor, p50 |\n|---|---|---|---|");
    let Figures { floor_stream, lenore_stream, floor_first, lenore_first, .. } = &figures;
    row("a piece, plain socket client (the floor)", floor_stream, None);
    row("a piece, Lenore", lenore_stream, Some(floor_stream));
    row("question to first piece, the floor", floor_first, None);
    row("question to first piece, Lenore, warm browser, new tab", lenore_first, Some(floor_first));
    row("the site has the question to first piece, Lenore", &figures.lenore_sent, None);
    row("100 kB prompt: question to first piece", &figures.typed, None);
    row("start of the program to first piece, cold browser", &figures.cold, None);
    Ok(())
}
