//! Using a model on rows, and how good it is.

use std::borrow::Cow;

use glassbox_engine::{Buffer, Graph, Prepared, Session, Tensor};

use crate::Error;
use crate::data::{Rows, TargetPreparation, Targets, TargetsMut};
use crate::metrics::Regression;
use crate::nn::{Loss, Measures};
use crate::train::event::Metrics;
use crate::train::graphs::{TOLD, measure, name};
use crate::train::tags::Told;

/// Runs the inference graph over any number of rows, batch by batch.
pub(crate) struct Predictor {
    prepared: Prepared,
    inputs: Vec<Buffer>,
    outputs: Vec<Buffer>,
    /// Rows of one batch, numbers a row, results a row.
    batch: usize,
    width: usize,
    results: usize,
    /// For a few rows: one at a time.
    one: Option<Box<Predictor>>,
    /// Of tokens to be told: where what is to be told stands among the inputs.
    targets: Option<usize>,
}

/// A few rows are gone through one at a time where they are so many times fewer than a batch.
const FEWER: usize = 8;

impl Predictor {
    /// Plans the graph in this session, whose states it reads.
    pub fn new(session: &mut Session, graph: &Graph) -> Result<Self, Error> {
        let missing = |name| Error::new(format!("the inference graph has no `{name}`"));
        let prediction = graph.named(name::PREDICTION).ok_or_else(|| missing(name::PREDICTION))?;
        Predictor::of(session, graph, graph.named(name::TOLD).unwrap_or(prediction))
    }

    /// Plans another result of the graph, of which each row has one.
    pub fn of(session: &mut Session, graph: &Graph, result: Tensor<'_>) -> Result<Self, Error> {
        let missing = |name| Error::new(format!("the inference graph has no `{name}`"));
        let prepared = session.prepare(graph, &[result])?;
        let (mut inputs, outputs) = (prepared.inputs(), prepared.outputs());
        // What is drawn in use is the same for every batch.
        for name in [name::SEED, name::STEP] {
            let slot = prepared.input(name).and_then(|slot| inputs.get_mut(slot));
            if let Some(number) = slot.and_then(|slot| slot.as_slice_mut::<i64>()) {
                number.fill(0);
            }
        }
        let per_row = |buffer: &Buffer| {
            let (rows, sizes) = buffer.shape().sizes().split_first()?;
            Some((*rows, sizes.iter().product::<usize>()))
        };
        let at = prepared.input(name::INPUTS).unwrap_or_default();
        let targets = prepared.input(name::TARGETS).filter(|_| at == 0);
        let (batch, width) =
            inputs.first().and_then(per_row).ok_or_else(|| missing(name::INPUTS))?;
        let results = match outputs.first().and_then(per_row) {
            Some((rows, results)) if rows == batch && batch > 0 => results,
            _ => return Err(Error::new("the model does not give one result a row")),
        };
        Ok(Predictor { prepared, inputs, outputs, batch, width, results, one: None, targets })
    }

    /// The same, a few rows being gone through one at a time by this graph of one row.
    pub fn with_one(self, session: &mut Session, graph: &Graph) -> Result<Self, Error> {
        let one = Predictor::new(session, graph)?;
        let alike = (one.batch, one.width, one.results) == (1, self.width, self.results);
        Ok(Predictor { one: alike.then(|| Box::new(one)), ..self })
    }

    /// How many results a row has.
    pub fn results(&self) -> usize {
        self.results
    }

