//! What Lenore costs, beside its peers and a plain socket client on the same site, in one run.
//!
//! The site stamps each piece of its answers with the time of its making, so that every client's
//! delay is measured the same way: the stamp's age when the client has the piece. Each client is a
//! process of its own, and they are measured in turn. `make bench` runs it and writes the tables
//! to `docs/performance.md`.

mod figures;
mod heard;
mod machine;
mod peer;
mod peers;
mod process;
mod profile;
mod role;
mod runs;
mod site;
mod table;
mod trace;

use std::error::Error;
use std::path::PathBuf;

use clap::Parser;

/// An error of anything.
type Failure = Box<dyn Error + Send + Sync>;

/// What Lenore costs, beside its peers, in one run.
#[derive(Debug, Parser)]
pub(crate) struct Options {
    /// Fewer rounds, and none of 64 streams or more
    #[arg(long)]
    quick: bool,
    /// Put the tables into this file, between its markers
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
    /// Only these figures
    #[arg(long, value_enum, value_delimiter = ',', value_name = "FIGURES")]
    only: Vec<runs::Run>,
    /// Only these peers, beside the floor, by the beginnings of their names
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    peers: Vec<String>,
    /// The browser that Lenore drives, in place of the one that it finds
    #[arg(long, value_name = "PROGRAM")]
    browser: Option<PathBuf>,
    /// A further switch of the browser that Lenore drives
    #[arg(long, value_name = "SWITCH", allow_hyphen_values = true)]
    switch: Vec<String>,
    /// The edition of the site that is measured on; peers know that of 2023 alone
    #[arg(long, value_name = "EDITION", default_value = "2023")]
    edition: String,
    /// A habit of the site, such as `heavy=yes`: what a page of a large app costs
    #[arg(long, value_name = "NAME=VALUE")]
    habit: Vec<String>,
    /// Where the time of a question goes, hand-over by hand-over, in place of the figures
    #[arg(long)]
    trace: bool,
    /// Be one of those who are measured, and obey a harness
    #[arg(long, value_enum, hide = true)]
    role: Option<role::Role>,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let options = Options::parse();
    match options.role {
        Some(role) => role::serve(role).await,
        None if options.trace => trace::run(&options).await,
        None => runs::all(&options).await,
    }
}
