//! The mistakes that a model is surest of.

use serde::Serialize;

use super::Vision;
use crate::Error;
use crate::data::Rows;

/// Images that are put through the network at a time.
const AT_A_TIME: usize = 1024;

/// A row whose class was told wrongly.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Mistake {
    /// The row in its part, from 0.
    pub row: usize,
    /// Its number in the source, from 1.
    pub source_row: usize,
    /// The class that the model says.
    pub predicted: String,
    /// The class that was observed.
    pub observed: String,
    /// The probability that the model gives to what it says.
    pub probability: f64,
    /// The probability that it gives to what was observed.
    pub of_observed: f64,
}

/// The rows that a model tells wrongly, the surest first; those of equal probability in their order.
///
/// ```no_run
/// use glassbox::data;
/// use glassbox::train::folder::RunFolder;
/// use glassbox::watch::vision::{Vision, mistakes};
/// let vision = Vision::of_run(&RunFolder::view("runs/digits".as_ref())?)?;
/// for wrong in mistakes(&vision, &data::digits().test)?.iter().take(5) {
///     println!("row {}: {} instead of {}", wrong.row, wrong.predicted, wrong.observed);
/// }
/// # Ok::<(), glassbox::Error>(())
/// ```
///
/// # Errors
/// Targets that are numbers; rows of another width.
pub fn mistakes(vision: &Vision, rows: &Rows) -> Result<Vec<Mistake>, Error> {
    let labels = rows.labels().ok_or_else(|| {
        Error::new("the target is a number: only predictions of classes are mistakes or not")
    })?;
    let names = vision.classes();
    let name = |index: usize| names.get(index).cloned().unwrap_or_default();
    let mut found = Vec::new();
    let all: Vec<usize> = (0..rows.len()).collect();
    for some in all.chunks(AT_A_TIME) {
        let mut images = vec![0.0; some.len() * rows.width()];
        rows.gather_inputs(some, &mut images)?;
        for (said, &row) in vision.said(&images)?.iter().zip(some) {
            let observed = labels.get(row).map_or(0, |&label| label as usize);
            if said.index == observed {
                continue;
            }
            let probabilities = crate::train::evaluate::probabilities(&said.scores);
            let probability = |class: usize| probabilities.get(class).copied().unwrap_or(0.0);
            found.push(Mistake {
                row,
                source_row: rows.source_row(row).unwrap_or(0),
                predicted: name(said.index),
                observed: name(observed),
                probability: probability(said.index),
                of_observed: probability(observed),
            });
        }
    }
    found.sort_by(|a, b| b.probability.total_cmp(&a.probability).then(a.row.cmp(&b.row)));
    Ok(found)
}
