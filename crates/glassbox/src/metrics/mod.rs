//! How good predictions are: figures of classes and of numbers, on one's own arrays.
//!
//! [`Classification`] takes labels and probabilities, [`Regression`] observed and predicted numbers,
//! [`Confusion`] labels alone, [`Ranking`] the scores of one class. What cannot be told of the rows
//! at hand (the precision of a class that was never predicted, R² where every row has the same
//! number) is none, never NaN. All definitions are scikit-learn's, whose values the tests hold. How good
//! rows are that a model made, [`Likeness`] and [`Modes`] tell.
//!
//! ```
//! use glassbox::metrics::{Average, Confusion};
//! // 100 true negatives, 10 false positives, 10 false negatives, 10 true positives.
//! let observed = [vec![0; 110], vec![1; 20]].concat();
//! let predicted = [vec![0; 100], vec![1; 10], vec![0; 10], vec![1; 10]].concat();
//! let model = Confusion::of(&observed, &predicted, 2)?;
//! assert!((model.accuracy() - 0.846).abs() < 5e-4);
//! assert_eq!(model.class(1).f1, Some(0.5));
//! assert!((model.average(Average::Macro).f1 - 0.705).abs() < 5e-4);
//! // To say no to everything is as accurate: look at more than one figure.
//! let never = Confusion::of(&observed, &vec![0; 130], 2)?;
//! assert_eq!(never.accuracy(), model.accuracy());
//! assert_eq!(never.balanced_accuracy(), 0.5);
//! assert_eq!((never.class(1).precision, never.class(1).recall), (None, Some(0.0)));
//! # Ok::<(), glassbox::Error>(())
//! ```

mod bleu;
mod classification;
mod confusion;
mod entities;
mod gaussian;
mod modes;
mod ranking;
mod regression;
mod samples;

pub use bleu::Bleu;
pub use classification::{Classification, softmax};
pub use confusion::{Average, Averaged, ClassFigures, Confusion};
pub use entities::{Entities, Entity, EntityFigures};
pub use gaussian::Gaussian;
pub use modes::{Modes, ModesCovered, REACH};
pub use ranking::{Cut, Ranking};
pub use regression::{Regression, RegressionFigures, quantile};
pub use samples::{Features, Likeness, Manifold};

use crate::Error;

/// Weights must be one a row, finite, not negative, and not all 0.
fn check_weights(weights: Option<&[f64]>, rows: usize) -> Result<(), Error> {
    let Some(weights) = weights else { return Ok(()) };
    if weights.len() != rows {
        return Err(Error::new(format!("{} weights for {rows} rows", weights.len())));
    }
    if let Some(row) = weights.iter().position(|w| !w.is_finite() || *w < 0.0) {
        let weight = weights.get(row).copied().unwrap_or(f64::NAN);
        return Err(Error::new(format!("row {row}: the weight is {weight}, not 0 or more")));
    }
    if weights.iter().sum::<f64>() <= 0.0 {
        return Err(Error::new("every weight is 0"));
    }
    Ok(())
}

/// The weight of a row: 1 where there are none.
fn weight(weights: Option<&[f64]>, row: usize) -> f64 {
    weights.and_then(|weights| weights.get(row)).copied().unwrap_or(1.0)
}
