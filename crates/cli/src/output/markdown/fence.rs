//! Code between fences, line by line.

use anstyle::Style;

use super::highlight::Highlighter;
use crate::output::row::{Piece, Prefix, Row, RowBuilder, fill};
use crate::output::theme::Layout;

/// A code block that has begun.
#[derive(Clone, Debug)]
pub(in crate::output) struct Fence {
    mark: char,
    length: usize,
    /// Blanks before the opening fence, which are taken from each line.
    indent: usize,
    code: Code,
}

impl Fence {
    /// Reads an opening fence, which Markdown has found to be one.
    pub(super) fn open(line: &str, layout: &Layout) -> Self {
        let fence = line.trim_start();
        let mark = fence.chars().next().unwrap_or('`');
        let info = fence.trim_start_matches(mark);
        let code = Code::new(info, layout);
        Self { mark, length: fence.len() - info.len(), indent: line.len() - fence.len(), code }
    }

    pub(super) fn head(&self, at: usize, layout: &Layout) -> Row {
        self.code.head(&Prefix::default(), at, layout)
    }

    /// Whether a line closes the block.
    pub(super) fn is_closed_by(&self, line: &str) -> bool {
        let fence = line.trim_start_matches(' ');
        let rest = fence.trim_start_matches(self.mark);
        line.len() - fence.len() < 4
            && fence.len() - rest.len() >= self.length
            && rest.trim().is_empty()
    }

    /// Whether a line could still become one that closes the block.
    pub(super) fn may_be_closed_by(&self, line: &str) -> bool {
        line.chars().all(|c| c == self.mark || c == ' ')
    }

    /// The rows of the next line, without its line break.
    pub(super) fn line(&mut self, line: &str, at: usize, layout: &Layout) -> Vec<Row> {
        let blanks = line.len() - line.trim_start_matches(' ').len();
        let dropped = blanks.min(self.indent);
        self.code.line(&line[dropped..], &Prefix::default(), at + dropped, layout)
    }

    pub(super) fn foot(&self, at: usize, layout: &Layout) -> Row {
        self.code.foot(&Prefix::default(), at, layout)
    }
}

/// Lines of code, framed above and below alone, so that they can be copied.
#[derive(Clone, Debug)]
pub(in crate::output) struct Code {
    language: String,
    highlighter: Option<Highlighter>,
}

impl Code {
    /// Of a language as a fence names it.
    pub(super) fn new(info: &str, layout: &Layout) -> Self {
        let name = info.split([' ', ',', '{', ':', '\t', '\n']).find(|word| !word.is_empty());
        let language = name.unwrap_or_default().to_owned();
        let highlighter = layout.theme.colours.then(|| Highlighter::new(&language)).flatten();
        Self { language, highlighter }
    }

    pub(super) fn head(&self, prefix: &Prefix, at: usize, layout: &Layout) -> Row {
        frame("┌─ ", &self.language, prefix, at, layout)
    }

    pub(super) fn foot(&self, prefix: &Prefix, at: usize, layout: &Layout) -> Row {
        frame("└─", "", prefix, at, layout)
    }

    pub(super) fn line(
        &mut self,
        line: &str,
        prefix: &Prefix,
        at: usize,
        layout: &Layout,
    ) -> Vec<Row> {
        let pieces = match &mut self.highlighter {
            Some(highlighter) => highlighter.line(line, at),
            None => vec![Piece::new(line, Style::new(), at)],
        };
        fill(prefix, &pieces, layout.width, at)
    }
}

fn frame(mark: &str, word: &str, prefix: &Prefix, at: usize, layout: &Layout) -> Row {
    let room = layout.prose().saturating_sub(prefix.width + 3);
    let word: String = Piece::new(word, Style::new(), at).text.chars().take(room).collect();
    let mut row = RowBuilder::after(prefix);
    row.push(format!("{mark}{word}").trim_end(), layout.theme.mark);
    row.row(at)
}
