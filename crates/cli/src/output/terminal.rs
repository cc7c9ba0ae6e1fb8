//! An answer on a terminal: drawn as it comes, drawn anew where the site rewrites it.

use std::io;

use lenore::Event;

use super::canvas::Size;
use super::live::{self, Live};
use super::markdown::{Block, Document};
use super::printable::one_line;
use super::row::{Row, RowBuilder, cells};
use super::theme::{Layout, Theme};

/// What is on the screen of the answer.
pub(super) struct Screen {
    document: Document,
    live: Live,
    theme: Theme,
    /// What the site says of its work, below the answer until more of it comes.
    status: Option<String>,
    /// What the user types, below all else.
    footer: Option<String>,
    /// Whether text has come that could not be drawn yet.
    is_behind: bool,
    /// How often the answer was written anew from its beginning, below what cannot be reached.
    restarts: usize,
}

/// After so many restarts the answer is not shown before its end.
const RESTARTS: usize = 1;

impl Screen {
    pub(super) fn new(live: Live, colours: bool) -> Self {
        Self {
            document: Document::new(),
            live,
            theme: Theme::new(colours),
            status: None,
            footer: None,
            is_behind: false,
            restarts: 0,
        }
    }

    /// On the terminal that stdout is.
    pub(super) fn on_stdout() -> Self {
        let colours = console::colors_enabled()
            && std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty());
        Self::new(live::on_stdout(), colours)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.document.is_empty()
    }

    /// How many bytes were read to draw it.
    #[cfg(test)]
    pub(super) fn read(&self) -> usize {
        self.document.read()
    }

    /// Whether something waits to be drawn, or the window has another size.
    pub(super) fn is_behind(&self) -> bool {
        (self.is_behind && !self.is_held()) || self.live.is_resized()
    }

    pub(super) fn event(&mut self, event: &Event) -> io::Result<()> {
        match event {
            Event::Delta(text) => {
                self.status = None;
                self.document.push(text);
            }
            Event::Replace { keep, text } => {
                self.status = None;
                self.rewrite(*keep, text)?;
            }
            Event::Status(text) if !self.is_empty() => self.status = Some(one_line(text)),
            _ => return Ok(()),
        }
        if !self.document.can_afford() {
            self.is_behind = true;
            return Ok(());
        }
        self.draw(false)
    }

    /// Shows a line below the answer.
    pub(super) fn footer(&mut self, text: Option<&str>) -> io::Result<()> {
        let text = text.map(one_line);
        if self.footer == text {
            return Ok(());
        }
        self.footer = text;
        self.draw(false)
    }

    /// Draws what waits.
    pub(super) fn catch_up(&mut self) -> io::Result<()> {
        self.draw(false)
    }

    /// Draws all there is, for good.
    pub(super) fn end(&mut self) -> io::Result<()> {
        (self.status, self.footer) = (None, None);
        if self.is_held() {
            self.begin_anew()?;
        }
        self.draw(true)?;
        self.live.leave();
        Ok(())
    }

    fn is_held(&self) -> bool {
        self.restarts > RESTARTS
    }

    fn draw(&mut self, end: bool) -> io::Result<()> {
        let mut size = self.live.measure();
        let layout = Layout { width: size.width, theme: self.theme };
        if self.is_held() && !end {
            return self.live.draw(size, Vec::new(), Vec::new());
        }
        if self.live.has_other_width(size) {
            size = self.live.within_the_window(size);
            self.reopen(size);
        }
        self.is_behind = false;
        let blocks: Vec<Block> = self.document.finish(end, &layout);
        let mut open = if end { Vec::new() } else { self.document.open(&layout) };
        open.extend(self.below(&self.status, &layout));
        open.extend(self.below(&self.footer, &layout));
        self.live.draw(size, blocks, open)
    }

    /// Takes back what is finished and can still be reached, so that it is drawn at the new width.
    fn reopen(&mut self, size: Size) {
        if let Some(block) = self.live.within_reach(size).pop() {
            self.live.reopen(block.at);
            self.document.resume(block.at, block.before);
        }
    }

    fn below(&self, text: &Option<String>, layout: &Layout) -> Option<Row> {
        let text = text.as_ref()?;
        let mut room = layout.prose();
        let fits = |c: &char| {
            let width = cells(c.encode_utf8(&mut [0; 4]));
            let fits = width <= room;
            room = room.saturating_sub(width);
            fits
        };
        let mut row = RowBuilder::default();
        row.push(&text.chars().take_while(fits).collect::<String>(), self.theme.mark);
        // Below all that the answer has.
        Some(row.row(usize::MAX))
    }

    /// Takes back what comes after so many characters, and appends.
    fn rewrite(&mut self, keep: usize, text: &str) -> io::Result<()> {
        let document = &mut self.document;
        let place = document.place(keep);
        let done = document.done();
        if !document.begins(done, place) {
            let reach = self.live.within_reach(self.live.measure());
            let safe = reach.iter().find(|block| document.begins(block.at, place));
            let near = || reach.iter().find(|block| block.at <= place);
            match safe.or_else(|| if done <= place { None } else { near() }) {
                Some(block) => {
                    self.live.reopen(block.at);
                    document.resume(block.at, block.before.clone());
                }
                None if done <= place => {}
                None => self.restart()?,
            }
        }
        self.document.truncate(place);
        self.document.push(text);
        Ok(())
    }

    /// What has changed cannot be reached any more: the answer follows once more, below.
    fn restart(&mut self) -> io::Result<()> {
        self.restarts += 1;
        self.live.leave();
        self.document.restart();
        if self.is_held() { Ok(()) } else { self.begin_anew() }
    }

    fn begin_anew(&mut self) -> io::Result<()> {
        let mut row = RowBuilder::default();
        row.push("── the site has rewritten its answer; it follows anew ──", self.theme.mark);
        let rows = vec![Row::empty(0), row.row(0), Row::empty(0)];
        let size = self.live.measure();
        self.live.draw(size, Vec::new(), rows)?;
        self.live.leave();
        Ok(())
    }
}

impl std::fmt::Debug for Screen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Screen").finish_non_exhaustive()
    }
}
