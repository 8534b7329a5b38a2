//! Glassbox gives the numbers that PyTorch gives: losses with weights and smoothing, normalisation,
//! clipping and schedules. `fixtures/pytorch.py` made the fixtures; tolerances are those of
//! `pytorch.rs`.
#![allow(clippy::unwrap_used, clippy::panic)] // In tests; clippy exempts only the test functions themselves.

use crate::support;

use std::path::Path;

use glassbox::engine::{DType, Graph, Mode, Parameters, Tensor, grad};
use glassbox::nn::{Clip, Loss, Objective, Plateau, Schedule, Span, batch_norm, layer_norm};
use serde_json::Value;
use support::steps::{InReference, InSession, Steps, assert_close, both, values};

const EXACT: f64 = 1e-12;
const SINGLE: f64 = 4e-6;

fn fixture() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pytorch_more.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(list) => list.iter().map(|v| v.as_f64().unwrap()).collect(),
        one => vec![one.as_f64().unwrap()],
    }
}

#[test]
fn losses_with_class_weights_smoothing_and_row_weights_and_their_gradients() {
    let file = fixture();
    let found = &file["losses"];
    let smoothing = 0.1;
    let class_weights = numbers(&found["class_weights"]);
    let plain = Objective::from;
    let smoothed = |loss| Objective { label_smoothing: smoothing, ..Objective::from(loss) };
    let weighted = |loss, weights: &[f64]| Objective {
        class_weights: weights.to_vec(),
        ..Objective::from(loss)
    };
    let (entropy, binary) = (Loss::CrossEntropy, Loss::BinaryCrossEntropy);
    let huber = Loss::Huber { delta: 0.7 };
    let two = [0.5, 2.0];
    let (scores, numeric, single, two_wide) = (
        ("scores", 4, "labels"),
        ("predicted", 4, "observed"),
        ("single", 1, "binary"),
        ("both", 2, "told"),
    );
    let cases = [
        ("class weights", scores, weighted(entropy, &class_weights), false),
        ("smoothed", scores, smoothed(entropy), false),
        (
            "class weights, smoothed",
            scores,
            Objective { label_smoothing: smoothing, ..weighted(entropy, &class_weights) },
            false,
        ),
        ("row weights", scores, plain(entropy), true),
        ("binary", single, plain(binary), false),
        ("binary, class weights", single, weighted(binary, &two), false),
        ("binary, smoothed", single, smoothed(binary), false),
        ("absolute", numeric, plain(Loss::AbsoluteError), false),
        ("absolute, row weights", numeric, plain(Loss::AbsoluteError), true),
        ("squared, row weights", numeric, plain(Loss::SquaredError), true),
        ("huber", numeric, plain(huber), false),
        ("huber, row weights", numeric, plain(huber), true),
        ("gaussian", two_wide, plain(Loss::GaussianNll), false),
        ("gaussian, row weights", two_wide, plain(Loss::GaussianNll), true),
    ];
    assert_eq!(found["losses"].as_object().unwrap().len(), cases.len());
    for (name, (from, width, to), objective, by_row) in cases {
        let graph = Graph::new();
        let prediction = graph.input("prediction", DType::F32, [6, width]);
        let target_width = if width == 2 { 1 } else { width };
        let (target, shape) = match objective.loss.target_type() {
            DType::I64 => (graph.input("target", DType::I64, [6]), vec![6]),
            _ => (graph.input("target", DType::F32, [6, target_width]), vec![6, target_width]),
        };
        let weights = by_row.then(|| graph.input("weights", DType::F32, [6]));
        let at = graph.root(Mode::Train).child("loss");
        let loss = objective.record(at, prediction, target, weights).loss;
        let slope = grad(loss, &[prediction])[0];
        let mut inputs = values(&[
            ("prediction", &[6, width], &numbers(&found[from])),
            ("target", &shape, &numbers(&found[to])),
        ]);
        if by_row {
            let rows = values(&[("weights", &[6], &numbers(&found["row_weights"]))]);
            inputs.insert("weights", rows.get("weights").unwrap().clone());
        }
        let expected = &found["losses"][name];
        let runs = both(&graph, &inputs, &Parameters::new(), &[loss, slope]);
        for (run, tolerance) in runs.iter().zip([SINGLE, EXACT]) {
            assert_close(name, &run[0], &numbers(&expected["value"]), tolerance);
            let what = format!("slope of {name}");
            assert_close(&what, &run[1], &numbers(&expected["slope"]), tolerance);
        }
    }
}

