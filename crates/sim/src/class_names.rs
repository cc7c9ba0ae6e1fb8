//! Class names as the real build makes them: `Component_part__HASH`, with a hash
//! that changes with every start, so that nobody gets used to one.

use std::borrow::Cow;

/// Appends the hash to every `Component_part__` of a template.
pub(crate) fn hashed(template: &str, salt: u64) -> String {
    let mut out = String::with_capacity(template.len() + template.len() / 16);
    let mut rest = template;
    while let Some(start) = rest.find(is_word) {
        let word_length =
            rest[start..].find(|letter| !is_word(letter)).unwrap_or(rest.len() - start);
        let end = start + word_length;
        out.push_str(&rest[..end]);
        out.push_str(&hash(&rest[start..end], salt));
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

/// A class name without its hash.
pub(crate) fn prefix(class: &str) -> &str {
    class.split_once("__").map_or(class, |(name, _)| &class[..name.len() + 2])
}

fn is_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

/// Five letters for a class name's prefix, nothing for any other word.
fn hash(word: &str, salt: u64) -> Cow<'static, str> {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let Some((component, part)) = word.strip_suffix("__").and_then(|prefix| prefix.split_once('_'))
    else {
        return Cow::Borrowed("");
    };
    let plain =
        |name: &str| !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric());
    if !plain(component) || !plain(part) {
        return Cow::Borrowed("");
    }
    let mut rng = crate::prose::generator(salt, "class", word);
    let letters = (0..5).map(|_| char::from(LETTERS[rng.usize(..LETTERS.len())]));
    Cow::Owned(letters.collect())
}

#[cfg(test)]
mod tests {
    use super::hashed;

    #[test]
    fn prefixes_and_nothing_else_get_a_hash() {
        let out = hashed(".Modal_closeButton__ { } a__b __NEXT_DATA__ x_y Modal_closeButton__", 1);
        let mut words = out.split(' ');
        let first = words.next().unwrap_or_default();
        assert_eq!(first.len(), ".Modal_closeButton__".len() + 5);
        assert_eq!(words.next_back(), Some(&first[1..]));
        assert!(out.contains(" { } a__b __NEXT_DATA__ x_y "));
        assert_ne!(out, hashed(".Modal_closeButton__", 2));
    }
}
