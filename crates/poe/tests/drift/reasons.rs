//! Why some facts cannot be done without.

/// The beginnings of cases that end in an error, and why.
const REASONS: &[(&str, &str)] = &[];

/// Why a drift ends in an error; `None` where nobody has said.
pub(crate) fn of(drift: &str) -> Option<&'static str> {
    let found = REASONS.iter().find(|(begins, _)| drift.starts_with(begins));
    found.map(|(_, reason)| *reason)
}
