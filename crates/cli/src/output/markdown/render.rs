//! From a part of Markdown to rows.

use anstyle::Style;
use pulldown_cmark::{CodeBlockKind, CowStr, Event, HeadingLevel, Parser, Tag, TagEnd};

use super::cuts::{blank_before, options};
use super::fence::Code;
use super::table::Table;
use crate::output::row::{Piece, Prefix, Row, RowBuilder, cells, wrap};
use crate::output::theme::Layout;

/// The rows of one part, which begins at `base` in the answer. `number` is what its first item
/// is to be called, where that is not its own.
pub(super) fn render(text: &str, base: usize, number: Option<u64>, layout: &Layout) -> Vec<Row> {
    let mut renderer = Renderer::new(text, base, number, layout);
    let mut shown = 0;
    let mut depth = 0_usize;
    for (event, range) in Parser::new_ext(text, options()).into_offset_iter() {
        if depth == 0 {
            renderer.verbatim(shown, range.start);
            shown = range.end.max(shown);
        }
        match event {
            Event::Start(_) => depth += 1,
            Event::End(_) => depth -= 1,
            _ => {}
        }
        renderer.event(event, base + range.start);
    }
    renderer.verbatim(shown, text.len());
    renderer.rows
}

#[derive(Debug)]
enum Container {
    Quote,
    /// An item; its mark is there until its first row has it.
    Item {
        mark: Option<String>,
        width: usize,
    },
}

struct Renderer<'a> {
    text: &'a str,
    base: usize,
    layout: &'a Layout,
    rows: Vec<Row>,
    containers: Vec<Container>,
    /// The next number of each open list.
    lists: Vec<Option<u64>>,
    number: Option<u64>,
    /// The styles that are open, the innermost last, each with those around it.
    styles: Vec<Style>,
    /// The text of the block that is open.
    pieces: Vec<Piece>,
    /// Links that are open: where they lead, and their first piece.
    links: Vec<(String, usize)>,
    table: Option<Table>,
    code: Option<(bool, Code, String)>,
}

impl<'a> Renderer<'a> {
    fn new(text: &'a str, base: usize, number: Option<u64>, layout: &'a Layout) -> Self {
        Self {
            text,
            base,
            layout,
            rows: Vec::new(),
            containers: Vec::new(),
            lists: Vec::new(),
            number,
            styles: Vec::new(),
            pieces: Vec::new(),
            links: Vec::new(),
            table: None,
            code: None,
        }
    }

    fn event(&mut self, event: Event<'_>, at: usize) {
        match event {
            Event::Start(tag) => self.start(tag, at),
            Event::End(tag) => self.end(tag, at),
            Event::Text(text) => match &mut self.code {
                Some((_, _, code)) => code.push_str(&text),
                None => self.push(&text, Style::new(), at),
            },
            Event::Code(text) => self.inline_code(&text, at),
            Event::InlineMath(text) => self.push(&format!("${text}$"), Style::new(), at),
            Event::DisplayMath(text) => self.push(&format!("$${text}$$"), Style::new(), at),
            Event::InlineHtml(html) if html.starts_with("<br") => self.line_break(at),
            Event::Html(html) | Event::InlineHtml(html) => {
                self.push(&html, self.layout.theme.mark, at);
            }
            // Who writes a poem or an address has no space for two blanks at each line's end.
            Event::SoftBreak | Event::HardBreak => self.line_break(at),
            Event::TaskListMarker(done) => {
                if let Some(Container::Item { mark: Some(mark), .. }) = self.containers.last_mut() {
                    *mark = if done { "☑ " } else { "☐ " }.to_owned();
                }
            }
            Event::Rule => {
                self.begin_block(at);
                let prefix = self.prefix();
                let mut row = RowBuilder::after(&prefix);
                let width = self.layout.prose().saturating_sub(prefix.width);
                row.push(&"─".repeat(width), self.layout.theme.mark);
                self.rows.push(row.row(at));
            }
            Event::FootnoteReference(name) => self.push(&format!("[^{name}]"), Style::new(), at),
        }
    }

