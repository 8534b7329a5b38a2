//! A trained model of rows: their codes, rows from codes, new rows.

use std::path::Path;

use glassbox_engine::{
    Array, DType, Data, Graph, Mode, Options, Parameters, Prepared, Session, Tensor,
};

use crate::Error;
use crate::data::{Preparation, Rows};
use crate::nn::{self, Coded, Generative, Measured, Module, Seen};
use crate::train::folder::RunFolder;
use crate::train::graphs::name;
use crate::train::job::model_of_run;
use crate::train::run::DataRecord;
use crate::train::trained::resolve;

/// Rows that go through a model at once.
const BATCH: usize = 128;

/// A trained model that has learned the rows themselves: it finds their codes, makes rows from codes, and
/// new ones.
///
/// Rows are as the model reads them, row-major; of images numbers in [0, 1].
///
/// ```no_run
/// use glassbox::Latent;
/// let model = Latent::load("runs/last")?;
/// let digits = model.sample(16, None, 42)?;
/// assert_eq!(digits.len(), 16 * model.width());
/// # Ok::<(), glassbox::Error>(())
/// ```
pub struct Latent {
    model: Box<dyn Module>,
    pub(super) values: Parameters,
    preparation: Preparation,
    warnings: Vec<String>,
}

/// Where codes of rows lie.
#[derive(Clone, Debug, PartialEq)]
pub struct Codes {
    /// `[rows, code]`: the codes, or the means of where they may lie.
    pub means: Vec<f32>,
    /// `[rows, code]`: the logarithms of their variances; empty of a model that is not variational.
    pub log_variances: Vec<f32>,
}

impl Codes {
    /// How much each of the `code` numbers carries in the mean, in nats: its divergence from the standard
    /// normal distribution; nothing of a model that is not variational. One that carries nothing is the
    /// same whatever the row: it is dead.
    pub fn divergences(&self, code: usize) -> Vec<f64> {
        if self.log_variances.is_empty() {
            return Vec::new();
        }
        let rows = (self.means.len() / code.max(1)).max(1) as f64;
        let of = |number: usize| {
            let means = self.means.iter().skip(number).step_by(code.max(1));
            let both = means.zip(self.log_variances.iter().skip(number).step_by(code.max(1)));
            let each = both.map(|(mean, s)| {
                let (mean, s) = (f64::from(*mean), f64::from(*s));
                -0.5 * (1.0 + s - mean * mean - s.exp())
            });
            each.sum::<f64>() / rows
        };
        (0..code).map(of).collect()
    }

    /// The variance of each of the `code` numbers over the rows.
    pub fn variances(&self, code: usize) -> Vec<f64> {
        let rows = (self.means.len() / code.max(1)).max(1) as f64;
        let of = |number: usize| {
            let all = || self.means.iter().skip(number).step_by(code.max(1)).map(|x| f64::from(*x));
            let mean = all().sum::<f64>() / rows;
            all().map(|x| (x - mean).powi(2)).sum::<f64>() / rows
        };
        (0..code).map(of).collect()
    }
}

/// What a model makes in the place of rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Remade {
    /// `[rows, …]`, as the rows.
    pub rows: Vec<f32>,
    /// The loss of each row.
    pub losses: Vec<f32>,
}

impl Latent {
    /// The model of a run folder, with its best weights. `runs/last` is the newest run in `runs`.
    ///
    /// # Errors
    /// A folder that is not a run, or has no checkpoint yet; a model that does not learn rows themselves;
    /// files that are corrupt.
    pub fn load(run: impl AsRef<Path>) -> Result<Self, Error> {
        let run = &resolve(run.as_ref())?;
        let folder = RunFolder::view(run)?;
        let (config, record) = (folder.config()?, DataRecord::read(&folder)?);
        let model = model_of_run(&config, &record.preparation)?;
        if model.generative().is_none() {
            return Err(Error::new(format!(
                "the model of {} is a {}, which does not learn the rows themselves: train one that does, \
                 such as autoencoder or vae",
                run.display(),
                config.model.kind
            )));
        }
        let Some((checkpoint, warnings)) = folder.checkpoints().best()? else {
            return Err(Error::new(format!(
                "{} has no checkpoint yet: let it train until its first one",
                run.display()
            )));
        };
        let values = checkpoint.weights();
        Ok(Latent { model, values, preparation: record.preparation, warnings })
    }

