//! Work on schemas that others have written runs on a thread of its own, for so long, so deep and in
//! so many steps at most, and no longer than somebody waits for it.
//!
//! The crate that reads schemas has no such bounds. So every schema in a schema gets a keyword of
//! ours, which is asked whenever that schema is read or checked, and ends the work by unwinding.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use jsonschema::paths::Location;
use jsonschema::{Keyword, ValidationError};
use serde_json::{Map, Value};
use tokio::sync::{Semaphore, oneshot};

/// The keyword of ours.
pub(super) const KEYWORD: &str = "x-lenore-step";

/// How long a piece of work may have the processor, and how long it may take in all: others may
/// have the processor meanwhile.
pub(crate) const TIME: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(10);

/// The time is looked at once in so many steps.
const LOOK: u64 = 16;

/// How long to wait for a thread.
const TURN: Duration = Duration::from_secs(10);

/// Bytes of the stack, and how many of them may be used.
const STACK: usize = 16 * 1024 * 1024;
const DEEPEST: usize = 12 * 1024 * 1024;

/// So many are at work at once: one for each processor, and two at least, so that one that costs much does
/// not hold up the others.
static TURNS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    Arc::new(Semaphore::new(processors.max(2)))
});

/// Why work was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It took too long, or went too deep.
    TooMuch,
    /// It took more steps than were given.
    Steps,
    /// Too many others were at work.
    Busy,
}

/// What bounds the work of this thread.
struct Bounds {
    end: Instant,
    /// When the processor's time of this thread is over, where the system counts it.
    time: Option<Duration>,
    /// Steps so far.
    count: u64,
    /// The address of something at the stack's beginning.
    top: usize,
    steps: u64,
    /// Whether nobody waits any more.
    is_cancelled: Arc<AtomicBool>,
}

thread_local! {
    static BOUNDS: RefCell<Option<Bounds>> = const { RefCell::new(None) };
}

/// What unwinds.
struct Unwinding(Ended);

/// Sets it when it is dropped: whoever waited has left.
struct Cancel(Arc<AtomicBool>);

impl Drop for Cancel {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Does the work on a thread of its own.
pub(crate) async fn run<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Ended> {
    let turn = tokio::time::timeout(TURN, TURNS.clone().acquire_owned()).await;
    let Ok(Ok(turn)) = turn else { return Err(Ended::Busy) };
    let (sender, result) = oneshot::channel();
    let cancel = Cancel(Arc::default());
    let is_cancelled = cancel.0.clone();
    let thread = std::thread::Builder::new().name("schema".into()).stack_size(STACK);
    let spawned = thread.spawn(move || {
        // A thread that overruns keeps its turn.
        let _turn = turn;
        let _ = sender.send(bounded(is_cancelled, work));
    });
    if let Err(error) = spawned {
        tracing::warn!(%error, "no thread can be had to read a schema");
        return Err(Ended::Busy);
    }
    // What cannot be ended in between is not waited for.
    match tokio::time::timeout(LONGEST + TIME, result).await {
        Ok(Ok(done)) => done,
        _ => Err(Ended::TooMuch),
    }
}

fn bounded<T>(is_cancelled: Arc<AtomicBool>, work: impl FnOnce() -> T) -> Result<T, Ended> {
    let here = 0_u8;
    let top = std::ptr::from_ref(&here).addr();
    let bounds = Bounds {
        end: Instant::now() + LONGEST,
        time: used().map(|used| used + TIME),
        count: 0,
        top,
        steps: u64::MAX,
        is_cancelled,
    };
    BOUNDS.with_borrow_mut(|known| *known = Some(bounds));
    let done = caught(work);
    BOUNDS.with_borrow_mut(|known| *known = None);
    done
}

/// The processor's time of this thread.
#[cfg(unix)]
fn used() -> Option<Duration> {
    use rustix::time::{ClockId, clock_gettime};
    clock_gettime(ClockId::ThreadCPUTime).try_into().ok()
}

#[cfg(not(unix))]
fn used() -> Option<Duration> {
    None
}

/// Does a part of the work in so many steps at most.
pub(super) fn in_steps<T>(steps: u64, work: impl FnOnce() -> T) -> Result<T, Ended> {
    let set = |steps| {
        BOUNDS.with_borrow_mut(|known| known.as_mut().map(|bounds| bounds.steps = steps));
    };
    set(steps);
    let done = caught(work);
    set(u64::MAX);
    match done {
        Err(ended) if ended != Ended::Steps => resume_unwind(Box::new(Unwinding(ended))),
        done => done,
    }
}

fn caught<T>(work: impl FnOnce() -> T) -> Result<T, Ended> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|thrown: Box<dyn Any + Send>| {
        match thrown.downcast::<Unwinding>() {
            Ok(unwinding) => unwinding.0,
            Err(other) => resume_unwind(other),
        }
    })
}

