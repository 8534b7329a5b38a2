//! Statistics on demand, of a run that is over or still going on.

use glassbox_engine::{Graph, Parameters};

use crate::Error;
use crate::data::Dataset;
use crate::train::Job;
use crate::train::checkpoint::Checkpoint;
use crate::train::config::TrainConfig;
use crate::train::folder::RunFolder;
use crate::train::graphs_of;
use crate::train::steps::Steps;
use crate::watch::Statistics;
use crate::watch::look::full;

/// Which weights of a run are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Those of the best epoch; the last, where none was marked as best.
    Best,
    /// Those of the last checkpoint.
    Last,
    /// Those of the checkpoint of this step.
    Step(u64),
}

impl Statistics {
    /// Statistics and full histograms of a run's weights, of their gradients and of the activations,
    /// over the batch of the step that follows the checkpoint: what `inspect` shows, also where
    /// nothing was recorded. A run without a checkpoint is taken at its start.
    ///
    /// # Errors
    /// Data that cannot be loaded any more or has changed; corrupt files.
    pub fn of_run(folder: &RunFolder, which: Which) -> Result<Self, Error> {
        let job = Job::of_run(folder)?;
        job.check_data(folder)?;
        let (training, _) = graphs_of(folder)?;
        let checkpoints = folder.checkpoints();
        let found = match which {
            Which::Best => checkpoints.best()?.map(|(checkpoint, _)| checkpoint),
            Which::Last => checkpoints.last()?.map(|(checkpoint, _)| checkpoint),
            Which::Step(step) => Some(checkpoints.load(step)?),
        };
        let mut steps = Steps::new(&job.data, &job.config.train, &training, &job.start.values)?;
        if let Some(checkpoint) = &found {
            steps.restore(checkpoint)?;
        }
        full(&mut steps, &training, &everything())
    }

    /// Of the step that comes next after `checkpoint`.
    pub(crate) fn after(
        checkpoint: &Checkpoint,
        training: &[Graph],
        data: &Dataset,
        config: &TrainConfig,
    ) -> Result<Self, Error> {
        let mut steps = Steps::new(data, config, training, &Parameters::new())?;
        steps.restore(checkpoint)?;
        full(&mut steps, training, &everything())
    }
}

fn everything() -> [String; 1] {
    ["*".to_owned()]
}
