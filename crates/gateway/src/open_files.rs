//! How many files the process may have open, and how many connections fit into that.

/// More is never asked for: some systems allow a billion, and some programs go through all of them.
#[cfg(unix)]
const MOST: u64 = 1 << 20;

/// So many are kept back for everything that is no connection: at most, and at least.
const KEPT: (u64, u64) = (1024, 64);

/// Raises the soft limit to the hard one; how many files may be open now, where there is a bound.
#[cfg(unix)]
pub(crate) fn raise() -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let before = getrlimit(Resource::Nofile);
    let current = before.current?;
    let wanted = before.maximum.unwrap_or(MOST).min(MOST);
    if wanted <= current {
        return Some(current);
    }
    let raised = Rlimit { current: Some(wanted), maximum: before.maximum };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => {
            tracing::info!(from = current, to = wanted, "more files may be open now");
            Some(wanted)
        }
        Err(error) => {
            tracing::warn!(%error, current, "the limit of open files cannot be raised");
            Some(current)
        }
    }
}

#[cfg(not(unix))]
pub(crate) fn raise() -> Option<u64> {
    None
}

/// How many connections may be open where so many files may be: a quarter is kept back.
pub(crate) fn connections(wanted: usize, files: Option<u64>) -> usize {
    let Some(files) = files else { return wanted };
    let kept = (files / 4).clamp(KEPT.1, KEPT.0);
    let room = usize::try_from(files.saturating_sub(kept)).unwrap_or(usize::MAX);
    wanted.min(room).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_files_for_the_rest() {
        for (files, expected) in [
            (None, 4096),
            (Some(1 << 20), 4096),
            (Some(4096), 3072),
            (Some(1024), 768),
            (Some(128), 64),
            (Some(10), 1),
        ] {
            assert_eq!(connections(4096, files), expected, "{files:?}");
        }
        assert_eq!(connections(100, Some(1 << 20)), 100);
    }
}
