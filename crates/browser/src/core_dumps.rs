//! Core dumps, which would hold what a process of ours knows: questions, answers, cookies, keys.

/// Has this process, and those that it starts from now on, leave no core dump, and has nobody but
/// root look into its memory. For a program to call as it begins.
///
/// # Errors
/// The system refuses.
pub fn forbid_core_dumps() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    }
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    }
    Ok(())
}
