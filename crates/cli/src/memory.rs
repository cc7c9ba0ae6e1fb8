//! Memory that a program which runs for long has no use for any more goes back to the system.

/// Has the C library give large blocks back as they are freed, which it reads as a program starts:
/// so this one starts once more, in its own place. By itself the library keeps blocks of up to 32 MB
/// once one was freed, and a server that has handed out large answers would hold them for ever.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn give_back_large_blocks() {
    use std::os::unix::process::CommandExt;

    const THRESHOLD: &str = "MALLOC_MMAP_THRESHOLD_";
    const BYTES: &str = "131072";
    if std::env::var_os(THRESHOLD).is_some() {
        return;
    }
    let Ok(program) = std::env::current_exe() else { return };
    let mut arguments = std::env::args_os();
    let mut command = std::process::Command::new(program);
    if let Some(name) = arguments.next() {
        command.arg0(name);
    }
    // It comes back only where it fails, and then all goes on as it is.
    let error = command.args(arguments).env(THRESHOLD, BYTES).exec();
    tracing::debug!(%error, "freed memory may be kept");
}

/// Others do so by themselves, or cannot be told.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn give_back_large_blocks() {}
