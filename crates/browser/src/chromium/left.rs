//! Our tabs in somebody else's browser, written down: what a killed process has left there is closed
//! by the next one that comes.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::cdp::Connection;
use super::cdp::protocol::{CloseTarget, GetTargets};
use crate::own::{open_regular, temporary_room};

/// How the names of records begin. A new tab has the whole name in its address, so that it is
/// known even where its owner was killed before it could write anything.
const PREFIX: &str = "lenore-tabs-";

/// A record of a browser that nobody has attached to for so long is removed.
const OLD: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// How much of a record is read, in bytes.
const LONGEST: u64 = 1 << 20;

/// How long each step may take.
const STEP: Duration = Duration::from_secs(5);

/// The tabs of this process, written down as long as it lives. The file is locked meanwhile.
#[derive(Debug)]
pub(super) struct Record {
    file: File,
    path: PathBuf,
}

impl Record {
    pub(super) fn begin() -> io::Result<Self> {
        let made = tempfile::Builder::new().prefix(PREFIX).tempfile_in(temporary_room()?)?;
        made.as_file().lock()?;
        let (file, path) = made.keep()?;
        Ok(Self { file, path })
    }

    /// The address of a new tab.
    pub(super) fn address(&self) -> String {
        format!("about:blank#{}", name_of(&self.path))
    }

    pub(super) fn write<'a>(&mut self, tabs: impl Iterator<Item = &'a String>) {
        let text: String = tabs.flat_map(|tab| [tab, "\n"]).collect();
        let written = self
            .file
            .set_len(0)
            .and_then(|()| self.file.rewind())
            .and_then(|()| self.file.write_all(text.as_bytes()));
        if let Err(error) = written {
            tracing::debug!(%error, "the tabs cannot be written down");
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Closes the tabs of processes that are gone, as far as they are in this browser.
pub(super) async fn close_left(connection: &Connection) {
    let left = left();
    if left.is_empty() {
        return;
    }
    let Ok(found) = connection.call(None, &GetTargets::new(), STEP).await else { return };
    for (path, tabs) in left {
        let name = name_of(&path);
        let ours = found.target_infos.iter().filter(|target| {
            tabs.contains(&target.target_id)
                || target.url.strip_prefix("about:blank#").is_some_and(|mark| mark == name)
        });
        let mut count = 0;
        for target in ours {
            let close = CloseTarget::new(&target.target_id);
            count += usize::from(connection.call(None, &close, STEP).await.is_ok());
        }
        if count > 0 || is_old(&path) {
            tracing::debug!(count, "closed tabs that another process has left");
            let _ = fs::remove_file(path);
        }
    }
}

/// The records whose processes are gone, with the tabs in them.
fn left() -> Vec<(PathBuf, HashSet<String>)> {
    let Some(entries) = temporary_room().ok().and_then(|room| fs::read_dir(room).ok()) else {
        return Vec::new();
    };
    let records = entries.flatten().map(|entry| entry.path());
    let records = records.filter(|path| name_of(path).starts_with(PREFIX));
    records.filter_map(|path| read(&path).map(|tabs| (path, tabs))).collect()
}

fn read(path: &Path) -> Option<HashSet<String>> {
    let record = open_regular(path, File::options().read(true)).ok()?;
    record.try_lock().ok()?;
    let mut text = String::new();
    record.take(LONGEST).read_to_string(&mut text).ok()?;
    Some(text.lines().map(str::to_owned).collect())
}

fn is_old(path: &Path) -> bool {
    let changed = fs::metadata(path).and_then(|found| found.modified());
    changed.is_ok_and(|time| time.elapsed().is_ok_and(|age| age > OLD))
}

fn name_of(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}
