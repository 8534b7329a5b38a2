//! Normal distributions of several numbers, and how far they are apart.

use crate::Error;
use crate::metrics::samples::check_rows;

/// Rows that are summed at once.
const BLOCK: usize = 256;
/// Rounds of turning columns; a dozen are enough for any matrix that was tried.
const ROUNDS: usize = 60;
/// The square of the cosine between columns that are at right angles.
const RIGHT: f64 = 1e-24;

/// A normal distribution of several numbers: their means and covariances.
///
/// ```
/// use glassbox::metrics::Gaussian;
/// // Along each axis: (difference of the means)² + (difference of the standard deviations)².
/// let one = Gaussian::new(vec![0.0, 1.0], vec![1.0, 0.0, 0.0, 4.0])?;
/// let other = Gaussian::new(vec![3.0, 1.0], vec![9.0, 0.0, 0.0, 4.0])?;
/// assert!((one.frechet(&other)? - (9.0 + 4.0)).abs() < 1e-12);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Gaussian {
    mean: Vec<f64>,
    /// `[numbers, numbers]`
    covariance: Vec<f64>,
}

impl Gaussian {
    /// The distribution of this mean `[numbers]` and this covariance `[numbers, numbers]`.
    ///
    /// # Errors
    /// Sizes that do not agree; numbers that are not finite; a covariance that is not symmetric.
    pub fn new(mean: Vec<f64>, covariance: Vec<f64>) -> Result<Self, Error> {
        let width = mean.len();
        if covariance.len() != width * width {
            let found = covariance.len();
            return Err(Error::new(format!(
                "{found} numbers are no covariance of {width}: it has {width} × {width}"
            )));
        }
        if mean.iter().chain(&covariance).any(|x| !x.is_finite()) {
            return Err(Error::new("a mean or covariance is not finite"));
        }
        let uneven = |at: usize| {
            let (a, b) = (covariance[at], covariance[at % width * width + at / width]);
            (a - b).abs() > 1e-9 * (a.abs() + b.abs())
        };
        match (0..covariance.len()).any(uneven) {
            true => Err(Error::new("a covariance is not symmetric")),
            false => Ok(Gaussian { mean, covariance }),
        }
    }

    /// The distribution of these rows of `width` numbers: their means, and their covariances divided by
    /// the number of rows less one. It holds about as many numbers as the covariance, whatever the number
    /// of rows.
    ///
    /// # Errors
    /// Fewer than two rows; numbers that are not whole rows, or not finite.
    ///
    /// ```
    /// use glassbox::metrics::Gaussian;
    /// let found = Gaussian::fitted(&[1.0, 0.0, 3.0, 4.0], 2)?;
    /// assert_eq!(found.mean(), [2.0, 2.0]);
    /// assert_eq!(found.covariance(), [2.0, 4.0, 4.0, 8.0]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn fitted(rows: &[f32], width: usize) -> Result<Self, Error> {
        let count = check_rows(rows, width)?;
        if count < 2 {
            return Err(Error::new("a normal distribution is fitted on two rows or more"));
        }
        let mut mean = vec![0.0; width];
        for row in rows.chunks_exact(width) {
            mean.iter_mut().zip(row).for_each(|(sum, x)| *sum += f64::from(*x));
        }
        mean.iter_mut().for_each(|sum| *sum /= count as f64);
        let mut covariance = vec![0.0; width * width];
        // A column of some rows lies in one piece.
        let mut columns = vec![0.0; width * BLOCK];
        for some in rows.chunks(BLOCK * width) {
            let taken = some.len() / width;
            for (at, row) in some.chunks_exact(width).enumerate() {
                for (number, x) in row.iter().enumerate() {
                    columns[number * taken + at] = f64::from(*x) - mean[number];
                }
            }
            let column = |number: usize| &columns[number * taken..][..taken];
            for one in 0..width {
                for other in 0..=one {
                    covariance[one * width + other] += dot(column(one), column(other));
                }
            }
        }
        for one in 0..width {
            for other in 0..=one {
                let value = covariance[one * width + other] / (count - 1) as f64;
                covariance[one * width + other] = value;
                covariance[other * width + one] = value;
            }
        }
        Ok(Gaussian { mean, covariance })
    }

    /// The mean `[numbers]`.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// The covariance `[numbers, numbers]`, row-major.
    pub fn covariance(&self) -> &[f64] {
        &self.covariance
    }

    /// The squared Fréchet distance (Dowson and Landau 1982): |μ₁ − μ₂|² + tr(Σ₁ + Σ₂ − 2 (Σ₁ Σ₂)^½).
    /// Of the features of a classifier it is known as FID (Heusel et al. 2017).
    ///
    /// With Σ₁ = L₁ L₁ᵀ and Σ₂ = L₂ L₂ᵀ, the trace of the root is the sum of the singular values of
    /// L₁ᵀ L₂, which Jacobi's turns find to the last digits even where they are small.
    ///
    /// # Errors
    /// Another number of numbers.
    pub fn frechet(&self, other: &Self) -> Result<f64, Error> {
        let width = self.mean.len();
        if other.mean.len() != width {
            let found = other.mean.len();
            return Err(Error::new(format!("distributions of {width} and of {found} numbers")));
        }
        let apart = self.mean.iter().zip(&other.mean).map(|(a, b)| (a - b).powi(2));
        let trace = |of: &Gaussian| of.covariance.iter().step_by(width + 1).sum::<f64>();
        let [one, other_root] = [self, other].map(|of| root(&of.covariance, width));
        let mut product = vec![0.0; width * width];
        // Column b of L₁ᵀ L₂ has the products of L₁'s columns with column b of L₂.
        for (column, b) in product.chunks_exact_mut(width.max(1)).zip(columns(&other_root, width)) {
            let all = column.iter_mut().zip(columns(&one, width));
            all.for_each(|(x, a)| *x = dot(a, b));
        }
        let common = singular_values(&mut product, width);
        let spread = trace(self) + trace(other) - 2.0 * common;
        Ok((apart.sum::<f64>() + spread).max(0.0))
    }
}

