//! What is typed while an answer comes. It is for the next line, except for what stops the answer.

/// What was typed, as far as it makes sense without a line editor.
#[derive(Debug, Default)]
pub(super) struct TypeAhead {
    /// Bytes of a character, or of a key's sequence, that has not ended.
    rest: Vec<u8>,
    text: String,
}

const ESCAPE: u8 = 0x1b;

impl TypeAhead {
    /// Takes what the terminal sent. `true`: the answer is to be stopped.
    pub(super) fn take(&mut self, bytes: &[u8]) -> bool {
        self.rest.extend_from_slice(bytes);
        // Nothing follows where the key itself was pressed.
        let mut stop = self.rest == [ESCAPE];
        while let Some(length) = self.key() {
            let key: Vec<u8> = self.rest.drain(..length).collect();
            match key[0] {
                ESCAPE => {}
                b'\r' | b'\n' => stop |= self.end_line(),
                0x08 | 0x7f => drop(self.text.pop()),
                // Ctrl-U
                0x15 => self.text.truncate(self.line()),
                b'\t' => self.text.push(' '),
                byte if byte < 0x20 => {}
                _ => self.text.push_str(&String::from_utf8_lossy(&key)),
            }
        }
        stop
    }

    /// What was typed, which is then forgotten.
    pub(super) fn finish(&mut self) -> String {
        self.rest.clear();
        std::mem::take(&mut self.text)
    }

    /// The line that is being typed.
    pub(super) fn shown(&self) -> Option<&str> {
        let text = self.text.rsplit('\n').find(|line| !line.is_empty())?;
        Some(text)
    }

    fn line(&self) -> usize {
        self.text.rfind('\n').map_or(0, |at| at + 1)
    }

    /// Ends a line; `true` where it says to stop.
    fn end_line(&mut self) -> bool {
        let begin = self.line();
        if self.text[begin..].trim() == "/stop" {
            self.text.truncate(begin);
            return true;
        }
        self.text.push('\n');
        false
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

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(bytes: &[u8]) -> (String, bool) {
        let mut ahead = TypeAhead::default();
        // One by one, as slow hands send them.
        let stop = bytes.iter().fold(false, |stop, byte| ahead.take(&[*byte]) | stop);
        (ahead.finish(), stop)
    }

    #[test]
    fn lines_wait_and_a_stop_stops() {
        assert_eq!(typed("na\x7faïve 🐦\r".as_bytes()), ("naïve 🐦\n".into(), false));
        assert_eq!(typed(b"more\r/stop\r"), ("more\n".into(), true));
        assert_eq!(typed(b"one\x15two"), ("two".into(), false));
        assert_eq!(typed(b"\x7f\x03\x04"), (String::new(), false));
    }

    #[test]
    fn keys_without_text_are_dropped_and_escape_stops() {
        let mut ahead = TypeAhead::default();
        assert!(!ahead.take(b"a\x1b[A\x1bOPb\x1b[1;5C"));
        assert_eq!(ahead.shown(), Some("ab"));
        assert!(ahead.take(b"\x1b"));
        assert_eq!(ahead.finish(), "ab");
    }
}
