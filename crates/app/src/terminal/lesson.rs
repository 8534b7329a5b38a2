//! A lesson as it stands on a board.

use std::path::PathBuf;

use glassbox::lesson::{Bars, Board, Chart, Part};

use super::chart::{Curve, chart};
use super::line::{Line, Tone, fit, width, wrap};
use super::table::{Align, Table};
use super::{Screen, curve, figure};
use crate::text::Text;

/// Columns of sentences and charts where the screen is wider, or no screen at all.
const WIDEST: usize = 96;
/// What curves are drawn with.
const LETTERS: [char; 6] = ['A', 'B', 'C', 'D', 'E', 'F'];

/// The whole lesson, no line wider than the screen.
pub fn lesson(
    heading: &str,
    parts: &[Part],
    files: &[PathBuf],
    text: Text,
    screen: Screen,
) -> String {
    let columns = screen.columns();
    let line = |tone, words: &str| Line::new().with(tone, words).render(columns, screen.colour);
    let mut out = line(Tone::Strong, heading) + "\n";
    // Pictures are for files.
    for part in parts.iter().filter(|part| !matches!(part, Part::Pictures(_))) {
        out.push('\n');
        out.push_str(&match part {
            Part::Paragraph(words) => sentences(words.of(text.lang.of_lessons()), columns),
            Part::Board(board) => on_board(board, text, screen),
            Part::Table(held) => table(held, text, screen),
            Part::Chart(held) => drawn(held, text, screen),
            Part::Bars(bars) => blocks(bars, text, screen),
            Part::Pictures(_) => String::new(),
        });
    }
    if !files.is_empty() {
        out.push('\n');
    }
    for file in files {
        out.push_str(&(fit(&text.picture_written(file.display()), columns) + "\n"));
    }
    out
}

fn sentences(words: &str, columns: usize) -> String {
    wrap(words, columns.min(WIDEST)).into_iter().map(|line| line + "\n").collect()
}

fn title(words: &str, screen: Screen) -> String {
    Line::new().with(Tone::Strong, words).render(screen.columns(), screen.colour) + "\n"
}

fn on_board(board: &Board, text: Text, screen: Screen) -> String {
    let columns = screen.columns();
    let line = |line: &String| fit(&format!("  {line}"), columns).trim_end().to_owned() + "\n";
    let lines: String = board.lines.iter().map(line).collect();
    title(board.title.of(text.lang.of_lessons()), screen) + &lines
}

fn table(held: &glassbox::lesson::Table, text: Text, screen: Screen) -> String {
    let language = text.lang.of_lessons();
    let column = |(at, name): (usize, &glassbox::lesson::Text)| {
        (name.of(language).to_owned(), if at == 0 { Align::Left } else { Align::Right })
    };
    let mut table = Table::new(held.columns.iter().enumerate().map(column));
    for row in &held.rows {
        table.row(row.iter().map(|cell| cell.of(language).to_owned()));
    }
    title(held.title.of(language), screen) + &table.render(screen.columns())
}

fn drawn(held: &Chart, text: Text, screen: Screen) -> String {
    let language = text.lang.of_lessons();
    let curve = |(index, curve): (usize, &glassbox::lesson::Curve)| Curve {
        label: LETTERS[index % LETTERS.len()],
        tone: Tone::Series(index),
        points: curve.points.iter().copied().filter(|point| point.1.is_finite()).collect(),
    };
    let curves: Vec<Curve> = held.curves.iter().enumerate().map(curve).collect();
    let columns = screen.columns().min(WIDEST);
    let Some((lines, log)) = chart(&curves, columns) else { return String::new() };
    let heading = format!("{} · {}", held.title.of(language), held.y.of(language));
    let heading = if log { text.on_logarithmic_scale(heading) } else { heading };
    let mut out = title(&heading, screen);
    for line in &lines {
        out.push_str(line.render(columns, screen.colour).trim_end());
        out.push('\n');
    }
    let points = || curves.iter().flat_map(|curve| &curve.points).map(|point| point.0);
    let (first, last) = (points().fold(f64::MAX, f64::min), points().fold(f64::MIN, f64::max));
    let axis = format!("{} {first} … {last}", held.x.of(language));
    let wide = lines.iter().map(Line::width).max().unwrap_or(0);
    let space = " ".repeat(wide.saturating_sub(width(&axis)));
    out.push_str(&(fit(&format!("{space}{axis}"), columns) + "\n"));
    let mut legend = Line::new();
    for (curve, drawn) in held.curves.iter().zip(&curves) {
        let name = format!(" {}   ", curve.name.of(language));
        legend = legend.with(drawn.tone, drawn.label).with(Tone::Plain, name);
    }
    out + legend.render(columns, screen.colour).trim_end() + "\n"
}

/// Each row of bars in one line of blocks.
fn blocks(bars: &Bars, text: Text, screen: Screen) -> String {
    let language = text.lang.of_lessons();
    let (low, high) = bars.ends;
    let names = bars.rows.iter().map(|(name, _)| width(name.of(language)));
    let widest = names.max().unwrap_or(0);
    let row = |(name, values): &(glassbox::lesson::Text, Vec<f64>)| {
        let name = name.of(language);
        let space = " ".repeat(widest - width(name));
        let drawn = curve(values, screen.columns().saturating_sub(widest + 2), low, high);
        fit(&format!("{name}{space}  {drawn}"), screen.columns()) + "\n"
    };
    let scale = text.from_to(figure(low), figure(high));
    let heading = format!("{} ({scale})", bars.title.of(language));
    title(&heading, screen) + &bars.rows.iter().map(row).collect::<String>()
}
