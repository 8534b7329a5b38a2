//! Every loss, penalty and kind of layer is explained rightly: the terms come to the derivative, and
//! what stands beside them is true.

#![allow(clippy::unwrap_used)] // A test fails by panicking.

use std::sync::atomic::AtomicBool;

use glassbox::prelude::*;
use glassbox::train::Job;
use glassbox::train::config::ClassWeights;
use glassbox::train::folder::RunFolder;
use glassbox::watch::{Element, Explanation, InUse, Moment, Of, Term, When};
use tempfile::TempDir;

fn element(text: &str) -> Element {
    Element::parse(text).unwrap()
}

fn explain(moment: &Moment, what: &str) -> Explanation {
    let explanation = moment.explain(&element(what), None).unwrap();
    let difference = explanation.difference.unwrap();
    assert!(difference.agrees, "{explanation}");
    let size: f64 = explanation.terms.iter().map(|term| term.product.abs()).sum();
    assert!((explanation.gradient_f32 - explanation.gradient).abs() <= 1e-4 * size + 1e-7);
    explanation
}

/// The step after a short training on iris.
fn on_iris(trainer: impl FnOnce(Trainer<Mlp>) -> Trainer<Mlp>) -> Moment {
    let iris = data::iris();
    let plain = Trainer::new(Mlp::new([4, 5, 3])).epochs(2).batch(16).seed(3);
    trainer(plain).fit(&iris).unwrap().moment().unwrap()
}

/// A short run in a folder of its own.
fn trained(path: &str, settings: &[&str]) -> (TempDir, RunFolder) {
    let root = tempfile::tempdir().unwrap();
    let mut all = vec!["train.epochs=2".to_string()];
    all.extend(settings.iter().map(ToString::to_string));
    let job = Job::new(path, |config| config.set(&all)).unwrap();
    let folder = RunFolder::create_at(&root.path().join("run"), &job.config).unwrap();
    job.train(&folder, &mut |_| (), &AtomicBool::new(false)).unwrap();
    (root, folder)
}

#[test]
fn loss_and_penalty_come_to_the_total() {
    let moment = on_iris(|trainer| trainer.l1(0.01).l2(0.02));
    let explanation = explain(&moment, "fc1/weight[1, 2]");
    let [data, penalty] = &explanation.parts[..] else { panic!("{explanation}") };
    assert_eq!((data.of.as_str(), penalty.of.as_str()), ("CE", "penalty"));
    // The penalty's own derivative: l1 · sign(w) + 2 · l2 · w.
    let w = explanation.value;
    let own = 0.01 * w.signum() + 2.0 * 0.02 * w;
    assert!((penalty.gradient - own).abs() < 1e-9, "{own}: {explanation}");
    let sum: f64 = explanation.terms.iter().map(|term| term.product).sum();
    assert!((sum - data.gradient).abs() < 1e-12);
    assert!((data.gradient + penalty.gradient - explanation.gradient).abs() < 1e-12);
    assert!((data.value + penalty.value - explanation.loss_value).abs() < 1e-9);
    // Every term is a row's.
    assert!(explanation.terms.iter().all(|term| term.row.is_some()));
    let text = explanation.to_string();
    let rows: Vec<&str> =
        text.lines().skip_while(|line| !line.ends_with("value  derivative")).take(4).collect();
    let starts: Vec<&str> = rows.iter().filter_map(|row| row.split_whitespace().next()).collect();
    assert_eq!(starts, ["value", "CE", "penalty", "total"], "{text}");
    let length = |row: &&str| row.chars().count();
    assert!(rows.windows(2).all(|pair| length(&pair[0]) == length(&pair[1])), "{text}");
    // A bias has no share in it, and an activation's derivative is the loss's.
    for what in ["fc2/bias[1]", "fc1/relu[2, 1]"] {
        let explanation = explain(&moment, what);
        assert!(explanation.parts.is_empty() && explanation.loss == "CE");
        assert!((explanation.loss_value - data.value).abs() < 1e-12);
    }
    // A row's share has none of it.
    let of_row = moment.explain(&element("fc1/weight[1, 2]"), Some(3)).unwrap();
    assert!(of_row.parts.is_empty() && of_row.terms.len() == 1);
    // Of a step it is one of the shares.
    let movement = moment.why(&element("fc1/weight[1, 2]")).unwrap();
    assert!(movement.adds_up && movement.rows_add_up, "{movement}");
    let through = movement.rows.iter().find(|row| row.through.as_deref() == Some("penalty"));
    assert!((through.unwrap().gradient - own).abs() < 1e-9);
}

