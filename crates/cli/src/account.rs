//! Which account a profile was signed in with when it was last looked at: a line in a file beside
//! the browser's own, for the user alone.

use std::fs;
use std::path::{Path, PathBuf};

use crate::output::one_line;
use crate::paths::read_text;
use crate::whole_file::Pending;

/// The file's name in the profile's directory.
const FILE: &str = "lenore.account";

/// The account's address or name, if it is known.
pub(crate) fn remembered(profile: &Path) -> Option<String> {
    let text = read_text(&file(profile)).ok()?;
    Some(one_line(&text)).filter(|name| !name.is_empty())
}

/// Keeps the account's address or name. Without it the profile is as good as ever.
pub(crate) fn remember(profile: &Path, name: &str) {
    let file = Pending::private(&file(profile));
    if let Err(error) = file.and_then(|file| file.write(&format!("{name}\n"))) {
        tracing::debug!(%error, "the account's name is not kept");
    }
}

/// Nobody is signed in any more.
pub(crate) fn forget(profile: &Path) {
    // There may be none.
    let _ = fs::remove_file(file(profile));
}

fn file(profile: &Path) -> PathBuf {
    profile.join(FILE)
}
