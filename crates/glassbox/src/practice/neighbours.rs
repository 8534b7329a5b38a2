//! What the nearest rows say: how much of the target can be told from the inputs at all.

use serde::{Deserialize, Serialize};

/// How many neighbours are asked.
const ASKED: usize = 5;
/// Multiplications that a comparison may take: some tenths of a second.
const MOST_PRODUCTS: usize = 200_000_000;
/// Rows that are told by their neighbours, and rows among which these are looked for, at most.
const MOST_TOLD: usize = 400;
const MOST_KNOWN: usize = 5_000;

/// A model beside the nearest neighbours, on the same rows of its training part.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Neighbours {
    /// How many rows were told.
    pub rows: usize,
    /// The model's mean error: the share of wrong rows, or the mean squared error on the scale of
    /// training.
    pub model: f64,
    /// The neighbours' mean error, of the same kind.
    pub neighbours: f64,
    /// The mean error of the simplest guess on the whole training part, of the same kind.
    pub baseline: f64,
    /// The standard error of the difference of the two, row by row.
    pub standard_error: f64,
}

/// What a row's neighbours say of it: the mean of `target` over the 5 nearest other rows (Euclidean
/// distance between `inputs` `[rows, width]`), for rows spread evenly over all. Gives the rows and
/// what is said of each, `targets` numbers a row.
///
/// Where there are very many rows or numbers, some of them are told from some of the others.
///
/// ```
/// use glassbox::practice::leave_one_out;
/// let inputs: Vec<f32> = (0..20).map(|i| i as f32).collect();
/// let targets: Vec<f64> = (0..20).map(|i| if i < 10 { 1.0 } else { 0.0 }).collect();
/// let (rows, told) = leave_one_out(&inputs, 1, &targets, 1);
/// assert_eq!((rows.len(), told[0], told[19]), (20, 1.0, 0.0));
/// ```
pub fn leave_one_out(
    inputs: &[f32],
    width: usize,
    targets: &[f64],
    of_row: usize,
) -> (Vec<usize>, Vec<f64>) {
    let rows = inputs.len().checked_div(width).unwrap_or(0);
    let (told, known) = told_and_known(rows, width);
    let said = ask(inputs, width, targets, of_row, &told, &known);
    (told, said)
}

/// Of so many rows of so many numbers those that are told, and those among which their neighbours
/// are looked for.
pub(crate) fn told_and_known(rows: usize, width: usize) -> (Vec<usize>, Vec<usize>) {
    let evenly = |most: usize| -> Vec<usize> {
        let shown = rows.min(most);
        (0..shown).map(|i| i * rows / shown).collect()
    };
    let known = evenly(MOST_KNOWN.min(MOST_PRODUCTS / width.max(1) / 100).max(ASKED + 1));
    let told = evenly(MOST_TOLD.min(MOST_PRODUCTS / width.max(1) / known.len().max(1)).max(1));
    (told, known)
}

/// What those that are `known` say of each row that is `told`.
pub(crate) fn ask(
    inputs: &[f32],
    width: usize,
    targets: &[f64],
    of_row: usize,
    told: &[usize],
    known: &[usize],
) -> Vec<f64> {
    let row = |row: usize| inputs.get(row * width..(row + 1) * width).unwrap_or_default();
    let target = |row: usize| targets.get(row * of_row..(row + 1) * of_row).unwrap_or_default();
    let mut said = Vec::with_capacity(told.len() * of_row);
    for &at in told {
        let distance = |other: usize| -> f32 {
            let pairs = row(at).iter().zip(row(other));
            pairs.map(|(a, b)| (a - b) * (a - b)).sum()
        };
        let others = known.iter().copied().filter(|&other| other != at);
        let mut nearest: Vec<(f32, usize)> = others.map(|other| (distance(other), other)).collect();
        if nearest.len() > ASKED {
            nearest.select_nth_unstable_by(ASKED, |a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            nearest.truncate(ASKED);
        }
        let asked = nearest.len().max(1) as f64;
        said.extend((0..of_row).map(|k| {
            let values = nearest.iter().filter_map(|(_, other)| target(*other).get(k));
            values.sum::<f64>() / asked
        }));
    }
    said
}
