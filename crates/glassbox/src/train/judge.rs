//! Gathering what a verdict on a training is based on.

use crate::Error;
use crate::data::{Baseline, Dataset, Rows, Targets};
use crate::nn::Loss;
use crate::practice::{Evidence, Neighbours, Verdict, ask, told_and_known};
use crate::train::evaluate::{largest, predictions, probabilities, told};
use crate::train::figures::{guess_of_rows, scaled_means};
use crate::train::graphs::TOLD;
use crate::train::tags::Told;
use crate::train::trained::Model;

/// A model that has removed this share of the simplest guess's loss on its training rows is not
/// compared with their neighbours: it is not underfitting.
const LEARNED: f64 = 0.95;

/// Judges a training: `kept` holds the weights to use, `end` those at its end where they are others,
/// `curve` the training and validation loss of its epochs.
pub(crate) fn judge(
    (data, loss): (&Dataset, Loss),
    kept: &Model,
    end: Option<&Model>,
    curve: Vec<(f64, Option<f64>)>,
    stopped_early: bool,
) -> Result<Verdict, Error> {
    let results = kept.results(&data.train)?;
    let held_out = if data.valid.is_empty() { &data.test } else { &data.valid };
    let row_losses = |results: &[f32], rows: &Rows| match loss {
        Loss::OfModel(_) => first_of_each(results, rows),
        _ => row_losses(results, rows),
    };
    let losses = |model: &Model| Ok::<_, Error>(row_losses(&model.results(held_out)?, held_out));
    let of_rows = matches!(loss, Loss::OfModel(_));
    let baseline = match loss {
        // Without a guess to compare with, the first loss is taken.
        Loss::OfModel(measures) => guess_of_rows(measures, &data.train, &data.train)?
            .or(curve.first().map(|(train, _)| *train))
            .unwrap_or_default()
            .abs(),
        _ => baseline_loss(&data.train),
    };
    let mut evidence = Evidence {
        baseline,
        train: row_losses(&results, &data.train),
        held_out: losses(kept)?,
        at_the_end: end.map(losses).transpose()?,
        curve,
        stopped_early,
        neighbours: None,
    };
    let mean = evidence.train.iter().sum::<f64>() / evidence.train.len().max(1) as f64;
    // Windows of a text have no neighbours.
    let neighbours = data.train.target().tokens().is_none() && !of_rows;
    if neighbours && mean > (1.0 - LEARNED) * evidence.baseline {
        evidence.neighbours = beside_neighbours(&results, &data.train)?;
    }
    Ok(Verdict::of(&evidence))
}

/// The loss of each row: −ln(probability of its class), or the squared error on the scale of
/// training.
fn row_losses(results: &[f32], rows: &Rows) -> Vec<f64> {
    if rows.target().tags().is_some() {
        let told = Told::of(results, rows).ok().flatten();
        return told.map(|told| told.row_losses()).unwrap_or_default();
    }
    if rows.target().tokens().is_some() {
        return results.chunks_exact(TOLD).map(|row| told(row)[0]).collect();
    }
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
            let predicted = predictions(results, rows);
            let predicted = predicted.iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
            let values = values.into_iter().map(f64::from).collect::<Vec<_>>();
            let outputs = rows.outputs();
            let pairs = predicted.chunks_exact(outputs).zip(values.chunks_exact(outputs));
            pairs.map(|(p, t)| mean_square(p, t)).collect()
        }
    }
}

/// The first of the figures of each row, its loss.
fn first_of_each(results: &[f32], rows: &Rows) -> Vec<f64> {
    let width = (results.len() / rows.len().max(1)).max(1);
    results.chunks_exact(width).filter_map(|row| row.first()).map(|x| f64::from(*x)).collect()
}

fn mean_square(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>() / a.len().max(1) as f64
}

/// The mean of the same loss for whoever always says the frequencies, or the mean, of these rows.
fn baseline_loss(train: &Rows) -> f64 {
    if let Some(entropy) = train.token_entropy() {
        return entropy;
    }
    match Baseline::fit(train) {
        Baseline::MajorityClass { frequencies, .. } => {
            frequencies.iter().filter(|f| **f > 0.0).map(|f| -f * f.ln()).sum()
        }
        guess @ (Baseline::Mean { .. } | Baseline::Means { .. }) => {
            let means = scaled_means(&guess, train.target());
            let Targets::Values(values) = train.targets() else { return 0.0 };
            let squares = values.iter().zip(means.iter().cycle());
            let sum: f64 = squares.map(|(x, mean)| (f64::from(*x) - mean).powi(2)).sum();
            sum / values.len().max(1) as f64
        }
    }
}

/// The model's errors on training rows beside those of their neighbours. Only the rows that are
/// asked are gathered: the others may not fit in memory.
fn beside_neighbours(results: &[f32], train: &Rows) -> Result<Option<Neighbours>, Error> {
    let width = train.width();
    let (told, known) = told_and_known(train.len(), width);
    let mut asked = [told.as_slice(), &known].concat();
    asked.sort_unstable();
    asked.dedup();
    let place = |row: &usize| asked.binary_search(row).unwrap_or_default();
    let (told, known): (Vec<_>, Vec<_>) =
        (told.iter().map(place).collect(), known.iter().map(place).collect());
    let some = train.select(&asked)?;
    let mut inputs = vec![0.0; asked.len() * width];
    some.gather_inputs(&(0..asked.len()).collect::<Vec<_>>(), &mut inputs)?;
    let outputs = results.len() / train.len().max(1);
    let results: Vec<f32> =
        asked.iter().flat_map(|row| &results[row * outputs..][..outputs]).copied().collect();
    // For each row the errors of the model and of its neighbours.
    let (errors, baseline): (Vec<(f64, f64)>, f64) = match some.targets() {
        Targets::Classes(labels) => {
            let classes = train.classes().unwrap_or(1);
            let mut one_hot = vec![0.0; labels.len() * classes];
            for (of_row, &label) in one_hot.chunks_exact_mut(classes).zip(&labels) {
                of_row[label as usize] = 1.0;
            }
            let said = ask(&inputs, width, &one_hot, classes, &told, &known);
            let wrong =
                |scores: &[f32], label: i64| f64::from(u8::from(largest(scores) as i64 != label));
            let pair = |(&row, said): (&usize, &[f64])| {
                let said: Vec<f32> = said.iter().map(|&x| x as f32).collect();
                let model = &results[row * classes..(row + 1) * classes];
                (wrong(model, labels[row]), wrong(&said, labels[row]))
            };
            let errors = told.iter().zip(said.chunks_exact(classes)).map(pair).collect();
            (
                errors,
                1.0 - Baseline::fit(train).score(train).and_then(|s| s.accuracy).unwrap_or(0.0),
            )
        }
        Targets::Values(values) => {
            let outputs = train.outputs();
            let values: Vec<f64> = values.into_iter().map(f64::from).collect();
            let predicted: Vec<f64> =
                predictions(&results, &some).iter().map(|&x| f64::from(x)).collect();
            let said = ask(&inputs, width, &values, outputs, &told, &known);
            let pair = |(&row, said): (&usize, &[f64])| {
                let of_row = row * outputs..(row + 1) * outputs;
                let observed = &values[of_row.clone()];
                (mean_square(&predicted[of_row], observed), mean_square(said, observed))
            };
            let errors = told.iter().zip(said.chunks_exact(outputs)).map(pair).collect();
            (errors, baseline_loss(train))
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
