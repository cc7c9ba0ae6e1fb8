//! `lenore logout`: a profile's session is forgotten.

use std::fs;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use lenore::{Error, ErrorKind, Result};

use crate::args::Shared;
use crate::logs::confirmed;
use crate::output::{note, report};
use crate::paths::invalid;
use crate::profiles;

/// `lenore logout`
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    lenore logout                          forget the default profile's session\n  \
    lenore --profile work logout --yes     forget another one's, without being asked\n\n\
    The whole profile is removed: cookies, cache and all. The site is not told; it forgets the \
    session when that expires, or when you end it in the account's settings.")]
pub(crate) struct LogoutArgs {
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

pub(crate) fn run(shared: &Shared, args: &LogoutArgs) -> ExitCode {
    match forget(shared, args.yes) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error.to_string());
            ExitCode::from(error.kind().exit_code())
        }
    }
}

fn forget(shared: &Shared, yes: bool) -> Result<()> {
    if shared.cdp.is_some() || shared.webdriver.is_some() {
        return Err(invalid("that browser is not Lenore's own; sign out in its window"));
    }
    let program = shared.program();
    let usual = || profiles::directory(profiles::DEFAULT, program);
    let path = shared.user_data_dir.clone().map_or_else(usual, Ok)?;
    if !path.exists() {
        note(&format!("there is no profile {}; nothing to forget", path.display()));
        return Ok(());
    }
    // Whatever else somebody names by mistake stays.
    let is_profile = profiles::marks(program).iter().any(|name| path.join(name).exists());
    if !is_profile && fs::read_dir(&path).is_ok_and(|mut entries| entries.next().is_some()) {
        let path = path.display();
        return Err(invalid(format!("{path} is no browser's profile; nothing is removed")));
    }
    let question = format!("remove the profile {} with its session?", path.display());
    if !yes && !confirmed(&question)? {
        return Ok(());
    }
    // Nobody begins to use what is being removed.
    let poe = shared.clone().builder()?.build()?;
    poe.own_profile(None)?;
    remove(&path).map_err(|error| {
        let why = format!("the profile {} cannot be removed: {error}", path.display());
        Error::new(ErrorKind::Browser, why).with_source(error)
    })?;
    note("signed out; `lenore login` signs in again");
    Ok(())
}

/// Takes the directory away at once, then removes it, so that half a profile is never used.
fn remove(path: &Path) -> io::Result<()> {
    let path = fs::canonicalize(path)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let aside = path.with_file_name(format!(".{name}-removed-{}", std::process::id()));
    fs::rename(&path, &aside)?;
    fs::remove_dir_all(&aside)
}
