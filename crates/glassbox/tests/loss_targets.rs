//! A target that does not fit the prediction is a mistake that recording reports, never a loss over
//! numbers that broadcasting has made up.
#![allow(clippy::unwrap_used)] // In tests; clippy exempts only the test functions themselves.

use crate::support;

use glassbox::engine::{DType, Graph, Mode, Parameters};
use glassbox::nn::Loss;
use support::steps::{assert_close, both, values};

/// The mistakes of a loss of a prediction and a target of these shapes.
fn mistakes(loss: Loss, prediction: &[usize], target: &[usize]) -> Option<String> {
    let graph = Graph::new();
    let prediction = graph.input("prediction", DType::F32, prediction);
    let target = graph.input("target", loss.target_type(), target);
    let value = loss.of(graph.root(Mode::Train).child("loss"), prediction, target);
    assert_eq!(value.rank(), 0);
    graph.check().err().map(|mistakes| mistakes.to_string())
}

const NUMBERS: [Loss; 2] = [Loss::SquaredError, Loss::SumOfSquares];

#[test]
fn targets_of_the_documented_shape_are_taken() {
    for loss in NUMBERS {
        assert_eq!(mistakes(loss, &[8, 3], &[8, 3]), None);
        assert_eq!(mistakes(loss, &[8, 1], &[8, 1]), None);
    }
    assert_eq!(mistakes(Loss::CrossEntropy, &[8, 3], &[8]), None);
    assert_eq!(mistakes(Loss::CrossEntropy, &[1, 3], &[1]), None);
}

#[test]
fn one_number_a_row_is_compared_with_its_own_row() {
    // Broadcasting would make [4, 1] − [4] a [4, 4] of every row against every target.
    for loss in NUMBERS {
        let graph = Graph::new();
        let prediction = graph.input("prediction", DType::F32, [4, 1]);
        let target = graph.input("target", DType::F32, [4]);
        let value = loss.of(graph.root(Mode::Train).child("loss"), prediction, target);
        let numbers = [1.0, 2.0, 3.0, 4.0];
        let inputs = values(&[("prediction", &[4, 1], &numbers), ("target", &[4], &numbers)]);
        for run in both(&graph, &inputs, &Parameters::new(), &[value]) {
            assert_close("the loss of a perfect prediction", &run[0], &[0.0], 0.0);
        }
    }
}

#[test]
fn one_target_does_not_stand_for_many() {
    for loss in NUMBERS {
        assert!(mistakes(loss, &[8, 3], &[3]).is_some());
        assert!(mistakes(loss, &[8, 3], &[8, 1]).is_some());
        assert!(mistakes(loss, &[8, 3], &[]).is_some());
        assert!(mistakes(loss, &[8, 1], &[8, 3]).is_some());
        assert!(mistakes(loss, &[8, 3], &[3, 8]).is_some());
    }
    assert!(mistakes(Loss::CrossEntropy, &[8, 3], &[1]).is_some());
    assert!(mistakes(Loss::CrossEntropy, &[8, 3], &[4]).is_some());
}

#[test]
fn cross_entropy_takes_rows_of_scores_and_nothing_deeper() {
    // Its mean is over the first axis: more axes would be summed instead.
    assert!(mistakes(Loss::CrossEntropy, &[1, 5, 3], &[1, 5]).is_some());
    assert!(mistakes(Loss::CrossEntropy, &[4, 5, 3], &[4, 5]).is_some());
}
