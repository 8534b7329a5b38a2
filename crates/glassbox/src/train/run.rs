//! Whole runs: train into a folder, go on, evaluate.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use glassbox_engine::Graph;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::data::{Dataset, Preparation, Rows, Schema, Task};
use crate::io::FileError;
use crate::train::event::{Ending, Event, Outcome};
use crate::train::fit::{Fit, Fitted, report};
use crate::train::folder::{Environment, GraphKind, RunFolder};
use crate::train::job::Job;
use crate::train::trained::Trained;

/// `data.json`: what the rows were, and how raw rows become inputs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct DataRecord {
    pub source: String,
    pub fingerprint: String,
    pub task: Task,
    pub rows: RowCounts,
    pub preparation: Preparation,
    pub schema: Option<Schema>,
    pub notices: Vec<String>,
}

/// How many rows each part has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RowCounts {
    pub train: usize,
    pub valid: usize,
    pub test: usize,
}

impl DataRecord {
    pub fn of(data: &Dataset) -> Self {
        let rows =
            RowCounts { train: data.train.len(), valid: data.valid.len(), test: data.test.len() };
        DataRecord {
            source: data.source.clone(),
            fingerprint: data.fingerprint.clone(),
            task: data.task.clone(),
            rows,
            preparation: data.preparation.clone(),
            schema: data.schema.clone(),
            notices: data.notices.clone(),
        }
    }

    /// What a run folder remembers.
    pub fn read(folder: &RunFolder) -> Result<Self, Error> {
        let value = folder.data()?;
        serde_json::from_value(value).map_err(|error| {
            FileError::new(folder.file("data.json"), format_args!("corrupt: {error}")).into()
        })
    }
}

/// How a run ended, and how good the model is.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Why it ended.
    pub ending: Ending,
    /// Figures on the test part (on the validation or training part where there is none), by the
    /// best epoch's weights.
    pub outcome: Outcome,
}

impl Job {
    /// Trains into a new folder. `on_event` hears of everything; setting `stop` ends the run after
    /// its current step, to be resumed.
    ///
    /// # Errors
    /// Whatever is wrong with the model or the folder; a loss that is not finite. The last good
    /// checkpoint is kept.
    pub fn train(
        &self,
        folder: &RunFolder,
        on_event: &mut dyn FnMut(&Event),
        stop: &AtomicBool,
    ) -> Result<Ended, Error> {
        let (training, inference) = self.graphs()?;
        let record = serde_json::to_value(DataRecord::of(&self.data))
            .map_err(|error| FileError::new(folder.file("data.json"), error))?;
        folder.set_data(&record)?;
        folder.set_graph(GraphKind::Train, &training)?;
        folder.set_graph(GraphKind::Infer, &inference)?;
        self.go_on(folder, &training, &inference, on_event, stop)
    }

    /// Goes on with the run in `folder` from its last checkpoint, to the same bits as if it had
    /// never stopped; a run that has reached its end is only evaluated.
    ///
    /// # Errors
    /// Data that changed since; a checkpoint of another model; what [`Job::train`] reports.
    pub fn resume(
        folder: &RunFolder,
        on_event: &mut dyn FnMut(&Event),
        stop: &AtomicBool,
    ) -> Result<Ended, Error> {
        let job = Job::from_config(folder.config()?)?;
        job.check_data(folder)?;
        match graphs_of(folder) {
            Ok((training, inference)) => job.go_on(folder, &training, &inference, on_event, stop),
            // Killed before the graphs were written: nothing was trained yet.
            Err(_) if folder.checkpoints().steps()?.is_empty() => job.train(folder, on_event, stop),
            Err(error) => Err(error),
        }
    }

    /// The figures of the run in `folder` on the test part.
    pub fn evaluate(folder: &RunFolder) -> Result<Outcome, Error> {
        let job = Job::from_config(folder.config()?)?;
        job.check_data(folder)?;
        let started = std::time::Instant::now();
        let trained = Trained::load(folder.path())?;
        let mut outcome = job.outcome(folder.path(), &trained)?.0;
        outcome.seconds = started.elapsed().as_secs_f64();
        Ok(outcome)
    }

    /// The data must be what the run was trained on.
    pub(crate) fn check_data(&self, folder: &RunFolder) -> Result<(), Error> {
        let Ok(record) = DataRecord::read(folder) else { return Ok(()) };
        if record.fingerprint == self.data.fingerprint {
            return Ok(());
        }
        Err(Error::new(format!(
            "the data at {} is not what this run was trained on (fingerprint {}, then {}): put the \
             old data back, or train anew",
            self.data.source, self.data.fingerprint, record.fingerprint
        )))
    }

    fn go_on(
        &self,
        folder: &RunFolder,
        training: &[Graph],
        inference: &Graph,
        on_event: &mut dyn FnMut(&Event),
        stop: &AtomicBool,
    ) -> Result<Ended, Error> {
        let threads = self.config.train.threads.of(crate::engine::Options::default().threads);
        let isa = crate::engine::Isa::detect().to_string();
        folder.set_environment(&Environment::here(isa, threads))?;
        let given = self.given()?;
        let mut fit = Fit {
            name: self.model.name(),
            data: &self.data,
            config: &self.config.train,
            loss: self.loss,
            training,
            inference,
            given: &given,
            folder: Some(folder),
            on_event,
            stop,
        };
        let Fitted { finished, chosen, .. } = fit.run()?;
        let trained = Trained::of(inference, chosen, DataRecord::of(&self.data))?;
        let (mut outcome, results, rows) = self.outcome(folder.path(), &trained)?;
        outcome.seconds = finished.seconds;
        if finished.ending != Ending::Interrupted {
            let table = trained.table_of_results(&results, rows);
            crate::io::atomic::write(&folder.predictions(), table.as_bytes())?;
            folder.set_outcome(&outcome)?;
            crate::report::write(folder, &outcome)?;
        }
        Ok(Ended { ending: finished.ending, outcome })
    }

    /// The figures on the part that tells most, with the results and the rows.
    fn outcome(&self, run: &Path, trained: &Trained) -> Result<(Outcome, Vec<f32>, &Rows), Error> {
        let parts =
            [("test", &self.data.test), ("valid", &self.data.valid), ("train", &self.data.train)];
        let found = parts.into_iter().find(|(_, rows)| !rows.is_empty());
        let (split, rows) = found.unwrap_or(("train", &self.data.train));
        let results = trained.results(rows)?;
        let report = report(&results, rows, &self.data.train, self.loss);
        let outcome = Outcome {
            run: run.display().to_string(),
            split: split.to_string(),
            rows: rows.len(),
            seconds: 0.0,
            metrics: report.metrics,
            baseline: report.baseline,
        };
        Ok((outcome, results, rows))
    }
}

/// The training graphs and the inference graph that a folder holds.
pub(crate) fn graphs_of(folder: &RunFolder) -> Result<(Vec<Graph>, Graph), Error> {
    Ok((folder.graph(GraphKind::Train)?, folder.graph(GraphKind::Infer)?))
}
