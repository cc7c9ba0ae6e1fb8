//! Attacks on a server, with figures: what they cost it, how soon a good client is served meanwhile,
//! and what is left afterwards.
//!
//! `make siege` runs them against the release build of `lenore serve`, over a service that this
//! program plays itself, on the loopback address, and writes the table of docs/reliability.md.
//! Without `--server` they run against the gateway alone, in a process of its own.

mod attacks;
mod client;
mod report;
mod target;
mod words;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use attacks::ATTACKS;
use report::Row;
use target::Target;

/// What can be chosen.
struct Options {
    /// The program `lenore`; without it the gateway alone.
    server: Option<PathBuf>,
    /// The file whose table is written.
    write: Option<PathBuf>,
    /// The attacks to run, by the beginning of their names; all where there is none.
    only: Vec<String>,
    /// How long the attack of all together takes.
    together: Duration,
}

fn options() -> Result<Options, String> {
    let mut options =
        Options { server: None, write: None, only: Vec::new(), together: Duration::from_secs(30) };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
        match &*word {
            "--server" => options.server = Some(value()?.into()),
            "--write" => options.write = Some(value()?.into()),
            "--only" => options.only.push(value()?),
            "--seconds" => {
                let seconds = value()?.parse().map_err(|_| "--seconds needs a number")?;
                options.together = Duration::from_secs(seconds);
            }
            // What cargo adds.
            "--bench" => {}
            _ => {
                return Err(format!(
                    "{word} is unknown; there are --server PROGRAM, --write FILE, --only ATTACK \
                     and --seconds NUMBER"
                ));
            }
        }
    }
    Ok(options)
}

fn main() -> io::Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    if std::env::args().nth(1).is_some_and(|word| word == target::OWN) {
        return runtime.block_on(target::serve());
    }
    let options = options().map_err(io::Error::other)?;
    // This side of thousands of connections needs files, too.
    target::raise_open_files();
    let rows = runtime.block_on(run(&options))?;
    let table = report::table(&rows);
    println!("{table}");
    if let Some(path) = &options.write {
        report::write(path, &table)?;
    }
    if rows.iter().any(|row| !row.has_held()) {
        return Err(io::Error::other("the server did not hold; see the table"));
    }
    Ok(())
}

/// Runs each attack on a server of its own.
async fn run(options: &Options) -> io::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for attack in ATTACKS {
        let is_wanted = options.only.is_empty()
            || options.only.iter().any(|name| attack.name.starts_with(name.as_str()));
        if !is_wanted {
            continue;
        }
        eprintln!("{} …", attack.name);
        let target = Target::start(options.server.as_deref(), attack.open_files).await?;
        let row = report::measure(attack, &target, options.together).await?;
        eprintln!("  {row:?}");
        rows.push(row);
        target.end().await?;
    }
    Ok(rows)
}
