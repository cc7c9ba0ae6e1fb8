//! An answer on a terminal, drawn anew where the site rewrites it.

use std::io::{self, Write, stdout};

use console::Term;
use lenore::{Event, Transcript};

/// What is on the screen of the answer.
#[derive(Debug, Default)]
pub(super) struct Screen {
    shown: Transcript,
}

impl Screen {
    pub(super) fn is_empty(&self) -> bool {
        self.shown.text().is_empty()
    }

    pub(super) fn event(&mut self, event: &Event) -> io::Result<()> {
        let mut out = stdout().lock();
        match event {
            Event::Delta(text) => out.write_all(printable(text).as_bytes())?,
            Event::Replace { keep, text } => {
                let (height, width) = Term::stdout().size();
                let old = self.shown.text();
                let kept = old.char_indices().nth(*keep).map_or(old, |(at, _)| &old[..at]);
                let redraw = redraw(old, kept, text, height.into(), width.into());
                out.write_all(redraw.as_bytes())?;
            }
            _ => return Ok(()),
        }
        self.shown.apply(event);
        out.flush()
    }
}

/// What to write so that the screen, which ends with `old`, ends with `kept` and `text`.
fn redraw(old: &str, kept: &str, text: &str, height: usize, width: usize) -> String {
    let line = kept.rfind('\n').map_or(0, |at| at + 1);
    let up = rows(&old[line..], width) - 1;
    if up >= height {
        // The beginning has left the screen and cannot be reached any more.
        return format!("\r\n\r\n{}{}", printable(kept), printable(text));
    }
    let up = if up > 0 { format!("\x1b[{up}A") } else { String::new() };
    format!("\r{up}\x1b[J{}{}", printable(&kept[line..]), printable(text))
}

/// How many rows of a terminal a text takes.
fn rows(text: &str, width: usize) -> usize {
    let row = |line: &str| console::measure_text_width(line).max(1).div_ceil(width.max(1));
    text.split('\n').map(row).sum()
}

/// A site's text must not move the cursor or set colours.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rewrite_goes_back_to_its_line_and_no_further() {
        assert_eq!(redraw("one\ntwo", "one\nt", "en", 24, 80), "\r\x1b[Jten");
        assert_eq!(redraw("one\ntwo\nthree", "one\n", "2", 24, 80), "\r\x1b[1A\x1b[J2");
        assert_eq!(redraw("aaaabbbbcc", "aa", "x", 24, 4), "\r\x1b[2A\x1b[Jaax");
    }

    #[test]
    fn what_has_left_the_screen_is_written_again() {
        let old = "line\n".repeat(50);
        assert_eq!(redraw(&old, "", "new", 24, 80), "\r\n\r\nnew");
    }

    #[test]
    fn a_site_cannot_play_with_the_terminal() {
        assert_eq!(printable("a\x1b[31mb\u{9b}c\r\n\td\x07"), "a[31mbc\n\td");
    }
}