/// A step of the work; unwinds where there were enough.
pub(super) fn step() {
    let here = 0_u8;
    let at = std::ptr::from_ref(&here).addr();
    let ended = BOUNDS.with_borrow_mut(|known| {
        let bounds = known.as_mut()?;
        bounds.steps = bounds.steps.saturating_sub(1);
        if bounds.steps == 0 {
            return Some(Ended::Steps);
        }
        bounds.count += 1;
        let is_deep = bounds.top.abs_diff(at) > DEEPEST;
        let is_late = bounds.count.is_multiple_of(LOOK)
            && (Instant::now() > bounds.end || bounds.time.is_some_and(|end| used() > Some(end)));
        let is_over = is_deep || is_late || bounds.is_cancelled.load(Ordering::Relaxed);
        is_over.then_some(Ended::TooMuch)
    });
    if let Some(ended) = ended {
        resume_unwind(Box::new(Unwinding(ended)));
    }
}

/// The keyword, which everything fits.
struct Step;

impl<'i> Keyword<'i> for Step {
    fn validate(&self, _: &'i Value) -> Result<(), ValidationError<'i>> {
        step();
        Ok(())
    }

    fn is_valid(&self, _: &'i Value) -> bool {
        step();
        true
    }
}

/// Makes the keyword of a schema that is being read.
pub(super) fn keyword<'a>(
    _: &'a Map<String, Value>,
    _: &'a Value,
    _: Location,
) -> Result<Box<dyn for<'i> Keyword<'i>>, ValidationError<'a>> {
    step();
    Ok(Box::new(Step))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forever() {
        loop {
            step();
        }
    }

    fn deeper(depth: u64) -> u64 {
        step();
        let here = std::hint::black_box([depth; 64]);
        if depth == u64::MAX { 0 } else { here.iter().sum::<u64>().min(deeper(depth + 1)) }
    }

    #[tokio::test]
    async fn work_without_an_end_is_ended() {
        let begin = Instant::now();
        assert_eq!(run(forever).await, Err(Ended::TooMuch));
        assert!(begin.elapsed() < LONGEST + TIME);
        assert_eq!(run(|| deeper(0)).await, Err(Ended::TooMuch), "the stack has an end");
        assert_eq!(run(|| in_steps(1000, forever)).await, Ok(Err(Ended::Steps)));
        assert_eq!(run(|| 7).await, Ok(7));
    }

    #[tokio::test]
    async fn work_that_nobody_waits_for_ends_at_once() {
        let begin = Instant::now();
        let (ended, has_ended) = std::sync::mpsc::channel();
        struct Tell(std::sync::mpsc::Sender<()>);
        impl Drop for Tell {
            fn drop(&mut self) {
                let _ = self.0.send(());
            }
        }
        let work = run(move || {
            let _tell = Tell(ended);
            forever();
        });
        let _ = tokio::time::timeout(Duration::from_millis(50), work).await;
        has_ended.recv_timeout(TIME / 2).expect("it ends");
        assert!(begin.elapsed() < TIME / 2);
    }
}
