//! How often and how much at once.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Limits;
use crate::failure::Failure;
use crate::limits::Limit;

/// When a caller who has too much under way may try again. Nobody knows when answers end.
const SOON: Duration = Duration::from_secs(1);

/// The right to one question, until it is dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    _slot: Option<OwnedSemaphorePermit>,
}

impl Permit {
    /// Without any limit.
    pub(super) fn free() -> Self {
        Self { _slot: None }
    }
}

/// The state of a key's limits.
#[derive(Debug)]
pub(super) struct Limiter {
    limits: Limits,
    per_minute: Option<Mutex<Bucket>>,
    slots: Option<Arc<Semaphore>>,
}

/// A token bucket: a minute's worth at once at most, refilled evenly.
#[derive(Debug)]
struct Bucket {
    size: f64,
    level: f64,
    since: Instant,
}

impl Bucket {
    /// Takes so many, which are not more than there may be, or says how long to wait for them.
    fn take(&mut self, count: u32, now: Instant) -> Result<(), Duration> {
        let count = f64::from(count);
        let per_second = self.size / 60.0;
        let passed = now.saturating_duration_since(self.since).as_secs_f64();
        self.level = (self.level + passed * per_second).min(self.size);
        self.since = now;
        if self.level >= count {
            self.level -= count;
            return Ok(());
        }
        Err(Duration::from_secs_f64((count - self.level) / per_second))
    }
}

impl Limiter {
    pub(super) fn new(limits: &Limits) -> Self {
        let bucket = |count: u32| {
            let size = f64::from(count);
            Mutex::new(Bucket { size, level: size, since: Instant::now() })
        };
        let slots = |count: u32| Arc::new(Semaphore::new(usize::try_from(count).unwrap_or(1)));
        Self {
            limits: limits.clone(),
            per_minute: limits.requests_per_minute.map(bucket),
            slots: limits.concurrent.map(slots),
        }
    }

    /// Counts one more question of a request that was let in.
    pub(super) fn ask_again(&self) -> Result<(), Failure> {
        let Some(bucket) = &self.per_minute else { return Ok(()) };
        let mut bucket = bucket.lock().unwrap_or_else(PoisonError::into_inner);
        bucket.take(1, Instant::now()).map_err(|wait| {
            let what = "this key has asked as often as it may in a minute";
            refused(Limit::KeyRequests, what, wait)
        })
    }

    /// Lets a question for so many answers in: each is a question on the site.
    pub(super) fn enter(&self, count: usize) -> Result<Permit, Failure> {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let Limits { requests_per_minute, concurrent, .. } = self.limits;
        if requests_per_minute.into_iter().chain(concurrent).any(|most| count > most) {
            let message = format!("this key may never ask for {count} answers at once");
            return Err(Failure::invalid(message).of_param("n"));
        }
        let slot = self.slots.as_ref().map(|slots| {
            slots.clone().try_acquire_many_owned(count).map_err(|_| {
                let what = "as many answers as this key may have at once are under way";
                refused(Limit::KeyConcurrent, what, SOON)
            })
        });
        let slot = slot.transpose()?;
        if let Some(bucket) = &self.per_minute {
            let mut bucket = bucket.lock().unwrap_or_else(PoisonError::into_inner);
            bucket.take(count, Instant::now()).map_err(|wait| {
                let what = "this key has asked as often as it may in a minute";
                refused(Limit::KeyRequests, what, wait)
            })?;
        }
        Ok(Permit { _slot: slot })
    }
}

fn refused(limit: Limit, what: &str, wait: Duration) -> Failure {
    limit.busy("rate_limit_exceeded", what).with_retry_after(wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_refills_with_time() {
        let begin = Instant::now();
        let mut bucket = Bucket { size: 2.0, level: 2.0, since: begin };
        assert!(bucket.take(1, begin).is_ok() && bucket.take(1, begin).is_ok());
        assert_eq!(bucket.take(1, begin), Err(Duration::from_secs(30)));
        assert_eq!(bucket.take(2, begin), Err(Duration::from_secs(60)));
        assert!(bucket.take(1, begin + Duration::from_secs(31)).is_ok());
        assert!(bucket.take(1, begin + Duration::from_secs(32)).is_err());
    }

    #[test]
    fn a_slot_is_free_again_when_the_answer_is_over() {
        let limiter = Limiter::new(&Limits { concurrent: Some(1), ..Limits::default() });
        let permit = limiter.enter(1).expect("the first");
        assert_eq!(limiter.enter(1).expect_err("the second").code, "rate_limit_exceeded");
        drop(permit);
        limiter.enter(1).expect("free again");
    }

    #[test]
    fn each_answer_counts() {
        let limiter = Limiter::new(&Limits {
            concurrent: Some(3),
            requests_per_minute: Some(4),
            ..Limits::default()
        });
        let permit = limiter.enter(2).expect("two of three");
        assert_eq!(limiter.enter(2).expect_err("four").code, "rate_limit_exceeded");
        assert_eq!(limiter.enter(4).expect_err("never").code, "invalid_value");
        drop(permit);
        let _permit = limiter.enter(2).expect("three and four in the minute");
        assert_eq!(limiter.enter(1).expect_err("the fifth").code, "rate_limit_exceeded");
    }
}
