//! Each alarm is raised by a training that deserves it, and by no healthy one.

#![allow(clippy::unwrap_used, clippy::panic)] // A test fails by panicking.

use crate::support;

use std::sync::atomic::AtomicBool;

use glassbox::engine::{Array, Parameters};
use glassbox::prelude::*;
use glassbox::train::Job;
use glassbox::train::event::{Alert, Event};
use glassbox::train::folder::RunFolder;
use glassbox::watch::Alarm;

fn alerts<M: Module>(trainer: &Trainer<M>, data: &Dataset) -> Vec<Alert> {
    trainer.fit(data).unwrap_or_else(|e| panic!("{e}")).alerts().to_vec()
}

/// The kinds that were raised; none twice.
fn kinds(alerts: &[Alert]) -> Vec<&'static str> {
    let kinds: Vec<_> = alerts.iter().map(|a| a.alarm.as_ref().unwrap().kind()).collect();
    let unique: std::collections::BTreeSet<_> = kinds.iter().collect();
    assert_eq!(unique.len(), kinds.len(), "each cause is told once: {alerts:?}");
    kinds
}

/// The alert of one kind, of which there must be one.
fn alert<'a>(alerts: &'a [Alert], kind: &str) -> &'a Alert {
    let found = alerts.iter().find(|a| a.alarm.as_ref().is_some_and(|a| a.kind() == kind));
    found.unwrap_or_else(|| panic!("no {kind} among {alerts:?}"))
}

/// Twelve layers of 32 units between pixels and digits.
fn deep(activation: Activation) -> Mlp {
    let mut sizes = vec![64];
    sizes.extend([32; 12]);
    sizes.push(10);
    Mlp::new(sizes).activation(activation)
}

#[test]
fn gradients_vanish_through_twelve_layers_of_sigmoid_and_not_of_relu() {
    let digits = data::digits();
    let trainer = |activation| Trainer::new(deep(activation)).epochs(6).watch(20);
    let found = alerts(&trainer(Activation::Sigmoid), &digits);
    let alert = alert(&found, "vanishing_gradient");
    assert_eq!((alert.place.as_str(), alert.step), ("fc1", 60));
    assert!(alert.message.contains("of the output layer's (vanishing). Try relu"), "{alert:?}");
    assert!(matches!(alert.alarm, Some(Alarm::VanishingGradient { ratio }) if ratio < 1e-4));
    // Once the cause is told, that nothing is learned is no news.
    assert_eq!(kinds(&found), ["vanishing_gradient"]);
    assert_eq!(alerts(&trainer(Activation::Relu), &digits), []);
}

#[test]
fn large_initial_weights_make_gradients_explode() {
    let digits = data::digits();
    let trainer = |model: Mlp| Trainer::new(model).epochs(4).watch(20);
    let model = Mlp::new([64, 256, 256, 10]);
    let found =
        alerts(&trainer(model.clone().initial(Initial::Normal { deviation: 1.0 })), &digits);
    let alert = alert(&found, "exploding_gradient");
    assert_eq!(alert.step, 20, "{found:?}");
    assert!(alert.message.contains("(exploding). Try smaller initial weights"), "{alert:?}");
    assert_eq!(alerts(&trainer(model), &digits), []);
}

#[test]
fn units_die_of_very_negative_biases_and_of_a_rate_that_is_far_too_high() {
    let digits = data::digits();
    let trainer = |rate| {
        let optimizer = Optimizer::ADAM.with_lr(rate);
        Trainer::new(Mlp::new([64, 32, 16, 10])).optimizer(optimizer).epochs(6).watch(20)
    };
    let mut start = Parameters::new();
    start.insert("fc2/bias", Array::new([16], vec![-1000f32; 16]).unwrap());
    let found = alerts(&trainer(1e-3).start_with(start), &digits);
    let dead = alert(&found, "dead_units");
    assert_eq!((dead.place.as_str(), dead.step), ("fc2", 60));
    assert!(dead.message.starts_with("16 of 16 units gave 0 for each of 128 rows"), "{dead:?}");
    assert!(!kinds(&found).contains(&"vanishing_gradient"), "{found:?}");
    let found = alerts(&trainer(3.0), &digits);
    let dead = alert(&found, "dead_units");
    assert!(matches!(dead.alarm, Some(Alarm::DeadUnits { dead, units, .. }) if 2 * dead >= units));
    assert!(!kinds(&found).contains(&"vanishing_gradient"), "{found:?}");
    assert_eq!(alerts(&trainer(1e-3), &digits), []);
}

#[test]
fn tanh_and_sigmoid_saturate_under_large_weights() {
    let digits = data::digits();
    for activation in [Activation::Tanh, Activation::Sigmoid] {
        let trainer = |scale: f32| {
            let mut start = Parameters::new();
            let weights = Mlp::new([64, 48, 10]).activation(activation);
            let graph = glassbox::engine::Graph::new();
            let x = graph.input("x", glassbox::engine::DType::F32, [1, 64]);
            weights.forward(graph.root(Mode::Train), x);
            let drawn = graph.initial_values(1).get("fc1/weight").unwrap().clone();
            let scaled: Vec<f32> = drawn.as_f32().unwrap().iter().map(|w| w * scale).collect();
            start.insert("fc1/weight", Array::new([64, 48], scaled).unwrap());
            Trainer::new(weights).epochs(6).watch(20).start_with(start)
        };
        let found = alerts(&trainer(200.0), &digits);
        let alert = alert(&found, "saturated_units");
        assert_eq!((alert.place.as_str(), alert.step), ("fc1", 60));
        assert!(matches!(alert.alarm, Some(Alarm::SaturatedUnits { share }) if share > 0.8));
        assert_eq!(alerts(&trainer(1.0), &digits), []);
    }
}

