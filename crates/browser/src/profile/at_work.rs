//! Browsers that are at work on a profile, and whether they are ours.

use std::fs;
use std::path::Path;
use std::time::Duration;

/// A switch that means nothing to a browser, and tells that it was started here.
pub(crate) const MARK: &str = "--lenore";

/// The process id of a browser that has this profile open without us, by its own lock: a link
/// named `SingletonLock` to `<host>-<pid>`.
pub(crate) fn browser_at_work(path: &Path) -> Option<u32> {
    #[cfg(target_os = "linux")]
    {
        let target = fs::read_link(path.join("SingletonLock")).ok()?;
        let (host, pid) = target.to_str()?.rsplit_once('-')?;
        let pid: u32 = pid.parse().ok()?;
        let here = fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
        let command = fs::read_to_string(format!("/proc/{pid}/cmdline")).ok()?;
        let is_browser = command.contains("chrom") || command.contains("headless");
        (host == here.trim() && is_browser).then_some(pid)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = path;
        None
    }
}

/// The process id of a Firefox that has this profile open, by its own lock: a link named `lock` to
/// `<address>:+<pid>`.
pub(crate) fn firefox_at_work(path: &Path) -> Option<u32> {
    #[cfg(target_os = "linux")]
    {
        let target = fs::read_link(path.join("lock")).ok()?;
        let pid: u32 = target.to_str()?.rsplit_once(":+")?.1.parse().ok()?;
        let command = fs::read_to_string(format!("/proc/{pid}/cmdline")).ok()?;
        command.contains("firefox").then_some(pid)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = path;
        None
    }
}

/// The name of a process's program, where it can be told.
pub(super) fn program_of(pid: u32) -> Option<String> {
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

/// Whether a process is a browser that was started here, by this program or another of its kind.
#[cfg(target_os = "linux")]
pub(super) fn is_ours(pid: u32) -> bool {
    let command = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    command.split('\0').any(|switch| switch == MARK)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn is_ours(_: u32) -> bool {
    false
}

/// Whether a browser is one of ours that outlives its owner, and ends. It does so by itself, since
/// its pipe is closed, unless it hangs.
#[cfg(target_os = "linux")]
pub(super) fn ends_as_leftover(pid: u32) -> bool {
    if !is_ours(pid) {
        return false;
    }
    let process = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    for step in 0..100 {
        if !is_ours(pid) {
            return true;
        }
        if let Some(process) = process.filter(|_| step == 50) {
            tracing::warn!(pid, "ending a browser whose owner is gone");
            let _ = rustix::process::kill_process(process, rustix::process::Signal::KILL);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    false
}

#[cfg(not(target_os = "linux"))]
pub(super) fn ends_as_leftover(_: u32) -> bool {
    false
}