#[test]
fn what_is_frozen_is_said_to_be() {
    let moment = on_iris(|trainer| trainer.freeze(["fc1/*"]).l2(0.1));
    let explanation = explain(&moment, "fc1/weight[1, 2]");
    assert!(explanation.frozen && explanation.update.is_none() && explanation.parts.is_empty());
    assert!(explanation.to_string().contains("is frozen: no step moves it"));
    assert!(!explain(&moment, "fc2/weight[1, 2]").frozen);
    let refused = moment.why(&element("fc1/weight[1, 2]")).unwrap_err().to_string();
    assert!(refused.contains("frozen"), "{refused}");
}

#[test]
fn rate_times_gradient_is_told_only_where_it_is_the_step() {
    let of = |settings: &[&str]| {
        let all = ["model.hidden=[5]", "train.batch=8", "train.optimizer.kind=gradient_descent"];
        let run = trained("iris", &[&all, settings].concat());
        Moment::of_run(&run.1, When::Step(2)).unwrap()
    };
    let what = "fc2/bias[0]";
    let plain = explain(&of(&[]), what).to_string();
    assert!(plain.contains("step = rate "), "{plain}");
    let clipped = explain(&of(&["train.clip.norm=0.01"]), what).to_string();
    assert!(clipped.contains("gradients clipped") && !clipped.contains("×"), "{clipped}");
    let moment = of(&["train.accumulate=3"]);
    let several = explain(&moment, what).to_string();
    assert!(several.contains("the last of 3 batches") && !several.contains("×"), "{several}");
    // Its step is of all three batches, each of 8 rows.
    let movement = moment.why(&element(what)).unwrap();
    assert!(movement.adds_up && movement.rows_add_up, "{movement}");
    let share = |of: &str| movement.summands.iter().find(|s| s.of == of).unwrap().share;
    assert!(
        (share("gradient") + movement.rate / 3.0 * movement.gradient).abs() < 1e-6,
        "{movement}"
    );
    assert!(share("gradient_sum") != 0.0 && movement.summands.len() == 2, "{movement}");
}

#[test]
fn the_slope_in_words_is_the_slope_in_numbers() {
    // [observed, predicted, weight] of a row to the slope; n rows, Σw the sum of weights.
    type Slope = fn(&[f64], f64, f64) -> f64;
    let cases: [(Loss, Slope); 4] = [
        (Loss::SquaredError, |r, n, w| -2.0 * w * (r[0] - r[1]) / n),
        (Loss::AbsoluteError, |r, n, w| -w * (r[0] - r[1]).signum() / n),
        (Loss::Huber { delta: 0.5 }, |r, n, w| -w * (r[0] - r[1]).clamp(-0.5, 0.5) / n),
        // μ and σ instead of a prediction.
        (Loss::GaussianNll, |r, n, w| -w * (r[0] - r[1]) / (r[2] * r[2] * n)),
    ];
    for (loss, slope) in cases {
        for weighted in [false, true] {
            let rows = |i: usize| (i as f32 / 15.0 - 1.0, ((i * 37) % 11) as f32 / 5.0);
            let mut text = String::from("x,y,w\n");
            for i in 0..30 {
                let (x, noise) = rows(i);
                text += &format!("{x},{},{}\n", x.sin() + noise, 1 + i % 3);
            }
            let options = data::Options {
                target: Some("y".into()),
                weight: weighted.then(|| "w".into()),
                drop: if weighted { Vec::new() } else { vec!["w".into()] },
                ..data::Options::default()
            };
            let data = data::from_csv("t.csv", text.as_bytes(), &options).unwrap();
            let outputs = if loss == Loss::GaussianNll { 2 } else { 1 };
            let model = Mlp::new([1, 3, outputs]).activation(Activation::Tanh);
            let run = Trainer::new(model).loss(loss).epochs(2).batch(8).fit(&data).unwrap();
            let moment = run.moment().unwrap();
            let explanation = explain(&moment, "fc2/bias[0]");
            let at = |name: &str| explanation.context.iter().position(|c| c == name);
            let weight = |term: &Term| at("weight").map_or(1.0, |index| term.context[index]);
            assert_eq!(at("weight").is_some(), weighted);
            let n: f64 = explanation.terms.iter().map(weight).sum();
            assert!(explanation.terms.len() == 8);
            for term in &explanation.terms {
                let told = slope(&term.context[at("observed").unwrap()..], n, weight(term));
                assert!((told - term.factors[0]).abs() < 1e-9, "{loss:?}: {explanation}");
            }
            for what in ["fc1/weight[0, 1]", "fc1/tanh[3, 2]", "inputs[2, 0]"] {
                explain(&moment, what);
            }
            if loss == Loss::GaussianNll {
                let words = explain(&moment, "fc2/bias[1]").slope.unwrap();
                let expected = if weighted {
                    "w(1 − (obs − μ)²/σ²)/(2Σw)"
                } else {
                    "(1 − (obs − μ)²/σ²)/(2n)"
                };
                assert_eq!(words, expected);
            }
        }
    }
}