#[test]
fn a_rate_that_is_too_high_or_too_low_is_told_apart() {
    let iris = data::iris();
    let trainer = |rate| {
        let optimizer = Optimizer::GradientDescent { lr: rate, weight_decay: 0.0 };
        Trainer::new(Mlp::new([4, 3])).optimizer(optimizer).epochs(60).watch(10)
    };
    let found = alerts(&trainer(1e-6), &iris);
    assert_eq!(kinds(&found), ["rate_too_low"], "{found:?}");
    assert!(found[0].message.contains("Try 1e-5 instead of 1e-6"), "{found:?}");
    assert_eq!(alerts(&trainer(0.1), &iris), []);
    // Twice the rate at which a parabola's descent diverges: the loss rises for good.
    let line = support::csv("x,y", 60, |row| format!("{row},{}", 2 * row + row % 3));
    let line = support::table_of(&line, "y").unwrap();
    let trainer = |rate| {
        let optimizer = Optimizer::GradientDescent { lr: rate, weight_decay: 0.0 };
        Trainer::new(Mlp::new([1, 1])).optimizer(optimizer).batch(0).epochs(120).watch(10)
    };
    let found = alerts(&trainer(1.03), &line);
    let high = alert(&found, "rate_too_high");
    assert!(high.message.contains("(learning rate too high). Try 0.1 instead of 1"), "{found:?}");
    assert_eq!(alerts(&trainer(0.1), &line), []);
}

#[test]
fn inputs_that_tell_nothing_are_told_and_a_signal_is_not() {
    let table = |signal: bool| {
        // The bits of a hash: as good as random, and the same in every run.
        let digit = |row: usize| ((row as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) % 10;
        let text = support::csv("x,kind", 400, |row| {
            let x = digit(row + 1);
            let tells = if signal { x } else { digit(row + 5000) };
            format!("{x}.5,{}", ["a", "b"][usize::from(tells >= 5)])
        });
        support::table_of(&text, "kind").unwrap()
    };
    let trainer = Trainer::new(Mlp::new([1, 2]))
        .optimizer(Optimizer::ADAM.with_lr(0.01))
        .epochs(30)
        .watch(10);
    let found = alerts(&trainer, &table(false));
    assert_eq!(kinds(&found), ["not_learning"], "{found:?}");
    assert!(found[0].message.contains("no better than the simplest guess's 0.69"), "{found:?}");
    assert_eq!(alerts(&trainer, &table(true)), []);
}

#[test]
fn an_extreme_value_makes_the_loss_jump() {
    let table = |outlier: bool| {
        let text = support::csv("x,y", 600, |row| {
            let y = if outlier && row == 300 { 1e4 } else { (row % 50) as f64 };
            format!("{},{y}", row % 50)
        });
        support::table_of(&text, "y").unwrap()
    };
    let trainer = Trainer::new(Mlp::new([1, 1]))
        .optimizer(Optimizer::GradientDescent { lr: 0.001, weight_decay: 0.0 })
        .batch(4)
        .seed(3)
        .epochs(6);
    let found = alerts(&trainer, &table(true));
    let alert = alert(&found, "loss_spike");
    assert!(alert.message.contains("(spike). Look for extreme values in the data"), "{alert:?}");
    assert_eq!(alerts(&trainer, &table(false)), []);
}

#[test]
fn the_defaults_on_the_built_in_data_raise_none_whatever_the_seed() {
    for (data, seeds) in [("iris", 1..=6), ("digits", 1..=3), ("dosage", 1..=1)] {
        for seed in seeds {
            let settings = [format!("seed={seed}")];
            let job = Job::new(data, |base| base.set(&settings)).unwrap();
            let folder = tempfile::tempdir().unwrap();
            let folder = RunFolder::create_at(&folder.path().join("run"), &job.config).unwrap();
            let (mut found, mut looks) = (Vec::new(), 0);
            let mut hear = |event: &Event| match event {
                Event::Alert(alert) => found.push(alert.clone()),
                Event::Watched(_) => looks += 1,
                _ => {}
            };
            job.train(&folder, &mut hear, &AtomicBool::new(false)).unwrap();
            assert_eq!(found, [], "{data}, seed {seed}");
            assert!(looks > 4, "{data}: {looks} looks");
        }
    }
}

#[test]
fn an_alarm_is_an_event_and_a_line_of_the_log_with_its_numbers() {
    let settings =
        ["hidden=[32,32,32,32,32,32,32,32]", "activation=sigmoid", "epochs=6", "watch.every=20"]
            .map(str::to_owned);
    let job = Job::new("digits", |base| base.set(&settings)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let run = RunFolder::create_at(&folder.path().join("run"), &job.config).unwrap();
    let mut heard = Vec::new();
    let mut hear = |event: &Event| {
        if let Event::Alert(alert) = event {
            heard.push(serde_json::to_value(alert).unwrap());
        }
    };
    job.train(&run, &mut hear, &AtomicBool::new(false)).unwrap();
    let lines = glassbox::train::log::read(&run.file("alerts.jsonl")).unwrap();
    assert_eq!(lines, heard);
    assert_eq!((&lines[0]["place"], &lines[0]["step"]), (&"fc1".into(), &60.into()));
    assert_eq!(lines[0]["alarm"]["kind"], "vanishing_gradient");
    assert!(lines[0]["alarm"]["ratio"].as_f64().unwrap() < 1e-4);
}
