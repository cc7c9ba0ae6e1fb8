//! The runs, each of which yields some figures.

mod cold;
mod latency;
mod length;
mod load;
mod memory;

use std::time::Duration;

use tempfile::TempDir;

pub(crate) use self::latency::SHORT;

use crate::heard::Heard;
use crate::peer::{Peer, Script};
use crate::site::Site;
use crate::table::{self, Cell, Row};
use crate::{Failure, Options, machine, peers, profile};

/// A run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Run {
    /// From the start of a process to the first piece
    Cold,
    /// One stream, and the way to its first piece
    Latency,
    /// Many streams at once
    Load,
    /// What another open chat takes
    Memory,
    /// Long prompts and long answers
    Length,
}

/// One who is measured, on a profile that is signed in.
struct Entrant {
    script: Script,
    profile: TempDir,
}

/// The site, and those who are measured on it, warm.
struct Bench<'a> {
    site: &'a Site,
    entrants: &'a [Entrant],
    /// As the entrants; `None` for one that could not be started.
    peers: Vec<Option<Peer>>,
    quick: bool,
}

/// What came of each of those who are measured: of its rounds, or why there are none.
type Rounds<T> = Vec<Result<Vec<T>, Failure>>;

/// Everything that is asked for, printed and written.
pub(crate) async fn all(options: &Options) -> Result<(), Failure> {
    let wanted = |run| options.only.is_empty() || options.only.contains(&run);
    let site = Site::start(&options.edition, &options.habit).await?;
    let mut entrants = Vec::new();
    for script in peers::found(options)? {
        let profile = profile::signed_in(&site, script.name).await?;
        entrants.push(Entrant { script, profile });
    }
    let mut rows = Vec::new();
    if wanted(Run::Cold) {
        rows.push(cold::run(&site, &entrants, options.quick).await);
        rows.push(cold::through_owner(&site, &entrants, options.quick).await);
    }
    let mut bench =
        Bench { site: &site, entrants: &entrants, peers: Vec::new(), quick: options.quick };
    if wanted(Run::Memory) {
        bench.start().await?;
        rows.push(memory::run(&mut bench).await);
    }
    if wanted(Run::Latency) {
        bench.start().await?;
        rows.splice(0..0, latency::run(&mut bench).await);
    }
    if wanted(Run::Load) {
        bench.start().await?;
        rows.extend(load::run(&mut bench).await);
    }
    if wanted(Run::Length) {
        bench.start().await?;
        rows.extend(length::run(&mut bench).await);
    }
    let names: Vec<&str> = entrants.iter().map(|entrant| entrant.script.name).collect();
    for peer in bench.peers.into_iter().flatten() {
        peer.close().await?;
    }
    let text = format!("{}\n\n{}", machine::description(), table::table(&names, &rows));
    println!("{text}");
    match &options.write {
        Some(file) => table::write(file, "measured", &text),
        None => Ok(()),
    }
}

impl Entrant {
    /// Starts it, and asks the first question, which pays for what is warm later on.
    async fn warm(&self, site: &Site) -> Option<Peer> {
        let warm = async {
            let peer = Peer::open(&self.script, &site.url, self.profile.path()).await?;
            peer.ready(1).await?;
            peer.ask(latency::SHORT, 1).await?;
            Ok::<_, Failure>(peer)
        };
        let warm = warm.await;
        warm.map_err(|error| eprintln!("{} does not start: {error}", self.script.name)).ok()
    }
}

impl Bench<'_> {
    /// Starts everybody, or starts them anew: what is left of one run, such as pages that are kept
    /// for another question, is not the next one's.
    async fn start(&mut self) -> Result<(), Failure> {
        for peer in self.peers.drain(..).flatten() {
            peer.close().await?;
        }
        for entrant in self.entrants {
            self.peers.push(entrant.warm(self.site).await);
        }
        Ok(())
    }

    /// Does something with each in turn, and that for several rounds. Who fails is left out of
    /// the rounds that follow, and started anew for what is measured next.
    async fn in_turn<T>(
        &mut self,
        rounds: usize,
        work: impl AsyncFn(&Peer) -> Result<T, Failure>,
    ) -> Rounds<T> {
        let rounds = if self.quick { rounds.div_ceil(3) } else { rounds };
        let mut all: Rounds<T> = self.peers.iter().map(|_| Ok(Vec::new())).collect();
        for _ in 0..rounds {
            for ((peer, entrant), done) in self.peers.iter_mut().zip(self.entrants).zip(&mut all) {
                let Ok(results) = done else { continue };
                pause().await;
                let result = match peer {
                    Some(peer) => work(peer).await,
                    None => Err("it does not run".into()),
                };
                match result {
                    Ok(result) => results.push(result),
                    Err(error) => {
                        eprintln!("{}: {error}", entrant.script.name);
                        *done = Err(error);
                        if let Some(mut failed) = peer.take() {
                            failed.end().await;
                        }
                        *peer = entrant.warm(self.site).await;
                    }
                }
            }
        }
        all
    }
}

/// Fails where an answer is not as the site has it.
async fn check(site: &Site, heard: &[Heard]) -> Result<(), Failure> {
    let due = site.answers().await?;
    let wrong = heard.iter().filter(|heard| !due.contains(heard.text.trim_end())).count();
    if wrong > 0 {
        return Err(format!("{wrong} answers are not as the site has them").into());
    }
    Ok(())
}

/// A row of what came of the rounds.
fn row<T>(
    name: impl Into<String>,
    goal: &'static str,
    rounds: &Rounds<T>,
    cell: impl Fn(&[T]) -> Cell,
) -> Row {
    let cells = rounds.iter().map(|rounds| match rounds {
        Ok(results) => cell(results),
        Err(_) => Cell::Failed,
    });
    Row { name: name.into(), goal, cells: cells.collect() }
}

/// A short silence, in which what is left of the question before comes to its end.
async fn pause() {
    tokio::time::sleep(Duration::from_millis(200)).await;
}
