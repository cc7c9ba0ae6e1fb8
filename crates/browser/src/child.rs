//! A process of ours with all the processes that it starts, and what it said last.

use std::io::Read;
use std::process::Child;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long killed helpers may take to go. Where nobody reaps orphans they never seem to.
const HELPERS: Duration = Duration::from_secs(1);

/// How often an ending process is looked at.
pub(crate) const LOOK: Duration = Duration::from_millis(5);

/// How long the last words of a process that has ended may take to be read.
const LAST: Duration = Duration::from_millis(500);

/// How much of what a program says is kept for an error message, in bytes.
const LAST_WORDS: usize = 2048;

/// A process that leads a group of its own. [`end`](Self::end) ends the whole group.
#[derive(Debug)]
pub(crate) struct Group(Child);

/// What a program said last.
#[derive(Clone, Debug, Default)]
pub(crate) struct LastWords(Arc<Mutex<Vec<u8>>>);

impl Group {
    /// Of a process that was started as the leader of a group.
    pub(crate) fn led_by(child: Child) -> Self {
        Self(child)
    }

    /// The number of the process, which is its group's too.
    pub(crate) fn leader(&self) -> u32 {
        self.0.id()
    }

    /// Whether a process belongs to it.
    pub(crate) fn has(&self, pid: u32) -> bool {
        #[cfg(unix)]
        {
            use rustix::process::{Pid, getpgid};
            let process = i32::try_from(pid).ok().and_then(Pid::from_raw);
            process.is_some_and(|process| getpgid(Some(process)) == Ok(Pid::from_child(&self.0)))
        }
        #[cfg(not(unix))]
        {
            pid == self.leader()
        }
    }

    /// Waits until the process has ended, without taking its status; `false` where it has not.
    pub(crate) fn wait_for_exit(&mut self, wait: Duration) -> bool {
        let end = Instant::now() + wait;
        while !self.has_exited() {
            if Instant::now() >= end {
                return false;
            }
            std::thread::sleep(LOOK);
        }
        true
    }

    /// Whether the process has ended. Its status is not taken yet, so that its number, which is
    /// its group's too, cannot be another's when the group is killed.
    #[cfg(unix)]
    pub(crate) fn has_exited(&mut self) -> bool {
        use rustix::process::{WaitId, WaitIdOptions, waitid};
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        !matches!(waitid(WaitId::Pid(rustix::process::Pid::from_child(&self.0)), options), Ok(None))
    }

    #[cfg(not(unix))]
    pub(crate) fn has_exited(&mut self) -> bool {
        !matches!(self.0.try_wait(), Ok(None))
    }

    /// Kills what is left of the group, and waits until it is gone.
    pub(crate) fn end(&mut self) {
        self.kill();
        let _ = self.0.wait();
        self.wait_for_helpers();
    }

    #[cfg(unix)]
    fn kill(&mut self) {
        use rustix::process::{Pid, Signal, kill_process_group};
        let _ = kill_process_group(Pid::from_child(&self.0), Signal::KILL);
    }

    #[cfg(not(unix))]
    fn kill(&mut self) {
        let _ = self.0.kill();
    }

    /// Waits until the helpers, which nobody else waits for, are gone too.
    fn wait_for_helpers(&self) {
        #[cfg(unix)]
        {
            use rustix::process::{Pid, test_kill_process_group};
            let end = Instant::now() + HELPERS;
            let group = Pid::from_child(&self.0);
            while test_kill_process_group(group).is_ok() && Instant::now() < end {
                std::thread::sleep(LOOK);
            }
        }
    }
}

impl LastWords {
    /// Listens to a program until its end, so that it never blocks on a full pipe.
    pub(crate) fn listen_to(&self, mut stream: impl Read + Send + 'static) {
        let kept = self.0.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(n @ 1..) = stream.read(&mut buffer) {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept.extend_from_slice(&buffer[..n]);
                let excess = kept.len().saturating_sub(LAST_WORDS);
                kept.drain(..excess);
            }
        });
    }

    /// Waits until a program that has ended is heard to its end, unless another process still
    /// holds its pipes.
    pub(crate) fn wait_for_end(&self) {
        let end = Instant::now() + LAST;
        // Each listener has a share of its own.
        while Arc::strong_count(&self.0) > 1 && Instant::now() < end {
            std::thread::sleep(LOOK);
        }
    }

    /// All that is kept.
    pub(crate) fn text(&self) -> String {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&kept).into_owned()
    }

    /// The last line that says something.
    pub(crate) fn last_line(&self) -> String {
        let text = self.text();
        let line = text.lines().rev().find(|line| !line.trim().is_empty());
        line.unwrap_or("nothing").trim().to_owned()
    }
}
