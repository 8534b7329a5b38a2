//! A training of word vectors as a run: configuration, folder, checkpoints, events.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use glassbox_engine::{Array, Isa, Parameters};
use serde::{Deserialize, Serialize};

use super::corpus::Corpus;
use super::folder::{self, INPUT, OUTPUT};
use super::settings::Settings;
use super::training::{Loss, Training};
use crate::Error;
use crate::data::text_of;
use crate::io::FileError;
use crate::nn::{Optimizer, Schedule};
use crate::train::Ended;
use crate::train::checkpoint::{Checkpoint, Checkpoints};
use crate::train::config::{ConfigError, ConfigProblem, ModelKind, RunConfig};
use crate::train::event::{
    Alert, Ending, Epoch, Event, Finished, Loading, Metrics, Outcome, Started, Step, Words,
};
use crate::train::folder::{Environment, RunFolder, RunState, Status};
use crate::train::log::Log;
use crate::train::state::{Exact, LogOffsets, TrainState};
use crate::train::summary::Structure;
use crate::zoo::Wanted;

/// The loss of whom nothing was learned from is this much of a coin's for each guess, at least.
const LITTLE: f64 = 0.97;

/// `data.json` of a run of word vectors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TextRecord {
    /// Where the text came from.
    pub source: String,
    /// What it was.
    pub fingerprint: String,
    /// Its words, the rare ones included.
    pub words: u64,
    /// Those that are learned from in one pass, before frequent ones are left out by chance.
    pub kept: u64,
    /// How many different ones have a vector.
    pub vocabulary: u64,
    /// How many sentences there are.
    pub sentences: u64,
}

/// A line of `metrics.jsonl`.
#[derive(Serialize)]
struct Line {
    epoch: u64,
    step: u64,
    train_loss: Exact,
    /// Nothing is held back: what was learned from is all there is to judge by.
    valid: Metrics,
    seconds: f64,
}

/// A training of word vectors that is ready to begin: what [`train::Job`](crate::train::Job) is to
/// networks.
///
/// ```
/// use std::sync::atomic::AtomicBool;
/// use glassbox::train::folder::RunFolder;
/// use glassbox::word2vec::{Job, WordVectors};
/// let given = ["model.kind=word2vec", "train.epochs=1", "model.dimensions=16"].map(String::from);
/// let job = Job::new("sentences", |defaults| defaults.set(&given))?;
/// let place = tempfile::tempdir().unwrap();
/// let folder = RunFolder::create_at(&place.path().join("run"), &job.config)?;
/// let ended = job.train(&folder, &mut |_| {}, &AtomicBool::new(false))?;
/// assert!(ended.outcome.metrics["loss"] < ended.outcome.baseline["loss"]);
/// assert_eq!(WordVectors::of_run(&folder)?.dimensions(), 16);
/// # Ok::<(), glassbox::Error>(())
/// ```
pub struct Job {
    /// Everything that decides the run's numbers.
    pub config: RunConfig,
    /// The same as the training is told it.
    pub settings: Settings,
    /// The text.
    pub corpus: Corpus,
    record: TextRecord,
}

impl Job {
    /// Reads the text of a configuration; `configure` (a file, flags) has the last word on the defaults.
    ///
    /// # Errors
    /// Settings that mean nothing to word vectors or cannot be meant, all at once; a text without
    /// words.
    pub fn new(
        path: &str,
        configure: impl Fn(&RunConfig) -> Result<RunConfig, ConfigError>,
    ) -> Result<Self, Error> {
        let mut suggested = configure(&RunConfig::new(path))?;
        let usual = Settings::of(suggested.model.choices.architecture);
        suggested.train.epochs = usual.epochs;
        suggested.train.optimizer = Optimizer::GRADIENT_DESCENT.with_lr(usual.rate);
        suggested.train.schedule = Schedule::Linear { hold: usual.hold };
        let job = Job::from_config(configure(&suggested)?)?;
        let rate = job.settings.rate_for(job.corpus.len() as u64);
        suggested.train.optimizer = Optimizer::GRADIENT_DESCENT.with_lr(rate);
        let config = configure(&suggested)?;
        Ok(Job { settings: Settings::from_config(&config), config, ..job })
    }

