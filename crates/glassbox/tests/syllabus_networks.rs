//! Syllabus N18 (hidden representations), N19 (a stack of linear layers is one linear map), N20 (losses
//! as maximum likelihood) and N25 (why weights are drawn).
#![allow(clippy::unwrap_used)] // In tests; clippy exempts only the test functions themselves.

use crate::support;

use glassbox::engine::{DType, Graph, Mode, Parameters};
use glassbox::nn::{Activation, Initial, Loss, Module, Optimizer};
use glassbox::zoo::Mlp;
use support::steps::{InReference, InSession, Steps, assert_close, both, values};

const XOR: [f64; 8] = [0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0];
const OBSERVED: [f64; 4] = [0.0, 1.0, 1.0, 0.0];

/// The probabilities of the four rows after 2000 steps of gradient descent at rate 0.5 on the mean
/// cross entropy of a sigmoid (its last layer is part of the loss).
fn xor(model: &Mlp, seed: u64, steps: usize) -> Vec<f64> {
    let graph = Graph::new();
    let at = graph.root(Mode::Train);
    let x = graph.input("x", DType::F32, [4, 2]);
    let observed = graph.input("observed", DType::I64, [4]);
    let score = model.forward(at, x);
    let loss = Loss::BinaryCrossEntropy.of(at.child("loss"), score, observed);
    let (rate, step) = (graph.input("rate", DType::F32, []), graph.input("step", DType::I64, []));
    let descent = Optimizer::GRADIENT_DESCENT;
    descent.update(at.child("optimizer"), loss, graph.parameters(), rate, step);
    let inputs =
        values(&[("x", &[4, 2], &XOR), ("observed", &[4], &OBSERVED), ("rate", &[], &[0.5])]);
    let start = graph.initial_values(seed);
    let mut training = InSession::new(&graph, &inputs, &start, &[score.sigmoid()]);
    for _ in 0..steps {
        training.step();
    }
    training.step().swap_remove(0)
}

fn learned(probabilities: &[f64]) -> bool {
    probabilities.iter().zip(OBSERVED).all(|(p, observed)| (p - observed).abs() < 0.5)
}

#[test]
fn n18_xor_is_learned_with_a_hidden_layer_by_nineteen_seeds_of_twenty() {
    let model = Mlp::new([2, 4, 1]).activation(Activation::Tanh).initial(Initial::Xavier);
    let right = (0..20).filter(|&seed| learned(&xor(&model, seed, 2000))).count();
    assert!(right >= 19, "{right} of 20");
}

#[test]
fn n18_xor_fails_without_a_hidden_layer() {
    let model = Mlp::new([2, 1]).initial(Initial::Xavier);
    for seed in 0..20 {
        let probabilities = xor(&model, seed, 2000);
        assert!(!learned(&probabilities), "seed {seed}: {probabilities:?}");
        // The best that one line can do is to say a half everywhere.
        assert_close("probabilities", &probabilities, &[0.5; 4], 1e-3);
    }
}

#[test]
fn n19_a_stack_of_linear_layers_collapses_to_one_linear_map() {
    let graph = Graph::new();
    let at = graph.root(Mode::Eval);
    let x = graph.input("x", DType::F32, [5, 3]);
    let stack = Mlp::new([3, 7, 6, 2]).activation(Activation::Identity);
    let y = stack.forward(at, x);
    let of = |layer: usize, what: &str| graph.state(&format!("fc{layer}/{what}")).unwrap();
    // f(f(f(x))) = x · (W1 W2 W3) + ((b1 W2 + b2) W3 + b3)
    let weight = of(1, "weight").matmul(of(2, "weight")).matmul(of(3, "weight"));
    let row = |b: glassbox::engine::Tensor<'_>| b.reshape([1, b.elements()]).value();
    let b1 = graph.tensor(row(of(1, "bias"))).unwrap();
    let bias = (b1.matmul(of(2, "weight")) + of(2, "bias")).matmul(of(3, "weight")) + of(3, "bias");
    let one = x.matmul(weight) + bias;
    let numbers: Vec<f64> = (0..15).map(|i| (f64::from(i) * 0.7).sin()).collect();
    let inputs = values(&[("x", &[5, 3], &numbers)]);
    let mut start = graph.initial_values(3);
    for layer in 1..=3 {
        let path = format!("fc{layer}/bias");
        let size = start.get(&path).unwrap().shape().clone();
        let bias: Vec<f64> = (0..size.elements()).map(|i| 0.3 - 0.1 * i as f64).collect();
        start.insert(path, glassbox::engine::Array::new(size, bias).unwrap());
    }
    let runs = both(&graph, &inputs, &start, &[y, one]);
    for (run, tolerance) in runs.iter().zip([1e-6, 1e-14]) {
        assert_close("the stack", &run[0], &run[1], tolerance);
    }
}

