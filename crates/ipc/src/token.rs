//! What a client shows to be let in.

use std::fmt;
use std::io;
use std::str::FromStr;

use lenore_provider::{Error, ErrorKind};
use subtle::ConstantTimeEq;

/// A secret of 256 bits that the processes of one user share.
///
/// Neither `Debug` nor an error ever shows it; [`to_hex`](Self::to_hex) does, for the file that
/// holds it.
#[derive(Clone)]
pub struct Token([u8; Self::BYTES]);

impl Token {
    const BYTES: usize = 32;

    /// A new one, from the system's source of randomness.
    ///
    /// # Errors
    /// The system has no such source.
    pub fn random() -> io::Result<Self> {
        let mut bytes = [0; Self::BYTES];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// Its text: 64 hexadecimal digits.
    pub fn to_hex(&self) -> String {
        base16ct::lower::encode_string(&self.0)
    }
}

impl FromStr for Token {
    type Err = Error;

    /// Reads the text again; white space around it, as at a file's end, is no part of it.
    fn from_str(text: &str) -> Result<Self, Error> {
        let mut bytes = [0; Self::BYTES];
        match base16ct::mixed::decode(text.trim(), &mut bytes) {
            Ok(read) if read.len() == Self::BYTES => Ok(Self(bytes)),
            _ => Err(Error::new(
                ErrorKind::InvalidRequest,
                "this is no token; a token is 64 hexadecimal digits",
            )),
        }
    }
}

impl PartialEq for Token {
    /// Takes the same time whatever the difference.
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Token {}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_back_from_its_text_and_no_two_are_the_same() {
        let token = Token::random().expect("randomness");
        let text = token.to_hex();
        assert_eq!(text.len(), 64);
        assert_eq!(format!("{}\n", text.to_uppercase()).parse::<Token>().expect("its text"), token);
        assert_ne!(Token::random().expect("randomness"), token);
    }

    #[test]
    fn nothing_shows_it() {
        let token = Token::random().expect("randomness");
        assert!(!format!("{token:?}").contains(&token.to_hex()[..6]));
        for text in ["", "abc", &token.to_hex()[1..], &format!("{}00", token.to_hex()), "ä"] {
            let error = text.parse::<Token>().expect_err("no token");
            assert!(text.is_empty() || !error.to_string().contains(&format!("{text} ")));
            assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        }
    }
}
