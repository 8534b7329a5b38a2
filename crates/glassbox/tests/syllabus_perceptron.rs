//! Syllabus N26: the perceptron rule (Rosenblatt 1958) changes weights on mistakes only, learns AND,
//! never learns XOR, and has nothing to say to a hidden layer. The rule is recorded as a graph; the
//! loop around it is plain Rust.
#![allow(clippy::unwrap_used)] // In tests; clippy exempts only the test functions themselves.

use crate::support;

use glassbox::engine::{DType, Graph, Mode, Parameters, Tensor, grad};
use glassbox::nn::{Activation, Initial, Loss, Module, linear};
use glassbox::zoo::Mlp;
use support::steps::{InSession, Steps, both, values};

const ROWS: [[f64; 2]; 4] = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];
const AND: [f64; 4] = [0.0, 0.0, 0.0, 1.0];
const OR: [f64; 4] = [0.0, 1.0, 1.0, 1.0];
const XOR: [f64; 4] = [0.0, 1.0, 1.0, 0.0];

/// A perceptron of two inputs that fires where its weighted sum is above 0, from zeros; each run
/// learns from one row at rate 1 and gives whether it was a mistake.
struct Perceptron(InSession);

impl Perceptron {
    fn new() -> Self {
        let graph = Graph::new();
        let at = graph.root(Mode::Train);
        let x = graph.input("x", DType::F32, [1, 2]);
        let told = graph.input("told", DType::F32, [1, 1]);
        let fires = Activation::Step.of(linear(at.child("unit"), x, 1, Initial::Zeros));
        let mistake = told - fires;
        let learn = |path: &str, change: Tensor<'_>| {
            graph.assign(path, graph.state(path).unwrap() + change);
        };
        learn("unit/weight", (mistake * x).transpose());
        learn("unit/bias", mistake.reshape([1]));
        let inputs = values(&[("x", &[1, 2], &[0.0; 2]), ("told", &[1, 1], &[0.0])]);
        Perceptron(InSession::new(&graph, &inputs, &Parameters::new(), &[mistake.abs().sum()]))
    }

    fn weights(&self) -> [f64; 3] {
        let weight = self.0.value("unit/weight");
        [weight[0], weight[1], self.0.value("unit/bias")[0]]
    }

    /// Learns from the four rows in order; gives how many were mistakes.
    fn pass(&mut self, told: [f64; 4]) -> usize {
        let mut mistakes = 0;
        for (row, told) in ROWS.iter().zip(told) {
            self.0.give("x", row);
            self.0.give("told", &[told]);
            let before = self.weights();
            let mistake = self.0.step()[0][0];
            assert_eq!(self.weights() != before, mistake == 1.0, "only a mistake changes weights");
            mistakes += mistake as usize;
        }
        mistakes
    }
}

#[test]
fn n26_and_is_learned_and_its_first_faultless_pass_is_the_sixth() {
    let mut perceptron = Perceptron::new();
    let faultless = (1..=20).find(|_| perceptron.pass(AND) == 0);
    assert_eq!(faultless, Some(6));
    // A line that has the four rows right is left alone for ever.
    let found = perceptron.weights();
    assert_eq!((0..50).map(|_| perceptron.pass(AND)).sum::<usize>(), 0);
    assert_eq!(perceptron.weights(), found);
    let [first, second, bias] = found;
    for (row, told) in ROWS.iter().zip(AND) {
        assert_eq!(first * row[0] + second * row[1] + bias > 0.0, told == 1.0, "{found:?}");
    }
}

#[test]
fn n26_or_is_learned_too() {
    let mut perceptron = Perceptron::new();
    assert!((1..=20).any(|_| perceptron.pass(OR) == 0));
}

#[test]
fn n26_xor_is_never_learned_and_its_weights_go_round_in_a_cycle() {
    let mut perceptron = Perceptron::new();
    let mut met = vec![perceptron.weights()];
    let first_of_cycle = loop {
        assert!(perceptron.pass(XOR) > 0);
        let now = perceptron.weights();
        if let Some(before) = met.iter().position(|weights| *weights == now) {
            break before;
        }
        met.push(now);
        assert!(met.len() < 100, "no cycle");
    };
    // What a pass does follows from the weights alone: it goes on like this for ever.
    let cycle = &met[first_of_cycle..];
    for round in 0..300 {
        assert_eq!(perceptron.weights(), cycle[round % cycle.len()]);
        assert!(perceptron.pass(XOR) > 0);
    }
}

/// A net whose hidden units are perceptrons, on XOR.
fn hidden(activation: Activation) -> [Vec<Vec<f64>>; 2] {
    let graph = Graph::new();
    let at = graph.root(Mode::Train);
    let x = graph.input("x", DType::F32, [4, 2]);
    let told = graph.input("told", DType::I64, [4]);
    let score = Mlp::new([2, 4, 1]).activation(activation).forward(at, x);
    let loss = Loss::BinaryCrossEntropy.of(at.child("loss"), score, told);
    let of = |path| graph.state(path).unwrap();
    let paths = ["fc1/weight", "fc1/bias", "fc2/weight", "fc2/bias"];
    let slopes = grad(loss, &paths.map(of));
    let inputs = values(&[("x", &[4, 2], &ROWS.concat()), ("told", &[4], &XOR)]);
    let start = graph.initial_values(1);
    both(&graph, &inputs, &start, &slopes)
}

#[test]
fn n26_nothing_reaches_a_hidden_layer_through_a_step() {
    for run in hidden(Activation::Step) {
        assert!(run[0].iter().chain(&run[1]).all(|slope| *slope == 0.0), "{run:?}");
        assert!(run[2].iter().any(|slope| *slope != 0.0), "the last layer does learn: {run:?}");
    }
    for run in hidden(Activation::Sigmoid) {
        assert!(run[0].iter().any(|slope| *slope != 0.0), "a smooth unit passes it on: {run:?}");
    }
}
