//! The tables, in Markdown: a row for each figure, a column for each who was measured.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use crate::Failure;
use crate::figures::quantile;

/// What a figure is for one of those who were measured.
#[derive(Clone, Debug, Default)]
pub(crate) enum Cell {
    /// It is nothing that they do.
    #[default]
    None,
    /// Durations, of which the one in the middle is told, and that which 95 % do not pass.
    Times(Vec<Duration>),
    /// The same, of a few rounds, of which only the one in the middle means something.
    Rounds(Vec<Duration>),
    /// Bytes, of a few rounds.
    Bytes(Vec<i64>),
    /// A ratio.
    Ratio(f64),
    /// It was tried, and failed; the reason is on stderr.
    Failed,
}

/// A figure.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) goal: &'static str,
    /// By column: the first is the floor's, the second Lenore's.
    pub(crate) cells: Vec<Cell>,
}

/// Lenore's column.
const OURS: usize = 1;

/// A table.
pub(crate) fn table(names: &[&str], rows: &[Row]) -> String {
    let mut text = format!("| figure | {} | goal |\n|---|", names.join(" | "));
    text += &"---|".repeat(names.len() + 1);
    for row in rows {
        let _ = write!(text, "\n| {} |", row.name);
        for (column, cell) in row.cells.iter().enumerate() {
            let ratio = match (column > OURS, row.cells.get(OURS).and_then(middle), middle(cell)) {
                (true, Some(ours), Some(theirs)) if ours > 0.0 => {
                    format!(" ({:.1}×)", theirs / ours)
                }
                _ => String::new(),
            };
            let _ = write!(text, " {}{ratio} |", shown(cell));
        }
        let _ = write!(text, " {} |", row.goal);
    }
    text + "\n"
}

/// Puts the text between the markers of a file, `<!-- NAME -->` and `<!-- /NAME -->`.
pub(crate) fn write(file: &Path, name: &str, text: &str) -> Result<(), Failure> {
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let whole = std::fs::read_to_string(file)?;
    let missing = || format!("{} has no markers {begin:?} and {end:?}", file.display());
    let (before, rest) = whole.split_once(&*begin).ok_or_else(missing)?;
    let (_, after) = rest.split_once(&*end).ok_or_else(missing)?;
    Ok(std::fs::write(file, format!("{before}{begin}\n{text}\n{end}{after}"))?)
}

/// The middle of what was measured: seconds, or bytes.
pub(crate) fn middle(cell: &Cell) -> Option<f64> {
    match cell {
        Cell::Times(times) | Cell::Rounds(times) => Some(quantile(times, 0.5)?.as_secs_f64()),
        #[allow(clippy::cast_precision_loss)]
        Cell::Bytes(bytes) => Some(middle_of(bytes)? as f64),
        Cell::Ratio(_) | Cell::None | Cell::Failed => None,
    }
}

fn middle_of(bytes: &[i64]) -> Option<i64> {
    let mut sorted = bytes.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied()
}

fn shown(cell: &Cell) -> String {
    match cell {
        Cell::Times(times) => match (quantile(times, 0.5), quantile(times, 0.95)) {
            (Some(middle), Some(most)) => format!("{} / {}", time(middle), time(most)),
            _ => "–".into(),
        },
        Cell::Rounds(times) => quantile(times, 0.5).map_or_else(|| "–".into(), time),
        #[allow(clippy::cast_precision_loss)]
        Cell::Bytes(bytes) => {
            middle_of(bytes).map_or_else(|| "–".into(), |b| format!("{:.1} MB", b as f64 / 1e6))
        }
        Cell::Ratio(ratio) => format!("{ratio:.2}×"),
        Cell::None => "–".into(),
        Cell::Failed => "failed".into(),
    }
}

pub(crate) fn time(time: Duration) -> String {
    let milliseconds = time.as_secs_f64() * 1e3;
    match milliseconds {
        ..10.0 => format!("{milliseconds:.2} ms"),
        ..1000.0 => format!("{milliseconds:.0} ms"),
        _ => format!("{:.2} s", milliseconds / 1e3),
    }
}
