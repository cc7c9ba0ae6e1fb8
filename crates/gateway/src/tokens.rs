//! How many tokens a text may have. No site tells, so this is an estimate, and says so wherever it
//! is shown.

/// Parts of a token, so that the sum over a growing text stays exact.
pub(crate) const PER_TOKEN: u64 = 4;

/// What a character weighs: four of ASCII are about a token, any other is one by itself.
pub(crate) fn weight(character: char) -> u64 {
    if character.is_ascii() { 1 } else { PER_TOKEN }
}

/// What a text weighs, in parts of a token.
pub(crate) fn weigh(text: &str) -> u64 {
    text.chars().map(weight).sum()
}

/// About how many tokens a text has.
pub(crate) fn estimate(text: &str) -> u64 {
    weigh(text).div_ceil(PER_TOKEN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_a_token_and_so_is_a_character_of_chinese() {
        assert_eq!(estimate(""), 0);
        assert_eq!(estimate("word"), 1);
        assert_eq!(estimate("words"), 2);
        assert_eq!(estimate("乌鸦"), 2);
    }
}
