//! Remarks and errors for a window: what they say is only read, and lines end between words.

use super::printable::printable;
use super::row::cells;

/// A message, safe to print, whose lines fit into a window of that width where words do. `before`
/// is what stands in the first line already, in cells.
pub(super) fn fitted(message: &str, before: usize, width: Option<usize>) -> String {
    let message = printable(message);
    let Some(width) = width else { return message.into_owned() };
    lines(&message, before, width, cells)
}

/// The same for a text of ours that has colours.
pub(super) fn folded(text: &str, width: Option<usize>) -> String {
    let Some(width) = width else { return text.to_owned() };
    lines(text, 0, width, console::measure_text_width)
}

fn lines(message: &str, before: usize, width: usize, cells: fn(&str) -> usize) -> String {
    let lines = message.split('\n').enumerate();
    let fitted = lines
        .map(|(number, line)| broken(line, if number == 0 { before } else { 0 }, width, cells));
    fitted.collect::<Vec<_>>().join("\n")
}

fn broken(line: &str, before: usize, width: usize, cells: fn(&str) -> usize) -> String {
    let mut text = String::new();
    let mut column = before;
    for (number, word) in line.split(' ').enumerate() {
        let length = cells(word);
        if number > 0 {
            let is_full = column + 1 + length > width && column > 0;
            text.push(if is_full { '\n' } else { ' ' });
            column = if is_full { 0 } else { column + 1 };
        }
        text.push_str(word);
        column += length;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_between_words() {
        let message = "a window was asked for, but\nthere is no display";
        assert_eq!(
            fitted(message, 7, Some(20)),
            "a window was\nasked for, but\nthere is no display"
        );
        assert_eq!(fitted(message, 7, None), message);
        assert_eq!(
            fitted("x  y   averyverylongword z", 0, Some(8)),
            "x  y  \naveryverylongword\nz"
        );
        assert_eq!(fitted("日本語 のテキ", 0, Some(10)), "日本語\nのテキ");
    }

    #[test]
    fn colours_take_no_room() {
        let line = "\x1b[33m WARN\x1b[0m running as root: no sandbox\n";
        let expected = "\x1b[33m WARN\x1b[0m running\nas root: no\nsandbox\n";
        assert_eq!(folded(line, Some(14)), expected);
        assert_eq!(folded(line, None), line);
    }

    #[test]
    fn nothing_in_them_moves_the_cursor() {
        assert_eq!(fitted("\x1b[31mred\x1b]0;owned\x07", 0, Some(80)), "␛[31mred␛]0;owned␇");
    }
}
