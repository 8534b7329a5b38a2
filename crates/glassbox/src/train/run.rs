//! Whole runs: train into a folder, go on, evaluate.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use glassbox_engine::{Graph, Parameters};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::data::{Arrangement, Dataset, Preparation, Rows, Schema, Task, TextPreparation};
use crate::generate::Sampling;
use crate::io::FileError;
use crate::practice::Verdict;
use crate::train::checkpoint::check_in_use;
use crate::train::evaluation::Evaluation;
use crate::train::event::{Ending, Event, Outcome};
use crate::train::figures::{Detail, report};
use crate::train::fit::{Fit, Fitted};
use crate::train::folder::{Environment, GraphKind, RunFolder, RunState};
use crate::train::job::{Job, TOKENS};
use crate::train::judge::judge;
use crate::train::pretrained;
use crate::train::samples::Samples;
use crate::train::trained::Model;
use crate::train::translator;
use crate::train::writer::Writer;

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

    /// Of a published model, of whose data nothing is known but how it is prepared.
    pub fn of_preparation(folder: &Path, preparation: Preparation) -> Self {
        let target = &preparation.target;
        let task = match (target.classes(), target.tags()) {
            (_, Some(tags)) => Task::Tags { tags: tags.to_vec() },
            (classes, None) => {
                Task::Classification { classes: classes.unwrap_or_default().to_vec() }
            }
        };
        DataRecord {
            source: folder.display().to_string(),
            fingerprint: String::new(),
            task,
            rows: RowCounts { train: 0, valid: 0, test: 0 },
            preparation,
            schema: None,
            notices: Vec::new(),
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

/// Epochs of which a run's sheet shows what the network sees.
#[cfg(feature = "image")]
const SHEET_EPOCHS: usize = 6;

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
        self.data.keep_tokens(&folder.file(TOKENS))?;
        if self.start.weights.is_some() {
            folder.set_start(&self.start.values)?;
        }
        pretrained::keep(&self.config, folder)?;
        self.draw_augmented(folder)?;
        folder.set_graph(GraphKind::Train, &training)?;
        folder.set_graph(GraphKind::Infer, &inference)?;
        if let Some(one) = self.graph_of_one()? {
            folder.set_graph(GraphKind::One, &one)?;
        }
        self.go_on(folder, &training, &inference, on_event, stop)
    }

    /// `samples/augmented.png`: what the network sees, where training images are changed.
    fn draw_augmented(&self, folder: &RunFolder) -> Result<(), Error> {
        #[cfg(feature = "image")]
        if !self.config.train.augment.is_empty() {
            let (list, seed) = (&self.config.train.augment, self.config.train.seed);
            let picture = crate::report::augmented(&self.data, list, SHEET_EPOCHS, seed)?;
            let samples = folder.file("samples");
            std::fs::create_dir_all(&samples).map_err(|error| {
                FileError::new(&samples, format_args!("cannot create: {error}"))
            })?;
            picture.write(&samples.join("augmented.png"))?;
        }
        #[cfg(not(feature = "image"))]
        let _ = folder;
        Ok(())
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
        let job = Job::of_run(folder)?;
        job.check_data(folder)?;
        match graphs_of(folder) {
            Ok((training, inference)) => job.go_on(folder, &training, &inference, on_event, stop),
            // Killed before the graphs were written: nothing was trained yet.
            Err(_) if folder.checkpoints().steps()?.is_empty() => job.train(folder, on_event, stop),
            Err(error) => Err(error),
        }
    }

    /// The figures of the run in `folder` on the test part (on the validation or training part where
    /// there is none); [`Evaluation`] has more.
    ///
    /// # Errors
    /// As [`Evaluation::of`].
    pub fn evaluate(folder: &RunFolder) -> Result<Outcome, Error> {
        Evaluation::of(folder)?.outcome()
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
        let options = self.config.train.options();
        let isa = options.isa.unwrap_or_else(crate::engine::Isa::detect).to_string();
        folder.set_environment(&Environment::here(isa, options.threads))?;
        let mut fit = Fit {
            name: self.model.name(),
            data: &self.data,
            config: &self.config.train,
            watch: &self.config.watch,
            loss: self.loss,
            training,
            inference,
            given: &self.start,
            samples: Samples::of(&*self.model, &self.data, self.config.train.seed)?,
            folder: Some(folder),
            on_event,
            stop,
        };
        let Fitted { finished, chosen, .. } = fit.run()?;
        let trained = Model::of(inference, chosen, DataRecord::of(&self.data))?;
        let (part, rows) = self.telling_part();
        let results = trained.results(rows)?;
        let mut outcome = self.outcome(folder, &trained, part, (&results, rows), None)?;
        outcome.seconds = finished.seconds;
        outcome.loading = Some(finished.loading).filter(|loading| loading.threads > 0);
        if finished.ending != Ending::Interrupted {
            outcome.verdict = self.verdict(folder, &trained, inference)?;
            let table = trained.table_of_results(&results, rows);
            crate::io::atomic::write(&folder.predictions(), table.as_bytes())?;
            if let Detail::Forecast { forecast } = &outcome.detail {
                let path = folder.file("forecast.csv");
                crate::io::atomic::write(&path, forecast.csv().as_bytes())?;
            }
            folder.set_outcome(&outcome)?;
            self.write_sample(folder)?;
            crate::report::write_with(folder, &outcome, Some(&self.data))?;
        }
        Ok(Ended { ending: finished.ending, outcome })
    }

    /// `samples/text.txt`: what a model of language writes, from nothing.
    fn write_sample(&self, folder: &RunFolder) -> Result<(), Error> {
        let text = self.data.preparation.inputs.text();
        let next = text.is_some_and(|text| text.arrangement == Arrangement::Next);
        if !next || self.model.decoder().is_none() {
            return Ok(());
        }
        let mut writer = Writer::load(folder.path())?;
        let how = Sampling { most: SAMPLE, temperature: 0.8, ..Sampling::default() };
        // Of a text without ends of lines, nothing says how to begin.
        let Ok(text) = writer.write("", &how, |_| ControlFlow::Continue(())) else {
            return Ok(());
        };
        let samples = folder.file("samples");
        std::fs::create_dir_all(&samples)
            .map_err(|error| FileError::new(&samples, format_args!("cannot create: {error}")))?;
        Ok(crate::io::atomic::write(&samples.join("text.txt"), text.text.as_bytes())?)
    }

    /// The part that tells most about new rows, with its name.
    pub(crate) fn telling_part(&self) -> (&'static str, &Rows) {
        let parts =
            [("test", &self.data.test), ("valid", &self.data.valid), ("train", &self.data.train)];
        let found = parts.into_iter().find(|(_, rows)| !rows.is_empty());
        found.unwrap_or(("train", &self.data.train))
    }

    /// The figures of results on rows of a part or a file; `positive` is one of two classes.
    pub(crate) fn outcome(
        &self,
        folder: &RunFolder,
        trained: &Model,
        split: &str,
        here: (&[f32], &Rows),
        positive: Option<&str>,
    ) -> Result<Outcome, Error> {
        let mut report = report(here.0, here.1, &self.data.train, self.loss)?;
        let valid = trained.results(&self.data.valid)?;
        report.choose_threshold(positive, (&valid, &self.data.valid), here)?;
        let text = self.data.preparation.inputs.text();
        let mut parts = vec![("bleu", here.1)];
        // What was learned by heart, beside what is new.
        parts.extend((split != "train").then_some(("train_bleu", &self.data.train)));
        for (name, rows) in parts {
            if let Some(bleu) = translator::bleu(&*self.model, trained.values(), text, rows)? {
                report.metrics.insert(name.into(), bleu.score);
            }
        }
        if let Some(samples) = Samples::of(&*self.model, &self.data, self.config.train.seed)? {
            report.metrics.extend(samples.figures(trained.values())?);
        }
        let loss = report.metrics.get("loss").copied();
        if let Some(nats) = text.zip(loss).and_then(|(text, loss)| by_character(text, here.1, loss))
        {
            report.metrics.insert("nats_per_character".into(), nats);
        }
        Ok(Outcome::of(folder.path().display().to_string(), split, report))
    }

    /// Whether the training in a folder overfitted, underfitted or went well; none where no loss can tell.
    pub(crate) fn verdict(
        &self,
        folder: &RunFolder,
        kept: &Model,
        inference: &Graph,
    ) -> Result<Option<Verdict>, Error> {
        if self.loss.is_adversarial() {
            return Ok(None);
        }
        let checkpoints = folder.checkpoints();
        let best = checkpoints.best_step()?;
        let end = match checkpoints.last()? {
            Some((last, _)) if best.is_some_and(|best| best != last.state.step) => {
                Some(Model::of(inference, last.weights(), DataRecord::of(&self.data))?)
            }
            _ => None,
        };
        let loss = |value: &serde_json::Value| value.as_f64();
        let validated = !self.data.valid.is_empty();
        let epoch = |line: serde_json::Value| {
            let valid = validated.then(|| loss(&line["valid"]["loss"])).flatten();
            (loss(&line["train_loss"]).unwrap_or(f64::INFINITY), valid)
        };
        let lines = crate::train::log::read(&folder.file("metrics.jsonl"))?;
        let curve: Vec<(f64, Option<f64>)> = lines.into_iter().map(epoch).collect();
        let status = folder.status()?;
        let short = status.epoch < self.config.train.epochs;
        let stopped_early = status.state == RunState::Finished && short;
        judge((&self.data, self.loss), kept, end.as_ref(), curve, stopped_early).map(Some)
    }
}

