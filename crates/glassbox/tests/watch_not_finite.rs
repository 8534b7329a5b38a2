//! When numbers leave the scale, the operation that made the first such number is named.

#![allow(clippy::unwrap_used, clippy::panic)] // A test fails by panicking.

use crate::support;

use std::path::Path;
use std::sync::atomic::AtomicBool;

use glassbox::Error;
use glassbox::engine::{Array, Parameters};
use glassbox::prelude::*;
use glassbox::train::Job;
use glassbox::train::config::{Amount, Optimizer, RunConfig};
use glassbox::train::folder::RunFolder;
use glassbox::watch::{NotFinite, Pass};

fn not_finite<T>(result: Result<T, Error>) -> NotFinite {
    match result.map(|_| ()) {
        Err(Error::NotFinite(found)) => *found,
        other => panic!("{other:?}"),
    }
}

/// One weight, whose way to the prediction is a function with a singularity at 0; targets are
/// standardised.
struct Single(fn(Tensor<'_>) -> Tensor<'_>);

impl Module for Single {
    fn name(&self) -> &str {
        "single"
    }

    fn forward<'g>(&self, at: Scope<'g>, x: Tensor<'g>) -> Tensor<'g> {
        let _inside = at.child("head").enter();
        let w = at.parameter("w", [], 2.0);
        let kept = w.relu().named("kept");
        (x * 0.0).sum_axis(-1) + (self.0)(kept)
    }
}

fn straight_line() -> Dataset {
    let text = support::csv("x,y", 40, |row| format!("{row},{}", 3 * row));
    support::table_of(&text, "y").unwrap()
}

fn fit(model: Single, rate: f64) -> NotFinite {
    let optimizer = Optimizer::GradientDescent { lr: rate, weight_decay: 0.0 };
    let trainer = Trainer::new(model).optimizer(optimizer).batch(0).epochs(9);
    not_finite(trainer.fit(&straight_line()))
}

#[test]
fn a_logarithm_of_zero_is_named_with_its_argument_and_line() {
    // Targets have mean 0, so the slope is 2 · ln(w)/w = 0.693 at w = 2: a rate of 5 takes w to
    // −1.47, where ReLU gives 0; the next step's logarithm is −∞.
    let line = line!() + 1;
    let found = fit(Single(|kept| kept.log()), 5.0);
    let first = found.first.clone().unwrap();
    assert_eq!((found.step, first.step, first.epoch), (2, 2, 2));
    assert_eq!((first.op.as_str(), first.value.as_str()), ("log", "-inf"));
    assert_eq!((first.scope.as_str(), &first.pass), ("head", &Pass::Forward));
    assert_eq!(first.arguments.len(), 1);
    assert_eq!(
        (first.arguments[0].of.as_str(), first.arguments[0].value),
        ("`head/kept`", Some(0.0))
    );
    assert!(first.line.ends_with(&format!("watch_not_finite.rs:{line}")), "{}", first.line);
    let text = found.to_string();
    assert!(text.starts_with("the loss became inf at step 2 (epoch 2); no checkpoint"), "{text}");
    assert!(
        text.contains("The first number that was not finite: log(0) = -inf in `head`"),
        "{text}"
    );
    assert!(
        text.contains("of `head/kept`. Try a lower learning rate than 5 (`--lr 0.5`)"),
        "{text}"
    );
}

#[test]
fn a_derivative_that_is_not_finite_is_told_from_the_model() {
    // √0 is finite, its slope is not: g/0. The loss of the first step is finite, its weight is not.
    let found = fit(Single(|kept| kept.log() + (kept * 0.0).sqrt()), 0.1);
    let first = found.first.clone().unwrap();
    assert_eq!((first.step, found.step), (1, 2), "{found}");
    assert_eq!(first.pass, Pass::Backward { of: "sqrt".into() }, "{found}");
    assert_eq!((first.op.as_str(), first.scope.as_str()), ("over", "head"), "{found}");
    assert_eq!(first.arguments[1].value, Some(0.0), "{found}");
}

#[test]
fn an_infinity_without_consequences_is_not_blamed() {
    // 1/∞ is 0: the recip of 0 is harmless in every step, the logarithm is not.
    let model = Single(|kept| {
        let harmless = (kept * 0.0).detach().recip().recip();
        kept.log() + harmless
    });
    let found = fit(model, 5.0);
    let first = found.first.clone().unwrap();
    assert_eq!((first.op.as_str(), first.step), ("log", 2), "{found}");
}

/// A straight line by gradient descent on all rows, in f64: the first step in which a square or the
/// sum of squares is beyond f32, and which of them.
fn first_overflow(data: &Dataset, rate: f64, start: [f64; 2]) -> (u64, &'static str) {
    let n = data.train.len();
    let (mut x, mut y) = (vec![0f32; n * data.train.width()], vec![0f32; n]);
    let all: Vec<usize> = (0..n).collect();
    data.train.gather(&all, &mut x, data::TargetsMut::Values(&mut y)).unwrap();
    let [mut w, mut b] = start;
    for step in 1.. {
        let residuals: Vec<f64> =
            x.iter().zip(&y).map(|(&x, &y)| f64::from(y) - (w * f64::from(x) + b)).collect();
        let largest = f64::from(f32::MAX);
        if residuals.iter().any(|r| r * r > largest) {
            return (step, "square");
        }
        if residuals.iter().map(|r| r * r).sum::<f64>() > largest {
            return (step, "sum");
        }
        let mean = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / n as f64;
        let slope = mean(&mut residuals.iter().zip(&x).map(|(r, &x)| -2.0 * r * f64::from(x)));
        let to_b = mean(&mut residuals.iter().map(|r| -2.0 * r));
        (w, b) = (w - rate * slope, b - rate * to_b);
    }
    unreachable!()
}

#[test]
fn a_rate_that_is_far_too_high_overflows_where_a_hand_run_says() {
    let data = straight_line();
    let mut ops = std::collections::BTreeSet::new();
    for rate in [5.0, 40.0, 3e4, 1e9] {
        let mut start = Parameters::new();
        start.insert("fc1/weight", Array::new([1, 1], vec![0.5f32]).unwrap());
        let trainer = Trainer::new(Mlp::new([1, 1]))
            .optimizer(Optimizer::GradientDescent { lr: rate, weight_decay: 0.0 })
            .batch(0)
            .epochs(100)
            .start_with(start);
        let found = not_finite(trainer.fit(&data));
        let first = found.first.clone().unwrap();
        let (step, op) = first_overflow(&data, rate, [0.5, 0.0]);
        assert_eq!((first.step, first.op.as_str()), (step, op), "rate {rate}: {found}");
        assert_eq!((first.scope.as_str(), first.value.as_str()), ("loss", "inf"), "{found}");
        assert_eq!(first.pass, Pass::Forward, "{found}");
        if op == "square" {
            // √f32::MAX
            assert!(first.arguments[0].value.unwrap().abs() > 1.8446e19, "{found}");
            assert_eq!(first.element.len(), 2);
        }
        ops.insert(op);
    }
    assert_eq!(ops.len(), 2, "both cases were met: {ops:?}");
}

fn diverging(path: &Path, every: f64) -> NotFinite {
    let mut config = RunConfig::new("iris");
    config.data.target = Some("sepal_length".into());
    config.model.hidden = vec![12, 12];
    config.train.optimizer = Optimizer::GradientDescent { lr: 2.0, weight_decay: 0.0 };
    config.train.batch = Amount::Exactly(16);
    config.train.checkpoint_every = every;
    let job = Job::from_config(config.clone()).unwrap_or_else(|e| panic!("{e}"));
    let folder = RunFolder::create_at(path, &config).unwrap();
    not_finite(job.train(&folder, &mut |_| {}, &AtomicBool::new(false)))
}

#[test]
fn it_is_the_same_number_whatever_checkpoint_the_replay_begins_at() {
    let folder = tempfile::tempdir().unwrap();
    let plain = diverging(&folder.path().join("plain"), 600.0);
    let first = plain.first.clone().unwrap_or_else(|| panic!("{plain}"));
    let path = folder.path().join("saved");
    let saved = diverging(&path, 1e-9);
    assert_eq!(saved.first.as_ref(), Some(&first), "{saved}");
    assert!(plain.kept.is_none() && saved.kept.is_some(), "{saved}");
    let run = RunFolder::resume(&path).unwrap();
    assert_eq!(run.status().unwrap().message, Some(saved.to_string()));
    let again = not_finite(Job::resume(&run, &mut |_| {}, &AtomicBool::new(false)));
    assert_eq!(again, saved);
}
