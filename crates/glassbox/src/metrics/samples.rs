//! How like the rows of some data rows are that a model made.

use glassbox_engine::{DType, Graph, Options, Session, Tensor};
use serde::Serialize;

use crate::Error;
use crate::metrics::Gaussian;

/// Rows of numbers that a network finds in what it reads, e.g. what its last layer reads.
#[derive(Clone, Debug, PartialEq)]
pub struct Features {
    /// `[rows, width]`, row-major.
    pub numbers: Vec<f32>,
    /// Numbers of a row.
    pub width: usize,
}

impl Features {
    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.numbers.len() / self.width.max(1)
    }
}

/// How like rows of the data rows are that a model made, by features of both. What the rows at hand cannot
/// tell is none.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Likeness {
    /// Rows that were made.
    pub rows: usize,
    /// The squared Fréchet distance between the normal distributions of both, as FID of other features
    /// (Heusel et al. 2017); 0 is the same. None unless both have more rows than a row has features:
    /// of fewer, no covariance can be fitted.
    pub frechet_distance: Option<f64>,
    /// The share of what was made that lies where data lies: within the ball of some row of the data.
    pub precision: Option<f64>,
    /// The share of the data that lies where something was made.
    pub recall: Option<f64>,
}

impl Likeness {
    /// A row's ball reaches to so many of its nearest neighbours (Kynkäänniemi et al. 2019).
    pub const NEIGHBOURS: usize = 3;

    /// Of the features of rows of the data, and of rows that were made.
    ///
    /// # Errors
    /// Features of different widths, or that are not finite.
    ///
    /// ```
    /// use glassbox::metrics::{Features, Likeness};
    /// let all: Vec<f32> = (0..40).map(|i| (i as f32 * 2.4).sin()).collect();
    /// let data = Features { numbers: all.clone(), width: 2 };
    /// let same = Likeness::of(&data, &data)?;
    /// assert!(same.frechet_distance.unwrap() < 1e-12);
    /// assert_eq!((same.precision, same.recall), (Some(1.0), Some(1.0)));
    /// // A few rows of the data again and again: nothing is wrong with them, and most is missing.
    /// let few = Features { numbers: all[..8].repeat(5), width: 2 };
    /// let found = Likeness::of(&data, &few)?;
    /// assert_eq!(found.precision, Some(1.0));
    /// assert!(found.recall.unwrap() < 0.5);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn of(data: &Features, made: &Features) -> Result<Self, Error> {
        if data.width != made.width {
            let (one, other) = (data.width, made.width);
            return Err(Error::new(format!("rows of {one} features beside rows of {other}")));
        }
        let width = data.width;
        let enough = |features: &Features, least: usize| features.rows() > least;
        let frechet_distance = match enough(data, width) && enough(made, width) {
            true => {
                let of = |features: &Features| Gaussian::fitted(&features.numbers, width);
                Some(of(data)?.frechet(&of(made)?)?)
            }
            false => None,
        };
        let share = |within: &Features, rows: &Features| match enough(within, Self::NEIGHBOURS) {
            true => {
                let manifold = Manifold::of(&within.numbers, width, Self::NEIGHBOURS)?;
                manifold.share_of(&rows.numbers)
            }
            false => Ok(None),
        };
        Ok(Likeness {
            rows: made.rows(),
            frechet_distance,
            precision: share(data, made)?,
            recall: share(made, data)?,
        })
    }
}

/// Where rows lie: a ball around each, which reaches to one of its nearest neighbours (Kynkäänniemi et al.
/// 2019).
#[derive(Clone, Debug, PartialEq)]
pub struct Manifold {
    /// What is taken from every row, so that little is lost to rounding.
    middle: Vec<f32>,
    /// `[rows, width]`, around the middle.
    rows: Vec<f32>,
    /// The square of each row's distance to its neighbour.
    reach: Vec<f32>,
}

/// Rows whose distances to all others are held at once.
const BLOCK: usize = 256;

