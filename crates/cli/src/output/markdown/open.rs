//! What is still being written, drawn as it will probably be.

use std::borrow::Cow;

/// The text as if it were closed here: emphasis and code that have begun end, and marks at its
/// end, of which nobody knows yet what they will be, are left out.
pub(super) fn as_if_closed(text: &str) -> Cow<'_, str> {
    let text = without_bare_marks(text);
    let begin = text.rfind("\n\n").map_or(0, |at| at + 2);
    let block = &text[begin..];
    if block.contains("```") || block.contains("~~~") {
        return Cow::Borrowed(text);
    }
    let open = open_marks(block);
    if open.is_empty() {
        return Cow::Borrowed(text);
    }
    // A mark that nothing follows closes nothing either.
    let mut shown = text.trim_end();
    let mut closing = String::new();
    for mark in open.iter().rev() {
        match shown.strip_suffix(mark.as_str()) {
            Some(rest) if closing.is_empty() => shown = rest.trim_end(),
            _ => closing.push_str(mark),
        }
    }
    Cow::Owned(format!("{shown}{closing}"))
}

/// Without a last line that has nothing but marks on it.
fn without_bare_marks(text: &str) -> &str {
    let begin = text.rfind('\n').map_or(0, |at| at + 1);
    let line = text[begin..].trim();
    let number = line.trim_end_matches(['.', ')']);
    let is_number = !number.is_empty()
        && number.chars().all(|c| c.is_ascii_digit())
        && (begin > 0 || number != line);
    let is_mark = |c: char| "-=#*+>`|:~_ \t".contains(c);
    if !line.is_empty() && (is_number || line.chars().all(is_mark)) { &text[..begin] } else { text }
}

/// The marks of emphasis and code that have begun and not ended.
fn open_marks(block: &str) -> Vec<String> {
    let mut open: Vec<String> = Vec::new();
    let mut before = ' ';
    let mut rest = block;
    while let Some(c) = rest.chars().next() {
        if !matches!(c, '*' | '`' | '~' | '\\') {
            before = c;
            rest = &rest[c.len_utf8()..];
            continue;
        }
        if c == '\\' {
            let escaped = rest.chars().nth(1).map_or(0, char::len_utf8);
            before = 'x';
            rest = &rest[1 + escaped..];
            continue;
        }
        let length = rest.len() - rest.trim_start_matches(c).len();
        let (mark, after) = rest.split_at(length);
        rest = after;
        if c == '`' {
            let Some(end) = after.find(mark) else {
                open.push(mark.to_owned());
                return open;
            };
            rest = &after[end + length..];
        } else if open.last().is_some_and(|last| last == mark) && !before.is_whitespace() {
            open.pop();
        } else if opens(before, after) && (c == '*' && length <= 3 || c == '~' && length == 2) {
            open.push(mark.to_owned());
        }
        before = c;
    }
    open
}

/// Whether a mark between two texts begins something.
fn opens(before: char, after: &str) -> bool {
    !before.is_alphanumeric() && after.chars().next().is_none_or(|c| !c.is_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_begun_is_closed() {
        for (text, closed) in [
            ("plain", "plain"),
            ("some **bold", "some **bold**"),
            ("some **bold** and `code", "some **bold** and `code`"),
            ("***both", "***both***"),
            ("**outer *inner", "**outer *inner***"),
            ("some **", "some"),
            ("some `", "some"),
            ("~~gone", "~~gone~~"),
            ("2 * 3 and a*b", "2 * 3 and a*b"),
            ("\\*no", "\\*no"),
            ("* item **b\n", "* item **b**"),
            ("old **open\n\nnew", "old **open\n\nnew"),
        ] {
            assert_eq!(as_if_closed(text), closed, "{text:?}");
        }
    }

    #[test]
    fn marks_alone_wait_for_what_follows() {
        for (text, shown) in [
            ("text\n-", "text\n"),
            ("text\n12.", "text\n"),
            ("text\n```", "text\n"),
            ("| a |\n|--", "| a |\n"),
            ("42", "42"),
            ("1.", ""),
        ] {
            assert_eq!(as_if_closed(text), shown, "{text:?}");
        }
    }
}
