//! A plot of lines as a picture.

use super::{Color, ColorMap, FAINT, INK, PAPER, Picture};
use crate::report::scale::{Scale, is_shown};

const SMALL: usize = 2;
const GRID: Color = [226, 227, 229];

/// A line of a plot.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// What the legend says.
    pub name: String,
    /// A number for each of the plot's places; what is not finite leaves a gap.
    pub values: Vec<f64>,
}

/// Lines over named places, such as layers: the first line is darkest, the last brightest. The axis
/// is logarithmic where all numbers are above 0 and far apart.
///
/// ```
/// use glassbox::report::picture::{Series, plot};
/// let names = ["conv1", "conv2", "fc"].map(String::from);
/// let series = [Series { name: "step 1".into(), values: vec![1e-4, 1e-2, 1.0] }];
/// let drawn = plot("Gradient norm by layer", &names, &series);
/// assert!(drawn.width() >= 600);
/// ```
pub fn plot(title: &str, places: &[String], series: &[Series]) -> Picture {
    let values = || series.iter().flat_map(|line| line.values.iter().copied());
    let shown = || values().filter(|x| is_shown(*x) && *x > 0.0);
    let positive = values().all(|x| x > 0.0 || !is_shown(x));
    let logarithmic = if positive { Scale::logarithmic(shown()) } else { None };
    let scale = logarithmic.unwrap_or_else(|| Scale::linear(values(), None));
    let labels: Vec<String> = scale.ticks().iter().map(|(_, label)| power(label)).collect();
    let widest = |texts: &[String]| {
        texts.iter().map(|text| Picture::text_width(text, SMALL)).max().unwrap_or(0)
    };
    let names: Vec<String> = series.iter().map(|line| line.name.clone()).collect();
    let (left, legend) = (widest(&labels) + 40, widest(&names) + 70);
    let (step, height, top) = ((720 / places.len().max(2)).clamp(26, 160), 360, 64);
    let inner = step * places.len().max(1);
    // Names of many layers stand upright.
    let upright = widest(places) + 12 > step;
    let below = if upright { widest(places) + 36 } else { 50 };
    let width = (left + inner + legend).max(Picture::text_width(title, 3) + 32);
    let mut out = Picture::new(width, top + height + below, PAPER);
    out.write_text(title, [16, 16], 3, INK);
    let at_y = |y: f64| top + height - (scale.position(y) * height as f64).round() as usize;
    let at_x = |index: usize| left + step / 2 + index * step;
    for ((tick, _), label) in scale.ticks().iter().zip(&labels) {
        let y = at_y(*tick);
        out.fill([left, y], [inner, 1], GRID);
        let x = (left - 10).saturating_sub(Picture::text_width(label, SMALL));
        out.write_text(label, [x, y.saturating_sub(7)], SMALL, FAINT);
    }
    for (index, place) in places.iter().enumerate() {
        let (x, y) = (at_x(index), top + height);
        out.fill([x, y], [1, 6], FAINT);
        match upright {
            true => {
                let length = Picture::text_width(place, SMALL);
                let mut name = Picture::new(length, Picture::text_height(SMALL) + 2 * SMALL, PAPER);
                name.write_text(place, [0, 0], SMALL, INK);
                out.put(&turned(&name), x.saturating_sub(7), y + 12);
            }
            false => {
                let half = Picture::text_width(place, SMALL) / 2;
                out.write_text(place, [x.saturating_sub(half), y + 14], SMALL, INK);
            }
        }
    }
    let last = series.len().saturating_sub(1).max(1);
    for (index, line) in series.iter().enumerate() {
        // The brightest yellow is hard to see on paper.
        let color = ColorMap::Viridis.color(index as f64 / last as f64 * 0.88);
        let points: Vec<Option<(usize, usize)>> = line
            .values
            .iter()
            .enumerate()
            .map(|(i, &y)| is_shown(y).then(|| (at_x(i), at_y(y))))
            .collect();
        for pair in points.windows(2) {
            if let [Some(from), Some(to)] = *pair {
                stroke(&mut out, from, to, color);
            }
        }
        for (x, y) in points.into_iter().flatten() {
            out.fill([x.saturating_sub(3), y.saturating_sub(3)], [7, 7], color);
        }
        let y = top + index * 24;
        let x = left + inner + 12;
        if y + 14 < top + height + below {
            out.fill([x, y + 5], [26, 4], color);
            out.write_text(&line.name, [x + 36, y], SMALL, INK);
        }
    }
    out
}

/// `2×10⁻⁴` in letters that there are: `2e-4`.
fn power(label: &str) -> String {
    let plain: String = label
        .chars()
        .map(|c| match c {
            '⁻' => '-',
            '¹' => '1',
            '²' => '2',
            '³' => '3',
            '⁰' => '0',
            '⁴'..='⁹' => char::from_digit(c as u32 - '⁰' as u32, 10).unwrap_or(c),
            '−' => '-',
            c => c,
        })
        .collect();
    match (label.contains("×10"), label.chars().any(|c| "⁰¹²³⁴⁵⁶⁷⁸⁹".contains(c)))
    {
        (true, _) => plain.replacen("×10", "e", 1),
        (false, true) => plain.replacen("10", "1e", 1),
        (false, false) => plain,
    }
}

/// Turned by a quarter, to be read from below.
pub(super) fn turned(picture: &Picture) -> Picture {
    Picture { pixels: image::imageops::rotate270(&picture.pixels) }
}

fn stroke(out: &mut Picture, from: (usize, usize), to: (usize, usize), color: Color) {
    let (dx, dy) = (to.0 as f64 - from.0 as f64, to.1 as f64 - from.1 as f64);
    let steps = dx.abs().max(dy.abs()).max(1.0);
    for step in 0..=steps as usize {
        let share = step as f64 / steps;
        let (x, y) = (from.0 as f64 + dx * share, from.1 as f64 + dy * share);
        let corner = |z: f64| (z.round() as usize).saturating_sub(1);
        out.fill([corner(x), corner(y)], [2, 2], color);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_ten_are_written_in_ascii() {
        assert_eq!(["10⁻³", "2×10⁻⁴", "0.5", "−3"].map(power), ["1e-3", "2e-4", "0.5", "-3"]);
    }

    #[test]
    fn larger_numbers_stand_higher_and_gaps_are_left() {
        let places = ["a", "b", "c"].map(String::from);
        let values = vec![0.001, 1.0, f64::NAN];
        let drawn = plot("t", &places, &[Series { name: "s".into(), values }]);
        let color = ColorMap::Viridis.color(0.0);
        let marked = |column: usize| {
            (0..drawn.height()).filter(|&y| drawn.pixel(column, y) == Some(color)).min()
        };
        let columns: Vec<usize> = (0..drawn.width()).filter(|&x| marked(x).is_some()).collect();
        let first = columns[0];
        let beyond = columns.iter().find(|&&x| x > first + 200 && x < first + 400);
        assert_eq!(beyond, None, "nothing leads to the number that is none");
        assert!(marked(first).unwrap() > marked(first + 160).unwrap());
    }
}
