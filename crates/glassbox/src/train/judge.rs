//! Gathering what a verdict on a training is based on.

use crate::Error;
use crate::data::{Baseline, Dataset, Rows, Targets, TargetsMut};
use crate::practice::{Evidence, Neighbours, Verdict, leave_one_out};
use crate::train::evaluate::{largest, probabilities};
use crate::train::trained::Model;

/// A model that has removed this share of the simplest guess's loss on its training rows is not
/// compared with their neighbours: it is not underfitting.
const LEARNED: f64 = 0.95;

/// Judges a training: `kept` holds the weights to use, `end` those at its end where they are others,
/// `curve` the training and validation loss of its epochs.
pub(crate) fn judge(
    data: &Dataset,
    kept: &Model,
    end: Option<&Model>,
    curve: Vec<(f64, Option<f64>)>,
    stopped_early: bool,
) -> Result<Verdict, Error> {
    let results = kept.results(&data.train)?;
    let held_out = if data.valid.is_empty() { &data.test } else { &data.valid };
    let losses = |model: &Model| Ok::<_, Error>(row_losses(&model.results(held_out)?, held_out));
    let mut evidence = Evidence {
        baseline: baseline_loss(&data.train),
        train: row_losses(&results, &data.train),
        held_out: losses(kept)?,
        at_the_end: end.map(losses).transpose()?,
        curve,
        stopped_early,
        neighbours: None,
    };
    let mean = evidence.train.iter().sum::<f64>() / evidence.train.len().max(1) as f64;
    if mean > (1.0 - LEARNED) * evidence.baseline {
        evidence.neighbours = beside_neighbours(&results, &data.train)?;
    }
    Ok(Verdict::of(&evidence))
}

/// The loss of each row: −ln(probability of its class), or the squared error on the scale of
/// training.
fn row_losses(results: &[f32], rows: &Rows) -> Vec<f64> {
    match rows.targets() {
        Targets::Classes(labels) => {
            let width = (results.len() / rows.len().max(1)).max(1);
            let loss = |(scores, &label): (&[f32], &i64)| {
                let p = probabilities(scores).get(label as usize).copied().unwrap_or(0.0);
                -p.max(f64::MIN_POSITIVE).ln()
            };
            results.chunks_exact(width).zip(&labels).map(loss).collect()
        }
        Targets::Values(values) => {
            let pairs = results.iter().zip(&values);
            pairs.map(|(p, t)| (f64::from(*p) - f64::from(*t)).powi(2)).collect()
        }
    }
}

/// The mean of the same loss for whoever always says the frequencies, or the mean, of these rows.
fn baseline_loss(train: &Rows) -> f64 {
    match Baseline::fit(train) {
        Baseline::MajorityClass { frequencies, .. } => {
            frequencies.iter().filter(|f| **f > 0.0).map(|f| -f * f.ln()).sum()
        }
        Baseline::Mean { mean } => {
            let mean = train.target().scale(mean);
            let Targets::Values(values) = train.targets() else { return 0.0 };
            let squares = values.iter().map(|x| (f64::from(*x) - mean).powi(2));
            squares.sum::<f64>() / values.len().max(1) as f64
        }
    }
}

/// The model's errors on training rows beside those of their neighbours.
fn beside_neighbours(results: &[f32], train: &Rows) -> Result<Option<Neighbours>, Error> {
    let (all, width) = ((0..train.len()).collect::<Vec<_>>(), train.width());
    let mut inputs = vec![0.0; train.len() * width];
    // For each row the errors of the model and of its neighbours.
    let (errors, baseline): (Vec<(f64, f64)>, f64) = match train.targets() {
        Targets::Classes(mut labels) => {
            train.gather(&all, &mut inputs, TargetsMut::Classes(&mut labels))?;
            let classes = train.classes().unwrap_or(1);
            let mut one_hot = vec![0.0; labels.len() * classes];
            for (of_row, &label) in one_hot.chunks_exact_mut(classes).zip(&labels) {
                of_row[label as usize] = 1.0;
            }
            let (rows, said) = leave_one_out(&inputs, width, &one_hot, classes);
            let wrong =
                |scores: &[f32], label: i64| f64::from(u8::from(largest(scores) as i64 != label));
            let pair = |(&row, said): (&usize, &[f64])| {
                let said: Vec<f32> = said.iter().map(|&x| x as f32).collect();
                let model = &results[row * classes..(row + 1) * classes];
                (wrong(model, labels[row]), wrong(&said, labels[row]))
            };
            let errors = rows.iter().zip(said.chunks_exact(classes)).map(pair).collect();
            (
                errors,
                1.0 - Baseline::fit(train).score(train).and_then(|s| s.accuracy).unwrap_or(0.0),
            )
        }
        Targets::Values(mut values) => {
            train.gather(&all, &mut inputs, TargetsMut::Values(&mut values))?;
            let values: Vec<f64> = values.into_iter().map(f64::from).collect();
            let (rows, said) = leave_one_out(&inputs, width, &values, 1);
            let pair = |(&row, said): (&usize, &f64)| {
                let model = f64::from(results[row]);
                ((model - values[row]).powi(2), (said - values[row]).powi(2))
            };
            (rows.iter().zip(&said).map(pair).collect(), baseline_loss(train))
        }
    };
    if errors.len() < 2 {
        return Ok(None);
    }
    let n = errors.len() as f64;
    let mean = |of: &dyn Fn(&(f64, f64)) -> f64| errors.iter().map(of).sum::<f64>() / n;
    let by = mean(&|(model, said)| model - said);
    let variance = mean(&|(model, said)| (model - said - by).powi(2)) * n / (n - 1.0);
    Ok(Some(Neighbours {
        rows: errors.len(),
        model: mean(&|(model, _)| *model),
        neighbours: mean(&|(_, said)| *said),
        baseline,
        standard_error: (variance / n).sqrt(),
    }))
}
