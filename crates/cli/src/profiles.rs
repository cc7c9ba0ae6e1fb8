//! `lenore profiles`: a directory for each account and browser, and who uses it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use lenore::{Poe, Program, Result};
use serde_json::json;

use crate::account;
use crate::args::Shared;
use crate::logs::local_time;
use crate::output::{note, object, print_foreign as print, report};
use crate::paths::invalid;

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

/// What a browser writes into its profile, at each run or nearly so.
pub(crate) fn marks(program: Program) -> &'static [&'static str] {
    match program {
        Program::Chromium => &["Local State", "Default", "Default/Preferences", "Default/Cookies"],
        Program::Firefox => &["prefs.js", "times.json", "cookies.sqlite", "places.sqlite"],
    }
}

/// The directory of a profile with a name. Browsers cannot share one.
pub(crate) fn directory(name: &str, program: Program) -> Result<PathBuf> {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.starts_with('.') || !name.chars().all(is_plain) {
        return Err(invalid(format!(
            "{name:?} is no name for a profile; use letters, digits, '-', '_' and '.'"
        )));
    }
    Ok(Poe::profiles_dir(program)?.join(name))
}

pub(crate) fn run(shared: &Shared, args: &ProfilesArgs) -> ExitCode {
    let found = match all() {
        Ok(found) => found,
        Err(error) => {
            report(&error.to_string());
            return ExitCode::from(error.kind().exit_code());
        }
    };
    let default = || directory(DEFAULT, shared.program()).ok();
    let current = shared.user_data_dir.clone().or_else(default);
    let widest = |text: fn(&Profile) -> &str| {
        found.iter().map(|profile| text(profile).chars().count()).max().unwrap_or_default()
    };
    let widths = (widest(|profile| &profile.name), widest(Profile::account));
    for profile in &found {
        let is_current = current.as_ref() == Some(&profile.path);
        let line =
            if args.json { profile.json(is_current) } else { profile.line(is_current, widths) };
        if !print(&line) {
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
    program: Program,
    path: PathBuf,
    /// In bytes.
    size: u64,
    used: Option<SystemTime>,
    owner: Option<u32>,
    /// Who was signed in when it was last looked at.
    account: Option<String>,
}

impl Profile {
    fn of(name: String, program: Program, path: PathBuf) -> Self {
        let written = |mark| fs::metadata(path.join(mark)).and_then(|found| found.modified()).ok();
        let used = marks(program).iter().filter_map(written).max();
        Self {
            program,
            size: size(&path),
            used,
            owner: Poe::owner(&path).map(|owner| owner.pid),
            account: account::remembered(&path),
            name,
            path,
        }
    }

    fn json(&self, is_current: bool) -> String {
        let seconds =
            |time: SystemTime| time.duration_since(UNIX_EPOCH).ok().map(|it| it.as_secs());
        object(&json!({
            "name": self.name,
            "browser": self.browser(),
            "account": self.account,
            "path": self.path.to_string_lossy(),
            "bytes": self.size,
            "last_used": self.used.and_then(seconds),
            "pid": self.owner,
            "current": is_current,
        }))
    }

    fn browser(&self) -> &'static str {
        match self.program {
            Program::Chromium => "chromium",
            Program::Firefox => "firefox",
        }
    }

    fn account(&self) -> &str {
        match &self.account {
            Some(account) => account,
            // Browsers leave something behind from their first start on.
            None if self.used.is_none() => "never signed in",
            None => "not known",
        }
    }

    fn line(&self, is_current: bool, (width, account): (usize, usize)) -> String {
        let mark = if is_current { '*' } else { ' ' };
        let used = self.used.map_or_else(|| "never used".to_owned(), local_time);
        let size = indicatif::DecimalBytes(self.size).to_string();
        let owner = self.owner.map_or_else(String::new, |pid| format!("  used by process {pid}"));
        let path = from_home(&self.path);
        let (name, browser, who) = (&self.name, self.browser(), self.account());
        format!(
            "{mark} {name:width$}  {who:account$}  {browser:8}  {used:16}  {size:>9}  {path}{owner}"
        )
    }
}

/// A path as a person writes it.
fn from_home(path: &Path) -> String {
    let below =
        std::env::home_dir().and_then(|home| Some(path.strip_prefix(home).ok()?.to_owned()));
    below.map_or_else(|| path.display().to_string(), |below| format!("~/{}", below.display()))
}

/// All profiles with a name.
fn all() -> Result<Vec<Profile>> {
    let mut all = found(Program::Chromium)?;
    all.extend(found(Program::Firefox)?);
    Ok(all)
}

/// The profiles of a browser, in order of their names.
fn found(program: Program) -> Result<Vec<Profile>> {
    let directory = Poe::profiles_dir(program)?;
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
        (path.is_dir() && !name.starts_with('.')).then(|| Profile::of(name, program, path))
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
            assert!(directory(bad, Program::Chromium).is_err(), "{bad:?}");
        }
        let place = |program| directory("work-2", program).expect("a name");
        assert!(place(Program::Chromium).ends_with("lenore/profiles/work-2"));
        assert!(place(Program::Firefox).ends_with("lenore/firefox-profiles/work-2"));
    }
}
