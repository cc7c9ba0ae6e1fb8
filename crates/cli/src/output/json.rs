//! JSON as it is printed: exact, and harmless on a terminal.

use std::fmt::Write;

use serde::Serialize;

use super::printable::is_obeyed;

/// A value on one line. What a terminal would obey stands in it by its number.
pub(crate) fn json_line(value: &impl Serialize) -> serde_json::Result<String> {
    let json = serde_json::to_string(value)?;
    if !json.chars().any(is_obeyed) {
        return Ok(json);
    }
    let mut line = String::with_capacity(json.len());
    for c in json.chars() {
        if is_obeyed(c) {
            // They stand in strings alone, since JSON itself is ASCII; and none needs two numbers.
            let _ = write!(line, "\\u{:04x}", u32::from(c));
        } else {
            line.push(c);
        }
    }
    Ok(line)
}

/// The same for what cannot fail to be JSON.
pub(crate) fn object(value: &serde_json::Value) -> String {
    json_line(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_it_is_obeyed_and_it_reads_back_exactly() {
        let text = "\x1b[2J\u{9b}31m\u{7f}\u{85}\u{202e}x\u{2066}\u{61c}\u{200f}\u{2028}naïve 🐦\n";
        let line = json_line(&text).expect("a text");
        assert!(!line.chars().any(|c| is_obeyed(c) || c.is_control()), "{line}");
        assert!(line.contains("naïve 🐦"), "{line}");
        assert_eq!(serde_json::from_str::<String>(&line).expect("JSON"), text);
    }
}