    /// A model with its values, of rows so prepared.
    pub(crate) fn of(model: Box<dyn Module>, values: Parameters, preparation: Preparation) -> Self {
        Latent { model, values, preparation, warnings: Vec::new() }
    }

    /// Checkpoints that could not be read, one of the others being taken in their place.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// How raw rows become the model's rows.
    pub fn preparation(&self) -> &Preparation {
        &self.preparation
    }

    /// The shape of a row.
    pub fn shape(&self) -> Vec<usize> {
        self.preparation.input_shape()
    }

    /// Numbers of a row.
    pub fn width(&self) -> usize {
        self.shape().iter().product()
    }

    /// Numbers of a code.
    pub fn code(&self) -> usize {
        self.model.generative().map_or(0, Generative::code)
    }

    /// Whether new rows can be made of drawn codes.
    pub fn samples(&self) -> bool {
        self.model.generative().is_some_and(Generative::samples)
    }

    /// Whether rows have codes; adversaries find none.
    pub fn has_encoder(&self) -> bool {
        let graph = Graph::new();
        let shape = [&[1], &self.shape()[..]].concat();
        let rows = graph.input(name::INPUTS, DType::F32, shape);
        let Some(model) = self.model.generative() else { return false };
        let classes =
            (model.classes() > 0).then(|| graph.input("classes", DType::F32, [1, model.classes()]));
        model.encode(graph.root(Mode::Eval), Seen { rows, classes }).is_some()
    }

    /// The classes that the model is told of beside rows and codes; none where it is told of none.
    pub fn told_classes(&self) -> &[String] {
        let told = self.model.generative().is_some_and(|model| model.classes() > 0);
        let known = self.preparation.target.known_classes().filter(|_| told);
        known.unwrap_or_default()
    }

    /// The codes of rows `[rows, …]`; `labels`, one for each row, of a model that is told of classes.
    ///
    /// # Errors
    /// Numbers that are not whole rows; labels that are missing; a model without an encoder.
    pub fn encode(&self, rows: &[f32], labels: Option<&[i64]>) -> Result<Codes, Error> {
        let missing = || Error::new(format!("{} has no encoder", self.model.name()));
        let found = self.run(rows, &self.shape(), labels, (0, 0), |model, at, seen| {
            let Some(Coded { mean, log_variance }) = model.encode(at, seen) else {
                return Vec::new();
            };
            [Some(mean), log_variance].into_iter().flatten().collect()
        })?;
        let mut found = found.into_iter();
        let means = found.next().ok_or_else(missing)?;
        Ok(Codes { means, log_variances: found.next().unwrap_or_default() })
    }

    /// Rows `[rows, …]` made of codes `[rows, code]`.
    ///
    /// # Errors
    /// Numbers that are not whole codes; labels that are missing.
    pub fn decode(&self, codes: &[f32], labels: Option<&[i64]>) -> Result<Vec<f32>, Error> {
        let shape = [self.code()];
        let found = self.run(codes, &shape, labels, (0, 0), |model, at, seen| {
            vec![model.decode(at, seen.rows, seen.classes)]
        })?;
        Ok(found.into_iter().next().unwrap_or_default())
    }

