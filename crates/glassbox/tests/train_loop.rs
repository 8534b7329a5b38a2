//! The loop: which rows a step takes, when it stops, and which weights are kept.

#![allow(clippy::unwrap_used, clippy::panic)] // A test fails by panicking.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use glassbox::data::epoch_order;
use glassbox::train::config::{Amount, Loss, Numbers, Optimizer, RunConfig, Split, Stop};
use glassbox::train::event::{Ending, Epoch, Event};
use glassbox::train::folder::RunFolder;
use glassbox::train::{Ended, Job, Model};

static GO_ON: AtomicBool = AtomicBool::new(false);

/// Trains into a folder; gives how it ended and everything that happened.
fn train(config: &RunConfig, path: &Path) -> (Ended, Vec<Event>) {
    let job = Job::from_config(config.clone()).unwrap_or_else(|e| panic!("{e}"));
    let folder = RunFolder::create_at(path, config).unwrap();
    let mut events = Vec::new();
    let ended = job.train(&folder, &mut |event| events.push(event.clone()), &GO_ON);
    (ended.unwrap_or_else(|e| panic!("{e}")), events)
}

fn resume(path: &Path) -> Result<(Ended, Vec<Event>), glassbox::Error> {
    let folder = RunFolder::resume(path)?;
    let mut events = Vec::new();
    let ended = Job::resume(&folder, &mut |event| events.push(event.clone()), &GO_ON)?;
    Ok((ended, events))
}

fn epochs(events: &[Event]) -> Vec<&Epoch> {
    let mut epochs = Vec::new();
    for event in events {
        if let Event::Epoch(epoch) = event {
            epochs.push(epoch);
        }
    }
    epochs
}

/// A straight line through the three patients, from 0.5 · dose + 0.1, two rows a step.
fn line(seed: u64, epochs: u64) -> RunConfig {
    let mut config = RunConfig::new("dosage");
    config.model.hidden = vec![];
    let one = |value: f64| Numbers::Many(vec![Numbers::One(value)]);
    config.model.parameters = [
        ("fc1/weight".to_owned(), Numbers::Many(vec![one(0.5)])),
        ("fc1/bias".to_owned(), one(0.1)),
    ]
    .into();
    config.train.loss = Loss::SquaredError;
    config.train.optimizer = Optimizer::GRADIENT_DESCENT.with_lr(0.1);
    config.train.batch = Amount::Exactly(2);
    (config.train.seed, config.train.epochs) = (seed, epochs);
    config
}

/// The same by hand: mini-batch gradient descent on the mean of (observed − predicted)².
fn line_by_hand(seed: u64, epochs: u64) -> (f64, f64) {
    let rows = [(0.0, 0.0), (0.5, 1.0), (1.0, 0.0)];
    let (mut weight, mut bias) = (0.5, 0.1);
    for epoch in 0..epochs {
        for batch in epoch_order(rows.len(), seed, epoch).chunks(2) {
            let share = 2.0 / batch.len() as f64;
            let error = |row: &usize| weight * rows[*row].0 + bias - rows[*row].1;
            let to_weight: f64 = batch.iter().map(|row| share * error(row) * rows[*row].0).sum();
            let to_bias: f64 = batch.iter().map(|row| share * error(row)).sum();
            weight -= 0.1 * to_weight;
            bias -= 0.1 * to_bias;
        }
    }
    (weight, bias)
}

#[test]
fn rows_come_by_seed_and_epoch_and_the_last_batch_is_as_small_as_it_is() {
    for (seed, epochs) in [(42, 1), (42, 7), (3, 7)] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run");
        train(&line(seed, epochs), &path);
        let (last, _) = RunFolder::view(&path).unwrap().checkpoints().last().unwrap().unwrap();
        assert_eq!(last.state.step, 2 * epochs, "a step of two rows and a step of one");
        let found = |path: &str| last.model.get(path).unwrap().to_f64()[0];
        let (weight, bias) = line_by_hand(seed, epochs);
        assert!((found("fc1/weight") - weight).abs() < 1e-5, "seed {seed}, {epochs} epochs");
        assert!((found("fc1/bias") - bias).abs() < 1e-5, "seed {seed}, {epochs} epochs");
    }
    assert_ne!(line_by_hand(42, 7), line_by_hand(3, 7));
}

