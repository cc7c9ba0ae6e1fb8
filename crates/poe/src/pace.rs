//! The pace: where the site asks to slow down, questions go one at a time, after waits that grow.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lenore_provider::{Error, ErrorKind, Result};
use tokio::sync::OwnedMutexGuard;
use tokio::time::{Instant, sleep, timeout};

/// The first wait where the site does not say how long; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(2);
/// The longest wait of these.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// No wait that the site names counts for more.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The pace of one account, shared by all its questions.
#[derive(Debug)]
pub(crate) struct Pace {
    /// How long a question waits in all.
    patience: Duration,
    slow: Mutex<Option<Slow>>,
    /// Who has it is the only one to ask while the pace is slow.
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// The site has asked to slow down, and has not taken a question in turn since.
#[derive(Clone, Copy, Debug)]
struct Slow {
    /// When the next question may go.
    until: Instant,
    /// How often in a row the site has refused.
    times: u32,
}

/// The right to ask now. Held until it is known whether the site takes the question.
#[derive(Debug)]
pub(crate) struct Turn(Option<OwnedMutexGuard<()>>);

impl Pace {
    pub(crate) fn new(patience: Duration) -> Self {
        Self { patience, slow: Mutex::default(), turn: Arc::default() }
    }

    /// For how long nobody may ask, where the pace is slow.
    pub(crate) fn wait(&self) -> Option<Duration> {
        self.slow().map(|slow| slow.until.saturating_duration_since(Instant::now()))
    }

    /// Waits for the turn to ask: none while the pace is not slow.
    ///
    /// # Errors
    /// [`ErrorKind::RateLimited`] where that takes longer than questions bear.
    pub(crate) async fn turn(&self) -> Result<Turn> {
        if self.wait().is_none() {
            return Ok(Turn(None));
        }
        let turn = async {
            let turn = self.turn.clone().lock_owned().await;
            // The site may have taken a question meanwhile, and all may go.
            while let Some(wait) = self.wait().filter(|wait| !wait.is_zero()) {
                sleep(wait).await;
            }
            Turn(self.wait().map(|_| turn))
        };
        // Rounded up, so that a wait of just so long is borne.
        let patience = self.patience + Duration::from_millis(10);
        timeout(patience, turn).await.map_err(|_| {
            let message =
                "the site has asked to slow down, and other questions wait for their turn";
            let error = Error::new(ErrorKind::RateLimited, message);
            error.with_retry_after(self.wait().unwrap_or(FIRST_WAIT))
        })
    }

    /// The site has taken a question. Only one that went in turn tells that the others may go.
    pub(crate) fn taken(&self, turn: &Turn) {
        if turn.0.is_some() {
            *self.slow() = None;
        }
    }

    /// The site has refused a question for its pace, which waits since an instant. Whether it may
    /// be asked again in turn, within what questions bear.
    pub(crate) fn put_off(&self, error: &Error, since: Instant) -> bool {
        let now = Instant::now();
        let mut slow = self.slow();
        let times = slow.map_or(0, |slow| slow.times);
        let usual = FIRST_WAIT.saturating_mul(1 << times.min(8)).min(LONGEST_WAIT);
        let wait = error.retry_after().unwrap_or(usual).min(DAY);
        // Not all who wait, on however many machines, shall come back at once.
        let wait = wait + wait.mul_f64(fastrand::f64() / 4.0);
        // The limit may be one bot's alone, so that others are not held up for longer than they
        // bear.
        let until = now + wait.min(self.patience);
        let until = slow.map_or(until, |slow| slow.until.max(until));
        *slow = Some(Slow { until, times: times + 1 });
        now + wait <= since + self.patience
    }

    fn slow(&self) -> MutexGuard<'_, Option<Slow>> {
        self.slow.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    fn refusal() -> Error {
        Error::new(ErrorKind::RateLimited, "slower")
    }

    #[tokio::test(start_paused = true)]
    async fn while_it_is_slow_one_asks_at_a_time_and_after_the_wait() {
        let pace = Arc::new(Pace::new(PATIENCE));
        let free = pace.turn().await.expect("not slow");
        let start = Instant::now();
        assert!(pace.put_off(&refusal().with_retry_after(Duration::from_secs(8)), start));
        // One that went before says nothing of the pace.
        pace.taken(&free);
        let first = pace.turn().await.expect("in time");
        let waited = start.elapsed();
        assert!((8.0..=10.1).contains(&waited.as_secs_f64()), "{waited:?}");
        let second = tokio::spawn({
            let pace = pace.clone();
            async move { pace.turn().await.map(drop) }
        });
        tokio::time::sleep(Duration::from_secs(30)).await;
        assert!(!second.is_finished());
        pace.taken(&first);
        drop(first);
        second.await.expect("no panic").expect("its turn");
        assert!(pace.wait().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn waits_grow_and_patience_ends() {
        let pace = Pace::new(PATIENCE);
        let since = Instant::now();
        let mut times = 0;
        while pace.put_off(&refusal(), since) {
            times += 1;
            pace.turn().await.expect("in time");
        }
        // 2 + 4 + 8 + 16 s, with up to a quarter more, and 30 s would be too long.
        assert!((3..=4).contains(&times), "{times}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_wait_of_one_question_does_not_hold_up_others_for_as_long() {
        let pace = Pace::new(PATIENCE);
        let hour = refusal().with_retry_after(Duration::from_secs(3600));
        assert!(!pace.put_off(&hour, Instant::now()));
        let start = Instant::now();
        let turn = pace.turn().await.expect("borne");
        assert!(start.elapsed() <= PATIENCE + Duration::from_secs(1));
        // Who comes meanwhile is told rather than left to wait.
        let error = pace.turn().await.expect_err("somebody else's turn");
        assert_eq!(error.kind(), ErrorKind::RateLimited);
        assert!(error.retry_after().is_some());
        drop(turn);
        let forever = refusal().with_retry_after(Duration::MAX);
        assert!(!pace.put_off(&forever, Instant::now()));
    }
}