/// Of byte pairs, what a mean loss of so many nats a token is for each character, which can be compared
/// whatever the tokens are.
fn by_character(text: &TextPreparation, rows: &Rows, loss: f64) -> Option<f64> {
    if text.arrangement != Arrangement::Next || text.tokenizer.kind() != "bpe" {
        return None;
    }
    let counts = rows.token_counts()?;
    let of = |(id, count): (u32, &u64)| Some(*count * text.tokenizer.characters(id)? as u64);
    let characters: u64 = (0..).zip(&counts).filter_map(of).sum();
    let tokens: u64 = counts.iter().sum();
    (characters > 0).then(|| loss * tokens as f64 / characters as f64)
}

/// Tokens of the text that a model writes for its report.
const SAMPLE: usize = 300;

/// A run's weights must be those of its model in use, and of auxiliary heads that its training has.
pub(crate) fn check_weights(
    folder: &RunFolder,
    graph: &Graph,
    weights: &Parameters,
) -> Result<(), Error> {
    if check_in_use(graph, &[], weights).is_ok() {
        return Ok(());
    }
    let training: Vec<Graph> = folder.graph(GraphKind::Train)?;
    Ok(check_in_use(graph, &training, weights)?)
}

/// The training graphs and the inference graph that a folder holds.
pub(crate) fn graphs_of(folder: &RunFolder) -> Result<(Vec<Graph>, Graph), Error> {
    Ok((folder.graph(GraphKind::Train)?, folder.graph(GraphKind::Infer)?))
}
