//! A screen as a picture, in SVG.

use std::fmt::Write;

use vt100::{Cell, Color, Screen};

/// A cell's size.
const WIDTH: f32 = 8.4;
const HEIGHT: f32 = 19.0;
/// What stays free around the screen.
const FRAME: f32 = 18.0;
const BACKGROUND: &str = "#1b1e28";
const FOREGROUND: &str = "#d8dee9";

/// The colours of the terminal, dark and bright.
const PALETTE: [&str; 16] = [
    "#3b4252", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#d8dee9",
    "#5c6370", "#ef7b85", "#a9d18e", "#f0d090", "#74bdf7", "#d78ee8", "#67c7d3", "#ffffff",
];

/// Draws the rows of a screen that have something on them.
pub(crate) fn svg(screen: &Screen) -> String {
    let (rows, cols) = screen.size();
    let (rows, cols) = (rows.get(), cols.get());
    let is_used = |row: &u16| (0..cols).any(|col| look(screen, *row, col).has_contents());
    let used = (0..rows).rev().find(is_used).map_or(1, |row| row + 1);
    let (width, height) = (f32::from(cols) * WIDTH, f32::from(used) * HEIGHT);
    let (whole, tall) = (width + 2.0 * FRAME, height + 2.0 * FRAME);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {whole:.0} {tall:.0}\" \
         width=\"{whole:.0}\" height=\"{tall:.0}\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{BACKGROUND}\"/>\n\
         <g font-family=\"ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace\" \
         font-size=\"14\" xml:space=\"preserve\">\n"
    );
    for row in 0..used {
        for (start, end, text) in runs(screen, row, cols) {
            let cell = look(screen, row, start);
            let (x, y) =
                (FRAME + f32::from(start) * WIDTH, FRAME + (f32::from(row) + 0.75) * HEIGHT);
            let length = f32::from(end - start) * WIDTH;
            let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            // Writing into a string does not fail.
            let _ = writeln!(
                svg,
                "<text x=\"{x:.1}\" y=\"{y:.1}\" textLength=\"{length:.1}\"{}>{text}</text>",
                style(&cell)
            );
        }
    }
    svg.push_str("</g>\n</svg>\n");
    svg
}

fn look(screen: &Screen, row: u16, col: u16) -> Cell {
    screen.cell(row, col).cloned().expect("it is on the screen")
}

/// Neighbours that look alike: where they begin and end, and their text.
fn runs(screen: &Screen, row: u16, cols: u16) -> Vec<(u16, u16, String)> {
    let mut runs: Vec<(u16, u16, String)> = Vec::new();
    for col in 0..cols {
        let cell = look(screen, row, col);
        let text = if cell.has_contents() { cell.contents() } else { " " };
        match runs.last_mut() {
            Some((_, end, _)) if cell.is_wide_continuation() => *end = col + 1,
            Some((start, end, run)) if style(&look(screen, row, *start)) == style(&cell) => {
                *end = col + 1;
                run.push_str(text);
            }
            _ => runs.push((col, col + 1, text.to_owned())),
        }
    }
    runs.retain(|(_, _, text)| !text.trim().is_empty());
    for (start, end, text) in &mut runs {
        let blanks = |count: usize| u16::try_from(count).expect("a row is short");
        *start += blanks(text.len() - text.trim_start().len());
        *end -= blanks(text.len() - text.trim_end().len());
        *text = text.trim().to_owned();
    }
    runs
}

fn style(cell: &Cell) -> String {
    let colour = match cell.fgcolor() {
        Color::Default => FOREGROUND,
        Color::Idx(number) => PALETTE.get(usize::from(number)).copied().unwrap_or(FOREGROUND),
        Color::Rgb(..) => FOREGROUND,
    };
    let mut style = format!(" fill=\"{colour}\"");
    for (is, attribute) in [
        (cell.bold(), " font-weight=\"bold\""),
        (cell.italic(), " font-style=\"italic\""),
        (cell.underline(), " text-decoration=\"underline\""),
        (cell.dim(), " opacity=\"0.6\""),
    ] {
        if is {
            style.push_str(attribute);
        }
    }
    style
}