    /// The run of a complete configuration.
    ///
    /// # Errors
    /// As those of [`new`](Self::new).
    pub fn from_config(config: RunConfig) -> Result<Self, Error> {
        let settings = Settings::from_config(&config);
        let mut problems = meaningless(&config);
        if let Err(error) = settings.check() {
            problems.extend(error.to_string().lines().map(str::to_owned));
        }
        if !problems.is_empty() {
            let problem = |message| ConfigProblem { place: String::new(), message };
            let problems = problems.into_iter().map(problem).collect();
            return Err(ConfigError { path: None, problems }.into());
        }
        let path = &config.data.path;
        let (text, fingerprint) = text_of(path)?;
        let corpus = Corpus::of_text(&text, Path::new(path), settings.min_count)?;
        let record = TextRecord {
            source: path.clone(),
            fingerprint,
            words: corpus.total,
            kept: corpus.len() as u64,
            vocabulary: corpus.vocabulary.len() as u64,
            sentences: corpus.sentences() as u64,
        };
        Ok(Job { config, settings, corpus, record })
    }

    /// Numbers that are learned: both tables.
    pub fn parameters(&self) -> u64 {
        2 * self.record.vocabulary * self.settings.dimensions as u64
    }

    /// What both tables are as a model: the score of every word where others stand around.
    ///
    /// # Errors
    /// Tables that are too large.
    pub fn structure(&self) -> Result<Structure, Error> {
        let (words, window) = (self.corpus.vocabulary.len(), 2 * self.settings.window);
        let wanted = Wanted {
            row: &[window],
            tokens: Some(words),
            source: 0,
            outputs: words,
            every_place: false,
            own_places: false,
            ahead: false,
            classes: 0,
            padding: None,
        };
        match self.config.model.kind {
            ModelKind::Named(named) => {
                let model = named.build_for(&self.config.model.choices, &wanted);
                Structure::of_model(&*model, &[window])
            }
            ModelKind::Mlp | ModelKind::Network => Err(Error::new("is of no word vectors")),
        }
    }

    /// Trains into a new folder. `on_event` hears of everything; setting `stop` ends the run after its
    /// current step, to be resumed.
    ///
    /// # Errors
    /// A folder that cannot be written; numbers that are no longer finite.
    pub fn train(
        &self,
        folder: &RunFolder,
        on_event: &mut dyn FnMut(&Event),
        stop: &AtomicBool,
    ) -> Result<Ended, Error> {
        let record = serde_json::to_value(&self.record)
            .map_err(|error| FileError::new(folder.file("data.json"), error))?;
        folder.set_data(&record)?;
        folder::write_vocabulary(folder, &self.corpus.vocabulary)?;
        self.go_on(folder, on_event, stop)
    }

    /// Goes on with the run in a folder, to the same bits.
    ///
    /// # Errors
    /// A text that is gone or has changed, and what [`train`](Self::train) meets.
    pub fn resume(
        folder: &RunFolder,
        on_event: &mut dyn FnMut(&Event),
        stop: &AtomicBool,
    ) -> Result<Ended, Error> {
        let job = Job::from_config(folder.config()?)?;
        if !folder.file("data.json").exists() || !folder::is_of_words(folder) {
            // It ended before it had written what it begins with.
            return job.train(folder, on_event, stop);
        }
        let before = folder::record(folder)?;
        if before.fingerprint != job.record.fingerprint {
            let problem = "has changed since the run began: put the text back, or train anew";
            return Err(FileError::new(&job.record.source, problem).into());
        }
        job.go_on(folder, on_event, stop)
    }

