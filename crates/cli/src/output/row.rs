//! Rows of a terminal: styled text that is cut to the width of the window.

use std::fmt::Write;
use std::sync::LazyLock;

use anstyle::Style;
use unicode_linebreak::linebreaks;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::printable::printable;

/// Where tabs lead to.
const TAB: usize = 4;

/// A row as it stands on the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// The text with its styles. Control characters are in it only for those.
    pub(super) text: String,
    /// How many cells it takes.
    pub(super) width: usize,
    /// Where in the answer it comes from, in bytes.
    pub(super) at: usize,
    /// Whether the line goes on in the next row: it is full, and no line break stands between, so
    /// that who copies the line gets one line.
    pub(super) goes_on: bool,
}

/// A text in one style, and where it comes from.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) style: Style,
    pub(super) at: usize,
}

impl Piece {
    /// Nothing else gets onto the terminal: what the text must not do is taken from it here.
    pub(super) fn new(text: &str, style: Style, at: usize) -> Self {
        Self { text: printable(text).into_owned(), style, at }
    }
}

/// What comes before the text of a row: quote marks, bullets, indentation.
#[derive(Clone, Debug, Default)]
pub(super) struct Prefix {
    pub(super) text: String,
    pub(super) width: usize,
}

impl Prefix {
    pub(super) fn push(&mut self, text: &str, style: Style) {
        styled(&mut self.text, text, style);
        self.width += cells(text);
    }
}

/// A row that is cut from pieces.
#[derive(Debug, Default)]
pub(super) struct RowBuilder {
    text: String,
    width: usize,
}

impl RowBuilder {
    pub(super) fn after(prefix: &Prefix) -> Self {
        Self { text: prefix.text.clone(), width: prefix.width }
    }

    pub(super) fn push(&mut self, text: &str, style: Style) {
        styled(&mut self.text, text, style);
        self.width += cells(text);
    }

    pub(super) fn row(self, at: usize) -> Row {
        Row { text: self.text, width: self.width, at, goes_on: false }
    }
}

impl Row {
    /// A row with nothing on it.
    pub(super) fn empty(at: usize) -> Self {
        RowBuilder::default().row(at)
    }
}

/// Appends a text in its style.
fn styled(to: &mut String, text: &str, style: Style) {
    if style == Style::new() || text.is_empty() {
        to.push_str(text);
    } else {
        // Writing into a string does not fail.
        let _ = write!(to, "{style}{text}{style:#}");
    }
}

/// How many cells a text takes at most. Terminals differ on joined emoji: some draw the parts,
/// some the whole. What is counted too large leaves a gap; too small would garble the screen.
pub(super) fn cells(text: &str) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    text.graphemes(true).map(grapheme_cells).sum()
}

fn grapheme_cells(grapheme: &str) -> usize {
    if *EAST_ASIAN {
        let parts: usize = grapheme.chars().filter_map(UnicodeWidthChar::width_cjk).sum();
        return parts.max(UnicodeWidthStr::width_cjk(grapheme));
    }
    let parts: usize = grapheme.chars().filter_map(UnicodeWidthChar::width).sum();
    parts.max(grapheme.width())
}

/// Whether all terminals give a grapheme the same width.
fn has_certain_width(grapheme: &str) -> bool {
    let one = |width: fn(char) -> Option<usize>| grapheme.chars().filter_map(width).sum::<usize>();
    grapheme.is_ascii()
        || one(UnicodeWidthChar::width) == grapheme.width()
            && one(UnicodeWidthChar::width_cjk) == grapheme.width()
}

/// Whether characters of ambiguous width are wide, as they are where Chinese, Japanese or Korean
/// is spoken.
static EAST_ASIAN: LazyLock<bool> = LazyLock::new(|| {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(|name| {
        let value = std::env::var(name).ok()?;
        (!value.is_empty()).then_some(value)
    });
    locale.is_some_and(|locale| ["zh", "ja", "ko"].iter().any(|it| locale.starts_with(it)))
});

/// Breaks pieces into lines of at most `width` cells, between words where that is possible.
pub(super) fn wrap(pieces: &[Piece], width: usize) -> Vec<Vec<Piece>> {
    let width = width.max(1);
    let text: String = pieces.iter().map(|piece| piece.text.as_str()).collect();
    let mut lines = Vec::new();
    let mut from = 0;
    for line in text.split('\n') {
        let (mut start, mut end, mut used, mut at) = (from, from, 0, from);
        for word in words(line) {
            let visible = word.trim_end();
            let long = cells(visible);
            if used + long > width && end > start {
                lines.push(cut(pieces, start, end));
                (start, used) = (at, 0);
            }
            if long > width {
                for grapheme in visible.graphemes(true) {
                    let wide = cells(grapheme);
                    if used + wide > width && at > start {
                        lines.push(cut(pieces, start, at));
                        (start, used) = (at, 0);
                    }
                    used += wide;
                    at += grapheme.len();
                }
            } else {
                used += long;
                at += visible.len();
            }
            end = at;
            used += cells(&word[visible.len()..]);
            at += word.len() - visible.len();
        }
        lines.push(cut(pieces, start, end));
        from += line.len() + 1;
    }
    lines
}

