//! Syllabus N12 (ReLU: bent line, wedge and pointed curve, fixture F5; its derivative at 0) and N13
//! (bent surfaces of each unit and crinkled ones of each class, fixture F6). Every number is read from
//! recorded graphs, in f32 by a session and in f64 by the reference.
#![allow(clippy::unwrap_used)] // In tests; clippy exempts only the test functions themselves.

use crate::support;

use glassbox::engine::{DType, Graph, Mode, Parameters, Tensor, grad};
use glassbox::nn::{Activation, Module};
use glassbox::zoo::Mlp;
use support::steps::{assert_close, assert_prints, both, values};

/// Fixture F5: a 1-2-1 net with ReLU after the sum too.
fn f5() -> Parameters {
    values(&[
        ("fc1/weight", &[1, 2], &[1.70, 12.6]),
        ("fc1/bias", &[2], &[-0.85, 0.0]),
        ("fc2/weight", &[2, 1], &[-40.8, 2.7]),
        ("fc2/bias", &[1], &[-16.0]),
    ])
}

/// The net at these doses, and its prediction.
fn net<'g>(graph: &'g Graph, doses: &[f64]) -> (Tensor<'g>, Tensor<'g>, Parameters) {
    let dose = graph.input("dose", DType::F32, [doses.len(), 1]);
    let model = Mlp::new([1, 2, 1]).activation(Activation::Relu);
    let prediction = model.forward(graph.root(Mode::Eval), dose).relu();
    (dose, prediction, values(&[("dose", &[doses.len(), 1], doses)]))
}

#[test]
fn n12_the_pointed_curve_goes_through_the_three_observations() {
    let graph = Graph::new();
    let (_, prediction, doses) = net(&graph, &[0.0, 0.5, 1.0]);
    for run in both(&graph, &doses, &f5(), &[prediction]) {
        for (value, printed) in run[0].iter().zip(["0", "1.01", "0"]) {
            assert_prints("prediction", *value, printed);
        }
        assert_eq!((run[0][0], run[0][2]), (0.0, 0.0), "cut off, not merely small");
    }
}

/// The indices at which an evenly sampled curve bends.
fn bends(curve: &[f64]) -> Vec<usize> {
    let second = curve.windows(3).map(|y| y[2] - 2.0 * y[1] + y[0]);
    second.enumerate().filter(|(_, bend)| bend.abs() > 1e-3).map(|(i, _)| i + 1).collect()
}

#[test]
fn n12_bent_lines_add_up_to_a_wedge_and_relu_makes_it_pointed() {
    let along: Vec<f64> = (0..=200).map(|i| f64::from(i) / 200.0).collect();
    let graph = Graph::new();
    let (_, prediction, doses) = net(&graph, &along);
    let units = graph.named("fc1/relu").unwrap();
    let scale = graph.state("fc2/weight").unwrap();
    // One column a unit.
    let scaled = units * scale.transpose();
    let outputs = [scaled.slice(-1, 0..1), scaled.slice(-1, 1..2), scaled.sum_axis(-1), prediction];
    for run in both(&graph, &doses, &f5(), &outputs) {
        let [first, second, wedge, pointed] = &run[..] else { unreachable!() };
        // The first unit is 0 up to dose 0.85/1.70 and goes down from there; the second bends at 0.
        assert_eq!(bends(first), [100], "a bent line");
        assert!(first[..=100].iter().all(|y| y.abs() < 1e-4) && first[200] < -30.0);
        assert!(bends(second).is_empty(), "a line between doses 0 and 1");
        assert_eq!(bends(wedge), [100], "a wedge");
        assert!(wedge[..=100].is_sorted() && wedge[100..].is_sorted_by(|a, b| a >= b));
        // The wedge, lowered by 16 and cut off below 0: from where 2.7 · 12.6 · dose is 16.
        let lowered: Vec<f64> = wedge.iter().map(|y| (y - 16.0).max(0.0)).collect();
        assert_close("a pointed curve", pointed, &lowered, 1e-5);
        let tip = (0..=200).max_by(|&a, &b| pointed[a].total_cmp(&pointed[b])).unwrap();
        assert_eq!(tip, 100);
        let up: Vec<usize> = (0..=200).filter(|&i| pointed[i] > 0.0).collect();
        assert_eq!(up.first(), Some(&95), "above 0 from dose {} on", 16.0 / (2.7 * 12.6));
        assert!(up.windows(2).all(|pair| pair[1] == pair[0] + 1) && up.len() < 12, "{up:?}");
    }
}

#[test]
fn n12_the_derivative_at_0_is_chosen_to_be_0() {
    let graph = Graph::new();
    let x = graph.input("x", DType::F32, [5]);
    let slope = grad(x.relu().sum(), &[x])[0];
    let as_activation = grad(Activation::Relu.of(x).sum(), &[x])[0];
    let inputs = values(&[("x", &[5], &[-1.0, -1e-30, 0.0, 1e-30, 1.0])]);
    for run in both(&graph, &inputs, &Parameters::new(), &[slope, as_activation]) {
        assert_eq!(run[0], [0.0, 0.0, 0.0, 1.0, 1.0]);
        assert_eq!(run[1], run[0]);
    }
}

