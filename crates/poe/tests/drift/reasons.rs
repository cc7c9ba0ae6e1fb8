//! Why some facts cannot be done without.

/// The beginnings of cases that end in an error, and why.
const REASONS: &[(&str, &str)] = &[(
    "route:/{bot}=",
    "a question is asked on the page of its bot, whose address must be known; a site file names \
     another",
)];

/// Why a drift ends in an error; `None` where nobody has said.
pub(crate) fn of(drift: &str) -> Option<&'static str> {
    let found = REASONS.iter().find(|(begins, _)| drift.starts_with(begins));
    found.map(|(_, reason)| *reason)
}
