//! Syllabus N24: gradients through a recurrent net, ReLU against tanh, by step; clipping and skip
//! connections as the cures. Every number is read from recorded graphs, in f32 by a session and in f64
//! by the reference.
#![allow(clippy::unwrap_used)] // In tests; clippy exempts only the test functions themselves.

use crate::support;

use glassbox::engine::{DType, Graph, Initial, Mode, Parameters, Tensor, grad};
use glassbox::nn::{Activation, Clip, Loss, Module, Optimizer, step};
use glassbox::zoo::Mlp;
use support::steps::{InSession, Steps, both, values};

const TIME: usize = 50;

/// h ← f(w · h), fifty times from 1: the last h, its derivative by the first and by each step's w · h
/// before the activation, and every h.
fn one_unit(activation: Activation, w: f64) -> [Vec<Vec<f64>>; 2] {
    let graph = Graph::new();
    let weight = graph.input("w", DType::F32, []);
    let first = graph.input("h", DType::F32, []);
    // Zeros, to have a derivative at each step.
    let into = graph.input("into", DType::F32, [TIME]);
    let (last, all) = graph.scan(TIME, first, into, |h, into, _step| {
        let h = activation.of(h * weight + into);
        (h, h)
    });
    let slopes = grad(last, &[first, into]);
    let inputs = values(&[("w", &[], &[w]), ("h", &[], &[1.0]), ("into", &[TIME], &[0.0; TIME])]);
    both(&graph, &inputs, &Parameters::new(), &[last, slopes[0], slopes[1], all])
}

#[test]
fn n24_through_relu_a_weight_of_2_explodes_and_a_half_vanishes_in_fifty_steps() {
    for (w, printed) in [(2.0, "1.13e15"), (0.5, "8.9e-16")] {
        for run in one_unit(Activation::Relu, w) {
            let digits = printed.split('e').next().unwrap().len() - 2;
            assert_eq!(format!("{:.digits$e}", run[1][0]), printed, "w = {w}");
            // Powers of two are exact, in f32 too. By step: each step back multiplies by w again.
            let expected: Vec<f64> = (0..TIME as i32).map(|t| w.powi(49 - t)).collect();
            assert_eq!(run[2], expected);
            assert_eq!(run[0][0], w.powi(50), "the value goes the same way");
        }
    }
}

#[test]
fn n24_through_tanh_neither_explodes() {
    for w in [2.0, 0.5] {
        for run in one_unit(Activation::Tanh, w) {
            assert!(run[3].iter().all(|h| h.abs() < 1.0), "values stay within −1 and 1");
            assert!(run[2].iter().all(|slope| slope.abs() <= 1.0), "w = {w}: {:?}", run[2]);
            // w = 2 comes to rest at h = tanh 2h, where a step multiplies by 2(1 − h²) = 0.167: tanh
            // does not explode, and forgets instead.
            assert!(run[1][0] > 0.0 && run[1][0] < 1e-15, "w = {w}: {}", run[1][0]);
        }
    }
    let [at_rest, _] = one_unit(Activation::Tanh, 2.0);
    let h = at_rest[0][0];
    let share = at_rest[2][40] / at_rest[2][41];
    assert!((share - 2.0 * (1.0 - h * h)).abs() < 1e-4 && (share - 0.167).abs() < 1e-3, "{share}");
}

const UNITS: usize = 16;

/// A recurrent net of 16 units whose recurrent matrix stretches every direction by `gain`, on a
/// sequence of pseudo-random inputs: the norm of the derivative of a mix of the last values by each
/// step's state, oldest first, and the largest value on the way.
fn many_units(activation: Activation, gain: f64, seed: u64) -> [(Vec<f64>, f64); 2] {
    let graph = Graph::new();
    let at = graph.root(Mode::Train).child("rnn");
    let recurrent = at.parameter("recurrent", [UNITS, UNITS], Initial::Orthogonal { gain });
    let x = graph.input("x", DType::F32, [TIME, 1, UNITS]);
    let zeros = graph.constant(DType::F32, 0.0).broadcast_to([1, UNITS]);
    // Added to each state after its activation: the derivative by it is that by the state.
    let beside = graph.input("beside", DType::F32, [TIME, 1, UNITS]);
    let (last, all) = graph.scan(TIME, zeros, [x, beside], |h, [x, beside], _step| {
        let h = activation.of(x + h.matmul(recurrent)) + beside;
        (h, h)
    });
    let mix = graph.iota([1, UNITS], 1).cast(DType::F32).sin();
    let by_state = grad((last * mix).sum(), &[beside])[0];
    let norms = by_state.square().sum_axis(-1).sqrt();
    let numbers: Vec<f64> = (0..TIME * UNITS).map(|i| 0.3 * (i as f64 * 1.7).sin()).collect();
    let inputs = values(&[
        ("x", &[TIME, 1, UNITS], &numbers),
        ("beside", &[TIME, 1, UNITS], &vec![0.0; TIME * UNITS]),
    ]);
    let outputs = [norms, all.abs().max()];
    both(&graph, &inputs, &graph.initial_values(seed), &outputs).map(|mut run| {
        let largest = run[1][0];
        (run.swap_remove(0), largest)
    })
}

#[test]
fn n24_relu_explodes_where_tanh_stays_bounded() {
    for in_type in 0..2 {
        let mut apart = Vec::new();
        for seed in 0..10 {
            let [relu, tanh] = [Activation::Relu, Activation::Tanh].map(|activation| {
                let (norms, largest) = many_units(activation, 2.5, seed)[in_type].clone();
                (norms[0] / norms[TIME - 1], largest)
            });
            assert!(tanh.1 <= 1.0, "seed {seed}: tanh's values are bounded: {}", tanh.1);
            assert!(relu.1 > 100.0, "seed {seed}: ReLU's are not: {}", relu.1);
            // Tanh bounds values, not slopes: where the net is chaotic its gradient grows too, but
            // by orders of magnitude less.
            apart.push((relu.0 / tanh.0).log10());
        }
        let mean = apart.iter().sum::<f64>() / 10.0;
        assert!(mean > 6.0, "orders of magnitude apart: {apart:?}");
    }
}

