//! Looking into a training: what is found is true, and nothing changes because somebody looked.

#![allow(clippy::unwrap_used, clippy::panic)] // A test fails by panicking.

use crate::support;

use std::path::Path;
use std::sync::atomic::AtomicBool;

use glassbox::engine::{Array, Parameters};
use glassbox::prelude::*;
use glassbox::train::config::{Amount, RunConfig};
use glassbox::train::event::Event;
use glassbox::train::folder::RunFolder;
use glassbox::train::{Ended, Job, Run};
use glassbox::watch::{Statistics, Which};

/// Trains, and gives every look.
fn watched<M: Module>(trainer: Trainer<M>, data: &Dataset) -> (Run, Vec<Statistics>) {
    let mut looks = Vec::new();
    let mut hear = |event: &Event| {
        if let Event::Watched(statistics) = event {
            looks.push((**statistics).clone());
        }
    };
    let run = trainer.fit_watched(data, &mut hear, &AtomicBool::new(false));
    (run.unwrap_or_else(|e| panic!("{e}")), looks)
}

/// The textbook's net on its three patients.
fn dosage(rate: f64, epochs: u64) -> (Run, Vec<Statistics>) {
    let mut start = Parameters::new();
    start.insert("fc1/weight", Array::new([1, 2], vec![2.74f32, -1.13]).unwrap());
    start.insert("fc2/weight", Array::new([2, 1], vec![0.36f32, 0.63]).unwrap());
    let trainer = Trainer::new(Mlp::new([1, 2, 1]).activation(Activation::Softplus))
        .loss(Loss::SumOfSquares)
        .optimizer(Optimizer::GradientDescent { lr: rate, weight_decay: 0.0 })
        .batch(0)
        .epochs(epochs)
        .start_with(start)
        .watch(1);
    watched(trainer, &data::dosage())
}

/// N7 of the syllabus, on F4.
#[test]
fn the_first_order_prediction_stands_beside_what_happened() {
    for (rate, predicted, happened) in [(0.1, "−6.735", "2.311"), (0.001, "−0.0674", "−0.0664")]
    {
        let (_, looks) = dosage(rate, 5);
        assert_eq!(looks.len(), 5);
        let first = &looks[0];
        support::steps::assert_prints("predicted", first.predicted_change, predicted);
        support::steps::assert_prints("happened", first.actual_change, happened);
        for (index, look) in looks.iter().enumerate() {
            // Of plain gradient descent: −η‖∇L‖².
            let by_norm = -rate * look.gradient_norm.powi(2);
            let apart = (look.predicted_change - by_norm).abs();
            assert!(apart <= 1e-5 * by_norm.abs(), "step {}: {by_norm}", look.step);
            // On all rows, the loss after a step is that before the next.
            if let Some(next) = looks.get(index + 1) {
                assert!((look.loss + look.actual_change - next.loss).abs() < 1e-6);
            }
        }
    }
}

