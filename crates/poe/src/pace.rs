//! The pace: where the site asks to slow down, questions go one at a time, after waits that grow.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lenore_provider::{Error, Event};
use tokio::sync::OwnedMutexGuard;
use tokio::time::{Instant, sleep_until};

/// The first wait where the site does not say how long; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(2);
/// The longest wait of these.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The pace of one account, shared by all its questions.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// When the next question may go, after the site asked to slow down and until it takes one.
    slow_until: Mutex<Option<Instant>>,
    /// Who has it is the only one to ask while the pace is slow.
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// The right to ask now. Held until it is known whether the site takes the question.
#[derive(Debug)]
pub(crate) struct Turn(#[expect(dead_code, reason = "held")] Option<OwnedMutexGuard<()>>);

/// How often one question was put off, and for how long in all.
#[derive(Debug, Default)]
pub(crate) struct PutOff {
    times: u32,
    waited: Duration,
}

impl Pace {
    /// Waits for the turn to ask: none while the pace is not slow.
    pub(crate) async fn turn(&self) -> Turn {
        if self.slow_until().is_none() {
            return Turn(None);
        }
        let turn = self.turn.clone().lock_owned().await;
        // The site may have taken a question meanwhile, and all may go.
        if let Some(until) = self.slow_until() {
            sleep_until(until).await;
        }
        Turn(self.slow_until().map(|_| turn))
    }

    /// The site has taken a question.
    pub(crate) fn taken(&self) {
        *self.lock() = None;
    }

    /// The site has refused a question for its pace. Returns what to tell the caller while the
    /// question waits, or `None` where that would be longer than `patience` in all.
    pub(crate) fn put_off(
        &self,
        error: &Error,
        put_off: &mut PutOff,
        patience: Duration,
    ) -> Option<Event> {
        let usual = FIRST_WAIT.saturating_mul(1 << put_off.times.min(8)).min(LONGEST_WAIT);
        let wait = error.retry_after().unwrap_or(usual);
        // Not all who wait, on however many machines, shall come back at once.
        let wait = wait + wait.mul_f64(fastrand::f64() / 4.0);
        put_off.times += 1;
        put_off.waited += wait;
        let until = Instant::now() + wait;
        let mut slow = self.lock();
        *slow = Some(slow.map_or(until, |earlier| earlier.max(until)));
        (put_off.waited <= patience).then(|| {
            Event::Status(format!(
                "the site asks to slow down; asking again in {:.0} s",
                wait.as_secs_f64().ceil()
            ))
        })
    }

    fn slow_until(&self) -> Option<Instant> {
        *self.lock()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.slow_until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use lenore_provider::ErrorKind;

    use super::*;

    fn refusal() -> Error {
        Error::new(ErrorKind::RateLimited, "slower")
    }

    #[tokio::test(start_paused = true)]
    async fn while_it_is_slow_one_asks_at_a_time_and_after_the_wait() {
        let pace = Arc::new(Pace::default());
        let _free = (pace.turn().await, pace.turn().await);
        let start = Instant::now();
        let error = refusal().with_retry_after(Duration::from_secs(8));
        let told = pace.put_off(&error, &mut PutOff::default(), Duration::from_secs(60));
        assert!(matches!(told, Some(Event::Status(_))));
        let first = pace.turn().await;
        let waited = start.elapsed();
        assert!((8.0..=10.0).contains(&waited.as_secs_f64()), "{waited:?}");
        let second = tokio::spawn({
            let pace = pace.clone();
            async move { pace.turn().await }
        });
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(!second.is_finished());
        pace.taken();
        drop(first);
        second.await.expect("its turn");
        pace.turn().await;
    }

    #[tokio::test(start_paused = true)]
    async fn waits_grow_and_patience_ends() {
        let pace = Pace::default();
        let mut put_off = PutOff::default();
        let patience = Duration::from_secs(30);
        let times =
            (0..).take_while(|_| pace.put_off(&refusal(), &mut put_off, patience).is_some());
        // 2 + 4 + 8 s, then 16 or 20 s more.
        assert!((3..=4).contains(&times.count()));
        let hour = refusal().with_retry_after(Duration::from_secs(3600));
        assert!(pace.put_off(&hour, &mut PutOff::default(), patience).is_none());
    }
}
