//! Where a call of a tool begins in what a bot writes.

/// The first call at or after `from`: a mark at the beginning of its line, outside a code fence.
/// One in the middle of a line or in a fence is quoted or spoken of, and calls nothing.
pub(crate) fn find(text: &str, from: usize, mark: &str) -> Option<usize> {
    let marks = text.get(from..)?.match_indices(mark);
    marks
        .map(|(at, _)| from + at)
        .find(|at| begins_line(&text[..*at]) && !ends_fenced(&text[..*at]))
}

/// Whether nothing but a small indent stands before the text's end on its last line.
fn begins_line(text: &str) -> bool {
    let indent = &text[text.rfind('\n').map_or(0, |end| end + 1)..];
    indent.len() < 4 && indent.bytes().all(|byte| byte == b' ')
}

/// Whether a code fence is open at the end of a text.
fn ends_fenced(text: &str) -> bool {
    let mut open: Option<&str> = None;
    for line in text.lines() {
        let Some((fence, rest)) = fence(line) else { continue };
        match open {
            None => open = Some(fence),
            Some(begun) if fence.starts_with(begun) && rest.trim().is_empty() => open = None,
            Some(_) => {}
        }
    }
    open.is_some()
}

/// The fence that a line begins with, and what follows it.
fn fence(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start();
    let (fence, rest) = ['`', '~'].into_iter().find_map(|sign| {
        let rest = line.trim_start_matches(sign);
        let fence = &line[..line.len() - rest.len()];
        (fence.len() >= 3).then_some((fence, rest))
    })?;
    // A line that begins with inline code is none.
    (!rest.contains('`')).then_some((fence, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_counts_at_the_beginning_of_a_line_alone() {
        for (text, expected) in [
            ("<c>", Some(0)),
            ("I look.\n<c>{}", Some(8)),
            ("I look.\n  <c>{}", Some(10)),
            ("I look. <c>{}", None),
            ("The tag `<c>` is one.", None),
            ("`<c>`\n<c>", Some(6)),
            ("    <c>", None),
            ("> <c>", None),
        ] {
            assert_eq!(find(text, 0, "<c>"), expected, "{text}");
        }
        assert_eq!(find("<c>\n<c>", 1, "<c>"), Some(4));
    }

    #[test]
    fn a_mark_in_a_fence_is_quoted() {
        for (text, expected) in [
            ("```\n<c>\n```", None),
            ("```xml\n<c>\n```\n<c>", Some(15)),
            ("~~~\n```\n<c>", None),
            ("````\n```\n<c>\n````\n<c>", Some(18)),
            ("```x```\n<c>", Some(8)),
            ("```\n```js\n<c>", None),
            ("- like so:\n  ```\n<c>", None),
        ] {
            assert_eq!(find(text, 0, "<c>"), expected, "{text}");
        }
    }
}
