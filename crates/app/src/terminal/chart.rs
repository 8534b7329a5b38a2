//! Curves over each other in a frame of letters.

use super::format::figure;
use super::line::{Line, Tone};

const HEIGHT: usize = 12;
/// Columns of the numbers at the left, with the axis.
const LABELS: usize = 10;
/// Above this ratio of the greatest to the least value the scale is logarithmic.
const WIDE: f64 = 20.0;

/// A curve and how it is drawn.
pub struct Curve {
    /// The letter it is made of.
    pub label: char,
    /// Its colour.
    pub tone: Tone,
    /// Its points, from left to right; every number is finite.
    pub points: Vec<(f64, f64)>,
}

/// The lines of the chart, none wider than `columns`, and whether its scale is logarithmic; nothing
/// where there are fewer than two points or the screen is too narrow.
pub fn chart(curves: &[Curve], columns: usize) -> Option<(Vec<Line>, bool)> {
    let points = || curves.iter().flat_map(|curve| &curve.points);
    let wide = columns.checked_sub(LABELS).filter(|wide| *wide >= 10)?;
    let (first, last) = range(points().map(|point| point.0))?;
    let (low, high) = range(points().map(|point| point.1))?;
    if first == last {
        return None;
    }
    let log = low > 0.0 && high / low > WIDE;
    let scale = |y: f64| if log { y.ln() } else { y };
    let (bottom, top) = (scale(low), scale(high));
    let line_of = |y: f64| match top > bottom {
        true => ((top - scale(y)) / (top - bottom) * (HEIGHT - 1) as f64).round() as usize,
        false => HEIGHT / 2,
    };
    let mut cells: Vec<Vec<Vec<usize>>> = vec![vec![Vec::new(); wide]; HEIGHT];
    for (index, curve) in curves.iter().enumerate() {
        let x = |column: usize| first + (last - first) * column as f64 / (wide - 1) as f64;
        let heights = (0..wide).filter_map(|column| Some((column, at(&curve.points, x(column))?)));
        for (column, y) in heights {
            cells[line_of(y).min(HEIGHT - 1)][column].push(index);
        }
    }
    let number = |line: usize| {
        let share = line as f64 / (HEIGHT - 1) as f64;
        let y = top - (top - bottom) * share;
        figure(if log { y.exp() } else { y })
    };
    let lines = cells.into_iter().enumerate().map(|(line, row)| {
        let label = match line % 4 == 0 || line == HEIGHT - 1 {
            true => format!("{:>8} ┤", number(line)),
            false => format!("{:>8} │", ""),
        };
        let mut drawn = Line::new().with(Tone::Faint, label);
        for (column, here) in row.iter().enumerate() {
            // Where curves meet, their letters take turns.
            drawn = match here.get(column % here.len().max(1)).and_then(|at| curves.get(*at)) {
                Some(curve) => drawn.with(curve.tone, curve.label),
                None => drawn.with(Tone::Plain, ' '),
            };
        }
        drawn
    });
    Some((lines.collect(), log))
}

/// The least and the greatest; nothing of no numbers.
fn range(numbers: impl Iterator<Item = f64> + Clone) -> Option<(f64, f64)> {
    let least = numbers.clone().reduce(f64::min)?;
    Some((least, numbers.reduce(f64::max)?))
}

/// The curve's height at `x`, on straight lines between its points; nothing beyond its ends.
fn at(points: &[(f64, f64)], x: f64) -> Option<f64> {
    let next = points.partition_point(|point| point.0 < x);
    let right = points.get(next)?;
    match next.checked_sub(1).and_then(|before| points.get(before)) {
        Some(left) if right.0 > left.0 => {
            Some(left.1 + (right.1 - left.1) * (x - left.0) / (right.0 - left.0))
        }
        _ => (right.0 == x).then_some(right.1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(curves: &[(char, &[f64])], columns: usize) -> Option<(Vec<String>, bool)> {
        let curve = |(label, heights): &(char, &[f64])| Curve {
            label: *label,
            tone: Tone::Plain,
            points: heights.iter().enumerate().map(|(x, y)| (x as f64, *y)).collect(),
        };
        let curves: Vec<Curve> = curves.iter().map(curve).collect();
        let (lines, log) = chart(&curves, columns)?;
        Some((lines.iter().map(|line| line.render(columns, false)).collect(), log))
    }

    #[test]
    fn curves_go_from_corner_to_corner_and_take_turns_where_they_meet() {
        let (lines, log) = drawn(&[('A', &[1.0, 0.0]), ('B', &[1.0, 1.0])], 22).unwrap();
        assert!(!log);
        assert_eq!(lines.len(), HEIGHT);
        assert_eq!(lines[0].trim_end(), "    1.00 ┤ABBBBBBBBBBB");
        assert_eq!(lines[11].trim_end(), "   0.000 ┤           A");
        assert!(lines.iter().all(|line| line.chars().count() <= 22));
    }

    #[test]
    fn a_wide_range_is_logarithmic_and_a_shorter_curve_ends_where_it_ends() {
        let (lines, log) = drawn(&[('A', &[100.0, 10.0, 1.0]), ('B', &[1.0, 1.0])], 21).unwrap();
        assert!(log);
        // Halfway along, a power of ten of a curve of powers of ten is halfway up.
        let middle: Vec<_> =
            lines.iter().filter(|line| line.chars().nth(15) == Some('A')).collect();
        assert_eq!(middle.len(), 1, "{lines:?}");
        assert!(lines[11].ends_with("BBBBBB    A"), "{lines:?}");
    }

    #[test]
    fn what_cannot_be_drawn_is_left_out() {
        assert!(drawn(&[('A', &[1.0])], 80).is_none(), "one point is no curve");
        assert!(drawn(&[('A', &[])], 80).is_none());
        assert!(drawn(&[('A', &[1.0, 2.0])], 12).is_none(), "no room");
        assert!(drawn(&[('A', &[3.0, 3.0])], 40).is_some());
    }
}