/// Two batches in training and one in use, in f32 and in f64.
fn normalization(
    name: &str,
    layer: for<'g> fn(glassbox::engine::Scope<'g>, Tensor<'g>) -> Tensor<'g>,
) {
    let file = fixture();
    let found = &file["normalizations"][name];
    let shape = [5, 2, 3];
    let graphs = [Graph::new(), Graph::new()];
    let record = |graph: &Graph, mode| {
        let x = graph.input("x", DType::F32, shape);
        let upstream = graph.input("upstream", DType::F32, shape);
        let y = layer(graph.root(mode).child("norm"), x).named("y");
        let at = |path| graph.current(path).unwrap();
        let slopes = grad((y * upstream).sum(), &[x, at("norm/weight"), at("norm/bias")]);
        for (slope, name) in slopes.iter().zip(["dx", "dweight", "dbias"]) {
            slope.named(name);
        }
        graph.check().unwrap_or_else(|e| panic!("{e}"));
    };
    record(&graphs[0], Mode::Train);
    record(&graphs[1], Mode::Eval);
    let asked = ["y", "dx", "dweight", "dbias"];
    for (in_session, tolerance) in [(true, 1e-5), (false, EXACT)] {
        let mut states = values(&[
            ("norm/weight", &[3], &numbers(&found["weight"])),
            ("norm/bias", &[3], &numbers(&found["bias"])),
        ]);
        for (number, run) in found["runs"].as_array().unwrap().iter().enumerate() {
            let graph = &graphs[usize::from(number == 2)];
            let inputs = values(&[
                ("x", &shape, &numbers(&run["x"])),
                ("upstream", &shape, &numbers(&run["upstream"])),
            ]);
            let outputs = asked.map(|name| graph.named(name).unwrap());
            let mut steps: Box<dyn Steps> = match in_session {
                true => Box::new(InSession::new(graph, &inputs, &states, &outputs)),
                false => Box::new(InReference::new(graph, &inputs, &states, &outputs)),
            };
            for (name, found) in asked.iter().zip(steps.step()) {
                let what = format!("{name} of run {number}");
                assert_close(&what, &found, &numbers(&run[*name]), tolerance);
            }
            for name in ["running_mean", "running_var"] {
                let Some(expected) = run.get(name) else { continue };
                let path = format!("norm/{name}");
                let now = steps.value(&path);
                assert_close(&path, &now, &numbers(expected), tolerance);
                states.insert(path, glassbox::engine::Array::new([3], now).unwrap());
            }
        }
    }
}

#[test]
fn batch_normalisation_in_training_and_in_use() {
    normalization("batch_norm", batch_norm);
}

#[test]
fn layer_normalisation_in_training_and_in_use() {
    normalization("layer_norm", layer_norm);
}

#[test]
fn clipping_by_norm_and_by_value() {
    let file = fixture();
    let found = &file["clipped"];
    for (name, clip) in [
        ("norm 1.5", Clip::Norm(1.5)),
        ("norm 1000.0", Clip::Norm(1000.0)),
        ("value 0.5", Clip::Value(0.5)),
    ] {
        let graph = Graph::new();
        let first = graph.input("first", DType::F32, [3, 4]);
        let second = graph.input("second", DType::F32, [5]);
        let clipped = clip.of(&[first, second]);
        let inputs = values(&[
            ("first", &[3, 4], &numbers(&found["first"])),
            ("second", &[5], &numbers(&found["second"])),
        ]);
        let runs = both(&graph, &inputs, &Parameters::new(), &clipped);
        for (run, tolerance) in runs.iter().zip([SINGLE, EXACT]) {
            for (ours, theirs) in run.iter().zip(found[name].as_array().unwrap()) {
                assert_close(name, ours, &numbers(theirs), tolerance);
            }
        }
    }
}

#[test]
fn the_rate_of_every_step() {
    let file = fixture();
    let found = &file["schedules"];
    let rate = found["rate"].as_f64().unwrap();
    let [steps, steps_an_epoch] =
        ["steps", "steps_an_epoch"].map(|name| found[name].as_u64().unwrap());
    let span = Span { steps, steps_an_epoch };
    let cases = [
        ("cosine", Schedule::Cosine, 0),
        ("linear", Schedule::Linear { hold: 0.0 }, 0),
        ("step", Schedule::Step { every: 2, factor: 0.5 }, 0),
        ("exponential", Schedule::Exponential { factor: 0.7 }, 0),
        ("one_cycle", Schedule::OneCycle { rise: 0.3 }, 0),
        ("warmed cosine", Schedule::Cosine, 5),
    ];
    assert_eq!(found["rates"].as_object().unwrap().len(), cases.len());
    for (name, schedule, warmup) in cases {
        let ours: Vec<f64> =
            (1..=steps).map(|step| schedule.warmed(rate, step, warmup, span)).collect();
        assert_close(name, &ours, &numbers(&found["rates"][name]), EXACT);
    }
}

#[test]
fn a_plateau_lowers_the_rate_after_the_same_epochs() {
    let file = fixture();
    let found = &file["schedules"];
    let mut plateau = Plateau::default();
    let mut ours = Vec::new();
    for (epoch, figure) in (1..).zip(numbers(&found["figures"])) {
        plateau.hear(figure, false, epoch, 2);
        let drops = plateau.drops_before(epoch + 1);
        ours.push(0.1 * 0.5f64.powi(drops as i32));
    }
    assert_close("rates", &ours, &numbers(&found["plateau"]), EXACT);
    assert_eq!(plateau.drops.len(), 2);
}
