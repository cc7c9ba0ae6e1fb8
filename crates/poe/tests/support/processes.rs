//! Killing what a browser is made of.

#![allow(dead_code, reason = "no test file uses all of it")]

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

/// Kills the processes of a profile's browser whose command line has this in it; gives their
/// number.
pub(crate) fn kill(profile: &Path, what: &str) -> usize {
    let pids = of_profile(profile).into_iter().filter(|(_, command)| command.contains(what));
    // One that has ended by itself meanwhile is as good.
    pids.filter(|(pid, _)| Command::new("kill").args(["-9", &pid.to_string()]).status().is_ok())
        .count()
}

/// The processes of a profile's browser: the number of each, and its command line. Only some of
/// them name the profile, so that descent decides.
pub(crate) fn of_profile(profile: &Path) -> Vec<(u32, String)> {
    let profile = profile.to_str().expect("a plain name");
    let all: HashMap<u32, (u32, String)> = processes().collect();
    let is_ours = |pid: u32| {
        let line = std::iter::successors(Some(pid), |pid| all.get(pid).map(|(parent, _)| *parent));
        let mut commands = line.filter_map(|pid| all.get(&pid));
        commands.any(|(_, command)| command.contains(profile))
    };
    let ours = all.iter().filter(|(pid, _)| is_ours(**pid));
    ours.map(|(pid, (_, command))| (*pid, command.clone())).collect()
}

/// All processes: the number of each, its parent's, and its command line.
pub(crate) fn processes() -> impl Iterator<Item = (u32, (u32, String))> {
    let entries = std::fs::read_dir("/proc").expect("a Linux system").flatten();
    entries.filter_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        let parent = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()?;
        let command = std::fs::read(entry.path().join("cmdline")).ok()?;
        Some((pid, (parent, String::from_utf8_lossy(&command).into_owned())))
    })
}
