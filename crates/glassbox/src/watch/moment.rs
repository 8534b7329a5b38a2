//! One training step, held still.

use std::fmt;

use serde::Serialize;

use glassbox_engine::{Graph, Options, Parameters};

use crate::Error;
use crate::data::{Dataset, InputPreparation, Rows};
use crate::nn::{Loss, Objective, Optimizers};
use crate::train::Job;
use crate::train::checkpoint::Checkpoint;
use crate::train::config::TrainConfig;
use crate::train::folder::{GraphKind, RunFolder};
use crate::train::job::objective;
use crate::train::steps::Steps;
use crate::watch::Element;

/// One step of a training: its graph, the values it starts with, and its rows. What
/// [`explain`](Moment::explain) answers questions about.
pub struct Moment {
    pub(crate) graph: Graph,
    pub(crate) inputs: Parameters,
    pub(crate) states: Parameters,
    /// For each row of the batch its number in the source, from 1.
    pub(crate) rows: Vec<usize>,
    pub(crate) at: At,
    /// Multiply-adds beyond which numbers are not computed in f64.
    pub(crate) limit: u64,
    pub(crate) loss: Loss,
    pub(crate) objective: Objective,
    /// What large weights cost: l1 and l2.
    pub(crate) penalty: (f64, f64),
    /// Batches that make the step, of which this is the last.
    pub(crate) batches: usize,
    /// Whether the gradients are clipped.
    pub(crate) clipped: bool,
    pub(crate) optimizers: Optimizers,
    /// How the training's sessions run, but on one thread.
    pub(crate) options: Options,
    pub(crate) rate: f64,
    /// Names of a row's numbers; empty for images.
    pub(crate) features: Vec<String>,
    /// How raw rows become inputs.
    pub(crate) preparation: InputPreparation,
    /// Names of the numbers that are told; of a class its target's.
    pub(crate) outputs: Vec<String>,
    /// Names of the classes; empty for numbers.
    pub(crate) classes: Vec<String>,
}

/// Where in the training a step stands; prints as `step 25 (4 steps replayed)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct At {
    /// Its number, from 1.
    pub step: u64,
    /// Steps that were taken again, from the nearest checkpoint, to come to it.
    pub replayed: u64,
    /// Whether the training was over before it: it is what would have come next.
    pub after_the_end: bool,
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "step {}", self.step)?;
        match self.replayed {
            0 => {}
            1 => write!(f, " (1 step replayed)")?,
            steps => write!(f, " ({steps} steps replayed)")?,
        }
        match self.after_the_end {
            true => f.write_str(" (after the training's end)"),
            false => Ok(()),
        }
    }
}

/// Multiply-adds that take some seconds in f64.
const LIMIT: u64 = 2_000_000_000;

/// Which step of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// The one that comes next after the last checkpoint.
    Next,
    /// The last one that was taken, up to the last checkpoint.
    Last,
    /// This one, from 1.
    Step(u64),
    /// The first one of this epoch, from 1.
    Epoch(u64),
}

impl From<Option<u64>> for When {
    fn from(step: Option<u64>) -> Self {
        step.map_or(When::Next, When::Step)
    }
}

impl Moment {
    /// A step of the run in `folder`, replayed from the nearest checkpoint before it. Graphs and
    /// weights are read from the folder: the model need not be known.
    ///
    /// # Errors
    /// A step beyond the run; data that cannot be loaded any more; corrupt files.
    pub fn of_run(folder: &RunFolder, when: impl Into<When>) -> Result<Self, Error> {
        let (job, given) = Job::without_model(folder)?;
        job.check_data(folder)?;
        if !folder.file("graph/train.json").exists() {
            return Err(Error::new(format!(
                "{} has no graphs: it was stopped before its first step; go on with `resume`",
                folder.path().display()
            )));
        }
        let training: Vec<Graph> = folder.graph(GraphKind::Train)?;
        let checkpoints = folder.checkpoints();
        let known = checkpoints.steps()?;
        let last = known.last().copied().unwrap_or(0);
        let mut steps = Steps::new(&job.data, &job.config.train, &training, &given)?;
        let an_epoch = steps.steps_an_epoch();
        let asked = match when.into() {
            When::Next => Some(last + 1),
            When::Last => Some(last.max(1)),
            When::Step(step) => Some(step),
            When::Epoch(epoch) => {
                epoch.checked_sub(1).and_then(|e| e.checked_mul(an_epoch)?.checked_add(1))
            }
        };
        let Some(step) = asked.filter(|step| (1..=last + 1).contains(step)) else {
            let epochs = last / an_epoch.max(1) + 1;
            let asked = asked.map_or(String::new(), |step| format!("step {step}: "));
            return Err(Error::new(format!(
                "{asked}the run's last checkpoint is of step {last}: ask for a step of 1 to {} \
                 (an epoch of 1 to {epochs})",
                last + 1
            )));
        };
        let before = known.iter().rev().find(|&&s| s < step);
        if let Some(&before) = before {
            steps.restore(&checkpoints.load(before)?)?;
        }
        if last > 0 {
            steps.foresee(&checkpoints.load(last)?.state);
        }
        steps.replay(step - 1)?;
        let mut moment = Moment::next(steps, training, &job.data, &job.config.train, job.loss)?;
        moment.at.replayed = step - 1 - before.copied().unwrap_or(0);
        Ok(moment)
    }

