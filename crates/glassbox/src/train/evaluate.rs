//! Using a model on rows, and how good it is.

use std::fmt;

use glassbox_engine::{Buffer, Graph, Prepared, Session};

use crate::Error;
use crate::data::{Rows, Targets, TargetsMut};
use crate::nn::Loss;
use crate::train::event::Metrics;
use crate::train::graphs::name;

/// Runs the inference graph over any number of rows, batch by batch.
pub(crate) struct Predictor {
    prepared: Prepared,
    inputs: Vec<Buffer>,
    outputs: Vec<Buffer>,
    /// Rows of one batch, numbers a row, results a row.
    batch: usize,
    width: usize,
    results: usize,
}

impl Predictor {
    /// Plans the graph in this session, whose states it reads.
    pub fn new(session: &mut Session, graph: &Graph) -> Result<Self, Error> {
        let missing = |name| Error::new(format!("the inference graph has no `{name}`"));
        let prediction = graph.named(name::PREDICTION).ok_or_else(|| missing(name::PREDICTION))?;
        let prepared = session.prepare(graph, &[prediction])?;
        let (inputs, outputs) = (prepared.inputs(), prepared.outputs());
        let per_row = |buffer: &Buffer| {
            let (rows, sizes) = buffer.shape().sizes().split_first()?;
            Some((*rows, sizes.iter().product::<usize>()))
        };
        let (batch, width) =
            inputs.first().and_then(per_row).ok_or_else(|| missing(name::INPUTS))?;
        let results = match outputs.first().and_then(per_row) {
            Some((rows, results)) if rows == batch && batch > 0 => results,
            _ => return Err(Error::new("the model does not give one result a row")),
        };
        Ok(Predictor { prepared, inputs, outputs, batch, width, results })
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

    /// The results of every row of a part.
    pub fn rows(&mut self, session: &mut Session, rows: &Rows) -> Result<Vec<f32>, Error> {
        if rows.width() != self.width {
            return Err(Error::new(format!(
                "the model takes {} numbers a row, the data has {}",
                self.width,
                rows.width()
            )));
        }
        let mut labels = vec![0i64; self.batch];
        let outputs = rows.outputs();
        let mut values = vec![0f32; self.batch * outputs];
        let classes = rows.classes().is_some();
        let mut wanted = Vec::with_capacity(self.batch);
        self.run(session, rows.len(), &mut |first, taken, numbers| {
            wanted.clear();
            wanted.extend(first..first + taken);
            let targets = match classes {
                true => TargetsMut::Classes(&mut labels[..taken]),
                false => TargetsMut::Values(&mut values[..taken * outputs]),
            };
            Ok(rows.gather(&wanted, numbers, targets)?)
        })
    }
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

/// How good results are: for classes `loss` (mean cross entropy, nats) and `accuracy`; for numbers
/// `loss` (on the scale of training), and `rmse`, `mae`, `r2` in the target's own unit, each the
/// mean over the outputs where there are several.
pub(crate) fn score(results: &[f32], rows: &Rows, loss: Loss) -> Metrics {
    let n = rows.len().max(1) as f64;
    let mut metrics = Metrics::new();
    match rows.targets() {
        Targets::Classes(labels) => {
            let classes = results.len() / rows.len().max(1);
            let (mut sum, mut right) = (0.0, 0usize);
            for (scores, &label) in results.chunks_exact(classes.max(1)).zip(&labels) {
                let p = probabilities(scores).get(label as usize).copied().unwrap_or(0.0);
                sum -= p.max(f64::MIN_POSITIVE).ln();
                right += usize::from(largest(scores) as i64 == label);
            }
            metrics.insert("loss".into(), sum / n);
            metrics.insert("accuracy".into(), right as f64 / n);
        }
        Targets::Values(scaled) => {
            let square = |(p, t): (&f32, &f32)| (f64::from(*p) - f64::from(*t)).powi(2);
            let sum: f64 = results.iter().zip(&scaled).map(square).sum();
            let outputs = rows.outputs();
            let mean = sum / (n * outputs as f64);
            metrics.insert("loss".into(), if loss == Loss::SumOfSquares { sum } else { mean });
            let observed = rows.values().unwrap_or_default();
            let told = |i: usize, p: f32| rows.target().unscale_output(i % outputs, f64::from(p));
            let errors: Vec<f64> = results
                .iter()
                .zip(&observed)
                .enumerate()
                .map(|(i, (p, o))| told(i, *p) - o)
                .collect();
            // Of several outputs each has its own figure, and their mean is given.
            let of = |values: &[f64], output: usize, each: &dyn Fn(f64) -> f64| {
                values.iter().skip(output).step_by(outputs).map(|x| each(*x)).sum::<f64>()
            };
            let mut add = |name: &str, figure: &dyn Fn(usize) -> f64| {
                let sum: f64 = (0..outputs).map(figure).sum();
                if (sum / outputs as f64).is_finite() {
                    metrics.insert(name.into(), sum / outputs as f64);
                }
            };
            add("rmse", &|output| (of(&errors, output, &|e| e * e) / n).sqrt());
            add("mae", &|output| of(&errors, output, &f64::abs) / n);
            add("r2", &|output| {
                let mean = of(&observed, output, &|o| o) / n;
                let spread = of(&observed, output, &|o| (o - mean).powi(2));
                let squares = of(&errors, output, &|e| e * e);
                if spread > 0.0 { 1.0 - squares / spread } else { f64::NAN }
            });
        }
    }
    metrics
}

/// Figures of a model on some rows; prints as a table.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Report {
    /// How many rows.
    pub rows: usize,
    /// The model's figures by name.
    pub metrics: Metrics,
    /// The same figures of the simplest guess, where there are any.
    pub baseline: Metrics,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:10} {:>10} {:>10}", format!("{} rows", self.rows), "model", "baseline")?;
        for (name, value) in &self.metrics {
            let baseline = self.baseline.get(name).map(|b| format!("{b:.4}")).unwrap_or_default();
            writeln!(f, "{name:10} {value:>10.4} {baseline:>10}")?;
        }
        Ok(())
    }
}