    /// The results `[rows, results]` of `rows` rows, which `fill` writes batch by batch.
    pub fn run(
        &mut self,
        session: &mut Session,
        rows: usize,
        fill: &mut Fill<'_>,
    ) -> Result<Vec<f32>, Error> {
        if let Some(one) = self.one.as_mut().filter(|_| rows * FEWER <= self.batch) {
            return one.run(session, rows, fill);
        }
        let wrong = || Error::new("the inference graph's input or result is not f32");
        let mut results = Vec::with_capacity(rows * self.results);
        for first in (0..rows).step_by(self.batch) {
            let taken = self.batch.min(rows - first);
            let numbers = self.inputs[0].as_slice_mut::<f32>().ok_or_else(wrong)?;
            fill(first, taken, &mut numbers[..taken * self.width])?;
            // Rows do not touch each other in use: what lies beyond the last one does not matter.
            numbers[taken * self.width..].fill(0.0);
            session.run(&self.prepared, &mut self.inputs, &mut self.outputs)?;
            let batch = self.outputs[0].as_slice::<f32>().ok_or_else(wrong)?;
            results.extend_from_slice(&batch[..taken * self.results]);
        }
        Ok(results)
    }

    /// The results of prepared rows, row-major.
    pub fn matrix(&mut self, session: &mut Session, matrix: &[f32]) -> Result<Vec<f32>, Error> {
        let width = self.width;
        if width == 0 || !matrix.len().is_multiple_of(width) {
            let given = matrix.len();
            return Err(Error::new(format!("{given} numbers are not whole rows of {width}")));
        }
        self.run(session, matrix.len() / width, &mut |first, taken, numbers| {
            numbers.copy_from_slice(&matrix[first * width..(first + taken) * width]);
            Ok(())
        })
    }

    /// The results of every row of a part.
    pub fn rows(&mut self, session: &mut Session, rows: &Rows) -> Result<Vec<f32>, Error> {
        if rows.width() != self.width {
            return Err(Error::new(format!(
                "the model takes {} numbers a row, the data has {}",
                self.width,
                rows.width()
            )));
        }
        if let Some(targets) = self.targets {
            return self.told(session, rows, targets);
        }
        if let Some(tags) = rows.target().tags() {
            return self.of_words(session, rows, tags.len());
        }
        let mut wanted = Vec::with_capacity(self.batch);
        self.run(session, rows.len(), &mut |first, taken, numbers| {
            wanted.clear();
            wanted.extend(first..first + taken);
            Ok(rows.gather_inputs(&wanted, numbers)?)
        })
    }
}

impl Predictor {
    /// The scores `[words, tags]` of every word of a part: places where no word begins are left out.
    fn of_words(
        &mut self,
        session: &mut Session,
        rows: &Rows,
        tags: usize,
    ) -> Result<Vec<f32>, Error> {
        let mut scores = Vec::new();
        let mut labels = vec![-1; rows.outputs()];
        let all: Vec<usize> = (0..rows.len()).collect();
        for batch in all.chunks(self.batch.max(1)) {
            let results = self.run(session, batch.len(), &mut |first, taken, numbers| {
                let wanted = batch.get(first..first + taken).unwrap_or_default();
                Ok(rows.gather_inputs(wanted, numbers)?)
            })?;
            for (row, results) in batch.iter().zip(results.chunks_exact(self.results.max(1))) {
                rows.gather_targets(&[*row], &mut TargetsMut::Classes(&mut labels))?;
                let places = labels.iter().zip(results.chunks_exact(tags.max(1)));
                let of_words = places.filter(|(label, _)| **label >= 0);
                of_words.for_each(|(_, place)| scores.extend_from_slice(place));
            }
        }
        Ok(scores)
    }

