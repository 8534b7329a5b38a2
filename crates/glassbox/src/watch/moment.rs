//! One training step, held still.

use glassbox_engine::{Graph, Parameters};

use crate::Error;
use crate::data::{Dataset, Rows};
use crate::nn::{Loss, Optimizer};
use crate::train::Job;
use crate::train::checkpoint::Checkpoint;
use crate::train::config::TrainConfig;
use crate::train::folder::RunFolder;
use crate::train::graphs_of;
use crate::train::steps::Steps;

/// One step of a training: its graph, the values it starts with, and its rows. What
/// [`explain`](Moment::explain) answers questions about.
pub struct Moment {
    pub(crate) graph: Graph,
    pub(crate) inputs: Parameters,
    pub(crate) states: Parameters,
    /// For each row of the batch its number in the source, from 1.
    pub(crate) rows: Vec<usize>,
    pub(crate) step: u64,
    /// Steps of the whole training.
    pub(crate) steps: u64,
    pub(crate) loss: Loss,
    pub(crate) optimizer: Optimizer,
    pub(crate) rate: f64,
    /// Names of a row's numbers; empty for images.
    pub(crate) features: Vec<String>,
    /// Names of the classes; empty for numbers.
    pub(crate) classes: Vec<String>,
}

impl Moment {
    /// Step `step` of the run in `folder` (from 1), replayed from the nearest checkpoint before it;
    /// `None` takes the step that comes next after the last checkpoint.
    ///
    /// # Errors
    /// A step beyond the run; data that cannot be loaded any more; corrupt files.
    pub fn of_run(folder: &RunFolder, step: Option<u64>) -> Result<Self, Error> {
        let job = Job::from_config(folder.config()?)?;
        job.check_data(folder)?;
        let (training, _) = graphs_of(folder)?;
        let checkpoints = folder.checkpoints();
        let known = checkpoints.steps()?;
        let last = known.last().copied().unwrap_or(0);
        let step = step.unwrap_or(last + 1);
        if step == 0 || step > last + 1 {
            return Err(Error::new(format!(
                "the run has {last} steps: ask for one of 1 to {}",
                last + 1
            )));
        }
        let before = known.iter().rev().find(|&&s| s < step);
        let checkpoint = before.map(|&s| checkpoints.load(s)).transpose()?;
        let given = job.given()?;
        let mut steps = Steps::new(&job.data, &job.config.train, &training, &given)?;
        if let Some(checkpoint) = &checkpoint {
            steps.restore(checkpoint)?;
        }
        steps.replay(step - 1)?;
        Moment::next(steps, training, &job.data, &job.config.train, job.loss)
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
        let (index, inputs, rows) = steps.next_inputs()?;
        let target = &data.preparation.target;
        let source = |rows: &Rows, row: usize| rows.source_row(row).unwrap_or(0);
        let rate = inputs.get("rate").and_then(|a| a.to_f64().first().copied()).unwrap_or(0.0);
        Ok(Moment {
            states: steps.session.values(),
            rows: rows.iter().map(|&row| source(&data.train, row)).collect(),
            step: steps.state.step + 1,
            steps: config.epochs.saturating_mul(steps.steps_an_epoch()),
            graph: training.swap_remove(index),
            inputs,
            loss,
            optimizer: config.optimizer,
            rate,
            features: data.input.features.clone(),
            classes: target.classes().unwrap_or_default().to_vec(),
        })
    }

    /// The number of the step, from 1.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// The graph of the step: forward, backward and update.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Everything that can be asked for: parameters by path, activations by name, with their shapes.
    pub fn things(&self) -> Vec<(String, Vec<usize>)> {
        let parameters = self.graph.parameters().into_iter();
        let named = self.graph.names().into_iter().filter(|(name, _)| name != "loss");
        parameters.chain(named).map(|(n, t)| (n, t.shape().sizes().to_vec())).collect()
    }
}
