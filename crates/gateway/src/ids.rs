//! Names that nobody can guess, and the time as the wire has it.

use std::time::{SystemTime, UNIX_EPOCH};

/// So many bytes from the system's own generator, in hexadecimal digits.
pub(crate) fn random_hex<const BYTES: usize>() -> String {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).expect("the system has a generator of random numbers");
    hex(&bytes)
}

/// Bytes in hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A new name such as `chatcmpl-0f3a…`.
pub(crate) fn new(prefix: &str) -> String {
    format!("{prefix}{}", random_hex::<12>())
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
