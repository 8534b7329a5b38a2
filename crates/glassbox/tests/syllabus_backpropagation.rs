//! Syllabus N8 to N11: the squiggle of a 1-2-1 softplus net, and back-propagation of one, three and
//! all seven of its parameters (fixtures F1 to F4). Every number is read from recorded graphs: trained
//! in f32 by a session, and the same steps in f64 by the reference.
#![allow(clippy::unwrap_used)] // In tests; clippy exempts only the test functions themselves.

use crate::support;

use glassbox::engine::{DType, Graph, Mode, Parameters, Tensor, grad};
use glassbox::nn::{Activation, Initial, Loss, Module, Optimizer, linear};
use glassbox::zoo::Mlp;
use support::steps::{InReference, InSession, Steps, assert_close, assert_prints, both, values};

/// The 1-2-1 net over three doses, and its sum of squared residuals.
struct Net<'g> {
    prediction: Tensor<'g>,
    loss: Tensor<'g>,
}

/// Fixture F2's doses and what was observed, and the learning rate.
fn data(rate: f64) -> Parameters {
    values(&[
        ("dose", &[3, 1], &[0.0, 0.5, 1.0]),
        ("observed", &[3, 1], &[0.0, 1.0, 0.0]),
        ("rate", &[], &[rate]),
    ])
}

fn squiggle(graph: &Graph) -> Net<'_> {
    let at = graph.root(Mode::Train);
    let dose = graph.input("dose", DType::F32, [3, 1]);
    let observed = graph.input("observed", DType::F32, [3, 1]);
    let prediction = Mlp::new([1, 2, 1]).activation(Activation::Softplus).forward(at, dose);
    let loss = Loss::SumOfSquares.of(at.child("loss"), prediction, observed);
    Net { prediction, loss }
}

/// w1 … b3 as the syllabus numbers them, as the net's parameters.
fn weights([w1, b1, w2, b2, w3, w4, b3]: [f64; 7]) -> Parameters {
    values(&[
        ("fc1/weight", &[1, 2], &[w1, w2]),
        ("fc1/bias", &[2], &[b1, b2]),
        ("fc2/weight", &[2, 1], &[w3, w4]),
        ("fc2/bias", &[1], &[b3]),
    ])
}

fn f1() -> Parameters {
    weights([-34.4, 2.14, -2.52, 1.29, -1.30, 2.28, -0.58])
}

fn f2() -> Parameters {
    weights([3.34, -1.43, -3.53, 0.57, -1.22, -2.30, 0.0])
}

fn f3() -> Parameters {
    weights([3.34, -1.43, -3.53, 0.57, 0.36, 0.63, 0.0])
}

fn f4() -> Parameters {
    weights([2.74, 0.0, -1.13, 0.0, 0.36, 0.63, 0.0])
}

/// Records gradient descent on the parameters at `paths` alone; gives their gradients.
fn descend<'g>(graph: &'g Graph, loss: Tensor<'g>, paths: &[&str]) -> Vec<Tensor<'g>> {
    let rate = graph.input("rate", DType::F32, []);
    let step = graph.input("step", DType::I64, []);
    let trained = paths.iter().map(|&p| (p.to_string(), graph.current(p).unwrap())).collect();
    let at = graph.root(Mode::Train).child("optimizer");
    Optimizer::GRADIENT_DESCENT.update(at, loss, trained, rate, step)
}

const ALL_SEVEN: [&str; 4] = ["fc1/bias", "fc1/weight", "fc2/bias", "fc2/weight"];

#[test]
fn n8_the_squiggle_goes_through_the_three_observations() {
    let graph = Graph::new();
    let net = squiggle(&graph);
    let before = graph.named("fc1/linear").unwrap();
    for run in both(&graph, &data(0.0), &f1(), &[net.prediction, before, net.loss]) {
        let [outputs, before, loss] = run.try_into().unwrap();
        assert_prints("output at dose 0", outputs[0], "−0.011");
        assert_prints("output at dose 0.5", outputs[1], "1.035");
        assert_prints("output at dose 1", outputs[2], "0.005");
        assert_prints("0·(−34.4) + 2.14", before[0], "2.14");
        assert!(loss[0] < 0.01, "the squiggle fits: {}", loss[0]);
    }
}

#[test]
fn n8_the_output_is_each_unit_s_curve_scaled_summed_and_shifted() {
    let graph = Graph::new();
    let net = squiggle(&graph);
    let curves = graph.named("fc1/softplus").unwrap();
    let scale = graph.current("fc2/weight").unwrap();
    let shift = graph.current("fc2/bias").unwrap();
    // One column a unit.
    let scaled = curves * scale.transpose();
    let sum = scaled.sum_axis(-1) + shift;
    for run in both(&graph, &data(0.0), &f1(), &[sum, net.prediction]) {
        assert_close("scaled, summed and shifted", &run[0], &run[1], 1e-6);
    }
}

