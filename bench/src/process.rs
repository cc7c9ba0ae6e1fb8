//! What processes cost, as the system tells it (`/proc`): a browser is a tree of them.

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// A process and all that descend from it.
pub(crate) fn tree(root: u32) -> Vec<u32> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for process in processes() {
        if let Some(parent) = parent(process) {
            children.entry(parent).or_default().push(process);
        }
    }
    let mut tree = vec![root];
    let mut at = 0;
    while let Some(process) = tree.get(at) {
        tree.extend(children.get(process).into_iter().flatten());
        at += 1;
    }
    tree
}

/// Ends a process and all that descend from it.
pub(crate) fn kill(root: u32) {
    for process in tree(root) {
        let process = i32::try_from(process).ok().and_then(Pid::from_raw);
        // Most are gone by then: they end with their browser.
        let _ = process.map(|process| kill_process(process, Signal::KILL));
    }
}

/// The proportional memory of processes, in bytes: a page that several share counts in parts.
/// `None` where the system does not tell it.
pub(crate) fn memory(processes: &[u32]) -> Option<u64> {
    let of = |process: &u32| {
        let rollup = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).ok()?;
        let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    // Some end while they are counted; where none can be read, nothing is known.
    let kilobytes: Vec<u64> = processes.iter().filter_map(of).collect();
    (!kilobytes.is_empty()).then(|| kilobytes.iter().sum::<u64>() * 1024)
}

/// The processor time that a process has taken, that of its threads that live.
pub(crate) fn cpu(process: u32) -> Option<Duration> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).ok()?.flatten();
    let times = threads.filter_map(|thread| {
        let statistics = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        statistics.split_whitespace().next()?.parse::<u64>().ok()
    });
    Some(Duration::from_nanos(times.sum()))
}

/// The parent of a process.
fn parent(process: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    // Behind the program's name come its state and its parent.
    fields.split_whitespace().nth(1)?.parse().ok()
}

fn processes() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}
