//! Vectors in the plane.

/// Rounds of the power method, each of which makes what is not the axis smaller.
const ROUNDS: usize = 200;

/// The plane of the two directions in which vectors differ most: their first two principal components
/// (Hotelling 1933).
#[derive(Clone, Debug)]
pub(crate) struct Plane {
    mean: Vec<f64>,
    directions: [Vec<f64>; 2],
    /// The share of the variance that each axis holds.
    pub explained: [f64; 2],
}

impl Plane {
    /// Of these rows of `width` numbers, by the power method.
    pub fn of(numbers: &[f32], width: usize) -> Self {
        let rows = || numbers.chunks_exact(width.max(1));
        let count = rows().len().max(1) as f64;
        let mut mean = vec![0.0; width];
        rows().for_each(|row| mean.iter_mut().zip(row).for_each(|(m, x)| *m += f64::from(*x)));
        mean.iter_mut().for_each(|m| *m /= count);
        let mut left: Vec<Vec<f64>> = rows().map(|row| without(row, &mean)).collect();
        let all: f64 = left.iter().map(|row| dot(row, row)).sum();
        let mut plane = Plane { mean, directions: [vec![], vec![]], explained: [0.0; 2] };
        for axis in 0..2 {
            // A start that no table is at right angles to by design.
            let mut direction: Vec<f64> =
                (0..width).map(|i| 1.0 + (i as f64 * 0.7).sin()).collect();
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
            let held: f64 = left.iter_mut().map(|row| take(row, &direction).powi(2)).sum();
            plane.explained[axis] = if all > 0.0 { held / all } else { 0.0 };
            plane.directions[axis] = direction;
        }
        plane
    }

    /// Where a row lies.
    pub fn place(&self, row: &[f32]) -> [f64; 2] {
        let mut left = without(row, &self.mean);
        let [first, second] = &self.directions;
        [take(&mut left, first), take(&mut left, second)]
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn without(row: &[f32], mean: &[f64]) -> Vec<f64> {
    row.iter().zip(mean).map(|(x, m)| f64::from(*x) - m).collect()
}

/// How far a row goes along a direction, which is taken from it.
fn take(row: &mut [f64], direction: &[f64]) -> f64 {
    let along = dot(row, direction);
    row.iter_mut().zip(direction).for_each(|(x, d)| *x -= along * d);
    along
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
        let plane = Plane::of(&rows, 2);
        let points: Vec<[f64; 2]> = rows.chunks(2).map(|row| plane.place(row)).collect();
        let along: Vec<f64> = points.iter().map(|point| point[0] * points[4][0].signum()).collect();
        assert!(along.windows(2).all(|pair| (pair[1] - pair[0] - 1.0).abs() < 0.05), "{along:?}");
        let [first, second] = plane.explained;
        assert!(first > 0.98 && (first + second - 1.0).abs() < 1e-9);
    }

    #[test]
    fn rows_on_a_line_lie_on_the_first_axis() {
        let plane = Plane::of(&[1.0, 2.0, 3.0], 1);
        assert_eq!(plane.place(&[4.0])[1], 0.0);
        assert_eq!(plane.explained, [1.0, 0.0]);
    }
}
