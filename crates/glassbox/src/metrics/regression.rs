//! Figures of predicted numbers.

use serde::Serialize;

use super::{check_weights, weight};
use crate::Error;

/// How good predicted numbers are, one or several a row.
///
/// ```
/// use glassbox::metrics::Regression;
/// let figures = Regression::of(&[3.0, -0.5, 2.0, 7.0], &[2.5, 0.0, 2.0, 8.0], 1)?.mean();
/// assert_eq!((figures.mse, figures.mae, figures.median_ae), (0.375, 0.5, 0.5));
/// assert!((figures.r2.unwrap() - 0.9486).abs() < 5e-5);
/// // Nothing varies: there is nothing to explain.
/// assert_eq!(Regression::of(&[1.0, 1.0], &[1.0, 2.0], 1)?.mean().r2, None);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Regression {
    /// The number of rows.
    pub rows: usize,
    /// Figures of each output.
    pub outputs: Vec<RegressionFigures>,
}

/// Figures of one output, in its own unit (`mse` in its square). e = predicted − observed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RegressionFigures {
    /// Mean squared error, the mean of e².
    pub mse: f64,
    /// Root of the mean squared error.
    pub rmse: f64,
    /// Mean absolute error, the mean of |e|; a few large errors move it less than `rmse`.
    pub mae: f64,
    /// Median of |e|, which a few large errors do not move at all.
    pub median_ae: f64,
    /// Mean of e: below 0 where the predictions are too low on the whole.
    pub bias: f64,
    /// 1 − Σe² / Σ(observed − mean of observed)²: the share of the spread that is explained, 0 for
    /// the mean of these rows, negative for worse. None where every row has the same number.
    pub r2: Option<f64>,
}

impl Regression {
    /// Measures `predicted` against `observed`, both `[rows, outputs]`.
    ///
    /// # Errors
    /// No rows, another number of predictions than observations, numbers that are not whole rows or
    /// not finite.
    pub fn of(observed: &[f64], predicted: &[f64], outputs: usize) -> Result<Self, Error> {
        Self::measure(observed, predicted, outputs, None)
    }

    /// As [`Regression::of`]; each row counts as much as its weight.
    ///
    /// # Errors
    /// As [`Regression::of`]; weights that are not one a row, negative, not finite or all 0.
    pub fn weighted(
        observed: &[f64],
        predicted: &[f64],
        outputs: usize,
        weights: &[f64],
    ) -> Result<Self, Error> {
        Self::measure(observed, predicted, outputs, Some(weights))
    }

    fn measure(
        observed: &[f64],
        predicted: &[f64],
        outputs: usize,
        weights: Option<&[f64]>,
    ) -> Result<Self, Error> {
        if observed.is_empty() || outputs == 0 {
            return Err(Error::new("there are no rows to measure"));
        }
        if observed.len() != predicted.len() || !observed.len().is_multiple_of(outputs) {
            let (rows, said) = (observed.len(), predicted.len());
            return Err(Error::new(format!(
                "{said} predictions for {rows} observed numbers: give {outputs} of both for each row"
            )));
        }
        let all = observed.iter().chain(predicted);
        if let Some(x) = all.clone().find(|x| !x.is_finite()) {
            return Err(Error::new(format!("{x} cannot be measured: it is not finite")));
        }
        let rows = observed.len() / outputs;
        check_weights(weights, rows)?;
        let of = |output: usize| {
            let column = |all: &[f64]| all.iter().skip(output).step_by(outputs).copied().collect();
            figures(column(observed), column(predicted), weights)
        };
        Ok(Regression { rows, outputs: (0..outputs).map(of).collect() })
    }

    /// The figures of the only output; of several, the mean of each figure over the outputs. R² is
    /// none where any output's is.
    pub fn mean(&self) -> RegressionFigures {
        let mean = |figure: fn(&RegressionFigures) -> f64| {
            self.outputs.iter().map(figure).sum::<f64>() / self.outputs.len() as f64
        };
        let r2: Option<Vec<f64>> = self.outputs.iter().map(|figures| figures.r2).collect();
        RegressionFigures {
            mse: mean(|figures| figures.mse),
            rmse: mean(|figures| figures.rmse),
            mae: mean(|figures| figures.mae),
            median_ae: mean(|figures| figures.median_ae),
            bias: mean(|figures| figures.bias),
            r2: r2.map(|r2| r2.iter().sum::<f64>() / r2.len() as f64),
        }
    }
}

fn figures(observed: Vec<f64>, predicted: Vec<f64>, weights: Option<&[f64]>) -> RegressionFigures {
    let total: f64 = (0..observed.len()).map(|row| weight(weights, row)).sum();
    let mean = |values: &mut dyn Iterator<Item = f64>| -> f64 {
        let weighted = values.enumerate().map(|(row, x)| weight(weights, row) * x);
        weighted.sum::<f64>() / total
    };
    let errors: Vec<f64> = predicted.iter().zip(&observed).map(|(p, o)| p - o).collect();
    let mse = mean(&mut errors.iter().map(|e| e * e));
    let center = mean(&mut observed.iter().copied());
    let spread = mean(&mut observed.iter().map(|o| (o - center).powi(2)));
    let constant = observed.windows(2).all(|pair| matches!(pair, [a, b] if a == b));
    let sizes = errors.iter().enumerate().map(|(row, e)| (e.abs(), weight(weights, row))).collect();
    RegressionFigures {
        mse,
        rmse: mse.sqrt(),
        mae: mean(&mut errors.iter().map(|e| e.abs())),
        median_ae: weighted_median(sizes),
        bias: mean(&mut errors.iter().copied()),
        r2: (!constant && spread > 0.0).then(|| 1.0 - mse / spread),
    }
}

/// The value in the middle of the weight; half way to the next where a half ends exactly there.
fn weighted_median(mut values: Vec<(f64, f64)>) -> f64 {
    values.retain(|(_, weight)| *weight > 0.0);
    values.sort_by(|a, b| a.0.total_cmp(&b.0));
    let half = values.iter().map(|(_, weight)| weight).sum::<f64>() / 2.0;
    let mut below = 0.0;
    for (at, (value, weight)) in values.iter().enumerate() {
        below += weight;
        if below > half {
            return *value;
        }
        if below == half {
            return values.get(at + 1).map_or(*value, |(next, _)| (value + next) / 2.0);
        }
    }
    values.last().map_or(0.0, |(value, _)| *value)
}

/// The value below which a share `q` of the `sorted` (ascending) values lies, interpolated linearly;
/// none of no values.
///
/// ```
/// let sorted = [1.0, 2.0, 3.0, 4.0];
/// assert_eq!(glassbox::metrics::quantile(&sorted, 0.5), Some(2.5));
/// ```
pub fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let place = q.clamp(0.0, 1.0) * sorted.len().checked_sub(1)? as f64;
    let (below, above) = (sorted.get(place.floor() as usize)?, sorted.get(place.ceil() as usize)?);
    Some(below + (above - below) * place.fract())
}
