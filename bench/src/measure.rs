//! Durations, gathered and shown.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Everything that is measured.
#[derive(Default)]
pub(crate) struct Figures {
    pub(crate) floor_stream: Vec<Duration>,
    pub(crate) lenore_stream: Vec<Duration>,
    pub(crate) floor_first: Vec<Duration>,
    pub(crate) lenore_first: Vec<Duration>,
    pub(crate) lenore_sent: Vec<Duration>,
    pub(crate) typed: Vec<Duration>,
    pub(crate) cold: Vec<Duration>,
}

/// One question, as a client met its answer.
pub(crate) struct Heard {
    /// How old each stamp was when the client had it.
    pub(crate) ages: Vec<Duration>,
    /// From the question to the first piece.
    pub(crate) first: Duration,
    /// From the moment at which the site has made the first piece's answer to its arrival.
    pub(crate) sent_to_first: Duration,
}

/// The age of the newest stamp in a piece of text.
pub(crate) fn age(piece: &str) -> Option<Duration> {
    let stamp: u64 = piece.split_whitespace().next_back()?.parse().ok()?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    now.checked_sub(Duration::from_micros(stamp))
}

/// The value below which a share of the values lies.
fn quantile(values: &[Duration], share: f64) -> Duration {
    let mut sorted = values.to_vec();
    sorted.sort();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    let at = ((sorted.len().saturating_sub(1)) as f64 * share).round() as usize;
    sorted.get(at).copied().unwrap_or_default()
}

/// Prints a row of the table.
pub(crate) fn row(name: &str, values: &[Duration], floor: Option<&Vec<Duration>>) {
    let milliseconds = |duration: Duration| format!("{:.2} ms", duration.as_secs_f64() * 1e3);
    let median = quantile(values, 0.5);
    let over = floor.map_or_else(String::new, |floor| {
        milliseconds(median.saturating_sub(quantile(floor, 0.5)))
    });
    let (p50, p95) = (milliseconds(median), milliseconds(quantile(values, 0.95)));
    println!("| {name} | {p50} | {p95} | {over} |");
}
