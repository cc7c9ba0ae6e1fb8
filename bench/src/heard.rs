//! What a client heard of an answer, piece by piece.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// One question, as a client met its answer.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Heard {
    /// Each piece of the answer, as it came.
    pub(crate) pieces: Vec<Piece>,
    /// From the question to the first piece.
    #[serde(rename = "first_us", with = "microseconds")]
    pub(crate) first: Duration,
    /// From the last piece of the answer to its end, where the client tells.
    #[serde(rename = "end_us", with = "microseconds", default)]
    pub(crate) end: Duration,
    /// The whole answer.
    pub(crate) text: String,
}

/// One piece of an answer.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Piece(
    /// When the site made it, in microseconds since the epoch.
    pub(crate) u64,
    /// How old it was when the client had it.
    #[serde(with = "microseconds")]
    pub(crate) Duration,
);

impl Heard {
    /// Takes a text that was added to the answer. It may hold several stamps: each is a piece.
    pub(crate) fn take(&mut self, added: &str) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let stamps = added.split_ascii_whitespace().filter(|word| word.len() == STAMP);
        let pieces = stamps.filter_map(|word| word.parse().ok()).map(|made| {
            let age = now.saturating_sub(Duration::from_micros(made));
            Piece(made, age)
        });
        self.pieces.extend(pieces);
        self.text.push_str(added);
    }
}

/// The digits of a stamp: microseconds since the epoch, in this century and the next.
const STAMP: usize = 16;

/// Durations as numbers of microseconds. A clock that was set back meanwhile makes them zero.
mod microseconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
        i64::try_from(time.as_micros()).unwrap_or(i64::MAX).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        let microseconds = i64::deserialize(from)?;
        Ok(Duration::from_micros(u64::try_from(microseconds).unwrap_or(0)))
    }
}