    fn go_on(
        &self,
        folder: &RunFolder,
        on_event: &mut dyn FnMut(&Event),
        stop: &AtomicBool,
    ) -> Result<Ended, Error> {
        let options = self.config.train.options();
        let isa = options.isa.unwrap_or_else(Isa::detect);
        folder.set_environment(&Environment::here(isa.to_string(), options.threads))?;
        let training = Training::new(&self.corpus, &self.settings, options.threads, Some(isa))?;
        let mut run = Run {
            job: self,
            folder,
            checkpoints: folder.checkpoints_for_training()?,
            training,
            state: TrainState {
                seed: self.settings.seed,
                instruction_set: isa.to_string(),
                threads: options.threads,
                ..TrainState::default()
            },
            on_event,
            saved: Instant::now(),
            begun: Instant::now(),
            begun_at: 0,
        };
        let result = run.run(stop);
        if let Err(error) = &result {
            let mut status = Status::now(RunState::Failed, run.state.step, run.state.epoch);
            status.message = Some(error.to_string());
            folder.set_status(&status)?;
        }
        let (finished, loss) = result?;
        let mut outcome = Outcome {
            run: folder.path().display().to_string(),
            split: "train".to_owned(),
            rows: self.corpus.total as usize,
            seconds: finished.seconds,
            ..Outcome::default()
        };
        outcome.metrics.insert("loss".to_owned(), loss);
        outcome.baseline.insert("loss".to_owned(), self.coins());
        if finished.ending == Ending::Done {
            folder.set_outcome(&outcome)?;
            crate::report::write_words(folder, &outcome)?;
        }
        Ok(Ended { ending: finished.ending, outcome })
    }

    /// The loss of who throws a coin for the word that is there and for each that is not.
    fn coins(&self) -> f64 {
        (1 + self.settings.negative) as f64 * std::f64::consts::LN_2
    }

    /// What there is to tell before the first step.
    fn facts(&self) -> Words {
        let TextRecord { words, kept, vocabulary, sentences, .. } = self.record;
        let Settings { architecture, dimensions, window, negative, rate, .. } = self.settings;
        let cbow = architecture.word() == "cbow";
        Words {
            words,
            kept,
            vocabulary,
            sentences,
            cbow,
            dimensions,
            window,
            negative,
            rate,
            touched: super::Touched::of(vocabulary, dimensions as u64, negative as u64),
        }
    }
}

/// What is asked for that word vectors have no use for.
fn meaningless(config: &RunConfig) -> Vec<String> {
    let (asked, mut plain) = (config, RunConfig::new(config.data.path.clone()));
    plain.model = asked.model.clone();
    plain.model.parameters.clear();
    plain.train.schedule = match asked.train.schedule {
        line @ Schedule::Linear { .. } => line,
        _ => Schedule::Linear { hold: 0.0 },
    };
    plain.train.optimizer = Optimizer::GRADIENT_DESCENT.with_lr(asked.train.optimizer.lr());
    plain.train.epochs = asked.train.epochs;
    plain.train.seed = asked.train.seed;
    plain.train.threads = asked.train.threads;
    plain.train.instructions = asked.train.instructions;
    plain.train.checkpoint_every = asked.train.checkpoint_every;
    let [asked, plain] =
        [asked, &plain].map(|config| serde_json::to_value(config).unwrap_or_default());
    let mut found = Vec::new();
    for (section, settings) in asked.as_object().into_iter().flatten() {
        for (name, value) in settings.as_object().into_iter().flatten() {
            if plain[section][name] == *value {
                continue;
            }
            found.push(match (section.as_str(), name.as_str()) {
                ("train", "optimizer") => {
                    "`train.optimizer`: word2vec steps along plain gradients, `gradient_descent` \
                     without more; its rate is `lr`"
                        .to_owned()
                }
                ("train", "schedule") => {
                    "`train.schedule`: word2vec's rate falls in a line, `linear`".to_owned()
                }
                ("data", "series") => {
                    "`data.series` means nothing to word2vec; the words around that it looks at \
                     are `model.window`"
                        .to_owned()
                }
                _ => format!("`{section}.{name}` means nothing to word2vec: leave it out"),
            });
        }
    }
    found
}

/// A training on its way.
struct Run<'a> {
    job: &'a Job,
    folder: &'a RunFolder,
    checkpoints: Checkpoints,
    training: Training<'a>,
    state: TrainState,
    on_event: &'a mut dyn FnMut(&Event),
    saved: Instant,
    begun: Instant,
    /// Steps that were done when this process began.
    begun_at: u64,
}

