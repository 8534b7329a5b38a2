//! Syllabus N14 to N17: argmax and softmax, softmax's derivative, cross entropy, and back-propagation
//! through both (fixture F6). Every number is read from recorded graphs, in f32 by a session and in
//! f64 by the reference.
#![allow(clippy::unwrap_used)] // In tests; clippy exempts only the test functions themselves.

use crate::support;

use glassbox::engine::reference::Evaluation;
use glassbox::engine::{DType, Graph, Mode, Parameters, Tensor, grad};
use glassbox::nn::{Activation, Loss, Module, Optimizer, log_softmax, softmax};
use glassbox::zoo::Mlp;
use support::steps::{InReference, InSession, Steps, assert_close, assert_prints, both, values};

/// N14's raw scores.
fn scores() -> Parameters {
    values(&[("scores", &[1, 3], &[1.43, -0.4, 0.23])])
}

#[test]
fn n14_softmax_keeps_the_order_and_sums_to_one() {
    let graph = Graph::new();
    let raw = graph.input("scores", DType::F32, [1, 3]);
    let p = softmax(raw);
    let outputs = [p, p.sum_axis(-1), p.argmax(-1), raw.argmax(-1)];
    for run in both(&graph, &scores(), &Parameters::new(), &outputs) {
        let [p, sum, of_p, of_raw] = run.try_into().unwrap();
        for (p, printed) in p.iter().zip(["0.684", "0.110", "0.206"]) {
            assert_prints("softmax", *p, printed);
        }
        assert!(p[0] > p[2] && p[2] > p[1], "the order of 1.43, −0.4, 0.23");
        assert_close("sum", &sum, &[1.0], 1e-6);
        assert_eq!(of_p, of_raw);
        assert_eq!(of_p, [0.0]);
    }
}

#[test]
fn n14_argmax_has_no_slope_where_softmax_has_one() {
    let graph = Graph::new();
    let raw = graph.input("scores", DType::F32, [1, 3]);
    let through_argmax = grad(raw.argmax(-1).cast(DType::F32).sum(), &[raw])[0];
    let through_softmax = grad(softmax(raw).slice(-1, 0..1).sum(), &[raw])[0];
    let outputs = [through_argmax, through_softmax];
    for run in both(&graph, &scores(), &Parameters::new(), &outputs) {
        assert_eq!(run[0], [0.0; 3]);
        assert!(run[1].iter().all(|slope| slope.abs() > 0.05), "{:?}", run[1]);
    }
}

#[test]
fn n14_trained_by_softmax_classified_by_argmax_and_another_seed_gives_other_probabilities() {
    let trained = |seed| {
        let graph = Graph::new();
        let at = graph.root(Mode::Train);
        let x = graph.input("x", DType::F32, [3, 2]);
        let labels = graph.input("labels", DType::I64, [3]);
        let raw = Mlp::new([2, 8, 3]).activation(Activation::Tanh).forward(at, x);
        let loss = Loss::CrossEntropy.of(at.child("loss"), raw, labels);
        let (rate, step) =
            (graph.input("rate", DType::F32, []), graph.input("step", DType::I64, []));
        let all = graph.parameters();
        Optimizer::GRADIENT_DESCENT.update(at.child("optimizer"), loss, all, rate, step);
        let mut given = observations();
        given.insert("rate", values(&[("", &[], &[0.5])]).get("").unwrap().clone());
        let outputs = [loss, softmax(raw), raw.argmax(-1)];
        let mut training = InSession::new(&graph, &given, &graph.initial_values(seed), &outputs);
        training.losses(300);
        training.step()
    };
    let (one, other) = (trained(1), trained(2));
    assert_eq!(one[2], LABELS);
    assert_eq!(other[2], LABELS);
    let apart = one[1].iter().zip(&other[1]).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(apart > 1e-3, "the probabilities of two seeds are {apart:e} apart at most");
}

#[test]
fn n15_the_jacobian_of_softmax() {
    let graph = Graph::new();
    let raw = graph.input("scores", DType::F32, [1, 3]);
    let p = softmax(raw);
    let rows: Vec<Tensor<'_>> =
        (0..3).map(|i| grad(p.slice(-1, i..i + 1).sum(), &[raw])[0]).collect();
    let jacobian = rows[0].concatenate(&rows[1..], 0);
    for run in both(&graph, &scores(), &Parameters::new(), &[p, jacobian]) {
        let (p, jacobian) = (&run[0], &run[1]);
        assert_prints("∂p0/∂x0", jacobian[0], "0.216");
        assert_prints("∂p0/∂x1", jacobian[1], "−0.075");
        for (i, row) in jacobian.chunks(3).enumerate() {
            let expected: Vec<f64> =
                (0..3).map(|j| if i == j { p[i] * (1.0 - p[i]) } else { -p[i] * p[j] }).collect();
            assert_close(&format!("row {i}"), row, &expected, 1e-6);
            assert_close("a row's sum", &[row.iter().sum()], &[0.0], 1e-6);
        }
    }
}

