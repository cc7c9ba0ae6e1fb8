//! Markdown as it grows: what is finished is drawn once, what is open is drawn anew.
//!
//! What drawing costs is bounded by the answer's length: each character earns some credit, reading
//! spends it, and where it does not suffice the picture falls behind for a while.

mod cuts;
mod fence;
mod highlight;
mod open;
mod render;
mod table;

use std::ops::Range;

use self::cuts::{Cut, Kind, blank_before, cuts};
use self::fence::Fence;
use self::render::render;
use super::printable::printable;
use super::row::Row;
use super::theme::Layout;

/// How many bytes may be read for each that comes.
const CREDIT: usize = 64;
/// What may be read before anything has come.
const ADVANCE: usize = 1 << 20;

/// An answer, of which the beginning is finished.
#[derive(Debug)]
pub(super) struct Document {
    text: String,
    /// How many characters that is.
    count: usize,
    /// What comes before is finished.
    done: usize,
    state: State,
    /// How far complete lines have been looked at.
    scanned: usize,
    credit: usize,
    /// How many bytes have been read in all, which tests look at.
    read: usize,
}

/// What the finished part leaves for the rest to know.
#[derive(Clone, Debug)]
pub(super) enum State {
    Between(Between),
    Fence(Box<Fence>),
}

/// Between two parts.
#[derive(Clone, Debug, Default)]
pub(super) struct Between {
    /// Whether something comes before.
    follows: bool,
    /// The list whose item comes before: what marks it, and the next number.
    list: Option<(char, u64)>,
}

/// A part that is finished.
#[derive(Clone, Debug)]
pub(super) struct Block {
    /// Where it begins.
    pub(super) at: usize,
    pub(super) rows: Vec<Row>,
    /// What was known before it.
    pub(super) before: State,
}