#[test]
fn statistics_are_those_of_a_hand_run() {
    let (_, looks) = dosage(0.1, 1);
    let look = &looks[0];
    let near = |what: &str, found: f64, wanted: f64| {
        assert!((found - wanted).abs() < 1e-5, "{what}: {found}, by hand {wanted}");
    };
    let softplus = |x: f64| x.exp().ln_1p();
    let hidden: Vec<f64> =
        [0.0, 0.5, 1.0].iter().flat_map(|x| [softplus(2.74 * x), softplus(-1.13 * x)]).collect();
    let mean = hidden.iter().sum::<f64>() / 6.0;
    let variance = hidden.iter().map(|h| (h - mean).powi(2)).sum::<f64>() / 6.0;
    let activation = look.activation("fc1/softplus").unwrap();
    assert_eq!(activation.shape, [3, 2]);
    near("mean", activation.mean, mean);
    near("deviation", activation.deviation, variance.sqrt());
    near("least", activation.least, softplus(-1.13));
    near("greatest", activation.greatest, softplus(2.74));
    assert_eq!(
        (activation.zeros, activation.silent_units, activation.saturated),
        (0.0, None, None)
    );
    let weight = look.parameter("fc1/weight").unwrap();
    near("norm", weight.norm, 2.74f64.hypot(1.13));
    near("weights' mean", weight.mean, (2.74 - 1.13) / 2.0);
    near("weights' deviation", weight.deviation, (2.74 + 1.13) / 2.0);
    near("update", weight.update_ratio, 0.1 * weight.gradient_norm / weight.norm);
    assert_eq!(weight.values.counts.iter().sum::<u32>(), 2);
    // The histogram is of the weights after the step. By hand: dSSR/dw2 = Σ −2(obs − pred) · w4 ·
    // eʸ/(1 + eʸ) · dose.
    let slope = |(dose, observed): (f64, f64)| {
        let y = [2.74 * dose, -1.13 * dose];
        let predicted = 0.36 * softplus(y[0]) + 0.63 * softplus(y[1]);
        -2.0 * (observed - predicted) * 0.63 * dose / (1.0 + (-y[1]).exp())
    };
    let to_second: f64 = [(0.0, 0.0), (0.5, 1.0), (1.0, 0.0)].into_iter().map(slope).sum();
    near("low", weight.values.low, -1.13 - 0.1 * to_second);
    // The gradients of the layers together are the gradient.
    let squares: f64 = look.parameters.iter().map(|p| p.gradient_norm.powi(2)).sum();
    near("gradient", look.gradient_norm, squares.sqrt());
    let places: Vec<&str> = look.parameters.iter().map(|p| p.path.as_str()).collect();
    assert_eq!(places, ["fc1/weight", "fc1/bias", "fc2/weight", "fc2/bias"]);
    let places: Vec<&str> = look.activations.iter().map(|p| p.path.as_str()).collect();
    assert_eq!(places, ["fc1/linear", "fc1/softplus", "fc2/linear"]);
}

#[test]
fn the_bits_of_a_training_do_not_depend_on_who_watches() {
    let digits = data::digits();
    let train = |every: u64, what: &[&str], threads: usize, optimizer: Optimizer| {
        Trainer::new(Mlp::new([64, 24, 10]))
            .optimizer(optimizer)
            .epochs(2)
            .threads(threads)
            .watch(every)
            .watch_only(what.iter().copied())
            .fit(&digits)
            .unwrap()
    };
    let optimizers =
        [Optimizer::ADAM, Optimizer::MOMENTUM.with_lr(0.1), Optimizer::GRADIENT_DESCENT];
    for optimizer in optimizers {
        let plain = train(0, &["*"], 1, optimizer);
        for (every, what, threads) in
            [(1, &["*"][..], 1), (1, &["*"], 2), (3, &["fc1/*"], 1), (7, &["*/bias", "fc2/l*"], 2)]
        {
            let run = train(every, what, threads, optimizer);
            assert_eq!(run.parameters(), plain.parameters(), "{every} {what:?} {optimizer:?}");
            let loss = |run: &Run| run.history().iter().map(|e| e.train_loss).collect::<Vec<_>>();
            assert_eq!(loss(&run), loss(&plain));
        }
    }
}

#[test]
fn only_what_is_asked_for_is_kept_and_a_pattern_that_matches_nothing_is_refused() {
    let iris = data::iris();
    let trainer = || Trainer::new(Mlp::new([4, 8, 3])).epochs(2).watch(2);
    let (_, looks) = watched(trainer().watch_only(["fc1/*"]), &iris);
    let steps: Vec<u64> = looks.iter().map(|look| look.step).collect();
    assert_eq!(steps, [1, 2, 5, 6], "the first and every second, but not what is left of an epoch");
    for look in &looks {
        let paths =
            look.parameters.iter().map(|p| &p.path).chain(look.activations.iter().map(|a| &a.path));
        assert!(paths.clone().count() == 4 && paths.clone().all(|path| path.starts_with("fc1/")));
        assert!(look.gradient_norm > look.parameter("fc1/weight").unwrap().gradient_norm);
    }
    let error = trainer().watch_only(["fc3/*"]).fit(&iris).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("\"fc3/*\" matches nothing in the model"), "{error}");
    let mut config = RunConfig::new("iris");
    config.watch.what = vec!["fc1/wieght".into(), "nothing".into(), "*".into()];
    let error = Job::from_config(config).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("fc1/weight") && error.contains("\"nothing\""), "{error}");
}