/// A line in words, each with the white space that follows it, by the rules of Unicode.
fn words(line: &str) -> impl Iterator<Item = &str> {
    let mut start = 0;
    linebreaks(line).filter_map(move |(end, _)| {
        let word = line.get(start..end)?;
        start = end;
        (!word.is_empty()).then_some(word)
    })
}

/// The part of the pieces between two places of their joined text.
fn cut(pieces: &[Piece], start: usize, end: usize) -> Vec<Piece> {
    let mut found = Vec::new();
    let mut at = 0;
    for piece in pieces {
        let (from, to) = (start.max(at), end.min(at + piece.text.len()));
        if from < to {
            let text = piece.text[from - at..to - at].replace('\t', " ");
            found.push(Piece { text, style: piece.style, at: piece.at + (from - at) });
        }
        at += piece.text.len();
        if at >= end {
            break;
        }
    }
    found
}

/// A line that is not broken between words: it fills row after row, as the terminal itself would
/// fill them. `place` is where in the answer it begins.
pub(super) fn fill(prefix: &Prefix, pieces: &[Piece], width: usize, place: usize) -> Vec<Row> {
    let width = width.max(prefix.width + 2);
    let mut rows = Vec::new();
    let mut row = RowBuilder::after(prefix);
    let mut at = place;
    let mut column = 0;
    let mut is_certain = true;
    for piece in pieces {
        let mut run = String::new();
        let mut run_width = 0;
        let mut place = piece.at;
        for grapheme in piece.text.graphemes(true) {
            let blank;
            let shown = if grapheme == "\t" {
                blank = " ".repeat(TAB - column % TAB);
                &blank
            } else {
                grapheme
            };
            let wide = cells(shown);
            if row.width + run_width + wide > width {
                row.push(&std::mem::take(&mut run), piece.style);
                run_width = 0;
                // Only without a prefix are the rows one line to the terminal, too, and only where
                // it is certain to see them as full.
                let goes_on = prefix.width == 0 && row.width == width && is_certain;
                is_certain = true;
                rows.push(Row {
                    goes_on,
                    ..std::mem::replace(&mut row, RowBuilder::after(prefix)).row(at)
                });
                at = place;
            }
            is_certain &= has_certain_width(shown);
            run.push_str(shown);
            run_width += wide;
            column += wide;
            place += grapheme.len();
        }
        row.push(&run, piece.style);
    }
    rows.push(row.row(at));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(text: &str) -> Piece {
        Piece::new(text, Style::new(), 0)
    }

    fn wrapped(text: &str, width: usize) -> Vec<String> {
        let lines = wrap(&[piece(text)], width);
        lines.iter().map(|line| line.iter().map(|piece| piece.text.as_str()).collect()).collect()
    }

    #[test]
    fn lines_break_between_words_and_long_words_anywhere() {
        assert_eq!(
            wrapped("once upon a midnight dreary", 10),
            ["once upon", "a midnight", "dreary"]
        );
        assert_eq!(wrapped("a abcdefghijkl b", 5), ["a", "abcde", "fghij", "kl b"]);
        assert_eq!(wrapped("日本語のテキスト", 6), ["日本語", "のテキ", "スト"]);
        assert_eq!(wrapped("a\n\nb", 6), ["a", "", "b"]);
        assert_eq!(wrapped("", 6), [""]);
    }

    #[test]
    fn styles_and_places_survive_the_cut() {
        let bold = Style::new().bold();
        let pieces = [Piece::new("one ", Style::new(), 0), Piece::new("two three", bold, 6)];
        let lines = wrap(&pieces, 8);
        assert_eq!(lines[0][1], Piece::new("two", bold, 6));
        assert_eq!(lines[1], [Piece::new("three", bold, 10)]);
    }

    #[test]
    fn joined_emoji_count_what_the_worst_terminal_makes_of_them() {
        assert_eq!(cells("🐦‍⬛"), 4);
        assert_eq!(cells("☀️"), 2);
        assert_eq!(cells("naïve"), 5);
    }

    #[test]
    fn a_line_that_fills_rows_is_one_line_to_the_terminal() {
        let rows = fill(&Prefix::default(), &[piece("abcdefgh")], 4, 0);
        let rows: Vec<_> =
            rows.iter().map(|row| (row.text.as_str(), row.goes_on, row.at)).collect();
        assert_eq!(rows, [("abcd", true, 0), ("efgh", false, 4)]);
        let rows = fill(&Prefix::default(), &[piece("a\tb日本")], 6, 0);
        assert_eq!(rows[0].text, "a   b");
        assert!(!rows[0].goes_on, "a wide character leaves a cell free");
        assert_eq!(fill(&Prefix::default(), &[], 6, 7), [Row::empty(7)]);
    }
}
