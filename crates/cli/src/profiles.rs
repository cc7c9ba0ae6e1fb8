//! `lenore profiles`: a directory for each account, and who uses it.

use std::fs;
use std::io::{Write, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use lenore::{Poe, Result};
use serde_json::json;

use crate::args::Shared;
use crate::logs::local_time;
use crate::output::{note, report};
use crate::paths::{data_dir, invalid};

/// The profile where none is named.
pub(crate) const DEFAULT: &str = "default";

/// `lenore profiles`
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    lenore --profile work login            make a profile, and sign it in\n  \
    lenore --profile work ask \"Hi\"         ask with that account\n  \
    lenore --profile work logout           forget it\n\n\
    `profile = \"work\"` in the settings' file makes it the one that is used.")]
pub(crate) struct ProfilesArgs {
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

/// The directory of a profile with a name.
pub(crate) fn directory(name: &str) -> Result<PathBuf> {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.starts_with('.') || !name.chars().all(is_plain) {
        return Err(invalid(format!(
            "{name:?} is no name for a profile; use letters, digits, '-', '_' and '.'"
        )));
    }
    if name == DEFAULT {
        return Poe::default_user_data_dir();
    }
    Ok(data_dir()?.join("profiles").join(name))
}

pub(crate) fn run(shared: &Shared, args: &ProfilesArgs) -> ExitCode {
    let found = match found() {
        Ok(found) => found,
        Err(error) => {
            report(&error.to_string());
            return ExitCode::from(error.kind().exit_code());
        }
    };
    let current = shared.user_data_dir.clone().or_else(|| directory(DEFAULT).ok());
    let width = found.iter().map(|profile| profile.name.chars().count()).max().unwrap_or_default();
    for profile in &found {
        let is_current = current.as_ref() == Some(&profile.path);
        let line =
            if args.json { profile.json(is_current) } else { profile.line(is_current, width) };
        if writeln!(stdout(), "{line}").is_err() {
            return ExitCode::SUCCESS;
        }
    }
    if found.is_empty() && !args.json {
        note("there is no profile yet; `lenore login` makes one");
    }
    ExitCode::SUCCESS
}

/// A profile that there is.
struct Profile {
    name: String,
    path: PathBuf,
    /// In bytes.
    size: u64,
    used: Option<SystemTime>,
    owner: Option<u32>,
}

impl Profile {
    fn of(name: String, path: PathBuf) -> Self {
        // What a browser writes at each run.
        let marks = ["Local State", "Default", "Default/Preferences", "Default/Cookies"];
        let written = |mark| fs::metadata(path.join(mark)).and_then(|found| found.modified()).ok();
        let used = marks.into_iter().filter_map(written).max();
        Self {
            size: size(&path),
            used,
            owner: Poe::owner(&path).map(|owner| owner.pid),
            name,
            path,
        }
    }

    fn json(&self, is_current: bool) -> String {
        let seconds =
            |time: SystemTime| time.duration_since(UNIX_EPOCH).ok().map(|it| it.as_secs());
        json!({
            "name": self.name,
            "path": self.path.to_string_lossy(),
            "bytes": self.size,
            "last_used": self.used.and_then(seconds),
            "pid": self.owner,
            "current": is_current,
        })
        .to_string()
    }

    fn line(&self, is_current: bool, width: usize) -> String {
        let mark = if is_current { '*' } else { ' ' };
        let used = self.used.map_or_else(|| "never used".to_owned(), local_time);
        let size = indicatif::DecimalBytes(self.size).to_string();
        let owner = self.owner.map_or_else(String::new, |pid| format!("  used by process {pid}"));
        let path = self.path.display();
        format!("{mark} {:width$}  {used:16}  {size:>9}  {path}{owner}", self.name)
    }
}

/// The profiles with a name, in order.
fn found() -> Result<Vec<Profile>> {
    let directory = data_dir()?.join("profiles");
    let entries = match fs::read_dir(&directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            return Err(invalid(format!("{} cannot be read: {error}", directory.display())));
        }
    };
    let profile = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        let path = entry.path();
        (path.is_dir() && !name.starts_with('.')).then(|| Profile::of(name, path))
    };
    let mut found: Vec<_> = entries.flatten().filter_map(profile).collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// The bytes of all files in a directory.
fn size(path: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(path) else { return 0 };
    let of = |entry: fs::DirEntry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => size(&entry.path()),
        Ok(kind) if kind.is_file() => entry.metadata().map_or(0, |found| found.len()),
        _ => 0,
    };
    entries.flatten().map(of).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_nowhere_else() {
        for bad in ["", ".", "..", "a/b", "../x", ".hidden", "a\\b", "a b"] {
            assert!(directory(bad).is_err(), "{bad:?}");
        }
        assert!(directory("work-2").expect("a name").ends_with("profiles/work-2"));
    }
}