impl Manifold {
    /// That of rows of `width` numbers, whose balls reach to the `neighbours`-th nearest of the others.
    ///
    /// # Errors
    /// No more rows than neighbours; numbers that are not whole rows, or not finite.
    ///
    /// ```
    /// use glassbox::metrics::Manifold;
    /// let line = Manifold::of(&[0.0, 1.0, 3.0, 4.0], 1, 1)?;
    /// // The ball around 1 reaches to 0 and 2, that around 3 from 2 to 4.
    /// assert_eq!(line.share_of(&[1.5, 2.5, 6.0, -2.0])?, Some(0.5));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn of(rows: &[f32], width: usize, neighbours: usize) -> Result<Self, Error> {
        let count = check_rows(rows, width)?;
        if neighbours == 0 || count <= neighbours {
            return Err(Error::new(format!("{count} rows have no {neighbours} neighbours each")));
        }
        let mut sums = vec![0.0; width];
        for row in rows.chunks_exact(width) {
            sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += f64::from(*x));
        }
        let middle: Vec<f32> = sums.into_iter().map(|sum| (sum / count as f64) as f32).collect();
        let rows = around(rows, &middle);
        let mut reach = Vec::with_capacity(count);
        distances(&rows, &rows, width, |row, squares| {
            let others = squares.iter().enumerate().filter(|(other, _)| *other != row);
            reach.push(smallest(others.map(|(_, square)| *square), neighbours));
        })?;
        Ok(Manifold { middle, rows, reach })
    }

    /// The share of other rows that lie in one of the balls; none of no rows.
    ///
    /// # Errors
    /// Numbers that are not whole rows, or not finite.
    pub fn share_of(&self, rows: &[f32]) -> Result<Option<f64>, Error> {
        let width = self.middle.len();
        let count = check_rows(rows, width)?;
        let mut within = 0;
        distances(&around(rows, &self.middle), &self.rows, width, |_, squares| {
            within +=
                usize::from(squares.iter().zip(&self.reach).any(|(square, reach)| square <= reach));
        })?;
        Ok((count > 0).then(|| within as f64 / count as f64))
    }
}

/// Rows with their middle at 0.
fn around(rows: &[f32], middle: &[f32]) -> Vec<f32> {
    rows.iter().zip(middle.iter().cycle()).map(|(x, middle)| x - middle).collect()
}

/// The `number`-th smallest, counted from 1.
fn smallest(numbers: impl Iterator<Item = f32>, number: usize) -> f32 {
    let mut found = vec![f32::INFINITY; number];
    for x in numbers {
        if found.last().is_some_and(|last| x < *last) {
            let at = found.partition_point(|smaller| *smaller <= x);
            found.pop();
            found.insert(at, x);
        }
    }
    found.last().copied().unwrap_or(f32::INFINITY)
}

/// Hands `each` the number of every one of some rows, and the squares of its distances to all `others`.
/// |x − y|² is found as |x|² + |y|² − 2 x·y; equal rows give equal numbers wherever they stand.
fn distances(
    rows: &[f32],
    others: &[f32],
    width: usize,
    mut each: impl FnMut(usize, &[f32]),
) -> Result<(), Error> {
    let [count, many] = [rows, others].map(|all| all.len() / width.max(1));
    if count == 0 || many == 0 {
        return Ok(());
    }
    let block = count.min(BLOCK);
    let graph = Graph::new();
    let some = graph.input("rows", DType::F32, [block, width]);
    let all = graph.input("others", DType::F32, [many, width]);
    let apart =
        squares(some) + squares(all).reshape([1, many]) - some.matmul(all.transpose()) * 2.0;
    graph.check()?;
    let mut session = Session::new(Options::default())?;
    let prepared = session.prepare(&graph, &[apart])?;
    let (mut inputs, mut outputs) = (prepared.inputs(), prepared.outputs());
    let places = ["rows", "others"].map(|name| prepared.input(name).unwrap_or_default());
    let fill = |inputs: &mut [glassbox_engine::Buffer], place: usize, numbers: &[f32]| {
        let to = inputs.get_mut(place).and_then(|input| input.as_slice_mut::<f32>());
        to.into_iter().flatten().zip(numbers).for_each(|(to, from)| *to = *from);
    };
    fill(&mut inputs, places[1], others);
    for first in (0..count).step_by(block) {
        let taken = block.min(count - first);
        fill(&mut inputs, places[0], &rows[first * width..][..taken * width]);
        session.run(&prepared, &mut inputs, &mut outputs)?;
        let found = outputs.first().and_then(|output| output.as_slice::<f32>()).unwrap_or_default();
        let lines = found.chunks_exact(many).take(taken);
        lines.enumerate().for_each(|(row, squares)| each(first + row, squares));
    }
    Ok(())
}

/// The square of each row's length, `[rows, 1]`.
fn squares(rows: Tensor<'_>) -> Tensor<'_> {
    rows.square().sum_axis(-1)
}

/// How many rows of `width` finite numbers these are.
pub(super) fn check_rows(rows: &[f32], width: usize) -> Result<usize, Error> {
    if width == 0 || !rows.len().is_multiple_of(width) {
        return Err(Error::new(format!("{} numbers are not whole rows of {width}", rows.len())));
    }
    match rows.iter().position(|x| !x.is_finite()) {
        Some(at) => Err(Error::new(format!("row {}: {} is not finite", at / width, rows[at]))),
        None => Ok(rows.len() / width),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_are_counted_with_their_likes() {
        let numbers = [5.0, 1.0, 4.0, 1.0, 3.0];
        let found = [1, 2, 3, 5].map(|number| smallest(numbers.into_iter(), number));
        assert_eq!(found, [1.0, 1.0, 3.0, 5.0]);
        assert_eq!(smallest(numbers.into_iter(), 6), f32::INFINITY);
    }
}