fn columns(matrix: &[f64], width: usize) -> impl Iterator<Item = &[f64]> {
    matrix.chunks_exact(width.max(1))
}

/// In four parts, which the processor sums side by side.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut parts = [0.0; 4];
    let (fours, fours_too) = (a.chunks_exact(4), b.chunks_exact(4));
    let rest = fours.remainder().iter().zip(fours_too.remainder());
    let rest: f64 = rest.map(|(a, b)| a * b).sum();
    for (a, b) in fours.zip(fours_too) {
        for (part, (a, b)) in parts.iter_mut().zip(a.iter().zip(b)) {
            *part += a * b;
        }
    }
    parts.iter().sum::<f64>() + rest
}

/// L of a positive semidefinite matrix = L Lᵀ (Cholesky), column after column. A column in which nothing
/// is left but rounding is 0.
fn root(matrix: &[f64], width: usize) -> Vec<f64> {
    let largest = matrix.iter().step_by(width + 1).copied().fold(0.0, f64::max);
    let nothing = width as f64 * f64::EPSILON * largest;
    let mut left = matrix.to_vec();
    let mut found = vec![0.0; width * width];
    for at in 0..width {
        let pivot = left[at * width + at];
        if pivot <= nothing {
            continue;
        }
        let column = &mut found[at * width..][..width];
        for row in at..width {
            column[row] = left[row * width + at] / pivot.sqrt();
        }
        for row in at + 1..width {
            let along = column[row];
            let line = &mut left[row * width..][..width];
            let rest = line[at + 1..=row].iter_mut().zip(&column[at + 1..=row]);
            rest.for_each(|(x, y)| *x -= along * y);
        }
    }
    found
}

/// The sum of the singular values of a matrix that is given by its columns: pairs of columns are turned
/// until all are at right angles (Hestenes 1958), when they are as long as its singular values.
fn singular_values(matrix: &mut [f64], width: usize) -> f64 {
    let mut squares: Vec<f64> = columns(matrix, width).map(|column| dot(column, column)).collect();
    let all: f64 = squares.iter().sum();
    // A column that is shorter is nothing beside what rounding leaves of the others.
    let nothing = f64::EPSILON * f64::EPSILON * all;
    for _ in 0..ROUNDS {
        let mut turned = false;
        for one in 0..width {
            for other in one + 1..width {
                let (before, after) = matrix.split_at_mut(other * width);
                let (a, b) = (&mut before[one * width..][..width], &mut after[..width]);
                let along = dot(a, b);
                let both = squares[one] * squares[other];
                if along * along <= RIGHT * both || squares[one].min(squares[other]) <= nothing {
                    continue;
                }
                turned = true;
                let between = (squares[other] - squares[one]) / (2.0 * along);
                let tangent = between.signum() / (between.abs() + between.hypot(1.0));
                let cosine = 1.0 / tangent.hypot(1.0);
                let sine = cosine * tangent;
                for (x, y) in a.iter_mut().zip(b.iter_mut()) {
                    (*x, *y) = (cosine * *x - sine * *y, sine * *x + cosine * *y);
                }
                (squares[one], squares[other]) = (dot(a, a), dot(b, b));
            }
        }
        if !turned {
            break;
        }
    }
    squares.iter().map(|square| square.sqrt()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_is_its_root_times_itself_turned() {
        // Of rank 2: the third number is the sum of the others.
        let rows = [1.0, 0.0, 1.0, 0.0, 2.0, 2.0, -3.0, 1.0, -2.0, 2.0, 2.0, 4.0];
        let matrix = Gaussian::fitted(&rows, 3).unwrap().covariance;
        let found = root(&matrix, 3);
        for row in 0..3 {
            for column in 0..3 {
                let back: f64 = (0..3).map(|k| found[k * 3 + row] * found[k * 3 + column]).sum();
                assert!((back - matrix[row * 3 + column]).abs() < 1e-12);
            }
        }
        assert!(found[6..].iter().all(|x| x.abs() < 1e-6), "{found:?}");
    }

    #[test]
    fn singular_values_are_those_of_the_textbook() {
        // [[3, 0], [4, 5]]: √45 and √5 (Strang).
        let mut matrix = [3.0, 4.0, 0.0, 5.0];
        let sum = singular_values(&mut matrix, 2);
        assert!((sum - (45f64.sqrt() + 5f64.sqrt())).abs() < 1e-14, "{sum}");
        assert_eq!(singular_values(&mut [0.0; 9], 3), 0.0);
        // Two columns alike: one singular value is 0.
        let sum = singular_values(&mut [1.0, 1.0, 1.0, 1.0], 2);
        assert!((sum - 2.0).abs() < 1e-14, "{sum}");
    }
}
