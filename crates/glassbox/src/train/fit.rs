//! The loop: steps, epochs, validation, early stopping, checkpoints, events.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use glassbox_engine::{Array, Graph, Parameters, Tensor};
use serde::Serialize;

use crate::Error;
use crate::data::{Dataset, ImageFacts, Role, Rows};
use crate::nn::Loss;
use crate::train::checkpoint::{Checkpoint, Checkpoints};
use crate::train::config::{Stop, TrainConfig, WatchConfig};
use crate::train::evaluate::{Predictor, divergences, score};
use crate::train::event::{self, Ending, Event, Finished, Metrics, more_is_better};
use crate::train::folder::{RunFolder, RunState, Status};
use crate::train::job::objective;
use crate::train::log::Log;
use crate::train::samples::{self, Samples};
use crate::train::start::Start;
use crate::train::state::{Best, Exact, LogOffsets};
use crate::train::steps::Steps;
use crate::watch::look::{Look, Watch, activations};
use crate::watch::{Alarm, Course, NotFinite, Replay};

/// Training rows that stand for held-out ones after an epoch, where there are none. On all rows the figures would
/// take a quarter of the time.
const SHOWN: usize = 5_000;

/// What the loop is given.
pub(crate) struct Fit<'a> {
    pub name: &'a str,
    pub data: &'a Dataset,
    pub config: &'a TrainConfig,
    pub watch: &'a WatchConfig,
    pub loss: Loss,
    pub training: &'a [Graph],
    pub inference: &'a Graph,
    pub given: &'a Start,
    /// Of a model that makes new rows.
    pub samples: Option<Samples>,
    /// Where the run is kept, if it is.
    pub folder: Option<&'a RunFolder>,
    pub on_event: &'a mut dyn FnMut(&Event),
    /// Set by somebody else to stop after the current step.
    pub stop: &'a AtomicBool,
}

/// What the loop leaves.
pub(crate) struct Fitted {
    pub finished: Finished,
    pub history: Vec<event::Epoch>,
    /// Where training stood at the end.
    pub last: Checkpoint,
    /// The weights to use: those of the best epoch, or the last.
    pub chosen: Parameters,
    pub alerts: Vec<event::Alert>,
}

/// One line of `metrics.jsonl`.
#[derive(Serialize)]
struct LogLine<'a> {
    epoch: u64,
    step: u64,
    train_loss: Exact,
    valid: &'a Metrics,
    seconds: f64,
}

struct Run<'a, 'b> {
    fit: &'b mut Fit<'a>,
    steps: Steps<'a>,
    watch: Watch<'a>,
    course: Course,
    predictor: Predictor,
    disk: Option<Disk>,
    /// The best epoch's checkpoint, until it is on the disk.
    best: Option<Checkpoint>,
    /// Without a folder: where a replay can begin.
    kept: Option<Checkpoint>,
    kept_at: Instant,
    chosen: Option<Parameters>,
    history: Vec<event::Epoch>,
    alerts: Vec<event::Alert>,
    started: Instant,
    epoch_started: Instant,
    epoch_rows: usize,
    /// Epochs that were over when this process began.
    resumed_at: u64,
}

/// The run folder's open files.
struct Disk {
    checkpoints: Checkpoints,
    metrics: Log,
    alerts: Log,
    watch: Log,
    saved: Instant,
    saved_step: Option<u64>,
}

impl<'a> Fit<'a> {
    /// Trains from the start, or from the folder's last checkpoint if it has one.
    pub fn run(&mut self) -> Result<Fitted, Error> {
        let mut reached = (0, 0);
        let result = self.train(&mut reached);
        if let (Err(error), Some(folder)) = (&result, self.folder) {
            let mut status = Status::now(RunState::Failed, reached.0, reached.1);
            status.message = Some(error.to_string());
            folder.set_status(&status)?;
        }
        result
    }