    fn start(&mut self, tag: Tag<'_>, at: usize) {
        let theme = self.layout.theme;
        match tag {
            Tag::Heading { level, .. } => {
                self.begin_block(at);
                let style = match level {
                    HeadingLevel::H1 => theme.title,
                    HeadingLevel::H2 => theme.heading,
                    _ => Style::new().bold(),
                };
                self.styles.push(style);
            }
            Tag::BlockQuote(_) => {
                self.begin_block(at);
                self.containers.push(Container::Quote);
            }
            Tag::CodeBlock(kind) => {
                self.begin_block(at);
                let (is_fenced, info) = match kind {
                    CodeBlockKind::Fenced(info) => (true, info),
                    CodeBlockKind::Indented => (false, CowStr::Borrowed("")),
                };
                self.code = Some((is_fenced, Code::new(&info, self.layout), String::new()));
            }
            Tag::List(first) => {
                self.flush(at);
                let first = self.number.take().or(first).filter(|_| first.is_some());
                self.lists.push(first);
            }
            Tag::Item => self.start_item(at),
            Tag::Table(alignments) => {
                self.begin_block(at);
                self.table = Some(Table::new(alignments));
            }
            Tag::TableHead | Tag::TableRow => {
                if let Some(table) = &mut self.table {
                    table.begin_row();
                }
            }
            Tag::Emphasis => self.add_style(Style::new().italic()),
            Tag::Strong => self.add_style(Style::new().bold()),
            Tag::Strikethrough => self.add_style(Style::new().strikethrough()),
            Tag::Link { dest_url, .. } => {
                self.links.push((dest_url.into_string(), self.pieces.len()));
                self.add_style(theme.link);
            }
            Tag::Image { dest_url, .. } => {
                self.push("[image: ", theme.mark, at);
                self.links.push((dest_url.into_string(), self.pieces.len()));
                self.add_style(theme.link);
            }
            Tag::Paragraph | Tag::HtmlBlock => self.begin_block(at),
            _ => {}
        }
    }

    fn start_item(&mut self, at: usize) {
        self.begin_block(at);
        let depth = self.lists.len();
        let mark = match self.lists.last_mut() {
            Some(Some(number)) => {
                let mark = format!("{number}. ");
                *number += 1;
                mark
            }
            _ => format!("{} ", ["•", "◦", "▪"][depth.saturating_sub(1) % 3]),
        };
        let width = cells(&mark);
        self.containers.push(Container::Item { mark: Some(mark), width });
    }

    fn end(&mut self, tag: TagEnd, at: usize) {
        match tag {
            TagEnd::Paragraph | TagEnd::HtmlBlock => self.flush(at),
            TagEnd::Heading(_) => {
                self.flush(at);
                self.styles.pop();
            }
            TagEnd::BlockQuote(_) => {
                self.flush(at);
                self.containers.pop();
            }
            TagEnd::Item => {
                self.flush(at);
                // An item without text has a mark all the same.
                if matches!(self.containers.last(), Some(Container::Item { mark: Some(_), .. })) {
                    let prefix = self.prefix();
                    self.rows.push(RowBuilder::after(&prefix).row(at));
                }
                self.containers.pop();
            }
            TagEnd::List(_) => {
                self.lists.pop();
            }
            TagEnd::CodeBlock => self.end_code(at),
            TagEnd::TableCell => {
                let cell = std::mem::take(&mut self.pieces);
                if let Some(table) = &mut self.table {
                    table.push(cell);
                }
            }
            TagEnd::Table => {
                if let Some(table) = self.table.take() {
                    let prefix = self.prefix();
                    self.rows.extend(table.rows(&prefix, at, self.layout));
                }
            }
            TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough => {
                self.styles.pop();
            }
            TagEnd::Link => self.end_link("", at),
            TagEnd::Image => self.end_link("]", at),
            _ => {}
        }
    }

    /// Ends the text before a block, and leaves a line free where the answer does.
    fn begin_block(&mut self, at: usize) {
        self.flush(at);
        let is_marked =
            matches!(self.containers.last(), Some(Container::Item { mark: Some(_), .. }));
        if !self.rows.is_empty() && !is_marked && blank_before(self.text, at - self.base) {
            let prefix = self.prefix();
            self.rows.push(RowBuilder::after(&prefix).row(at));
        }
    }