    /// The step that comes next after `checkpoint`.
    pub(crate) fn after(
        checkpoint: &Checkpoint,
        training: Vec<Graph>,
        data: &Dataset,
        config: &TrainConfig,
        loss: Loss,
    ) -> Result<Self, Error> {
        let mut steps = Steps::new(data, config, &training, &Parameters::new())?;
        steps.restore(checkpoint)?;
        Moment::next(steps, training, data, config, loss)
    }

    fn next(
        mut steps: Steps<'_>,
        mut training: Vec<Graph>,
        data: &Dataset,
        config: &TrainConfig,
        loss: Loss,
    ) -> Result<Self, Error> {
        let batches = steps.batches();
        let (index, inputs, rows) = steps.next_inputs()?;
        let target = &data.preparation.target;
        let source = |rows: &Rows, row: usize| rows.source_row(row).unwrap_or(0);
        let rate = inputs.get("rate").and_then(|a| a.to_f64().first().copied()).unwrap_or(0.0);
        let step = steps.state.step + 1;
        let all = config.epochs.saturating_mul(steps.steps_an_epoch());
        Ok(Moment {
            states: steps.session.values(),
            rows: rows.iter().map(|&row| source(&data.train, row)).collect(),
            at: At { step, replayed: 0, after_the_end: step > all },
            limit: LIMIT,
            graph: training.swap_remove(index),
            inputs,
            loss,
            objective: objective(loss, config, data),
            penalty: (config.l1, config.l2),
            batches,
            clipped: config.clip.is_some(),
            optimizers: config.optimizers(),
            options: Options { threads: 1, ..config.options() },
            rate,
            features: data.input.features.clone(),
            preparation: data.preparation.inputs.clone(),
            outputs: target.output_names().iter().map(ToString::to_string).collect(),
            classes: target.classes().unwrap_or_default().to_vec(),
        })
    }

    /// Where in the training the step stands.
    pub fn at(&self) -> At {
        self.at
    }

    /// The number of the step, from 1.
    pub fn step(&self) -> u64 {
        self.at.step
    }

    /// The same, computing in f64 up to so many multiply-adds; by default two thousand million, which
    /// take some seconds. What takes more is explained with training's own f32 numbers, without a
    /// difference quotient, and says so.
    pub fn limited_to(self, multiply_adds: u64) -> Self {
        Moment { limit: multiply_adds, ..self }
    }

    /// The graph of the step: forward, backward and update.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// For each row of the batch its number in the source, from 1.
    pub fn source_rows(&self) -> &[usize] {
        &self.rows
    }

    /// Where in the batch the row is that has this number in the source (from 1).
    ///
    /// # Errors
    /// The batch does not have it; says which rows it has.
    pub fn row_of(&self, source_row: usize) -> Result<usize, Error> {
        self.rows.iter().position(|&row| row == source_row).ok_or_else(|| {
            let mut rows = self.rows.clone();
            rows.sort_unstable();
            let many = rows.len() > LISTED;
            let shown: Vec<String> = rows.iter().take(LISTED).map(usize::to_string).collect();
            let more =
                if many { format!(" and {} more", rows.len() - LISTED) } else { String::new() };
            Error::new(format!(
                "row {source_row} of the source is not in the batch of step {}, which has the rows \
                 {}{more}",
                self.at.step,
                shown.join(", ")
            ))
        })
    }

    /// Whether `what` names a whole tensor of several numbers: [`tensor`](Moment::tensor) tells of it,
    /// [`explain`](Moment::explain) of single numbers.
    pub fn is_whole(&self, what: &Element) -> bool {
        let things = self.things();
        let found = things.iter().find(|(name, _)| *name == what.path);
        found.is_some_and(|(_, sizes)| what.indices.is_empty() && !sizes.is_empty())
    }

    /// Everything that can be asked for: parameters by path, activations by name, and `inputs`, with
    /// their shapes.
    pub fn things(&self) -> Vec<(String, Vec<usize>)> {
        let parameters = self.graph.parameters().into_iter();
        let named = self.graph.names().into_iter();
        let named = named.filter(|(name, tensor)| name != "loss" && !tensor.is_inside_loop());
        let inputs = self.graph.find_input("inputs").map(|tensor| ("inputs".to_string(), tensor));
        let all = parameters.chain(named).chain(inputs);
        all.map(|(n, t)| (n, t.shape().sizes().to_vec())).collect()
    }
}

/// Rows that an error lists.
const LISTED: usize = 64;