#[test]
fn n24_singular_values_below_1_suffice_to_vanish() {
    for activation in [Activation::Tanh, Activation::Relu] {
        for (norms, _) in many_units(activation, 0.9, 1) {
            for (t, norm) in norms.iter().enumerate() {
                // Each step back shortens by 0.9 at least: neither activation is steeper than 1.
                let most = 0.9f64.powi((TIME - 1 - t) as i32) * norms[TIME - 1];
                assert!(*norm <= most * (1.0 + 1e-5), "{activation} at {t}: {norm}, {most}");
            }
        }
    }
}

/// A recurrent net of one ReLU unit, h ← relu(w · h + u · x), shall give the mean of fifty numbers
/// (w = 1, u = 1/50 does), from a recurrent weight that explodes. Gives the losses.
fn mean_of_fifty(clip: Option<Clip>, updates: usize) -> Vec<f64> {
    const SEQUENCES: usize = 8;
    let graph = Graph::new();
    let at = graph.root(Mode::Train);
    let (w, u) = (at.parameter("w", [], 1.4), at.parameter("u", [], 0.5));
    let x = graph.input("x", DType::F32, [TIME, SEQUENCES]);
    let zeros = graph.constant(DType::F32, 0.0).broadcast_to([SEQUENCES]);
    let (last, ()) = graph.scan(TIME, zeros, x, |h, x, _step| ((h * w + x * u).relu(), ()));
    let prediction = last.reshape([SEQUENCES, 1]);
    let observed = x.mean_axis(0).reshape([SEQUENCES, 1]);
    let loss = Loss::SquaredError.of(at.child("loss"), prediction, observed);
    let parameters = graph.parameters();
    let held: Vec<Tensor<'_>> = parameters.iter().map(|(_, tensor)| *tensor).collect();
    let mut gradients = grad(loss, &held);
    if let Some(clip) = clip {
        gradients = clip.of(&gradients);
    }
    let rate = graph.input("rate", DType::F32, []);
    let descent = Optimizer::GRADIENT_DESCENT;
    descent.apply(at.child("optimizer"), parameters, &gradients, rate, step(&graph));
    let numbers: Vec<f64> = (0..TIME * SEQUENCES).map(|i| (i as f64 * 0.618).fract()).collect();
    let inputs = values(&[("x", &[TIME, SEQUENCES], &numbers), ("rate", &[], &[0.002])]);
    InSession::new(&graph, &inputs, &Parameters::new(), &[loss]).losses(updates)
}

#[test]
fn n24_clipping_by_norm_or_by_value_cures_the_explosion() {
    let thrown = mean_of_fifty(None, 600);
    assert!(thrown[0] > 1e13, "w = 1.4 explodes: {}", thrown[0]);
    // One step throws the weights so far that the unit is silent for ever: the loss is that of 0.
    let silent = thrown[1];
    assert!(silent > 0.2 && thrown[1..].iter().all(|loss| *loss == silent), "{thrown:?}");
    for clip in [Clip::Norm(1.0), Clip::Value(1.0)] {
        let losses = mean_of_fifty(Some(clip), 600);
        assert_eq!(losses[0], thrown[0]);
        assert!(losses[600] < silent / 8.0, "{clip:?}: {}", losses[600]);
    }
}

const LAYERS: usize = 24;

/// The gradient norm of each layer's weights in a deep sigmoid net of one width, first layer first.
fn norms_by_layer(skip: bool, seed: u64) -> [Vec<f64>; 2] {
    let graph = Graph::new();
    let at = graph.root(Mode::Train);
    let x = graph.input("x", DType::F32, [8, 12]);
    let told = graph.input("told", DType::F32, [8, 1]);
    let mut sizes = vec![12; LAYERS];
    sizes.push(1);
    let net = Mlp::new(sizes).activation(Activation::Sigmoid).skip(skip);
    let loss = Loss::SquaredError.of(at.child("loss"), net.forward(at, x), told);
    let weight = |layer: usize| graph.state(&format!("fc{layer}/weight")).unwrap();
    let weights: Vec<Tensor<'_>> = (1..=LAYERS).map(weight).collect();
    let norms: Vec<Tensor<'_>> =
        grad(loss, &weights).iter().map(|slope| slope.square().sum().sqrt()).collect();
    let numbers: Vec<f64> = (0..8 * 12).map(|i| (i as f64 * 2.3).sin()).collect();
    let wanted: Vec<f64> = (0..8).map(|i| (i as f64).cos()).collect();
    let inputs = values(&[("x", &[8, 12], &numbers), ("told", &[8, 1], &wanted)]);
    both(&graph, &inputs, &graph.initial_values(seed), &norms).map(|run| run.concat())
}

#[test]
fn n24_a_skip_connection_cures_the_vanishing() {
    for seed in 0..10 {
        for norms in norms_by_layer(false, seed) {
            for (layer, nine) in norms[..LAYERS - 1].windows(9).enumerate() {
                assert!(nine[0] < 0.01 * nine[8], "seed {seed}, layer {}: {norms:?}", layer + 1);
            }
            assert!(norms[0] < 1e-10 * norms[LAYERS - 2], "seed {seed}: {norms:?}");
        }
        for norms in norms_by_layer(true, seed) {
            assert!(norms[0] > 0.01 * norms[LAYERS - 2], "seed {seed}: {norms:?}");
        }
    }
}
