//! Glassbox gives the numbers that PyTorch gives, for the same values: `fixtures/pytorch.py` made
//! the fixtures, which name the version of PyTorch. Tolerances are relative for numbers above 1 in
//! size, else absolute: `EXACT` in f64, where only the order of operations differs; `SINGLE` in f32,
//! for which the same fixtures are rounded.
#![allow(clippy::unwrap_used, clippy::panic)] // In tests; clippy exempts only the test functions themselves.

use crate::support;

use std::path::Path;

use glassbox::engine::{DType, Graph, Mode, Parameters, Scope, Shape, Tensor, grad};
use glassbox::nn::{Activation, Initial, Loss, Module, Optimizer, linear, log_softmax, softmax};
use glassbox::zoo::Mlp;
use serde_json::Value;
use support::steps::{InReference, InSession, Steps, assert_close, both, values};

const EXACT: f64 = 1e-12;
const SINGLE: f64 = 2e-6;

fn fixture(name: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let text = std::fs::read_to_string(folder.join(format!("pytorch_{name}.json"))).unwrap();
    let fixture: Value = serde_json::from_str(&text).unwrap();
    assert!(fixture["torch"].is_string(), "the fixture names its version of PyTorch");
    fixture
}

/// The numbers of a list, or of one number.
fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(list) => list.iter().map(|v| v.as_f64().unwrap()).collect(),
        one => vec![one.as_f64().unwrap()],
    }
}

/// The parameters of an MLP of these sizes, by path.
fn weights(sizes: &[usize], found: &Value) -> Parameters {
    let mut all = Parameters::new();
    for (layer, pair) in sizes.windows(2).enumerate() {
        for (name, shape) in [("weight", vec![pair[0], pair[1]]), ("bias", vec![pair[1]])] {
            let path = format!("fc{}/{name}", layer + 1);
            let array = glassbox::engine::Array::new(shape, numbers(&found[&path])).unwrap();
            all.insert(path, array);
        }
    }
    all
}

fn sizes(found: &Value) -> Vec<usize> {
    numbers(&found["sizes"]).iter().map(|&size| size as usize).collect()
}

fn activation(found: &Value) -> Activation {
    Activation::from_word(found["activation"].as_str().unwrap()).unwrap()
}

