//! Where a text of Markdown can be cut, so that its parts mean the same alone.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag};

/// What is understood beyond CommonMark.
pub(super) fn options() -> Options {
    Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_MATH
}

/// A part: a block, or one item of a list.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cut {
    /// From the beginning of its first line to that of the next part, in bytes of the text.
    pub(super) range: Range<usize>,
    pub(super) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    Block,
    /// An item, with what marks the items of its list, and its number.
    Item {
        mark: char,
        number: Option<u64>,
    },
    /// Code between fences.
    Fence,
}

/// The parts of a text that begins with one.
///
/// All but the last are what they are, whatever lines follow: a line closes the blocks before it.
pub(super) fn cuts(text: &str) -> Vec<Cut> {
    let mut cuts: Vec<Cut> = Vec::new();
    let mut depth = 0_usize;
    let mut number = None;
    for (event, range) in Parser::new_ext(text, options()).into_offset_iter() {
        let line = text[..range.start].rfind('\n').map_or(0, |at| at + 1);
        let kind = match &event {
            Event::Start(Tag::List(first)) if depth == 0 => {
                number = *first;
                None
            }
            Event::Start(Tag::Item) if depth == 1 => {
                let item = Kind::Item { mark: mark(&text[range.start..]), number };
                number = number.map(|number| number + 1);
                Some(item)
            }
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(_))) if depth == 0 => {
                Some(Kind::Fence)
            }
            Event::End(_) => None,
            _ => (depth == 0).then_some(Kind::Block),
        };
        if let Some(kind) = kind {
            // What stands before the first block, and makes none, is a part of its own.
            if cuts.is_empty() && !text[..line].trim().is_empty() {
                cuts.push(Cut { range: 0..line, kind: Kind::Block });
            }
            let is_first = cuts.is_empty() && kind != Kind::Fence;
            let start = if is_first { 0 } else { line };
            if let Some(last) = cuts.last_mut() {
                last.range.end = start;
            }
            cuts.push(Cut { range: start..text.len(), kind });
        }
        match event {
            Event::Start(_) => depth += 1,
            Event::End(_) => depth -= 1,
            _ => {}
        }
    }
    if cuts.is_empty() && !text.trim().is_empty() {
        cuts.push(Cut { range: 0..text.len(), kind: Kind::Block });
    }
    cuts
}

/// The character that tells a list's items from those of another list.
fn mark(item: &str) -> char {
    let mark = item.trim_start().trim_start_matches(|c: char| c.is_ascii_digit());
    mark.chars().next().unwrap_or('-')
}

/// Whether a blank line stands before a place, be it one of a quote.
pub(super) fn blank_before(text: &str, at: usize) -> bool {
    let between = text[..at].chars().rev().take_while(|c| c.is_whitespace() || *c == '>');
    between.filter(|c| *c == '\n').count() > 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_and_items_are_parts() {
        let text = "# Title\nText\nmore\n\n- one\n  - two\n\n- three\n1. a\n2. b\n```rust\nx\n```\n| a |\n|---|\n";
        let cuts = cuts(text);
        let parts: Vec<_> = cuts.iter().map(|cut| (&text[cut.range.clone()], cut.kind)).collect();
        let item = |mark, number| Kind::Item { mark, number };
        let expected = [
            ("# Title\n", Kind::Block),
            ("Text\nmore\n\n", Kind::Block),
            ("- one\n  - two\n\n", item('-', None)),
            ("- three\n", item('-', None)),
            ("1. a\n", item('.', Some(1))),
            ("2. b\n", item('.', Some(2))),
            ("```rust\nx\n```\n", Kind::Fence),
            ("| a |\n|---|\n", Kind::Block),
        ];
        assert_eq!(parts, expected);
    }

    #[test]
    fn what_makes_no_block_is_in_a_part_too() {
        for text in ["[a]: /b\n", "[a]: /b\ntext\n", "text\n\n[a]: /b\n\ntext"] {
            let joined: String = cuts(text).iter().map(|cut| &text[cut.range.clone()]).collect();
            assert_eq!(joined, text);
        }
        assert_eq!(cuts(" \n\n"), []);
    }
}
