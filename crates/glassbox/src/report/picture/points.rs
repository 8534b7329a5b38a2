//! Points in the plane as a picture.

use super::{Color, ColorMap, FAINT, INK, PAPER, Picture};
use crate::report::scale::Scale;

const SMALL: usize = 2;
const SIDE: usize = 640;

/// Points of some kinds, each kind in its color.
///
/// ```
/// use glassbox::report::picture::points;
/// let names = ["cat", "dog"].map(String::from);
/// let drawn = points("Codes", &[([0.0, 1.0], Some(0)), ([2.0, -1.0], Some(1))], &names);
/// assert!(drawn.width() > 640);
/// ```
pub fn points(title: &str, points: &[([f64; 2], Option<usize>)], names: &[String]) -> Picture {
    let of = |axis: usize| points.iter().map(move |(at, _)| at[axis]).filter(|x| x.is_finite());
    let scales = [0, 1].map(|axis| Scale::linear(of(axis), None));
    let widest = names.iter().map(|name| Picture::text_width(name, SMALL)).max().unwrap_or(0);
    let (left, top, below) = (76, 64, 48);
    let width = (left + SIDE + widest + 60).max(Picture::text_width(title, 3) + 32);
    let mut out = Picture::new(width, top + SIDE + below, PAPER);
    out.write_text(title, [16, 16], 3, INK);
    out.fill([left, top], [1, SIDE], FAINT);
    out.fill([left, top + SIDE], [SIDE, 1], FAINT);
    let place = |at: [f64; 2]| {
        let x = left as f64 + scales[0].position(at[0]) * SIDE as f64;
        let y = top as f64 + (1.0 - scales[1].position(at[1])) * SIDE as f64;
        [x.max(0.0) as usize, y.max(0.0) as usize]
    };
    for (tick, label) in scales[0].ticks() {
        let [x, _] = place([*tick, 0.0]);
        out.fill([x, top + SIDE], [1, 6], FAINT);
        let half = Picture::text_width(label, SMALL) / 2;
        out.write_text(label, [x.saturating_sub(half), top + SIDE + 14], SMALL, INK);
    }
    for (tick, label) in scales[1].ticks() {
        let [_, y] = place([0.0, *tick]);
        out.fill([left - 6, y], [6, 1], FAINT);
        let x = (left - 12).saturating_sub(Picture::text_width(label, SMALL));
        out.write_text(label, [x, y.saturating_sub(7)], SMALL, INK);
    }
    let color = |kind: Option<usize>| match kind {
        Some(kind) => kind_color(kind, names.len()),
        None => INK,
    };
    let dot = if points.len() > 2_000 { 3 } else { 5 };
    for (at, kind) in points.iter().filter(|(at, _)| at.iter().all(|x| x.is_finite())) {
        let [x, y] = place(*at);
        out.fill([x.saturating_sub(dot / 2), y.saturating_sub(dot / 2)], [dot, dot], color(*kind));
    }
    for (kind, name) in names.iter().enumerate() {
        let y = top + kind * 24;
        if y + 14 < top + SIDE {
            out.fill([left + SIDE + 16, y], [14, 14], color(Some(kind)));
            out.write_text(name, [left + SIDE + 38, y], SMALL, INK);
        }
    }
    out
}

/// Ten colors that are easy to tell apart; of more kinds a scale's.
fn kind_color(kind: usize, kinds: usize) -> Color {
    const COLORS: [Color; 10] = [
        [31, 119, 180],
        [255, 127, 14],
        [44, 160, 44],
        [214, 39, 40],
        [148, 103, 189],
        [140, 86, 75],
        [227, 119, 194],
        [127, 127, 127],
        [188, 189, 34],
        [23, 190, 207],
    ];
    match COLORS.get(kind) {
        Some(color) if kinds <= COLORS.len() => *color,
        _ => ColorMap::Viridis.color(kind as f64 / kinds.saturating_sub(1).max(1) as f64 * 0.9),
    }
}
