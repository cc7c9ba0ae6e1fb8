//! Who may ask: keys, their limits, and the file that holds them.
//!
//! A key of ours is 32 random bytes, so its SHA-256 tells nothing that could be guessed: what is
//! slow on purpose (bcrypt, Argon2) protects words that people choose, and costs every request.

mod file;
mod limit;
mod ring;

pub use file::{KeyFile, KeyRecord, Limits};
pub(crate) use limit::Permit;
pub(crate) use ring::{Caller, FileOfKeys, KeyRing};