#[test]
fn n8_a_straight_line_fails_on_the_same_data() {
    let graph = Graph::new();
    let at = graph.root(Mode::Train);
    let dose = graph.input("dose", DType::F32, [3, 1]);
    let observed = graph.input("observed", DType::F32, [3, 1]);
    let line = linear(at.child("line"), dose, 1, Initial::Zeros);
    let loss = Loss::SumOfSquares.of(at.child("loss"), line, observed);
    let gradients = descend(&graph, loss, &["line/bias", "line/weight"]);
    let mut outputs = vec![loss, line];
    outputs.extend(&gradients);
    let mut training = InSession::new(&graph, &data(0.1), &Parameters::new(), &outputs);
    training.losses(2000);
    let [loss, line, in_bias, in_weight] = training.step().try_into().unwrap();
    assert!(in_bias[0].abs() < 1e-5 && in_weight[0].abs() < 1e-5, "the best line is found");
    // By symmetry the best line is level at the mean, 1/3: residuals −1/3, 2/3, −1/3.
    assert_close("the best line", &line, &[1.0 / 3.0; 3], 1e-5);
    assert_close("its sum of squared residuals", &loss, &[6.0 / 9.0], 1e-5);
}

#[test]
fn n9_the_sum_of_squared_residuals_at_four_values_of_b3() {
    let graph = Graph::new();
    let loss = squiggle(&graph).loss;
    for (b3, printed) in [(0.0, "20.4"), (1.0, "7.8"), (2.0, "1.11"), (3.0, "0.46")] {
        let mut states = f2();
        states.insert("fc2/bias", values(&[("", &[1], &[b3])]).get("").unwrap().clone());
        for run in both(&graph, &data(0.0), &states, &[loss]) {
            assert_prints(&format!("SSR at b3 = {b3}"), run[0][0], printed);
        }
    }
}

/// Runs descent on b3: b3, the slope and the step, at each step until the step is 0.001 at most.
fn path_of_b3(training: &mut dyn Steps) -> Vec<[f64; 3]> {
    let mut path = Vec::new();
    for _ in 0..1000 {
        let b3 = training.value("fc2/bias")[0];
        let slope = training.step()[1][0];
        let step = b3 - training.value("fc2/bias")[0];
        path.push([b3, slope, step]);
        if step.abs() <= 0.001 {
            break;
        }
    }
    path
}

#[test]
fn n9_descent_on_b3_takes_the_printed_path() {
    let graph = Graph::new();
    let loss = squiggle(&graph).loss;
    let slope = descend(&graph, loss, &["fc2/bias"])[0];
    let (data, start) = (data(0.1), f2());
    let mut session = InSession::new(&graph, &data, &start, &[loss, slope]);
    let mut reference = InReference::new(&graph, &data, &start, &[loss, slope]);
    for training in [&mut session as &mut dyn Steps, &mut reference] {
        let path = path_of_b3(training);
        let [b3, slope, step] = path[0];
        assert_eq!(b3, 0.0);
        assert_prints("slope at b3 = 0", slope, "−15.7");
        assert_prints("step at b3 = 0", step, "−1.57");
        assert_prints("b3 after one step", path[1][0], "1.57");
        assert_prints("b3 after two steps", path[2][0], "2.19");
        assert_prints("b3 at the end", training.value("fc2/bias")[0], "2.61");
        assert!(path.len() < 20, "the step becomes small after {} steps", path.len());
        for path_frozen in ["fc1/weight", "fc1/bias", "fc2/weight"] {
            let was = start.get(path_frozen).unwrap().to_f64();
            assert_close(path_frozen, &training.value(path_frozen), &was, 1e-7);
        }
    }
}

#[test]
fn n10_three_parameters_are_trained_at_once() {
    let graph = Graph::new();
    let loss = squiggle(&graph).loss;
    let gradients = descend(&graph, loss, &["fc2/weight", "fc2/bias"]);
    let outputs = [loss, gradients[0], gradients[1]];
    let (data, start) = (data(0.1), f3());
    let mut session = InSession::new(&graph, &data, &start, &outputs);
    let mut reference = InReference::new(&graph, &data, &start, &outputs);
    for training in [&mut session as &mut dyn Steps, &mut reference] {
        let [loss, weight, bias] = training.step().try_into().unwrap();
        assert_prints("SSR", loss[0], "1.4");
        assert_prints("dSSR/dw3", weight[0], "2.58");
        // Simultaneous: every new value comes from the gradient at the old values.
        let moved = [0.36 - 0.1 * weight[0], 0.63 - 0.1 * weight[1]];
        assert_close("w3, w4", &training.value("fc2/weight"), &moved, 1e-6);
        assert_close("b3", &training.value("fc2/bias"), &[-0.1 * bias[0]], 1e-6);
        let losses = training.losses(174);
        assert_prints("SSR after 175 steps", losses[174], "0.020");
    }
}