    /// Trains; `reached` is set to the steps and epochs there are at the end, however it comes.
    fn train(&mut self, reached: &mut (u64, u64)) -> Result<Fitted, Error> {
        let mut steps = Steps::new(self.data, self.config, self.training, &self.given.values)?;
        let predictor = Predictor::new(&mut steps.session, self.inference)?;
        let course = Course::new(&self.data.train, &steps, self.loss, self.config);
        let now = Instant::now();
        let mut run = Run {
            watch: Watch::new(self.watch, self.training),
            course,
            fit: self,
            steps,
            predictor,
            disk: None,
            best: None,
            kept: None,
            kept_at: now,
            chosen: None,
            history: Vec::new(),
            alerts: Vec::new(),
            started: now,
            epoch_started: now,
            epoch_rows: 0,
            resumed_at: 0,
        };
        let result = run.open().and_then(|()| run.all());
        *reached = (run.steps.state.step, run.steps.state.epoch);
        result
    }
}

impl Run<'_, '_> {
    /// Opens the folder's logs and checkpoints, and goes on from the last one if there is one.
    fn open(&mut self) -> Result<(), Error> {
        let Some(folder) = self.fit.folder else { return Ok(()) };
        let checkpoints = folder.checkpoints_for_training()?;
        let mut warnings = Vec::new();
        if let Some((checkpoint, found)) = checkpoints.last()? {
            warnings = found;
            let here = self.steps.state.instruction_set.clone();
            let there = &checkpoint.state.instruction_set;
            if here != *there {
                warnings.push(format!(
                    "the run was computed with {there} instructions and goes on with {here}: its \
                     numbers may differ in their last digits from an uninterrupted run's"
                ));
            }
            self.steps.restore(&checkpoint)?;
            self.resumed_at = self.steps.state.epoch;
            match self.steps.state.best.as_ref().map(|best| best.step) {
                Some(step) if step == checkpoint.state.step => {
                    self.chosen = Some(checkpoint.weights())
                }
                Some(step) => match checkpoints.load(step) {
                    Ok(best) => self.chosen = Some(best.weights()),
                    // Gone with a newer checkpoint that cannot be read: the best of what follows
                    // is better than no run at all.
                    Err(error) => {
                        warnings.push(error.to_string());
                        self.steps.state.best = None;
                    }
                },
                None => {}
            }
        }
        if let Some(samples) = &mut self.fit.samples {
            samples.resume(folder, self.steps.state.epoch);
        }
        let offsets = self.steps.state.logs;
        let (metrics, alerts) = folder.logs(offsets)?;
        let watch = folder.watch_log(offsets.watch)?;
        let saved = Instant::now();
        self.disk = Some(Disk { checkpoints, metrics, alerts, watch, saved, saved_step: None });
        self.set_status(RunState::Running)?;
        for message in warnings {
            self.alert(String::new(), message, None)?;
        }
        Ok(())
    }

    fn all(&mut self) -> Result<Fitted, Error> {
        let config = self.fit.config;
        let (mut notices, mut choices) =
            (self.fit.data.notices.clone(), Some(Box::new(self.choices())));
        if self.resumed_at > 0 || self.steps.state.position > 0 {
            notices.clear();
            choices = None;
        }
        notices.extend(self.fit.data.images.as_ref().map(ImageFacts::speed));
        let parameters = self.fit.training[0].parameters();
        let parameters = parameters.iter().map(|(_, t)| t.elements() as u64).sum();
        (self.fit.on_event)(&Event::Started(event::Started {
            model: self.fit.name.to_string(),
            parameters,
            bytes: self.steps.session.bytes() as u64,
            device: "cpu".to_string(),
            threads: self.steps.session.threads(),
            seed: config.seed,
            epochs: config.epochs,
            choices,
            words: None,
            notices,
        }));
        self.epoch_started = Instant::now();
        let mut ending = Ending::Done;
        while self.steps.state.epoch < config.epochs && !self.patience_is_over() {
            let (loss, rows, look) = match self.watch.is_due(&mut self.steps)? {
                true => self.watch.step(&mut self.steps).map(|(l, r, look)| (l, r, Some(look)))?,
                false => self.steps.step().map(|(loss, rows)| (loss, rows, None))?,
            };
            if !loss.is_finite() {
                return Err(self.not_finite(format!("the loss became {loss}")));
            }
            self.epoch_rows += rows;
            self.steps.note_loss(loss, self.fit.loss);
            self.tell_step();
            self.raise(loss, rows, look)?;
            if self.steps.finish_epoch() {
                self.end_epoch()?;
            }
            if self.fit.stop.load(Ordering::Relaxed) {
                ending = Ending::Interrupted;
                break;
            }
            let due = |disk: &Disk| disk.saved.elapsed().as_secs_f64() >= config.checkpoint_every;
            if self.disk.as_ref().is_some_and(due) {
                self.save()?;
            }
            self.keep();
        }
        if ending == Ending::Done && self.steps.state.epoch < config.epochs {
            ending = Ending::StoppedEarly;
        }
        self.save()?;
        let state = match ending {
            Ending::Interrupted => RunState::Interrupted,
            Ending::Done | Ending::StoppedEarly => RunState::Finished,
        };
        self.set_status(state)?;
        let finished = Finished {
            ending,
            step: self.steps.state.step,
            epoch: self.steps.state.epoch,
            best_step: self.steps.state.best.as_ref().map(|best| best.step),
            seconds: self.started.elapsed().as_secs_f64(),
            loading: self.steps.loading(self.started.elapsed().as_secs_f64()),
        };
        (self.fit.on_event)(&Event::Finished(finished.clone()));
        let (model, optimizer) = self.steps.values();
        let chosen = self.chosen.take().unwrap_or_else(|| self.steps.weights());
        let last = Checkpoint { state: self.steps.state.clone(), model, optimizer };
        let history = std::mem::take(&mut self.history);
        let alerts = std::mem::take(&mut self.alerts);
        Ok(Fitted { finished, history, last, chosen, alerts })
    }