    /// What the model makes of rows, and their losses, as training measures them. What is drawn for it
    /// follows from `seed`.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn remake(&self, rows: &[f32], labels: Option<&[i64]>, seed: u64) -> Result<Remade, Error> {
        let found = self.run(rows, &self.shape(), labels, (seed, 0), |model, at, seen| {
            let Measured { made, figures } = model.measure(at, seen);
            vec![made, figures.slice(-1, 0..1)]
        })?;
        let mut found = found.into_iter();
        let mut next = || found.next().unwrap_or_default();
        Ok(Remade { rows: next(), losses: next() })
    }

    /// How much more each row loses than if the model made it exactly. A Bernoulli likelihood of grey values
    /// has a loss even then, their own entropy, which is large for rows with much ink.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn excess(
        &self,
        rows: &[f32],
        labels: Option<&[i64]>,
        seed: u64,
    ) -> Result<Vec<f32>, Error> {
        let mut losses = self.remake(rows, labels, seed)?.losses;
        let guess = self.model.generative().and_then(|model| model.measures().guess);
        let rows = rows.chunks_exact(self.width().max(1));
        for (loss, row) in losses.iter_mut().zip(rows) {
            let itself: Vec<f64> = row.iter().copied().map(f64::from).collect();
            *loss -= guess.map_or(0.0, |guess| guess(row, &itself) as f32);
        }
        Ok(losses)
    }

    /// `count` new rows: codes are drawn from the standard normal distribution. `label` is of the class
    /// that a model is told of; without it, classes take turns.
    ///
    /// # Errors
    /// A model whose codes follow no known distribution: of an autoencoder that is not variational.
    pub fn sample(&self, count: usize, label: Option<i64>, seed: u64) -> Result<Vec<f32>, Error> {
        if !self.samples() {
            return Err(Error::new(format!(
                "the codes of {} follow no known distribution, so that none can be drawn: train a vae",
                self.model.name()
            )));
        }
        let labels = self.labels_in_turn(count, label);
        self.decode(&draws(count, self.code(), seed)?, labels.as_deref())
    }

    /// One label for each of `count` rows: `label`, or all classes in turn; none where the model is told
    /// of none.
    pub fn labels_in_turn(&self, count: usize, label: Option<i64>) -> Option<Vec<i64>> {
        let classes = self.told_classes().len();
        let of = |row: usize| label.unwrap_or((row % classes.max(1)) as i64);
        (classes > 0).then(|| (0..count).map(of).collect())
    }

    /// An estimate of ln p of each row by so many draws (Burda, Grosse and Salakhutdinov 2016): ln of the
    /// mean of p(x|z) p(z) / q(z|x), z being drawn from q. More draws come nearer to it from below.
    ///
    /// # Errors
    /// A model that is not variational.
    pub fn log_likelihood(
        &self,
        rows: &[f32],
        labels: Option<&[i64]>,
        draws: usize,
        seed: u64,
    ) -> Result<Vec<f64>, Error> {
        let mut found: Vec<Vec<f64>> = Vec::new();
        for draw in 1..=draws {
            let of = (seed, draw as u64);
            let weights = self.run(rows, &self.shape(), labels, of, |model, at, seen| {
                model.log_weight(at, seen).into_iter().collect()
            })?;
            let weights = weights.into_iter().next().ok_or_else(|| {
                Error::new(format!(
                    "{} is not variational: it has no likelihood",
                    self.model.name()
                ))
            })?;
            found.resize(weights.len(), Vec::with_capacity(draws));
            found.iter_mut().zip(&weights).for_each(|(row, w)| row.push(f64::from(*w)));
        }
        Ok(found.iter().map(|weights| log_mean_exp(weights)).collect())
    }

    /// The rows of a part, and their labels where the model is told of classes.
    ///
    /// # Errors
    /// A row beyond the last.
    pub fn gather(
        &self,
        part: &Rows,
        rows: &[usize],
    ) -> Result<(Vec<f32>, Option<Vec<i64>>), Error> {
        let mut numbers = vec![0.0; rows.len() * part.width()];
        part.gather_inputs(rows, &mut numbers)?;
        let told = !self.told_classes().is_empty();
        let labels = part.labels().filter(|_| told);
        let of =
            |labels: Vec<i64>| rows.iter().filter_map(|row| labels.get(*row).copied()).collect();
        Ok((numbers, labels.map(of)))
    }

    /// Runs what `record` records over rows of this shape, batch by batch.
    fn run(
        &self,
        rows: &[f32],
        shape: &[usize],
        labels: Option<&[i64]>,
        (seed, step): (u64, u64),
        record: impl for<'g> Fn(
            &dyn Generative,
            glassbox_engine::Scope<'g>,
            Seen<'g>,
        ) -> Vec<Tensor<'g>>,
    ) -> Result<Vec<Vec<f32>>, Error> {
        let Some(model) = self.model.generative() else { return Ok(Vec::new()) };
        let width: usize = shape.iter().product();
        if width == 0 || !rows.len().is_multiple_of(width) {
            let given = rows.len();
            return Err(Error::new(format!("{given} numbers are not whole rows of {width}")));
        }
        let count = rows.len() / width;
        if model.classes() > 0 && labels.is_none_or(|labels| labels.len() != count) {
            return Err(Error::new("the model is told of classes: each row needs its label"));
        }
        let batch = count.clamp(1, BATCH);
        let graph = Graph::new();
        let input = graph.input(name::INPUTS, DType::F32, [&[batch], shape].concat());
        let classes = (model.classes() > 0).then(|| {
            let labels = graph.input(name::TARGETS, DType::I64, [batch]);
            labels.one_hot(model.classes()).cast(DType::F32)
        });
        let results = record(model, graph.root(Mode::Eval), Seen { rows: input, classes });
        graph.check()?;
        let mut session = Session::new(Options::default())?;
        session.load(self.values.clone());
        let prepared = session.prepare(&graph, &results)?;
        let mut batches = Batches::of(&prepared);
        batches.number(name::SEED, seed);
        let mut found = vec![Vec::new(); results.len()];
        for first in (0..count).step_by(batch) {
            let taken = batch.min(count - first);
            // Other numbers are drawn in each batch.
            batches.number(name::STEP, (step << 24) + (first / batch) as u64);
            batches.fill(
                &rows[first * width..(first + taken) * width],
                labels.map(|l| &l[first..first + taken]),
            );
            session.run(&prepared, &mut batches.inputs, &mut batches.outputs)?;
            for (found, output) in found.iter_mut().zip(&batches.outputs) {
                let numbers = output.as_slice::<f32>().unwrap_or_default();
                found.extend_from_slice(&numbers[..numbers.len() / batch * taken]);
            }
        }
        Ok(found)
    }
}