#[test]
fn n10_what_is_frozen_stays_bit_for_bit_and_costs_no_gradient() {
    let graph = Graph::new();
    let net = squiggle(&graph);
    let frozen = ["fc1/weight", "fc1/bias"].map(|path| graph.current(path).unwrap().value());
    descend(&graph, net.loss, &["fc2/weight", "fc2/bias"]);
    let mut training = InSession::new(&graph, &data(0.1), &f3(), &[net.loss]);
    let before = ["fc1/weight", "fc1/bias"].map(|path| training.value(path));
    training.losses(20);
    assert_eq!(["fc1/weight", "fc1/bias"].map(|path| training.value(path)), before);
    assert!(graph.contributions().iter().all(|term| !frozen.contains(&term.of)));
}

/// The sum of squared residuals before the first of `n` steps on all seven, and after each.
fn all_seven(rate: f64, n: usize) -> [Vec<f64>; 2] {
    let graph = Graph::new();
    let loss = squiggle(&graph).loss;
    descend(&graph, loss, &ALL_SEVEN);
    [
        InSession::new(&graph, &data(rate), &f4(), &[loss]).losses(n),
        InReference::new(&graph, &data(rate), &f4(), &[loss]).losses(n),
    ]
}

#[test]
fn n11_at_rate_a_tenth_the_loss_rises_before_it_falls() {
    for losses in all_seven(0.1, 450) {
        assert_prints("SSR", losses[0], "1.896");
        assert_prints("SSR after one step", losses[1], "4.207");
        assert_prints("SSR after two steps", losses[2], "7.409");
        assert_prints("SSR after 450 steps", losses[450], "0.0018");
    }
}

#[test]
fn n11_at_rate_a_fifth_the_loss_explodes_and_ends_far_off() {
    for losses in all_seven(0.2, 450) {
        assert_prints("SSR after one step", losses[1], "21.2");
        assert_prints("SSR after 450 steps", losses[450], "0.543");
    }
}

#[test]
fn n11_four_factors_multiply_to_the_gradient_of_w1() {
    let graph = Graph::new();
    let net = squiggle(&graph);
    let w1_and_w2 = graph.current("fc1/weight").unwrap();
    let (x, y) = (graph.named("fc1/linear").unwrap(), graph.named("fc1/softplus").unwrap());
    // Each factor is a derivative of one node by the node before it, one row a dose.
    let ssr_by_prediction = grad(net.loss, &[net.prediction])[0];
    let prediction_by_y = grad(net.prediction.sum(), &[y])[0].slice(-1, 0..1);
    let y_by_x = grad(y.sum(), &[x])[0].slice(-1, 0..1);
    // Of each dose alone: the sum over doses would not keep them apart.
    let x_by_w1: Vec<Tensor<'_>> = (0..3)
        .map(|dose| grad(x.slice(0, dose..dose + 1).sum(), &[w1_and_w2])[0].slice(-1, 0..1))
        .collect();
    let x_by_w1 = x_by_w1[0].concatenate(&x_by_w1[1..], 0);
    let terms = ssr_by_prediction * prediction_by_y * y_by_x * x_by_w1;
    let whole = grad(net.loss, &[w1_and_w2])[0];
    let e_to_x = x.exp();
    let quotient = (e_to_x / (e_to_x + 1.0)).slice(-1, 0..1);
    let outputs = [
        terms.sum(),
        whole,
        ssr_by_prediction,
        prediction_by_y,
        y_by_x,
        x_by_w1,
        quotient,
        net.prediction,
    ];
    for run in both(&graph, &data(0.1), &f4(), &outputs) {
        let [product, whole, first, second, third, fourth, quotient, prediction] =
            run.try_into().unwrap();
        assert_close("Σ of the four factors' products", &product, &whole[..1], 1e-6);
        assert!(whole[0].abs() > 0.1, "the product is not of zeros");
        // F2's data: dSSR/dpred = −2 · residual; the others are w3, eˣ/(1 + eˣ) and the dose.
        let residuals = [0.0 - prediction[0], 1.0 - prediction[1], 0.0 - prediction[2]];
        assert_close("dSSR/dprediction", &first, &residuals.map(|r| -2.0 * r), 1e-6);
        assert_close("dprediction/dy1 = w3", &second, &[0.36; 3], 1e-6);
        assert_close("dy1/dx1 = eˣ/(1 + eˣ)", &third, &quotient, 1e-6);
        assert_close("dx1/dw1 = dose", &fourth, &[0.0, 0.5, 1.0], 1e-6);
    }
}