/// The losses of one prediction `p` of an observed 1, and their slopes: cross entropy over the scores
/// ln p and ln(1 − p), whose softmax is p and 1 − p again, and the squared residual of p.
fn losses_of_p(graph: &Graph) -> [Tensor<'_>; 4] {
    let at = graph.root(Mode::Train);
    let p = graph.input("p", DType::F32, [1, 1]);
    let raw = p.log().concatenate(&[(1.0 - p).log()], -1);
    let observed = graph.input("observed", DType::I64, [1]);
    let entropy = Loss::CrossEntropy.of(at.child("entropy"), raw, observed);
    let residual = Loss::SumOfSquares.of(at.child("residual"), p, p.full_like(1.0));
    let slope = |loss| grad(loss, &[p])[0].reshape([]);
    [entropy, residual, slope(entropy), slope(residual)]
}

fn predicted(p: f64) -> Parameters {
    values(&[("p", &[1, 1], &[p]), ("observed", &[1], &[0.0])])
}

#[test]
fn n16_cross_entropy_of_057() {
    let graph = Graph::new();
    let outputs = losses_of_p(&graph);
    for run in both(&graph, &predicted(0.57), &Parameters::new(), &outputs) {
        assert_prints("−ln 0.57", run[0][0], "0.56");
    }
}

#[test]
fn n16_both_losses_and_both_slopes_over_p() {
    let graph = Graph::new();
    let outputs = losses_of_p(&graph);
    let mut session = InSession::new(&graph, &predicted(0.5), &Parameters::new(), &outputs);
    let p_node = graph.find_input("p").unwrap().value();
    let mut before: Option<[f64; 4]> = None;
    for p in (1..100).map(|i| f64::from(i) / 100.0) {
        session.give("p", &[p]);
        let in_f32: Vec<f64> = session.step().concat();
        let run = Evaluation::new(&graph, &predicted(p), &Parameters::new(), &outputs).unwrap();
        let in_f64 = outputs.map(|tensor| run.value(tensor).unwrap()[0]);
        // 1 − p has lost digits in f32, and their share grows towards p = 1.
        assert_close(&format!("p = {p}"), &in_f32, &in_f64, 1e-5);
        let [entropy, residual, entropy_slope, residual_slope] = in_f64;
        for (loss, slope) in [(outputs[0], entropy_slope), (outputs[1], residual_slope)] {
            let at = |p| run.with_element(p_node, 0, p, loss.value()).unwrap()[0];
            let h = 1e-4 * p;
            let difference = (at(p + h) - at(p - h)) / (2.0 * h);
            assert_close(&format!("slope at {p}"), &[slope], &[difference], 1e-7);
        }
        assert!((entropy - -p.ln()).abs() < 1e-12 && (residual - (1.0 - p).powi(2)).abs() < 1e-12);
        assert!(entropy > residual && entropy_slope < residual_slope, "steeper everywhere: {p}");
        assert!(residual_slope > -2.0, "the squared residual is never steeper than −2");
        if let Some(before) = before {
            assert!(entropy < before[0] && residual < before[1], "both fall towards p = 1");
            assert!(entropy_slope > before[2] && residual_slope > before[3], "both flatten");
        } else {
            assert_close("cross entropy's slope at 0.01", &[entropy_slope], &[-100.0], 1e-9);
        }
        before = Some(in_f64);
    }
}

/// Fixture F6's observations (petal, sepal → class), setosa, versicolor and virginica being 0, 1, 2.
const LABELS: [f64; 3] = [0.0, 2.0, 1.0];

fn observations() -> Parameters {
    values(&[
        ("x", &[3, 2], &[0.04, 0.42, 1.0, 0.54, 0.5, 0.37]),
        ("labels", &[3], &LABELS),
        ("rate", &[], &[1.0]),
    ])
}

/// Fixture F6's weights; setosa's bias is b3.
fn f6(b3: f64) -> Parameters {
    values(&[
        ("fc1/weight", &[2, 2], &[-2.5, -1.5, 0.6, 0.4]),
        ("fc1/bias", &[2], &[1.6, 0.7]),
        ("fc2/weight", &[2, 3], &[-0.1, 2.4, -2.2, 1.5, -5.2, 3.7]),
        ("fc2/bias", &[3], &[0.0, 0.0, 1.0]),
        ("b3", &[1], &[b3]),
    ])
}

