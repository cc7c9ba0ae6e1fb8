//! What options take, for those whose own error would not say it.

use std::str::FromStr;

/// A whole number, from 0.
pub(crate) fn number<N: FromStr>(text: &str) -> Result<N, &'static str> {
    text.parse().map_err(|_| "a whole number belongs there")
}

/// A whole number, from 1.
pub(crate) fn positive<N: FromStr>(text: &str) -> Result<N, &'static str> {
    text.parse().map_err(|_| "a whole number belongs there, at least 1")
}

/// Seconds, from 0.
pub(crate) fn seconds<N: FromStr>(text: &str) -> Result<N, &'static str> {
    text.parse().map_err(|_| "a number of seconds belongs there")
}

/// Seconds, from 1.
pub(crate) fn some_seconds<N: FromStr>(text: &str) -> Result<N, &'static str> {
    text.parse().map_err(|_| "a number of seconds belongs there, at least 1")
}

/// A port.
pub(crate) fn port(text: &str) -> Result<u16, &'static str> {
    text.parse().map_err(|_| "a port belongs there, from 0 to 65535")
}

/// The number of an exchange.
pub(crate) fn exchange(text: &str) -> Result<i64, &'static str> {
    text.parse().map_err(|_| "the number of an exchange belongs there; `lenore logs` lists them")
}