/// In f32 by a session and in f64 by the reference: each output is near its numbers.
fn compare<'g>(
    graph: &'g Graph,
    inputs: &Parameters,
    states: &Parameters,
    outputs: &[(&str, Tensor<'g>, &Value)],
) {
    let asked: Vec<Tensor<'g>> = outputs.iter().map(|(_, tensor, _)| *tensor).collect();
    for (run, tolerance) in both(graph, inputs, states, &asked).iter().zip([SINGLE, EXACT]) {
        for ((what, _, expected), found) in outputs.iter().zip(run) {
            assert_close(what, found, &numbers(expected), tolerance);
        }
    }
}

#[test]
fn linear_forward_and_backward() {
    let layers = fixture("layers");
    let found = &layers["linear"];
    let graph = Graph::new();
    let x = graph.input("x", DType::F32, [5, 4]);
    let upstream = graph.input("upstream", DType::F32, [5, 3]);
    let y = linear(graph.root(Mode::Train).child("fc1"), x, 3, Initial::Zeros);
    let at = |path| graph.current(path).unwrap();
    let slopes = grad((y * upstream).sum(), &[x, at("fc1/weight"), at("fc1/bias")]);
    let inputs = values(&[
        ("x", &[5, 4], &numbers(&found["x"])),
        ("upstream", &[5, 3], &numbers(&found["upstream"])),
    ]);
    let states = values(&[
        ("fc1/weight", &[4, 3], &numbers(&found["weight"])),
        ("fc1/bias", &[3], &numbers(&found["bias"])),
    ]);
    compare(
        &graph,
        &inputs,
        &states,
        &[
            ("y", y, &found["y"]),
            ("dx", slopes[0], &found["dx"]),
            ("dweight", slopes[1], &found["dweight"]),
            ("dbias", slopes[2], &found["dbias"]),
        ],
    );
}

#[test]
fn every_activation_s_value_and_slope() {
    let layers = fixture("layers");
    let found = &layers["activations"];
    let grid = numbers(&found["grid"]);
    let by_tanh = ("gelu by tanh", Activation::Gelu { approximate: true });
    let all = Activation::ALL.iter().map(|a| (a.word(), *a)).chain([by_tanh]);
    for (name, activation) in all {
        let expected = &found["functions"][name];
        for dtype in [DType::F32, DType::F64] {
            let graph = Graph::new();
            let x = graph.input("x", dtype, [grid.len()]);
            let y = activation.of(x);
            let slope = grad(y.sum(), &[x])[0];
            let inputs = values(&[("x", &[grid.len()], &grid)]);
            let [planned, reference] = both(&graph, &inputs, &Parameters::new(), &[y, slope]);
            let tolerance = if dtype == DType::F64 { EXACT } else { 1e-6 };
            for (run, tolerance) in [(planned, tolerance), (reference, EXACT)] {
                let what = format!("{name} in {dtype}");
                assert_close(&what, &run[0], &numbers(&expected["value"]), tolerance);
                let what = format!("slope of {name} in {dtype}");
                assert_close(&what, &run[1], &numbers(&expected["slope"]), tolerance);
            }
        }
    }
}

#[test]
fn softmax_and_log_softmax_with_gradients() {
    let layers = fixture("layers");
    let found = &layers["softmaxes"];
    let graph = Graph::new();
    let x = graph.input("x", DType::F32, [6, 4]);
    let upstream = graph.input("upstream", DType::F32, [6, 4]);
    let (p, log_p) = (softmax(x), log_softmax(x));
    let dp = grad((p * upstream).sum(), &[x])[0];
    let dlog_p = grad((log_p * upstream).sum(), &[x])[0];
    let inputs = values(&[
        ("x", &[6, 4], &numbers(&found["x"])),
        ("upstream", &[6, 4], &numbers(&found["upstream"])),
    ]);
    compare(
        &graph,
        &inputs,
        &Parameters::new(),
        &[
            ("softmax", p, &found["softmax"]["value"]),
            ("softmax's dx", dp, &found["softmax"]["dx"]),
            ("log_softmax", log_p, &found["log_softmax"]["value"]),
            ("log_softmax's dx", dlog_p, &found["log_softmax"]["dx"]),
        ],
    );
}

#[test]
fn cross_entropy_and_squared_error_with_gradients() {
    let layers = fixture("layers");
    let found = &layers["losses"];
    let graph = Graph::new();
    let at = graph.root(Mode::Train);
    let input = |name: &str| graph.input(name, DType::F32, [6, 4]);
    let (scores, predicted, observed) = (input("scores"), input("predicted"), input("observed"));
    let labels = graph.input("labels", DType::I64, [6]);
    let entropy = Loss::CrossEntropy.of(at.child("entropy"), scores, labels);
    let squared = Loss::SquaredError.of(at.child("squared"), predicted, observed);
    let given = |name: &str| numbers(&found[name]);
    let inputs = values(&[
        ("scores", &[6, 4], &given("scores")),
        ("predicted", &[6, 4], &given("predicted")),
        ("observed", &[6, 4], &given("observed")),
        ("labels", &[6], &given("labels")),
    ]);
    compare(
        &graph,
        &inputs,
        &Parameters::new(),
        &[
            ("cross entropy", entropy, &found["cross_entropy"]),
            ("dscores", grad(entropy, &[scores])[0], &found["dscores"]),
            ("squared error", squared, &found["squared_error"]),
            ("dpredicted", grad(squared, &[predicted])[0], &found["dpredicted"]),
        ],
    );
}

#[test]
fn a_perceptron_s_forward_and_backward_from_the_same_weights() {
    let layers = fixture("layers");
    let found = &layers["perceptron"];
    let graph = Graph::new();
    let at = graph.root(Mode::Train);
    let x = graph.input("x", DType::F32, [8, 6]);
    let labels = graph.input("labels", DType::I64, [8]);
    let model = Mlp::new(sizes(found)).activation(activation(found));
    let scores = model.forward(at, x);
    let loss = Loss::CrossEntropy.of(at.child("loss"), scores, labels);
    let inputs = values(&[
        ("x", &[8, 6], &numbers(&found["x"])),
        ("labels", &[8], &numbers(&found["labels"])),
    ]);
    let parameters = graph.parameters();
    let mut outputs = vec![
        ("scores", scores, &found["scores"]),
        ("loss", loss, &found["loss"]),
        ("dx", grad(loss, &[x])[0], &found["dx"]),
    ];
    for (path, parameter) in &parameters {
        let slope = grad(loss, &[*parameter])[0];
        outputs.push((path, slope, &found["gradients"][path]));
    }
    compare(&graph, &inputs, &weights(&sizes(found), &found["parameters"]), &outputs);
}

/// The optimiser that a fixture's name stands for; everything that it does not say is a default.
fn optimizer(name: &str, rate: f64, held: f64) -> Optimizer {
    let (kind, setting) = name.split_once(", ").unwrap_or((name, ""));
    let mut optimizer = match kind {
        "nesterov" => Optimizer::MOMENTUM,
        kind => Optimizer::from_word(kind).unwrap(),
    };
    match &mut optimizer {
        Optimizer::Momentum { momentum, nesterov, .. } => {
            (*momentum, *nesterov) = (held, kind == "nesterov");
        }
        Optimizer::Adagrad { lr_decay, .. } if setting == "lr_decay" => *lr_decay = 0.1,
        Optimizer::RmsProp { momentum, centered, .. } => {
            *momentum = if ["momentum", "both"].contains(&setting) { held } else { 0.0 };
            *centered = ["centered", "both"].contains(&setting);
        }
        _ => {}
    }
    let decays = setting == "decay";
    let optimizer = if decays { optimizer.with_weight_decay(0.3) } else { optimizer };
    optimizer.with_lr(rate)
}

const OPTIMIZERS: [&str; 4] = ["gradient_descent", "momentum", "nesterov", "adam"];

/// (1 − x)² + 100·(y − x²)² of a parameter `[2]`.
fn rosenbrock<'g>(at: Scope<'g>) -> Tensor<'g> {
    let place = at.parameter_of(DType::F64, "place", [2], 0.0);
    let (x, y) = (place.slice(0, 0..1), place.slice(0, 1..2));
    ((1.0 - x).square() + (y - x.square()).square() * 100.0).sum()
}

