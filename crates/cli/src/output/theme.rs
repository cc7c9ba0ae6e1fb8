//! The looks of an answer on a terminal, in the terminal's own colours.

use anstyle::{AnsiColor, Style};

/// A style for each thing that looks like something.
#[derive(Clone, Copy, Debug)]
pub(super) struct Theme {
    pub(super) title: Style,
    pub(super) heading: Style,
    pub(super) code: Style,
    pub(super) link: Style,
    /// Marks that are not the answer's own: bullets, frames, addresses.
    pub(super) mark: Style,
    /// Whether code is told apart by its colours.
    pub(super) colours: bool,
}

impl Theme {
    /// Without colours it is told apart by weight and slant alone.
    pub(super) fn new(colours: bool) -> Self {
        let plain = Style::new();
        let coloured = |colour: AnsiColor| if colours { colour.on_default() } else { plain };
        Self {
            title: coloured(AnsiColor::Cyan).bold().underline(),
            heading: coloured(AnsiColor::Cyan).bold(),
            code: coloured(AnsiColor::Yellow),
            link: coloured(AnsiColor::Blue).underline(),
            mark: plain.dimmed(),
            colours,
        }
    }
}

/// How wide the rows are, and what they look like.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    /// The terminal's width, in cells.
    pub(super) width: usize,
    pub(super) theme: Theme,
}

impl Layout {
    /// Longer lines of prose are hard to read.
    const PROSE: usize = 100;

    /// How wide prose is. The last column stays free: a full row makes some terminals break twice.
    pub(super) fn prose(&self) -> usize {
        self.width.saturating_sub(1).clamp(1, Self::PROSE)
    }
}
