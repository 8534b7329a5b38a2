//! Syllabus N27: the training loop, named: loss, initialisation, forward, backward, optimiser, repeat;
//! how many steps an epoch has; and the weights of the best epoch, which are the ones kept.
#![allow(clippy::unwrap_used, clippy::panic)] // In tests; clippy exempts only the test functions themselves.

use crate::support;

use std::sync::atomic::AtomicBool;

use glassbox::data::{Options, Targets, TargetsMut, epoch_order};
use glassbox::engine::random::Stream;
use glassbox::engine::{Array, DType, Options as OfSession, Prepared};
use glassbox::nn::step;
use glassbox::prelude::*;
use glassbox::train::Job;
use glassbox::train::config::{Amount, RunConfig, Split};
use glassbox::train::event::{Ending, Event};
use glassbox::train::folder::RunFolder;

/// All 150 flowers to learn from.
fn all_of_iris() -> Dataset {
    let options = Options { valid: Some(0.0), test: Some(0.0), ..Options::default() };
    let data = data::load("iris", &options).unwrap();
    assert_eq!(data.train.len(), 150);
    data
}

const EPOCHS: u64 = 3;
const RATE: f64 = 0.01;

fn trainer(seed: u64) -> Trainer<Mlp> {
    let adam = Optimizer::ADAM.with_lr(RATE);
    let trainer = Trainer::new(Mlp::new([4, 8, 3])).loss(Loss::CrossEntropy).optimizer(adam);
    trainer.schedule(Schedule::Constant).batch(16).epochs(EPOCHS).seed(seed)
}

#[test]
fn n27_150_rows_in_batches_of_16_are_10_steps_an_epoch() {
    let data = all_of_iris();
    let run = trainer(1).fit(&data).unwrap();
    let steps: Vec<u64> = run.history().iter().map(|epoch| epoch.step).collect();
    assert_eq!(steps, [10, 20, 30]);

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let mut config = RunConfig::new("iris");
    config.data.split =
        Split { valid: Some(0.0), test: Some(0.0), train: None, stratify: true, fold: None };
    (config.train.batch, config.train.epochs) = (Amount::Exactly(16), EPOCHS);
    let job = Job::from_config(config.clone()).unwrap();
    let run = RunFolder::create_at(&path, &config).unwrap();
    let mut finished = 0;
    let mut hear = |event: &Event| {
        if let Event::Finished(end) = event {
            finished = end.step;
        }
    };
    job.train(&run, &mut hear, &AtomicBool::new(false)).unwrap();
    let last = run.checkpoints().last().unwrap().unwrap().0.state;
    assert_eq!((finished, last.step, last.epoch), (30, 30, EPOCHS));
}

/// One step on so many rows: forward, loss, backward and optimiser in one graph.
fn record(rows: usize) -> Graph {
    let graph = Graph::new();
    let at = graph.root(Mode::Train);
    let x = graph.input("x", DType::F32, [rows, 4]);
    let labels = graph.input("labels", DType::I64, [rows]);
    // Forward.
    let scores = Mlp::new([4, 8, 3]).forward(at, x);
    // Loss.
    let loss = Loss::CrossEntropy.of(at.child("loss"), scores, labels).named("the_loss");
    // Backward, and the optimiser's step.
    let (rate, step) = (graph.input("rate", DType::F32, []), step(&graph));
    Optimizer::ADAM.update(at.child("optimizer"), loss, graph.parameters(), rate, step);
    graph.clone()
}

#[test]
fn n27_the_loop_written_out_gives_the_trainer_s_weights_to_the_bit() {
    let data = all_of_iris();
    for seed in [1, 42] {
        let trained = trainer(seed).fit(&data).unwrap();
        // Initialisation.
        let (whole, rest) = (record(16), record(6));
        let mut session = Session::new(OfSession::default()).unwrap();
        session.load(whole.initial_values(seed));
        let mut plan =
            |graph: &Graph| session.prepare(graph, &[graph.named("the_loss").unwrap()]).unwrap();
        let plans: [(usize, Prepared); 2] = [(16, plan(&whole)), (6, plan(&rest))];
        let mut number = 0;
        let mut means = Vec::new();
        // Repeat.
        for epoch in 0..EPOCHS {
            let mut total = 0.0;
            for rows in epoch_order(150, seed, epoch).chunks(16) {
                number += 1;
                let (_, plan) = plans.iter().find(|(size, _)| *size == rows.len()).unwrap();
                let (mut inputs, mut outputs) = (plan.inputs(), plan.outputs());
                let (mut x, mut labels) = (vec![0.0; rows.len() * 4], vec![0; rows.len()]);
                data.train.gather(rows, &mut x, TargetsMut::Classes(&mut labels)).unwrap();
                let at = |name| plan.input(name).unwrap();
                inputs[at("x")].as_slice_mut().unwrap().copy_from_slice(&x);
                inputs[at("labels")].as_slice_mut().unwrap().copy_from_slice(&labels);
                inputs[at("rate")].as_slice_mut::<f32>().unwrap()[0] = RATE as f32;
                inputs[at("step")].as_slice_mut::<i64>().unwrap()[0] = number;
                session.run(plan, &mut inputs, &mut outputs).unwrap();
                total += f64::from(outputs[0].as_slice::<f32>().unwrap()[0]) * rows.len() as f64;
            }
            means.push(total / 150.0);
        }
        for (path, value) in trained.parameters().iter() {
            assert_eq!(session.value(path).as_ref(), Some(value), "{path}");
        }
        let losses: Vec<f64> = trained.history().iter().map(|epoch| epoch.train_loss).collect();
        support::steps::assert_close("the losses of the epochs", &means, &losses, 1e-6);
        assert!(losses.is_sorted_by(|a, b| a > b), "and it learns: {losses:?}");
    }
}

