//! Figures of many durations.

use std::time::Duration;

use crate::heard::{Heard, Piece};

/// The pieces of several streams that were made while all of them ran.
pub(crate) fn meanwhile(streams: &[Heard]) -> Vec<Duration> {
    let made = |piece: Option<&Piece>| piece.map_or(0, |piece| piece.0);
    let from = streams.iter().map(|heard| made(heard.pieces.first())).max();
    let upto = streams.iter().map(|heard| made(heard.pieces.last())).min();
    let during = from.unwrap_or(1)..upto.unwrap_or(0);
    let pieces = streams.iter().flat_map(|heard| &heard.pieces);
    pieces.filter(|piece| during.contains(&piece.0)).map(|piece| piece.1).collect()
}

/// The value below which a share of the values lies.
pub(crate) fn quantile(values: &[Duration], share: f64) -> Option<Duration> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    let at = (sorted.len().saturating_sub(1) as f64 * share).round() as usize;
    sorted.get(at).copied()
}