/// What a loss of one row says, in f64.
fn loss_of(loss: Loss, prediction: &[f64], target: f64) -> f64 {
    let graph = Graph::new();
    let width = prediction.len();
    let y = graph.input("y", DType::F64, [1, width]);
    let (target_type, shape) = match loss.target_type() {
        DType::I64 => (DType::I64, vec![1]),
        _ => (DType::F64, vec![1, 1]),
    };
    let told = graph.input("told", target_type, shape.clone());
    let value = loss.of(graph.root(Mode::Eval).child("loss"), y, told);
    let inputs = values(&[("y", &[1, width], prediction), ("told", &shape, &[target])]);
    InReference::new(&graph, &inputs, &Parameters::new(), &[value]).step()[0][0]
}

#[test]
fn n20_each_loss_is_the_negative_log_likelihood_of_its_distribution() {
    use std::f64::consts::{PI, TAU};
    for (y, told) in [(0.3, 1.7), (-2.0, -2.0), (4.0, 1.0), (0.0, 0.2)] {
        let apart: f64 = told - y;
        // Laplace of width 1: e^−|x| / 2.
        let laplace = -((-apart.abs()).exp() / 2.0).ln();
        let mae = loss_of(Loss::AbsoluteError, &[y], told);
        assert!((mae + 2f64.ln() - laplace).abs() < 1e-12);
        // Gaussian of variance ½: e^−x² / √π.
        let gaussian = -((-apart * apart).exp() / PI.sqrt()).ln();
        let mse = loss_of(Loss::SquaredError, &[y], told);
        assert!((mse + PI.ln() / 2.0 - gaussian).abs() < 1e-12);
        // Gaussian of the variance that the model says.
        for log_variance in [-1.0f64, 0.0, 2.0] {
            let variance = log_variance.exp();
            let density = (-apart * apart / (2.0 * variance)).exp() / (TAU * variance).sqrt();
            let nll = loss_of(Loss::GaussianNll, &[y, log_variance], told);
            assert!((nll + density.ln()).abs() < 1e-12);
        }
        // Huber: Gaussian in the middle, Laplace outside.
        let huber = loss_of(Loss::Huber { delta: 1.0 }, &[y], told);
        let expected = if apart.abs() <= 1.0 { mse / 2.0 } else { mae - 0.5 };
        assert!((huber - expected).abs() < 1e-12);
    }
    // Bernoulli by a sigmoid, categorical by a softmax.
    let sigmoid = |score: f64| 1.0 / (1.0 + (-score).exp());
    for score in [-3.0, 0.0, 0.5, 8.0] {
        for (told, p) in [(1.0, sigmoid(score)), (0.0, 1.0 - sigmoid(score))] {
            let binary = loss_of(Loss::BinaryCrossEntropy, &[score], told);
            assert!((binary + p.ln()).abs() < 1e-12);
            let categorical = loss_of(Loss::CrossEntropy, &[0.0, score], told);
            assert!((categorical + p.ln()).abs() < 1e-12);
        }
    }
}

#[test]
fn n25_units_that_start_alike_stay_alike_and_drawn_ones_do_not() {
    let hidden = |initial: Initial| {
        let model = Mlp::new([2, 3, 1]).activation(Activation::Tanh).initial(initial);
        let graph = Graph::new();
        let at = graph.root(Mode::Train);
        let x = graph.input("x", DType::F32, [4, 2]);
        let observed = graph.input("observed", DType::I64, [4]);
        let loss = Loss::BinaryCrossEntropy.of(at.child("loss"), model.forward(at, x), observed);
        let rate = graph.input("rate", DType::F32, []);
        let step = graph.input("step", DType::I64, []);
        let descent = Optimizer::GRADIENT_DESCENT;
        descent.update(at.child("optimizer"), loss, graph.parameters(), rate, step);
        // AND, which has something to learn from the first step on.
        let told = [0.0, 0.0, 0.0, 1.0];
        let inputs =
            values(&[("x", &[4, 2], &XOR), ("observed", &[4], &told), ("rate", &[], &[0.5])]);
        let mut training = InSession::new(&graph, &inputs, &graph.initial_values(1), &[loss]);
        training.losses(50);
        training.value("fc1/weight")
    };
    for initial in [Initial::Zeros, Initial::Constant { value: 0.3 }] {
        let weights = hidden(initial);
        for of_input in weights.chunks(3) {
            assert!(of_input.iter().all(|w| *w == of_input[0]), "{initial}: {weights:?}");
        }
    }
    for initial in [Initial::Xavier, Initial::He, Initial::LecunUniform] {
        let weights = hidden(initial);
        assert!(weights[0] != weights[1] && weights[1] != weights[2], "{initial}: {weights:?}");
    }
}
