//! The tokens' vectors in the plane.

use serde::Serialize;

use super::Sequences;
use crate::Error;

/// Tokens at most: those of the lowest numbers.
const MOST: usize = 200;
/// Rounds of the power method, each of which makes what is not the axis smaller.
const ROUNDS: usize = 200;

/// Where tokens lie in the plane of the two directions in which their vectors differ most (their first
/// two principal components, Hotelling 1933).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scatter {
    /// The table's path.
    pub table: String,
    /// How many tokens the table has, and how many numbers each.
    pub shape: [usize; 2],
    /// The tokens that are shown.
    pub tokens: Vec<String>,
    /// Where each of them lies.
    pub points: Vec<[f64; 2]>,
    /// The share of the variance that each axis holds.
    pub explained: [f64; 2],
}

impl Sequences {
    /// The table of tokens as points; none where the model has no table of its tokens.
    ///
    /// # Errors
    /// A table of another shape than its tokenizer's vocabulary.
    pub fn scatter(&self) -> Result<Option<Scatter>, Error> {
        let (Some(text), Some((path, table))) = (self.text_preparation(), self.embedding()) else {
            return Ok(None);
        };
        let (&[rows, width], Some(numbers)) = (table.shape().sizes(), table.as_f32()) else {
            return Ok(None);
        };
        let shown = rows.min(MOST).min(text.tokenizer.vocabulary());
        let tokens = (0..shown).map(|id| text.tokenizer.token(id as u32).into_owned()).collect();
        let (points, explained) = plane(&numbers[..shown * width], width);
        Ok(Some(Scatter { table: path, shape: [rows, width], tokens, points, explained }))
    }
}

/// The rows along the two directions of largest variance, by the power method, and the shares of both.
fn plane(numbers: &[f32], width: usize) -> (Vec<[f64; 2]>, [f64; 2]) {
    let rows: Vec<Vec<f64>> = numbers
        .chunks(width.max(1))
        .map(|row| row.iter().map(|x| f64::from(*x)).collect())
        .collect();
    let count = rows.len().max(1) as f64;
    let mean: Vec<f64> =
        (0..width).map(|i| rows.iter().map(|row| row[i]).sum::<f64>() / count).collect();
    let mut left: Vec<Vec<f64>> =
        rows.iter().map(|row| row.iter().zip(&mean).map(|(x, m)| x - m).collect()).collect();
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let all: f64 = left.iter().map(|row| dot(row, row)).sum();
    let mut points = vec![[0.0; 2]; rows.len()];
    let mut explained = [0.0; 2];
    for (axis, share) in explained.iter_mut().enumerate() {
        // A start that no table is at right angles to by design.
        let mut direction: Vec<f64> = (0..width).map(|i| 1.0 + (i as f64 * 0.7).sin()).collect();
        for _ in 0..ROUNDS {
            let mut next = vec![0.0; width];
            for row in &left {
                let along = dot(row, &direction);
                next.iter_mut().zip(row).for_each(|(next, x)| *next += along * x);
            }
            let size = dot(&next, &next).sqrt();
            if size == 0.0 {
                break;
            }
            direction = next.into_iter().map(|x| x / size).collect();
        }
        let size = dot(&direction, &direction).sqrt();
        direction.iter_mut().for_each(|x| *x /= size);
        for (point, row) in points.iter_mut().zip(&mut left) {
            point[axis] = dot(row, &direction);
            row.iter_mut().zip(&direction).for_each(|(x, d)| *x -= point[axis] * d);
        }
        let held: f64 = points.iter().map(|point| point[axis] * point[axis]).sum();
        *share = if all > 0.0 { held / all } else { 0.0 };
    }
    (points, explained)
}

#[cfg(feature = "image")]
impl Scatter {
    /// The tokens as they lie, each written at its place.
    pub fn picture(&self) -> crate::report::picture::Picture {
        use crate::report::picture::{ColorMap, FAINT, INK, PAPER, Picture};
        const SIDE: [usize; 2] = [900, 640];
        const EDGE: usize = 60;
        let [width, height] = SIDE;
        let mut out = Picture::new(width + 2 * EDGE, height + 2 * EDGE + 40, PAPER);
        out.write_text(&format!("Tokens of {}", self.table), [16, 16], 3, INK);
        let [first, second] = self.explained.map(|share| 100.0 * share);
        let note =
            format!("first two principal components: {first:.1} % and {second:.1} % of variance");
        out.write_text(&note, [16, 46], 2, FAINT);
        let place = |axis: usize, x: f64, room: usize| {
            let numbers = || self.points.iter().map(|point| point[axis]);
            let (low, high) =
                (numbers().fold(f64::MAX, f64::min), numbers().fold(f64::MIN, f64::max));
            let share = if high > low { (x - low) / (high - low) } else { 0.5 };
            EDGE + (share * room as f64) as usize
        };
        let last = self.tokens.len().saturating_sub(1).max(1) as f64;
        for (index, (token, point)) in self.tokens.iter().zip(&self.points).enumerate() {
            let x = place(0, point[0], width);
            let y = height + EDGE - place(1, point[1], height) + EDGE + 40;
            let color = ColorMap::Viridis.color(index as f64 / last * 0.88);
            out.fill([x.saturating_sub(2), y.saturating_sub(2)], [5, 5], color);
            let name: String = token.chars().map(|c| if c == '\n' { '|' } else { c }).collect();
            let name = if name == " " { "_" } else { name.as_str() };
            out.write_text(name, [x + 6, y.saturating_sub(7)], 2, INK);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_axis_is_that_of_the_largest_spread() {
        // Along (3, 4)/5 from −2 to 2, across it ±0.1.
        let rows: Vec<f32> = (0..5)
            .flat_map(|i| {
                let (t, s) = (i as f32 - 2.0, if i % 2 == 0 { 0.1 } else { -0.1 });
                [0.6 * t - 0.8 * s, 0.8 * t + 0.6 * s]
            })
            .collect();
        let (points, explained) = plane(&rows, 2);
        let along: Vec<f64> = points.iter().map(|point| point[0] * points[4][0].signum()).collect();
        assert!(along.windows(2).all(|pair| (pair[1] - pair[0] - 1.0).abs() < 0.05), "{along:?}");
        assert!(explained[0] > 0.98 && (explained[0] + explained[1] - 1.0).abs() < 1e-9);
    }
}
