//! What a site's text may do to a terminal: be read.

use std::borrow::Cow;

/// The text without characters that a terminal would obey: they become symbols, one for one, so
/// that characters can still be counted. Line breaks and tabs stay.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if text.chars().all(|c| symbol(c) == c) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(symbol).collect())
}

/// The same on one line, for what is shown inside one: a status, a title.
pub(crate) fn one_line(text: &str) -> String {
    printable(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The same, where our own colours stay: no other sequence is.
pub(crate) fn coloured(text: &str) -> Cow<'_, str> {
    if text.chars().all(|c| symbol(c) == c) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\x1b') {
        shown.push_str(&printable(&rest[..at]));
        let length = colour(&rest[at..]).unwrap_or(0);
        if length == 0 {
            shown.push(symbol('\x1b'));
        }
        shown.push_str(&rest[at..at + length]);
        rest = &rest[at + length.max(1)..];
    }
    shown.push_str(&printable(rest));
    Cow::Owned(shown)
}

/// How long the sequence is that a text begins with, where it sets colours.
fn colour(text: &str) -> Option<usize> {
    let rest = text.strip_prefix("\x1b[")?;
    let end = rest.find(|c: char| !(c.is_ascii_digit() || c == ';' || c == ':'))?;
    rest[end..].starts_with('m').then_some("\x1b[".len() + end + 1)
}

/// Whether a terminal obeys a character, or turns others around by it.
pub(super) fn is_obeyed(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}') || (symbol(c) != c && c != '\r')
}

/// For what has no symbol of its own.
const SUBSTITUTE: char = '\u{2426}';

fn symbol(c: char) -> char {
    match c {
        '\n' | '\t' => c,
        // The one of a line break of two characters, and other separators of lines.
        '\r' | '\u{2028}' | '\u{2029}' => ' ',
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'),
        '\u{7f}' => '\u{2421}',
        '\u{80}'..='\u{9f}' => SUBSTITUTE,
        // These turn the direction of what follows, on this line and on others.
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => SUBSTITUTE,
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_become_symbols_one_for_one() {
        let text = "a\x1b]0;title\x07b\u{9b}31m\r\n\tc\u{7f}\u{202e}";
        let shown = printable(text);
        assert_eq!(shown, "a␛]0;title␇b␦31m \n\tc␡␦");
        assert_eq!(shown.chars().count(), text.chars().count());
        assert!(matches!(printable("naïve 🐦‍⬛\n"), Cow::Borrowed(_)));
        assert_eq!(one_line(" a\n\tb "), "a b");
    }

    #[test]
    fn colours_of_ours_stay_and_nothing_else() {
        let text = "\x1b[1;31merror:\x1b[0m \x1b[2J\x1b]52;c;aGk=\x07 \x1b[38:5:1mx\x1b[";
        let expected = "\x1b[1;31merror:\x1b[0m ␛[2J␛]52;c;aGk=␇ \x1b[38:5:1mx␛[";
        assert_eq!(coloured(text), expected);
        assert!(matches!(coloured("naïve\n"), Cow::Borrowed(_)));
    }
}