    /// Records a look, and raises the alarms that the step gives reason for.
    fn raise(&mut self, loss: f64, rows: usize, look: Option<Look>) -> Result<(), Error> {
        let state = &mut self.steps.state;
        let alarm = state.alarms.step(&self.course, state.step, loss, rows);
        let mut found: Vec<(String, Alarm)> = Vec::new();
        if let Some(mut look) = look {
            found = state.alarms.look(&self.course, &look, rows);
            self.watch.keep(&mut look.statistics);
            if let Some(disk) = &mut self.disk {
                disk.watch.append(&look.statistics)?;
            }
            (self.fit.on_event)(&Event::Watched(Box::new(look.statistics)));
        }
        found.extend(alarm.map(|alarm| (String::new(), alarm)));
        found.into_iter().try_for_each(|(place, a)| self.alert(place, a.to_string(), Some(a)))
    }

    /// Without a folder, remembers where a replay can begin as often as a folder's run is saved.
    fn keep(&mut self) {
        let due = self.kept_at.elapsed().as_secs_f64() >= self.fit.config.checkpoint_every;
        if self.disk.is_none() && due {
            let (model, optimizer) = self.steps.values();
            if not_finite_in(&model).or(not_finite_in(&optimizer)).is_none() {
                let state = self.steps.state.clone();
                self.kept = Some(Checkpoint { state, model, optimizer });
            }
            self.kept_at = Instant::now();
        }
    }