#[test]
fn n12_at_the_tip_the_slope_is_that_of_the_side_where_the_first_unit_sleeps() {
    // 1.70 · 0.5 is 0.85 in both precisions: at the tip the first unit stands exactly at its corner.
    let graph = Graph::new();
    let near = [0.49, 0.5, 0.51];
    let (dose, prediction, doses) = net(&graph, &near);
    let slope = grad(prediction.sum(), &[dose])[0];
    let sums = graph.named("fc1/linear").unwrap();
    for run in both(&graph, &doses, &f5(), &[slope, sums]) {
        assert_eq!(run[1][2], 0.0, "the first unit's sum at dose 0.5");
        let (before, after) = (2.7 * 12.6, 2.7 * 12.6 - 40.8 * 1.7);
        assert_close("slope", &run[0], &[before, before, after], 1e-6);
    }
}

/// Fixture F6's weights (b3 = 0).
fn f6() -> Parameters {
    values(&[
        ("fc1/weight", &[2, 2], &[-2.5, -1.5, 0.6, 0.4]),
        ("fc1/bias", &[2], &[1.6, 0.7]),
        ("fc2/weight", &[2, 3], &[-0.1, 2.4, -2.2, 1.5, -5.2, 3.7]),
        ("fc2/bias", &[3], &[0.0, 0.0, 1.0]),
    ])
}

const SIDE: usize = 21;

/// Every pair of petal and sepal width on a grid over 0…1, petal along the rows.
fn widths() -> Vec<f64> {
    let along = |i: usize| i as f64 / (SIDE - 1) as f64;
    (0..SIDE).flat_map(|p| (0..SIDE).flat_map(move |s| [along(p), along(s)])).collect()
}

#[test]
fn n13_each_unit_s_surface_is_bent_once_and_each_class_s_is_crinkled_from_both() {
    let graph = Graph::new();
    let x = graph.input("x", DType::F32, [SIDE * SIDE, 2]);
    let raw = Mlp::new([2, 2, 3]).activation(Activation::Relu).forward(graph.root(Mode::Eval), x);
    let units = graph.named("fc1/relu").unwrap();
    // The derivative by petal and sepal width, at every place: constant on each flat piece.
    let of_units = [0, 1].map(|unit| grad(units.slice(-1, unit..unit + 1).sum(), &[x])[0]);
    let of_classes = [0, 1, 2].map(|class| grad(raw.slice(-1, class..class + 1).sum(), &[x])[0]);
    let mut outputs = vec![units];
    outputs.extend(of_units.iter().chain(&of_classes));
    let inputs = values(&[("x", &[SIDE * SIDE, 2], &widths())]);
    for run in both(&graph, &inputs, &f6(), &outputs) {
        let awake = |unit: usize, at: usize| run[0][2 * at + unit] > 0.0;
        let slopes = |of: usize, at: usize| [run[1 + of][2 * at], run[1 + of][2 * at + 1]];
        let into = [[-2.5, 0.6], [-1.5, 0.4]];
        let out = [[-0.1, 1.5], [2.4, -5.2], [-2.2, 3.7]];
        let mut pieces = std::collections::BTreeSet::new();
        for at in 0..SIDE * SIDE {
            let on = [0, 1].map(|unit| f64::from(u8::from(awake(unit, at))));
            for unit in 0..2 {
                let expected = into[unit].map(|slope| slope * on[unit]);
                assert_close("a unit is a plane or 0", &slopes(unit, at), &expected, 1e-6);
            }
            for (class, out) in out.iter().enumerate() {
                let of = |input: usize| {
                    (0..2).map(|unit| out[unit] * into[unit][input] * on[unit]).sum()
                };
                let expected: [f64; 2] = [of(0), of(1)];
                assert_close("a class is the sum of both", &slopes(2 + class, at), &expected, 1e-5);
            }
            pieces.insert(on.map(|on| on as u8));
        }
        // Both units awake, only the first, none: three flat pieces a class.
        assert_eq!(pieces.into_iter().collect::<Vec<_>>(), [[0, 0], [1, 0], [1, 1]]);
    }
}

#[test]
fn n13_the_prediction_is_the_class_whose_surface_is_highest() {
    let graph = Graph::new();
    let x = graph.input("x", DType::F32, [SIDE * SIDE, 2]);
    let raw = Mlp::new([2, 2, 3]).activation(Activation::Relu).forward(graph.root(Mode::Eval), x);
    let inputs = values(&[("x", &[SIDE * SIDE, 2], &widths())]);
    for run in both(&graph, &inputs, &f6(), &[raw, raw.argmax(-1)]) {
        let highest = |raw: &[f64]| {
            let best = (0..3).max_by(|&a, &b| raw[a].total_cmp(&raw[b]));
            best.unwrap() as f64
        };
        let expected: Vec<f64> = run[0].chunks(3).map(highest).collect();
        assert_eq!(run[1], expected);
        // Narrow petals are setosas, wide ones virginicas, and versicolors lie between.
        let along_sepal_half = |petal: usize| run[1][petal * SIDE + SIDE / 2];
        let classes: Vec<f64> = (0..SIDE).map(along_sepal_half).collect();
        let mut met = classes.clone();
        met.dedup();
        assert_eq!(met, [0.0, 1.0, 2.0], "{classes:?}");
    }
}
