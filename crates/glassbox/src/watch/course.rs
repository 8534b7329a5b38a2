//! What alarms need to know of a training: how long it is, and what the simplest guess would lose.

use std::collections::BTreeMap;

use crate::data::{Rows, Targets};
use crate::nn::Loss;
use crate::train::config::{ClassWeights, Resample, TrainConfig};
use crate::train::steps::Steps;

/// What alarms need to know of the training as a whole.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Course {
    /// Steps that are averaged into a round: an epoch, but 20 at least and 200 at most.
    pub(super) round: u64,
    /// Steps of the whole training.
    pub(super) steps: u64,
    /// Its epochs.
    pub(super) epochs: u64,
    /// Rows of a whole step.
    pub(super) batch: usize,
    /// The loss of a row of the simplest guess.
    pub(super) guess: Option<f64>,
    /// What is minimised.
    pub(super) loss: Loss,
    /// The learning rate at the start.
    pub(super) rate: f64,
}

impl Course {
    pub fn new(rows: &Rows, steps: &Steps<'_>, loss: Loss, config: &TrainConfig) -> Self {
        // A loss that counts classes differently is not that of the guess.
        let plain = config.class_weights == ClassWeights::None
            && config.resample == Resample::None
            && config.label_smoothing == 0.0;
        Course {
            round: steps.steps_an_epoch().clamp(20, 200),
            steps: steps.steps_an_epoch().saturating_mul(config.epochs),
            epochs: config.epochs,
            batch: steps.rows_a_step(),
            guess: guess(rows, loss).filter(|_| plain),
            loss,
            rate: config.optimizer.lr(),
        }
    }

    /// A batch's loss as that of one row.
    pub(super) fn per_row(&self, loss: f64, rows: usize) -> f64 {
        if self.loss.is_sum() { loss / rows.max(1) as f64 } else { loss }
    }
}

/// The loss of a row under the simplest guess: how often each class comes, the mean or the median of
/// numbers. None where there is no such guess to compare with.
fn guess(rows: &Rows, loss: Loss) -> Option<f64> {
    if rows.target().tokens().is_some() {
        return rows.token_entropy();
    }
    let n = rows.len() as f64;
    match rows.targets() {
        Targets::Classes(labels)
            if matches!(loss, Loss::CrossEntropy | Loss::BinaryCrossEntropy) =>
        {
            let mut counts = BTreeMap::<i64, f64>::new();
            labels.iter().for_each(|&label| *counts.entry(label).or_default() += 1.0);
            Some(counts.values().map(|count| -(count / n) * (count / n).ln()).sum())
        }
        Targets::Classes(_) => None,
        Targets::Values(values) => {
            let outputs = rows.outputs();
            let of_output = |output: usize| values.iter().skip(output).step_by(outputs);
            let guesses = (0..outputs).map(|output| {
                let mut values: Vec<f64> = of_output(output).map(|&x| f64::from(x)).collect();
                values.sort_by(f64::total_cmp);
                best_guess(&values, loss)
            });
            let sum = guesses.sum::<Option<f64>>()?;
            Some(if loss.is_sum() { sum } else { sum / outputs as f64 })
        }
    }
}

/// The mean loss of the best single guess of `values`, which are sorted.
fn best_guess(values: &[f64], loss: Loss) -> Option<f64> {
    let n = values.len() as f64;
    let mean = |of: &dyn Fn(f64) -> f64| values.iter().map(|&x| of(x)).sum::<f64>() / n;
    let average = mean(&|x| x);
    let variance = mean(&|x| (x - average).powi(2));
    let median = *values.get(values.len() / 2)?;
    let huber = |delta: f64, guess: f64| {
        mean(&|x| match (x - guess).abs() {
            near if near <= delta => near * near / 2.0,
            far => delta * (far - delta / 2.0),
        })
    };
    match loss {
        Loss::SquaredError | Loss::SumOfSquares => Some(variance),
        Loss::AbsoluteError => Some(mean(&|x| (x - median).abs())),
        // The best lies between the two.
        Loss::Huber { delta } => Some(huber(delta, average).min(huber(delta, median))),
        Loss::GaussianNll => Some(0.5 * ((std::f64::consts::TAU * variance).ln() + 1.0)),
        Loss::CrossEntropy | Loss::BinaryCrossEntropy | Loss::Own(_) | Loss::OfModel(_) => None,
    }
}
