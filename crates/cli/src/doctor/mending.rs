//! What mends the facts of the site: shown, and written where that is wanted.

use std::io::ErrorKind as IoErrorKind;
use std::path::{Path, PathBuf};

use lenore::{Mending, Result, Site};

use crate::logs::agreed;
use crate::output::note;
use crate::paths::{invalid, make_private};
use crate::whole_file::Pending;

/// The site file that newer facts go into: the one that is named, else the usual one.
pub(super) fn file(named: Option<&Path>) -> Result<PathBuf> {
    let usual =
        || Site::usual_file().ok_or_else(|| invalid("there is no home directory; set HOME to one"));
    named.map_or_else(usual, |named| Ok(named.to_owned()))
}

/// The facts as they stand in a site file, each with how it was found.
pub(super) fn shown(mendings: &[Mending]) -> String {
    let mut text = String::new();
    let mut before = "";
    for mending in mendings {
        let (table, _) = mending.key.split_once('.').unwrap_or(("", &mending.key));
        let fact = mending.to_string();
        let line = fact.split_once('\n').map_or(fact.as_str(), |(_, line)| line);
        if table != before {
            let blank = if before.is_empty() { "" } else { "\n" };
            text.push_str(&format!("{blank}[{table}]\n"));
        }
        text.push_str(&format!("# {}\n{line}\n", mending.why));
        before = table;
    }
    text
}

/// Writes the facts into the file, which keeps what else is in it. False where the user does not
/// want that.
pub(super) fn write(path: &Path, mendings: &[Mending], is_agreed: bool) -> Result<bool> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == IoErrorKind::NotFound => String::new(),
        Err(error) => return Err(invalid(format!("{} cannot be read: {error}", path.display()))),
    };
    let mended = Site::mended_file(&text, mendings)?;
    let name = path.display();
    if !is_agreed && !agreed(&format!("write this into {name}?"), "nothing is written")? {
        return Ok(false);
    }
    if let Some(directory) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        make_private(directory)
            .map_err(|error| invalid(format!("{} cannot be made: {error}", directory.display())))?;
    }
    Pending::new(path)?.write(&mended)?;
    note(&format!("written into {name}; a newer version of Lenore may know these facts itself"));
    Ok(true)
}