#[test]
fn a_hundred_steps_of_every_optimiser_on_the_rosenbrock_function() {
    let file = fixture("optimizers");
    let found = &file["rosenbrock"];
    let [lr, momentum] = ["lr", "momentum"].map(|name| found[name].as_f64().unwrap());
    let inputs = values(&[("rate", &[], &[lr])]);
    let start = values(&[("place", &[2], &numbers(&found["start"]))]);
    let paths = found["paths"].as_object().unwrap();
    assert_eq!(paths.len(), 17);
    for (name, path) in paths {
        let graph = Graph::new();
        let at = graph.root(Mode::Train);
        let loss = rosenbrock(at);
        let (rate, step) =
            (graph.input("rate", DType::F64, []), graph.input("step", DType::I64, []));
        let optimizer = optimizer(name, lr, momentum);
        optimizer.update(at.child("optimizer"), loss, graph.parameters(), rate, step);
        let mut session = InSession::new(&graph, &inputs, &start, &[loss]);
        let mut reference = InReference::new(&graph, &inputs, &start, &[loss]);
        let path = path.as_array().unwrap();
        for training in [&mut session as &mut dyn Steps, &mut reference] {
            let mut taken = 0;
            for (step, place) in numbers(&found["steps"]).iter().zip(path) {
                while taken < *step as usize {
                    training.step();
                    taken += 1;
                }
                let theirs = numbers(place);
                for (ours, theirs) in training.value("place").iter().zip(theirs) {
                    // N22 asks for 1e-5; f64 keeps far more.
                    let apart = (ours / theirs - 1.0).abs();
                    assert!(apart < 1e-11, "{name}, step {step}: {ours} against {theirs}");
                }
            }
            assert_eq!(taken, 100);
        }
    }
}