/// The buffers of a plan.
struct Batches<'a> {
    prepared: &'a Prepared,
    inputs: Vec<glassbox_engine::Buffer>,
    outputs: Vec<glassbox_engine::Buffer>,
}

impl<'a> Batches<'a> {
    fn of(prepared: &'a Prepared) -> Self {
        Batches { prepared, inputs: prepared.inputs(), outputs: prepared.outputs() }
    }

    /// Sets an input that is one whole number, where there is one.
    fn number(&mut self, name: &str, number: u64) {
        let slot = self.prepared.input(name).and_then(|slot| self.inputs.get_mut(slot));
        if let Some(numbers) = slot.and_then(|slot| slot.as_slice_mut::<i64>()) {
            numbers.fill(number as i64);
        }
    }

    /// Sets the first rows and their labels; what lies beyond does not matter.
    fn fill(&mut self, rows: &[f32], labels: Option<&[i64]>) {
        let slot = self.prepared.input(name::INPUTS).and_then(|slot| self.inputs.get_mut(slot));
        if let Some(numbers) = slot.and_then(|slot| slot.as_slice_mut::<f32>()) {
            numbers.iter_mut().zip(rows).for_each(|(to, from)| *to = *from);
        }
        let slot = self.prepared.input(name::TARGETS).and_then(|slot| self.inputs.get_mut(slot));
        if let (Some(numbers), Some(labels)) = (slot.and_then(|s| s.as_slice_mut::<i64>()), labels)
        {
            numbers.iter_mut().zip(labels).for_each(|(to, from)| *to = *from);
        }
    }
}

/// Standard normal numbers `[count, code]`, which follow from the seed.
pub(crate) fn draws(count: usize, code: usize, seed: u64) -> Result<Vec<f32>, Error> {
    if count * code == 0 {
        return Ok(Vec::new());
    }
    let graph = Graph::new();
    let drawn = nn::normal(graph.root(Mode::Eval).child("codes"), &[count, code]);
    let mut inputs = Parameters::new();
    let number = |number: i64| Array::new([0usize; 0], vec![number]).map_err(Error::new);
    inputs.insert(name::SEED, number(seed as i64)?);
    inputs.insert(name::STEP, number(0)?);
    let found = Session::new(Options::default())?.evaluate(&graph, &inputs, &[drawn])?;
    match found.into_iter().next().map(|array| array.data().clone()) {
        Some(Data::F32(numbers)) => Ok(numbers),
        _ => Ok(Vec::new()),
    }
}

/// Codes on the way from one to another, both ends included: along the straight line.
///
/// ```
/// use glassbox::train::between;
/// assert_eq!(between(&[0.0, 2.0], &[1.0, 0.0], 3), [0.0, 2.0, 0.5, 1.0, 1.0, 0.0]);
/// ```
pub fn between(from: &[f32], to: &[f32], steps: usize) -> Vec<f32> {
    let share = |step: usize| step as f32 / steps.saturating_sub(1).max(1) as f32;
    let at = |step: usize| {
        let t = share(step);
        from.iter().zip(to).map(move |(a, b)| a + (b - a) * t)
    };
    (0..steps).flat_map(at).collect()
}

/// ln of the mean of eˣ.
fn log_mean_exp(numbers: &[f64]) -> f64 {
    let largest = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = numbers.iter().map(|x| (x - largest).exp()).sum();
    largest + (sum / numbers.len().max(1) as f64).ln()
}