    /// How well tokens are told, for every row of a part.
    fn told(
        &mut self,
        session: &mut Session,
        rows: &Rows,
        targets: usize,
    ) -> Result<Vec<f32>, Error> {
        let wrong = || Error::new("the inference graph's inputs have unexpected types");
        let mut results = Vec::with_capacity(rows.len() * self.results);
        let all: Vec<usize> = (0..rows.len()).collect();
        for batch in all.chunks(self.batch.max(1)) {
            let [inputs, targets] =
                self.inputs.get_disjoint_mut([0, targets]).map_err(|_| wrong())?;
            let numbers = inputs.as_slice_mut::<f32>().ok_or_else(wrong)?;
            let labels = targets.as_slice_mut::<i64>().ok_or_else(wrong)?;
            let (taken, left) = numbers.split_at_mut(batch.len() * self.width);
            let (told, untold) = labels.split_at_mut(batch.len() * rows.outputs());
            // Rows do not touch each other in use: nothing is to be told of those beyond the last.
            left.fill(0.0);
            untold.fill(-1);
            rows.gather(batch, taken, TargetsMut::Classes(told))?;
            session.run(&self.prepared, &mut self.inputs, &mut self.outputs)?;
            let found = self.outputs[0].as_slice::<f32>().ok_or_else(wrong)?;
            results.extend_from_slice(&found[..batch.len() * self.results]);
        }
        Ok(results)
    }
}

/// The loss of a token in the mean, the share that is told right, and how many there are, of what a
/// graph says of rows.
pub(crate) fn told(results: &[f32]) -> [f64; 3] {
    let mut sums = [0.0; 3];
    for row in results.chunks_exact(TOLD) {
        sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += f64::from(*x));
    }
    let [loss, right, places] = sums;
    [loss / places.max(1.0), right / places.max(1.0), places]
}

/// The mean divergence of each number of a variational code, which stand behind the figures of each row;
/// nothing of other models.
pub(crate) fn divergences(results: &[f32], rows: usize, loss: Loss) -> Vec<f64> {
    let Loss::OfModel(Measures { names, .. }) = loss else { return Vec::new() };
    let width = (results.len() / rows.max(1)).max(1);
    let mean = |at: usize| {
        let of_rows = results.chunks_exact(width).filter_map(|row| row.get(at));
        of_rows.map(|x| f64::from(*x)).sum::<f64>() / rows.max(1) as f64
    };
    (names.len()..width).map(mean).collect()
}

/// Writes rows into a batch: first row, how many, where to.
pub(crate) type Fill<'a> = dyn FnMut(usize, usize, &mut [f32]) -> Result<(), Error> + 'a;

/// Probabilities of one row's raw scores, in f64.
pub(crate) fn probabilities(scores: &[f32]) -> Vec<f64> {
    let largest = scores.iter().fold(f64::NEG_INFINITY, |m, &s| m.max(f64::from(s)));
    let powers: Vec<f64> = scores.iter().map(|&s| (f64::from(s) - largest).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.iter().map(|p| p / sum).collect()
}

/// The position of the largest score, the first of equal ones.
pub(crate) fn largest(scores: &[f32]) -> usize {
    let better = |best: usize, (i, &s): (usize, &f32)| if s > scores[best] { i } else { best };
    scores.iter().enumerate().fold(0, better)
}

/// Of numbers' raw results those that are predictions: a Gaussian's mean comes before its variance.
pub(crate) fn predictions<'a>(results: &'a [f32], rows: &Rows) -> Cow<'a, [f32]> {
    let (width, outputs) = (results.len() / rows.len().max(1), rows.outputs());
    if width <= outputs {
        return Cow::Borrowed(results);
    }
    results.chunks_exact(width).flat_map(|row| &row[..outputs]).copied().collect()
}

/// The standard deviation that a Gaussian's results tell for each row, in the target's own unit; none
/// of other results. Beside a row's mean stands ln σ², on the scale of training.
pub(crate) fn deviations(results: &[f32], rows: &Rows) -> Option<Vec<f64>> {
    let width = results.len() / rows.len().max(1);
    let each = results.chunks_exact(width.max(1)).map(|row| deviation(row, rows.target()));
    each.collect()
}

/// As [`deviations`], of one row's results.
pub(crate) fn deviation(results: &[f32], target: &TargetPreparation) -> Option<f64> {
    match (results, target.classes()) {
        (&[_, log_variance], None) if target.outputs() == 1 => {
            let unit = target.unscale(1.0) - target.unscale(0.0);
            Some((f64::from(log_variance) / 2.0).exp() * unit.abs())
        }
        _ => None,
    }
}

