//! What a model goes by: how much worse it gets where a column says nothing any more.

use glassbox_engine::random::Stream;
use serde::Serialize;

use crate::Error;

/// How much a figure drops where one column is shuffled.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Importance {
    /// The column.
    pub column: String,
    /// The mean drop of the figure over the shuffles: 0 where the model does not go by the column,
    /// below 0 where chance made the figure better.
    pub drop: f64,
    /// The standard deviation of the drop over the shuffles.
    pub deviation: f64,
}

/// Permutation importance (Breiman 2001; Fisher, Rudin and Dominici 2019): how much `figure` drops
/// where the rows of one column are shuffled among each other, so that the column keeps its values
/// and says nothing. The most important column comes first.
///
/// `matrix` is `[rows, features]`, row-major, and is given back as it was; `columns` are names with
/// the features that move together, e.g. the one-hot features of a category. `figure` is more where
/// the model is better, and is best measured on rows that the model did not learn from. The same seed
/// gives the same shuffles.
///
/// Columns that say the same share their importance: shuffling one of them leaves the other to go
/// by, so both can look unimportant. Whole groups of such columns can be given as one.
///
/// ```
/// use glassbox::practice::permutation_importance;
/// // A model that goes by the first feature alone.
/// let mut matrix: Vec<f32> = (0..200).map(|i| (i * 7 % 11) as f32).collect();
/// let columns = [("used".to_string(), vec![0]), ("ignored".to_string(), vec![1])];
/// let truth: Vec<f32> = matrix.chunks(2).map(|row| row[0]).collect();
/// let mut accuracy = |matrix: &[f32]| {
///     let right = matrix.chunks(2).zip(&truth).filter(|(row, truth)| row[0] == **truth);
///     Ok(right.count() as f64 / 100.0)
/// };
/// let found = permutation_importance(&mut matrix, 100, &columns, 5, 42, &mut accuracy)?;
/// assert!(found[0].column == "used" && found[0].drop > 0.8);
/// assert_eq!((found[1].drop, found[1].deviation), (0.0, 0.0));
/// # Ok::<(), glassbox::Error>(())
/// ```
///
/// # Errors
/// Numbers that are not whole rows, features beyond them, no repeats; what `figure` fails with.
pub fn permutation_importance(
    matrix: &mut [f32],
    rows: usize,
    columns: &[(String, Vec<usize>)],
    repeats: usize,
    seed: u64,
    figure: &mut dyn FnMut(&[f32]) -> Result<f64, Error>,
) -> Result<Vec<Importance>, Error> {
    let width = matrix.len().checked_div(rows).unwrap_or(0);
    if rows == 0 || width * rows != matrix.len() {
        return Err(Error::new(format!("{} numbers are not {rows} whole rows", matrix.len())));
    }
    if repeats == 0 {
        return Err(Error::new("a column must be shuffled at least once"));
    }
    if let Some((name, _)) = columns.iter().find(|(_, f)| f.iter().any(|f| *f >= width)) {
        return Err(Error::new(format!("column `{name}`: a row has only {width} features")));
    }
    let whole = figure(matrix)?;
    let mut found = Vec::with_capacity(columns.len());
    for (column, features) in columns {
        let held: Vec<Vec<f32>> = matrix
            .chunks_exact(width)
            .map(|row| features.iter().map(|&feature| row[feature]).collect())
            .collect();
        let mut drops = Vec::with_capacity(repeats);
        for repeat in 0..repeats {
            let mut order: Vec<usize> = (0..rows).collect();
            Stream::new(seed, column, repeat as u64).shuffle(&mut order);
            put(matrix, width, features, order.iter().map(|&row| &held[row]));
            drops.push(whole - figure(matrix)?);
        }
        put(matrix, width, features, held.iter());
        let n = drops.len() as f64;
        let drop = drops.iter().sum::<f64>() / n;
        let squares: f64 = drops.iter().map(|d| (d - drop).powi(2)).sum();
        found.push(Importance { column: column.clone(), drop, deviation: (squares / n).sqrt() });
    }
    found.sort_by(|a, b| b.drop.total_cmp(&a.drop));
    Ok(found)
}

/// Writes the values of some features into every row.
fn put<'a>(
    matrix: &mut [f32],
    width: usize,
    features: &[usize],
    values: impl Iterator<Item = &'a Vec<f32>>,
) {
    for (row, values) in matrix.chunks_exact_mut(width).zip(values) {
        for (&feature, &value) in features.iter().zip(values) {
            row[feature] = value;
        }
    }
}