#[test]
fn classes_with_weights_and_two_classes_are_told_with_their_probability() {
    let moment = on_iris(|trainer| trainer.class_weights(ClassWeights::Given(vec![1.0, 2.0, 5.0])));
    let explanation = explain(&moment, "fc2/bias[1]");
    assert_eq!(explanation.slope.as_deref(), Some("w(p − observed)/Σw"));
    let mut text = String::from("x,y\n");
    for i in 0..40 {
        text += &format!("{},{}\n", f64::from(i) / 10.0, if (i * 7) % 5 > 2 { "a" } else { "b" });
    }
    let options = data::Options { target: Some("y".into()), ..data::Options::default() };
    let data = data::from_csv("t.csv", text.as_bytes(), &options).unwrap();
    let model = Mlp::new([1, 3, 1]).activation(Activation::Tanh);
    let run = Trainer::new(model).loss(Loss::BinaryCrossEntropy).epochs(2).batch(8);
    let explanation = explain(&run.fit(&data).unwrap().moment().unwrap(), "fc2/bias[0]");
    let at = explanation.context.iter().position(|name| name == "class").unwrap();
    for term in &explanation.terms {
        let [class, p] = [term.context[at], term.context[at + 1]];
        // (p − observed)/n, p being that of the second class.
        let second = if class == 1.0 { p } else { 1.0 - p };
        assert!((term.factors[0] - (second - class) / 8.0).abs() < 1e-7, "{explanation}");
    }
}

#[test]
fn of_several_targets_each_is_told_in_its_own_unit() {
    let mut text = String::from("x,a,b\n");
    for i in 0..60 {
        let x = f64::from(i) / 10.0;
        text += &format!("{x},{},{}\n", 3.0 * x, 500.0 - 40.0 * x);
    }
    let options = data::Options { target: Some("a, b".into()), ..data::Options::default() };
    let data = data::from_csv("t.csv", text.as_bytes(), &options).unwrap();
    let run = Trainer::new(Mlp::new([1, 2])).epochs(40).batch(8).fit(&data).unwrap();
    let explanation = explain(&run.moment().unwrap(), "fc1/bias[1]");
    assert_eq!(explanation.slope.as_deref(), Some("−2(obs − pred)/(2n)"));
    assert_eq!(explanation.context, ["x", "obs a", "pred a", "obs b", "pred b"]);
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("t.csv");
    std::fs::write(&file, &text).unwrap();
    let run = trained(file.to_str().unwrap(), &["data.target=\"a, b\""]);
    let model = InUse::of_run(&run.1).unwrap();
    let row = Of::Source(7);
    for (target, observed) in [(None, "1.8"), (Some("a"), "1.8"), (Some("b"), "476")] {
        let told = model.why(&row, target).unwrap();
        assert_eq!(told.of, target.unwrap_or("a"));
        assert_eq!(told.observed.as_deref(), Some(observed));
        assert!(told.complete && told.inputs[0].value == "0.6", "{told}");
    }
    let refused = model.why(&row, Some("c")).unwrap_err().to_string();
    assert!(refused.contains("there is no target `c`"), "{refused}");
}

#[test]
fn layers_that_draw_or_normalise_are_explained() {
    use glassbox::zoo::Normalize;
    let iris = data::iris();
    for model in [
        Mlp::new([4, 5, 3]).dropout(0.4),
        Mlp::new([4, 5, 3]).normalize(Normalize::Batch),
        Mlp::new([4, 5, 3]).normalize(Normalize::Layer).dropout(0.2),
    ] {
        let model = model.activation(Activation::Tanh);
        let run = Trainer::new(model).average(0.9).epochs(2).batch(16).fit(&iris).unwrap();
        let moment = run.moment().unwrap();
        let mut things = 0;
        for (name, sizes) in moment.things() {
            let indices: Vec<usize> = sizes.iter().map(|size| size / 2).collect();
            let what = Element { path: name, indices };
            let explanation = moment.explain(&what, None).unwrap();
            assert!(explanation.difference.unwrap().agrees, "{explanation}");
            things += 1;
        }
        assert!(things >= 8);
    }
}