fn config(every: u64) -> RunConfig {
    let mut config = RunConfig::new("iris");
    config.model.hidden = vec![8];
    config.train.epochs = 6;
    config.train.batch = Amount::Exactly(20);
    config.watch.every = every;
    config
}

fn begin(config: &RunConfig, path: &Path, stop: bool) -> Ended {
    let folder = RunFolder::create_at(path, config).unwrap();
    let job = Job::from_config(config.clone()).unwrap();
    job.train(&folder, &mut |_| {}, &AtomicBool::new(stop)).unwrap()
}

#[test]
fn the_log_of_looks_is_the_same_bytes_however_often_a_run_is_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, parts) = (folder.path().join("whole"), folder.path().join("parts"));
    begin(&config(3), &whole, false);
    let mut ended = begin(&config(3), &parts, true);
    let mut stops = 0;
    while ended.ending == glassbox::train::event::Ending::Interrupted {
        stops += 1;
        let run = RunFolder::resume(&parts).unwrap();
        // What a killed process wrote after its last checkpoint is cut off.
        let log = parts.join("watch.jsonl");
        let mut bytes = std::fs::read(&log).unwrap();
        bytes.extend(b"{\"step\":");
        std::fs::write(&log, bytes).unwrap();
        ended = Job::resume(&run, &mut |_| {}, &AtomicBool::new(true)).unwrap();
    }
    assert!(stops > 20, "{stops}");
    let bytes = |path: &Path| std::fs::read(path.join("watch.jsonl")).unwrap();
    assert!(bytes(&whole) == bytes(&parts));
    let looks = Statistics::read(&RunFolder::view(&parts).unwrap()).unwrap();
    let steps: Vec<u64> = looks.iter().map(|look| look.step).collect();
    assert_eq!(steps[..5], [1, 3, 7, 9, 13], "6 and 12 are what is left of an epoch");
    let state =
        |path: &Path| RunFolder::view(path).unwrap().checkpoints().last().unwrap().unwrap().0.state;
    assert_eq!(state(&whole).alarms, state(&parts).alarms);
}

#[test]
fn what_is_recorded_is_read_back_and_a_run_can_be_inspected_without_any_record() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    begin(&config(0), &path, false);
    let run = RunFolder::view(&path).unwrap();
    assert!(Statistics::read(&run).unwrap().is_empty());
    let (checkpoint, _) = run.checkpoints().last().unwrap().unwrap();
    let last = Statistics::of_run(&run, Which::Last).unwrap();
    assert_eq!(last.step, checkpoint.state.step + 1);
    let weight = last.parameter("fc1/weight").unwrap();
    let held = checkpoint.model.get("fc1/weight").unwrap().to_f64();
    let norm = held.iter().map(|w| w * w).sum::<f64>().sqrt();
    assert!((weight.norm - norm).abs() < 1e-5 * norm);
    assert_eq!(weight.values.counts.iter().sum::<u32>() as usize, held.len());
    let relu = last.activation("fc1/relu").unwrap();
    let elements: usize = relu.shape.iter().product();
    assert_eq!(relu.values.counts.iter().sum::<u32>() as usize, elements);
    assert!(relu.silent_units.is_some() && relu.zeros > 0.0);
    // Looking on demand leaves the run as it is.
    assert_eq!(Statistics::of_run(&run, Which::Last).unwrap(), last);
    assert!(Statistics::of_run(&run, Which::Best).unwrap().step <= last.step);
    // Written and read, a look is the same but for digits beyond f32's.
    let text = serde_json::to_string(&last).unwrap();
    let read: Statistics = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), text);
    assert_eq!(read.activations.len(), 3);
}
