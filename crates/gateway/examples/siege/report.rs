//! What an attack has cost, measured and told.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::attacks::{ATTACKS, Attack};
use crate::client;
use crate::target::{Target, Use};

/// How often a good client asks meanwhile.
const PACE: Duration = Duration::from_millis(100);

/// A server that serves good clients holds; this long may one of them take at most.
const LONGEST: Duration = Duration::from_secs(5);

/// How long memory has to come back.
const SETTLE: Duration = Duration::from_secs(10);

/// The figures of an attack.
#[derive(Debug)]
pub(crate) struct Row {
    name: &'static str,
    what: &'static str,
    /// What the attackers were told, each status with its count.
    told: String,
    /// How long good clients took meanwhile: half of them, 95 in 100, the slowest.
    served: [Duration; 3],
    /// Good clients who were refused or got no answer.
    failed: usize,
    time: Duration,
    /// Kilobytes of memory before, at most, and afterwards.
    memory: [u64; 3],
    /// Files that are left open.
    left: i64,
}

impl Row {
    /// Whether every good client was served in time.
    pub(crate) fn has_held(&self) -> bool {
        self.failed == 0 && self.served[2] <= LONGEST
    }
}

/// Runs an attack, with good clients beside it.
pub(crate) async fn measure(
    attack: &Attack,
    target: &Target,
    together: Duration,
) -> io::Result<Row> {
    let address = target.address.clone();
    // What is made at the first use stays.
    for _ in 0..20 {
        client::ask(&address).await?;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let before = target.used()?;
    let (stop, mut stopped) = tokio::sync::watch::channel(false);
    let good = tokio::spawn({
        let address = address.clone();
        async move {
            let (mut served, mut failed) = (Vec::new(), 0);
            let mut asked = tokio::task::JoinSet::new();
            loop {
                let address = address.clone();
                asked.spawn(async move { client::ask(&address).await });
                let is_over = tokio::select! {
                    over = stopped.wait_for(|is_over| *is_over) => over.is_ok(),
                    () = tokio::time::sleep(PACE) => false,
                };
                if is_over {
                    break;
                }
            }
            while let Some(asked) = asked.join_next().await {
                match asked {
                    Ok(Ok(took)) => served.push(took),
                    Ok(Err(error)) => {
                        eprintln!("  {error}");
                        failed += 1;
                    }
                    Err(_) => failed += 1,
                }
            }
            (served, failed)
        }
    });
    let told = (attack.run)(address, together).await?;
    let _ = stop.send(true);
    let (mut served, failed) = good.await.map_err(io::Error::other)?;
    served.sort_unstable();
    let share = |share: usize| {
        let last = served.len().saturating_sub(1);
        served.get(last * share / 100).copied().unwrap_or_default()
    };
    let after = settled(target, before).await?;
    Ok(Row {
        name: attack.name,
        what: attack.what,
        told,
        served: [share(50), share(95), share(100)],
        failed,
        time: after.time.saturating_sub(before.time),
        memory: [before.memory, after.peak, after.memory],
        left: i64::try_from(after.files).unwrap_or_default()
            - i64::try_from(before.files).unwrap_or_default(),
    })
}

/// What is used once all has settled, or the patience has ended.
async fn settled(target: &Target, before: Use) -> io::Result<Use> {
    let begin = Instant::now();
    loop {
        let now = target.used()?;
        let is_settled = now.memory <= before.memory * 2 && now.files <= before.files;
        if is_settled || begin.elapsed() > SETTLE {
            return Ok(now);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// The table of the documentation.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut table = String::from(
        "| attack | what is done | attackers are told | a good client is served in (p50, p95, \
         slowest) | processor | memory before, at most, after | left open |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for Row { name, what, told, served, failed, time, memory, left } in rows {
        let [half, most, all] = served.map(|time| time.as_millis());
        let [before, peak, after] = memory.map(|kilobytes| kilobytes / 1024);
        let failed = if *failed > 0 { format!(", {failed} not") } else { String::new() };
        table.push_str(&format!(
            "| {name} | {what} | {told} | {half}, {most}, {all} ms{failed} | {:.1} s | {before}, \
             {peak}, {after} MB | {left} |\n",
            time.as_secs_f64(),
        ));
    }
    table
}

/// The name of a row's attack.
fn name_of(row: &str) -> Option<&str> {
    row.strip_prefix("| ")?.split(" |").next()
}

/// A table with the rows of these attacks, each of the newer table where it is in both.
fn merged(older: &str, newer: &str) -> String {
    let row_of = |table: &'_ str, attack: &str| {
        let row = table.lines().skip(2).find(|row| name_of(row) == Some(attack));
        row.map(str::to_owned)
    };
    let head = newer.lines().take(2).map(str::to_owned);
    let rows = ATTACKS
        .iter()
        .filter_map(|attack| row_of(newer, attack.name).or_else(|| row_of(older, attack.name)));
    head.chain(rows).map(|line| line + "\n").collect()
}

/// Puts the table in its place. What was not measured now stays as it was.
pub(crate) fn write(path: &Path, table: &str) -> io::Result<()> {
    const BEGIN: &str = "<!-- siege: made by `make siege` -->\n";
    const END: &str = "<!-- end of siege -->";
    let text = std::fs::read_to_string(path)?;
    let parts = text
        .split_once(BEGIN)
        .and_then(|(head, rest)| rest.split_once(END).map(|(old, tail)| (head, old, tail)));
    let (head, old, tail) =
        parts.ok_or_else(|| io::Error::other("the file has no place for it"))?;
    std::fs::write(path, format!("{head}{BEGIN}{}{END}{tail}", merged(old, table)))
}
