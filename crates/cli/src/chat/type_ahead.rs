//! What is typed while an answer comes. Each line is one of the next, but for what stops the answer.

use std::mem::take;

/// What was typed, as far as it makes sense without a line editor.
#[derive(Debug, Default)]
pub(super) struct TypeAhead {
    /// Bytes of a character, or of a key's sequence, that has not ended.
    rest: Vec<u8>,
    lines: Vec<String>,
    /// The line that has not ended.
    line: String,
    /// Whether what comes is pasted, so that its line ends belong to it.
    is_pasted: bool,
}

/// What was typed, for the next lines.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Ahead {
    /// Those that have ended.
    pub(super) lines: Vec<String>,
    /// The beginning of the one after them.
    pub(super) begun: String,
}

const ESCAPE: u8 = 0x1b;
const PASTE_BEGINS: &[u8] = b"\x1b[200~";
const PASTE_ENDS: &[u8] = b"\x1b[201~";
/// How much of what was typed is shown, in characters: its end.
const SHOWN: usize = 60;

impl TypeAhead {
    /// After what stands in the line already.
    pub(super) fn new(line: String) -> Self {
        Self { line, ..Self::default() }
    }

    /// Takes what the terminal sent. `true`: the answer is to be stopped.
    pub(super) fn take(&mut self, bytes: &[u8]) -> bool {
        self.rest.extend_from_slice(bytes);
        // Nothing follows where the key itself was pressed.
        let mut stop = self.rest == [ESCAPE];
        while let Some(length) = self.key() {
            let key: Vec<u8> = self.rest.drain(..length).collect();
            match &*key {
                PASTE_BEGINS => self.is_pasted = true,
                PASTE_ENDS => self.is_pasted = false,
                // Alt-Enter
                [ESCAPE, b'\r' | b'\n'] => self.line.push('\n'),
                [ESCAPE, ..] => {}
                [b'\r' | b'\n'] if self.is_pasted => self.line.push('\n'),
                [b'\r' | b'\n'] => stop |= self.end_line(),
                [0x08 | 0x7f] => drop(self.line.pop()),
                // Ctrl-U
                [0x15] => self.line.clear(),
                [b'\t'] => self.line.push(' '),
                [byte] if *byte < 0x20 => {}
                key => self.line.push_str(&String::from_utf8_lossy(key)),
            }
        }
        stop
    }

    /// What was typed, which is then forgotten.
    pub(super) fn finish(&mut self) -> Ahead {
        self.rest.clear();
        Ahead { lines: take(&mut self.lines), begun: take(&mut self.line) }
    }

    /// What waits, on one line.
    pub(super) fn shown(&self) -> Option<String> {
        let ended = self.lines.iter().map(|line| format!("{line} ⏎ "));
        let all = ended.chain([self.line.clone()]).collect::<String>().replace('\n', " ");
        let all = all.trim_end();
        let cut = all.char_indices().rev().nth(SHOWN).map(|(at, _)| &all[at..]);
        match cut {
            _ if all.is_empty() => None,
            Some(end) => Some(format!("…{end}")),
            None => Some(all.to_owned()),
        }
    }

    /// Ends a line; `true` where it says to stop. A backslash at its end only breaks it.
    fn end_line(&mut self) -> bool {
        if self.line.ends_with('\\') {
            self.line.pop();
            self.line.push('\n');
            return false;
        }
        let line = take(&mut self.line);
        let stops = line.trim() == "/stop";
        if !stops && !line.trim().is_empty() {
            self.lines.push(line);
        }
        stops
    }

    /// How many bytes the first key has sent; `None` where it has not sent all.
    fn key(&self) -> Option<usize> {
        let first = *self.rest.first()?;
        if first == ESCAPE {
            return match self.rest.get(1) {
                None => Some(1),
                Some(b'[') => {
                    let end =
                        self.rest[2..].iter().position(|byte| (0x40..=0x7e).contains(byte))?;
                    Some(end + 3)
                }
                Some(b'O') => (self.rest.len() > 2).then_some(3),
                Some(_) => Some(2),
            };
        }
        let length = match first {
            0xf0.. => 4,
            0xe0.. => 3,
            0xc0.. => 2,
            _ => 1,
        };
        (self.rest.len() >= length).then_some(length)
    }
}

impl Ahead {
    /// All of it as the beginning of one line.
    pub(super) fn joined(self) -> String {
        let Self { mut lines, begun } = self;
        lines.push(begun);
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(bytes: &[u8]) -> (String, bool) {
        let mut ahead = TypeAhead::default();
        // One by one, as slow hands send them.
        let stop = bytes.iter().fold(false, |stop, byte| ahead.take(&[*byte]) | stop);
        (ahead.finish().joined(), stop)
    }

    fn lines(bytes: &[u8]) -> (Vec<String>, String) {
        let mut ahead = TypeAhead::default();
        ahead.take(bytes);
        let Ahead { lines, begun } = ahead.finish();
        (lines, begun)
    }

    #[test]
    fn lines_wait_and_a_stop_stops() {
        assert_eq!(typed("na\x7faïve 🐦\r".as_bytes()), ("naïve 🐦\n".into(), false));
        assert_eq!(typed(b"more\r/stop\r"), ("more\n".into(), true));
        assert_eq!(typed(b"one\x15two"), ("two".into(), false));
        assert_eq!(typed(b"\x7f\x03\x04"), (String::new(), false));
    }

    #[test]
    fn each_line_is_one_and_a_paste_stays_one() {
        assert_eq!(lines(b"one\rtwo\rthr"), (vec!["one".into(), "two".into()], "thr".into()));
        assert_eq!(lines(b"\r \rone\r"), (vec!["one".into()], String::new()));
        let pasted = b"\x1b[200~one\rtwo\nthree\x1b[201~ four\rfive";
        assert_eq!(lines(pasted), (vec!["one\ntwo\nthree four".into()], "five".into()));
        assert_eq!(lines(b"one\\\rtwo\x1b\rthree"), (vec![], "one\ntwo\nthree".into()));
    }

    #[test]
    fn what_waits_is_shown_by_its_end() {
        let mut ahead = TypeAhead::default();
        assert_eq!(ahead.shown(), None);
        ahead.take(b"one\rtwo\rthr");
        assert_eq!(ahead.shown().as_deref(), Some("one ⏎ two ⏎ thr"));
        ahead.take(&[b'x'; 100]);
        let shown = ahead.shown().expect("something");
        assert!(shown.starts_with('…') && shown.chars().count() == SHOWN + 2, "{shown}");
    }

    #[test]
    fn keys_without_text_are_dropped_and_escape_stops() {
        let mut ahead = TypeAhead::default();
        assert!(!ahead.take(b"a\x1b[A\x1bOPb\x1b[1;5C"));
        assert_eq!(ahead.shown().as_deref(), Some("ab"));
        assert!(ahead.take(b"\x1b"));
        assert_eq!(ahead.finish().joined(), "ab");
    }
}