    /// What was inferred and chosen.
    fn choices(&self) -> event::Choices {
        let (data, config) = (self.fit.data, self.fit.config);
        let target = &data.preparation.target;
        let mut columns: Vec<(String, Vec<String>)> = Vec::new();
        let inputs = data.schema.iter().flat_map(|schema| &schema.columns);
        for column in inputs.filter(|column| column.role == Role::Input) {
            let kind = column.kind.word();
            match columns.iter_mut().find(|(known, _)| known == kind) {
                Some((_, names)) => names.push(column.name.clone()),
                None => columns.push((kind.to_string(), vec![column.name.clone()])),
            }
        }
        let stop = config.stop.as_ref().filter(|_| !data.valid.is_empty());
        let graph = &self.fit.training[0];
        let is_frozen = |(path, _): &(String, Tensor<'_>)| {
            let (new, held) = (graph.current(path), graph.state(path));
            new.zip(held).is_some_and(|(new, held)| new.value() == held.value())
        };
        let frozen: Vec<(String, Tensor<'_>)> =
            graph.parameters().into_iter().filter(is_frozen).collect();
        let of_row = |(name, tensor): (String, Tensor<'_>)| {
            (name, tensor.shape().sizes().get(1..).unwrap_or_default().to_vec())
        };
        let weights = data.schema.iter().flat_map(|schema| &schema.columns);
        let weights = weights.into_iter().find(|column| column.role == Role::Weight);
        let weights = weights.map(|column| column.name.clone()).unwrap_or_default();
        event::Choices {
            outputs: match target.outputs() {
                _ if target.tokens().is_some() || data.train.forecasts().is_some() => Vec::new(),
                1 => Vec::new(),
                _ => target.output_names().iter().map(ToString::to_string).collect(),
            },
            layers: activations(graph).into_iter().map(of_row).collect(),
            row_weights: data.train.is_weighted().then_some(weights),
            class_weights: objective(self.fit.loss, config, data).class_weights,
            weights: self.fit.given.weights.clone(),
            frozen_numbers: frozen.iter().map(|(_, tensor)| tensor.elements() as u64).sum(),
            frozen: frozen.into_iter().map(|(path, _)| path).collect(),
            rows: [data.train.len(), data.valid.len(), data.test.len()],
            target: target.name.clone(),
            classes: target.classes().unwrap_or_default().to_vec(),
            columns,
            shape: data.input.shape.clone(),
            tokens: data.preparation.inputs.text().map(|text| text.tokenizer.vocabulary()),
            loss: self.fit.loss.symbol().to_string(),
            optimizer: config.optimizer.kind().to_string(),
            rate: config.optimizer.lr(),
            schedule: config.schedule.word().to_string(),
            augment: config.augment.iter().map(ToString::to_string).collect(),
            batch: self.steps.rows_a_step(),
            stop: stop.map(|stop| (stop.metric.clone(), stop.patience)),
        }
    }

    fn patience_is_over(&self) -> bool {
        let stop = self.fit.config.stop.as_ref();
        !self.fit.data.valid.is_empty()
            && !self.fit.loss.is_adversarial()
            && stop.is_some_and(|s| self.steps.state.epochs_without_improvement >= s.patience)
    }

    /// The error of numbers that left the scale; what was good until then is on the disk after it.
    fn not_finite(&mut self, what: String) -> Error {
        if let Err(error) = self.save_best() {
            return error;
        }
        let kept = self.disk.as_ref().and_then(|d| d.checkpoints.steps().ok()?.pop());
        let state = &self.steps.state;
        let (step, epoch) = (state.step, state.epoch + 1);
        let from = match (&self.disk, kept) {
            (Some(disk), Some(step)) => disk.checkpoints.load(step).ok(),
            _ => self.kept.take(),
        };
        let first = Replay {
            data: self.fit.data,
            config: self.fit.config,
            graphs: self.fit.training,
            given: &self.fit.given.values,
            from,
            until: step,
            stop: self.fit.stop,
        }
        .first();
        let rate = self.fit.config.optimizer.lr();
        // What went wrong is told even where its beginning cannot be found.
        let first = first.ok().flatten();
        Error::NotFinite(Box::new(NotFinite { what, step, epoch, kept, rate, first }))
    }

    fn tell_step(&mut self) {
        let (state, config) = (&self.steps.state, self.fit.config);
        let fraction = state.position as f64 / self.steps.steps_an_epoch() as f64;
        let event = Event::Step(event::Step {
            step: state.step,
            epoch: state.epoch + 1,
            epochs: config.epochs,
            fraction,
            loss: self.steps.epoch_loss(self.fit.loss),
            rows_per_second: self.rows_per_second(),
            remaining: self.remaining(fraction),
        });
        (self.fit.on_event)(&event);
    }

    fn rows_per_second(&self) -> f64 {
        self.epoch_rows as f64 / self.epoch_started.elapsed().as_secs_f64().max(1e-9)
    }

    /// Seconds to the end of the last epoch, from the pace of this process.
    fn remaining(&self, fraction: f64) -> Option<f64> {
        let epoch = self.steps.state.epoch as f64;
        let done = epoch - self.resumed_at as f64 + fraction;
        let left = self.fit.config.epochs as f64 - epoch - fraction;
        (done > 0.0).then(|| self.started.elapsed().as_secs_f64() / done * left)
    }

    /// The figures of an epoch, whether it is the best, and its line in the log.
    fn end_epoch(&mut self) -> Result<(), Error> {
        let train_loss = self.steps.epoch_loss(self.fit.loss);
        self.steps.state.sums.clear();
        let valid = &self.fit.data.valid;
        let shown = match valid.is_empty() {
            true => evenly(&self.fit.data.train, SHOWN)?,
            false => valid.clone(),
        };
        let results = self.steps.results(&mut self.predictor, &shown)?;
        let mut metrics = score(&results, &shown, self.fit.loss);
        self.sample(&mut metrics)?;
        let divergences = divergences(&results, shown.len(), self.fit.loss);
        let epochs = self.fit.config.epochs;
        let epoch = self.steps.state.epoch;
        let collapsed = self.steps.state.alarms.code(&divergences, epoch, epochs);
        if let Some(alarm) = collapsed {
            self.alert("encoder".into(), alarm.to_string(), Some(alarm))?;
        }
        let seconds = self.epoch_started.elapsed().as_secs_f64();
        let state = &mut self.steps.state;
        let improved = !valid.is_empty()
            && !self.fit.loss.is_adversarial()
            && improves(&metrics, self.fit.config, &mut state.best, state.step);
        state.epochs_without_improvement =
            if improved { 0 } else { state.epochs_without_improvement + 1 };
        let (epoch, step) = (state.epoch, state.step);
        let (name, more_is_better) = watched(self.fit.config.stop.as_ref());
        let figure = match valid.is_empty() {
            true => train_loss,
            false => metrics.get(name).copied().unwrap_or(f64::NAN),
        };
        self.steps.note_figure(figure, more_is_better && !valid.is_empty());
        if let Some(disk) = &mut self.disk {
            let (train_loss, valid) = (Exact(train_loss), &metrics);
            disk.metrics.append(&LogLine { epoch, step, train_loss, valid, seconds })?;
            self.steps.state.logs = disk.offsets();
        }
        if improved {
            let (model, optimizer) = self.steps.values();
            self.chosen = Some(self.steps.weights());
            self.best = Some(Checkpoint { state: self.steps.state.clone(), model, optimizer });
        }
        let valid_loss = (!valid.is_empty()).then(|| metrics.remove("loss")).flatten();
        let event = event::Epoch {
            epoch,
            epochs: self.fit.config.epochs,
            step,
            train_loss,
            valid_loss,
            metrics,
            rows_per_second: self.rows_per_second(),
            seconds,
            remaining: self.remaining(0.0),
        };
        (self.fit.on_event)(&Event::Epoch(event.clone()));
        self.history.push(event);
        self.epoch_started = Instant::now();
        self.epoch_rows = 0;
        Ok(())
    }

    /// Makes rows of the same codes as after every epoch, and says which modes of the data they are of.
    fn sample(&mut self, metrics: &mut Metrics) -> Result<(), Error> {
        let Some(samples) = &mut self.fit.samples else { return Ok(()) };
        let made = self.steps.in_use(|session| samples.make(session))?;
        let state = &mut self.steps.state;
        let mut alarm = None;
        if let Some(found) = samples.covered(&made) {
            if self.fit.loss.is_adversarial() {
                let figure = |name: &str| metrics.get(name).copied();
                let sure = figure("real_accuracy").zip(figure("fake_accuracy"));
                let missing = samples.frequency_of_missing(&found);
                alarm = state.alarms.modes(&self.course, state.step, &found, missing, sure);
            }
            metrics.extend(samples::figures(&found));
        }
        if let Some(folder) = self.fit.folder {
            samples.keep(folder, made, (state.epoch, self.fit.config.epochs))?;
        }
        match alarm {
            Some(alarm) => self.alert("generator".into(), alarm.to_string(), Some(alarm)),
            None => Ok(()),
        }
    }

    /// Saves where training stands, and before it the best epoch if it is not on the disk yet.
    /// Weights that are not finite are an error: they would push the last good ones out.
    fn save(&mut self) -> Result<(), Error> {
        let step = self.steps.state.step;
        if self.disk.as_ref().is_none_or(|disk| disk.saved_step == Some(step)) {
            return Ok(());
        }
        let (model, optimizer) = self.steps.values();
        if let Some(path) = not_finite_in(&model) {
            return Err(self.not_finite(format!("`{path}` is no longer finite")));
        }
        let best = self.best.as_ref().is_some_and(|best| best.state.step == step);
        if best {
            self.best = None;
        }
        self.save_best()?;
        let Some(disk) = &mut self.disk else { return Ok(()) };
        disk.sync()?;
        self.steps.state.logs = disk.offsets();
        disk.checkpoints.save(&self.steps.state, &model, &optimizer)?;
        disk.saved = Instant::now();
        disk.saved_step = Some(step);
        (self.fit.on_event)(&Event::Checkpoint { step, best });
        Ok(())
    }

    /// Saves the best epoch if it is not on the disk yet.
    fn save_best(&mut self) -> Result<(), Error> {
        let (Some(disk), Some(best)) = (&mut self.disk, self.best.take()) else { return Ok(()) };
        disk.sync()?;
        disk.checkpoints.save(&best.state, &best.model, &best.optimizer)?;
        (self.fit.on_event)(&Event::Checkpoint { step: best.state.step, best: true });
        Ok(())
    }

    fn alert(&mut self, place: String, message: String, alarm: Option<Alarm>) -> Result<(), Error> {
        let alert = event::Alert { step: self.steps.state.step, place, message, alarm };
        if let Some(disk) = &mut self.disk {
            disk.alerts.append(&alert)?;
        }
        (self.fit.on_event)(&Event::Alert(alert.clone()));
        self.alerts.push(alert);
        Ok(())
    }

    fn set_status(&self, state: RunState) -> Result<(), Error> {
        let (step, epoch) = (self.steps.state.step, self.steps.state.epoch);
        match self.fit.folder {
            Some(folder) => Ok(folder.set_status(&Status::now(state, step, epoch))?),
            None => Ok(()),
        }
    }
}

impl Disk {
    fn offsets(&self) -> LogOffsets {
        LogOffsets {
            metrics: self.metrics.offset(),
            alerts: self.alerts.offset(),
            watch: self.watch.offset(),
        }
    }