struct Iris<'g> {
    raw: Tensor<'g>,
    log_p: Tensor<'g>,
    observed: Tensor<'g>,
    total: Tensor<'g>,
    mean: Tensor<'g>,
    slope: Tensor<'g>,
}

/// F6's net on its observations with the summed cross entropy; b3, a parameter of its own that is
/// added to setosa's raw output, is the only one trained.
fn iris(graph: &Graph) -> Iris<'_> {
    let at = graph.root(Mode::Train);
    let x = graph.input("x", DType::F32, [3, 2]);
    let labels = graph.input("labels", DType::I64, [3]);
    let net = Mlp::new([2, 2, 3]).activation(Activation::Relu).forward(at, x);
    let b3 = at.parameter("b3", [1], 0.0);
    let raw = net + b3.embed(&[0], &[1], [3]);
    let log_p = log_softmax(raw);
    let classes = graph.iota([3, 3], 1);
    let observed = classes.equal(labels.reshape([3, 1])).cast(DType::F32);
    let total = -(observed * log_p).sum();
    let mean = Loss::CrossEntropy.of(at.child("loss"), raw, labels);
    let (rate, step) = (graph.input("rate", DType::F32, []), graph.input("step", DType::I64, []));
    let descent = Optimizer::GRADIENT_DESCENT;
    let trained = vec![("b3".to_string(), b3)];
    let slope = descent.update(at.child("optimizer"), total, trained, rate, step)[0];
    Iris { raw, log_p, observed, total, mean, slope }
}

#[test]
fn n13_raw_outputs_of_the_versicolor() {
    let graph = Graph::new();
    let iris = iris(&graph);
    for run in both(&graph, &observations(), &f6(0.0), &[iris.raw, iris.raw.argmax(-1)]) {
        for (value, printed) in run[0][6..].iter().zip(["0.09", "0.86", "0.10"]) {
            assert_prints("raw output at (0.5, 0.37)", *value, printed);
        }
        assert_eq!(run[1][2], 1.0);
    }
}

#[test]
fn n17_the_total_cross_entropy_and_its_slope_by_b3() {
    let graph = Graph::new();
    let iris = iris(&graph);
    let outputs = [iris.total, iris.slope, iris.mean];
    for run in both(&graph, &observations(), &f6(-2.0), &outputs) {
        assert_prints("total cross entropy at b3 = −2", run[0][0], "2.67");
        assert_prints("its slope", run[1][0], "−0.77");
        assert_close("three times nn's mean over rows", &[3.0 * run[2][0]], &run[0], 1e-6);
    }
}

#[test]
fn n17_the_slope_is_p_minus_one_for_the_observed_class_and_p_for_the_others() {
    let graph = Graph::new();
    let iris = iris(&graph);
    let by_raw = grad(iris.total, &[iris.raw])[0];
    let by_mean = grad(iris.mean, &[iris.raw])[0];
    let p_minus_observed = softmax(iris.raw) - iris.observed;
    let outputs = [by_raw, p_minus_observed, by_mean, iris.slope, iris.log_p.exp()];
    for run in both(&graph, &observations(), &f6(-2.0), &outputs) {
        let [by_raw, expected, by_mean, slope, p] = run.try_into().unwrap();
        assert_close("p − observed", &by_raw, &expected, 1e-6);
        let thrice: Vec<f64> = by_mean.iter().map(|slope| 3.0 * slope).collect();
        assert_close("of the mean, three times", &thrice, &expected, 1e-6);
        // By b3: setosa's column, observed in the first row alone.
        assert_close("slope by b3", &slope, &[p[0] - 1.0 + p[3] + p[6]], 1e-6);
    }
}

#[test]
fn n17_descent_on_b3_takes_the_printed_path() {
    let graph = Graph::new();
    let iris = iris(&graph);
    let (given, start) = (observations(), f6(-2.0));
    let mut session = InSession::new(&graph, &given, &start, &[iris.total]);
    let mut reference = InReference::new(&graph, &given, &start, &[iris.total]);
    for training in [&mut session as &mut dyn Steps, &mut reference] {
        let mut path = vec![training.value("b3")[0]];
        let mut losses = Vec::new();
        // Until a step is 0.001 at most, or 1000 were made.
        for _ in 0..1000 {
            losses.push(training.step()[0][0]);
            let b3 = training.value("b3")[0];
            let step = b3 - path[path.len() - 1];
            path.push(b3);
            if step.abs() <= 0.001 {
                break;
            }
        }
        assert_prints("b3 after one step", path[1], "−1.23");
        assert_prints("b3 at the end", path[path.len() - 1], "−0.03");
        assert!(path.len() < 15, "the step becomes small after {} steps", path.len());
        assert!(losses.windows(2).all(|pair| pair[1] < pair[0]), "the total falls at each step");
    }
}