/// A net that soon learns noise by heart: little to learn from, much to learn with.
fn by_heart() -> RunConfig {
    let mut config = RunConfig::new("iris");
    config.data.split =
        Split { valid: Some(0.4), test: Some(0.0), train: None, stratify: true, fold: None };
    config.model.hidden = vec![64];
    config.train.optimizer = Optimizer::ADAM.with_lr(0.1);
    (config.train.epochs, config.train.stop) = (40, None);
    config
}

/// Labels that have nothing to do with the inputs: whatever is learned, is learned by heart.
fn noise(seed: u64) -> Dataset {
    const ROWS: u64 = 120;
    let drawn = Stream::new(seed, "noise", 0);
    let inputs: Vec<f32> = (0..4 * ROWS).map(|i| drawn.normal(i) as f32).collect();
    let labels = (4 * ROWS..5 * ROWS).map(|i| i64::from(drawn.uniform(i) < 0.5)).collect();
    let options = Options { valid: Some(0.5), test: Some(0.0), ..Options::default() };
    let inputs = Array::new([ROWS as usize, 4], inputs).unwrap();
    Dataset::from_arrays(inputs, Targets::Classes(labels), &options).unwrap()
}

#[test]
fn n27_the_trainer_gives_the_weights_of_the_best_epoch_back() {
    for seed in [1, 2, 3] {
        let data = noise(seed);
        let trainer = |epochs| {
            let adam = Optimizer::ADAM.with_lr(0.02);
            let trainer = Trainer::new(Mlp::new([4, 32, 2])).optimizer(adam);
            trainer.schedule(Schedule::Constant).epochs(epochs).seed(seed)
        };
        let run = trainer(40).fit(&data).unwrap();
        let losses: Vec<f64> = run.history().iter().map(|e| e.valid_loss.unwrap()).collect();
        let best = (0..40).min_by(|&a, &b| losses[a].total_cmp(&losses[b])).unwrap();
        assert!(losses[best] < 0.8 * losses[39], "seed {seed}: it went on to get worse {losses:?}");
        // What the run evaluates and predicts with has the best epoch's figures to the bit.
        let report = run.evaluate(&data.valid).unwrap();
        assert_eq!(report.metrics["loss"], losses[best], "seed {seed}");
        // They are the weights that a training of just so many epochs ends with.
        let short = trainer(best as u64 + 1).fit(&data).unwrap();
        assert_eq!(short.evaluate(&data.valid).unwrap().metrics, report.metrics);
        assert_ne!(short.parameters(), run.parameters(), "the last weights are others");
    }
}

#[test]
fn n27_a_run_folder_keeps_the_best_weights_beside_the_last_and_is_used_with_the_best() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let config = by_heart();
    let job = Job::from_config(config.clone()).unwrap_or_else(|e| panic!("{e}"));
    let run = RunFolder::create_at(&path, &config).unwrap();
    let mut epochs = Vec::new();
    let mut hear = |event: &Event| {
        if let Event::Epoch(epoch) = event {
            epochs.push((epoch.step, epoch.valid_loss.unwrap()));
        }
    };
    let ended = job.train(&run, &mut hear, &AtomicBool::new(false)).unwrap();
    assert_eq!(ended.ending, Ending::Done);
    let &(best_step, best_loss) = epochs.iter().min_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
    let &(last_step, last_loss) = epochs.last().unwrap();
    assert!(best_loss < 0.8 * last_loss, "{best_loss} {last_loss}");
    let kept = run.checkpoints().best().unwrap().unwrap().0;
    let last = run.checkpoints().last().unwrap().unwrap().0;
    assert_eq!((kept.state.step, last.state.step), (best_step, last_step));
    assert_eq!(ended.outcome.metrics["loss"], best_loss);
    assert_eq!(Job::evaluate(&run).unwrap().metrics["loss"], best_loss);
    assert_ne!(kept.model, last.model);
}