/// Predictions on the scale of training beside what was observed, in the targets' own units.
pub(crate) fn regression(predictions: &[f32], rows: &Rows) -> Result<Regression, Error> {
    let outputs = rows.outputs();
    let unscale = |(i, &x): (usize, &f32)| rows.target().unscale_output(i % outputs, f64::from(x));
    let predicted: Vec<f64> = predictions.iter().enumerate().map(unscale).collect();
    Regression::of(&rows.values().unwrap_or_default(), &predicted, outputs)
}

/// How good results are: for tags of words `loss`, `accuracy`, and the figures of names where tags are of
/// names; for tokens `loss` (mean of −ln p, nats), `accuracy` and `perplexity` (e to the
/// loss); for classes `loss` (mean cross entropy, nats) and `accuracy`; for numbers
/// `loss` (on the scale of training), and `rmse`, `mae`, `r2` in the target's own unit, each the
/// mean over the outputs where there are several.
pub(crate) fn score(results: &[f32], rows: &Rows, loss: Loss) -> Metrics {
    let n = rows.len().max(1) as f64;
    let mut metrics = Metrics::new();
    if rows.target().tags().is_some() {
        let told = Told::of(results, rows).ok().flatten();
        return told.map(|told| told.score()).unwrap_or_default();
    }
    if rows.target().tokens().is_some() {
        let [loss, accuracy, _] = told(results);
        let figures = [("loss", loss), ("accuracy", accuracy), ("perplexity", loss.exp())];
        metrics.extend(figures.map(|(name, figure)| (name.to_owned(), figure)));
        return metrics;
    }
    if let Loss::OfModel(Measures { names, .. }) = loss {
        let width = (results.len() / rows.len().max(1)).max(1);
        let mean = |at: usize| {
            results
                .chunks_exact(width)
                .filter_map(|row| row.get(at))
                .map(|x| f64::from(*x))
                .sum::<f64>()
                / n
        };
        metrics.extend(names.iter().enumerate().map(|(at, name)| ((*name).to_owned(), mean(at))));
        return metrics;
    }
    let measured = || measure(loss, results, rows.len(), &rows.targets()).unwrap_or(f64::NAN);
    match rows.targets() {
        Targets::Classes(labels) => {
            let classes = results.len() / rows.len().max(1);
            let (mut sum, mut right) = (0.0, 0usize);
            for (scores, &label) in results.chunks_exact(classes.max(1)).zip(&labels) {
                let p = probabilities(scores).get(label as usize).copied().unwrap_or(0.0);
                sum -= p.max(f64::MIN_POSITIVE).ln();
                right += usize::from(largest(scores) as i64 == label);
            }
            let sum = match loss {
                Loss::Own(_) => measured(),
                _ => sum / n,
            };
            metrics.insert("loss".into(), sum);
            metrics.insert("accuracy".into(), right as f64 / n);
        }
        Targets::Values(scaled) => {
            let results = predictions(results, rows);
            let square = |(p, t): (&f32, &f32)| (f64::from(*p) - f64::from(*t)).powi(2);
            let sum: f64 = results.iter().zip(&scaled).map(square).sum();
            let outputs = rows.outputs();
            let figure = match loss {
                Loss::SumOfSquares => sum,
                Loss::SquaredError => sum / (n * outputs as f64),
                _ => measured(),
            };
            metrics.insert("loss".into(), figure);
            // Numbers that are not finite cannot be measured.
            let Ok(figures) = regression(&results, rows) else { return metrics };
            let figures = figures.mean();
            metrics.insert("rmse".into(), figures.rmse);
            metrics.insert("mae".into(), figures.mae);
            metrics.extend(figures.r2.map(|r2| ("r2".into(), r2)));
        }
    }
    metrics
}
