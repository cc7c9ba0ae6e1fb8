//! The lower end of the terminal: rows that are still drawn anew, above them what is finished.
//!
//! The cursor rests at the beginning of the line below the rows, so that whatever else is said has
//! a line of its own. What has left the screen at the top cannot be reached and is left alone.

use std::collections::VecDeque;
use std::fmt::Write;

use super::markdown::Block;
use super::row::Row;

/// The size of a terminal, in cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) height: usize,
    pub(crate) width: usize,
}

/// What stands on the screen. It writes nothing itself: it tells what to write.
#[derive(Debug)]
pub(super) struct Canvas {
    size: Size,
    /// Whether the terminal breaks lines anew when its width changes.
    reflows: bool,
    /// The rows that can change, as they were drawn last.
    open: Vec<Row>,
    /// What was finished before them, in blocks, as far as it can be on the screen.
    finished: VecDeque<Block>,
}

impl Canvas {
    pub(super) fn new(size: Size, reflows: bool) -> Self {
        Self { size, reflows, open: Vec::new(), finished: VecDeque::new() }
    }

    pub(super) fn size(&self) -> Size {
        self.size
    }

    /// Draws the blocks that are finished now, and the rows that are open.
    pub(super) fn draw(&mut self, size: Size, blocks: Vec<Block>, open: Vec<Row>) -> String {
        let resized = size.width != self.size.width;
        let old = std::mem::take(&mut self.open);
        let new = || blocks.iter().flat_map(|block| &block.rows).chain(&open);
        let same = if resized {
            0
        } else {
            old.iter().zip(new()).take_while(|(old, new)| old == new).count()
        };
        let reached = self.reachable(&old[same..], size) + same;
        let skip = match old.get(reached) {
            // The beginning has left the screen: what stands there stays, and the rest follows.
            Some(row) if reached > same => {
                let before = new().take_while(|new| new.at < row.at).count();
                // Rather something twice than something not at all.
                if new().nth(before).is_some_and(|new| new.at == row.at) {
                    before
                } else {
                    before.saturating_sub(1)
                }
            }
            None if reached > same => new().count(),
            _ => same,
        };
        let mut out = String::new();
        let height = self.height(&old[reached..], size);
        if resized {
            // A terminal that has broken lines keeps in mind which, and would join them to others
            // when it gets wider; clearing them whole makes it forget.
            clear(&mut out, height);
        } else if height > 0 {
            up(&mut out, height);
        }
        self.size = size;
        write_rows(&mut out, new().skip(skip), size.width);
        let rows: Vec<Row> = new().skip(skip).cloned().collect();
        if self.height(&rows, size) < height {
            out.push_str("\x1b[J");
        }
        self.open = open;
        self.finished.extend(blocks);
        self.forget();
        out
    }

    /// The blocks that were finished, the newest first, as far as they can be drawn anew.
    pub(super) fn within_reach(&self, size: Size) -> impl Iterator<Item = &Block> {
        let mut height = self.height(&self.open, size);
        self.finished.iter().rev().take_while(move |block| {
            height += self.height(&block.rows, size);
            height < size.height
        })
    }

    /// Takes back what was finished from a block on, so that it is drawn anew.
    pub(super) fn reopen(&mut self, at: usize) {
        let from = self.finished.iter().position(|block| block.at == at);
        let blocks = self.finished.drain(from.unwrap_or(self.finished.len())..);
        let rows: Vec<Row> = blocks.flat_map(|block| block.rows).collect();
        self.open.splice(0..0, rows);
    }

    /// Leaves all that is drawn where it is. What comes next begins below it.
    pub(super) fn leave(&mut self) {
        self.open.clear();
        self.finished.clear();
    }

    /// What to write before something else is said in between.
    pub(super) fn lift(&self, size: Size) -> String {
        let reached = self.reachable(&self.open, size);
        let mut out = String::new();
        clear(&mut out, self.height(&self.open[reached..], size));
        out
    }

    /// What to write after that.
    pub(super) fn settle(&mut self, size: Size) -> String {
        let reached = self.reachable(&self.open, size);
        // What was finished has moved, by who knows how much.
        self.finished.clear();
        let mut out = String::new();
        write_rows(&mut out, &self.open[reached..], size.width);
        out
    }

    /// The first of the rows that the cursor can reach from below the last one.
    fn reachable(&self, rows: &[Row], size: Size) -> usize {
        let most = size.height.saturating_sub(1);
        let mut first = rows.len();
        for (at, row) in rows.iter().enumerate().rev() {
            // A line cannot be reached in its middle, once it may have been broken anew.
            if size.width != self.size.width && at > 0 && rows[at - 1].goes_on && row.goes_on {
                continue;
            }
            if self.height(&rows[at..], size) > most {
                break;
            }
            first = at;
        }
        first
    }

    /// How many lines of the screen rows take, which were drawn at the size that was known last.
    fn height(&self, rows: &[Row], size: Size) -> usize {
        let window = if self.reflows { size.width } else { self.size.width };
        let mut height = 0;
        let mut width = 0;
        for row in rows {
            width += row.width;
            if !row.goes_on {
                height += width.max(1).div_ceil(window.max(1));
                width = 0;
            }
        }
        height
    }

    /// Drops what cannot be on the screen any more.
    fn forget(&mut self) {
        let keep = self.within_reach(self.size).count();
        self.finished.drain(..self.finished.len() - keep);
    }
}

/// Writes rows over what stands there, and clears the rest of their lines. A full row has no rest,
/// and some terminals would take its last character for it.
fn write_rows<'a>(out: &mut String, rows: impl IntoIterator<Item = &'a Row>, width: usize) {
    for row in rows {
        out.push_str(&row.text);
        out.push_str(if row.width < width { "\x1b[K" } else { "" });
        out.push_str(if row.goes_on { "" } else { "\r\n" });
    }
}

/// Clears so many lines above the cursor, and goes to the first of them.
fn clear(out: &mut String, lines: usize) {
    if lines > 0 {
        up(out, lines);
        out.push_str(&"\x1b[2K\n".repeat(lines));
        up(out, lines);
    }
}

/// To the beginning of a line so many rows up. Nothing is cleared at once from there: some
/// terminals keep a screen that is cleared from its beginning, and so each picture of it.
fn up(out: &mut String, rows: usize) {
    // Writing into a string does not fail.
    let _ = write!(out, "\r\x1b[{rows}A");
}