impl Run<'_> {
    /// All steps that are left; how it ended, and the loss of the last whole epoch.
    fn run(&mut self, stop: &AtomicBool) -> Result<(Finished, f64), Error> {
        let warnings = self.restore()?;
        let (mut metrics, mut alerts) = self.folder.logs(self.state.logs)?;
        self.set_status(RunState::Running)?;
        self.started();
        for message in warnings {
            self.alert(&mut alerts, message)?;
        }
        (self.begun, self.saved) = (Instant::now(), Instant::now());
        let mut epoch_begun = Instant::now();
        let mut ending = Ending::Done;
        let every = self.job.config.train.checkpoint_every;
        while self.training.done() < self.training.steps() {
            let loss = self.training.step()?;
            self.note(loss)?;
            if self.state.position == self.training.steps_of_epoch(self.state.epoch) {
                self.end_epoch(&mut metrics, epoch_begun.elapsed().as_secs_f64())?;
                epoch_begun = Instant::now();
            }
            if stop.load(Ordering::Relaxed) && self.training.done() < self.training.steps() {
                ending = Ending::Interrupted;
                break;
            }
            if self.saved.elapsed().as_secs_f64() >= every {
                self.save(&metrics, &alerts)?;
            }
        }
        let log = self.folder.file("metrics.jsonl");
        let lines = crate::train::log::read(&log)?;
        let last = lines.last().and_then(|line| line["train_loss"].as_f64());
        let loss = last.unwrap_or(f64::NAN);
        let new = self.state.step > self.begun_at;
        if new && ending == Ending::Done && loss > LITTLE * self.job.coins() {
            self.alert(
                &mut alerts,
                format!(
                    "little was learned: the loss is {loss:.3}, and a coin thrown for each guess \
                     costs {:.3}. Try more epochs, a higher rate, or more text",
                    self.job.coins()
                ),
            )?;
        }
        self.save(&metrics, &alerts)?;
        let state = match ending {
            Ending::Interrupted => RunState::Interrupted,
            Ending::Done | Ending::StoppedEarly => RunState::Finished,
        };
        self.set_status(state)?;
        let finished = Finished {
            ending,
            step: self.state.step,
            epoch: self.state.epoch,
            best_step: None,
            seconds: self.begun.elapsed().as_secs_f64(),
            loading: Loading::default(),
        };
        (self.on_event)(&Event::Finished(finished.clone()));
        Ok((finished, loss))
    }

    /// Goes back to the last checkpoint, if there is one; what is to be said of it.
    fn restore(&mut self) -> Result<Vec<String>, Error> {
        let Some((checkpoint, mut warnings)) = self.checkpoints.last()? else {
            return Ok(Vec::new());
        };
        let Checkpoint { state, model, .. } = checkpoint;
        let of = |path: &str| model.get(path).and_then(Array::as_f32).unwrap_or_default();
        self.training.resume(state.step, of(INPUT), of(OUTPUT))?;
        let (here, there) = (self.state.instruction_set.clone(), state.instruction_set.clone());
        if here != there {
            warnings.push(format!(
                "the run was computed with {there} instructions and goes on with {here}: its numbers \
                 may differ in their last digits from an uninterrupted run's"
            ));
        }
        let threads = self.state.threads;
        self.state = TrainState { instruction_set: here, threads, ..state };
        self.begun_at = self.state.step;
        Ok(warnings)
    }

    fn started(&mut self) {
        let job = self.job;
        (self.on_event)(&Event::Started(Started {
            model: "word2vec".to_owned(),
            parameters: job.parameters(),
            bytes: self.training.bytes(),
            device: "cpu".to_owned(),
            threads: self.training.threads(),
            seed: job.settings.seed,
            epochs: job.settings.epochs,
            choices: None,
            words: Some(job.facts()),
            notices: Vec::new(),
        }));
    }

    /// Counts a step, and tells of it.
    fn note(&mut self, loss: Loss) -> Result<(), Error> {
        if !loss.sum.is_finite() {
            return Err(self.not_finite());
        }
        self.state.step += 1;
        self.state.position += 1;
        for (name, add) in [("loss", loss.sum), ("guesses", loss.guesses as f64)] {
            self.state.sums.entry(name.to_owned()).or_default().0 += add;
        }
        let fraction =
            self.state.position as f64 / self.training.steps_of_epoch(self.state.epoch) as f64;
        let event = Event::Step(Step {
            step: self.state.step,
            epoch: self.state.epoch + 1,
            epochs: self.job.settings.epochs,
            fraction,
            loss: self.loss(),
            rows_per_second: self.words_per_second(),
            remaining: self.remaining(),
        });
        (self.on_event)(&event);
        Ok(())
    }

    fn not_finite(&self) -> Error {
        let rate = self.job.settings.rate;
        Error::new(format!(
            "the numbers are no longer finite in step {}: take a rate lower than {rate}, such as {}",
            self.state.step + 1,
            rate / 10.0
        ))
    }

    /// The mean loss of a guess in this epoch.
    fn loss(&self) -> f64 {
        let sum = |name: &str| self.state.sums.get(name).map_or(0.0, |sum| sum.0);
        sum("loss") / sum("guesses").max(1.0)
    }

    fn words_per_second(&self) -> f64 {
        let share = (self.state.step - self.begun_at) as f64 / self.training.steps() as f64;
        let words = self.job.corpus.total as f64 * self.job.settings.epochs as f64;
        share * words / self.begun.elapsed().as_secs_f64().max(1e-9)
    }

    fn remaining(&self) -> Option<f64> {
        let done = self.state.step - self.begun_at;
        let left = self.training.steps() - self.state.step;
        (done > 0).then(|| self.begun.elapsed().as_secs_f64() / done as f64 * left as f64)
    }

    fn end_epoch(&mut self, metrics: &mut Log, seconds: f64) -> Result<(), Error> {
        let train_loss = self.loss();
        self.state.epoch += 1;
        self.state.position = 0;
        self.state.sums.clear();
        let (epoch, step) = (self.state.epoch, self.state.step);
        let valid = Metrics::from([("loss".to_owned(), train_loss)]);
        metrics.append(&Line { epoch, step, train_loss: Exact(train_loss), valid, seconds })?;
        let event = Event::Epoch(Epoch {
            epoch,
            epochs: self.job.settings.epochs,
            step,
            train_loss,
            valid_loss: None,
            metrics: Metrics::new(),
            rows_per_second: self.words_per_second(),
            seconds,
            remaining: self.remaining(),
        });
        (self.on_event)(&event);
        Ok(())
    }

    fn save(&mut self, metrics: &Log, alerts: &Log) -> Result<(), Error> {
        let shape = [self.job.corpus.vocabulary.len(), self.job.settings.dimensions];
        let mut model = Parameters::new();
        for (path, values) in [(INPUT, self.training.input()), (OUTPUT, self.training.output())] {
            if values.iter().any(|x| !x.is_finite()) {
                return Err(self.not_finite());
            }
            model.insert(path, Array::new(shape, values).map_err(Error::new)?);
        }
        let offsets = (metrics.synced_offset()?, alerts.synced_offset()?);
        self.state.logs = LogOffsets { metrics: offsets.0, alerts: offsets.1, watch: 0 };
        self.checkpoints.save(&self.state, &model, &Parameters::new())?;
        self.saved = Instant::now();
        (self.on_event)(&Event::Checkpoint { step: self.state.step, best: false });
        Ok(())
    }

    fn alert(&mut self, log: &mut Log, message: String) -> Result<(), Error> {
        let alert = Alert { step: self.state.step, place: String::new(), message, alarm: None };
        log.append(&alert)?;
        (self.on_event)(&Event::Alert(alert));
        Ok(())
    }

    fn set_status(&self, state: RunState) -> Result<(), Error> {
        Ok(self.folder.set_status(&Status::now(state, self.state.step, self.state.epoch))?)
    }
}
