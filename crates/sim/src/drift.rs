//! Drift: a fact of the site that is otherwise one day. The site's own page is told of it, as its
//! build would be; what everybody else sees changes.
//!
//! The page gets the truth encoded: in the padding `_` of what the server says, in `__APP__` for
//! the document; it sends the truth in the same way.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) use plan::Drifts;
pub(crate) use values::words;

mod change;
mod late;
mod markup;
mod plan;
mod values;

/// How much later a fact comes that comes late.
pub(crate) const LATE: Duration = Duration::from_millis(700);

/// What can befall a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum How {
    /// It has another name, or another word in its place.
    Renamed,
    /// It is not there.
    Missing,
    /// It is there and says nothing.
    Null,
    /// It is of another type: a number for a string, a string for a number, a list for an object.
    OtherType,
    /// It is there twice.
    Doubled,
    /// It comes 0.7 s later than it should.
    Late,
}

impl How {
    const ALL: &[(&str, How)] = &[
        ("renamed", How::Renamed),
        ("missing", How::Missing),
        ("null", How::Null),
        ("other_type", How::OtherType),
        ("doubled", How::Doubled),
        ("late", How::Late),
    ];
}

impl fmt::Display for How {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = How::ALL.iter().find(|(_, how)| how == self).map_or("", |(name, _)| name);
        out.write_str(name)
    }
}

/// A fact of the site, by its id in [`facts`](crate::facts()), and what befalls it.
///
/// ```
/// use lenore_sim::{Drift, How};
/// let drift: Drift = "route:/api/gql_POST=renamed".parse().expect("a drift");
/// assert_eq!(drift, Drift::new("route:/api/gql_POST", How::Renamed));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Drift {
    /// The fact's id.
    pub fact: String,
    /// What befalls it.
    pub how: How,
}

impl Drift {
    /// What befalls a fact.
    #[must_use]
    pub fn new(fact: impl Into<String>, how: How) -> Drift {
        Drift { fact: fact.into(), how }
    }
}

impl fmt::Display for Drift {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}={}", self.fact, self.how)
    }
}

/// A drift that cannot be read, or that no fact of the site can have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownDrift(pub(crate) String);

impl fmt::Display for UnknownDrift {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for UnknownDrift {}

impl FromStr for Drift {
    type Err = UnknownDrift;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (fact, word) = text.rsplit_once('=').unwrap_or((text, ""));
        let how = How::ALL.iter().find(|(name, _)| *name == word);
        let Some((_, how)) = how else {
            let words: Vec<_> = How::ALL.iter().map(|(name, _)| *name).collect();
            let words = words.join(", ");
            return Err(UnknownDrift(format!(
                "`{text}` is no drift: FACT=HOW belongs there, with one of {words}"
            )));
        };
        Ok(Drift::new(fact, *how))
    }
}

/// What marks an encoded truth.
const MARK: char = '~';

/// The truth, encoded so that nobody takes it for the site's data.
pub(crate) fn veil(truth: &str) -> String {
    format!("{MARK}{}", STANDARD.encode(truth))
}

/// The truth that a padding holds.
pub(crate) fn unveil(padding: &str) -> Option<Value> {
    let bytes = STANDARD.decode(padding.strip_prefix(MARK)?).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// A name that nobody knows, the same one for the same old name.
pub(crate) fn another_name(name: &str) -> String {
    let mut rng = crate::prose::generator(0, "drift", name);
    format!("{}{:05x}", char::from(b'g' + rng.u8(..16)), rng.u32(..0xf_ffff))
}
