//! Tables, as wide as the window allows.

use anstyle::Style;
use pulldown_cmark::Alignment;

use crate::output::row::{Piece, Prefix, Row, RowBuilder, cells, wrap};
use crate::output::theme::Layout;

/// A column is never narrower.
const NARROWEST: usize = 6;
const GAP: &str = " │ ";

/// The cells of a table, the head's first.
#[derive(Debug)]
pub(super) struct Table {
    alignments: Vec<Alignment>,
    rows: Vec<Vec<Vec<Piece>>>,
}

impl Table {
    pub(super) fn new(alignments: Vec<Alignment>) -> Self {
        Self { alignments, rows: Vec::new() }
    }

    pub(super) fn begin_row(&mut self) {
        self.rows.push(Vec::new());
    }

    pub(super) fn push(&mut self, cell: Vec<Piece>) {
        if let Some(row) = self.rows.last_mut() {
            row.push(cell);
        }
    }

    /// Draws it; where the columns have no room beside each other, as one entry after another.
    pub(super) fn rows(mut self, prefix: &Prefix, at: usize, layout: &Layout) -> Vec<Row> {
        let room = layout.width.saturating_sub(1 + prefix.width);
        for piece in self.rows.first_mut().into_iter().flatten().flatten() {
            piece.style = piece.style.bold();
        }
        match self.widths(room) {
            Some(widths) => self.grid(&widths, prefix, at, layout),
            None => self.entries(prefix, at, layout),
        }
    }

    /// The widths of the columns, the widest cut down until they fit.
    fn widths(&self, room: usize) -> Option<Vec<usize>> {
        let mut widths = vec![1; self.alignments.len()];
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell_width(cell));
            }
        }
        let room = room.checked_sub(cells(GAP) * widths.len().saturating_sub(1))?;
        let mut excess = widths.iter().sum::<usize>().saturating_sub(room);
        while excess > 0 {
            let widest = widths.iter().copied().max()?;
            if widest <= NARROWEST {
                return None;
            }
            let next = widths.iter().copied().filter(|width| *width < widest).max();
            let next = next.unwrap_or(0).max(NARROWEST);
            let count = widths.iter().filter(|width| **width == widest).count();
            let step = (widest - next).min(excess.div_ceil(count)).max(1);
            for width in widths.iter_mut().filter(|width| **width == widest) {
                let less = step.min(excess);
                *width -= less;
                excess -= less;
            }
        }
        Some(widths)
    }

    fn grid(&self, widths: &[usize], prefix: &Prefix, at: usize, layout: &Layout) -> Vec<Row> {
        let mark = layout.theme.mark;
        let mut drawn = Vec::new();
        for (number, row) in self.rows.iter().enumerate() {
            let at = first_place(row).unwrap_or(at);
            let columns: Vec<_> = widths
                .iter()
                .enumerate()
                .map(|(at, width)| wrap(row.get(at).map_or(&[], |cell| cell), *width))
                .collect();
            let height = columns.iter().map(Vec::len).max().unwrap_or(1);
            for line in 0..height {
                let mut built = RowBuilder::after(prefix);
                for (column, lines) in columns.iter().enumerate() {
                    if column > 0 {
                        built.push(GAP, mark);
                    }
                    let pieces = lines.get(line).map_or(&[][..], |line| line);
                    let last = column + 1 == columns.len();
                    pad(&mut built, pieces, widths[column], self.alignments[column], last);
                }
                drawn.push(built.row(at));
            }
            if number == 0 {
                let mut built = RowBuilder::after(prefix);
                let line: Vec<_> = widths.iter().map(|width| "─".repeat(*width)).collect();
                built.push(&line.join("─┼─"), mark);
                drawn.push(built.row(at));
            }
        }
        drawn
    }

    fn entries(&self, prefix: &Prefix, at: usize, layout: &Layout) -> Vec<Row> {
        let Some((head, rows)) = self.rows.split_first() else { return Vec::new() };
        let room = layout.prose().saturating_sub(prefix.width);
        let mut drawn = Vec::new();
        for row in rows {
            let place = first_place(row).unwrap_or(at);
            for (name, cell) in head.iter().zip(row) {
                let colon = Piece::new(": ", Style::new(), place);
                let pieces: Vec<_> = name.iter().chain([&colon]).chain(cell).cloned().collect();
                drawn.extend(prose(&pieces, prefix, place, room));
            }
            drawn.push(RowBuilder::after(prefix).row(place));
        }
        drawn.pop();
        // Without rows there are only names.
        if drawn.is_empty() {
            let names: Vec<_> = head.iter().flatten().cloned().collect();
            drawn.extend(prose(&names, prefix, at, room));
        }
        drawn
    }
}

fn prose(pieces: &[Piece], prefix: &Prefix, at: usize, room: usize) -> Vec<Row> {
    let row = |line: &Vec<Piece>| {
        let mut built = RowBuilder::after(prefix);
        line.iter().for_each(|piece| built.push(&piece.text, piece.style));
        built.row(at)
    };
    wrap(pieces, room).iter().map(row).collect()
}

fn first_place(row: &[Vec<Piece>]) -> Option<usize> {
    row.iter().flatten().map(|piece| piece.at).next()
}

fn cell_width(cell: &[Piece]) -> usize {
    let text: String = cell.iter().map(|piece| piece.text.as_str()).collect();
    text.split('\n').map(cells).max().unwrap_or(0)
}

fn pad(row: &mut RowBuilder, pieces: &[Piece], width: usize, alignment: Alignment, is_last: bool) {
    let free = width.saturating_sub(pieces.iter().map(|piece| cells(&piece.text)).sum());
    let before = match alignment {
        Alignment::Right => free,
        Alignment::Center => free / 2,
        Alignment::Left | Alignment::None => 0,
    };
    row.push(&" ".repeat(before), Style::new());
    pieces.iter().for_each(|piece| row.push(&piece.text, piece.style));
    if !is_last {
        row.push(&" ".repeat(free - before), Style::new());
    }
}