#[test]
fn twenty_steps_of_a_perceptron_with_every_optimiser_in_single_precision() {
    let file = fixture("optimizers");
    let found = &file["training"];
    let [lr, momentum] = ["lr", "momentum"].map(|name| found[name].as_f64().unwrap());
    let labels = numbers(&found["labels"]);
    let rows = labels.len();
    let sizes = sizes(found);
    let inputs = values(&[
        ("x", &[rows, sizes[0]], &numbers(&found["x"])),
        ("labels", &[rows], &labels),
        ("rate", &[], &[lr]),
    ]);
    let start = weights(&sizes, &found["parameters"]);
    for name in OPTIMIZERS {
        let graph = Graph::new();
        let at = graph.root(Mode::Train);
        let x = graph.input("x", DType::F32, [rows, sizes[0]]);
        let labels = graph.input("labels", DType::I64, [rows]);
        let scores = Mlp::new(sizes.clone()).activation(activation(found)).forward(at, x);
        let loss = Loss::CrossEntropy.of(at.child("loss"), scores, labels);
        let (rate, step) =
            (graph.input("rate", DType::F32, []), graph.input("step", DType::I64, []));
        let optimizer = optimizer(name, lr, momentum);
        optimizer.update(at.child("optimizer"), loss, graph.parameters(), rate, step);
        let theirs = numbers(&found["losses"][name]);
        assert_eq!(theirs.len(), 20);
        let ours = InSession::new(&graph, &inputs, &start, &[loss]).losses(19);
        for (i, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
            let apart = (ours / theirs - 1.0).abs();
            assert!(apart < 1e-4, "{name}, step {}: {ours} against {theirs}", i + 1);
        }
        assert!(ours[19] < 0.98 * ours[0], "{name} learns: {} → {}", ours[0], ours[19]);
    }
}

/// Each statistic of our 250,000 draws against PyTorch's of as many. A sample variance has the
/// relative standard error √((k − 1)/n), k the distribution's kurtosis (normal 3, uniform 1.8), and a
/// difference of two √2 times that: 0.4 % and 0.25 %. Five of them are allowed.
#[test]
fn initial_weights_are_spread_as_pytorch_s() {
    let file = fixture("initial");
    for draw in file["draws"].as_array().unwrap() {
        let initial = Initial::from_word(draw["initial"].as_str().unwrap()).unwrap();
        let [inputs, outputs] = ["inputs", "outputs"].map(|n| draw[n].as_u64().unwrap() as usize);
        let [variance, largest] = ["variance", "largest"].map(|n| draw[n].as_f64().unwrap());
        let what = format!("{initial}, {inputs} to {outputs}");
        let graph = Graph::new();
        let x = graph.input("x", DType::F32, [1, inputs]);
        linear(graph.root(Mode::Train).child("fc1"), x, outputs, initial);
        let start = graph.initial_values(7);
        assert!(start.get("fc1/bias").unwrap().to_f64().iter().all(|&b| b == 0.0), "{what}");
        let weight = start.get("fc1/weight").unwrap();
        assert_eq!(*weight.shape(), Shape::from([inputs, outputs]));
        let drawn = weight.to_f64();
        let n = drawn.len() as f64;
        let mean = drawn.iter().sum::<f64>() / n;
        let ours = drawn.iter().map(|w| (w - mean).powi(2)).sum::<f64>() / (n - 1.0);
        let uniform =
            matches!(initial, Initial::Xavier | Initial::HeUniform | Initial::LecunUniform);
        let kurtosis = if uniform { 1.8 } else { 3.0 };
        let allowed = 5.0 * (2.0 * (kurtosis - 1.0) / n).sqrt();
        let apart = (ours / variance - 1.0).abs();
        assert!(apart < allowed, "{what}: variance {ours} against {variance}");
        assert!(mean.abs() < 5.0 * (variance / n).sqrt(), "{what}: mean {mean}");
        let our_largest = drawn.iter().fold(0.0f64, |a, w| a.max(w.abs()));
        // The bound is met within 10 mean gaps between draws; a normal's largest is only alike.
        let allowed = if uniform { 10.0 / n } else { 0.3 };
        let apart = (our_largest / largest - 1.0).abs();
        assert!(apart < allowed, "{what}: largest {our_largest} against {largest}");
    }
}
