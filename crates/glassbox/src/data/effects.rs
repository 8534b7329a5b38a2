//! A category told by what the target is where it stands (Micci-Barreca 2001).

use std::collections::{BTreeMap, HashMap};

use super::error::DataError;
use super::prepare::PreparedColumn;
use super::rows::Targets;
use super::table::RawTable;
use super::target::TargetPreparation;
use super::write::MISSING;

/// A category counts as if the overall mean had been seen in so many rows more: one that is rare is
/// told by little more than that mean.
const PRIOR_ROWS: f64 = 10.0;
/// A training row is told by the rows of the other parts, never by its own target.
const PARTS: usize = 5;

/// What of the target the training rows of a category are averaged over: `[rows, names]`.
pub(super) struct Wanted {
    /// The classes (the second, of two), or the numbers.
    names: Vec<String>,
    values: Vec<f64>,
}

impl Wanted {
    /// Of the targets on the scale of training, at these places among them.
    pub(super) fn new(target: &TargetPreparation, targets: &Targets, train: &[usize]) -> Self {
        match targets {
            Targets::Classes(labels) => {
                let classes = target.classes().unwrap_or_default();
                let first = if classes.len() == 2 { 1 } else { 0 };
                let is = |row: &usize| {
                    let label = labels[*row];
                    (first..classes.len()).map(move |class| f64::from(label == class as i64))
                };
                Wanted {
                    names: classes[first..].to_vec(),
                    values: train.iter().flat_map(is).collect(),
                }
            }
            Targets::Values(values) => {
                let names: Vec<String> =
                    target.output_names().into_iter().map(String::from).collect();
                let width = names.len();
                let of = |row: &usize| values[row * width..(row + 1) * width].iter();
                Wanted { names, values: train.iter().flat_map(of).map(|&x| f64::from(x)).collect() }
            }
        }
    }
}

/// Fits a column on its training rows; with what it is in each of them, `[rows, names]`. A missing
/// value is a category, or becomes the most frequent one where `most_frequent`.
pub(super) fn fit(
    table: &RawTable,
    index: usize,
    name: String,
    train: &[u32],
    wanted: &Wanted,
    most_frequent: bool,
) -> Result<(PreparedColumn, Vec<f32>), DataError> {
    let mut ids: HashMap<String, usize> = HashMap::new();
    let mut known: HashMap<u64, usize> = HashMap::new();
    let mut of_row = Vec::with_capacity(train.len());
    table.each_of(index, train, |_, cell| {
        let id = known.get(&cell.code).copied().unwrap_or_else(|| {
            let next = ids.len();
            let text = cell.value().map_or(MISSING.to_string(), |text| text.into_owned());
            *ids.entry(text).or_insert(next)
        });
        if cell.is_coded() {
            known.insert(cell.code, id);
        }
        of_row.push(id);
    })?;
    let mut fill = None;
    if most_frequent {
        let missing = ids.remove(MISSING);
        let counts: BTreeMap<&String, usize> = ids
            .iter()
            .map(|(text, id)| (text, of_row.iter().filter(|of| *of == id).count()))
            .collect();
        let most = counts.values().max().copied().unwrap_or(0);
        let usual = counts.iter().find(|(_, count)| **count == most).map(|(text, _)| *text);
        if let (Some(usual), Some(missing)) = (usual, missing) {
            let to = ids[usual];
            of_row.iter_mut().filter(|id| **id == missing).for_each(|id| *id = to);
        }
        fill = usual.cloned();
    }
    let width = wanted.names.len();
    let categories = ids.values().max().map_or(0, |most| most + 1);
    // For each category and part: rows, and sums of what is wanted.
    let mut sums = vec![0.0; categories * PARTS * (width + 1)];
    let place = |id: usize, part: usize| (id * PARTS + part) * (width + 1);
    for (at, (&id, values)) in of_row.iter().zip(wanted.values.chunks_exact(width)).enumerate() {
        let slot = &mut sums[place(id, at % PARTS)..][..width + 1];
        slot[0] += 1.0;
        slot[1..].iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
    }
    let rows = train.len().max(1) as f64;
    let overall = |name: usize| wanted.values.iter().skip(name).step_by(width).sum::<f64>() / rows;
    let overall: Vec<f64> = (0..width).map(overall).collect();
    let mean = |id: usize, but: Option<usize>| -> Vec<f64> {
        let parts = || (0..PARTS).filter(move |part| Some(*part) != but).map(|p| place(id, p));
        let count: f64 = parts().map(|at| sums[at]).sum();
        let of = |name: usize| {
            let sum: f64 = parts().map(|at| sums[at + 1 + name]).sum();
            (sum + PRIOR_ROWS * overall[name]) / (count + PRIOR_ROWS)
        };
        (0..width).map(of).collect()
    };
    let own = of_row.iter().enumerate().flat_map(|(at, &id)| mean(id, Some(at % PARTS)));
    let own = own.map(|x| x as f32).collect();
    let sorted: BTreeMap<String, usize> = ids.into_iter().collect();
    let means = sorted.values().map(|&id| mean(id, None)).collect();
    let (values, of) = (sorted.into_keys().collect(), wanted.names.clone());
    Ok((PreparedColumn::Effects { name, values, of, means, overall, fill }, own))
}
