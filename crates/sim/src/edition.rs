//! The editions of the site: which set of habits it has.

use std::fmt;
use std::str::FromStr;

/// Which site is imitated. An edition is a preset of [`Habit`](crate::Habit)s.
///
/// ```
/// use lenore_sim::Edition;
/// assert_eq!("2023".parse(), Ok(Edition::Y2023));
/// assert_eq!("mix:7".parse(), Ok(Edition::Mix(7)));
/// assert!("1999".parse::<Edition>().is_err());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Edition {
    /// The site of 2023.
    Y2023,
    /// The site of 2024 and later.
    #[default]
    Y2025,
    /// A value of each habit by lot; the same number draws the same values.
    Mix(u64),
}

/// A word that names no edition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownEdition(String);

impl fmt::Display for UnknownEdition {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wanted = &self.0;
        write!(
            out,
            "the site has no edition `{wanted}`; there are 2023, 2025 and mix:N, with any number N"
        )
    }
}

impl std::error::Error for UnknownEdition {}

impl FromStr for Edition {
    type Err = UnknownEdition;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let mix = || word.strip_prefix("mix:")?.parse().ok().map(Edition::Mix);
        match word {
            "2023" => Ok(Edition::Y2023),
            "2025" => Ok(Edition::Y2025),
            _ => mix().ok_or_else(|| UnknownEdition(word.to_owned())),
        }
    }
}

impl fmt::Display for Edition {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Edition::Y2023 => out.write_str("2023"),
            Edition::Y2025 => out.write_str("2025"),
            Edition::Mix(seed) => write!(out, "mix:{seed}"),
        }
    }
}