/// Noise that can be learned by heart: the validation loss soon rises.
fn by_heart(patience: u64) -> RunConfig {
    let mut config = RunConfig::new("iris");
    config.data.split =
        Split { valid: Some(0.4), test: Some(0.0), train: None, stratify: true, fold: None };
    config.model.hidden = vec![64];
    config.train.optimizer = Optimizer::ADAM.with_lr(0.1);
    config.train.epochs = 200;
    config.train.stop = Some(Stop { metric: "valid_loss".into(), patience });
    config
}

#[test]
fn early_stopping_waits_its_patience_and_gives_the_best_weights_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let (ended, events) = train(&by_heart(4), &path);
    assert_eq!(ended.ending, Ending::StoppedEarly);
    let epochs = epochs(&events);
    let losses: Vec<f64> = epochs.iter().map(|epoch| epoch.valid_loss.unwrap()).collect();
    let best = (0..losses.len()).min_by(|&a, &b| losses[a].total_cmp(&losses[b])).unwrap();
    assert_eq!(losses.len(), best + 1 + 4, "four epochs without improvement");
    assert!(losses[best] < *losses.last().unwrap());
    // Without a test part the figures are the validation part's: those of the best epoch.
    assert_eq!((ended.outcome.split.as_str(), ended.outcome.rows), ("valid", 60));
    assert_eq!(ended.outcome.metrics["loss"], losses[best]);
    let run = RunFolder::view(&path).unwrap();
    let kept = run.checkpoints().best().unwrap().unwrap().0;
    assert_eq!(kept.state.step, epochs[best].step);
    assert_eq!(run.checkpoints().last().unwrap().unwrap().0.state.epoch, losses.len() as u64);
    let evaluated = Job::evaluate(&run).unwrap();
    assert_eq!(evaluated.metrics, ended.outcome.metrics);
}

#[test]
fn resuming_a_run_that_reached_its_end_only_evaluates() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let (first, _) = train(&by_heart(4), &path);
    let files = |name: &str| std::fs::read(path.join(name)).unwrap();
    let (metrics, predictions) = (files("metrics.jsonl"), files("predictions.csv"));
    let (again, events) = resume(&path).unwrap();
    assert_eq!(again.ending, first.ending);
    assert_eq!(again.outcome.metrics, first.outcome.metrics);
    let worked = |event: &&Event| matches!(event, Event::Step(_) | Event::Epoch(_));
    assert_eq!(events.iter().filter(worked).count(), 0);
    assert_eq!((files("metrics.jsonl"), files("predictions.csv")), (metrics, predictions));
}

#[test]
fn a_run_stopped_after_every_step_ends_like_one_that_never_was() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, parts) = (folder.path().join("whole"), folder.path().join("parts"));
    let config = line(5, 4);
    let (wanted, _) = train(&config, &whole);
    let job = Job::from_config(config.clone()).unwrap();
    let mut ended = {
        let run = RunFolder::create_at(&parts, &config).unwrap();
        job.train(&run, &mut |_| {}, &AtomicBool::new(true)).unwrap()
    };
    let mut stops = 0;
    while ended.ending == Ending::Interrupted {
        stops += 1;
        let run = RunFolder::resume(&parts).unwrap();
        ended = Job::resume(&run, &mut |_| {}, &AtomicBool::new(true)).unwrap();
    }
    assert_eq!(stops, 8, "two steps an epoch");
    assert_eq!(ended.outcome.metrics, wanted.outcome.metrics);
    let weights =
        |path: &Path| RunFolder::view(path).unwrap().checkpoints().last().unwrap().unwrap().0.model;
    assert_eq!(weights(&whole), weights(&parts));
}

#[test]
fn data_that_changed_since_is_refused_and_the_old_data_is_welcome_back() {
    let folder = tempfile::tempdir().unwrap();
    let (path, csv) = (folder.path().join("run"), folder.path().join("t.csv"));
    let text: String = (0..40).map(|row| format!("{row},{}\n", ["a", "b"][row % 2])).collect();
    let text = format!("x,y\n{text}");
    std::fs::write(&csv, &text).unwrap();
    let mut config = RunConfig::new(csv.display().to_string());
    config.train.epochs = 2;
    let (first, _) = train(&config, &path);
    std::fs::write(&csv, text.replacen("0,a", "0.5,a", 1)).unwrap();
    let error = resume(&path).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("is not what this run was trained on"), "{error}");
    assert!(Job::evaluate(&RunFolder::view(&path).unwrap()).is_err());
    assert!(Model::load(&path).is_ok(), "the model needs no data");
    std::fs::write(&csv, &text).unwrap();
    assert_eq!(resume(&path).unwrap().0.outcome.metrics, first.outcome.metrics);
}