impl Document {
    pub(super) fn new() -> Self {
        Self {
            text: String::new(),
            count: 0,
            done: 0,
            state: State::Between(Between::default()),
            scanned: 0,
            credit: ADVANCE,
            read: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    pub(super) fn done(&self) -> usize {
        self.done
    }

    #[cfg(test)]
    pub(super) fn read(&self) -> usize {
        self.read
    }

    pub(super) fn push(&mut self, text: &str) {
        self.text.push_str(&printable(text));
        self.count += text.chars().count();
        self.credit = (self.credit + text.len() * CREDIT).min(ADVANCE.max(self.text.len() * 2));
    }

    /// The place after so many characters.
    pub(super) fn place(&self, characters: usize) -> usize {
        let back = self.count.saturating_sub(characters);
        if back == 0 {
            return self.text.len();
        }
        let found = if back < characters {
            self.text.char_indices().nth_back(back - 1)
        } else {
            self.text.char_indices().nth(characters)
        };
        found.map_or(0, |(at, _)| at)
    }

    /// Takes back what comes after a place, which is not finished.
    pub(super) fn truncate(&mut self, place: usize) {
        self.count -= self.text[place..].chars().count();
        self.text.truncate(place);
        self.scanned = self.done;
    }

    /// Goes back to where a part began.
    pub(super) fn resume(&mut self, at: usize, state: State) {
        self.done = at;
        self.scanned = at;
        self.state = state;
    }

    /// From the beginning.
    pub(super) fn restart(&mut self) {
        self.resume(0, State::Between(Between::default()));
    }

    /// Whether a part that begins at a place does so whatever becomes of its own text after
    /// another place.
    pub(super) fn begins(&self, at: usize, kept: usize) -> bool {
        let mut lines = self.text[at..].split_inclusive('\n');
        let first = lines.next().unwrap_or_default();
        // A table begins with two lines.
        let second = if first.contains('|') { lines.next().unwrap_or_default() } else { "" };
        at <= kept
            && (at == 0 || at + first.len() + second.len() <= kept || blank_before(&self.text, at))
    }

    /// Whether there is credit to look at all that is open: where it is cut, what each part is,
    /// and both once more for what stays open.
    pub(super) fn can_afford(&self) -> bool {
        self.credit >= 4 * (self.text.len() - self.done)
    }

    fn spend(&mut self, bytes: usize) {
        self.read += bytes;
        self.credit = self.credit.saturating_sub(bytes);
    }

    /// The parts that are finished now; at the `end` all.
    pub(super) fn finish(&mut self, end: bool, layout: &Layout) -> Vec<Block> {
        let mut blocks = Vec::new();
        if matches!(self.state, State::Fence(_)) && !self.run_fence(end, layout, &mut blocks) {
            return blocks;
        }
        let last = self.text.rfind('\n').map_or(0, |at| at + 1);
        let until = if end { self.text.len() } else { last };
        if until <= self.scanned.max(self.done) && !end {
            return blocks;
        }
        self.scanned = until;
        let from = self.done;
        self.spend(until - from);
        let cuts = cuts(&self.text[from..until]);
        let count = cuts.len();
        for (number, Cut { range, kind }) in cuts.into_iter().enumerate() {
            let range = range.start + from..range.end + from;
            let is_over = number + 1 < count || end;
            if range.start < self.done {
                continue;
            }
            if kind == Kind::Fence {
                self.open_fence(range.start, layout, &mut blocks);
                if !self.run_fence(end, layout, &mut blocks) {
                    return blocks;
                }
                // What makes no block may stand behind it.
                if is_over && self.done < range.end {
                    self.finish_part(self.done..range.end, Kind::Block, layout, &mut blocks);
                }
            } else if is_over {
                self.finish_part(range, kind, layout, &mut blocks);
            }
        }
        blocks
    }

    fn finish_part(
        &mut self,
        range: Range<usize>,
        kind: Kind,
        layout: &Layout,
        blocks: &mut Vec<Block>,
    ) {
        self.spend(range.len());
        let (text, at) = (&self.text, range.start);
        let part = &text[range.clone()];
        self.done = range.end;
        if part.trim().is_empty() {
            return;
        }
        let before = self.state.clone();
        let rows = draw((text, at), part, kind, &mut self.state, layout);
        blocks.push(Block { at, rows, before });
    }

    fn open_fence(&mut self, at: usize, layout: &Layout, blocks: &mut Vec<Block>) {
        let line = self.text[at..].split_inclusive('\n').next().unwrap_or_default();
        let fence = Fence::open(line.trim_end_matches('\n'), layout);
        let mut rows = gap(&self.state, false, at);
        rows.push(fence.head(at, layout));
        blocks.push(Block { at: self.done, rows, before: self.state.clone() });
        self.done = at + line.len();
        self.state = State::Fence(Box::new(fence));
    }

    /// Draws the lines of code that are complete. `false`: the code goes on.
    fn run_fence(&mut self, end: bool, layout: &Layout, blocks: &mut Vec<Block>) -> bool {
        loop {
            let State::Fence(fence) = &mut self.state else { return true };
            let rest = &self.text[self.done..];
            let line = rest.split_inclusive('\n').next().unwrap_or_default();
            let is_complete = line.ends_with('\n');
            if !is_complete && !end {
                return false;
            }
            let before = State::Fence(fence.clone());
            let at = self.done;
            self.read += line.len();
            self.done += line.len();
            let text = line.trim_end_matches('\n');
            let is_last = line.is_empty() || fence.is_closed_by(text);
            let rows =
                if is_last { vec![fence.foot(at, layout)] } else { fence.line(text, at, layout) };
            if is_last {
                self.state = State::Between(Between { follows: true, list: None });
            }
            blocks.push(Block { at, rows, before });
        }
    }

    /// The rows of what is open.
    pub(super) fn open(&mut self, layout: &Layout) -> Vec<Row> {
        let text = &self.text[self.done..];
        match &self.state {
            _ if text.is_empty() => Vec::new(),
            State::Fence(fence) if fence.may_be_closed_by(text) => Vec::new(),
            State::Fence(fence) => fence.clone().line(text, self.done, layout),
            State::Between(_) => {
                // Drawn as if it ended here, with what it lacks.
                let text = open::as_if_closed(text);
                let read = text.len() * 2;
                let mut state = self.state.clone();
                let mut rows = Vec::new();
                for Cut { range, kind } in cuts(&text) {
                    let at = self.done + range.start;
                    rows.extend(draw((&self.text, at), &text[range], kind, &mut state, layout));
                }
                self.spend(read);
                rows
            }
        }
    }
}

/// The line that stays free before a part.
fn gap(state: &State, joins: bool, at: usize) -> Vec<Row> {
    let follows = matches!(state, State::Between(between) if between.follows);
    if follows && !joins { vec![Row::empty(at)] } else { Vec::new() }
}

/// The rows of a part that begins at a place of the whole text.
fn draw(
    (whole, at): (&str, usize),
    part: &str,
    kind: Kind,
    state: &mut State,
    layout: &Layout,
) -> Vec<Row> {
    let before = match state {
        State::Between(between) => between.list,
        State::Fence(_) => None,
    };
    let (mut number, mut list, mut joins) = (None, None, false);
    if let Kind::Item { mark, number: own } = kind {
        let goes_on = before.filter(|(before, _)| *before == mark);
        joins = goes_on.is_some() && !blank_before(whole, at);
        number = own.map(|own| goes_on.map_or(own, |(_, next)| next));
        list = Some((mark, number.unwrap_or(0).saturating_add(1)));
    }
    let mut rows = gap(state, joins, at);
    rows.extend(render(part, at, number, layout));
    *state = State::Between(Between { follows: true, list });
    rows
}