    /// Draws the text that is open.
    fn flush(&mut self, at: usize) {
        if self.pieces.is_empty() || self.table.is_some() {
            return;
        }
        let pieces = std::mem::take(&mut self.pieces);
        let at = pieces.first().map_or(at, |piece| piece.at);
        let width = self.layout.prose().saturating_sub(self.prefix_width()).max(8);
        for line in wrap(&pieces, width) {
            let prefix = self.prefix();
            let mut row = RowBuilder::after(&prefix);
            line.iter().for_each(|piece| row.push(&piece.text, piece.style));
            let at = line.first().map_or(at, |piece| piece.at);
            self.rows.push(row.row(at));
        }
    }

    fn end_code(&mut self, at: usize) {
        let Some((is_fenced, mut code, text)) = self.code.take() else { return };
        let prefix = self.prefix();
        // The mark of an item stands before the first row alone.
        let rest = self.prefix();
        let mut prefixes = std::iter::once(prefix).chain(std::iter::repeat(rest.clone()));
        let mut next = || prefixes.next().unwrap_or_default();
        if is_fenced {
            self.rows.push(code.head(&next(), at, self.layout));
        }
        for line in text.strip_suffix('\n').unwrap_or(&text).split('\n') {
            self.rows.extend(code.line(line, &next(), at, self.layout));
        }
        if is_fenced {
            self.rows.push(code.foot(&next(), at, self.layout));
        }
    }

    fn end_link(&mut self, after: &str, at: usize) {
        self.styles.pop();
        let Some((address, first)) = self.links.pop() else { return };
        let text: String = self
            .pieces
            .get(first..)
            .unwrap_or_default()
            .iter()
            .map(|piece| piece.text.as_str())
            .collect();
        let is_shown = text == address || address.strip_prefix("mailto:") == Some(&text);
        let address =
            if is_shown || address.is_empty() { String::new() } else { format!(" ({address})") };
        self.push(&format!("{after}{address}"), self.layout.theme.mark, at);
    }

    fn inline_code(&mut self, text: &str, at: usize) {
        if self.layout.theme.colours {
            self.push(text, self.layout.theme.code, at);
        } else {
            self.push(&format!("`{text}`"), Style::new(), at);
        }
    }

    fn line_break(&mut self, at: usize) {
        self.push(if self.table.is_some() { " " } else { "\n" }, Style::new(), at);
    }

    /// Adds text to the open block, in its own style over that of what it stands in.
    fn push(&mut self, text: &str, style: Style, at: usize) {
        if text.is_empty() {
            return;
        }
        let around = self.styles.last().copied().unwrap_or_default();
        self.pieces.push(Piece::new(text, over(around, style), at));
    }

    fn add_style(&mut self, style: Style) {
        let around = self.styles.last().copied().unwrap_or_default();
        self.styles.push(over(around, style));
    }

    /// What makes no block, such as the definition of a link, is shown as it is; however many blank
    /// lines stand between two of them, one does.
    fn verbatim(&mut self, from: usize, to: usize) {
        let Some(text) = self.text.get(from..to) else { return };
        let mut at = from;
        let mut begin = None;
        for line in text.split_inclusive('\n').chain([""]) {
            if line.trim().is_empty() {
                if let Some(begin) = begin.take() {
                    self.verbatim_block(begin, at);
                }
            } else {
                begin = begin.or(Some(at));
            }
            at += line.len();
        }
    }

    fn verbatim_block(&mut self, from: usize, to: usize) {
        let text = &self.text[from..to];
        let at = from + text.len() - text.trim_start().len();
        self.begin_block(self.base + at);
        self.push(text.trim(), self.layout.theme.mark, self.base + at);
        self.flush(self.base + at);
    }

    fn prefix_width(&self) -> usize {
        let width = |container: &Container| match container {
            Container::Quote => 2,
            Container::Item { width, .. } => *width,
        };
        self.containers.iter().map(width).sum()
    }

    /// What the next row begins with.
    fn prefix(&mut self) -> Prefix {
        let mut prefix = Prefix::default();
        for container in &mut self.containers {
            match container {
                Container::Quote => prefix.push("│ ", self.layout.theme.mark),
                Container::Item { mark, width } => {
                    let mark = mark.take().unwrap_or_else(|| " ".repeat(*width));
                    prefix.push(&mark, Style::new());
                }
            }
        }
        prefix
    }
}

/// A style, and what it leaves open from the one around it.
fn over(around: Style, style: Style) -> Style {
    let colour = style.get_fg_color().or(around.get_fg_color());
    Style::new().fg_color(colour).effects(around.get_effects() | style.get_effects())
}
