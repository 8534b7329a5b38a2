//! A lesson as it stands on a board.

use std::path::PathBuf;

use glassbox::lesson::{Bars, Board, Chart, Part, Places};

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
            Part::Places(held) => places(held, text, screen),
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
    let [first, last] = [first, last].map(|end| (end * 1e3).round() / 1e3);
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

/// Lines of a drawing of names.
const LINES: usize = 16;

/// Names at their places, each behind a dot, on a sheet of letters; of names that meet the later one
/// stands on a line of its own nearby.
fn places(held: &Places, text: Text, screen: Screen) -> String {
    let language = text.lang.of_lessons();
    let columns = screen.columns().min(WIDEST).saturating_sub(2);
    let widest = held.names.iter().map(|name| width(name) + 2).max().unwrap_or(0);
    let room = columns.saturating_sub(widest).max(1);
    let end = |axis: usize| {
        let all = || held.within.iter().map(|point| point[axis]);
        (all().fold(f64::MAX, f64::min), all().fold(f64::MIN, f64::max))
    };
    let share = |axis: usize, x: f64| {
        let (low, high) = end(axis);
        if high > low { ((x - low) / (high - low)).clamp(0.0, 1.0) } else { 0.5 }
    };
    // Of each line, what stands on it: columns from the left, and the name.
    let mut lines: Vec<Vec<(usize, &str)>> = vec![Vec::new(); LINES];
    for (name, point) in held.names.iter().zip(&held.points) {
        let at = (share(0, point[0]) * (room - 1) as f64).round() as usize;
        let line = ((1.0 - share(1, point[1])) * (LINES - 1) as f64).round() as usize;
        let free = |line: &usize| {
            let meets = |(other, taken): &(usize, &str)| {
                at < other + width(taken) + 3 && *other < at + width(name) + 3
            };
            !lines[*line].iter().any(meets)
        };
        let near = (0..LINES).flat_map(|away| {
            [line.checked_sub(away), Some(line + away).filter(|line| *line < LINES)]
        });
        let line = near.flatten().find(free).unwrap_or(line);
        lines[line].push((at, name.as_str()));
    }
    let mut out = title(held.title.of(language), screen);
    for mut line in lines {
        line.sort_unstable();
        let mut written = String::new();
        for (at, name) in line {
            let space = " ".repeat(at.saturating_sub(width(&written)));
            written += &format!("{space}· {name} ");
        }
        out += &(fit(&format!("│ {written}"), columns + 2).trim_end().to_owned() + "\n");
    }
    let axes = format!("→ {}, ↑ {}", held.x.of(language), held.y.of(language));
    out + &fit(&axes, columns) + "\n"
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