    fn sync(&self) -> Result<(), Error> {
        self.metrics.synced_offset()?;
        self.alerts.synced_offset()?;
        self.watch.synced_offset()?;
        Ok(())
    }
}

/// The figure that decides which epoch is best, and whether more of it is better.
pub(crate) fn watched(stop: Option<&Stop>) -> (&str, bool) {
    let metric = stop.map_or("valid_loss", |stop| stop.metric.as_str());
    let name = metric.strip_prefix("valid_").unwrap_or(metric);
    (name, more_is_better(name))
}

/// The first parameter that holds an infinity or NaN.
fn not_finite_in(model: &Parameters) -> Option<&str> {
    let finite = |array: &Array| array.as_f32().is_none_or(|v| v.iter().all(|x| x.is_finite()));
    model.iter().find(|(_, array)| !finite(array)).map(|(path, _)| path)
}

/// So many of the rows at most, evenly spread over them.
fn evenly(rows: &Rows, most: usize) -> Result<Rows, Error> {
    let count = rows.len().min(most);
    let chosen: Vec<usize> = (0..count).map(|at| at * rows.len() / count).collect();
    Ok(rows.select(&chosen)?)
}

/// Keeps the figure if it is the best so far.
fn improves(metrics: &Metrics, config: &TrainConfig, best: &mut Option<Best>, step: u64) -> bool {
    let (name, more_is_better) = watched(config.stop.as_ref());
    // What is not a number beats nothing, and nothing would ever beat it.
    let Some(&value) = metrics.get(name).filter(|value| value.is_finite()) else { return false };
    let better = match best {
        Some(held) if more_is_better => value > held.metric.0,
        Some(held) => value < held.metric.0,
        None => true,
    };
    if better {
        *best = Some(Best { metric: Exact(value), step });
    }
    better
}

#[cfg(test)]
mod tests {
    use crate::data::{Options, load};

    use super::*;

    #[test]
    fn rows_that_stand_for_others_are_spread_over_them() {
        let iris = load("iris", &Options::default()).unwrap().train;
        let labels = iris.labels().unwrap();
        let some = evenly(&iris, 7).unwrap();
        let at = |seventh: usize| labels[seventh * iris.len() / 7];
        assert_eq!(some.labels().unwrap(), [0, 1, 2, 3, 4, 5, 6].map(at));
        assert_eq!(evenly(&iris, 1_000).unwrap().labels().unwrap(), labels);
    }
}
